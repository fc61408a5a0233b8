"""Refuses a new name that some file system, or a tired reader, would take for one that exists. Looks only when a name is new."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from isfdb.errors import KeyCollisionError, KeyKindError
from isfdb.keys import folded
from isfdb.layout.current import DELETED_SUFFIX, KEY_SUFFIX, join
from isfdb.storage.base import Storage

#: A folder is listed again once this many times the duration of the last listing has passed: 2 % of the time at most.
PATIENCE = 50


@dataclass
class _Listing:
    taken: dict[str, str] = field(default_factory=dict)  # folded name -> name as it stands
    listed_at: float = float("-inf")
    duration: float = 0.0


_listings: dict[tuple[str, str], _Listing] = {}


def stem_of(entry: str) -> str:
    """Return a folder entry without the suffix that says what it is."""
    return entry.removesuffix(KEY_SUFFIX).removesuffix(DELETED_SUFFIX)


def check_new_key(storage: Storage, folder: str, name: str, key: str) -> None:
    """Refuse a new key whose folder name is a sub-database's, or differs from another name only in case or Unicode form.

    Raises
    ------
    KeyKindError, KeyCollisionError
    """
    if storage.is_folder(join(folder, name)):
        raise KeyKindError(
            f"cannot store a value as {key!r}: a sub-database has that name. "
            f"Store it inside, as db[{key!r}, 'name'], or choose another key.",
            key=key,
        )
    _check_case(storage, folder, name, key)


def check_new_sub_database(storage: Storage, folder: str, name: str, key: str) -> None:
    """Refuse a new sub-database whose name is a value's, or differs from another name only in case or Unicode form.

    Raises
    ------
    KeyKindError, KeyCollisionError
    """
    if storage.is_folder(join(folder, name + KEY_SUFFIX)):
        raise KeyKindError(f"cannot make a sub-database of {key!r}: a value is, or was, stored there. Choose another name.", key=key)
    _check_case(storage, folder, name, key)


def _check_case(storage: Storage, folder: str, name: str, key: str) -> None:
    listing = _listings.setdefault((storage.location, folder), _Listing())
    if time.monotonic() - listing.listed_at > PATIENCE * listing.duration:
        _list(storage, folder, listing)
    standing = listing.taken.setdefault(folded(name), name)
    if standing == name:
        return
    _list(storage, folder, listing)  # the other name may be gone since we looked
    standing = listing.taken.setdefault(folded(name), name)
    if standing != name:
        raise KeyCollisionError(
            f"{key!r} and the existing {standing!r} differ only in upper and lower case or in Unicode form. "
            "Some file systems take them for one. "
            "Use the existing spelling or another name.",
            key=key,
            existing=standing,
        )


def _list(storage: Storage, folder: str, listing: _Listing) -> None:
    started = time.monotonic()
    stems = [stem_of(entry) for entry in storage.list(folder) if not entry.startswith(".")]
    listing.taken = {folded(stem): stem for stem in stems}
    listing.listed_at = time.monotonic()
    listing.duration = listing.listed_at - started
