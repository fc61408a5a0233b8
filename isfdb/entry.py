"""Everything about one key, or one version of it, without reading any data: records, attributes, session, links."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isfdb import display
from isfdb.attributes import Attributes
from isfdb.blocks import checked_earlier
from isfdb.errors import CorruptVersionError, FormatVersionError, KeyNotFoundError, VersionGoneError
from isfdb.exact_json import loads
from isfdb.failures import is_refusal, reading_failure
from isfdb.keys import key_of_folder
from isfdb.layout.current import CODE_FILE, METADATA_FILE, join, version_name
from isfdb.manifest import checked_files
from isfdb.provenance.isf_fields import isf_fields
from isfdb.provenance.records import Risk, SliceFacts, Used, risks_of, slice_of, used_of
from isfdb.provenance.session import Cell, Session, read_session
from isfdb.publishing import Pending
from isfdb.storage.base import Storage
from isfdb.versions import VersionState, created_at, numbers_of, original_of, state_of

if TYPE_CHECKING:
    from isfdb.database import Database
    from isfdb.display.previewing import Preview


@dataclass(frozen=True)
class Version:
    """One version of a key: a value, or the tombstone that its deletion left.

    Attributes
    ----------
    key : str
    number : int
        Counted from 1.
    record : dict
        ``metadata.json``, or the tombstone's record.
    deleted : bool
        It is a tombstone.
    reclaimed : bool
        Its data was reclaimed; record, spec and code are still there.
    database_id : str
        Of the topmost database that holds it.
    """

    key: str
    number: int
    record: dict[str, Any]
    deleted: bool
    reclaimed: bool
    database_id: str
    _storage: Storage = field(repr=False, compare=False)
    _folder: str = field(repr=False, compare=False)

    @property
    def created(self) -> datetime.datetime:
        """When it was published, in UTC."""
        return created_at(self.record)

    @property
    def digest(self) -> str | None:
        """BLAKE3 digest of the whole, as 64 hexadecimal digits; None for a tombstone."""
        return self.record.get("digest")

    @property
    def dumper(self) -> str | None:
        """Name of the loaderdumper that wrote it; None for a tombstone."""
        return self.record.get("dumper")

    @property
    def describe(self) -> dict[str, Any]:
        """Type, shape and the like, as the loaderdumper noted them."""
        found = self.record.get("describe")
        return dict(found) if isinstance(found, dict) else {}

    @property
    def inputs(self) -> tuple[Used, ...]:
        """Stored values and files it was made from, as far as the slice that makes it uses them."""
        return used_of(self._storage, self.record)

    @property
    def risks(self) -> tuple[Risk, ...]:
        """What may keep it from being made again, as recorded."""
        return risks_of(self.record)

    @property
    def slice(self) -> SliceFacts | None:
        """What is recorded about the code that makes it; None where none was found."""
        return slice_of(self.record)

    @property
    def nbytes(self) -> int:
        """Bytes of the files it consists of, those of earlier versions that it names included; 0 for a tombstone."""
        if self.deleted:
            return 0
        files = {**checked_files(self.record, self._folder), **checked_earlier(self.record, self._folder)}
        return sum([size for size, _ in files.values()])

    @property
    def path(self) -> Path:
        """Its folder."""
        return Path(self._storage.fetch(self._folder))

    @property
    def link(self) -> str:
        """A link that stays right when the database moves: ``isfdb://<database id>/<key>@<version>``.

        It names the topmost database, which the registry knows, and the whole key in it.
        """
        from urllib.parse import quote

        return f"isfdb://{self.database_id}/{quote(key_of_folder(self._folder.rpartition('/')[0]))}@{self.number}"

    def preview(self, *, max_bytes: int = 16_000_000, max_s: float = 10.0) -> Preview:
        """Return a small picture of the value: the course of an array, the head of a table, a thumbnail, a text, the names of files.

        What would run code when it is loaded is not loaded, and the preview says so. Looking at a value is not using it: nothing that is
        stored later is recorded as made from it.

        Parameters
        ----------
        max_bytes : int
            Of a larger value only a part is read, where its format can do that.
        max_s : float
            After so many seconds it is given up.
        """
        from functools import partial

        from isfdb.display.previewing import preview_of
        from isfdb.parts import needs_of
        from isfdb.reading import read_to_show

        dumper = self.dumper or ""
        load = partial(read_to_show, self._storage, self._folder.rpartition("/")[0], self.key, self.number, dumper)
        runs_code = needs_of(dumper, {}).runs_code
        return preview_of(self, lambda **options: load(options), runs_code=runs_code, max_bytes=max_bytes, max_s=max_s)

    def __repr__(self) -> str:
        return display.version_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return display.version_bundle(self)


class Versions(tuple[Version, ...]):
    """The versions of a key, oldest first: a tuple that shows itself as a table."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return display.versions_bundle(self)


def versions_of(storage: Storage, key_folder: str, key: str, database_id: str) -> Versions:
    """Return all versions of a key, oldest first; those whose record cannot be read are left to verify."""
    found = []
    for number in numbers_of(storage, key_folder):
        try:
            found.append(_version(storage, state_of(storage, key_folder, number), key, database_id))
        except (OSError, CorruptVersionError, FormatVersionError) as error:
            if is_refusal(error):
                raise  # it may be read a moment later: left out, it would seem never to have been
            continue
    return Versions(found)


def version_of(storage: Storage, key_folder: str, key: str, database_id: str, number: int) -> Version:
    """Return one version.

    Raises
    ------
    VersionGoneError, CorruptVersionError, FormatVersionError, StorageError
        It is not there any more, or has no record that can be read.
    """
    try:
        state = state_of(storage, key_folder, number)
    except FileNotFoundError as error:
        if not storage.list(join(key_folder, version_name(number))):
            message = (
                f"version {number} of {key!r} was moved or deleted while it was looked at, or is empty. Look again: db.versions({key!r})."
            )
            raise VersionGoneError(message, key=key, version=number) from error
        message = f"version {number} of {key!r} has no {METADATA_FILE}. Run isfdb.verify(db); an earlier version may be whole."
        raise CorruptVersionError(message, key=key, version=number) from error
    except OSError as error:
        raise reading_failure(error, repr(key), storage.location) from error
    return _version(storage, state, key, database_id)


def version_published(pending: Pending, key: str, database_id: str) -> Version:
    """Return a version that was published just now, without reading it: it is there, whatever the disk says next."""
    target = pending.target
    folder = join(target.key_folder, version_name(pending.number))
    state = VersionState(pending.number, folder, loads(pending.text.encode()), is_tombstone=False, is_reclaimed=False)
    return _version(target.storage, state, key, database_id)


def _version(storage: Storage, state: VersionState, key: str, database_id: str) -> Version:
    return Version(key, state.number, state.record, state.is_tombstone, state.is_reclaimed, database_id, storage, state.folder)


class Metadata(Mapping[str, Any]):
    """What isfdb recorded about a version, as one mapping. ISF's own names are answered too (time, history, module_versions ...).

    Iterating gives the names in ``metadata.json``; ISF's names are computed when asked for.
    """

    def __init__(self, storage: Storage, record: dict[str, Any]) -> None:
        self._storage = storage
        self._record = record

    def __getitem__(self, name: str) -> Any:
        if name in self._record:
            return self._record[name]
        fields = isf_fields(self._storage, self._record)
        if name not in list(fields):
            names = ", ".join([*self._record, *fields])
            raise KeyNotFoundError(f"the metadata of {self._record.get('key')!r} has no {name!r}. It has {names}.", key=name)
        return fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)

    def __contains__(self, name: object) -> bool:
        return name in self._record or name in isf_fields(self._storage, self._record)

    def __repr__(self) -> str:
        return f"Metadata({self._record!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return display.metadata_bundle(self._record)


class MetadataOfKeys(Mapping[str, Metadata]):
    """``db.metadata``: the metadata of each key's newest version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getitem__(self, key: str | tuple[str, ...]) -> Metadata:
        return self._database.entry(key).metadata

    def __iter__(self) -> Iterator[str]:
        return iter(self._database.keys(recurse=True))

    def __len__(self) -> int:
        return len(self._database.keys(recurse=True))

    def __repr__(self) -> str:
        return f"<Metadata of {len(self)} keys: db.metadata[key] gives that of one>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return display.of_keys_bundle(self._database, "Metadata: db.metadata[key] gives that of one of these keys.")


class Entry:
    """One key, seen without reading its data."""

    def __init__(self, database: Database, storage: Storage, key_folder: str, key: str) -> None:
        self.database = database
        self.key = key
        self._storage = storage
        self._key_folder = key_folder

    @property
    def versions(self) -> Versions:
        """All versions and tombstones, oldest first."""
        return versions_of(self._storage, self._key_folder, self.key, self.database.root.id)

    @property
    def newest(self) -> Version:
        """The version that reading the key gives.

        Raises
        ------
        KeyNotFoundError
            The key was deleted meanwhile.
        VersionGoneError, CorruptVersionError, FormatVersionError, StorageError
            Its record is not there, or cannot be read.
        """
        numbers = numbers_of(self._storage, self._key_folder)
        version = version_of(self._storage, self._key_folder, self.key, self.database.root.id, numbers[-1]) if numbers else None
        if version is not None and (original := original_of(version.record, numbers)) is not None:
            version = version_of(self._storage, self._key_folder, self.key, self.database.root.id, original)
        if version is None or version.deleted:
            raise KeyNotFoundError(f"there is no key {self.key!r} in {self._storage.location}. See db.keys().", key=self.key)
        return version

    @property
    def metadata(self) -> Metadata:
        """What was recorded about the newest version."""
        return Metadata(self._storage, self.newest.record)

    @property
    def attributes(self) -> Attributes:
        """What the user noted about the key."""
        return self.database.attributes[self.key]

    @property
    def describe(self) -> dict[str, Any]:
        """Type, shape and the like of the newest version."""
        return self.newest.describe

    @property
    def dumper(self) -> str | None:
        """Name of the loaderdumper that wrote the newest version."""
        return self.newest.dumper

    @property
    def path(self) -> Path:
        """Folder of the newest version."""
        return self.newest.path

    @property
    def nbytes(self) -> int:
        """Bytes of the newest version's files."""
        return self.newest.nbytes

    @property
    def link(self) -> str:
        """Permanent link to the newest version."""
        return self.newest.link

    @property
    def session(self) -> Session | None:
        """All that the session which stored the newest version executed, as far as the database holds it."""
        session_id = (self.newest.record.get("activity") or {}).get("session")
        try:
            return read_session(self._storage, session_id) if session_id else None
        except FileNotFoundError:
            return None  # a sub-database moved out by hand leaves its sessions behind

    @property
    def cell(self) -> Cell | None:
        """The cell, script or test that stored the newest version."""
        session = self.session
        line = (self.newest.record.get("activity") or {}).get("line")
        return next((cell for cell in session.cells if cell.line == line), None) if session else None

    @property
    def code(self) -> str:
        """The source that stored the value: its ``code.py`` where there is one, else the cell or script as it ran; empty if unknown."""
        number = self.newest.number
        try:
            return self._storage.read(f"{self._key_folder}/{version_name(number)}/{CODE_FILE}").decode()
        except FileNotFoundError:
            cell = self.cell
            return (cell.source or "") if cell else ""

    @property
    def inputs(self) -> tuple[Used, ...]:
        """Stored values and files the newest version was made from, as far as the slice that makes it uses them."""
        return self.newest.inputs

    @property
    def risks(self) -> tuple[Risk, ...]:
        """What may keep the value from being repeated, as recorded."""
        return self.newest.risks

    def preview(self, *, max_bytes: int = 16_000_000, max_s: float = 10.0) -> Preview:
        """Return a small picture of the newest version's value, as :meth:`Version.preview` does."""
        return self.newest.preview(max_bytes=max_bytes, max_s=max_s)

    def __repr__(self) -> str:
        return display.entry_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return display.entry_bundle(self)
