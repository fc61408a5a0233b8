"""Reads many values that one script stored, in the process that ran it: each database is opened once, not anew for each value."""

from __future__ import annotations

from typing import Any

from isfdb.database import Database
from isfdb.opening import open as open_database
from isfdb.opening import parse_link

_opened: dict[str, Database] = {}


def load(link: str) -> Any:
    """Read what a permanent link without a version names, as :func:`isfdb.load` does.

    Opening looks at all keys of a database that is seen as it was before: for a thousand keys that takes longer than their script.
    """
    database_id, key, _ = parse_link(link)
    if database_id not in _opened:
        _opened[database_id] = open_database(f"isfdb://{database_id}", "r")
    return _opened[database_id][key]
