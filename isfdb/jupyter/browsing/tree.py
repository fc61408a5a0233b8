"""The tree of keys as rows, of which a page is shown: it lists the folders that are open, and nothing else. It makes no widget."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from isfdb.index import is_settled
from isfdb.keys import folder_name, split_key
from isfdb.layout.current import KEY_SUFFIX, join
from isfdb.listing import list_folder

#: Device and inode of a folder: what stays the same when it gets another name.
Identity = tuple[int, int]


class Row(NamedTuple):
    """One line of the tree.

    Attributes
    ----------
    key : str
        Seen from the database that is browsed.
    name : str
        The last name in it, or what else is to be shown.
    depth : int
        How many sub-databases it lies in.
    is_database : bool
        It is a sub-database, and can be opened and closed.
    is_open : bool
    """

    key: str
    name: str
    depth: int = 0
    is_database: bool = False
    is_open: bool = False


class Looks(NamedTuple):
    """What changes when a name comes or goes in a folder."""

    identity: Identity
    modified_ns: int
    changed_ns: int


def looks_of(storage: Any, folder: str) -> Looks | None:
    """Return how a folder looks; None where there is none, or nothing tells of its changes."""
    path = storage.watched_folder(folder)
    try:
        found = os.stat(path) if path is not None else None
    except OSError:
        return None
    return Looks((found.st_dev, found.st_ino), found.st_mtime_ns, found.st_ctime_ns) if found is not None else None


@dataclass
class Level:
    """A sub-database that is open, or the database itself.

    Attributes
    ----------
    names : list of str
        Sorted.
    databases : set of str
        Those that are sub-databases.
    looks : Looks or None
        Of the folder, before it was listed.
    is_certain : bool
        The folder had stood still before it was listed: a change would move its times.
    """

    names: list[str]
    databases: set[str]
    looks: Looks | None
    is_certain: bool


@dataclass
class Changes:
    """What has come and gone since the tree was last looked at.

    Attributes
    ----------
    is_any : bool
    moved : dict of str to str
        Keys of values and sub-databases that were asked about and have other names now.
    """

    is_any: bool = False
    moved: dict[str, str] = field(default_factory=dict)


class Tree:
    """The keys of a database, and those of its sub-databases that are open.

    Parameters
    ----------
    db : Database

    Raises
    ------
    DatabaseGoneError
    """

    def __init__(self, db: Any) -> None:
        self.db = db
        self._storage = db._storage
        self._levels: dict[str, Level] = {"": self._level("")}
        db._check_presence()

    # What is shown ---------------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of rows, those on other pages included."""
        return sum([len(level.names) for level in self._levels.values()])

    def rows(self, first: int, count: int) -> list[Row]:
        """Return some of the rows."""
        return list(islice(self._walk("", 0), first, first + count))

    def place(self, key: str) -> int | None:
        """Return the number of the row of a key; None where it is not shown."""
        return next((number for number, row in enumerate(self._walk("", 0)) if row.key == key), None)

    def _walk(self, key: str, depth: int) -> Iterator[Row]:
        level = self._levels[key]
        for name in level.names:
            inner = join(key, name)
            is_open = inner in self._levels
            yield Row(inner, name, depth, name in level.databases, is_open)
            if is_open:
                yield from self._walk(inner, depth + 1)

    @property
    def n_names(self) -> int:
        """How many names the database itself holds."""
        return len(self._levels[""].names)

    # Opening and closing ---------------------------------------------------------------------------------------------------------

    def toggle(self, key: str) -> None:
        """Open a sub-database, or close it with all that is open in it."""
        if key in self._levels:
            self._close(key)
        else:
            self._levels[key] = self._level(key)

    def reveal(self, key: str) -> None:
        """Open all sub-databases on the way to a key."""
        names = split_key(key)
        for depth in range(1, len(names)):
            above = "/".join(names[:depth])
            if above not in self._levels and names[depth - 1] in self._levels["/".join(names[: depth - 1])].databases:
                self._levels[above] = self._level(above)

    def _close(self, key: str) -> None:
        for one in [one for one in self._levels if one == key or one.startswith(f"{key}/")]:
            del self._levels[one]

    # Following -------------------------------------------------------------------------------------------------------------------

    def follow(self, *, again: bool = False, held: tuple[str, Identity] | None = None) -> Changes:
        """List anew what has changed.

        Parameters
        ----------
        again : bool
            List everything, whatever the times of the folders say.
        held : (str, Identity), optional
            A key that somebody looks at, and its folder: if it has another name now, among those that are shown, that is told.

        Raises
        ------
        DatabaseGoneError
            The database was moved or deleted.
        """
        changes, came = Changes(), []
        wanted = {level.looks.identity: key for key, level in self._levels.items() if key and level.looks}
        for key in list(self._levels):
            if key not in self._levels:
                continue  # it was in one that is gone
            old, looks = self._levels[key], looks_of(self._storage, self._folder(key))
            if looks is None and key and self._storage.watched_folder("") is not None:
                self._close(key)
                changes.is_any = True
            elif again or looks != old.looks or not self._is_believed(old):
                self._levels[key] = new = self._level(key)
                changes.is_any |= new.names != old.names or new.databases != old.databases
                came += [(join(key, name), name in new.databases) for name in set(new.names).difference(old.names)]
        if not self._levels[""].names:
            self.db._check_presence()
        self._find_moved(came, wanted, held, changes)
        return changes

    def _find_moved(
        self, came: list[tuple[str, bool]], wanted: dict[Identity, str], held: tuple[str, Identity] | None, changes: Changes
    ) -> None:
        """Tell which of the names that came are new names of what was open or held; open again what was open."""
        lost = {identity: key for identity, key in wanted.items() if key not in self._levels}
        for key, is_database in came if lost or held else []:
            looks = looks_of(self._storage, self._folder(key) + ("" if is_database else KEY_SUFFIX))
            if looks is None:
                continue
            if is_database and looks.identity in lost:
                changes.moved[lost[looks.identity]] = key
                self._levels[key] = self._level(key)
            elif not is_database and held is not None and looks.identity == held[1] and key != held[0]:
                changes.moved[held[0]] = key

    @staticmethod
    def _is_believed(level: Level) -> bool:
        """Say whether a folder whose times have not moved is as it was listed; asked once more when it has stood still for a while."""
        return level.is_certain or level.looks is None or not is_settled(max(level.looks[1:]), time.time())

    def _level(self, key: str) -> Level:
        folder = self._folder(key)
        looks, now = looks_of(self._storage, folder), time.time()
        found = list_folder(self._storage, folder)
        is_certain = looks is not None and is_settled(max(looks.modified_ns, looks.changed_ns), now)
        return Level(sorted([*found.keys, *found.sub_databases]), set(found.sub_databases), looks, is_certain)

    def _folder(self, key: str) -> str:
        return join(self.db._folder, *[folder_name(name) for name in key.split("/") if name])
