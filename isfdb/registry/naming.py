"""The names that users give to databases: what can be one, and whose it is. Looks into no folder."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from isfdb.errors import RegistryError
from isfdb.registry import store

if TYPE_CHECKING:
    import sqlite3

MAX_NAME: Final = 200


def check_name(name: str) -> None:
    """Refuse what cannot be told from an id or a path, or cannot be seen in a table."""
    is_taken_for_another = store.is_id(name) or name in (".", "..") or any(character in name for character in "/\\:")
    if not 0 < len(name) <= MAX_NAME or not name.isprintable() or name != name.strip() or is_taken_for_another:
        message = f"{name!a} cannot name a database. Use up to {MAX_NAME} printable characters without / \\ : and not the form of an id."
        raise RegistryError(message, name=name)


def check_free(connection: sqlite3.Connection, name: str, database_id: str) -> None:
    """Refuse a name that stands for another database."""
    owner = store.given_names(connection).get(name)
    if owner not in (None, database_id):
        places = ", ".join([f"{row.path!a}" for row in store.rows(connection, owner)])
        cure = f"Choose another, or first isfdb.registry.forget({name!a})."
        raise RegistryError(f"the name {name!a} already stands for the database {owner} ({places}). {cure}", name=name, id=owner)


def adopt_name(connection: sqlite3.Connection, name: str | None, database_id: str) -> None:
    """Take over a name another registry has for a database, where neither stands for or has another here."""
    given = store.given_names(connection)
    if name is None or name in given or database_id in given.values():
        return
    with contextlib.suppress(RegistryError):  # a name that cannot be one here
        check_name(name)
        store.set_name(connection, name, database_id)
