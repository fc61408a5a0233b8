"""The names that a key may go on with, one level of sub-databases at a time. One folder is listed, no key is looked into."""

from __future__ import annotations

from typing import Any, Final

from isfdb.database import Database

#: More than that nobody reads; IPython itself stops there.
MOST: Final = 500


def names_below(db: Database, typed: str) -> list[str]:
    """Return the keys and sub-databases whose names begin with what was typed, sub-databases with a ``/`` behind.

    Parameters
    ----------
    db : Database
    typed : str
        With ``/`` between sub-databases: those before the last one must be there.
    """
    parent, slash, beginning = typed.rpartition("/")
    folder = sub_database(db, parent) if slash else db
    if folder is None:
        return []
    listing = folder._list()
    keys = [name for name in listing.keys if name.startswith(beginning)]
    below = [f"{name}/" for name in listing.sub_databases if name.startswith(beginning)]
    return [f"{parent}{slash}{name}" for name in sorted([*keys, *below])[:MOST]]


def sub_database(db: Database, path: str) -> Database | None:
    """Return a sub-database without reading anything; None where there is none of that name."""
    found: Any = db[path] if path and db.is_sub_db(path) else None
    return found if isinstance(found, Database) else None
