"""Where this user's databases are: ids and names to paths, kept up to date by opening them. A row is a hint, never believed alone.

Before a path is handed out, ``isfdb.json`` there is read and its id compared. Nothing in a registry or in a folder it names is
executed, so a registry may be shared by a group (``ISFDB_REGISTRY``) or adopted from a stranger.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from isfdb.errors import DatabaseNotFoundError, NotADatabaseError, RegistryError
from isfdb.nearness import hint
from isfdb.registry import folders, naming, own_registry, store
from isfdb.registry.nearby import nearby
from isfdb.registry.noting import forget_noted, host_name, note_opened, write_opened
from isfdb.registry.resolving import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isfdb.registry.records import Adopted, DatabaseRecord, DatabaseRecords

__all__ = ["add", "adopt", "browse", "databases", "find", "forget", "give_new_id", "names", "note_opened", "prune", "resolve", "scan"]


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
        naming.check_name(name)
    with own_registry.changing() as connection:
        if name is not None:
            naming.check_free(connection, name, database_id)
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
    with own_registry.reading() as connection:
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
    with own_registry.reading() as connection:
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
            with own_registry.changing() as connection:
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
    with own_registry.changing() as connection:
        known = {(row.id, row.path) for row in store.rows(connection)}
        new = [row for row in present if (row.id, row.path) not in known]
        for row in new:
            store.write(connection, row)
            naming.adopt_name(connection, their_names.get(row.id), row.id)
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
    with own_registry.changing() as connection:
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
    with own_registry.changing() as connection:
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
    with own_registry.changing() as connection:
        for place, old, new in changed:
            store.remove(connection, [row for row in store.rows(connection, old) if row.path == place])
            write_opened(connection, new, place, folders.parent_id(place))
    return changed[0][2]


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
    with own_registry.reading() as connection:
        rows = [row for row in store.rows(connection) if (row.id, row.path) in places]
        return _records(rows, _by_id(store.given_names(connection)))
