"""Which keys were made from a value: the inputs that the newest versions name, turned round. It scans records, once a walk.

Every registered database is looked into; what cannot be, or was not for want of time, is said in `notes`.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from isfdb.display.safe import visible
from isfdb.display.words import count_text
from isfdb.keys import name_of_folder
from isfdb.layout.current import KEY_SUFFIX, METADATA_FILE, join, version_name
from isfdb.manifest import read_record
from isfdb.provenance.records import UsedValue, used_of
from isfdb.storage.base import Storage
from isfdb.tracing.places import UNREADABLE, Address, Places, Stored
from isfdb.versions import VersionState, numbers_of, original_of

if TYPE_CHECKING:
    from isfdb.database import Database

#: How many keys of all databases together are looked into.
MOST_KEYS: Final = 1_000_000

_MOST_NAMED: Final = 3

#: A record without one of these names no stored value: most need not be parsed.
_MAY_NAME_A_VALUE: Final = (b'"used"', b'"copied_from"')


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
        self._makers: dict[tuple[str, str], list[tuple[int, Stored]]] = defaultdict(list)
        left, missing = MOST_KEYS, []
        for path, root in places.roots():
            if isinstance(root, str):
                missing.append(path)
                continue
            for made in newest_with_inputs(root, left):
                left -= 1
                self._take(made)
        if missing:
            few = ", ".join([visible(path, 200) for path in missing[:_MOST_NAMED]]) + (", ..." if len(missing) > _MOST_NAMED else "")
            self.notes.append(f"not looked into, for {count_text(len(missing), 'registered database')} cannot be reached: {few}")
        if left <= 0:
            self.notes.append(f"only {MOST_KEYS:,} keys with inputs were looked into")

    def _take(self, made: Stored) -> None:
        seen = set()
        for used in used_of(made.storage, made.record):
            if not isinstance(used, UsedValue) or used.link in seen:
                continue
            seen.add(used.link)
            before = self._places.find(used.link).address
            self._makers[before.database, before.key].append((before.version, made))

    def made_from(self, address: Address, *, every_version: bool) -> Iterator[tuple[int, Stored]]:
        """Give what was made from a value, with the version that was used; from other versions of its key too, if wanted."""
        for version, made in self._makers.get((address.database, address.key), ()):
            if (every_version or version == address.version) and made.address != address:
                yield version, made


def newest_with_inputs(root: Database, most: int) -> Iterator[Stored]:
    """Give the newest version of each key of a database whose record may name inputs, sub-databases included."""
    for found in newest_versions(root, _MAY_NAME_A_VALUE):
        if most <= 0:
            return
        most -= 1
        yield found


def newest_versions(root: Database, mentions: tuple[bytes, ...] = ()) -> Iterator[Stored]:
    """Give what reading each key would give; only those whose record mentions one of these texts, where there are any."""
    storage = root._storage
    with contextlib.suppress(*UNREADABLE):  # a database that vanishes meanwhile has no more keys
        for _, key_folders in root._key_folders():
            for key_folder in key_folders:
                with contextlib.suppress(*UNREADABLE):  # a key that cannot be read is left to verify
                    found = _newest(root, storage, key_folder, mentions)
                    if found is not None:
                        yield found


def _newest(root: Database, storage: Storage, key_folder: str, mentions: tuple[bytes, ...]) -> Stored | None:
    numbers = numbers_of(storage, key_folder)
    if not numbers:
        return None
    number = numbers[-1]
    for _ in range(2):  # a snapshot, then what it froze
        folder = join(key_folder, version_name(number))
        try:
            data = storage.read(f"{folder}/{METADATA_FILE}")
        except FileNotFoundError:
            return None  # a tombstone
        if mentions and not any(text in data for text in mentions) and b'"snapshot_of"' not in data:
            return None
        record = read_record(data, folder)
        original = original_of(record, numbers)
        if original is None:
            break
        number = original
    address = Address(root.id, _key_of(key_folder), number)
    return Stored(address, root, key_folder, VersionState(number, folder, record, False, False), tuple(numbers))


def _key_of(key_folder: str) -> str:
    names = key_folder.removesuffix(KEY_SUFFIX).split("/")
    return "/".join([name_of_folder(name) or name for name in names])
