"""The methods by which a database is kept in order: ``snapshot``, ``rename``, ``copy``, ``collect``, ``remove``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isfdb.collecting import Collected, collect
from isfdb.entry import Version, version_of, version_published
from isfdb.errors import KeyExistsError, KeyKindError, KeyNotFoundError
from isfdb.growing import Growing
from isfdb.keys import split_key
from isfdb.moving import copy_key, move_key, move_sub_database, remove_database
from isfdb.options import option
from isfdb.place import Key
from isfdb.publishing import publish
from isfdb.snapshots import stage_snapshot
from isfdb.versions import numbers_of


class Upkeep(Growing):
    """A database's part that keeps it in order."""

    def snapshot(self, key: Key) -> Version:
        """Freeze what a managed folder or a shared store holds now, as a version of its key.

        ``db[key]`` goes on giving what you fill; ``db.get(key, version=snapshot.number)`` gives the frozen copy, which verify vouches
        for. Of any other value the newest version is returned: it is frozen as it is.

        Raises
        ------
        KeyNotFoundError
        KeyKindError
            The key names a sub-database.
        ConflictError
            A file changed while it was copied.
        DumpError
            There is a link in the folder.
        """
        names = self._writable(key, "freeze")
        self._publish_batch()
        if self._storage.is_folder(self._folder_of(names)):
            self._raise_missing(names)
        target = self._target(names)
        with self._missing_unless_gone():
            pending = stage_snapshot(target, self._carried)
        if pending is None:
            return version_of(self._storage, target.key_folder, target.key, self.id, numbers_of(self._storage, target.key_folder)[-1])
        publish(self._storage, [pending], durable=self._durable)
        return version_published(pending, target.key, self.id)

    def rename(self, old: Key, new: Key) -> None:
        """Give a key, with all its versions and attributes, or a sub-database another name.

        Raises
        ------
        KeyNotFoundError, KeyExistsError, KeyKindError
        """
        source, target = self._writable(old, "rename"), self._writable(new, "rename")
        self._publish_batch()
        if self._holds(target):
            raise KeyExistsError(f"cannot rename {old!r} to {new!r}: that key exists. Delete it first or choose another name.", key=new)
        is_sub_database = self._storage.is_folder(self._folder_of(source))
        if not is_sub_database and not self._holds(source):
            self._check_presence()
            message = f"cannot rename {old!r}: there is no such key in {self.path}. See db.keys()."
            raise KeyNotFoundError(message, key=old, near=self._near(source))
        if is_sub_database and target[: len(source)] == source:
            raise KeyKindError(f"cannot rename {old!r} to {new!r}: a sub-database cannot be moved into itself.", key=new)
        self._make_levels(target[:-1])
        if is_sub_database:
            move_sub_database(self._storage, self._folder_of(source), self._folder_of(target), "/".join(target), durable=self._durable)
        else:
            move_key(self._target(source), self._target(target), self._carried, durable=self._durable)

    def copy(self, old: Key, new: Key, *, version: Any = None) -> Version:
        """Store a version of a key, byte for byte and with its provenance, as the next version of another key or of the same.

        ``db.copy("rates", "rates", version=2)`` makes an earlier value the newest again, or brings back one that was deleted.

        Parameters
        ----------
        version : int, str or date, optional
            Which version, as for :meth:`get`. Default: the newest.

        Raises
        ------
        KeyNotFoundError, KeyKindError, VersionNotFoundError, VersionGoneError
        """
        source, target = split_key(old), self._writable(new, "copy")
        self._publish_batch()
        if self._storage.is_folder(self._folder_of(source)):
            self._raise_missing(source)
        self._missing_levels(target[:-1])
        with self._missing_unless_gone():
            pending = copy_key(self._target(source), self._target(target), self._carried, self.id, version)
        self._make_levels_for(pending, target)
        publish(self._storage, [pending], durable=self._durable)
        return version_published(pending, "/".join(target), self.id)

    def remove(self) -> None:
        """Delete the whole database and all it holds, for good."""
        self._refuse_if_read_only("remove the database")
        remove_database(self._storage, self._folder, durable=self._durable)

    def collect(
        self,
        *,
        dry_run: bool = False,
        keep: int | str | Mapping[Key, int | str] | None = None,
        grace_s: float | None = None,
        trash_s: float | None = None,
        progress: bool | None = None,
    ) -> Collected:
        """Reclaim replaced and deleted data, in two steps: to the trash, and later off the disk. Records and code stay for ever.

        Parameters
        ----------
        dry_run : bool
            Change nothing, only say what would be reclaimed.
        keep : int, "all" or mapping of key to these, optional
            How many newest versions keep their data. In a mapping: for these keys, and one of every other. Snapshots are kept beyond
            that, unless a number is given here for their key.
        grace_s, trash_s : float, optional
            Seconds for which replaced data stays readable, and then stays in the trash.
        progress : bool, optional
            Show a bar; default: on a terminal and in notebooks, for many keys.
        """
        if not dry_run:
            self._refuse_if_read_only("collect")
        self._publish_batch()
        return collect(
            self._storage,
            self._key_folders,
            keep=self._keep_by_folder(keep) if isinstance(keep, Mapping) else option("keep", keep),
            grace_s=option("grace_s", grace_s),
            trash_s=option("trash_s", trash_s),
            dry_run=dry_run,
            progress=progress,
            recover=lambda key_folder, names: self._recover(self._target_of(key_folder), names),
        )

    def _keep_by_folder(self, keep: Mapping[Key, int | str]) -> dict[str, int | str]:
        return {self._key_folder(split_key(key)): value for key, value in keep.items()}
