"""Which version an address means. It reads JSON only."""

from __future__ import annotations

from typing import Any

from isfdb.entry import Version, version_of
from isfdb.errors import KeyNotFoundError, VersionNotFoundError
from isfdb.keys import split_key
from isfdb.serving.visit import Visit
from isfdb.versions import numbers_of


def version_asked(visit: Visit, parameter: str = "version") -> Version:
    """Return the version of the key that is asked for; without a number the newest.

    Raises
    ------
    KeyNotFoundError, VersionNotFoundError, InvalidKeyError
    """
    key, text = visit.asked("key"), visit.asked(parameter)
    if not text:
        found: Version = visit.db.entry(key).newest
        return found
    known = numbers(visit, key)
    if not text.isdecimal() or len(text) > 16 or int(text) not in known:
        message = f"{key!r} has no version {text[:40]}; it has {known[0]} to {known[-1]}."
        raise VersionNotFoundError(message, key=key, version=text)
    return version_at(visit, key, int(text))


def version_at(visit: Visit, key: str, number: int) -> Version:
    """Return one version, whose number was listed."""
    storage, folder = _place(visit, key)
    return version_of(storage, folder, "/".join(split_key(key)), visit.db.root.id, number)


def numbers(visit: Visit, key: str) -> list[int]:
    """Return the numbers of the versions of a key, also of one that was deleted.

    Raises
    ------
    KeyNotFoundError
        There never was such a key.
    """
    storage, folder = _place(visit, key)
    found = numbers_of(storage, folder)
    if not found:
        raise KeyNotFoundError(f"there is no key {key!r} in {visit.db.path}.", key=key)
    return found


def _place(visit: Visit, key: str) -> tuple[Any, str]:
    return visit.db._storage, visit.db._key_folder(split_key(key))
