"""What the words of ``isfdb diff ...`` and ``%isfdb diff ...`` mean: databases, keys, versions and links, in any order that makes sense."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from isfdb.database import Database
from isfdb.errors import InvalidKeyError, IsfdbError, KeyNotFoundError, OptionError
from isfdb.opening import parse_link

USAGE: Final = "say DB KEY, DB KEY@1 KEY@2, DB KEY OTHER-KEY, DB1 DB2, DB1 DB2 KEY, DB1 KEY DB2 KEY, or two isfdb:// links"

_NUMBER: Final = re.compile(r"[v@]?([1-9][0-9]{0,15})|@([0-9a-f]{6,64})")
_MOST_KEYS: Final = 10_000


@dataclass
class _Side:
    db: Database
    key: str | None = None
    version: int | str | None = None


def meant(words: Sequence[str], open_database: Callable[[str], Database], current: Database | None = None) -> tuple[Any, ...]:
    """Return the one or two arguments of :func:`isfdb.diff` that words mean.

    Parameters
    ----------
    words : sequence of str
        Each names a database, a key of the database named last, a version of the key named last (``2``, ``v2``, ``@2``), or all of it
        (a link). A key wins over a database of the same name: write ``./name`` for a folder.
    open_database : callable
        Opens what a word names, or raises an error of isfdb's.
    current : Database, optional
        Where keys are looked for before a database is named.

    Raises
    ------
    OptionError
        They mean nothing that can be compared.
    """
    sides: list[_Side] = []
    for word in words:
        db = sides[-1].db if sides else current
        if word.startswith("isfdb://"):
            database_id, key, version = parse_link(word)
            sides.append(_Side(open_database(f"isfdb://{database_id}"), key or None, version))
        elif db is not None and (found := _key_in(db, word)) is not None:
            _add_key(sides, db, *found)
        elif sides and sides[-1].key is not None and (number := _NUMBER.fullmatch(word)):
            _add_version(sides, number)
        else:
            sides.append(_Side(_opened(word, open_database, db)))
    return _arguments(sides)


def _key_in(db: Database, word: str) -> tuple[str, int | str | None] | None:
    """Return the key, and perhaps the version, that a word names in a database; None where it names none."""
    try:
        if word in db:
            return word, None
        key, _, version = word.rpartition("@")
        number = _NUMBER.fullmatch(f"@{version}") if key else None
        if number is None:
            return None
        db.versions(key)  # of a key that was deleted, too
    except (InvalidKeyError, KeyNotFoundError):
        return None
    return key, _version(number)


def _version(number: re.Match[str]) -> int | str:
    return int(number[1]) if number[1] else number[2]


def _add_key(sides: list[_Side], db: Database, key: str, version: int | str | None) -> None:
    if sides and sides[-1].key is None:
        sides[-1].key, sides[-1].version = key, version
    else:
        sides.append(_Side(db, key, version))


def _add_version(sides: list[_Side], number: re.Match[str]) -> None:
    last = sides[-1]
    if last.version is None and len(sides) == 1:
        last.version = _version(number)
    else:
        sides.append(_Side(last.db, last.key, _version(number)))


def _opened(word: str, open_database: Callable[[str], Database], db: Database | None) -> Database:
    try:
        return open_database(word)
    except (IsfdbError, OSError) as error:
        if db is None:
            raise
        similar = difflib.get_close_matches(word, db.keys(recurse=True)[:_MOST_KEYS], n=3)
        hint = f" Did you mean {' or '.join(map(repr, similar))}?" if similar else f" See its keys: isfdb ls {db.name}."
        message = f"{word!r} is neither a key of {db.name} nor a database.{hint} For isfdb diff, {USAGE}."
        raise OptionError(message) from error


def _arguments(sides: list[_Side]) -> tuple[Any, ...]:
    if len(sides) == 2:
        for one, other in (sides, sides[::-1]):
            if one.key is None and other.key is not None:
                one.key = other.key  # the same key in the other database
    if not 1 <= len(sides) <= 2 or (len(sides) == 1 and sides[0].key is None):
        found = "nothing" if not sides else "one database" if len(sides) == 1 else f"{len(sides)} values or databases"
        raise OptionError(f"these words mean {found}, and two are compared: {USAGE}.")
    return tuple([side.db if side.key is None else (side.db, side.key, side.version) for side in sides])
