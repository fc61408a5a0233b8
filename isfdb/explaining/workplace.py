"""The folder in which a script is run again: the files it read, at the places it looks for them, and pins for its databases.

The session's own working folder is not used, so that nothing in it is changed. Below a temporary folder stand, under their whole paths,
copies of what the record says was read and of the small files in the session's folder, and links to larger ones: relative paths lead
to the same files as they did, and what the script writes there stays there.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from isfdb import leftovers, pins
from isfdb.layout.current import DATABASE_FILE
from isfdb.provenance.records import Used, UsedFile

#: A larger file that was read is not copied but linked to.
MOST_COPIED_BYTES: Final = 100_000_000

#: Of the other files in the session's folder, small ones are copied while there are few, and no more than so many are looked at.
_SMALL_BYTES: Final = 1_000_000
_MOST_BYTES: Final = 100_000_000
_MOST_ENTRIES: Final = 2_000

#: What Python imports.
_SOURCES: Final = tuple(importlib.machinery.all_suffixes())


@dataclass(frozen=True)
class Workplace:
    """Where a script runs.

    Attributes
    ----------
    folder : str
        The temporary folder: everything.
    directory : str
        The working folder, inside it.
    notes : tuple of str
        What is not as it was: files that are gone or have changed.
    """

    folder: str
    directory: str
    notes: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Variables that hand the pins to the process."""
        return {pins.VARIABLE: f"{self.folder}/pins"}


@contextlib.contextmanager
def workplace(
    directory: str | None,
    used: Iterable[Used],
    places: dict[str, str],
    *,
    trusted: Iterable[str] = (),
    written: Iterable[str] = (),
    restore: Callable[[str], contextlib.AbstractContextManager[object]] | None = None,
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Workplace]:
    """Make a workplace, and remove it in the end.

    Parameters
    ----------
    directory : str or None
        In which the session ran.
    used : iterable of UsedFile or UsedValue
        What the script reads.
    places : dict
        Database id -> its folder.
    trusted : iterable of str
        Ids of databases whose values may run code when they are loaded.
    written : iterable of str
        Files that the session wrote: their folders are there, as they are here.
    restore : callable, optional
        Is given the empty folder in which everything is to lie below its whole path, and lays there what must not be taken from here:
        sources as they were. Files that lie there already are left as they are.
    elsewhere : Mapping
        Path of a file that it reads -> where that lies now.
    """
    folder = leftovers.make_folder("isfdb-check-")
    try:
        root = f"{folder}/work"
        os.mkdir(root)
        with restore(root) if restore is not None else contextlib.nullcontext():
            filled = _filled(folder, root, directory, used, places, trusted, elsewhere)
            _make_folders(root, written)
            yield Workplace(folder, *filled)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _filled(
    folder: str,
    root: str,
    directory: str | None,
    used: Iterable[Used],
    places: dict[str, str],
    trusted: Iterable[str],
    elsewhere: Mapping[str, str],
) -> tuple[str, tuple[str, ...]]:
    """Lay out what the script reads; return the working folder, and what is not as it was."""
    here = _inside(root, os.path.abspath(directory or "/work"))
    os.makedirs(here, exist_ok=True)
    os.mkdir(f"{folder}/pins")
    pins.make(f"{folder}/pins", places=places, at={path: path for path in places.values()}, trusted=trusted)
    files = [one for one in used if isinstance(one, UsedFile) and not one.written_here]
    notes = [note for one in files if (note := _lay(root, one, directory, elsewhere.get(one.path, one.path)))]
    if directory is not None and os.path.isdir(directory):
        _mirror(directory, here, _Left(sources=not _is_restored(here, root)))
    return here, tuple(dict.fromkeys(notes))


def _make_folders(root: str, files: Iterable[str]) -> None:
    """Make the folders of files, empty, where they are here, too: a log that is appended to needs no more."""
    for folder in {os.path.dirname(path) for path in files if _is_whole(path)}:
        target = _inside(root, folder)
        if _is_inside(root, target) and os.path.isdir(folder):
            with contextlib.suppress(OSError):  # the script will say what it lacks
                os.makedirs(target, exist_ok=True)


def _inside(root: str, path: str) -> str:
    return root + os.path.splitdrive(path)[1].replace(os.sep, "/")


def _is_inside(root: str, target: str) -> bool:
    """Say whether a path below the root stays there: no restored link leads away."""
    return f"{os.path.realpath(target)}/".startswith(f"{root}/")


def _is_whole(path: str) -> bool:
    """Say whether a path leads from the root of this computer downwards; a record may hold any text."""
    return os.path.isabs(path) and "\0" not in path and ".." not in path.split(os.sep)


def _is_restored(folder: str, root: str) -> bool:
    """Say whether a folder lies in a work tree: it holds all sources of then, and one of today might be imported instead."""
    while folder != root and folder.startswith(root):
        if os.path.lexists(f"{folder}/.git"):
            return True
        folder = os.path.dirname(folder)
    return False


@dataclass
class _Left:
    """How much of a folder may still be laid elsewhere, and whether sources may."""

    entries: int = _MOST_ENTRIES
    n_bytes: int = _MOST_BYTES
    sources: bool = True


def _mirror(source: str, target: str, left: _Left) -> None:
    """Lay the content of a folder elsewhere: folders as folders, small files as copies, larger ones and databases as links."""
    try:
        entries = sorted(os.scandir(source), key=lambda entry: (entry.is_dir(), entry.name))
    except OSError:
        return
    for entry in entries:
        path = f"{target}/{entry.name}"
        left.entries -= 1
        if left.entries < 0 or entry.name == "__pycache__" or (not left.sources and entry.name.endswith(_SOURCES)):
            continue
        if os.path.islink(path):
            continue  # restored: what was laid below it would land where it leads
        with contextlib.suppress(OSError):  # what cannot be read, the script cannot read either
            if entry.is_dir() and not entry.name.startswith(".") and not os.path.exists(f"{entry.path}/{DATABASE_FILE}"):
                os.makedirs(path, exist_ok=True)
                _mirror(entry.path, path, left)
            elif os.path.lexists(path):
                continue
            elif entry.is_file() and (size := entry.stat().st_size) <= min(_SMALL_BYTES, left.n_bytes):
                shutil.copy2(entry.path, path)
                left.n_bytes -= size
            else:
                os.symlink(entry.path, path)


def _lay(root: str, file: UsedFile, directory: str | None, source: str) -> str:
    """Put a file where a relative path finds it; say what is not as it was."""
    if "://" in file.path or not _is_whole(file.path):
        return ""
    target = _inside(root, file.path)
    try:
        found = os.stat(source)
        is_own = directory is not None and f"{file.path}/".startswith(f"{directory}/")
        if not os.path.islink(target) and _is_inside(root, os.path.dirname(target)):  # else a restored link: nothing is written through it
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if is_own and os.path.isfile(source) and found.st_size <= MOST_COPIED_BYTES:
                shutil.copy2(source, target)
            elif not os.path.lexists(target):
                os.symlink(source, target)
    except OSError as error:
        return f"{source} cannot be read now: {error.strerror or error}"
    if source != file.path:
        return ""  # who found it there compared its content
    has_changed = file.size is not None and (
        file.size != found.st_size or (file.mtime is not None and abs(file.mtime - found.st_mtime) > 1)
    )
    return f"{file.path} has changed since" if has_changed and os.path.isfile(file.path) else ""
