"""Reads the facts about keys from their folders: one small record each, or what its folder says has not changed. Never a value.

Most keys have one version and no attributes. Where the file system counts sub-folders, one look at a key's folder says so, and its
record is read without listing anything. Everything else is listed, as ever.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from isfdb.attributes import read_encoded, revisions_of
from isfdb.errors import CorruptVersionError, IsfdbError
from isfdb.layout.current import ATTRIBUTES_FOLDER, METADATA_FILE, version_name
from isfdb.manifest import read_record
from isfdb.searching.facts import COLUMNS, facts_of, plain_attributes
from isfdb.storage.base import Storage
from isfdb.versions import VersionState, numbers_of, original_of, state_of

_FIRST: Final = f"{version_name(1)}/{METADATA_FILE}"

_ONE_SUB_FOLDER: Final = 3  # links to a folder: its name, its own ".", and the ".." of each folder in it


class Looks(NamedTuple):
    """What changes when a version or an attribute comes, or another key takes the name: the file and its times of change.

    Attributes
    ----------
    inode, modified_ns, changed_ns, links : int
        Of the key's folder.
    noted_ns : int
        When the folder of attributes changed; 0 where there is none. A writer that dies may leave a revision there and the key's own
        folder as it was.
    """

    inode: int
    modified_ns: int
    changed_ns: int
    links: int
    noted_ns: int


class Place(NamedTuple):
    """A key and its folder, relative to the database."""

    key: str
    folder: str


class ReadKeys(NamedTuple):
    """What was read.

    Attributes
    ----------
    columns : dict of list
        Facts, and how the folders looked before, by name; an inode of -1 says that nothing is known of the folder.
    unreadable : list of (str, str)
        Keys that could not be read, or not whole, with the reason.
    n_passed_over : int
        Records that do not hold the needles, and were not looked into.
    """

    columns: dict[str, list[Any]]
    unreadable: list[tuple[str, str]]
    n_passed_over: int = 0


#: Names of all that is known of a key.
NAMES: Final = (*Looks._fields, *COLUMNS)

_UNKNOWN: Final = Looks(-1, 0, 0, 0, 0)


def looks_of(storage: Storage, key_folder: str, *, noted: bool) -> Looks | None:
    """Return how a key's folder looks; None where nothing can be told, or where there is none.

    Parameters
    ----------
    noted : bool
        Look at the folder of attributes too.
    """
    path = storage.watched_folder(key_folder)
    if path is None:
        return None
    try:
        found = os.stat(path)
        noted_ns = os.stat(f"{path}/{ATTRIBUTES_FOLDER}").st_mtime_ns if noted else 0
    except OSError:
        return None
    return Looks(found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_nlink, noted_ns)


def read_keys(storage: Storage, places: Iterable[Place], needles: Sequence[bytes] = ()) -> ReadKeys:
    """Read the facts about keys; those that hold no value are left out.

    Parameters
    ----------
    needles : sequence of bytes
        Small letters and digits, all of which stand in any record that is asked for. Records without them are passed over where that
        can be told from their text alone.
    """
    rows: list[tuple[Any, ...]] = []
    unreadable: list[tuple[str, str]] = []
    n_passed_over = 0
    for place in places:
        try:
            looks = looks_of(storage, place.folder, noted=False)
            data = _only_record(storage, place) if looks is not None and looks.links == _ONE_SUB_FOLDER else None
            if data is None or looks is None:
                _read_listed(storage, place, rows, unreadable)
            elif needles and _lacks(data, needles):
                n_passed_over += 1
            else:
                rows.append((*looks, *facts_of(storage, place.key, 1, read_record(data, place.folder), "")))
        except (OSError, IsfdbError, ValueError, RecursionError) as error:
            unreadable.append((place.key, str(error) or type(error).__name__))
    columns = list(map(list, zip(*rows, strict=True))) if rows else [[] for _ in NAMES]
    return ReadKeys(dict(zip(NAMES, columns, strict=True)), unreadable, n_passed_over)


def _only_record(storage: Storage, place: Place) -> bytes | None:
    """Return the record of a key whose folder has one sub-folder, if that is its first version."""
    try:
        return storage.read(f"{place.folder}/{_FIRST}")
    except FileNotFoundError:
        return None


def _lacks(data: bytes, needles: Sequence[bytes]) -> bool:
    """Say whether a record surely lacks a needle: letters beyond ASCII, or written as escapes, need a closer look."""
    if b"\\" in data or not data.isascii():
        return False
    small = data.lower()
    return any(needle not in small for needle in needles)


def _read_listed(storage: Storage, place: Place, rows: list[tuple[Any, ...]], unreadable: list[tuple[str, str]]) -> None:
    names = storage.list(place.folder)
    looks = looks_of(storage, place.folder, noted=ATTRIBUTES_FOLDER in names)
    try:
        state = _newest(storage, place.folder)
    except FileNotFoundError:  # replaced, moved or collected since it was listed
        state = _newest(storage, place.folder)
    if state is None:
        return
    attributes, problem = _attributes(storage, place.folder) if ATTRIBUTES_FOLDER in names else ("", "")
    facts = facts_of(storage, place.key, state.number, state.record, attributes)
    rows.append((*(looks if looks and not problem else _UNKNOWN), *facts))
    if problem:
        unreadable.append((place.key, problem))


def _newest(storage: Storage, key_folder: str) -> VersionState | None:
    """Return the version that reading the key gives; None where it holds no value."""
    numbers = numbers_of(storage, key_folder)
    if not numbers:
        return None
    state = state_of(storage, key_folder, numbers[-1])
    original = original_of(state.record, numbers)
    if original is not None:
        state = state_of(storage, key_folder, original)
    return None if state.is_tombstone else state


def _attributes(storage: Storage, key_folder: str) -> tuple[str, str]:
    """Return the attributes of a key as they are searched, and why they cannot be."""
    numbers = revisions_of(storage, key_folder)
    if not numbers:
        return "", ""
    try:
        return plain_attributes(read_encoded(storage, key_folder, numbers[-1])), ""
    except (OSError, CorruptVersionError, ValueError, RecursionError) as error:
        return "", str(error)
