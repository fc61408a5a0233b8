"""Where this user's databases are: ids and names to paths, kept up to date by opening them. A row is a hint, never believed alone.

Before a path is handed out, ``isfdb.json`` there is read and its id compared. Nothing in a registry or in a folder it names is
executed, so a registry may be shared by a group (``ISFDB_REGISTRY``) or adopted from a stranger.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Final

from isfdb.errors import AmbiguousIdError, DatabaseNotFoundError, NotADatabaseError, RegistryError
from isfdb.nearness import hint
from isfdb.registry import folders, store
from isfdb.registry.nearby import nearby
from isfdb.registry.noting import forget_noted, host_name, note_opened, write_opened

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from isfdb.registry.records import Adopted, DatabaseRecord, DatabaseRecords

__all__ = ["add", "adopt", "browse", "databases", "find", "forget", "give_new_id", "names", "note_opened", "prune", "resolve", "scan"]

MAX_NAME: Final = 200


def add(path: str | os.PathLike[str], *, name: str | None = None) -> DatabaseRecord:
    """Note a database, and give it a name if you like.

    Parameters
    ----------
    path : str or os.PathLike
        Its folder. Of a database that ISF wrote, its sub-databases are noted too.
    name : str, optional
        What to call it from now on, wherever it moves; it replaces an earlier name. By default the name of its folder.

    Raises
    ------
    NotADatabaseError
        There is no database in that folder.
    RegistryError
        The name belongs to another database or cannot be one, or the registry cannot be written.
    """
    real = os.path.realpath(path)
    database_id = folders.id_of(real)
    if database_id is None:
        raise NotADatabaseError(f"cannot register {real!a}: there is no isfdb.json in it that can be understood.", path=real)
    if name is not None:
        _check_name(name)
    with _changing() as connection:
        if name is not None:
            _check_free(connection, name, database_id)
        write_opened(connection, database_id, real, folders.parent_id(real))
        if folders.is_isf(real):  # ISF's programs open sub-databases by ids of their own
            for below_id, below, parent in folders.databases_below(real, progress=False):
                write_opened(connection, below_id, below, parent or folders.parent_id(below))
        if name is not None:
            store.set_name(connection, name, database_id)
        given = _by_id(store.given_names(connection))
        (row,) = [row for row in store.rows(connection, database_id) if row.path == real]
    return _record(row, given)


def databases() -> DatabaseRecords:
    """Return all databases that are known, those that are missing included; prints as a table."""
    with _reading() as connection:
        return _records(store.rows(connection), _by_id(store.given_names(connection)))


def browse() -> Any:
    """Return a browser of all databases that are known, for notebooks: it searches them all, and opens each in place, for reading.

    Returns
    -------
    RegistryBrowser
        An ipywidgets box. In a terminal it is shown as the table of databases.
    """
    from importlib import import_module

    return import_module("isfdb.jupyter.browsing.registry_browser").RegistryBrowser()  # by name: the registry does not know its tools


def find(text: str) -> DatabaseRecords:
    """Return the databases whose name, path or id contains `text`, whatever the case; prints as a table."""
    wanted = text.casefold()
    with _reading() as connection:
        given = _by_id(store.given_names(connection))
        rows = store.rows(connection)
    facts = [(given.get(row.id, ""), row.folder_name, row.path, row.id) for row in rows]
    return _records([row for row, known in zip(rows, facts, strict=True) if any(wanted in fact.casefold() for fact in known)], given)


def names() -> dict[str, str]:
    """Return the names that :func:`resolve` understands, each with the path it stands for; for completion."""
    unique, several = dict[str, str](), set[str]()
    for record in databases():
        if record.present:
            several.update({record.name} & unique.keys())
            unique[record.name] = record.path
    return {name: unique[name] for name in sorted(unique.keys() - several)}


def resolve(target: str | os.PathLike[str], *, folder_names: bool = True) -> str:
    """Return the folder of the database that an id, a name or a path stands for.

    Parameters
    ----------
    target : str or os.PathLike
        A folder that holds a database, an id (32 hex digits), or a name. A path wins over a name.
    folder_names : bool
        Whether the name of its folder will do for a database that was given no name. Not where a new database may be made instead:
        every other project has its "results".

    Raises
    ------
    DatabaseNotFoundError
        Nothing known goes by that, or nothing of it lies where it was.
    AmbiguousIdError
        Several databases go by that.
    """
    text = os.fspath(target)
    real = os.path.realpath(text) if text and "\0" not in text else ""
    if real and not store.is_id(text) and folders.id_of(real) is not None:
        return real
    with _reading() as connection:
        given = store.given_names(connection)
        wanted = text if store.is_id(text) else given.get(text)
        rows = store.rows(connection, wanted)
    if wanted is None:
        rows = [row for row in rows if folder_names and row.folder_name == text]
    present = _distinct([row for row in rows if folders.id_of(row.path) == row.id])
    if len(present) == 1:
        return present[0].path
    if present:
        raise _ambiguous(text, present)
    raise _not_found(text, rows)


def scan(folder: str | os.PathLike[str], *, progress: bool | None = None) -> DatabaseRecords:
    """Look for databases in a folder tree and note them all.

    Parameters
    ----------
    folder : str or os.PathLike
        Where to begin. Keys, hidden folders and links to folders are not entered.
    progress : bool, optional
        Whether to show a progress bar; by default in a terminal and in a notebook.

    Returns
    -------
    DatabaseRecords
        What was found.
    """
    real = os.path.realpath(folder)
    if not os.path.isdir(real):
        raise DatabaseNotFoundError(f"cannot look for databases in {real!a}: there is no such folder.", path=real)
    found: list[tuple[str, str, str | None]] = []
    try:
        for database in folders.databases_below(real, progress=progress):
            found.append(database)  # noqa: PERF402 - what was found before Ctrl-C is noted too
    finally:
        if found:
            with _changing() as connection:
                for database_id, path, parent in found:
                    write_opened(connection, database_id, path, parent or folders.parent_id(path))
    return _known_among({(database_id, path) for database_id, path, _ in found})


def adopt(registry: str | os.PathLike[str]) -> Adopted:
    """Take over what another registry knows and what is really there.

    Parameters
    ----------
    registry : str or os.PathLike
        The file of a registry: a colleague's, a backup, another computer's. It is only read.

    Returns
    -------
    Adopted
        What was added, known before, missing, and how many rows made no sense.

    Raises
    ------
    RegistryError
        The file is missing, or is no registry.
    """
    from isfdb.registry.records import Adopted

    other = os.path.realpath(registry)
    if not os.path.isfile(other):
        raise RegistryError(f"cannot adopt {other!a}: there is no such file.", path=other)
    with store.reading(other) as connection:
        raw = list(store.raw_rows(connection))
        their_names = _by_id(store.given_names(connection))
    theirs = [row for row in raw if row is not None]
    present = [row for row in theirs if folders.id_of(row.path) == row.id]
    with _changing() as connection:
        known = {(row.id, row.path) for row in store.rows(connection)}
        new = [row for row in present if (row.id, row.path) not in known]
        for row in new:
            store.write(connection, row)
            _adopt_name(connection, their_names.get(row.id), row.id)
    return Adopted(
        added=_known_among({(row.id, row.path) for row in new}),
        known=_known_among({(row.id, row.path) for row in theirs} & known),
        missing=_records([row for row in theirs if row not in present], their_names),
        refused=len(raw) - len(theirs),
    )


def forget(target: str | os.PathLike[str]) -> DatabaseRecords:
    """Take a database off the registry; the database itself stays as it is, and opening it notes it again.

    Parameters
    ----------
    target : str or os.PathLike
        A path (that one place), an id or a name (every place).

    Returns
    -------
    DatabaseRecords
        What was forgotten.

    Raises
    ------
    DatabaseNotFoundError
        Nothing in the registry goes by that.
    """
    text = os.fspath(target)
    with _changing() as connection:
        given = store.given_names(connection)
        rows = store.rows(connection)
        wanted = given.get(text, text)
        leaving = [row for row in rows if row.id == wanted] or [row for row in rows if row.path == os.path.realpath(text)]
        leaving = leaving or [row for row in rows if row.folder_name == text]
        records = _records(leaving, _by_id(given))
        store.remove(connection, leaving)
    if not leaving:
        raise DatabaseNotFoundError(
            f"cannot forget {text!a}: none of that id, name or path is registered.{hint(nearby(text))}", target=text
        )
    forget_noted()
    return records


def prune(*, other_hosts: bool = False) -> DatabaseRecords:
    """Take off the registry what no longer lies where it was.

    Parameters
    ----------
    other_hosts : bool
        Also what was last seen from another computer, whose disks may just not be visible from here.

    Returns
    -------
    DatabaseRecords
        What was taken off.
    """
    host = host_name()
    with _changing() as connection:
        given = _by_id(store.given_names(connection))
        missing = [row for row in store.rows(connection) if folders.id_of(row.path) != row.id]
        leaving = [row for row in missing if other_hosts or row.host == host]
        store.remove(connection, leaving)
    forget_noted()
    return _records(leaving, given)


def give_new_id(path: str | os.PathLike[str]) -> str:
    """Make a copied database one of its own: give it, and the sub-databases in it, fresh ids.

    Links to the old ids then lead to the original alone. The old id is kept as ``copied_from`` in ``isfdb.json``.

    Parameters
    ----------
    path : str or os.PathLike
        The folder of the copy.

    Returns
    -------
    str
        Its new id.

    Raises
    ------
    NotADatabaseError, CorruptDatabaseError, ReadOnlyError
        There is no database, its ``isfdb.json`` cannot be understood, or it cannot be replaced.
    """
    real = os.path.realpath(path)
    found = folders.databases_below(real, progress=False) if folders.id_of(real) else ()  # what is no database is refused below
    below = [place for _, place, _ in found if place != real]
    changed = [(place, *folders.write_new_id(place)) for place in (real, *below)]
    with _changing() as connection:
        for place, old, new in changed:
            store.remove(connection, [row for row in store.rows(connection, old) if row.path == place])
            write_opened(connection, new, place, folders.parent_id(place))
    return changed[0][2]


@contextlib.contextmanager
def _reading() -> Iterator[sqlite3.Connection | None]:
    file = store.registry_file()
    _mend(file)
    with store.reading(file) as connection:
        yield connection


@contextlib.contextmanager
def _changing() -> Iterator[sqlite3.Connection]:
    file = store.registry_file()
    _mend(file)
    with store.changing(file) as connection:
        yield connection


def _mend(file: str) -> None:
    try:
        with store.reading(file) as connection:
            store.rows(connection)
    except RegistryError as error:
        if not error.facts.get("is_corrupt"):
            raise
        store.set_aside_if_corrupt(file)


def _by_id(given: dict[str, str]) -> dict[str, str]:
    return {database_id: name for name, database_id in given.items()}


def _record(row: store.Row, given: dict[str, str]) -> DatabaseRecord:
    from isfdb.registry.records import DatabaseRecord

    return DatabaseRecord(
        id=row.id,
        name=given.get(row.id, row.folder_name),
        path=row.path,
        parent=row.parent,
        host=row.host,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        present=folders.id_of(row.path) == row.id,
    )


def _records(rows: Iterable[store.Row], given: dict[str, str]) -> DatabaseRecords:
    from isfdb.registry.records import DatabaseRecords

    return DatabaseRecords([_record(row, given) for row in rows])


def _known_among(places: set[tuple[str, str]]) -> DatabaseRecords:
    with _reading() as connection:
        rows = [row for row in store.rows(connection) if (row.id, row.path) in places]
        return _records(rows, _by_id(store.given_names(connection)))


def _distinct(rows: list[store.Row]) -> list[store.Row]:
    """Return the rows that lead to different folders; one folder may be reached by several paths."""
    distinct: list[store.Row] = []
    for row in rows:
        if not any(folders.is_same_folder(row.path, other.path) for other in distinct):
            distinct.append(row)
    return distinct


def _check_name(name: str) -> None:
    is_taken_for_another = store.is_id(name) or name in (".", "..") or any(character in name for character in "/\\:")
    if not 0 < len(name) <= MAX_NAME or not name.isprintable() or name != name.strip() or is_taken_for_another:
        message = f"{name!a} cannot name a database. Use up to {MAX_NAME} printable characters without / \\ : and not the form of an id."
        raise RegistryError(message, name=name)


def _check_free(connection: sqlite3.Connection, name: str, database_id: str) -> None:
    owner = store.given_names(connection).get(name)
    if owner not in (None, database_id):
        places = ", ".join([f"{row.path!a}" for row in store.rows(connection, owner)])
        cure = f"Choose another, or first isfdb.registry.forget({name!a})."
        raise RegistryError(f"the name {name!a} already stands for the database {owner} ({places}). {cure}", name=name, id=owner)


def _adopt_name(connection: sqlite3.Connection, name: str | None, database_id: str) -> None:
    """Take over a name another registry has for a database, where neither stands for or has another here."""
    given = store.given_names(connection)
    if name is None or name in given or database_id in given.values():
        return
    with contextlib.suppress(RegistryError):  # a name that cannot be one here
        _check_name(name)
        store.set_name(connection, name, database_id)


def _ambiguous(text: str, rows: list[store.Row]) -> AmbiguousIdError:
    paths = [row.path for row in rows]
    places = " and ".join([f"{path!a}" for path in paths])
    if len({row.id for row in rows}) > 1:
        message = (
            f"{len(rows)} databases are called {text!a}: {places}. Open one by its path, or name it: isfdb.registry.add(path, name=...)."
        )
    else:
        message = (
            f"{len(rows)} copies of one database carry the id {rows[0].id}: {places}. Open the one you mean by its path. If they are to go "
            f"separate ways, give one an id of its own: isfdb.registry.give_new_id(path), or isfdb registry new-id PATH."
        )
    return AmbiguousIdError(message, id=rows[0].id, paths=paths)


def _not_found(text: str, rows: list[store.Row]) -> DatabaseNotFoundError:
    cure = "If it was moved, isfdb.registry.scan(folder) finds it below a folder; opening it by its path registers it too."
    if rows:
        seen = "; ".join([f"{row.path!a} (seen {row.last_seen[:10]} on {row.host!a})" for row in rows[:5]])
        return DatabaseNotFoundError(f"the database {text!a} no longer lies where it was: {seen}. {cure}", target=text)
    message = f"there is no database at {text!a}, and none of that name or id is registered.{hint(nearby(text))} {cure}"
    return DatabaseNotFoundError(message, target=text)
