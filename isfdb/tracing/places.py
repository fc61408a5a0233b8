"""Where the values that records name really are: links to databases that are open here, or known to the registry. Raises nothing.

A link may name a database by its own id or by that of the database it is part of, a key that was renamed since, or nothing at all:
records may be old, moved, or forged. Each value gets one address, and what cannot be found is told with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from isfdb.display.safe import visible
from isfdb.errors import IsfdbError
from isfdb.keys import split_key
from isfdb.layout.current import version_number
from isfdb.opening import parse_link
from isfdb.provenance.records import Used, used_of
from isfdb.storage.base import Storage
from isfdb.versions import VersionState, numbers_of, original_of, state_of

if TYPE_CHECKING:
    from isfdb.database import Database

#: What reading a record may raise when it is not what isfdb wrote.
UNREADABLE = (IsfdbError, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError)

#: A key may have been renamed more than once, and forged tombstones may lead in circles.
_MOST_RENAMES = 8


@dataclass(frozen=True)
class Address:
    """One stored value: the id of the outermost database that holds it, its whole key there, its version."""

    database: str
    key: str
    version: int

    @cached_property
    def link(self) -> str:
        """The value's link."""
        return f"isfdb://{self.database}/{quote(self.key)}@{self.version}"

    @property
    def label(self) -> str:
        """What it is called in a line."""
        return f"{self.key} v{self.version}"


@dataclass(frozen=True)
class Stored:
    """A version that was found, and what its key has come to since."""

    address: Address
    root: Database
    key_folder: str
    state: VersionState
    numbers: tuple[int, ...]

    @property
    def record(self) -> dict[str, Any]:
        """Its ``metadata.json``."""
        return self.state.record

    @property
    def storage(self) -> Storage:
        """Of the database that holds it."""
        return self.root._storage

    @cached_property
    def used(self) -> tuple[Used, ...]:
        """What it was made from, as recorded."""
        return used_of(self.storage, self.record)

    @cached_property
    def newest(self) -> VersionState:
        """What reading the key gives now."""
        last = self.numbers[-1]
        if last == self.state.number:
            return self.state
        try:
            newest = state_of(self.storage, self.key_folder, last)
            original = original_of(newest.record, list(self.numbers))
            return newest if original is None else state_of(self.storage, self.key_folder, original)
        except UNREADABLE:
            return self.state  # nothing is known about it, and verify reports it


@dataclass(frozen=True)
class Lost:
    """A value that cannot be reached from here, and why."""

    address: Address
    because: str


class Places:
    """The databases that a walk has to do with, each opened once, to read.

    Parameters
    ----------
    db : Database
        Where the walk begins. Its id means this one, even where the registry knows copies of it.

    Attributes
    ----------
    living : set of (str, str)
        Keys that were seen in listings, with the ids of their databases.
    """

    def __init__(self, db: Database) -> None:
        self.here = db.root
        self._roots: dict[str, Database] = {self.here.id: self.here}
        self._parts: dict[str, tuple[str, str]] = {self.here.id: (self.here.id, ""), db.id: (self.here.id, db.prefix)}
        self._reasons: dict[str, str] = {}
        self._knows_parts = False
        self._found: dict[str, Stored | Lost] = {}
        self.living: set[tuple[str, str]] = set()

    def find(self, link: str) -> Stored | Lost:
        """Return the version that a link of a record names."""
        if link not in self._found:
            self._found[link] = self._find(link)
        return self._found[link]

    def remember(self, found: Stored) -> None:
        """Keep a version that was read by other means, so that it is not read again."""
        self._found[found.address.link] = found

    def settled(self, link: str) -> Address:
        """Return the address of the version that a link names, without a look where its key was seen in a listing."""
        address = self._address(link)
        if isinstance(address, Lost) or (address.database, address.key) not in self.living:
            return self.find(link).address  # it may have been renamed
        return address

    def _find(self, link: str) -> Stored | Lost:
        address = self._address(link)
        return address if isinstance(address, Lost) else self.look(address)

    def _address(self, link: str) -> Address | Lost:
        try:
            database_id, key, version = parse_link(link)
        except IsfdbError:
            return Lost(Address("?", visible(link), 0), "the link cannot be understood")
        if not key or not isinstance(version, int):
            return Lost(Address(database_id, key or "?", 0), "the link names no version of a key")
        place = self._place(database_id)
        if place is None:
            return Lost(Address(database_id, key, version), self._reasons[database_id])
        root_id, prefix = place
        return Address(root_id, f"{prefix}/{key}" if prefix else key, version)

    def look(self, address: Address) -> Stored | Lost:
        """Return the version at an address whose database is open."""
        if address.link not in self._found:
            self._found[address.link] = self._look(address)
        return self._found[address.link]

    def _look(self, address: Address) -> Stored | Lost:
        root, key = self._roots[address.database], address.key
        for _ in range(_MOST_RENAMES):
            try:
                key_folder = root._key_folder(split_key(key))
                numbers = numbers_of(root._storage, key_folder)
                if address.version in numbers:
                    found = Address(address.database, key, address.version)
                    return Stored(found, root, key_folder, state_of(root._storage, key_folder, address.version), tuple(numbers))
                new = _new_name(root._storage, key_folder, numbers, key)
            except UNREADABLE as error:
                return Lost(address, f"its record cannot be read: {visible(error)}")
            if new is None:
                return Lost(address, _absence(root, key, numbers))
            key = new
        return Lost(address, f"it was renamed more than {_MOST_RENAMES} times")

    def name_of(self, database_id: str) -> str:
        """Return what a database is called."""
        root = self._roots.get(database_id)
        return root.name if root is not None else database_id

    def roots(self) -> Iterator[tuple[str, Database | str]]:
        """Give this database and all that are registered, outermost only: the path of each, and itself or why it cannot be read."""
        from isfdb import registry

        yield self.here.path, self.here
        seen = {self.here.id}
        try:
            known = registry.databases()
        except IsfdbError as error:
            yield "the registry", visible(error)
            return
        for one in known:
            place = self._place(one.id)
            if place is None:
                yield one.path, self._reasons[one.id]
            elif place[0] not in seen:
                seen.add(place[0])
                yield self._roots[place[0]].path, self._roots[place[0]]

    def _place(self, database_id: str) -> tuple[str, str] | None:
        """Return the outermost database, and the key in it, that an id stands for."""
        if database_id not in self._parts and not self._knows_parts:
            self._knows_parts = True
            self._parts |= _parts_of(self.here)
        if database_id not in self._parts and database_id not in self._reasons:
            self._open(database_id)
        return self._parts.get(database_id)

    def _open(self, database_id: str) -> None:
        from isfdb.opening import open as open_database

        try:
            found = open_database(f"isfdb://{database_id}", "r")
        except UNREADABLE as error:
            self._reasons[database_id] = f"its database is not reachable: {visible(error, 400)}"
            return
        root = self._roots.setdefault(found.root.id, found.root)
        self._parts[root.id] = (root.id, "")
        self._parts[database_id] = (root.id, found.prefix)


def forebears(value: Stored) -> Iterator[tuple[str, str]]:
    """Give the stored values that a version holds bytes of: what it was copied from, froze, or grew from."""
    record, address = value.record, value.address
    original = record.get("copied_from")
    if isinstance(original, dict) and isinstance(original.get("database"), str):
        key, number = original.get("key"), original.get("version")
        if isinstance(key, str) and type(number) is int and number > 0:
            yield "wasDerivedFrom", Address(original["database"], key, number).link
    numbers = {number for name in record.get("earlier") or () if (number := version_number(str(name).partition("/")[0]))}
    if type(record.get("snapshot_of")) is int:
        numbers.add(record["snapshot_of"])
    for number in sorted(numbers - {address.version}):
        yield "wasRevisionOf", replace(address, version=number).link


def _parts_of(root: Database) -> dict[str, tuple[str, str]]:
    """Return the sub-databases of a database by id."""
    found: dict[str, tuple[str, str]] = {}
    to_visit = [root]
    while to_visit:
        part = to_visit.pop()
        try:
            names = part._list().sub_databases
            subs = [part._sub(name) for name in names]
        except UNREADABLE:
            continue  # verify reports it
        found |= {sub.id: (root.id, sub.prefix) for sub in subs}
        to_visit += subs
    return found


def _new_name(storage: Storage, key_folder: str, numbers: list[int], key: str) -> str | None:
    """Return the key that a key was renamed to, None where it was not."""
    if not numbers:
        return None
    record = state_of(storage, key_folder, numbers[-1]).record
    new, old = record.get("renamed_to"), record.get("key")
    if not isinstance(new, str) or not isinstance(old, str) or not new:
        return None
    # Both are seen from the database, perhaps a sub-database, through which it was renamed.
    return key[: -len(old)] + new if key == old or key.endswith(f"/{old}") else new


def _absence(root: Database, key: str, numbers: list[int]) -> str:
    if numbers:
        return f"{visible(key)!r} has no such version in {visible(root.path, 400)}"
    return f"there is no key {visible(key)!r} in {visible(root.path, 400)}"
