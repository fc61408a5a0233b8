"""Which folder an id, a name or a path stands for, and what to say where it is none or several. Changes nothing in the registry."""

from __future__ import annotations

import os

from isfdb.errors import AmbiguousIdError, DatabaseNotFoundError
from isfdb.nearness import hint
from isfdb.registry import folders, own_registry, store
from isfdb.registry.nearby import nearby


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
    with own_registry.reading() as connection:
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


def _distinct(rows: list[store.Row]) -> list[store.Row]:
    """Return the rows that lead to different folders; one folder may be reached by several paths."""
    distinct: list[store.Row] = []
    for row in rows:
        if not any(folders.is_same_folder(row.path, other.path) for other in distinct):
            distinct.append(row)
    return distinct


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
