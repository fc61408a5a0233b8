"""Opens the registry of this user, and first mends it where it is damaged. What stands in it is read and written by `store.py`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from isfdb.errors import RegistryError
from isfdb.registry import store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


@contextlib.contextmanager
def reading() -> Iterator[sqlite3.Connection | None]:
    """Give a connection for reading to a ``with`` block, or None where nothing was registered yet."""
    file = store.registry_file()
    _mend(file)
    with store.reading(file) as connection:
        yield connection


@contextlib.contextmanager
def changing() -> Iterator[sqlite3.Connection]:
    """Give a connection to a ``with`` block, as one transaction that is undone if the block raises."""
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
