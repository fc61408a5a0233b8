"""A database as it stood: shows of a storage what is pinned, and else what was published up to a moment. It changes nothing.

It is the lower half of an overlay (`overlay.py`). What it hides, it hides everywhere: in listings, when asked for, and when read.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any

from isfdb.errors import CorruptVersionError, FormatVersionError
from isfdb.exact_json import loads
from isfdb.layout.current import (
    ATTRIBUTES_FILE,
    ATTRIBUTES_FOLDER,
    DATABASE_FILE,
    DELETED_SUFFIX,
    JOURNAL_PREFIX,
    KEY_SUFFIX,
    METADATA_FILE,
    PRIVATE_FOLDER,
    STAGE_PREFIX,
    STAGING_FOLDER,
    TOMBSTONE_FILE,
    TRASH_FOLDER,
    join,
    version_name,
    version_number,
)
from isfdb.manifest import read_record
from isfdb.storage.base import Storage

_REVISION = re.compile(r"\d{6,15}\.json")
_OF_WRITERS = (STAGE_PREFIX, JOURNAL_PREFIX)  # somebody else's work in progress

#: A key's folder that has not changed for so much longer need not be looked into: clocks differ by less.
_MARGIN_S = 86400.0


def split_at_key(path: str) -> tuple[str, str]:
    """Return the folder of the key that a path lies in, empty where it lies in none, and the path inside it."""
    names = path.split("/")
    for depth, name in enumerate(names, 1):
        if name.endswith(KEY_SUFFIX):
            return "/".join(names[:depth]), "/".join(names[depth:])
    return "", path


class PastView:
    """What a storage held at a moment.

    Parameters
    ----------
    storage : Storage
        It is only read.
    pinned : callable
        Gives the number at which the key of a folder is pinned, or None.
    before : datetime, optional
        Nothing published then or later is seen, but for what is pinned. None: what is not pinned is seen as it is now.
    """

    def __init__(self, storage: Storage, pinned: Callable[[str], int | None], before: datetime.datetime | None) -> None:
        self._storage = storage
        self._pinned = pinned
        self._before = before
        self._limits: dict[str, int | None] = {}
        self._folders: dict[str, bool] = {}
        self._deleted: dict[str, bool] = {}
        self._hiding: set[str] = set()  # keys with versions that are not seen: the hints beside them are about those

    def names(self, folder: str) -> list[str]:
        """Return the names inside `folder` that are seen."""
        if not self._is_seen(folder):
            return []
        key_folder, inside = split_at_key(folder)
        names = [name for name in self._storage.list(folder) if not name.startswith(_OF_WRITERS)]
        if not key_folder:
            return names if folder.startswith(PRIVATE_FOLDER) else self._seen_in_database(folder, names)
        if not inside:
            limit = self._limit(key_folder)
            return [name for name in names if (limit is None or (version_number(name) or 0) <= limit) and self._is_note_seen(folder, name)]
        if inside == ATTRIBUTES_FOLDER:
            return [name for name in names if self._is_revision_seen(key_folder, name)]
        return names

    def _seen_in_database(self, folder: str, names: list[str]) -> list[str]:
        """Leave out keys and sub-databases of later; add a hint where a look into a key tells whether it was deleted then."""
        if self._before is None and not any(name.endswith(KEY_SUFFIX) and self._pinned(join(folder, name)) for name in names):
            return names
        seen = set()
        for name in names:
            path = join(folder, name)
            if name.endswith(KEY_SUFFIX):
                seen |= self._key_names(path, name, names) if self._is_seen(path) else set()
            elif not name.endswith(DELETED_SUFFIX) and self._is_seen(path):
                seen.add(name)
        return list(seen)

    def _key_names(self, key_folder: str, name: str, names: Sequence[str]) -> set[str]:
        """Return the name of a key, and that of the hint which says that it was deleted then."""
        hint = name.removesuffix(KEY_SUFFIX) + DELETED_SUFFIX
        if key_folder not in self._deleted:
            limit = self._limit(key_folder)
            if limit is None:
                return {name, hint} if hint in names else {name}
            self._deleted[key_folder] = self.is_deleted(key_folder) if key_folder in self._hiding else hint in names
        return {name, hint} if self._deleted[key_folder] else {name}

    def is_folder(self, path: str) -> bool:
        """Say whether `path` is a folder that is seen."""
        return self._is_seen(path) and self._storage.is_folder(path)

    def holds(self, path: str) -> bool:
        """Say whether there is a file with something in it, or a folder, that is seen."""
        return self._is_seen(path) and (self._storage.is_folder(path) or self._storage.size(path) > 0)

    def read(self, path: str) -> bytes:
        """Return a record.

        Raises
        ------
        FileNotFoundError
            There is none that is seen.
        """
        if not self._is_seen(path):
            raise FileNotFoundError(path)
        key_folder, inside = split_at_key(path)
        if key_folder and inside == ATTRIBUTES_FILE and self._before is not None:
            revisions = self.names(f"{key_folder}/{ATTRIBUTES_FOLDER}")
            if not revisions:
                raise FileNotFoundError(path)
            path = f"{key_folder}/{ATTRIBUTES_FOLDER}/{max(revisions, key=_by_number)}"
        return self._storage.read(path)

    def fetch(self, folder: str) -> str:
        """Return the local folder, which must not be written to."""
        return self._storage.fetch(folder)

    def size(self, path: str) -> int:
        """Return the bytes that `path` takes."""
        return self._storage.size(path) if self._is_seen(path) else 0

    def age_s(self, path: str) -> float:
        """Return the seconds since `path` last changed."""
        return self._storage.age_s(path)

    def is_deleted(self, key_folder: str) -> bool:
        """Say whether the newest version of a key that is seen is its deletion."""
        numbers = [version_number(name) or 0 for name in self.names(key_folder)]
        newest = max(numbers, default=0)
        return bool(newest) and TOMBSTONE_FILE in self._storage.list(f"{key_folder}/{version_name(newest)}")

    # What is seen ------------------------------------------------------------------------------------------------------------------

    def _is_seen(self, path: str) -> bool:
        if path in (TRASH_FOLDER, STAGING_FOLDER) or path.startswith((f"{TRASH_FOLDER}/", f"{STAGING_FOLDER}/")):
            return False
        key_folder, inside = split_at_key(path)
        folder = key_folder.rpartition("/")[0] if key_folder else path
        if self._before is not None and not self._is_database_seen(folder):
            return False
        if not key_folder:
            return True
        limit = self._limit(key_folder)
        if limit is None:
            return True
        number = version_number(inside.partition("/")[0]) if inside else None
        if inside.startswith(f"{ATTRIBUTES_FOLDER}/"):
            return limit > 0 and self._is_revision_seen(key_folder, inside.rpartition("/")[2])
        return limit > 0 if number is None else number <= limit

    def _is_database_seen(self, folder: str) -> bool:
        """Say whether a sub-database, and those it lies in, were made by then; a plain folder always was."""
        if not folder or folder.startswith(PRIVATE_FOLDER):
            return True
        if folder in self._folders:
            return self._folders[folder]
        created = _created_in(self._storage, f"{folder}/{DATABASE_FILE}", loads)
        is_seen = self._is_database_seen(folder.rpartition("/")[0]) and not self._is_later(created)
        if created is not None:  # else it may yet be made, later
            self._folders[folder] = is_seen
        return is_seen

    def _is_later(self, created: datetime.datetime | None) -> bool:
        return self._before is not None and created is not None and created >= self._before

    def _limit(self, key_folder: str) -> int | None:
        """Return the number of the newest version of a key that is seen, 0 where none is; None where all are."""
        if key_folder not in self._limits:
            pinned = self._pinned(key_folder)
            if pinned is not None:
                self._hiding.add(key_folder)
            self._limits[key_folder] = self._newest_before(key_folder) if pinned is None else pinned
        return self._limits[key_folder]

    def _newest_before(self, key_folder: str) -> int | None:
        if self._before is None:
            return None
        numbers = sorted([number for name in self._storage.list(key_folder) if (number := version_number(name))], reverse=True)
        since_s = (datetime.datetime.now(datetime.UTC) - self._before).total_seconds()
        if self._storage.age_s(key_folder) > since_s + _MARGIN_S:
            return max(numbers, default=0)
        found = next((number for number in numbers if not self._is_later(self._created(key_folder, number))), 0)
        if numbers and found != numbers[0]:
            self._hiding.add(key_folder)
        return found

    def _created(self, key_folder: str, number: int) -> datetime.datetime | None:
        folder = f"{key_folder}/{version_name(number)}"
        created = _created_in(self._storage, f"{folder}/{METADATA_FILE}", lambda data: read_record(data, folder))
        return created or _created_in(self._storage, f"{folder}/{TOMBSTONE_FILE}", lambda data: read_record(data, folder))

    def _is_note_seen(self, key_folder: str, name: str) -> bool:
        """Say whether there were notes by then, where a name is that of their newest revision."""
        return name != ATTRIBUTES_FILE or self._before is None or bool(self.names(f"{key_folder}/{ATTRIBUTES_FOLDER}"))

    def _is_revision_seen(self, key_folder: str, name: str) -> bool:
        if self._before is None or not _REVISION.fullmatch(name):
            return True
        return not self._is_later(_created_in(self._storage, f"{key_folder}/{ATTRIBUTES_FOLDER}/{name}", loads))


def _by_number(name: str) -> int:
    return int(name.partition(".")[0])


def _created_in(storage: Storage, path: str, parse: Callable[[bytes], Any]) -> datetime.datetime | None:
    """Return the time that a record gives; None where it gives none, or cannot be read: then whoever reads it learns why."""
    try:
        created = datetime.datetime.fromisoformat(parse(storage.read(path))["created"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError, CorruptVersionError, FormatVersionError):
        return None
    return created if created.tzinfo else created.replace(tzinfo=datetime.UTC)
