"""What lies in folders: the id of a database, the databases in a tree, a new id for a copy. Knows nothing of the registry's file.

Any folder may have been made by a stranger: nothing is executed, and nothing but ``isfdb.json``, or what ISF had instead, is opened.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import warnings
from typing import TYPE_CHECKING, Any, Final

from isfdb.errors import CorruptDatabaseError, NotADatabaseError, ReadOnlyError, RegistryWarning
from isfdb.exact_json import loads
from isfdb.layout.current import DATABASE_FILE, DELETED_SUFFIX, KEY_SUFFIX
from isfdb.layout.isf_legacy import DATABASE_FILES, SUB_FOLDERS
from isfdb.manifest import seal
from isfdb.registry.store import is_id
from isfdb.storage.single_files import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_DATABASE_FILE_BYTES: Final = 1_000_000


def id_of(path: str) -> str | None:
    """Return the id of the database in a folder, or None where there is none that can be understood."""
    try:
        found = _members(path).get("id")
    except FileNotFoundError:
        return _isf_id(path) if is_isf(path) else None
    except (OSError, ValueError, RecursionError):
        return None
    return str(found) if is_id(found) else None


def is_isf(path: str) -> bool:
    """Say whether a folder holds a database that ISF wrote."""
    return any(os.path.isfile(f"{path}/{name}") for name in DATABASE_FILES)


def _isf_id(path: str) -> str | None:
    from isfdb.storage.isf import isf_id  # needed by few, and not free

    return isf_id(path)


def _members(path: str) -> dict[str, Any]:
    # Not to be blocked by a pipe under that name, nor led elsewhere by a link.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(os.path.join(path, DATABASE_FILE), flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("isfdb.json is no plain file")
        text = file.read(MAX_DATABASE_FILE_BYTES + 1)
    if len(text) > MAX_DATABASE_FILE_BYTES:
        raise ValueError("isfdb.json is too large")
    members = loads(text)
    if not isinstance(members, dict):
        raise ValueError("isfdb.json holds no object")
    return members


def parent_id(path: str) -> str | None:
    """Return the id of the database a folder is a sub-database of."""
    folder = os.path.dirname(path)
    return id_of(os.path.dirname(folder)) if os.path.basename(path) in SUB_FOLDERS and is_isf(path) else id_of(folder)


def is_same_folder(first: str, second: str) -> bool:
    """Say whether two paths lead to one folder."""
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False


def databases_below(folder: str, *, progress: bool | None = None) -> Iterator[tuple[str, str, str | None]]:
    """Give (id, path, parent's id) for each database in a folder tree, the folder itself included.

    Keys, hidden folders and links to folders are not entered, so a tree with loops comes to an end.
    """
    unreadable: list[str] = []
    to_visit: list[tuple[str, str | None]] = [(folder, None)]
    with _progress_bar(wanted=progress) as advance:
        while to_visit:
            path, parent = to_visit.pop()
            names = _sub_folders(path, unreadable)
            database_id = id_of(path)
            if database_id is not None:
                yield database_id, path, parent
            to_visit += [(os.path.join(path, name), database_id) for name in sorted(names, reverse=True)]
            advance()
    if unreadable:
        count = f"{len(unreadable)} folders below {folder!a}"
        message = f"{count} could not be looked into, so databases there were not found; the first is {unreadable[0]!a}."
        warnings.warn(message, RegistryWarning, stacklevel=2)


def _sub_folders(path: str, unreadable: list[str]) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if _may_hold_databases(entry.name) and entry.is_dir(follow_symlinks=False)]
    except OSError:
        unreadable.append(path)
        return []


def _may_hold_databases(name: str) -> bool:
    return not name.startswith(".") and not name.endswith((KEY_SUFFIX, DELETED_SUFFIX))


@contextlib.contextmanager
def _progress_bar(*, wanted: bool | None) -> Iterator[Callable[[], object]]:
    if wanted is None:
        wanted = "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
    if not wanted:
        yield lambda: None
        return
    from tqdm import tqdm

    with tqdm(desc="looking for databases", unit=" folders", leave=False) as bar:
        yield bar.update


def write_new_id(path: str) -> tuple[str, str]:
    """Give the database in a folder a fresh id, noting the old one in ``copied_from``; return the old and the new.

    ``isfdb.json`` is the old one or the new one, whole, at every moment, loss of power included.

    Raises
    ------
    NotADatabaseError, CorruptDatabaseError, ReadOnlyError
        There is no database, its file cannot be understood, or it cannot be replaced.
    """
    import secrets

    try:
        members = _members(path)
    except FileNotFoundError as error:
        raise NotADatabaseError(f"cannot give {path!a} a new id: there is no {DATABASE_FILE} in it.", path=path) from error
    except (OSError, ValueError, RecursionError) as error:
        message = f"cannot give {path!a} a new id: its {DATABASE_FILE} cannot be understood ({error})."
        raise CorruptDatabaseError(message, path=path) from error
    old, new = str(members.get("id")), secrets.token_hex(16)
    try:
        replace_file(os.path.join(path, DATABASE_FILE), seal({**members, "id": new, "copied_from": old}).encode())
    except OSError as error:
        raise ReadOnlyError(f"cannot give {path!a} a new id: {error}. It needs to be writable for you.", path=path) from error
    return old, new
