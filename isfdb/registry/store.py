"""The registry's file: rows of (id, path) in SQLite, for several processes and computers. Knows nothing of what lies at a path.

The file may lie in a home folder on NFS, so it has a rollback journal (SQLite's WAL loses rows between two NFS clients) and every
transaction is short. A row is only ever a hint: who uses one looks into the folder first.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from isfdb.errors import RegistryError, RegistryWarning
from isfdb.layout.isf_legacy import is_isf_id
from isfdb.options import option

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

FORMAT: Final = 1
APPLICATION_ID: Final = 0x69736664  # "isfd"
BUSY_TIMEOUT_S: Final = 10.0
MAX_ROWS: Final = 1_000_000
MAX_TEXT: Final = 10_000

_SCHEMA: Final = (
    "CREATE TABLE databases (id TEXT NOT NULL, path NOT NULL, folder_name NOT NULL, parent TEXT, host TEXT NOT NULL,"
    " first_seen TEXT NOT NULL, last_seen TEXT NOT NULL, PRIMARY KEY (id, path))",
    "CREATE TABLE names (name TEXT PRIMARY KEY, id TEXT NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FORMAT}",
)
_COLUMNS: Final = "id, path, folder_name, parent, host, first_seen, last_seen"


class Row(NamedTuple):
    """One database at one place, as it is written down."""

    id: str
    path: str
    folder_name: str
    parent: str | None
    host: str
    first_seen: str
    last_seen: str


def registry_file() -> str:
    """Return the path of the registry's file.

    Raises
    ------
    RegistryError
        There is no home folder to put it in.
    """
    chosen = option("registry")
    if chosen is not None:
        return str(chosen)
    folder = option("data_folder")
    if folder is None:
        raise RegistryError("you have no home folder to keep the registry of databases in. Name a file: set ISFDB_REGISTRY.")
    return os.path.join(folder, "registry.sqlite")


@contextlib.contextmanager
def reading(path: str) -> Iterator[sqlite3.Connection | None]:
    """Give a connection for reading to a ``with`` block, or None where the file is missing."""
    if not os.path.exists(path):
        yield None
        return
    # Whoever reads after a writer was killed must be able to roll back what that one left half done.
    with _connected(path, "rw" if os.access(path, os.W_OK) else "ro", BUSY_TIMEOUT_S) as connection:
        yield connection if _is_ours(connection, path) else None


@contextlib.contextmanager
def changing(path: str, timeout_s: float = BUSY_TIMEOUT_S) -> Iterator[sqlite3.Connection]:
    """Give a connection to a ``with`` block, as one transaction that is undone if the block raises."""
    with _told_as_registry_error(path):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with _connected(path, "rwc", timeout_s) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not _is_ours(connection, path):
                for statement in _SCHEMA:
                    connection.execute(statement)
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(connection.Error):
                connection.execute("ROLLBACK")
            raise


def rows(connection: sqlite3.Connection | None, database_id: str | None = None) -> list[Row]:
    """Return all rows, or those of one id; what is no row of ours is left out."""
    found = [row for row in raw_rows(connection, database_id) if row is not None]
    return sorted(found, key=lambda row: (row.folder_name, row.path))


def raw_rows(connection: sqlite3.Connection | None, database_id: str | None = None) -> Iterator[Row | None]:
    """Give each row, None for one that is no row of ours: a registry may come from anybody."""
    if connection is None:
        return
    where, arguments = ("", ()) if database_id is None else (" WHERE id = ?", (database_id,))
    for found in connection.execute(f"SELECT {_COLUMNS} FROM databases{where} LIMIT {MAX_ROWS}", arguments):  # noqa: S608 - no text of others
        yield _row(found)


def oldest_rows_below(connection: sqlite3.Connection, folder: str, host: str, *, limit: int) -> list[Row]:
    """Return the few rows of a computer and a folder that nobody has opened for longest."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM databases WHERE host = ? AND substr(path, 1, ?) = ? ORDER BY last_seen LIMIT ?",  # noqa: S608 - the same
        (host, len(folder), _column(folder), limit),
    )
    return [row for row in map(_row, found.fetchall()) if row is not None]


def _row(found: tuple[Any, ...]) -> Row | None:
    texts = [os.fsdecode(member) if isinstance(member, bytes) else member for member in found]
    parent = texts.pop(3)
    fits = all(isinstance(text, str) and 0 < len(text) <= MAX_TEXT and "\0" not in text for text in texts)
    if not fits or not is_id(texts[0]) or not os.path.isabs(texts[1]):
        return None
    database_id, path, folder_name, host, first_seen, last_seen = texts
    return Row(database_id, path, folder_name, parent if is_id(parent) else None, host, first_seen, last_seen)


def is_id(text: object) -> bool:
    """Say whether a text has the form of a database's id: 32 hex digits, or what ISF gave its databases."""
    return (isinstance(text, str) and len(text) == 32 and set(text) <= set("0123456789abcdef")) or is_isf_id(text)


def given_names(connection: sqlite3.Connection | None) -> dict[str, str]:
    """Return the names users gave, each with the id it stands for."""
    if connection is None:
        return {}
    found = connection.execute("SELECT name, id FROM names LIMIT ?", (MAX_ROWS,))
    return {name: database_id for name, database_id in found if isinstance(name, str) and 0 < len(name) <= MAX_TEXT and is_id(database_id)}


def write(connection: sqlite3.Connection, row: Row) -> None:
    """Add a row, or bring the one of that id and path up to date; when it was first seen stays."""
    members = (row.id, _column(row.path), _column(row.folder_name), *row[3:])
    connection.execute(
        f"INSERT INTO databases ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id, path) DO UPDATE SET"  # noqa: S608 - the same
        " folder_name = excluded.folder_name, parent = excluded.parent, host = excluded.host, last_seen = excluded.last_seen",
        members,
    )


def remove(connection: sqlite3.Connection, leaving: Iterable[Row]) -> None:
    """Take rows out, and the names that then stand for nothing."""
    connection.executemany("DELETE FROM databases WHERE id = ? AND path = ?", [(row.id, _column(row.path)) for row in leaving])
    connection.execute("DELETE FROM names WHERE id NOT IN (SELECT id FROM databases)")


def set_name(connection: sqlite3.Connection, name: str, database_id: str) -> None:
    """Let `name` stand for `database_id`, and no other name."""
    connection.execute("DELETE FROM names WHERE id = ?", (database_id,))
    connection.execute("INSERT INTO names (name, id) VALUES (?, ?)", (name, database_id))


def _column(path: str) -> str | bytes:
    """Return a path as SQLite can keep it: a POSIX path may be no valid text, and is then kept as bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


@contextlib.contextmanager
def _connected(path: str, mode: str, timeout_s: float) -> Iterator[sqlite3.Connection]:
    import sqlite3
    from urllib.parse import quote

    with _told_as_registry_error(path):
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(path))}?mode={mode}", uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA trusted_schema = OFF")  # the file may be somebody else's
            yield connection
        finally:
            connection.close()


@contextlib.contextmanager
def _told_as_registry_error(path: str) -> Iterator[None]:
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None) or 0
        reason = getattr(error, "sqlite_errorname", None) or type(error).__name__
        message = f"the registry of databases {path!a} cannot be used: {error}. {_CURES.get(code & 0xFF, _OTHER_CURE)}"
        raise RegistryError(message, path=path, reason=reason, is_corrupt=code & 0xFF in _CORRUPT) from error
    except OSError as error:
        message = f"the registry of databases {path!a} cannot be used: {error}. {_OTHER_CURE}"
        raise RegistryError(message, path=path, reason=type(error).__name__) from error


_CORRUPT: Final = frozenset({11, 26})  # SQLITE_CORRUPT, SQLITE_NOTADB
_OTHER_CURE: Final = "Name another file (set ISFDB_REGISTRY), or do without (set ISFDB_REGISTER=0)."
_CURES: Final = {
    5: "Another process holds it; try again.",
    11: "Move it away; isfdb.registry.scan(folder) finds the databases again.",
    26: "Move it away; isfdb.registry.scan(folder) finds the databases again.",
}


def _is_ours(connection: sqlite3.Connection, path: str) -> bool:
    """Say whether the file has our tables; False where it is still empty. Refuse another program's, or a newer isfdb's."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = dict(connection.execute("SELECT name, type FROM sqlite_master LIMIT 100"))
    if not tables and application == 0:
        return False
    if application != APPLICATION_ID or tables.get("databases") != "table" or tables.get("names") != "table":
        raise RegistryError(f"{path!a} is a database of another program, no isfdb registry. {_OTHER_CURE}", path=path, reason="foreign")
    if version != FORMAT:
        message = f"the registry {path!a} was written by a newer isfdb (format {version}; this one knows {FORMAT}). Upgrade isfdb."
        raise RegistryError(message, path=path, reason="newer")
    return True


def set_aside_if_corrupt(path: str) -> str | None:
    """Move a corrupt registry out of the way, and save into a new one whatever rows can still be read; return where it went.

    Of several processes that find it corrupt at once, one does this; the others find a sound file, and None is returned.
    """
    with _told_as_registry_error(path), _repair_lock(path + ".lock"):
        if not _is_corrupt(path):
            return None
        aside = _free_name(path)
        if os.path.exists(path + "-journal"):
            os.replace(path + "-journal", aside + "-journal")  # else it would be played back into the new file
        os.replace(path, aside)
    rescued = _rescue(aside, path)
    warnings.warn(
        f"the registry of databases was damaged. It now lies at {aside!a}; {rescued} of its rows could be read and are in the new one. "
        "isfdb.registry.scan(folder) finds the others again.",
        RegistryWarning,
        stacklevel=2,
    )
    return aside


def _is_corrupt(path: str) -> bool:
    try:
        with reading(path) as connection:
            sound = connection is None or connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except RegistryError as error:
        return bool(error.facts.get("is_corrupt"))
    return not sound


def _free_name(path: str) -> str:
    import time

    stem = f"{path}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    return next(name for name in (f"{stem}-{number}" for number in range(1000)) if not os.path.exists(name))


def _rescue(aside: str, path: str) -> int:
    found: list[Row] = []
    try:
        with reading(aside) as connection:
            for row in raw_rows(connection):
                found += [] if row is None else [row]
    except RegistryError:
        pass  # what was read up to here is all there is; the warning says how many
    with changing(path) as connection:
        for row in found:
            write(connection, row)
    return len(found)


@contextlib.contextmanager
def _repair_lock(path: str) -> Iterator[None]:
    """Keep other processes from repairing at the same time; the system frees the lock of a process that dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined, unused-ignore]
        yield
    finally:
        os.close(descriptor)
