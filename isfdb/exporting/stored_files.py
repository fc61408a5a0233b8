"""Writes out the files that one value consists of, as they were stored and under names for people: ``isfdb get``. Loads no value."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from blake3 import blake3

from isfdb.database import Database
from isfdb.errors import ChecksumMismatchError, ExportError, ExportExistsError
from isfdb.keys import folder_name, split_key
from isfdb.layout.current import LOADER_FILE, RESERVED_FILES
from isfdb.manifest import open_file
from isfdb.reading import Found, check_sizes, find

_COPIED_BYTES = 2**20


@dataclass(frozen=True)
class StoredFiles:
    """The files of one value.

    Attributes
    ----------
    key : str
    number : int
        Of the version.
    folder : str
        Where they lie.
    files : dict of str to list or None
        Size and digest of each, by its path there; None where the user may change it in place.
    is_small : bool
        There are no files: the value, a little JSON, stands in the loader spec itself.
    value : object
        That value, else None.
    """

    key: str
    number: int
    folder: str
    files: dict[str, Any]
    is_small: bool
    value: Any

    @property
    def names(self) -> dict[str, str]:
        """What to call each, by its path: an attachment as it was called, ``data.npy`` of the key rates ``rates.npy``."""
        names = {path: path.removeprefix("attached/").removeprefix("files/") for path in self.files}  # the user's own names lie there
        if len(names) != 1 or "/" in next(iter(names.values())):
            return names
        ((path, name),) = names.items()
        stem, ending = os.path.splitext(name)
        return {path: self._stem + ending if stem == "data" else name}

    @property
    def one(self) -> str | None:
        """The name of its one file; None where it is a folder of them. A small value is a file of JSON."""
        if self.is_small:
            return f"{self._stem}.json"
        names = list(self.names.values())
        may_grow = None in self.files.values()  # a folder that is the user's to fill stays one
        return names[0] if len(names) == 1 and "/" not in names[0] and not may_grow else None

    @property
    def _stem(self) -> str:
        return folder_name(split_key(self.key)[-1])

    @property
    def text(self) -> str:
        """A value without files, as JSON."""
        return json.dumps(self.value, indent=1, ensure_ascii=False)


def stored_files(db: Database, key: str, version: Any = None) -> StoredFiles:
    """Return which files a version consists of.

    Raises
    ------
    KeyNotFoundError, KeyKindError, VersionNotFoundError, VersionGoneError
    IncompleteVersionError, StorageError
    ExportError
        It grew block by block, and no file of it is the value.
    """
    names = split_key(key)
    if db.is_sub_db(key):
        db.entry(key)  # says that it is a sub-database
    found = find(db._storage, db._key_folder(names), key, version)
    if found.earlier:
        message = f"{key!r} grew block by block, so none of its files is the value. Take it along whole: isfdb export DB KEY -o FOLDER."
        raise ExportError(message, key=key)
    folder = db._storage.fetch(found.folder)
    check_sizes(db._storage, found, folder, key)
    files, arguments = _files(found, folder), found.spec.arguments
    return StoredFiles(key, found.number, folder, files, not files and "value" in arguments, arguments.get("value"))


def _files(found: Found, folder: str) -> dict[str, Any]:
    if not found.record.get("mutable"):
        return {path: facts for path, facts in found.files.items() if path != LOADER_FILE}
    paths = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    plain = [os.path.relpath(path, folder) for path in paths if os.path.isfile(path) and not os.path.islink(path)]
    return {path: None for path in sorted(plain) if path not in RESERVED_FILES}


def write_files(stored: StoredFiles, target: str, *, overwrite: bool = False) -> str:
    """Write the files of a value: one as a file, several as a folder. Whole, or nothing is left of it; return where.

    Parameters
    ----------
    stored : StoredFiles
    target : str
        A file or folder to make; a folder that is there gets a file inside.
    overwrite : bool
        Replace a file.

    Raises
    ------
    ExportError, ExportExistsError, ChecksumMismatchError
    """
    name = stored.one
    if name is not None and os.path.isdir(target):
        if name.startswith("."):  # a stranger's .bash_profile in your home would run at your next login
            message = (
                f"the file of {stored.key!r} is called {name!r}: programs read files of such names unasked. Say the whole name: -o PATH."
            )
            raise ExportError(message, key=stored.key)
        target = os.path.join(target, name)
    if os.path.lexists(target) and (name is None or not overwrite):
        cure = "Choose a new folder." if name is None else "Choose another, or --overwrite."
        raise ExportExistsError(f"there is something at {target} already. {cure}", path=target)
    with _beside(target) as folder:
        _write(stored, os.path.join(folder, "it"))
        os.replace(os.path.join(folder, "it"), target)
    return os.path.abspath(target)


def _write(stored: StoredFiles, place: str) -> None:
    if stored.one is None:
        os.mkdir(place)
    if stored.is_small:
        with open(place, "x", encoding="utf-8", errors="surrogatepass") as file:
            file.write(stored.text + "\n")
    for path, name in stored.names.items():
        to = place if stored.one else os.path.join(place, name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        with open(to, "xb") as copied:
            copy(stored, path, copied)


@contextmanager
def _beside(target: str) -> Iterator[str]:
    """Give a folder beside the target, and remove it afterwards."""
    parent = os.path.dirname(os.path.abspath(target))
    try:
        folder = tempfile.mkdtemp(prefix=".isfdb-get-", dir=parent)
    except OSError as error:
        raise ExportError(f"cannot write to {parent}: {error.strerror or error}.", path=target) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy(stored: StoredFiles, path: str, target: IO[bytes]) -> None:
    """Copy one file, and check on the way that it is what was stored.

    Raises
    ------
    ChecksumMismatchError
    """
    digest = blake3()
    with open_file(os.path.join(stored.folder, path)) as source:
        while block := source.read(_COPIED_BYTES):
            digest.update(block)
            target.write(block)
    facts = stored.files[path]
    if facts is not None and digest.hexdigest() != facts[1]:
        message = f"{path} of version {stored.number} of {stored.key!r} is not what was stored. Look at it: isfdb verify DB KEY."
        raise ChecksumMismatchError(message, key=stored.key, version=stored.number, file=path)


def print_file(stored: StoredFiles) -> None:
    """Copy the one file of a value to standard output.

    Raises
    ------
    ExportError
        There are several, or a terminal would show their bytes.
    """
    if len(stored.files) != 1 or sys.stdout.isatty():
        what = f"{len(stored.files)} files" if len(stored.files) != 1 else f"the file {stored.one}"
        raise ExportError(f"{stored.key!r} is {what}. Say where to write: isfdb get DB KEY -o PATH.", key=stored.key)
    copy(stored, next(iter(stored.files)), sys.stdout.buffer)
