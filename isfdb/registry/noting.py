"""Notes in the registry that a database was opened: cheaply, and never in the way of opening it."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Final

from isfdb.errors import RegistryError, RegistryWarning
from isfdb.options import option
from isfdb.registry import folders, store

if TYPE_CHECKING:
    import sqlite3

NOTED_AGAIN_AFTER_S: Final = 86400.0
TIMEOUT_S: Final = 3.0
SWEPT_AT_ONCE: Final = 8

_noted: set[tuple[str, str, str]] = set()  # (registry's file, id, path) that this process has seen written down
_warned: set[tuple[object, object]] = set()


def note_opened(database_id: str, path: str, name: str | None = None, *, parent: str | None = None) -> None:
    """Note that a database was opened; called by ``isfdb.open``, cheap, and never in the way of opening.

    Parameters
    ----------
    database_id, path : str
        What was opened, and its folder.
    name : str, optional
        What its folder was called when it was opened; by default the name of the folder.
    parent : str, optional
        The id of the database it is a sub-database of.

    Warns
    -----
    RegistryWarning
        Once per process and reason, where the registry cannot be kept up to date.
    """
    if not option("register"):
        return
    try:
        file = store.registry_file()
        if (file, database_id, path) in _noted:
            return
        _note(file, database_id, os.path.realpath(path), name, parent)
        _noted.add((file, database_id, path))
    except RegistryError as error:
        _warn_once(error)


def _note(file: str, database_id: str, real: str, name: str | None, parent: str | None) -> None:
    try:
        _note_once(file, database_id, real, name, parent)
    except RegistryError as error:
        if not error.facts.get("is_corrupt"):
            raise
        store.set_aside_if_corrupt(file)
        _note_once(file, database_id, real, name, parent)


def _note_once(file: str, database_id: str, real: str, name: str | None, parent: str | None) -> None:
    with store.reading(file) as connection:
        if any(row.path == real and _is_recent(row) for row in store.rows(connection, database_id)):
            return  # the usual case: nothing is written, so a registry that cannot be written will do
    with store.changing(file, TIMEOUT_S) as connection:
        write_opened(connection, database_id, real, parent, name=name)
        _sweep_temporary(connection)


def _is_recent(row: store.Row) -> bool:
    from datetime import UTC, datetime

    try:
        seen = datetime.fromisoformat(row.last_seen)
        return abs((datetime.now(UTC) - seen).total_seconds()) < NOTED_AGAIN_AFTER_S
    except (ValueError, TypeError):  # a foreign row: no time, or one without a zone
        return False


def write_opened(connection: sqlite3.Connection, database_id: str, real: str, parent: str | None, *, name: str | None = None) -> None:
    """Write a row, and drop those of the same id that a move left behind."""
    now, host = _now(), host_name()
    before = store.rows(connection, database_id)
    store.write(connection, store.Row(database_id, real, name or os.path.basename(real) or real, parent, host, now, now))
    # Last, for a name goes with the last row of its id.
    left = [row for row in before if row.path != real and row.host == host and folders.id_of(row.path) != database_id]
    store.remove(connection, left)


def _sweep_temporary(connection: sqlite3.Connection) -> None:
    """Drop a few rows of temporary databases that are gone, so that tests and trials do not fill the registry."""
    import tempfile

    temporary = os.path.realpath(tempfile.gettempdir()) + os.sep
    oldest = store.oldest_rows_below(connection, temporary, host_name(), limit=SWEPT_AT_ONCE)
    store.remove(connection, [row for row in oldest if folders.id_of(row.path) != row.id])


def forget_noted() -> None:
    """Look into the registry again before believing that something is written down in it."""
    _noted.clear()


def host_name() -> str:
    """Return the name of this computer."""
    import platform

    return platform.node() or "unknown"


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _warn_once(error: RegistryError) -> None:
    reason = error.facts.get("path"), error.facts.get("reason")
    if reason not in _warned:
        _warned.add(reason)
        warnings.warn(f"The database is open, but could not be registered: {error}", RegistryWarning, stacklevel=4)
