"""``isfdb.diff``: finds out what its arguments mean - links, versions, keys, databases, values - and compares them."""

from __future__ import annotations

from typing import Any, Final

from isfdb.comparing.axes import axes_of, may_explain
from isfdb.comparing.context import kind
from isfdb.comparing.database_difference import DatabaseDifference, compare_databases
from isfdb.comparing.difference import Difference
from isfdb.comparing.stored import Stored
from isfdb.comparing.stored_values import compare_stored, compare_with_stored
from isfdb.database import Database
from isfdb.entry import Entry, Version, version_of, versions_of
from isfdb.errors import OptionError, VersionNotFoundError
from isfdb.opening import open as open_database
from isfdb.opening import parse_link
from isfdb.versions import numbers_of, pick


class _Missing:
    """Stands for an argument that was not given, since None is a value."""


_MISSING: Final = _Missing()


def diff(a: Any, b: Any = _MISSING, *, rtol: float = 0.0, atol: float = 0.0) -> Difference | DatabaseDifference:
    """Compare two stored values and how they were made, two databases, or two values in memory.

    Parameters
    ----------
    a, b : link, Version, Entry, (db, key), (db, key, version), Database or any other value
        A stored value is named by its ``isfdb://`` link, a :class:`Version` or :class:`Entry`, or by database and key: the newest
        version, unless a version is given. Without `b` the newest version is compared with the one before, an earlier version with the
        newest; ``isfdb.diff(db, key)`` does so, too. Databases are compared key by key, without loading a value. All else is a value.
    rtol, atol : float
        Numbers are "close" where ``|a - b| <= atol + rtol * max(|a|, |b|)``. By default nothing is merely close.

    Returns
    -------
    Difference or DatabaseDifference
        True where something differs. Prints, shows itself in a notebook, and has ``.same`` and ``.to_json()``.

    Raises
    ------
    LinkError, KeyNotFoundError, VersionNotFoundError, DatabaseNotFoundError
    OptionError
        The arguments cannot be compared.

    Examples
    --------
    >>> import isfdb, tempfile
    >>> db = isfdb.open(tempfile.mkdtemp())
    >>> db["rates"] = [1.0, 2.0]
    >>> db["rates"] = [1.0, 2.5]
    >>> isfdb.diff(db, "rates").status
    'different'
    """
    if isinstance(a, Database) and isinstance(b, str):
        a, b = (a, b), _MISSING
    first = _side(a)
    if b is _MISSING:
        return _with_the_one_before(first, rtol, atol)
    second = _side(b)
    if isinstance(first, Database) and isinstance(second, Database):
        return compare_databases(first, second)
    for side, other in ((first, second), (second, first)):
        if isinstance(side, Database):
            what = "a stored value" if isinstance(other, Stored) else f"a value of type {kind(other)}"
            raise OptionError(
                f"a database is compared with a database, not with {what}. For a key: isfdb.diff(db, 'rates'), "
                "isfdb.diff((db, 'rates'), (other, 'rates'))."
            )
    return _difference(first, second, rtol, atol)


def _difference(first: Any, second: Any, rtol: float, atol: float) -> Difference:
    if not isinstance(first, Stored) or not isinstance(second, Stored):
        pairs = (("first", first), ("second", second))
        names = [side.name if isinstance(side, Stored) else f"the {nth}, a value in memory" for nth, side in pairs]
        return Difference((names[0], names[1]), compare_with_stored(first, second, rtol=rtol, atol=atol))
    first, second, subject = _named(first, second)
    value = compare_stored(first, second, rtol=rtol, atol=atol)
    axes = axes_of(first, second)
    return Difference((first.name, second.name), value, axes, "" if value.same else may_explain(axes), subject)


def _named(a: Stored, b: Stored) -> tuple[Stored, Stored, str]:
    """Call two versions by what tells them apart: of one key by their numbers alone."""
    if a.storage.location == b.storage.location:
        if a.folder.rpartition("/")[0] == b.folder.rpartition("/")[0]:
            return _called(a, f"v{a.version.number}"), _called(b, f"v{b.version.number}"), a.version.key
        return a, b, ""
    places = [side.storage.location.rstrip("/").rpartition("/")[2] for side in (a, b)]
    if places[0] == places[1]:
        places = [side.storage.location for side in (a, b)]
    return _called(a, f"{places[0]} {a.name}"), _called(b, f"{places[1]} {b.name}"), ""


def _called(side: Stored, name: str) -> Stored:
    return Stored(side.version, name, side.trusted)


def _with_the_one_before(side: Any, rtol: float, atol: float) -> Difference:
    """Compare the newest version of a key with the one before, or an earlier version with the newest."""
    if not isinstance(side, Stored):
        what = "a database" if isinstance(side, Database) else f"a {kind(side)}"
        raise OptionError(f"{what} is compared with another: isfdb.diff(a, b). One argument is enough for a key: isfdb.diff(db, 'rates').")
    version = side.version
    others = [one for one in versions_of(side.storage, side.folder.rpartition("/")[0], version.key, version.database_id) if not one.deleted]
    later, before = ([one for one in others if (one.number > version.number) is is_later] for is_later in (True, False))
    before = [one for one in before if one.number != version.number]
    if later:
        return _difference(side, _stored(later[-1], side.trusted), rtol, atol)
    if not before:
        message = f"{version.key!r} has version {version.number} only, so there is nothing to compare it with. Give two keys or versions."
        raise VersionNotFoundError(message, key=version.key, version=version.number)
    return _difference(_stored(before[-1], side.trusted), side, rtol, atol)


def _side(argument: Any) -> Any:
    """Return a Stored, a Database, or the value itself."""
    if isinstance(argument, Version):
        return _stored(argument, trusted=False)
    if isinstance(argument, Entry):
        return _stored(argument.newest, argument.database._trusted)
    if isinstance(argument, str) and argument.startswith("isfdb://"):
        return _linked(argument)
    if isinstance(argument, tuple) and argument and isinstance(argument[0], Database):
        return stored_of(*argument) if len(argument) in (2, 3) else _refuse(argument)
    return argument


def _refuse(argument: tuple[Any, ...]) -> Any:
    raise OptionError(f"a stored value is (db, key) or (db, key, version), and this tuple has {len(argument)} members.")


def _linked(link: str) -> Any:
    database_id, key, version = parse_link(link)
    db = open_database(f"isfdb://{database_id}", "r")
    return stored_of(db, key, version) if key else db


def stored_of(db: Database, key: Any, version: Any = None) -> Any:
    """Return a key's newest version, or the one asked for, as a side of a comparison; a Database where the key names one.

    Raises
    ------
    KeyNotFoundError, VersionNotFoundError
    """
    if version is None:
        return db[key] if db.is_sub_db(key) else _stored(db.entry(key).newest, db._trusted)
    found = db.versions(key)
    storage, key_folder = found[-1]._storage, found[-1]._folder.rpartition("/")[0]
    number = pick(storage, key_folder, numbers_of(storage, key_folder), version, found[-1].key)
    return _stored(version_of(storage, key_folder, found[-1].key, db.id, number), db._trusted)


def _stored(version: Version, trusted: bool) -> Stored:
    return Stored(version, f"{version.key}@{version.number}", trusted)
