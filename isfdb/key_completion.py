"""The names that a key may go on with while it is typed, one level at a time. One folder is listed, no key is looked into."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from isfdb.database import Database

#: More than that nobody reads; IPython itself stops there.
MOST: Final = 500

_BEGUN: Final = re.compile(r"""\[\s*["']([^"']*)""")


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
    found: Database | None = db[path] if path and db.is_sub_db(path) else None
    return found


def offered(db: Database) -> list[str]:
    """Return what IPython is to offer behind ``db["``: it asks for all keys, and compares each, which takes a second for 100,000.

    So it gets those that begin as what was typed, where that can be told; a sub-database is opened by a ``/`` behind its name.
    """
    typed = _typed()
    if typed is None:
        return list(db.keys())
    return [name.removesuffix("/") for name in names_below(db, typed)]


def _typed() -> str | None:
    """Return what was typed of a key, as IPython's completer keeps it; None where nobody types."""
    shell = getattr(sys.modules.get("IPython.core.interactiveshell"), "InteractiveShell", None)
    completer = getattr(getattr(shell, "_instance", None), "Completer", None)
    text = getattr(completer, "text_until_cursor", None)
    # The bracket typed last: an earlier one may be closed, or belong to another database.
    begun = _BEGUN.fullmatch(text[text.rfind("[") :]) if isinstance(text, str) and "[" in text else None
    return begun[1] if begun else None
