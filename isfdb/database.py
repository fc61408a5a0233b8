"""``Database``: a dictionary in a folder. A thin face: it parses keys and calls writing, reading and entry."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from isfdb import display
from isfdb.attributes import Attributes, AttributesOfKeys, check_values
from isfdb.entry import Entry, MetadataOfKeys, Version, version_published, versions_of
from isfdb.errors import IsfdbError, KeyExistsError, KeyNotFoundError, OptionError, StorageError
from isfdb.hashing import flushing
from isfdb.key_completion import offered
from isfdb.keys import split_key
from isfdb.layout.current import join
from isfdb.place import Key
from isfdb.publishing import Pending, was_renamed
from isfdb.reading import read
from isfdb.taking import Taking
from isfdb.versions import is_alive, numbers_of
from isfdb.writing import stage_value


class Database(Taking):
    """A database, or a sub-database, used as a dictionary. Made by :func:`isfdb.open`.

    It has all that a dictionary has. Reading takes no lock; each assignment is a new, immutable version.
    """

    @property
    def metadata(self) -> MetadataOfKeys:
        """``db.metadata["rates"]``: what was recorded about the newest version of each key."""
        return MetadataOfKeys(self)

    @property
    def attributes(self) -> AttributesOfKeys:
        """``db.attributes["rates"]["unit"] = "Hz"``: what the user notes about each key."""
        return AttributesOfKeys(lambda: iter(self.keys(recurse=True)), self._attributes)

    def get_id(self) -> str:
        """Return the id, under the name ISF's users know."""
        return self.id

    # The dictionary --------------------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Key) -> Any:
        return self._read(split_key(key), None, {})

    def __setitem__(self, key: Key, value: Any) -> None:
        self._set(key, value, None, None, True, {})

    def __contains__(self, key: object) -> bool:
        is_there = self._holds(split_key(key))  # type: ignore[arg-type]  # split_key itself refuses what is no key
        if not is_there:
            self._check_presence()
        return is_there

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def keys(self, recurse: bool = False) -> tuple[str, ...]:  # type: ignore[override]  # a tuple, as ISF's users know it
        """Return the keys, sorted.

        Parameters
        ----------
        recurse : bool
            False: keys and names of sub-databases here. True: the keys of all values, those in sub-databases as ``"cells/L5PT"``.
        """
        here = self._list()
        if not recurse:
            return tuple(sorted([*here.keys, *here.sub_databases]))
        found = list(here.keys)
        waiting = [(f"{name}/", self._sub(name)) for name in here.sub_databases]
        while waiting:  # no recursion: folders may lie deeper than Python's stack
            prefix, database = waiting.pop()
            below = database._list()
            found += [f"{prefix}{key}" for key in below.keys]
            waiting += [(f"{prefix}{name}/", database._sub(name)) for name in below.sub_databases]
        return tuple(sorted(found))

    def get(self, key: Key, default: Any = None, *, version: Any = None, **options: Any) -> Any:
        """Read a value.

        Parameters
        ----------
        key : str or tuple of str
        default : object, optional
            Returned where there is no such key, as by any dictionary. Not used where a version or an option is asked for:
            then a missing key is an error. A slice, or a tuple that holds one, is no default but the option ``select``:
            ``db.get("stack", numpy.s_[100:200, 3])`` reads these rows and nothing else.
        version : int, str or date, optional
            A version's number, a date (the value as it stood then) or the first digits of a digest. Default: the newest.
        **options
            For the loaderdumper, for example ``columns=["t"]`` or ``mmap="r"``.

        Returns
        -------
        object
            The value; a :class:`Database` where the key names a sub-database.

        Raises
        ------
        KeyNotFoundError, VersionNotFoundError, VersionGoneError
        IncompleteVersionError, ChecksumMismatchError, CorruptVersionError
        UntrustedDataError, LoadError, OptionError
        """
        names = split_key(key)
        if _is_selection(default):
            options, default = {"select": default, **options}, None
        if version is not None or options:
            return self._read(names, version, options)
        try:
            return self._read(names, None, {})
        except KeyNotFoundError:
            return default

    def _read(self, names: tuple[str, ...], version: Any, options: Mapping[str, Any]) -> Any:
        self._publish_batch()
        key_folder, text = self._key_folder(names), "/".join(names)
        try:
            value = read(
                self._storage,
                key_folder,
                text,
                version=version,
                database_id=self.root.id,
                trusted=self._trusted,
                options=options,
                noted_as=join(self.prefix, text),
                carried=self._carried,
            )
        except KeyNotFoundError:
            if self._storage.is_folder(self._folder_of(names)):
                return self._sub(text)
            self._check_presence()
            raise
        if hasattr(type(value), "__isfdb_opened__"):  # it can be written to, as long as and as surely as this database can
            value.__isfdb_opened__(durability=self._durability, read_only=self.read_only)
        return value

    def set(
        self,
        key: Key,
        value: Any,
        *,
        dumper: Any = None,
        attributes: Mapping[str, Any] | None = None,
        expected_version: int | None = None,
        overwrite: bool = True,
        statistics: bool | None = None,
        **options: Any,
    ) -> Version:
        """Store a value as the next version of a key.

        Parameters
        ----------
        dumper : str or module, optional
            The loaderdumper to use; default: the first whose ``check`` accepts the value.
        attributes : mapping, optional
            Noted about the key, as by ``db.attributes[key].update``.
        expected_version : int, optional
            Publish only if this is the newest version (0: the key holds nothing). Without it the last writer wins.
        overwrite : bool
            False: refuse if the key holds a value.
        statistics : bool, optional
            Note minimum, mean and the like in :attr:`Entry.describe`, where the loaderdumper can tell; default: the setting.
        **options
            For the loaderdumper.

        Returns
        -------
        Version

        Raises
        ------
        KeyExistsError, ConflictError, KeyKindError, KeyCollisionError
        NoDumperError, DumpError, OptionError, UnknownLoaderdumperError
        ReadOnlyError, DatabaseFullError, StorageError
        """
        check_values(attributes or {}, "/".join(split_key(key)))
        pending = self._set(key, value, dumper, expected_version, overwrite, options, statistics=statistics)
        self._publish_batch()  # only what is published has a number
        if attributes:
            self.attributes[key].update(attributes)
        return version_published(pending, "/".join(split_key(key)), self.root.id)

    def _set(
        self,
        key: Key,
        value: Any,
        dumper: Any,
        expected: int | None,
        overwrite: bool,
        options: Mapping[str, Any],
        *,
        statistics: bool | None = None,
    ) -> Pending:
        names = self._writable(key, "store")
        self._missing_levels(names[:-1])  # says early whether a value is in the way
        is_conditional = expected is not None or not overwrite
        if is_conditional:
            self._publish_batch()  # the condition may be about a value that waits
        target = self._target(names, expected, overwrite)
        while True:
            numbers = numbers_of(self._storage, target.key_folder)
            try:
                with flushing(soon=self._durable):
                    pending = stage_value(target, value, dumper, options, self._carried, statistics=statistics, numbers=numbers)
                self._make_levels_for(pending, names)
                self._publish_or_wait(pending, may_wait=not is_conditional)
            except StorageError as error:
                if self._waiting is not None or not was_renamed(error, target, numbers):
                    raise
            else:
                return pending

    # More ways to write ----------------------------------------------------------------------------------------------------------

    def setdefault(self, key: Key, default: Any = None) -> Any:
        """Return the value of a key; where there is none, store `default` and return that. All who call it at once get one value."""
        names = self._writable(key, "store")
        while True:
            try:
                return self._read(names, None, {})
            except KeyNotFoundError:
                try:
                    self._set(key, default, None, None, False, {})
                except KeyExistsError:
                    continue  # somebody else came first
                return default

    def maybe_calculate(self, key: Key, function: Callable[[], Any], **options: Any) -> Any:
        """Return the stored value; where there is none, call `function`, store what it returns and return that.

        Parameters
        ----------
        function : callable
            Takes no arguments.
        **options
            As for :meth:`set`.
        """
        if not callable(function):
            raise OptionError(f"maybe_calculate({key!r}, ...) takes a function that makes the value, as lambda: 42, not {function!r:.80}.")
        missing = object()
        value = self.get(key, missing)
        if value is missing:
            self._writable(key, "store")  # before what may take hours
            value = function()
            self.set(key, value, **options)
        return value

    def create_sub_db(self, key: Key) -> Database:
        """Return the sub-database of that name, made if need be.

        Raises
        ------
        KeyKindError
            A value has that name.
        """
        names = self._writable(key, "make")
        self._make_levels(names)
        return self._sub("/".join(names))

    def create_managed_folder(self, key: Key, *, raise_: bool = True) -> Any:
        """Make a folder that is yours to fill, and return its path.

        Parameters
        ----------
        raise_ : bool
            Raise KeyExistsError where the key holds something; False: return what it holds.
        """
        return self._create(key, "folder", raise_=raise_)

    def create_shared_numpy_store(self, key: Key, *, raise_: bool = True) -> Any:
        """Make a store to which many processes append arrays at once, and return it.

        Parameters
        ----------
        raise_ : bool
            Raise KeyExistsError where the key holds something; False: return what it holds.
        """
        return self._create(key, "shared_numpy_store", raise_=raise_)

    def _create(self, key: Key, dumper: str, *, raise_: bool) -> Any:
        """Store what is empty at first, and belongs to the user to fill."""
        try:
            self._set(key, None, dumper, None, False, {})
        except KeyExistsError:
            if raise_:
                raise
        return self[key]

    def attach(self, key: Key, path: str | os.PathLike[str], **options: Any) -> Version:
        """Store a copy of a file or folder under its own name; reading gives the path of the copy."""
        return self.set(key, os.fspath(path), dumper="attachment", **options)

    # Looking around --------------------------------------------------------------------------------------------------------------

    def entry(self, key: Key) -> Entry:
        """Return all there is to know about a key, without reading its data.

        Raises
        ------
        KeyNotFoundError
        KeyKindError
            The key names a sub-database.
        """
        names = split_key(key)
        self._publish_batch()
        key_folder = self._key_folder(names)
        if not is_alive(self._storage, key_folder, numbers_of(self._storage, key_folder)):
            self._raise_missing(names)
        return Entry(self, self._storage, key_folder, "/".join(names))

    def versions(self, key: Key) -> tuple[Version, ...]:
        """Return all versions of a key, oldest first, tombstones included; also of a key that was deleted."""
        names = split_key(key)
        self._publish_batch()
        found = versions_of(self._storage, self._key_folder(names), "/".join(names), self.root.id)
        if not found:
            self._raise_unreadable(names)
            self._raise_missing(names)
        return found

    def is_sub_db(self, key: Key) -> bool:
        """Say whether a key names a sub-database."""
        return self._storage.is_folder(self._folder_of(split_key(key)))

    def ls(self, *, depth: int | None = None, max_keys: int = 200) -> display.Text:
        """Show keys and sub-databases as a tree.

        Parameters
        ----------
        depth : int, optional
            How many levels of sub-databases are opened; default: all.
        max_keys : int
            How many keys are shown before the rest is only counted.
        """
        return display.listing(self, depth=depth, max_keys=max_keys)

    def browse(self) -> Any:
        """Return a browser for notebooks: search, tree, and what each key is and what made it. In a terminal it is shown as a tree.

        Returns
        -------
        Browser
            An ipywidgets box: ``browser.selected`` and ``browser.entry`` are the key that is shown, ``browser.close()`` takes it away.
        """
        from importlib import import_module

        return import_module("isfdb.jupyter.browsing.browser").Browser(self)  # by name: a database does not know its tools

    def _attributes(self, key: Key) -> Attributes:
        names = split_key(key)
        self._publish_batch()
        key_folder = self._key_folder(names)
        if not is_alive(self._storage, key_folder, numbers_of(self._storage, key_folder)):
            self._raise_missing(names)
        return Attributes(self._storage, key_folder, "/".join(names), read_only=self.read_only, durable=self._durable)

    # As Python and notebooks use it -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self._publish_batch()

    def __dask_tokenize__(self) -> tuple[str, ...]:
        return ("isfdb.Database", self.id, self.prefix)

    def _ipython_key_completions_(self) -> Iterable[str]:
        try:
            return offered(self)
        except (IsfdbError, OSError):
            return []  # IPython would print a traceback into the line that is being typed

    def __repr__(self) -> str:
        return display.database_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return display.database_bundle(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Database) and (self.id, self.path) == (other.id, other.path)

    def __hash__(self) -> int:
        return hash((self.id, self.path))


def _is_selection(default: Any) -> bool:
    """Say whether the second argument of ``get`` says which part to read: nobody wants a slice in place of a missing value."""
    return isinstance(default, slice) or (type(default) is tuple and any(isinstance(one, slice) or one is Ellipsis for one in default))
