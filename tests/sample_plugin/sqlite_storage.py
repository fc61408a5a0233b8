"""Keeps an isfdb database in one SQLite file. A sample: slower than folders, and opened by nothing but SQLite.

Each file is a row. What must appear whole appears in one transaction, which SQLite flushes; names that may be taken are primary keys.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence

from isfdb.errors import StorageError
from isfdb.layout.current import KEY_SUFFIX, METADATA_FILE, STAGE_PREFIX, TOMBSTONE_FILE, TRASH_FOLDER, join, version_name
from isfdb.storage.base import Stage, Storage, TakenError

_LONGEST_WAIT_S = 60.0


class SqliteStorage(Storage):
    """A database in a file.

    Parameters
    ----------
    path : str
        Of the file, which is made if need be.
    read_only : bool
        Refuse every write.
    """

    gives_copies = True

    def __init__(self, path: str, *, read_only: bool = False) -> None:
        self.path = os.path.abspath(path)
        self.read_only = read_only
        self._stages = tempfile.mkdtemp(prefix="isfdb-sqlite-")
        with self._changing() as rows:
            rows.execute("CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, data BLOB NOT NULL, changed REAL NOT NULL)")

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return type(self), (self.path,)

    def __del__(self) -> None:
        shutil.rmtree(self._stages, ignore_errors=True)

    @property
    def location(self) -> str:
        """The file."""
        return self.path

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection of its own to each call: threads and processes share nothing but the file."""
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=_LONGEST_WAIT_S, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise StorageError(f"SQLite refused to work on {self.path}: {error}.", database=self.path) from error

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose changes are made together, on the disk, or not at all."""
        with self._reading() as rows:
            rows.execute("PRAGMA synchronous = FULL")
            rows.execute("BEGIN IMMEDIATE")
            try:
                yield rows
            except BaseException:
                rows.execute("ROLLBACK")
                raise
            rows.execute("COMMIT")

    # Small records ---------------------------------------------------------------------------------------------------------------

    def list(self, folder: str) -> list[str]:
        """Return the names inside a folder, which is what has paths below it."""
        if not os.path.exists(self.path):
            return []
        with self._reading() as rows:
            return sorted({path[len(folder) + bool(folder) :].partition("/")[0] for (path,) in _below(rows, folder, "path")})

    def is_folder(self, path: str) -> bool:
        """Say whether anything lies below `path`."""
        if not os.path.exists(self.path):
            return False
        with self._reading() as rows:
            return not path or any(_below(rows, path, "1"))

    def read(self, path: str) -> bytes:
        """Return a file."""
        with self._reading() as rows:
            found = rows.execute("SELECT data FROM files WHERE path = ?", (path,)).fetchone()
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return bytes(found[0])

    def put(self, path: str, data: bytes, *, flushed: bool = False) -> bool:
        """Insert a row, unless there is one."""
        with self._changing() as rows:
            _refuse_moved(rows, path)
            return _insert(rows, path, data)

    def put_folder(self, folder: str, name: str, data: bytes, *, flushed: bool = False) -> bool:
        """Insert the first row of a folder."""
        with self._changing() as rows:
            return not any(_below(rows, folder, "1")) and _insert(rows, join(folder, name), data)

    def replace(self, path: str, data: bytes, *, flushed: bool = True) -> None:
        """Insert a row or change it."""
        with self._changing() as rows:
            _refuse_moved(rows, path)
            rows.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (path, data, time.time()))

    def append(self, path: str, data: bytes) -> None:
        """Add to a row."""
        with self._changing() as rows:
            if not _insert(rows, path, data):
                rows.execute("UPDATE files SET data = CAST(data || ? AS BLOB), changed = ? WHERE path = ?", (data, time.time(), path))

    def remove(self, path: str) -> None:
        """Delete a row."""
        with self._changing() as rows:
            rows.execute("DELETE FROM files WHERE path = ?", (path,))

    # Versions --------------------------------------------------------------------------------------------------------------------

    def stage(self, key_folder: str, *, is_new: bool, first: int = 1) -> Stage:
        """Make a folder on this computer, which goes when it is published."""
        nonce = os.urandom(8).hex()
        path = tempfile.mkdtemp(prefix=STAGE_PREFIX, dir=self._stages)
        return Stage(path, key_folder, nonce, path if is_new else None, first)

    def write(self, stage: Stage, name: str, data: bytes) -> None:
        """Write a small file of a stage."""
        with open(os.path.join(stage.path, name), "wb") as file:
            file.write(data)
        if name not in stage.files:
            stage.files.append(name)

    def prepare(self, stages: Sequence[Stage]) -> None:
        """Do nothing: what a stage holds is on the disk when its transaction is, and so is every record."""

    def publish(self, stage: Stage, number: int) -> None:
        """Insert all files of a stage in one transaction."""
        folder = join(stage.key_folder, version_name(number))
        with self._changing() as rows:
            if any(_below(rows, folder, "1")):
                if _bears(rows, folder, stage.nonce):
                    return  # this very stage: the reply of the transaction before was lost
                raise TakenError(folder)
            if not stage.container:
                _refuse_moved(rows, folder)
            for place, _, names in os.walk(stage.path):
                for name in names:
                    inside = os.path.relpath(os.path.join(place, name), stage.path).replace(os.sep, "/")
                    with open(os.path.join(place, name), "rb") as file:
                        _insert(rows, join(folder, inside), file.read())
        self.discard(stage)

    def settle(self, stages: Sequence[Stage]) -> None:
        """Do nothing: the transaction that published was flushed."""

    def discard(self, stage: Stage) -> None:
        """Remove a stage."""
        shutil.rmtree(stage.path, ignore_errors=True)

    def fetch(self, path: str) -> str:
        """Return a copy, which goes when this storage does."""
        target = os.path.join(tempfile.mkdtemp(prefix="fetched-", dir=self._stages), os.path.basename(path) or "database")
        with self._reading() as rows:
            found = [*_below(rows, path, "path, data"), *rows.execute("SELECT path, data FROM files WHERE path = ?", (path,))]
        for name, data in found:
            copy = f"{target}/{name.removeprefix(path).strip('/')}".rstrip("/")
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            with open(copy, "wb") as file:
                file.write(data)
        return target

    # Moving and reclaiming -------------------------------------------------------------------------------------------------------

    def move(self, old: str, new: str) -> None:
        """Give all rows of a folder their new paths, in one transaction."""
        with self._changing() as rows:
            if any(_below(rows, new, "1")):
                raise TakenError(new)
            if not _move(rows, old, new):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), old)

    def to_trash(self, path: str, *, durable: bool = False) -> None:
        """Give a file, or all of a folder, a path in the trash."""
        target = f"{TRASH_FOLDER}/{path.replace('/', '~')}~{os.urandom(8).hex()}/{path.rpartition('/')[2]}"
        with self._changing() as rows:
            _move(rows, path, target)
            rows.execute("UPDATE files SET changed = ? WHERE path >= ? AND path < ?", (time.time(), target, f"{target}0"))

    def erase(self) -> None:
        """Delete the file."""
        os.unlink(self.path)

    def empty_trash(self, older_than_s: float, *, dry_run: bool) -> int:
        """Delete what was trashed that long ago."""
        found = [join(TRASH_FOLDER, name) for name in self.list(TRASH_FOLDER)]
        old = [path for path in found if self.age_s(path) >= older_than_s]
        reclaimed = sum([self.size(path) for path in old])
        for path in () if dry_run else old:
            with self._changing() as rows:
                rows.execute("DELETE FROM files WHERE path >= ? AND path < ?", (f"{path}/", f"{path}0"))
        return reclaimed

    def sweep(self, folder: str, names: Iterable[str], older_than_s: float, *, dry_run: bool) -> int:
        """Reclaim nothing: stages lie in folders of this computer's temporary folder, which the system clears."""
        return 0

    def size(self, path: str) -> int:
        """Return the bytes of a file or folder."""
        with self._reading() as rows:
            below = sum([size for (size,) in _below(rows, path, "length(data)")])
            return below + sum([size for (size,) in rows.execute("SELECT length(data) FROM files WHERE path = ?", (path,))])

    def age_s(self, path: str) -> float:
        """Return the seconds since the newest file of `path` changed."""
        with self._reading() as rows:
            changed = [one for (one,) in _below(rows, path, "changed")]
            changed += [one for (one,) in rows.execute("SELECT changed FROM files WHERE path = ?", (path,))]
        return time.time() - max(changed) if changed else 0.0


def _below(rows: sqlite3.Connection, folder: str, columns: str) -> sqlite3.Cursor:
    """Give the rows of all files below a folder: "0" is the character behind "/"."""
    if not folder:
        return rows.execute(f"SELECT {columns} FROM files")
    return rows.execute(f"SELECT {columns} FROM files WHERE path >= ? AND path < ?", (f"{folder}/", f"{folder}0"))


def _refuse_moved(rows: sqlite3.Connection, path: str) -> None:
    """Refuse to write below a key that another process has moved away."""
    key_folder, suffix, _ = path.partition(f"{KEY_SUFFIX}/")
    if suffix and not any(_below(rows, f"{key_folder}{KEY_SUFFIX}", "1")):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _insert(rows: sqlite3.Connection, path: str, data: bytes) -> bool:
    return rows.execute("INSERT OR IGNORE INTO files VALUES (?, ?, ?)", (path, data, time.time())).rowcount == 1


def _move(rows: sqlite3.Connection, old: str, new: str) -> int:
    """Move a file, or all of a folder; return how many rows that were."""
    moved = rows.execute("UPDATE files SET path = ? WHERE path = ?", (new, old)).rowcount
    below = "UPDATE files SET path = ? || substr(path, ?) WHERE path >= ? AND path < ?"
    return moved + rows.execute(below, (new, len(old) + 1, f"{old}/", f"{old}0")).rowcount


def _bears(rows: sqlite3.Connection, folder: str, nonce: str) -> bool:
    records = [join(folder, name) for name in (METADATA_FILE, TOMBSTONE_FILE)]
    found = rows.execute("SELECT data FROM files WHERE path IN (?, ?)", records).fetchall()
    return any(f'"nonce": "{nonce}"'.encode() in data for (data,) in found)
