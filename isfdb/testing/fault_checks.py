"""Faults below a loaderdumper, as one call: ``check_faults(module, examples)``. What it must do with them: let them come out.

The disk is full in the middle of a file, a call of the system is refused, Ctrl-C is pressed. isfdb throws away what was staged, provided
that `dump` raises; a `dump` that returns says that all is there.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from isfdb.identical import assert_identical
from isfdb.testing.failing_system import failing_system
from isfdb.testing.interrupts import interrupted

#: So many calls of one kind are refused, or interrupted, for one example.
MOST_TRIES: Final = 12

Equal = Callable[[Any, Any], Any]


def check_faults(module: Any, examples: Iterable[Any], *, equal: Equal | None = None) -> int:
    """Raise unless a loaderdumper lets the disk's refusals, and Ctrl-C, come out, and works again afterwards.

    Parameters
    ----------
    module : module
        Has ``dump`` and ``Loader``.
    examples : iterable
        Values it keeps. One of some hundred kB shows most.
    equal : callable, optional
        As for :func:`check_loaderdumper`.

    Returns
    -------
    int
        How many faults were made.

    Raises
    ------
    AssertionError
        The first fault that was swallowed, and what to do.

    Examples
    --------
    >>> from loaderdumpers import to_bytes
    >>> check_faults(to_bytes, [b"abc" * 1000]) > 5
    True
    """
    n_faults = 0
    for value in examples:
        with tempfile.TemporaryDirectory(prefix="isfdb-faults-") as folder:
            checked = _Checked(module, value, equal, os.path.realpath(folder))
            n_refused = checked.refused_dumps() + checked.full_disk() + checked.refused_loads()
            n_faults += n_refused and n_refused + checked.interrupted_dumps()
            checked.works("after all these faults")
    if not n_faults:
        raise AssertionError("no fault was made: pass values that are written to files")
    return n_faults


class _Checked:
    """One example, dumped again and again into folders of its own."""

    def __init__(self, module: Any, value: Any, equal: Equal | None, folder: str) -> None:
        self.module, self.value, self.equal, self.folder = module, value, equal or assert_identical, folder
        self.what = f"the example of type {type(value).__qualname__}"
        self._n_folders = 0
        self.whole = self._new_folder()
        self.arguments = module.dump(value, self.whole) or {}
        self._open = _open_below(folder)

    def _new_folder(self) -> str:
        self._n_folders += 1
        path = os.path.join(self.folder, str(self._n_folders))
        os.mkdir(path)
        return path

    def works(self, when: str) -> None:
        """See that dumping and loading work."""
        savedir = self._new_folder()
        self._compare(self.module.dump(self.value, savedir) or {}, savedir, when, "keep no state between calls")

    def _compare(self, arguments: dict[str, Any], savedir: str, when: str, advice: str) -> None:
        try:
            answer = self.equal(self.module.Loader(**arguments).get(savedir), self.value)
        except Exception as error:
            raise AssertionError(
                f"dump of {self.what} returned {when}, and what it wrote cannot be read back: {error}; {advice}"
            ) from error
        if answer is not None and not answer:
            raise AssertionError(f"dump of {self.what} returned {when}, and what it wrote is another value; {advice}")

    def _is_equal(self, loaded: Any) -> bool:
        try:
            answer = self.equal(loaded, self.value)
        except Exception:  # noqa: BLE001 - whatever comparing two different values raises
            return False
        return answer is None or bool(answer)

    def full_disk(self) -> int:
        """Let no file grow beyond some size; libraries in C meet that as well."""
        largest = max([os.path.getsize(path) for path in _files_below(self.whole)], default=0)
        limits = sorted({0, largest // 3, largest - 1}) if largest and sys.platform != "win32" else []
        for limit in limits:
            savedir = self._new_folder()
            try:
                with _no_file_beyond(limit):
                    arguments = self.module.dump(self.value, savedir) or {}
            except Exception:  # noqa: BLE001, S112 - as it should be, whatever the library calls it
                continue
            self._compare(arguments, savedir, f"though the disk took only {limit:,} bytes of a file", "let errors of writing come out")
        self._complain_of_descriptors("a full disk")
        return len(limits)

    def refused_dumps(self) -> int:
        """Refuse calls of a dump."""

        def dump(at: int) -> tuple[int, bool]:
            savedir = self._new_folder()
            with failing_system(savedir, at, errno.EIO) as system:
                try:
                    arguments = self.module.dump(self.value, savedir) or {}
                except Exception:  # noqa: BLE001 - as above
                    return system.n_calls, system.failed is not None
            if system.failed:
                self._compare(arguments, savedir, f"though the system refused to {system.failed}", "let the error come out")
            return system.n_calls, system.failed is not None

        return self._at_some_places(dump, "a refused call")

    def refused_loads(self) -> int:
        """Refuse calls of a load: it raises, or gives the right value all the same."""

        def load(at: int) -> tuple[int, bool]:
            with failing_system(self.whole, at, errno.EIO) as system:
                try:
                    loaded = self.module.Loader(**self.arguments).get(self.whole)
                except Exception:  # noqa: BLE001 - as above
                    return system.n_calls, system.failed is not None
            if system.failed and not self._is_equal(loaded):
                message = f"loading {self.what} gave another value when the system refused to {system.failed}; let the error come out"
                raise AssertionError(message)
            return system.n_calls, system.failed is not None

        return self._at_some_places(load, "a refused load")

    def interrupted_dumps(self) -> int:
        """Press Ctrl-C inside a dump."""

        def dump(at: int) -> tuple[int, bool]:
            savedir = self._new_folder()
            came_out = False
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)  # of a file that was just being opened Python itself takes care
                with interrupted(at, [self.module.__file__]) as interruption:
                    try:
                        self.module.dump(self.value, savedir)
                    except KeyboardInterrupt:
                        came_out = True
                gc.collect()
            if interruption.where and not came_out:
                raise AssertionError(f"dump of {self.what} swallowed Ctrl-C at {interruption.where}; catch Exception, not BaseException")
            return interruption.n_places, came_out

        return self._at_some_places(dump, None)

    def _at_some_places(self, fault: Callable[[int], tuple[int, bool]], name: str | None) -> int:
        """Make the fault at some of its places, evenly over all there are; return how often it was made."""
        n_places, _ = fault(0)
        step = max(1, -(-n_places // MOST_TRIES))
        n_made = sum(fault(at)[1] for at in range(1, n_places + 1, step))
        if name:
            self._complain_of_descriptors(name)
        return n_made

    def _complain_of_descriptors(self, after: str) -> None:
        if getattr(self.module, "mutable", False):
            return  # what is open belongs to a value that lives
        gc.collect()
        left = _open_below(self.folder) - self._open
        if left:
            raise AssertionError(f"{self.what}: after {after} {sorted(left)[0]} stayed open; open files with `with`")


def _files_below(folder: str) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        yield from (os.path.join(place, name) for name in names)


def _open_below(folder: str) -> set[str]:
    """Return the files below a folder that this process holds open; empty where the system does not say."""
    found = set()
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            path = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the one that listed
        if path.startswith(f"{folder}/"):
            found.add(path)
    return found


@contextmanager
def _no_file_beyond(n_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond `n_bytes`: what is written there fails, at that byte, as on a full disk."""
    import resource  # not on Windows

    standing = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, standing[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, standing)
