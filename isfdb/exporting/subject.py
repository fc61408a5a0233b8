"""What is exported, read once: which versions of which keys, what ran, with which sources and packages. It writes nothing.

What cannot be read is named in ``problems`` and left out: an export never fails because one record of a thousand is damaged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from isfdb.database import Database
from isfdb.errors import FormatVersionError, IsfdbError, KeyNotFoundError, OptionError
from isfdb.exact_json import loads
from isfdb.keys import split_key
from isfdb.layout.current import CODE_FILE, CODE_FOLDER, ENVIRONMENTS_FOLDER, join
from isfdb.manifest import Files, checked_files
from isfdb.near_keys import near_keys
from isfdb.provenance.records import Risk, Used, UsedValue, risks_of, used_of
from isfdb.provenance.session import Cell, Session, read_session
from isfdb.storage.base import Storage
from isfdb.versions import VersionState, numbers_of, original_of, state_of

#: Which versions are told of, and taken along: those that reading gives, or all.
VERSIONS = ("newest", "all")


@dataclass(frozen=True)
class ToldVersion:
    """One version, or tombstone, that is exported.

    Attributes
    ----------
    key : str
        Within the database that is exported.
    state : VersionState
        Number, folder and record.
    link : str
        ``isfdb://<database id>/<key>@<number>``.
    activity : tuple of (str, int) or None
        Session, and line in its log, of what stored it.
    used : tuple of UsedValue or UsedFile
        What it was made from; links to keys of this export are as :attr:`link` says them.
    has_code : bool
        There is a ``code.py``.
    """

    key: str
    state: VersionState
    link: str
    activity: tuple[str, int] | None
    used: tuple[Used, ...]
    risks: tuple[Risk, ...]
    has_code: bool

    @property
    def number(self) -> int:
        """Its number."""
        return self.state.number

    @property
    def record(self) -> dict[str, Any]:
        """Its ``metadata.json``, or the tombstone's record."""
        return self.state.record

    @property
    def is_value(self) -> bool:
        """It is no tombstone."""
        return not self.state.is_tombstone

    @property
    def has_data(self) -> bool:
        """Its files are there, as far as the record tells."""
        return not self.state.is_tombstone and not self.state.is_reclaimed

    @property
    def files(self) -> Files:
        """Its manifest; empty for a tombstone."""
        return checked_files(self.record, self.state.folder) if self.is_value else {}

    @property
    def describe(self) -> dict[str, Any]:
        """Type, shape and the like."""
        found = self.record.get("describe")
        return found if isinstance(found, dict) else {}

    def named(self, name: str) -> str | None:
        """Return the name of a record that it shares with others: ``environment``, or ``code`` for that of its sources."""
        found = self.record.get(name)
        found = found.get("snapshot") if isinstance(found, dict) else found
        return found if isinstance(found, str) and found.isalnum() else None


@dataclass
class Subject:
    """All that an export tells of, as plain facts.

    Attributes
    ----------
    db : Database
        The database or sub-database that is exported, whole or in part.
    key : str or None
        The only key that is exported.
    versions : list of ToldVersion
        By key, then by number.
    sessions, environments, sources : dict
        By id or short digest: what ran, packages, states of the sources. Only what a version names.
    problems : list of str
        What could not be read.
    """

    db: Database
    key: str | None
    versions: list[ToldVersion] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    _cells: dict[str, dict[int, Cell]] = field(default_factory=dict, repr=False)

    @property
    def storage(self) -> Storage:
        """Of the database and all its sub-databases."""
        return self.db.root._storage

    @property
    def name(self) -> str:
        """What is exported, in a word or two."""
        return f"{self.db.name}/{self.key}" if self.key else self.db.name

    @property
    def keys(self) -> list[str]:
        """The keys that are exported, in their order."""
        return list(dict.fromkeys([version.key for version in self.versions]))

    def by_key(self) -> dict[str, list[ToldVersion]]:
        """Return the versions of each key, in their order."""
        found: dict[str, list[ToldVersion]] = {}
        for version in self.versions:
            found.setdefault(version.key, []).append(version)
        return found

    def key_folder(self, key: str) -> str:
        """Return the folder of a key, relative to the storage."""
        return self.db._key_folder(split_key(key))

    def cell(self, session: str, line: int) -> Cell | None:
        """Return what ran there, if the database still holds it."""
        if session in self.sessions and session not in self._cells:
            self._cells[session] = {cell.line: cell for cell in self.sessions[session].cells}
        return self._cells.get(session, {}).get(line)


def subject_of(db: Database, key: str | tuple[str, ...] | None, versions: str) -> Subject:
    """Read what is to be exported.

    Parameters
    ----------
    key : str or tuple of str, optional
        One key, or a sub-database; default: all.
    versions : {'newest', 'all'}

    Raises
    ------
    OptionError, KeyNotFoundError
    """
    if not isinstance(db, Database):
        raise OptionError(f"export takes an open database, not {db!r:.80}: isfdb.export(isfdb.open(path, mode='r'), target).", database=db)
    if versions not in VERSIONS:
        raise OptionError(f"versions={versions!r} is neither 'newest' nor 'all'.", versions=versions)
    db._publish_batch()
    if key is not None and db.is_sub_db(key) and not db._storage.list(db._key_folder(split_key(key))):
        db, key = db._sub("/".join(split_key(key))), None
    subject = Subject(db, None if key is None else "/".join(split_key(key)))
    links = _Links(db)
    for one in _keys(subject, versions):
        _tell_key(subject, links, one, versions)
    _read_shared(subject)
    return subject


def _keys(subject: Subject, versions: str) -> list[str]:
    """Return the keys that are meant; with all versions also those that were deleted."""
    db, key = subject.db, subject.key
    if key is not None:
        numbers = numbers_of(subject.storage, subject.key_folder(key))
        if not numbers or (versions == "newest" and key not in db):
            folder = subject.key_folder(key)
            message = f"there is no key {key!r} in {db.path}. See db.keys(recurse=True)."
            raise KeyNotFoundError(message, key=key, near=lambda: near_keys(subject.storage, folder, key))
        return [key]
    return _all_keys(db) if versions == "all" else list(db.keys(recurse=True))


def _all_keys(db: Database) -> list[str]:
    here = db._list(deleted=True)
    below = [f"{name}/{key}" for name in here.sub_databases for key in _all_keys(db._sub(name))]
    return sorted([*here.keys, *below])


def _tell_key(subject: Subject, links: _Links, key: str, versions: str) -> None:
    folder = subject.key_folder(key)
    numbers = numbers_of(subject.storage, folder)
    for number in numbers if versions == "all" else _newest(subject, folder, numbers, key):
        try:
            subject.versions.append(_told(subject, links, key, state_of(subject.storage, folder, number)))
        except (OSError, IsfdbError) as error:
            subject.problems.append(f"{key} v{number} cannot be read and is left out: {error}")


def _newest(subject: Subject, folder: str, numbers: list[int], key: str) -> list[int]:
    """Return what reading the key gives; of a folder that was frozen, that folder and its newest snapshot."""
    if not numbers:
        subject.problems.append(f"{key} has no version and is left out")
        return []
    try:
        original = original_of(state_of(subject.storage, folder, numbers[-1]).record, numbers)
    except (OSError, IsfdbError):
        return numbers[-1:]
    return numbers[-1:] if original is None else [original, numbers[-1]]


def _told(subject: Subject, links: _Links, key: str, state: VersionState) -> ToldVersion:
    if not state.is_tombstone:
        checked_files(state.record, state.folder)  # a manifest that leads out of the folder is not read any further
    activity = state.record.get("activity")
    session, line = (activity.get("session"), activity.get("line")) if isinstance(activity, dict) else (None, None)
    used = tuple([links.as_told(one) for one in used_of(subject.storage, state.record)])
    has_code = CODE_FILE in subject.storage.list(state.folder)
    link = link_to(subject.db.id, key, state.number)
    ran = (session, line) if isinstance(session, str) and type(line) is int else None
    return ToldVersion(key, state, link, ran, used, risks_of(state.record), has_code)


def link_to(database_id: str, key: str, number: int) -> str:
    """Return the permanent link of a version."""
    return f"isfdb://{database_id}/{quote(key)}@{number}"


class _Links:
    """Says links the way of the database that is exported: a sub-database's keys can be named by its own id, or by that of any above it."""

    def __init__(self, db: Database) -> None:
        self._id = db.id
        self._prefixes = dict(_prefixes(db, ""))  # id -> what to put before the key
        inside = db.prefix
        self._above = {db.root.id: f"{inside}/"} if inside else {}  # id -> what to take from the key

    def as_told(self, used: Used) -> Used:
        """Return what was used, with the link of a key of this export said its way."""
        if not isinstance(used, UsedValue):
            return used
        database_id, _, rest = used.link.removeprefix("isfdb://").partition("/")
        key = unquote(rest)
        if database_id in self._above and key.startswith(self._above[database_id]):
            key = key.removeprefix(self._above[database_id])
        elif database_id in self._prefixes:
            key = self._prefixes[database_id] + key
        else:
            return used
        key, _, number = key.rpartition("@")
        return UsedValue(link_to(self._id, key, int(number)), used.digest, used.cell) if key and number.isdecimal() else used


def _prefixes(db: Database, prefix: str) -> list[tuple[str, str]]:
    found = [(db.id, prefix)]
    for name in db._list().sub_databases:
        try:
            found += _prefixes(db._sub(name), f"{prefix}{name}/")
        except IsfdbError:
            continue  # its keys are named with the reason, or have none
    return found


def _read_shared(subject: Subject) -> None:
    """Read, once each, what several versions refer to."""
    for version in subject.versions:
        session = version.activity[0] if version.activity else None
        if session is not None and session not in subject.sessions:
            _read_session(subject, session)
        for name, folder, found in (("environment", ENVIRONMENTS_FOLDER, subject.environments), ("code", CODE_FOLDER, subject.sources)):
            digest = version.named(name)
            if digest is not None and digest not in found:
                found[digest] = _read_object(subject, join(folder, f"{digest}.json"))


def _read_session(subject: Subject, session: str) -> None:
    try:
        subject.sessions[session] = read_session(subject.storage, session)
    except (OSError, ValueError, IsfdbError) as error:
        subject.sessions[session] = Session(session, {}, ())
        subject.problems.append(f"what session {session} executed cannot be told: {_reason(error)}")


def _read_object(subject: Subject, path: str) -> dict[str, Any]:
    try:
        found = loads(subject.storage.read(path))
        if not isinstance(found, dict):
            raise FormatVersionError(f"{path} is no object")
    except (OSError, ValueError, RecursionError, IsfdbError) as error:
        subject.problems.append(f"{path} cannot be read: {_reason(error)}")
        return {}
    return found


def _reason(error: Exception) -> str:
    return "it is not there" if isinstance(error, FileNotFoundError) else str(error)
