"""Opens a database in a storage that the caller brings: ``isfdb.open(MyStorage(...))``. Folders are `opening.py`'s affair."""

from __future__ import annotations

import os
from typing import Any

from isfdb import pins
from isfdb.database import Database
from isfdb.errors import DatabaseExistsError, DatabaseNotFoundError, NotADatabaseError, StorageError
from isfdb.failures import storage_failure
from isfdb.identity import make_database, read_identity
from isfdb.layout.current import DATABASE_FILE
from isfdb.options import option
from isfdb.provenance import file_events
from isfdb.provenance.capture import note_opened
from isfdb.provenance.senders import note_arrival
from isfdb.storage.base import Storage


def open_storage(storage: Storage, mode: str, durability: str | None, trusted: bool, carried: Any = None) -> Database:
    """Open the database that a storage holds, or make one.

    It is not noted in the registry, which knows folders only.

    Raises
    ------
    DatabaseExistsError, DatabaseNotFoundError, NotADatabaseError
        As for :func:`isfdb.open`.
    StorageError
        A replay runs, which can hold back only what is written into folders; or the storage refuses.
    """
    where = storage.location
    if pins.current() is not None:
        message = f"{where} is not opened while a replay runs: what is written to a {type(storage).__name__} cannot be held back."
        raise StorageError(f"{message} Databases in folders can be replayed.", database=where)
    try:
        _make_unless_there(storage, mode, durable=option("durability", durability) == "full")
    except OSError as error:
        raise storage_failure(error, "open the database", where) from error
    if os.path.isfile(where):
        file_events.leave_out_file(where)  # what a script stores must not count as what it reads
    identity = read_identity(storage)
    note_opened(where, f"isfdb://{identity.id}")
    return Database(storage, identity, mode=mode, durability=durability, trusted=trusted, carried=carried)


def _make_unless_there(storage: Storage, mode: str, *, durable: bool) -> None:
    names, where = storage.list(""), storage.location
    if DATABASE_FILE in names:
        if mode in ("w-", "x"):
            raise DatabaseExistsError(
                f"there is a database at {where} already. Open it with mode='a', or choose another place.", path=where
            )
    elif mode not in ("a", "w-", "x"):
        raise DatabaseNotFoundError(f"there is no database at {where}. Make one with mode='a'.", path=where)
    elif any(not name.startswith(".") for name in names):
        message = f"cannot make a database at {where}: it holds other things and has no {DATABASE_FILE}. Choose an empty place."
        raise NotADatabaseError(message, path=where)
    else:
        make_database(storage, durable=durable)


def reopen_storage(storage: Storage, prefix: str, mode: str, durability: str | None, trusted: bool, carried: Any) -> Database:
    """Open a database again in another process, from what a pickled handle carries: the storage, pickled, and not its folder."""
    note_arrival(carried)
    root = open_storage(storage, "r" if mode == "r" else "r+", durability, trusted, carried)
    root.mode = mode
    return root._sub(prefix) if prefix else root
