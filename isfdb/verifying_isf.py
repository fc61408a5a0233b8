"""Checks a database that ISF wrote, as far as anybody can: ISF kept no digests. Returns findings; changes nothing, loads no pickle.

Whether a file is as it was written nobody can say. What is checked: every spec and record can be read and names a known
loaderdumper, the files it needs are there, and files whose format tells it are whole.
"""

from __future__ import annotations

import math
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from isfdb import plugins
from isfdb.errors import InvalidKeyError
from isfdb.findings import Finding, Findings
from isfdb.keys import folder_name, name_of_folder
from isfdb.layout.current import join
from isfdb.layout.isf_legacy import LOADER_FILE, METADATA_FILE, PAYLOADS, READERS, STATE_FILE
from isfdb.storage.isf import IsfStorage
from isfdb.storage.isf_folders import IsfDatabase, IsfFolder, IsfKey, read_json
from isfdb.storage.isf_records import NO_DIGESTS, payload

if TYPE_CHECKING:
    from isfdb.database import Database

#: Values in several files: how these are called, with how many there are, where the name tells, and their number.
_SERIES: Final = {
    "dask_to_categorized_msgpack": (re.compile(r"dask_to_msgpack\.()(\d+)\.csv"), "dask_to_msgpack.{number}.csv"),
    "dask_to_msgpack": (re.compile(r"dask_to_msgpack\.()(\d+)\.csv"), "dask_to_msgpack.{number}.csv"),
    "dask_to_parquet": (re.compile(r"pandas_to_parquet\.(\d+)\.(\d+)\.parquet"), "pandas_to_parquet.{total}.{number}.parquet"),
    "pandas_to_msgpack": (re.compile(r"pandas_to_msgpack_()(\d+)"), "pandas_to_msgpack_{number}"),
}

#: In what is said of everything that was looked at.
NOTE: Final = f"{NO_DIGESTS}: checked was whether they are there and whole, as far as their formats tell"


def verify_isf(db: Database, storage: IsfStorage, key: str | tuple[str, ...] | None, *, progress: bool) -> Findings:
    """Check a database of ISF, one of its sub-databases, or one of its keys.

    Parameters
    ----------
    db : Database
    storage : IsfStorage
        Its storage.
    key : str or tuple of str, optional
    progress : bool
        Show a bar.
    """
    run = _Run(storage, progress)
    if key is None or db.is_sub_db(key):
        for folder, database in storage.databases(db._folder if key is None else db[key]._folder):
            run.database(database, folder)
    else:
        entry = db.entry(key)
        run.key(storage.find(entry._key_folder)[0], entry.key)
    return Findings(run.findings, run.counts, run.keys, NOTE)


class _Run:
    """One run: gathers findings and counts."""

    def __init__(self, storage: IsfStorage, progress: bool) -> None:
        self.storage = storage
        self.progress = progress
        self.findings: list[Finding] = []
        self.keys: list[str] = []
        self.counts = dict.fromkeys(("keys", "versions", "files", "bytes"), 0)

    def _find(self, kind: str, key: str, file: str, message: str) -> None:
        self.findings.append(Finding(kind, key, 1 if key else None, file, message))

    @contextmanager
    def _surviving(self, key: str, file: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a stranger's folder can hold anything, and verify is what is asked about it
            self._find("unreadable", key, file, f"{file} cannot be checked: {type(error).__name__}: {error}")

    def database(self, database: IsfDatabase, folder: str) -> None:
        """Check one database folder and its keys; sub-databases come by themselves."""
        prefix = "/".join([name_of_folder(name) or name for name in folder.split("/")]) + "/" if folder else ""
        with self._surviving(prefix.rstrip("/"), folder):
            self._state(database, prefix)
        with self._surviving(prefix.rstrip("/"), folder or "the database"):
            for name in self._with_progress(sorted(database.names()), folder):
                self._name(database, name, prefix)
        with self._surviving(prefix.rstrip("/"), folder):
            for name, what in database.leftovers():
                kind = "leftover" if "deleted" in what else "stray"
                self._find(kind, "", join(folder, name), f"{prefix}{name} {what}")

    def _with_progress(self, names: list[str], folder: str) -> Iterator[str]:
        if not self.progress:
            return iter(names)
        from tqdm.auto import tqdm

        return iter(tqdm(names, desc=f"verify {folder or 'database'}", unit="key"))

    def _state(self, database: IsfDatabase, prefix: str) -> None:
        if isinstance(database, IsfFolder) and os.path.isdir(database.path):
            try:
                read_json(f"{database.path}/{STATE_FILE}")
            except (OSError, ValueError) as error:
                self._find("unreadable", "", f"{prefix}{STATE_FILE}", f"{prefix}{STATE_FILE} cannot be read: {error}")

    def _name(self, database: IsfDatabase, name: str, prefix: str) -> None:
        try:
            folder_name(name)
        except InvalidKeyError as error:
            self._find("stray", "", name, f"no key reaches {prefix}{name}: {error}")
            return
        for one in database.children(name):
            if isinstance(one, IsfKey):
                self.key(one, f"{prefix}{name}")

    def key(self, key: Any, name: str) -> None:
        """Check one value."""
        self.counts["keys"] += 1
        self.counts["versions"] += 1
        self.keys.append(name)
        with self._surviving(name, METADATA_FILE):
            self._record(key, name)
        with self._surviving(name, LOADER_FILE):
            self._spec(key, name)
        with self._surviving(name, "its files"):
            self._files(key, name)

    def _record(self, key: IsfKey, name: str) -> None:
        if key.metadata() is None:
            self._find("missing record", name, METADATA_FILE, "ISF's record of it is missing or damaged: who, when and how are not known")

    def _spec(self, key: IsfKey, name: str) -> None:
        if key.problem:
            self._find("unreadable", name, LOADER_FILE, key.problem)
        elif key.is_inferred:
            self._find("missing file", name, LOADER_FILE, f"{LOADER_FILE} is missing or damaged; how to read it was inferred")
        elif READERS.get(key.word, key.word) not in plugins.names():
            self._find("unreadable", name, LOADER_FILE, f"no loaderdumper {key.word!r} is registered, so it cannot be loaded")

    def _files(self, key: IsfKey, name: str) -> None:
        if key.extract is not None:
            self.counts["files"] += 1
            self.counts["bytes"] += len(key.extract())
            return
        sizes = payload(key)
        self.counts["files"] += len(sizes)
        self.counts["bytes"] += sum(sizes.values())
        for beginning in PAYLOADS.get(key.word, ()):
            if not any(file.startswith(beginning) for file in sizes):
                self._find("missing file", name, beginning, f"there is no {beginning}, which {key.word} needs")
        for missing in _gaps(key.word, sizes):
            self._find("missing file", name, missing, f"{missing} is missing: its number is between or below those that are there")
        for file in sizes:
            problem = _problem(f"{key.path}/{file}")
            if problem:
                self._find("changed file", name, file, f"{file} is not whole: {problem}")


def _gaps(word: str, names: Iterable[str]) -> list[str]:
    """Return the files of a numbered series that are missing."""
    if word not in _SERIES:
        return []
    pattern, form = _SERIES[word]
    found = {int(match[2]): int(match[1] or 0) for name in names if (match := pattern.fullmatch(name))}
    wanted = max([*found.values(), max(found, default=-1) + 1], default=0)
    return [form.format(total=wanted, number=number) for number in range(wanted) if number not in found]


def _problem(path: str) -> str | None:
    """Return what is wrong with a file whose format tells it; None where nothing is, or nobody can say."""
    look = _LOOKS.get(os.path.splitext(path)[1])
    try:
        return look(path) if look else None
    except (OSError, ValueError, SyntaxError, zipfile.BadZipFile, EOFError) as error:
        return str(error)


def _zip(path: str) -> str | None:
    with zipfile.ZipFile(path) as file:
        bad = file.testzip()
    return f"{bad} in it has another checksum" if bad else None


def _parquet(path: str) -> str | None:
    with open(path, "rb") as file:
        start = file.read(4)
        size = file.seek(0, os.SEEK_END)
        if size < 12:
            return f"it has {size} bytes"
        file.seek(-8, os.SEEK_END)
        length, end = int.from_bytes(file.read(4), "little"), file.read(4)
    return None if start == end == b"PAR1" and length + 12 <= size else "its beginning or end is missing"


def _npy(path: str) -> str | None:
    from numpy.lib import format as npy

    with open(path, "rb") as file:
        version = npy.read_magic(file)
        shape, _, dtype = npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
        expected = file.tell() + math.prod(shape) * dtype.itemsize
    found = os.path.getsize(path)
    return None if dtype.hasobject or found == expected else f"it has {found:,} bytes where its header speaks of {expected:,}"


_LOOKS: Final[dict[str, Callable[[str], str | None]]] = {".npy": _npy, ".npz": _zip, ".parquet": _parquet}
