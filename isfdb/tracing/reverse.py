"""Which keys were made from a value: the inputs that the newest versions name, turned round. It reads what searches read, and keep.

Every registered database is looked into; what cannot be reached is said in `notes`.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from isfdb.display.safe import visible
from isfdb.display.words import count_text
from isfdb.errors import IsfdbError
from isfdb.keys import name_of_folder
from isfdb.layout.current import KEY_SUFFIX, METADATA_FILE, join, version_name
from isfdb.manifest import read_record
from isfdb.searching.everything import everything_about
from isfdb.storage.base import Storage
from isfdb.tracing.places import UNREADABLE, Address, Lost, Places, Stored
from isfdb.versions import VersionState, numbers_of, original_of

if TYPE_CHECKING:
    from isfdb.database import Database

_MOST_NAMED: Final = 3
_COLUMNS: Final = ("key", "number", "inputs")


class Reverse:
    """The inputs of every key, turned round.

    Attributes
    ----------
    notes : list of str
        What was not looked into.
    """

    def __init__(self, places: Places) -> None:
        self.notes: list[str] = []
        self._places = places
        self._made: dict[tuple[str, str], list[tuple[int, Address]]] = defaultdict(list)
        named: dict[str, list[Address]] = defaultdict(list)
        missing, unreadable = [], 0
        for path, root in places.roots():
            try:
                if isinstance(root, str):
                    raise FileNotFoundError(root)
                unreadable += self._collect(root, named)
            except (IsfdbError, OSError):
                missing.append(path)
        for link, made in named.items():
            before = places.settled(link)
            self._made[before.database, before.key] += [(before.version, one) for one in made]
        self._note(missing, unreadable)

    def _collect(self, root: Database, named: dict[str, list[Address]]) -> int:
        """Add which links the newest versions of a database name; return how many keys cannot be read."""
        found = everything_about(root._storage, root.id, _COLUMNS)
        self._places.living |= {(root.id, key) for key in found.keys}
        keys, numbers = found.table.column("key"), found.table.column("number")
        for row in found.rows:
            for link in {line for line in found.table.inputs(row).split("\n") if line.startswith("isfdb://")}:
                named[link].append(Address(root.id, keys[row], numbers[row]))
        return found.n_unreadable

    def _note(self, missing: list[str], unreadable: int) -> None:
        if missing:
            few = ", ".join([visible(path, 200) for path in missing[:_MOST_NAMED]]) + (", ..." if len(missing) > _MOST_NAMED else "")
            self.notes.append(f"not looked into, for {count_text(len(missing), 'registered database')} cannot be reached: {few}")
        if unreadable:
            self.notes.append(f"not looked into, for their records cannot be read: {count_text(unreadable, 'key')}; run verify")

    def made_from(self, address: Address, *, every_version: bool) -> Iterator[tuple[int, Stored | Lost]]:
        """Give what was made from a value, with the version that was used; from other versions of its key too, if wanted."""
        for version, made in self._made.get((address.database, address.key), ()):
            if (every_version or version == address.version) and made != address:
                yield version, self._places.look(made)


def newest_versions(root: Database) -> Iterator[Stored]:
    """Give what reading each key of a database would give, sub-databases included."""
    with contextlib.suppress(*UNREADABLE):  # a database that vanishes meanwhile has no more keys
        for _, key_folders in root._key_folders():
            for key_folder in key_folders:
                with contextlib.suppress(*UNREADABLE):  # a key that cannot be read is left to verify
                    found = _newest(root, root._storage, key_folder)
                    if found is not None:
                        yield found


def _newest(root: Database, storage: Storage, key_folder: str) -> Stored | None:
    numbers = numbers_of(storage, key_folder)
    if not numbers:
        return None
    number = numbers[-1]
    for _ in range(2):  # a snapshot, then what it froze
        folder = join(key_folder, version_name(number))
        try:
            record = read_record(storage.read(f"{folder}/{METADATA_FILE}"), folder)
        except FileNotFoundError:
            return None  # a tombstone
        original = original_of(record, numbers)
        if original is None:
            break
        number = original
    address = Address(root.id, _key_of(key_folder), number)
    return Stored(address, root, key_folder, VersionState(number, folder, record, False, False), tuple(numbers))


def _key_of(key_folder: str) -> str:
    names = key_folder.removesuffix(KEY_SUFFIX).split("/")
    return "/".join([name_of_folder(name) or name for name in names])
