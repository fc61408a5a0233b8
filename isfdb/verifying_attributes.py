"""Are a key's notes whole: every revision there, sealed, and the one that is shown among them? For `verifying.py`."""

from __future__ import annotations

from isfdb.attributes import read_revision, revisions_of
from isfdb.errors import IsfdbError
from isfdb.exact_json import loads
from isfdb.layout.current import ATTRIBUTES_FILE, ATTRIBUTES_FOLDER
from isfdb.manifest import is_sealed
from isfdb.storage.base import Storage
from isfdb.verifying_shared import Find


def check_attributes(storage: Storage, key_folder: str, key: str, find: Find) -> None:
    """Check every revision of a key's attributes."""
    numbers = revisions_of(storage, key_folder)
    for number in numbers:
        name = f"{ATTRIBUTES_FOLDER}/{number:06d}.json"
        try:
            read_revision(storage, key_folder, number)
            data = storage.read(f"{key_folder}/{name}")
            if not is_sealed(data, loads(data)):
                find("changed record", key, None, name, "its seal does not fit its bytes")
        except (IsfdbError, OSError) as error:
            find("unreadable attributes", key, None, name, str(error))
    if numbers != list(range(1, len(numbers) + 1)):
        find("unreadable attributes", key, None, ATTRIBUTES_FOLDER, "revisions are missing")
    _check_shown(storage, key_folder, key, numbers, find)


def _check_shown(storage: Storage, key_folder: str, key: str, numbers: list[int], find: Find) -> None:
    """Check that attributes.json is one of the revisions; a crash may have left it behind the newest."""
    try:
        shown = storage.read(f"{key_folder}/{ATTRIBUTES_FILE}")
    except FileNotFoundError:
        return
    for number in reversed(numbers):
        if storage.read(f"{key_folder}/{ATTRIBUTES_FOLDER}/{number:06d}.json") == shown:
            return
    find("changed record", key, None, ATTRIBUTES_FILE, f"{ATTRIBUTES_FILE} is none of the revisions that are there")
