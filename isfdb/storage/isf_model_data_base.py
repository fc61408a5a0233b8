"""Finds the keys of ISF's older "model databases", which list them in SQLite: opened without lock or journal, nothing is written.

What the table says is pickled; it is read by `isf_pickles.py`, which runs and imports nothing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from isfdb.errors import CorruptDatabaseError
from isfdb.layout.isf_legacy import CORE_PICKLE, KEYS_SQLITE, METADATA_SQLITE
from isfdb.storage.isf_folders import IsfDatabase, IsfKey, find, read_file
from isfdb.storage.isf_pickles import Unknown, is_plain, read_pickle

#: A pointer to a folder takes less; what is longer is a value.
_POINTER_BYTES: Final = 4000

_OWN: Final = frozenset({KEYS_SQLITE, METADATA_SQLITE, CORE_PICKLE, f"{KEYS_SQLITE}.lock", f"{METADATA_SQLITE}.lock"})

#: A name -> the key it stands for and the names below it.
_Tree = dict[str, tuple[str | None, "_Tree"]]


@dataclass
class _Known:
    """What the table said, and how its file looked then."""

    looks: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    tree: _Tree = field(default_factory=dict)


def _tree_of(keys: tuple[str, ...]) -> _Tree:
    tree: _Tree = {}
    for key in keys:
        here = tree
        names = [name for name in key.replace("/", "@").split("@") if name]
        for name in names[:-1]:
            here = here.setdefault(name, (None, {}))[1]
        if names:
            here[names[-1]] = (key, here.get(names[-1], (None, {}))[1])
    return tree


class ModelDataBase:
    """A model database, or the keys in one that begin with the same names.

    Parameters
    ----------
    path : str
        Its folder.
    prefix : tuple of str
        The names with which its keys begin.
    """

    def __init__(self, path: str, prefix: tuple[str, ...] = (), known: _Known | None = None) -> None:
        self.path = path
        self._prefix = prefix
        self._known = known or _Known()

    def identity(self) -> Mapping[str, Any]:
        """Return the plain members of ``dbcore.pickle``."""
        if self._prefix:
            return {}
        try:
            found = read_pickle(read_file(f"{self.path}/{CORE_PICKLE}"))
        except (OSError, ValueError):
            return {}
        return {name: member for name, member in found.items() if is_plain(member)} if isinstance(found, dict) else {}

    def names(self) -> list[str]:
        """Return the first names of its keys."""
        return list(self._tree())

    def children(self, name: str) -> tuple[IsfKey | IsfDatabase, ...]:
        """Return the key of that name, the keys that begin with it, or both."""
        key, below = self._tree().get(name, (None, {}))
        found: list[IsfKey | IsfDatabase] = []
        if key is not None:
            value = self._value(name, key)
            found += [value] if value is not None else []
        if below:
            found.append(ModelDataBase(self.path, (*self._prefix, name), self._known))
        return tuple(found)

    def leftovers(self) -> Iterator[tuple[str, str]]:
        """Give each name in its folder that no key points to, with what it is."""
        known = _OWN | {str(self._pointer(key)).partition("/")[0] for key in self._keys()}
        if not self._prefix:
            for name in sorted(set(os.listdir(self.path)) - known):
                yield name, "belongs to no key"

    def _tree(self) -> _Tree:
        self._look()
        tree = self._known.tree
        for name in self._prefix:
            tree = tree.get(name, (None, {}))[1]
        return tree

    def _keys(self) -> tuple[str, ...]:
        self._look()
        return self._known.keys

    def _look(self) -> None:
        """Read the keys, unless the table's file looks as it did when they were read."""
        found = os.stat(f"{self.path}/{KEYS_SQLITE}")
        looks = (found.st_ino, found.st_size, found.st_mtime_ns)
        if looks != self._known.looks:
            rows = self._select(KEYS_SQLITE, "SELECT key FROM unnamed")
            self._known.keys = tuple(key for (key,) in rows if isinstance(key, str))
            self._known.tree, self._known.looks = _tree_of(self._known.keys), looks

    def _value(self, name: str, key: str) -> IsfKey | IsfDatabase | None:
        metadata = partial(self._metadata, key)
        place = self._pointer(key)
        if place is None:
            path, extract = f"{self.path}/{KEYS_SQLITE}", partial(self._blob, key)
            return IsfKey(name, path, (), {"Loader": "to_cloudpickle"}, metadata=metadata, extract=extract)
        path = os.path.normpath(os.path.join(self.path, place))
        if os.path.isabs(place) or not f"{path}/".startswith(f"{self.path}/"):
            return IsfKey(name, self.path, (), {}, f"it points to {place!r}, which lies outside the database", metadata=metadata)
        try:
            files = os.listdir(path)
        except OSError as error:
            return IsfKey(name, path, (), {}, f"it points to {place!r}, which cannot be read: {error.strerror}", metadata=metadata)
        found = find(name, path, files)
        if found is None or (isinstance(found, IsfKey) and not found.loader):
            return IsfKey(name, path, tuple(sorted(files)), *self._inferred(key), is_inferred=True, metadata=metadata)
        if not isinstance(found, IsfKey):
            return found
        return IsfKey(name, path, found.files, found.loader, found.problem, found.is_inferred, metadata)

    def _inferred(self, key: str) -> tuple[dict[str, Any], str]:
        """Return the spec that the metadata imply where there is no Loader.pickle, as numpy_to_msgpack never wrote one."""
        dumper = (self._metadata(key) or {}).get("dumper")
        if isinstance(dumper, str) and dumper not in ("", "self", "unknown"):
            return {"Loader": dumper}, ""
        return {}, "ISF did not finish writing it: there is no Loader.pickle"

    # The tables ------------------------------------------------------------------------------------------------------------------

    def _pointer(self, key: str) -> str | None:
        """Return where a value lies, relative to the database; None where it is in the table itself."""
        query = "SELECT value FROM unnamed WHERE key = ? AND length(value) < ?"
        for (data,) in self._select(KEYS_SQLITE, query, key, _POINTER_BYTES):
            if b"LoaderWrapper" not in bytes(data):
                return None
            found = read_pickle(bytes(data))
            if isinstance(found, Unknown) and found.kind.endswith(".LoaderWrapper"):
                return str(found.state.get("relpath", ""))
        return None

    def _blob(self, key: str) -> bytes:
        for (data,) in self._select(KEYS_SQLITE, "SELECT value FROM unnamed WHERE key = ?", key):
            return bytes(data)
        raise FileNotFoundError(f"{self.path}/{KEYS_SQLITE} no longer has {key!r}")

    def _metadata(self, key: str) -> Mapping[str, Any] | None:
        try:
            rows = self._select(METADATA_SQLITE, "SELECT value FROM unnamed WHERE key = ?", key)
            found = read_pickle(bytes(rows[0][0])) if rows else None
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _select(self, file: str, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        path = f"{self.path}/{file}"
        if not os.path.isfile(path):
            return []
        try:
            # immutable: SQLite takes no lock and makes no file beside it, on read-only disks too.
            with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True)) as connection:
                return connection.execute(query, arguments).fetchall()
        except sqlite3.Error as error:
            message = f"{path} cannot be read: {error}. The folders beside it are unharmed; restore that file from a copy."
            raise CorruptDatabaseError(message, path=path) from error
