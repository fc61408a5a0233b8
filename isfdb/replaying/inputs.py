"""What a value was made from, as it is now: files that are gone or have changed, stored values that are no more. It runs nothing."""

from __future__ import annotations

import math
import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from isfdb.display.words import size_text
from isfdb.entry import Version
from isfdb.hashing import digest_of_file
from isfdb.layout.current import DATABASE_FILE
from isfdb.provenance.file_digests import FileFacts, digest_of_folder
from isfdb.provenance.records import Used, UsedFile, UsedValue
from isfdb.replaying.moved_files import places_beside
from isfdb.tracing.file_changes import EMPTY
from isfdb.tracing.places import Lost, Places

#: Of a larger file whose size and time are as recorded the content is not read again.
MOST_BYTES: Final = 1 << 30

#: After so long folders are not listed any more: a record may name the whole disk, and each folder on it.
MOST_S: Final = 120.0

_SAME_TIME_S: Final = 0.01

#: Says where a database lay and where it lies now; nothing where it was not moved.
Moves = Callable[[], tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Inputs:
    """What a script reads, as it is now.

    Attributes
    ----------
    missing : tuple of str
        What is gone, a sentence each.
    changed : tuple of str
        What is another now, a sentence each.
    notes : tuple of str
        What nobody can tell about.
    states : tuple of str
        What a verdict depends on: each input with what was found.
    elsewhere : dict
        Path of a file that changed -> where the file as it was read lies now, among the restored sources.
    beside : dict
        Path of a file that is gone or changed -> where it lies now, as it was moved together with the database.
    """

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    elsewhere: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)


class Look:
    """Looks at inputs, at each once.

    Parameters
    ----------
    places : Places
        Where stored values are found.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._files: dict[tuple[str, str | None, int | None], tuple[str, str]] = {}
        self._seconds_left = MOST_S
        self._values: dict[tuple[str, str | None], tuple[str, str]] = {}

    def at(self, used: Iterable[Used], moved: Sequence[tuple[str, str]] = (), *, moves: Moves = lambda: ()) -> Inputs:
        """Say how what a value was made from is now.

        Parameters
        ----------
        used : iterable of Used
        moved : sequence of (str, str)
            Folders that were restored, and where: a file that changed may lie there as it was.
        moves : callable
            Says where the database lay and where it lies now: files may have been moved with it.
        """
        found: dict[str, list[str]] = {"missing": [], "changed": [], "unknown": []}
        states, elsewhere, beside = [], {}, {}
        for one in used:
            kind, told = self._value(one) if isinstance(one, UsedValue) else self._file(one)
            if kind in ("missing", "changed") and isinstance(one, UsedFile) and (restored := self._restored(one, moved)):
                kind, told, elsewhere[one.path] = "", "", restored
            if kind in ("missing", "changed") and isinstance(one, UsedFile) and (near := self._beside(one, kind, moves)):
                beside[one.path], kind, told = near
                note = f"{one.path} was taken from {beside[one.path]}, where it lies beside the database that was moved"
                found["unknown"] += [note] if not kind else []
            if kind:
                found[kind].append(told)
            name = one.link if isinstance(one, UsedValue) else one.path
            states.append(f"{name} {one.digest} {kind} {told}")
        lists = {name: tuple(dict.fromkeys(texts)) for name, texts in found.items()}
        return Inputs(lists["missing"], lists["changed"], lists["unknown"], tuple(sorted(set(states))), elsewhere, beside)

    def _restored(self, file: UsedFile, moved: Sequence[tuple[str, str]]) -> str:
        """Return where a file that is not what it was lies as it was, among the restored sources; empty where it does not."""
        for old, new in moved:
            inside = os.path.relpath(file.path, old)
            if not inside.startswith("..") and file.digest and _digest(f"{new}/{inside}") == file.digest:
                return f"{new}/{inside}"
        return ""

    def _beside(self, file: UsedFile, kind: str, moves: Moves) -> tuple[str, str, str] | None:
        """Return where a file lies that was moved with the database, and how it is there; None where it is none, or no better."""
        near = [(path, *self._file(replace(file, path=path))) for path in places_beside(file.path, moves)] if file.digest else []
        whole = next((one for one in near if not one[1]), None)
        other = next((one for one in near if one[1] == "changed"), None) if kind == "missing" else None
        return whole or other

    def _value(self, used: UsedValue) -> tuple[str, str]:
        if (used.link, used.digest) not in self._values:
            self._values[used.link, used.digest] = self._look_at_value(used)
        return self._values[used.link, used.digest]

    def _look_at_value(self, used: UsedValue) -> tuple[str, str]:
        found = self._places.find(used.link)
        if isinstance(found, Lost):
            return "missing", f"{used.link} cannot be read: {found.because}"
        if found.state.is_reclaimed:
            return "missing", f"the data of {used.link} was reclaimed by collect"
        if used.digest and found.record.get("digest") not in (used.digest, None) and not found.record.get("mutable"):
            return "changed", f"{used.link} holds another value than the one that was read"
        return "", ""

    def _file(self, used: UsedFile) -> tuple[str, str]:
        place = (used.path, used.digest, used.size)
        if place not in self._files:
            began = time.monotonic()
            self._files[place] = ("", "") if used.written_here else _look_at_file(used, self._seconds_left)
            self._seconds_left -= time.monotonic() - began
        return self._files[place]


def _look_at_file(used: UsedFile, folder_s: float) -> tuple[str, str]:
    if "://" in used.path:
        return "unknown", f"{used.path} is not on this computer: whether it is what it was is not known"
    if not os.path.isabs(used.path) or "\0" in used.path:
        return "unknown", f"{used.path} is no whole path: whether it is what it was is not known"
    try:
        found = os.stat(used.path)
    except OSError as error:
        return "missing", f"{used.path} is gone" if isinstance(error, FileNotFoundError) else f"{used.path}: {error.strerror}"
    if stat.S_ISDIR(found.st_mode):
        is_other = used.digest is not None and _digest_of_folder(used.path, folder_s) not in (used.digest, None)
        return ("changed", f"the folder {used.path} has other files, or files of other sizes or times") if is_other else ("", "")
    if not stat.S_ISREG(found.st_mode):
        return "", ""
    if used.size is not None and found.st_size != used.size:
        return "changed", f"{used.path} has {size_text(found.st_size)} now, and had {size_text(used.size)}"
    return _compare(used, found)


def _compare(used: UsedFile, found: os.stat_result) -> tuple[str, str]:
    """Compare a file of the same size: by its content, and where that is not known by its time."""
    has_same_time = used.mtime is not None and abs(found.st_mtime - used.mtime) < _SAME_TIME_S
    if used.digest is None or (found.st_size > MOST_BYTES and has_same_time):
        if has_same_time:
            return "", ""
        return "unknown", f"{used.path} was written since, and has no digest: whether it is what it was is not known"
    if not found.st_size and used.digest != EMPTY:
        return "unknown", f"{used.path} says that it is empty, as files of the kernel do: whether it is what it was is not known"
    digest = _digest(used.path)
    if digest is None:
        return "missing", f"{used.path} cannot be read"
    return ("", "") if digest == used.digest else ("changed", f"{used.path} has other content")


def _digest(path: str) -> str | None:
    try:
        return digest_of_file(path)[1]
    except OSError:
        return None


def _digest_of_folder(path: str, max_s: float) -> str | None:
    try:
        return digest_of_folder(FileFacts(path), max_s).digest
    except OSError:
        return None


def appeared_since(version: Version, read: Iterable[str]) -> list[str]:
    """Return which of the files that a run read were not read when the value was made, and have been written, or put there, since.

    A pattern fits them, or a folder is gone through: the record names the files that were read, not those that might have been.
    """
    known = {one.path for one in version.inputs if isinstance(one, UsedFile)}
    folders = tuple([f"{path}/" for path in known if os.path.isdir(path)])
    others = [path for path in read if path not in known and not path.startswith(folders) and not _is_of_database(path)]
    return [path for path in others if _changed_at(path) > version.created.timestamp()]


def _is_of_database(path: str) -> bool:
    return ".key/" in path or path.endswith(f"/{DATABASE_FILE}")


def _changed_at(path: str) -> float:
    """Return when a file was last written, renamed or put where it lies; long ago where it is no file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return -math.inf
    return found.st_ctime if stat.S_ISREG(found.st_mode) else -math.inf
