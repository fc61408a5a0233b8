"""Reads values that one script stored, in the process that ran it: many with one opening of a database, or one of an earlier turn."""

from __future__ import annotations

from typing import Any

from isfdb.database import Database
from isfdb.opening import open as open_database
from isfdb.opening import parse_link

_opened: dict[str, Database] = {}


def load(link: str, back: int = 0) -> Any:
    """Read what a permanent link without a version names, as :func:`isfdb.load` does.

    Opening looks at all keys of a database that is seen as it was before: for a thousand keys that takes longer than their script.

    Parameters
    ----------
    link : str
    back : int
        How often the script stored the key again after the value that is wanted: a loop does so.
    """
    database_id, key, _ = parse_link(link)
    if database_id not in _opened:
        _opened[database_id] = open_database(f"isfdb://{database_id}", "r")
    database = _opened[database_id]
    if not back:
        return database[key]
    stored = [one.number for one in database.versions(key) if not one.deleted]
    if len(stored) <= back:
        raise LookupError(f"the script stored {key!r} {len(stored)} times, and {back + 1} times when it was recorded")
    return database.get(key, version=stored[-1 - back])
