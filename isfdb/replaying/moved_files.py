"""Where the files lie that were handed over together with a database: at the same place beside it as then. It opens and reads none of them.

A record names files by their whole paths of then. A folder that was copied or moved as a whole holds them at other paths.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from isfdb.database import Database
from isfdb.entry import Version
from isfdb.explaining.scripts import session_of
from isfdb.provenance.records import slice_of

_LINK: Final = "isfdb://"


def moves_of(db: Database, version: Version) -> tuple[tuple[str, str], ...]:
    """Return where the database of a version lay when that was stored, and where it lies now; nothing where that is the same or not known.

    Parameters
    ----------
    db : Database
    version : Version
    """
    facts = slice_of(version.record)
    directory = _directory_of(version) if facts is not None and facts.opened else None
    if facts is None or directory is None:
        return ()
    places = {db.root.id: db.root.path, db.id: db.path}
    moves = [
        (os.path.normpath(os.path.join(directory, text)), places[link.removeprefix(_LINK)])
        for text, link in facts.opened.items()
        if link.removeprefix(_LINK) in places and "://" not in text and "\0" not in text and not text.startswith("~")
    ]
    return tuple(dict.fromkeys([(old, new) for old, new in moves if old != new]))


def _directory_of(version: Version) -> str | None:
    """Return in which folder the session ran."""
    try:
        session = session_of(version)
    except (OSError, ValueError, LookupError, RecursionError):
        return None  # verify names what is damaged
    found = session.start.get("directory") if session is not None else None
    return found if isinstance(found, str) and os.path.isabs(found) and "\0" not in found else None


def places_beside(path: str, moves: Callable[[], tuple[tuple[str, str], ...]]) -> list[str]:
    """Return where a file of then lies now, if it was moved together with the database.

    Parameters
    ----------
    path : str
        Of then.
    moves : callable
        Gives what :func:`moves_of` returns; called only where it is needed.
    """
    if "://" in path or "\0" in path or not os.path.isabs(path):
        return []
    found = [os.path.normpath(os.path.join(new, os.path.relpath(path, old))) for old, new in moves()]
    return [one for one in dict.fromkeys(found) if one != os.path.normpath(path) and os.path.isfile(one)]
