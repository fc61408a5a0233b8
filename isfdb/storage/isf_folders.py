"""Finds the keys and sub-databases of an ISF database: one folder each, nested without limit. Reads JSON only, writes nothing."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from isfdb.layout.isf_legacy import (
    DELETING,
    KEYS_SQLITE,
    LOADER_FILE,
    LOADER_PICKLE,
    METADATA_FILE,
    READERS,
    STATE_FILE,
    SUB_DATABASES,
    SUB_FOLDERS,
    is_payload,
    word_of,
)
from isfdb.storage.isf_pickles import loader_of

MAX_JSON_BYTES: Final = 512_000_000  # histories and package lists are repeated in every record, and grow long
_MOST_KNOWN: Final = 10_000
_QUIET_S: Final = 5.0  # the ticks of file systems' clocks, and theirs behind ours
_READ: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class IsfKey:
    """One value as ISF left it.

    Attributes
    ----------
    name : str
        The last name of its key.
    path : str
        The folder of its files; for a value inside ``sqlitedict.db``, that file.
    files : tuple of str
        The names in that folder.
    loader : Mapping
        What ISF wrote about how it is read: ``{"Loader": ..., ...}``. Empty where that is missing or damaged.
    problem : str
        Why it cannot be read; empty where nothing is known to be wrong.
    is_inferred : bool
        ISF's loader is missing or damaged, and was inferred from the name of the loaderdumper in the metadata.
    metadata : callable
        Returns what ISF recorded, None where it recorded nothing.
    extract : callable or None
        For a value inside ``sqlitedict.db``: returns its bytes.
    """

    name: str
    path: str
    files: tuple[str, ...]
    loader: Mapping[str, Any]
    problem: str = ""
    is_inferred: bool = False
    metadata: Callable[[], Mapping[str, Any] | None] = field(default=lambda: None, repr=False)
    extract: Callable[[], bytes] | None = field(default=None, repr=False)

    @property
    def word(self) -> str:
        """The last word of the spec: ISF's name of the loaderdumper. Empty where it is not known."""
        return word_of(self.loader.get("Loader")) or ""


class IsfDatabase(Protocol):
    """A database folder of either of ISF's formats."""

    path: str

    def identity(self) -> Mapping[str, Any]:
        """Return what the database says about itself, ``_unique_id`` among it; empty where that cannot be read."""
        ...

    def names(self) -> list[str]:
        """Return the names under which :meth:`children` may find something, in no order."""
        ...

    def children(self, name: str) -> tuple[IsfKey | IsfDatabase, ...]:
        """Return what goes by a name: nothing, a key, a sub-database, or, in the older format, both."""
        ...

    def leftovers(self) -> Iterator[tuple[str, str]]:
        """Give each name in its folder that belongs to no key, with what it is."""
        ...


def read_file(path: str, limit: int = MAX_JSON_BYTES) -> bytes:
    """Read a regular file; a pipe or a device in its place must not stop us."""
    descriptor = os.open(path, _READ)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, "it is larger than such a file ever is", path)
    return data


def read_json(path: str) -> dict[str, Any]:
    """Read a JSON object as ISF wrote it: with NaN, names given twice, and texts that are none.

    Raises
    ------
    ValueError
        It is no JSON object.
    OSError
    """
    try:
        found = json.loads(read_file(path))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(found, dict):
        raise ValueError(f"it holds a {type(found).__name__}, not an object")
    return found


def leads_back(path: str) -> bool:
    """Say whether a link leads to a folder above it, for then it would have no end."""
    if not os.path.islink(path):
        return False
    return f"{os.path.realpath(os.path.dirname(path))}/".startswith(f"{os.path.realpath(path)}/")


class IsfFolder:
    """A database with ``db_state.json``; or one that ISF had announced and not yet made, which is empty.

    Parameters
    ----------
    path : str
        Its folder.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._known: dict[str, tuple[tuple[int, int], tuple[IsfKey | IsfDatabase, ...]]] = {}

    def identity(self) -> Mapping[str, Any]:
        """Return ``db_state.json``."""
        try:
            return read_json(f"{self.path}/{STATE_FILE}")
        except (OSError, ValueError):
            return {}

    def names(self) -> list[str]:
        """Return the names of the folders in it: looking into each, to see what it is, is left to :meth:`children`."""
        try:
            with os.scandir(self.path) as entries:
                return [entry.name for entry in entries if entry.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def children(self, name: str) -> tuple[IsfKey | IsfDatabase, ...]:
        """Return the key or sub-database that a folder is; nothing where it is neither."""
        path = f"{self.path}/{name}"
        if "/" in name or name in ("", ".", "..") or DELETING in name or leads_back(path):
            return ()
        try:
            looks = os.stat(path)
            known = self._known.get(name)
            if known and known[0] == (looks.st_ino, looks.st_mtime_ns):
                return known[1]
            found = find(name, path, os.listdir(path))
        except OSError:
            return ()
        told = (found,) if found is not None else ()
        self._remember(name, looks, told)
        return told

    def _remember(self, name: str, looks: os.stat_result, told: tuple[IsfKey | IsfDatabase, ...]) -> None:
        """Keep what a folder is for as long as it looks the same; one that just changed may change again unseen."""
        if time.time() - looks.st_mtime > _QUIET_S:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[name] = (looks.st_ino, looks.st_mtime_ns), told

    def leftovers(self) -> Iterator[tuple[str, str]]:
        """Give each name that is no key, with what it is; for :func:`isfdb.verify`."""
        for name in sorted(os.listdir(self.path)) if os.path.isdir(self.path) else ():
            if DELETING in name:
                yield name, "was being deleted by ISF"
            elif name not in (STATE_FILE, METADATA_FILE, LOADER_FILE, LOADER_PICKLE) and not self.children(name):
                yield name, "is none of ISF's keys"


def find(name: str, path: str, files: list[str]) -> IsfKey | IsfDatabase | None:
    """Say what a folder inside a database is: a key, a sub-database, or None for neither.

    Parameters
    ----------
    name : str
        Of the folder.
    path : str
    files : list of str
        The names in it.
    """
    loader, problem = _loader(path, files)
    word = word_of(loader.get("Loader")) or ""
    if word in SUB_DATABASES:
        return database_at(_place_of_sub_database(path, files, word))
    if not loader:
        below = _database_below(path, files)
        if below is not None:
            return below
    key = IsfKey(name, path, tuple(sorted(files)), loader, problem, metadata=lambda: _metadata(path))
    return key if loader else _unfinished(key)


def _loader(path: str, files: list[str]) -> tuple[dict[str, Any], str]:
    """Return ISF's spec and what is wrong with it."""
    try:
        if LOADER_FILE in files:
            found = read_json(f"{path}/{LOADER_FILE}")
        elif LOADER_PICKLE in files:
            found = loader_of(read_file(f"{path}/{LOADER_PICKLE}"))
        else:
            return {}, f"ISF did not finish writing it: there is no {LOADER_FILE}"
        if word_of(found.get("Loader")) is None:
            raise ValueError("it does not name a loaderdumper")
    except (OSError, ValueError) as error:
        return {}, f"{LOADER_FILE if LOADER_FILE in files else LOADER_PICKLE} cannot be read: {error}"
    return found, ""


def _place_of_sub_database(path: str, files: list[str], word: str) -> str:
    if word == "reduced_lda_model":
        return path
    return f"{path}/{next((sub for sub in SUB_FOLDERS if sub in files), SUB_FOLDERS[0])}"


def _database_below(path: str, files: list[str]) -> IsfDatabase | None:
    """Return the database that a folder without a spec is, or holds where sub-databases lie."""
    if is_database(path):
        return database_at(path)
    places = [f"{path}/{sub}" for sub in SUB_FOLDERS if sub in files and is_database(f"{path}/{sub}")]
    return database_at(places[0]) if places else None


def _unfinished(key: IsfKey) -> IsfKey | None:
    """Return a key whose spec is missing or damaged: with the spec its metadata imply, or with its problem. None for a stray folder."""
    recorded = _metadata(key.path) or {}
    word = word_of(recorded.get("dumper"))
    if word in READERS and recorded.get("metadata_creation_time") == "together_with_new_key":
        # ISF wrote this record last, so the value had been whole.
        return IsfKey(key.name, key.path, key.files, {"Loader": word}, is_inferred=True, metadata=key.metadata)
    is_isfs = LOADER_FILE in key.files or LOADER_PICKLE in key.files or any(is_payload(name) for name in key.files)
    return key if is_isfs else None


def _metadata(path: str) -> dict[str, Any] | None:
    try:
        return read_json(f"{path}/{METADATA_FILE}")
    except (OSError, ValueError):
        return None


def is_database(path: str) -> bool:
    """Say whether a folder is a database of ISF."""
    return os.path.isfile(f"{path}/{STATE_FILE}") or os.path.isfile(f"{path}/{KEYS_SQLITE}")


def database_at(path: str) -> IsfDatabase:
    """Return the database in a folder, in whichever of ISF's formats it is."""
    if os.path.isfile(f"{path}/{KEYS_SQLITE}"):  # ISF too looked for the older format first
        from isfdb.storage.isf_model_data_base import ModelDataBase

        return ModelDataBase(path)
    return IsfFolder(path)
