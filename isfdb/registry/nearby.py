"""Which databases may have been meant by a path or name that leads to none: those that lie beside it, and those that are registered."""

from __future__ import annotations

import os
from typing import Final

from isfdb.errors import RegistryError
from isfdb.nearness import nearest
from isfdb.registry import folders, store

#: Entries of a folder that are looked at: it may be anybody's, and a million files long.
_ENTRIES: Final = 5000


def nearby(target: str, *, most: int = 2) -> tuple[str, ...]:
    """Return paths and names of databases that are near `target`, as they would be typed in its place."""
    beside = _beside(target)
    names = [
        name
        for name in _registered(os.path.basename(target.rstrip(os.sep)), most)
        if os.path.basename(name) not in map(os.path.basename, beside)
    ]
    return tuple([*beside, *names][:most])


def given_names() -> list[str]:
    """Return the names that were given to databases: :func:`isfdb.open` takes them in any folder."""
    with store.reading(store.registry_file()) as connection:
        return sorted(store.given_names(connection))


def _beside(target: str) -> list[str]:
    """Return the databases in the same folder."""
    parent, name = os.path.split(os.path.abspath(target))
    try:
        with os.scandir(parent) as entries:
            known = [entry.name for entry, _ in zip(entries, range(_ENTRIES), strict=False) if entry.is_dir()]
    except (OSError, ValueError):
        return []
    near = [os.path.join(parent, one) for one in nearest(name, known, most=5) if one != name]
    shown = os.path.isabs(target) or os.sep in target
    return [path if shown else os.path.basename(path) for path in near if folders.id_of(path) is not None]


def _registered(name: str, most: int) -> list[str]:
    """Return what databases of the registry are called, those whose folder is still there."""
    try:
        with store.reading(store.registry_file()) as connection:
            given = {database_id: name for name, database_id in store.given_names(connection).items()}
            rows = store.rows(connection)
    except (RegistryError, OSError):
        return []
    places = {given.get(row.id, row.folder_name): row for row in rows}
    near = [one for one in nearest(name, list(places), most=most) if one != name]
    return [one if one in given.values() else places[one].path for one in near if folders.id_of(places[one].path) == places[one].id]
