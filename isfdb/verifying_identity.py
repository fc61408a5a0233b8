"""Is what makes a folder a database as it was written: ``isfdb.json``, and the README.txt it tells of? For `verifying.py`."""

from __future__ import annotations

from isfdb.errors import IsfdbError
from isfdb.hashing import digest_of
from isfdb.identity import Identity, read_identity
from isfdb.layout.current import DATABASE_FILE, README_FILE, join
from isfdb.manifest import is_sealed
from isfdb.storage.base import Storage
from isfdb.verifying_shared import Find


def check_identity(storage: Storage, folder: str, find: Find) -> None:
    """Check the ``isfdb.json`` of a folder that has one, and its README.txt.

    Those that an older isfdb wrote have no seal, nor does one that somebody restored by hand: of them it is asked only whether they
    can be understood.
    """
    path = join(folder, DATABASE_FILE)
    try:
        data, identity = storage.read(path), read_identity(storage, folder)
    except (OSError, IsfdbError) as error:
        find("unreadable", "", None, path, f"{path} cannot be read: {error}")
        return
    members = identity.members
    if ("record" in members or "readme" in members) and not is_sealed(data, dict(members)):
        find("changed record", "", None, path, f"{path} is not as it was written: its seal does not fit its bytes")
    elif "readme" in members:
        _check_readme(storage, identity, join(folder, README_FILE), find)


def _check_readme(storage: Storage, identity: Identity, path: str, find: Find) -> None:
    cure = "no value rests on it, and a new database of the same isfdb has a whole one, to be copied here"
    try:
        data = storage.read(path)
    except FileNotFoundError:
        find("missing file", "", None, path, f"{path} is missing; {cure}")
    except OSError as error:
        find("unreadable", "", None, path, f"{path} cannot be read: {error.strerror}")
    else:
        if [len(data), digest_of(data)] != identity.members["readme"]:
            find("changed file", "", None, path, f"{path} is not what isfdb wrote; {cure}")
