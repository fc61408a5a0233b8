"""An ISF database, shown as if it were format 1: keys, one version each, sub-databases, records. Never writes, not even a lock file.

What ISF wrote is translated when it is read (`isf_records.py`); the files of the values are handed out where they lie.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NoReturn
from urllib.parse import quote, unquote

from isfdb.errors import CorruptDatabaseError, CorruptVersionError, InvalidKeyError
from isfdb.exact_json import dumps
from isfdb.keys import folder_name, name_of_folder
from isfdb.layout.current import (
    DATABASE_FILE,
    FORMAT,
    KEY_SUFFIX,
    LOADER_FILE,
    METADATA_FILE,
    SESSIONS_FOLDER,
    join,
    version_name,
)
from isfdb.layout.isf_legacy import EXTRACTED_FILE, OWN_FILES, SUB_FOLDERS, is_isf_id
from isfdb.storage.base import Stage, Storage
from isfdb.storage.isf_folders import IsfDatabase, IsfKey, database_at, is_database, read_file
from isfdb.storage.isf_records import loader_text, plain, record_text, session_text

_VERSION: Final = version_name(1)
_LOG_SUFFIX: Final = ".jsonl"
_SESSION_PREFIX: Final = "isf-"


def isf_id(path: str) -> str | None:
    """Return the id of the ISF database in a folder; None where there is no such database.

    Where ISF gave it none that can be read, the id follows from the place where the database lies.
    """
    return id_of_database(database_at(path)) if is_database(path) else None


def id_of_database(database: IsfDatabase, key: str = "") -> str:
    """Return ISF's id, or one that follows from the place and, for what is no folder of its own, the key."""
    found = database.identity().get("_unique_id")
    if is_isf_id(found):
        return str(found)
    place = f"{os.path.realpath(database.path)}/{key}"
    return hashlib.blake2b(place.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def topmost(path: str) -> str:
    """Return the folder of the ISF database that the one at `path` is part of; `path` itself where it is part of none."""
    top = path
    while True:
        parent = os.path.dirname(os.path.dirname(top)) if os.path.basename(top) in SUB_FOLDERS else os.path.dirname(top)
        if parent == top or not is_database(parent):
            return top
        top = parent


class IsfStorage(Storage):
    """A database that ISF wrote.

    Parameters
    ----------
    path : str
        Absolute path of its folder.
    """

    read_only = True
    why_read_only = "it was written by ISF and stays as it is. Copy it into a database that can grow: isfdb import OLD NEW"

    def __init__(self, path: str) -> None:
        self.path = path
        self._top = database_at(path)
        self._extracted: str | None = None

    @property
    def location(self) -> str:
        """The folder."""
        return self.path

    # Where things are --------------------------------------------------------------------------------------------------------------

    def find(self, path: str) -> tuple[IsfKey | IsfDatabase | None, str]:
        """Return the key or database that a path of format 1 leads to, and what of the path lies inside the key."""
        here: IsfDatabase = self._top
        names = path.split("/") if path else []
        for depth, folder in enumerate(names):
            is_key = folder.endswith(KEY_SUFFIX)
            name = name_of_folder(folder.removesuffix(KEY_SUFFIX) if is_key else folder)
            found = [one for one in (here.children(name) if name else ()) if isinstance(one, IsfKey) == is_key]
            if not found:
                return None, ""
            if isinstance(found[0], IsfKey):
                return found[0], "/".join(names[depth + 1 :])
            here = found[0]
        return here, ""

    def databases(self, path: str = "") -> Iterator[tuple[str, IsfDatabase]]:
        """Give the database at `path` and all below it, each with its path in format 1."""
        found, _ = self.find(path)
        if found is None or isinstance(found, IsfKey):
            return
        yield path, found
        try:
            names = _names_in(found)
        except CorruptDatabaseError:
            return  # whoever lists that one is told
        for name in names:
            if not name.endswith(KEY_SUFFIX):
                yield from self.databases(join(path, name))

    def path_of(self, folder: str) -> str | None:
        """Return the path, in format 1, of the sub-database in a real folder; None where there is none."""
        return next((path for path, database in self.databases() if os.path.realpath(database.path) == os.path.realpath(folder)), None)

    # Small records ---------------------------------------------------------------------------------------------------------------

    def list(self, folder: str) -> list[str]:
        """Return the names that format 1 would have in `folder`."""
        found, inside = self.find(folder)
        if found is None:
            return []
        if not isinstance(found, IsfKey):
            return [DATABASE_FILE, *_names_in(found)]
        if not inside:
            return [_VERSION]
        if inside == _VERSION:
            own = [name for name in found.files if name not in OWN_FILES]
            return [LOADER_FILE, METADATA_FILE, *own, *([EXTRACTED_FILE] if found.extract else ())]
        try:
            return os.listdir(self.fetch(folder)) if inside.startswith(f"{_VERSION}/") else []
        except OSError:
            return []

    def is_folder(self, path: str) -> bool:
        """Say whether `path` is a database, a key, or a folder inside one."""
        found, inside = self.find(path)
        if found is None:
            return False
        return not isinstance(found, IsfKey) or inside in ("", _VERSION) or os.path.isdir(self.fetch(path))

    def read(self, path: str) -> bytes:
        """Return a record, translated, or a file of a value as it is."""
        folder, _, name = path.rpartition("/")
        if folder == SESSIONS_FOLDER and name.startswith(_SESSION_PREFIX):
            return self._session(name.removesuffix(_LOG_SUFFIX))
        if name == DATABASE_FILE:
            return self._identity(folder)
        found, inside = self.find(path)
        if not isinstance(found, IsfKey) or not inside.startswith(f"{_VERSION}/"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        key_folder = path.removesuffix(f"/{inside}")
        if inside == f"{_VERSION}/{LOADER_FILE}":
            return self._loader(found, key_folder)
        if inside == f"{_VERSION}/{METADATA_FILE}":
            return record_text(found, _key_of(key_folder), _session_of(key_folder))
        if inside.removeprefix(f"{_VERSION}/") in OWN_FILES:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return read_file(self.fetch(path))

    def _loader(self, key: IsfKey, key_folder: str) -> bytes:
        try:
            return loader_text(key)
        except ValueError as error:
            name = _key_of(key_folder)
            raise CorruptVersionError(
                f"cannot load {name!r}: {error}. Its files are in {key.path}; isfdb.verify(db) lists all such keys.",
                key=name,
                path=key.path,
            ) from error

    def _identity(self, folder: str) -> bytes:
        found, _ = self.find(folder)
        if found is None or isinstance(found, IsfKey):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), join(folder, DATABASE_FILE))
        said = {name: plain(member) for name, member in found.identity().items()}
        return dumps({"created": None, "format": FORMAT, "id": id_of_database(found, folder), "isf": said}).encode()

    def _session(self, session: str) -> bytes:
        found, _ = self.find(unquote(session.removeprefix(_SESSION_PREFIX)))
        if not isinstance(found, IsfKey):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), session)
        return session_text(found, session)

    def fetch(self, folder: str) -> str:
        """Return the folder where ISF put what belongs there; a value that lay inside SQLite is put into a temporary one."""
        found, inside = self.find(folder)
        if found is None:
            return f"{self.path}/{folder}"
        if not isinstance(found, IsfKey):
            return found.path
        below = inside.removeprefix(_VERSION).removeprefix("/")
        return join(self._extract(folder.removesuffix(f"/{inside}"), found) if found.extract else found.path, below)

    def _extract(self, key_folder: str, key: IsfKey) -> str:
        if self._extracted is None:
            self._extracted = tempfile.mkdtemp(prefix="isfdb-")
            weakref.finalize(self, shutil.rmtree, self._extracted, ignore_errors=True)
        folder = os.path.join(self._extracted, hashlib.blake2b(key_folder.encode(), digest_size=16).hexdigest())
        if key.extract is not None:
            os.makedirs(folder, exist_ok=True)
            staged = f"{folder}/{os.urandom(8).hex()}"
            with open(staged, "xb") as file:
                file.write(key.extract())
            os.replace(staged, f"{folder}/{EXTRACTED_FILE}")
        return folder

    def size(self, path: str) -> int:
        """Return the bytes of a value's files; 0 for everything else."""
        found, _ = self.find(path)
        if not isinstance(found, IsfKey):
            return 0
        return sum(os.lstat(f"{folder}/{name}").st_size for folder, _, names in os.walk(found.path) for name in names)

    def age_s(self, path: str) -> float:
        """Return 0: nothing here grows old enough to be collected."""
        return 0.0

    def empty_trash(self, older_than_s: float, *, dry_run: bool) -> int:
        """Return 0: there is no trash."""
        return 0 if dry_run else self._refuse()

    def sweep(self, folder: str, names: Iterable[str], older_than_s: float, *, dry_run: bool) -> int:
        """Return 0: there are no stages."""
        return 0 if dry_run else self._refuse()

    # What is refused -------------------------------------------------------------------------------------------------------------

    def _refuse(self) -> NoReturn:
        raise OSError(errno.EROFS, f"{self.path} cannot be changed: {self.why_read_only}")

    def put(self, path: str, data: bytes, *, flushed: bool = False) -> bool:
        """Refuse."""
        self._refuse()

    def put_folder(self, folder: str, name: str, data: bytes, *, flushed: bool = False) -> bool:
        """Refuse."""
        self._refuse()

    def replace(self, path: str, data: bytes, *, flushed: bool = True) -> None:
        """Refuse."""
        self._refuse()

    def append(self, path: str, data: bytes) -> None:
        """Refuse."""
        self._refuse()

    def remove(self, path: str) -> None:
        """Refuse."""
        self._refuse()

    def stage(self, key_folder: str, *, is_new: bool, first: int = 1) -> Stage:
        """Refuse."""
        self._refuse()

    def write(self, stage: Stage, name: str, data: bytes) -> None:
        """Refuse."""
        self._refuse()

    def prepare(self, stages: Sequence[Stage]) -> None:
        """Refuse."""
        self._refuse()

    def publish(self, stage: Stage, number: int) -> None:
        """Refuse."""
        self._refuse()

    def settle(self, stages: Sequence[Stage]) -> None:
        """Refuse."""
        self._refuse()

    def discard(self, stage: Stage) -> None:
        """Do nothing: there are no stages."""

    def move(self, old: str, new: str) -> None:
        """Refuse."""
        self._refuse()

    def to_trash(self, path: str, *, durable: bool = False) -> None:
        """Refuse."""
        self._refuse()

    def erase(self) -> None:
        """Refuse."""
        self._refuse()


def _names_in(database: IsfDatabase) -> list[str]:
    """Return the names that format 1 would have for the keys and sub-databases of a database."""
    names = []
    for name in database.names():
        try:
            folder = folder_name(name)
        except InvalidKeyError:
            continue  # a name that format 1 keeps for itself; verify reports it
        names += [folder + KEY_SUFFIX if isinstance(one, IsfKey) else folder for one in database.children(name)]
    return names


def _key_of(key_folder: str) -> str:
    return "/".join([name_of_folder(name.removesuffix(KEY_SUFFIX)) or name for name in key_folder.split("/")])


def _session_of(key_folder: str) -> str:
    return _SESSION_PREFIX + quote(key_folder, safe="")
