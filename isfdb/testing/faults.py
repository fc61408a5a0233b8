"""Faults for tests: calls to the file system that are written down, or of which one fails.

Nothing here is used by isfdb itself. What a power cut may leave of what was written down, `crash_states.py` says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from isfdb.storage import local
from isfdb.storage.file_calls import FileCalls


@dataclass(frozen=True)
class Call:
    """One call that changed, or flushed, the file system.

    Attributes
    ----------
    name : str
        ``make_folder``, ``rewrite``, ``append``, ``write``, ``truncate``, ``rename``, ``link``, ``unlink``, ``remove_folder``, ``flush``
        or ``mark``.
    paths : tuple of str
        Relative to the recorder's folder; of a mark its text.
    data : bytes
        What was written.
    offset : int
        Where it was written; of ``truncate`` the new length.
    """

    name: str
    paths: tuple[str, ...]
    data: bytes = b""
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.name} {' -> '.join(self.paths)}"


class RecordingCalls(FileCalls):
    """Makes every call and writes it down.

    What others wrote into a folder, as a loaderdumper does into its stage, is noticed when the folder is flushed or renamed, and
    written down as calls made just before that.

    Parameters
    ----------
    folder : str
        What lies elsewhere is not recorded. What lies here now counts as being on the disk.
    flushes : bool
        False: flushes are neither made nor recorded. A test that does not fail then tests nothing.

    Attributes
    ----------
    start, trace : list of Call
        How to make what lay in `folder` at first, and what was done since.
    """

    def __init__(self, folder: str, *, flushes: bool = True) -> None:
        self.folder = os.path.abspath(folder)
        self.flushes = flushes
        self.begin()

    def begin(self) -> None:
        """Forget what was recorded: what lies in the folder now counts as being on the disk."""
        self.trace: list[Call] = []
        self._seen: dict[str, tuple[int, ...]] = {"": ()}
        self._notice(self.folder)
        self.start, self.trace = self.trace, []

    def mark(self, text: str) -> None:
        """Note that the caller reached a point, for example that a value was acknowledged."""
        self.trace.append(Call("mark", (text,)))

    def _relative(self, path: str) -> str | None:
        if path == self.folder:
            return ""
        return path[len(self.folder) + 1 :] if path.startswith(f"{self.folder}/") else None

    def _record(self, name: str, *paths: str, data: bytes = b"") -> None:
        known = [relative for path in paths if (relative := self._relative(path)) is not None]
        for path in known:
            self._note_parents(path)
        if len(known) == len(paths):
            self.trace.append(Call(name, tuple(known), data))

    def _note_parents(self, relative: str) -> None:
        parent = relative.rpartition("/")[0]
        if parent not in self._seen:
            self._note_parents(parent)
            self._seen[parent] = ()
            self.trace.append(Call("make_folder", (parent,)))

    def _look(self, path: str) -> None:
        """Remember a file or folder as it is now, so that `_notice` finds only what others change."""
        if (relative := self._relative(path)) is not None:
            self._seen[relative] = _facts(path)

    def _notice(self, path: str) -> None:
        relative = self._relative(path)
        if relative is None:
            return
        facts = _facts(path)
        if self._seen.get(relative) != facts:
            self._note_new(path, relative, facts)
        if not facts:
            for name in sorted(os.listdir(path)):
                self._notice(f"{path}/{name}")

    def _note_new(self, path: str, relative: str, facts: tuple[int, ...]) -> None:
        twin = next((other for other, seen in self._seen.items() if facts and seen[:2] == facts[:2] and other != relative), None)
        self._seen[relative] = facts
        if not facts:
            self._record("make_folder", path)
        elif twin is not None and os.path.exists(f"{self.folder}/{twin}"):
            self._record("link", f"{self.folder}/{twin}", path)
        else:
            with open(path, "rb") as file:
                self._record("rewrite", path, data=file.read())

    def make_folder(self, path: str) -> None:
        """Create one folder."""
        super().make_folder(path)
        self._record("make_folder", path)
        self._look(path)

    def create(self, path: str, data: bytes) -> None:
        """Create a file."""
        super().create(path, data)
        self._record("rewrite", path, data=data)
        self._look(path)

    def rewrite(self, path: str, data: bytes) -> None:
        """Write a file anew."""
        super().rewrite(path, data)
        self._record("rewrite", path, data=data)
        self._look(path)

    def append(self, path: str, data: bytes) -> None:
        """Add to a file."""
        super().append(path, data)
        self._record("append", path, data=data)
        self._look(path)

    def rename(self, old: str, new: str) -> None:
        """Rename."""
        self._notice(old)
        super().rename(old, new)
        self._renamed(old, new)

    def replace(self, old: str, new: str) -> None:
        """Rename a file over another one."""
        self._notice(old)
        super().replace(old, new)
        self._renamed(old, new)

    def _renamed(self, old: str, new: str) -> None:
        self._record("rename", old, new)
        before, after = self._relative(old), self._relative(new)
        for path in [path for path in self._seen if before is not None and (path == before or path.startswith(f"{before}/"))]:
            facts = self._seen.pop(path)
            if after is not None:
                self._seen[after + path[len(before or "") :]] = facts

    def link(self, old: str, new: str) -> None:
        """Give a file a second name."""
        super().link(old, new)
        self._record("link", old, new)
        self._look(new)

    def unlink(self, path: str) -> None:
        """Remove a file's name."""
        super().unlink(path)
        self._record("unlink", path)
        self._seen.pop(self._relative(path) or "", None)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        super().remove_folder(path)
        self._record("remove_folder", path)
        self._seen.pop(self._relative(path) or "", None)

    def flush(self, files: Sequence[str], folders: Sequence[str]) -> None:
        """Flush, if flushes are made here at all."""
        for path in (*files, *folders):
            self._notice(path)
        if self.flushes:
            super().flush(files, folders)
            inside = [relative for path in (*files, *folders) if (relative := self._relative(path)) is not None]
            self.trace.append(Call("flush", tuple(inside)))


def _facts(path: str) -> tuple[int, ...]:
    """Tell one state of a file from another; a folder has none."""
    found = os.lstat(path)
    return () if os.path.isdir(path) else (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@contextmanager
def calls_go_to(calls: FileCalls) -> Iterator[None]:
    """Let every local storage that is made inside the block send its calls to `calls`."""
    standing = local.make_calls
    local.make_calls = lambda: calls
    try:
        yield
    finally:
        local.make_calls = standing


# Errors from below ---------------------------------------------------------------------------------------------------------------


class FailingCalls(FileCalls):
    """Makes calls, and fails one of them.

    Parameters
    ----------
    at : int
        Which call fails, counted from 1; 0: none.
    error : int
        The number of the error: ``errno.ENOSPC``.
    happens : bool
        The call is made all the same, only its answer is lost.

    Attributes
    ----------
    n_calls : int
        Calls so far.
    failed : str or None
        The call that failed.
    """

    def __init__(self, at: int = 0, error: int = 0, *, happens: bool = False) -> None:
        self.at = at
        self.error = error
        self.happens = happens
        self.n_calls = 0
        self.failed: str | None = None

    def _call(self, name: str, *arguments: object, half: Callable[[], None] | None = None) -> None:
        self.n_calls += 1
        if self.n_calls != self.at:
            getattr(FileCalls, name)(self, *arguments)
            return
        self.failed = f"{name} {arguments[0]}"
        if self.happens:
            getattr(FileCalls, name)(self, *arguments)
        elif half:
            half()
        raise OSError(self.error, os.strerror(self.error), arguments[0] if isinstance(arguments[0], str) else None)

    def make_folder(self, path: str) -> None:
        """Create one folder."""
        self._call("make_folder", path)

    def create(self, path: str, data: bytes) -> None:
        """Create a file; when it fails half of it is there."""
        self._call("create", path, data, half=lambda: FileCalls.create(self, path, data[: len(data) // 2]))

    def rewrite(self, path: str, data: bytes) -> None:
        """Write a file anew; when it fails half of it is there."""
        self._call("rewrite", path, data, half=lambda: FileCalls.rewrite(self, path, data[: len(data) // 2]))

    def append(self, path: str, data: bytes) -> None:
        """Add to a file; when it fails half of it is there."""
        self._call("append", path, data, half=lambda: FileCalls.append(self, path, data[: len(data) // 2]))

    def rename(self, old: str, new: str) -> None:
        """Rename."""
        self._call("rename", old, new)

    def replace(self, old: str, new: str) -> None:
        """Rename a file over another one."""
        self._call("replace", old, new)

    def link(self, old: str, new: str) -> None:
        """Give a file a second name."""
        self._call("link", old, new)

    def unlink(self, path: str) -> None:
        """Remove a file's name."""
        self._call("unlink", path)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        self._call("remove_folder", path)

    def flush(self, files: Sequence[str], folders: Sequence[str]) -> None:
        """Flush."""
        self._call("flush", files, folders)
