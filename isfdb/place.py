"""Where a database lies and what may be done there: its storage, folder and mode, the folders of its keys, and the batch that waits.

``Database`` adds the dictionary. Nothing here reads or writes a value.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from isfdb.errors import CorruptVersionError, DatabaseGoneError, KeyKindError, KeyNotFoundError, OptionError, ReadOnlyError
from isfdb.identity import Identity, make_database, read_identity
from isfdb.keys import folder_name, key_of_folder, split_key
from isfdb.layout.current import DATABASE_FILE, KEY_SUFFIX, join
from isfdb.listing import Listing, list_folder
from isfdb.name_clashes import check_new_sub_database
from isfdb.near_keys import near_keys
from isfdb.options import option
from isfdb.publishing import Pending, Target, publish
from isfdb.storage.base import Storage
from isfdb.versions import is_alive, numbers_of

Key = str | tuple[str, ...]

#: A batch publishes what it holds when it has grown to this many keys.
BATCH_KEYS = 1000


class Place:
    """A database folder, opened: shared by a database and its sub-databases as far as they share a storage.

    Attributes
    ----------
    mode : str
        ``"r"``, ``"r+"``, ``"a"`` or ``"w-"``.
    prefix : str
        The key of this sub-database inside :attr:`root`; empty for a database that is nobody's sub-database.
    """

    def __new__(cls, storage: Storage | str | os.PathLike[str], *_: Any, **__: Any) -> Self:
        """Refuse a path, which ISF's users give here."""
        if isinstance(storage, (str, os.PathLike)):
            raise OptionError(f"a database is opened, not constructed: isfdb.open({os.fspath(storage)!r}).", target=storage)
        return super().__new__(cls)

    def __init__(
        self,
        storage: Storage,
        identity: Identity,
        *,
        prefix: str = "",
        folder: str = "",
        mode: str = "a",
        durability: str | None = None,
        trusted: bool = False,
        carried: Any = None,
        root: Self | None = None,
    ) -> None:
        self._storage = storage
        self._identity = identity
        self._folder = folder
        self._durability = durability
        self._trusted = trusted
        self._carried = carried
        self._root = root
        self._batch: threading.local = root._batch if root else threading.local()
        self._appended: dict[str, int] = {}  # folder of a key -> the version that was published here by the last append
        self.prefix = prefix
        self.mode = mode

    @property
    def id(self) -> str:
        """The id, which never changes."""
        return self._identity.id

    @property
    def path(self) -> str:
        """Its folder; of a storage that has none on this computer, where it lies."""
        storage = self._storage
        return join(storage.location, self._folder) if storage.gives_copies else storage.fetch(self._folder)

    @property
    def name(self) -> str:
        """The name of its folder; of a sub-database that ISF wrote, whose folder is always called the same, its key."""
        in_isf = self.prefix and self._storage.why_read_only
        return self.prefix.rpartition("/")[2] if in_isf else os.path.basename(self.path)

    @property
    def read_only(self) -> bool:
        """Whether it was opened for reading."""
        return self.mode == "r"

    @property
    def root(self) -> Self:
        """The database that this sub-database is part of; itself where it is none."""
        return self if self._root is None else self._root  # a database is false where it is empty, and asking lists it

    @contextmanager
    def batch(self) -> Iterator[Self]:
        """Store many keys with one wait for the disk: ``with db.batch(): ...``.

        Each key becomes visible, whole, when the block ends, also when it ends with an error: what was stored stays stored.
        Reading or deleting inside the block publishes first what waits. A batch belongs to the thread that opened it.
        """
        if self._waiting is not None:
            yield self  # a batch inside a batch is part of it
            return
        self._batch.pending, self._batch.process_id = [], os.getpid()
        try:
            yield self
        finally:
            try:
                self._publish_batch()
            finally:
                self._batch.pending = None

    @property
    def _waiting(self) -> list[Pending] | None:
        """What the batch that this thread opened has yet to publish; a forked process has its parent's list, and no part in it."""
        if getattr(self._batch, "process_id", None) != os.getpid():
            return None
        pending: list[Pending] | None = self._batch.pending
        return pending

    def _publish_batch(self) -> None:
        waiting = self._waiting
        if waiting:
            self._batch.pending = []
            publish(self._storage, waiting, durable=self._durable)

    def _publish_or_wait(self, pending: Pending, *, may_wait: bool) -> None:
        """Publish a staged version, or add it to the batch that is open."""
        batch = self._waiting
        if batch is None or not may_wait:
            publish(self._storage, [pending], durable=self._durable)
            return
        batch.append(pending)
        if len(batch) >= BATCH_KEYS:
            self._publish_batch()

    @property
    def _durable(self) -> bool:
        return bool(option("durability", self._durability) == "full")

    def _list(self, *, deleted: bool = False) -> Listing:
        self._publish_batch()
        listing = list_folder(self._storage, self._folder, deleted=deleted)
        if not listing.keys and not listing.sub_databases:
            self._check_presence()
        return listing

    def _key_folder(self, names: tuple[str, ...]) -> str:
        return join(self._folder, *[folder_name(name) for name in names]) + KEY_SUFFIX

    def _folder_of(self, names: tuple[str, ...]) -> str:
        return join(self._folder, *[folder_name(name) for name in names])

    def _target(self, names: tuple[str, ...], expected: int | None = None, overwrite: bool = True) -> Target:
        folders = [folder_name(name) for name in names]
        return Target(self._storage, join(self._folder, *folders[:-1]), folders[-1], "/".join(names), expected, overwrite)

    def _target_of(self, key_folder: str) -> Target:
        """Return the target that a key's folder, below this database's, stands for."""
        folder, _, name = key_folder.rpartition("/")
        inside = key_folder.removeprefix(self._folder).strip("/")
        return Target(self._storage, folder, name.removesuffix(KEY_SUFFIX), key_of_folder(inside))

    def _sub(self, key: str) -> Self:
        names = split_key(key)
        folder = self._folder_of(names)
        identity = (
            read_identity(self._storage, folder) if DATABASE_FILE in self._storage.list(folder) else Identity.of_plain_folder(self.id, key)
        )
        return type(self)(
            self._storage,
            identity,
            prefix=join(self.prefix, key),
            folder=folder,
            mode=self.mode,
            durability=self._durability,
            trusted=self._trusted,
            carried=self._carried,
            root=self.root,
        )

    def _missing_levels(self, names: tuple[str, ...]) -> list[str]:
        """Return the folders of the sub-databases on the way to a key that are missing, having checked that they may be made."""
        missing: list[str] = []
        folder = self._folder
        for depth, name in enumerate(names, 1):
            parent, folder = folder, join(folder, folder_name(name))
            if missing or not self._storage.is_folder(folder):
                if not missing:
                    self._publish_batch()  # a value that waits may bear this name
                    check_new_sub_database(self._storage, parent, folder_name(name), "/".join(names[:depth]))
                missing.append(folder)
        return missing

    def _make_levels(self, names: tuple[str, ...]) -> None:
        """Make the sub-databases on the way to a key, where they are missing."""
        for folder in self._missing_levels(names):
            make_database(self._storage, folder, parent_id=self.id, durable=self._durable)

    def _make_levels_for(self, pending: Pending, names: tuple[str, ...]) -> None:
        """Make the sub-databases for what is staged: only now, so that a save that fails leaves none behind."""
        try:
            self._make_levels(names[:-1])
        except BaseException:
            self._storage.discard(pending.stage)
            raise

    def _writable(self, key: Key, verb: str) -> tuple[str, ...]:
        self._refuse_if_read_only(f"{verb} {key!r}")
        return split_key(key)

    def _refuse_if_read_only(self, what: str) -> None:
        if self.read_only:
            why = self._storage.why_read_only or "it was opened for reading. Open it with mode='a'"
            raise ReadOnlyError(f"cannot {what}: {self.path} is read-only, for {why}.", database=self.path)

    def _raise_missing(self, names: tuple[str, ...]) -> None:
        self._check_presence()
        key = "/".join(names)
        if self._storage.is_folder(self._folder_of(names)):
            raise KeyKindError(f"{key!r} is a sub-database and holds no value of its own. Look at db[{key!r}].", key=key)
        message = f"there is no key {key!r} in {self.path}. See db.keys()."
        raise KeyNotFoundError(message, key=key, database=self.path, near=self._near(names))

    def _raise_unreadable(self, names: tuple[str, ...]) -> None:
        """Say that a key is there of which no record can be read."""
        numbers = numbers_of(self._storage, self._key_folder(names))
        if numbers:
            key = "/".join(names)
            message = f"none of the records of {key!r} can be read, of which there are {len(numbers)}. Run isfdb.verify(db)."
            raise CorruptVersionError(message, key=key, database=self.path)

    def _near(self, names: tuple[str, ...]) -> Callable[[], tuple[str, ...]]:
        """Return what finds the keys that may have been meant, for an error."""
        return lambda: near_keys(self._storage, self._key_folder(names), "/".join(names))

    def _holds(self, names: tuple[str, ...]) -> bool:
        """Say whether a key is a value or a sub-database here."""
        self._publish_batch()
        key_folder = self._key_folder(names)
        return is_alive(self._storage, key_folder, numbers_of(self._storage, key_folder)) or self._storage.is_folder(self._folder_of(names))

    def _check_presence(self) -> None:
        """Tell an empty database from one that was moved or deleted while it was open."""
        if not self._storage.is_folder(self._folder):
            raise DatabaseGoneError(
                f"the database at {self.path} is gone: moved or deleted while it was open. Open it again.", database=self.path
            )

    @contextmanager
    def _missing_unless_gone(self) -> Iterator[None]:
        """Say that the database is gone where a key is missing for that."""
        try:
            yield
        except KeyNotFoundError:
            self._check_presence()
            raise

    def _key_folders(self) -> Iterator[tuple[str, list[str]]]:
        """Give every database folder at and below this one with the folders of its keys, deleted ones included."""
        waiting = [self]
        while waiting:  # no recursion: folders may lie deeper than Python's stack
            database = waiting.pop()
            here = database._list(deleted=True)
            yield database._folder, [join(database._folder, folder_name(key) + KEY_SUFFIX) for key in here.keys]
            waiting += [database._sub(name) for name in reversed(here.sub_databases)]
