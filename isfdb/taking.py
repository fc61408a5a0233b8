"""The dictionary's ways to take values out: ``del``, ``pop``, ``popitem`` and ``clear``, each whole though others write at the same time.

``MutableMapping`` would read and then delete: of two that pop one key both would get its value, and what a third stored in between
would be deleted unread.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from isfdb.errors import ConflictError, KeyNotFoundError, StorageError
from isfdb.moving import remove_database
from isfdb.place import Key
from isfdb.publishing import publish, was_renamed
from isfdb.upkeep import Upkeep
from isfdb.versions import numbers_of
from isfdb.writing import stage_tombstone

_NO_DEFAULT: Final = object()


class Taking(Upkeep, MutableMapping[Key, Any]):
    """A database's part that takes values out."""

    def __delitem__(self, key: Key) -> None:
        """Delete a value, which is one more version of its key, or move a sub-database with all it holds to the trash."""
        names = self._writable(key, "delete")
        self._publish_batch()
        folder = self._folder_of(names)
        if self._storage.is_folder(folder):
            remove_database(self._storage, folder, durable=self._durable)
        else:
            self._delete(names)

    def _delete(self, names: tuple[str, ...], expected: int | None = None) -> None:
        target = self._target(names, expected)
        while True:
            numbers = numbers_of(self._storage, target.key_folder)
            try:
                publish(self._storage, [stage_tombstone(target, self._carried)], durable=self._durable)
            except StorageError as error:
                if not was_renamed(error, target, numbers):
                    raise
            else:
                return

    def pop(self, key: Key, default: Any = _NO_DEFAULT) -> Any:
        """Delete a value and return it; of several that pop a key at once, one gets its value.

        Parameters
        ----------
        key : str or tuple of str
            Of a value or a sub-database.
        default : object, optional
            Returned where there is no such key, instead of an error.

        Raises
        ------
        KeyNotFoundError
        """
        names = self._writable(key, "delete")
        self._publish_batch()
        while True:
            numbers = numbers_of(self._storage, self._key_folder(names))
            try:
                value = self[key]
                if self._storage.is_folder(self._folder_of(names)):
                    del self[key]
                else:
                    self._delete(names, expected=numbers[-1] if numbers else 0)
            except ConflictError:
                continue  # what was read is no longer what the key holds
            except KeyNotFoundError:
                if default is _NO_DEFAULT:
                    raise
                return default
            return value

    def popitem(self) -> tuple[str, Any]:
        """Delete some value or sub-database, and return its key and itself.

        Raises
        ------
        KeyNotFoundError
            The database is empty.
        """
        for key in self:
            try:
                return str(key), self.pop(key)
            except KeyNotFoundError:
                continue  # somebody else took it
        raise KeyNotFoundError(f"cannot pop from {self.path}: the database is empty.", database=self.path)

    def clear(self) -> None:
        """Delete all values and sub-databases that are here now; none is read."""
        for key in tuple(self):
            try:
                del self[key]
            except KeyNotFoundError:
                continue  # deleted by somebody else
