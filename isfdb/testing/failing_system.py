"""An operating system that says no once: of the calls that Python code makes below a folder, reads included, one fails.

Nothing here is used by isfdb itself. `faults.FailingCalls` fails the calls of a storage; this one stands below everything that goes
through ``os`` and ``open``, so also below a loaderdumper. What a library does in C it does not see::

    with failing_system(folder, at=17, error=errno.EIO) as system:
        db["rates"] = rates
"""

from __future__ import annotations

import builtins
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

#: Functions of ``os`` that may fail, by what they do: look, change, or go through a descriptor.
LOOKING: Final = ("stat", "lstat", "listdir", "scandir", "readlink", "access")
CHANGING: Final = ("open", "mkdir", "rename", "replace", "link", "unlink", "remove", "rmdir", "truncate", "utime", "chmod")
BY_DESCRIPTOR: Final = ("read", "write", "fsync", "fdatasync", "fstat", "ftruncate")


class FailingSystem:
    """Counts calls below a folder, and fails one of them.

    Parameters
    ----------
    folder : path
    at : int
        Which call fails, counted from 1; 0: none.
    error : int
        The number of the error: ``errno.EIO``. 0: a write is short, which is legal and must go unnoticed.
    happens : bool
        The call is made all the same, only its answer is lost.

    Attributes
    ----------
    n_calls : int
        Calls so far.
    failed : str or None
        The call that failed.
    """

    def __init__(self, folder: str | os.PathLike[str], at: int = 0, error: int = 0, *, happens: bool = False) -> None:
        self.folder = os.path.realpath(folder)
        self.at = at
        self.error = error
        self.happens = happens
        self.n_calls = 0
        self.failed: str | None = None
        self._inside = threading.local()
        self._lock = threading.Lock()
        self._readlink = os.readlink

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` as it is to be called from now on."""

        def call(*arguments: Any, **options: Any) -> Any:
            if getattr(self._inside, "is_busy", False):
                return function(*arguments, **options)  # made by another call, which was counted
            self._inside.is_busy = True
            try:
                return self._call(name, function, arguments, options)
            finally:
                self._inside.is_busy = False

        return call

    def _call(self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        path = self._path(arguments)
        if path is None or (self.error == 0 and name != "write"):
            return function(*arguments, **options)
        with self._lock:
            self.n_calls += 1
            is_it = self.n_calls == self.at
        if not is_it:
            return function(*arguments, **options)
        self.failed = f"{name} {path}"
        if self.error == 0:
            return function(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
        if self.happens:
            answer = function(*arguments, **options)
            if name == "open" and isinstance(answer, int):
                os.close(answer)  # the caller never learns its number
            elif hasattr(answer, "close"):
                answer.close()
        elif name == "write":
            function(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
        raise OSError(self.error, os.strerror(self.error), path)

    def _path(self, arguments: tuple[Any, ...]) -> str | None:
        """Return the path of the first argument, which may be a descriptor, if it lies in the folder."""
        if not arguments:
            return None
        try:
            path = self._readlink(f"/proc/self/fd/{arguments[0]}") if isinstance(arguments[0], int) else os.fspath(arguments[0])
        except (OSError, TypeError):
            return None
        if not isinstance(path, str):
            return None
        return path if f"{path}/".startswith(f"{self.folder}/") else None


@contextmanager
def failing_system(folder: str | os.PathLike[str], at: int = 0, error: int = 0, *, happens: bool = False) -> Iterator[FailingSystem]:
    """Fail one call that the block makes below `folder`, in whatever thread; see :class:`FailingSystem`."""
    system = FailingSystem(folder, at, error, happens=happens)
    places = [(os, name) for name in (*LOOKING, *CHANGING, *BY_DESCRIPTOR) if hasattr(os, name)] + [(builtins, "open"), (io, "open")]
    standing = [(module, name, getattr(module, name)) for module, name in places]
    for module, name, function in standing:
        setattr(module, name, system.wrap(name, function))
    try:
        yield system
    finally:
        for module, name, function in standing:
            setattr(module, name, function)
