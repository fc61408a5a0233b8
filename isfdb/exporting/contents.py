"""Which files an export takes along, and under which names: a small database, as stored, that isfdb opens and people can read.

It plans; ``archives.py`` copies. Paths in an export are relative and have ``/``; no path of this computer gets into one.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from isfdb.blocks import checked_earlier
from isfdb.errors import StorageError
from isfdb.exact_json import dumps
from isfdb.exporting.subject import Subject, ToldVersion
from isfdb.exporting.told import name_of_file
from isfdb.failures import storage_failure
from isfdb.hashing import digest_of_file
from isfdb.keys import folder_name, split_key
from isfdb.layout.current import (
    ATTRIBUTES_FILE,
    ATTRIBUTES_FOLDER,
    CHECKS_FOLDER,
    CODE_FILE,
    CODE_FOLDER,
    DATABASE_FILE,
    DELETED_SUFFIX,
    ENVIRONMENTS_FOLDER,
    FORMAT,
    INPUTS_FOLDER,
    KEY_SUFFIX,
    LOADER_FILE,
    METADATA_FILE,
    PART_FILE,
    README_FILE,
    RECLAIMED_FILE,
    REPLAYS_FOLDER,
    SESSIONS_FOLDER,
    TOMBSTONE_FILE,
    join,
    version_name,
)
from isfdb.provenance.records import UsedFile, lists_of, slice_of
from isfdb.provenance.stored_records import blobs_of
from isfdb.versions import numbers_of

#: Folder, in an export, of the database as stored.
DATABASE: Final = "database"

#: Folder of the input files that were asked for.
INPUTS: Final = "inputs"

_RECORD_FILES: Final = (LOADER_FILE, METADATA_FILE, CODE_FILE, TOMBSTONE_FILE, RECLAIMED_FILE)
_UNSAFE: Final = re.compile(r"[^\w.+=,@ -]")


@dataclass(frozen=True)
class Item:
    """One file of an export.

    Attributes
    ----------
    path : str
        Its name there.
    source : bytes or str
        What it holds, or the local file it is copied from.
    digest : str or None
        BLAKE3 that a record gives for it.
    """

    path: str
    source: bytes | str
    digest: str | None = None


class Contents:
    """What goes into an export, and in words what does not.

    Attributes
    ----------
    left_out : list of str
        Sentences: what is not taken along, and why.
    notes : list of str
        Sentences: what else a reader should know.
    """

    def __init__(self, subject: Subject, *, data: bool, inputs: bool) -> None:
        self.subject = subject
        self.storage = subject.storage
        self.data = data
        self.inputs = inputs
        self.left_out: list[str] = []
        self.notes: list[str] = []
        self._seen: set[str] = set()

    def items(self) -> Iterator[Item]:
        """Give every file once, in an order that depends on their names only."""
        for item in self._all():
            if item.path not in self._seen:
                self._seen.add(item.path)
                yield item

    def _all(self) -> Iterator[Item]:
        yield from self._databases()
        for key, versions in self.subject.by_key().items():
            yield from self._key(key, versions)
        yield from self._records()
        if self.inputs:
            yield from self._inputs()

    def path_of(self, path: str) -> str:
        """Return the name, in an export, of a file of the database."""
        inside = path if not self.subject.db._folder else path.removeprefix(f"{self.subject.db._folder}/")
        return join(DATABASE, inside)

    def _databases(self) -> Iterator[Item]:
        """Give what makes the folders on the way to the keys databases."""
        folders = {self.subject.db._folder}
        for key in self.subject.keys:
            names = [folder_name(name) for name in split_key(key)[:-1]]
            folders |= {join(self.subject.db._folder, *names[: depth + 1]) for depth in range(len(names))}
        for folder in sorted(folders):
            for name in (DATABASE_FILE, README_FILE):
                yield from self._stored(join(folder, name), self.path_of(join(folder, name)) if folder else join(DATABASE, name))

    def _stored(self, path: str, name: str, digest: str | None = None) -> Iterator[Item]:
        """Give a record of the database, where it is there."""
        try:
            yield Item(name, self.storage.read(path), digest)
        except FileNotFoundError:
            return
        except OSError as error:
            self.left_out.append(str(storage_failure(error, f"read {path}", self.storage.location)))

    # One key -----------------------------------------------------------------------------------------------------------------------

    def _key(self, key: str, told: list[ToldVersion]) -> Iterator[Item]:
        folder = self.subject.key_folder(key)
        whole = {version.number: version for version in told if self.data and version.has_data}
        earlier = self._earlier(whole.values())
        first = min([*[version.number for version in told], *[int(name[1:].partition("/")[0]) for name in earlier]])
        for number in [number for number in numbers_of(self.storage, folder) if number >= first]:
            if number in whole:
                yield from self._version(whole[number])
            else:
                yield from self._record(join(folder, version_name(number)))
        for name, digest in sorted(earlier.items()):
            yield from self._copied(join(folder, name), digest)
        yield from self._attributes(folder)
        if told and not told[-1].is_value:
            yield Item(self.path_of(folder.removesuffix(KEY_SUFFIX) + DELETED_SUFFIX), b"")

    def _earlier(self, versions: Any) -> dict[str, str]:
        """Return the files in earlier versions that values which grew are made of, with their digests."""
        found: dict[str, str] = {}
        for version in versions:
            found |= {name: facts[1] for name, facts in checked_earlier(version.record, version.state.folder).items()}
        return found

    def _version(self, version: ToldVersion) -> Iterator[Item]:
        """Give a version whole: its record and its files."""
        folder = version.state.folder
        if version.record.get("mutable") is True:
            yield from self._user_files(version)
            return
        yield from self._stored(f"{folder}/{METADATA_FILE}", self.path_of(f"{folder}/{METADATA_FILE}"))
        code = slice_of(version.record)
        yield from self._stored(f"{folder}/{CODE_FILE}", self.path_of(f"{folder}/{CODE_FILE}"), code.digest if code else None)
        for name, (_, digest) in version.files.items():
            yield from self._copied(f"{folder}/{name}", digest or None)

    def _user_files(self, version: ToldVersion) -> Iterator[Item]:
        """Give the files that belong to the user as they are now; for those of ISF, as isfdb shows them."""
        folder = version.state.folder
        for name in (LOADER_FILE, METADATA_FILE, CODE_FILE):
            yield from self._stored(f"{folder}/{name}", self.path_of(f"{folder}/{name}"))
        root = self.storage.fetch(folder)
        for path, below, names in os.walk(root):
            below.sort()
            inside = "" if path == root else os.path.relpath(path, root).replace(os.sep, "/") + "/"
            for name in sorted(names):
                if os.path.isfile(f"{path}/{name}") and not os.path.islink(f"{path}/{name}"):
                    yield Item(self.path_of(f"{folder}/{inside}{name}"), f"{path}/{name}")
                else:
                    self.left_out.append(f"{version.key} v{version.number}: {inside}{name} is a link or no file")

    def _record(self, folder: str) -> Iterator[Item]:
        """Give what tells of a version without its data, marked as one whose data was reclaimed."""
        found = [name for name in self.storage.list(folder) if name in _RECORD_FILES]
        for name in sorted(found):
            yield from self._stored(f"{folder}/{name}", self.path_of(f"{folder}/{name}"))
        if METADATA_FILE in found and RECLAIMED_FILE not in found:
            text = dumps({"because": "the data was not exported", "format": FORMAT, "reclaimed": None})
            yield Item(self.path_of(f"{folder}/{RECLAIMED_FILE}"), text.encode())

    def _attributes(self, folder: str) -> Iterator[Item]:
        yield from self._stored(f"{folder}/{ATTRIBUTES_FILE}", self.path_of(f"{folder}/{ATTRIBUTES_FILE}"))
        for name in sorted(self.storage.list(f"{folder}/{ATTRIBUTES_FOLDER}")):
            path = f"{folder}/{ATTRIBUTES_FOLDER}/{name}"
            yield from self._stored(path, self.path_of(path))

    def _copied(self, path: str, digest: str | None) -> Iterator[Item]:
        """Give a file of a version, unless it is a link or lies behind one."""
        try:
            yield Item(self.path_of(path), self.storage.fetch(path), digest)
        except StorageError as error:
            self.left_out.append(str(error))

    # What versions share -----------------------------------------------------------------------------------------------------------

    def _records(self) -> Iterator[Item]:
        """Give sessions, packages, sources and lists of inputs, under the names they have in a database."""
        told_in = {version.record.get("logged") for version in self.subject.versions}
        sessions = {*self.subject.sessions, *[session for session in told_in if isinstance(session, str) and "/" not in session]}
        paths = [f"{SESSIONS_FOLDER}/{session}.jsonl" for session in sessions]
        for digest in self.subject.environments:
            paths += [f"{ENVIRONMENTS_FOLDER}/{digest}.json", f"{ENVIRONMENTS_FOLDER}/{digest}.requirements.txt"]
        for digest, sources in self.subject.sources.items():
            paths += [f"{CODE_FOLDER}/{digest}.json", *[f"{CODE_FOLDER}/{name}" for name in sorted(set(blobs_of(sources)))]]
        for version in self.subject.versions:
            paths += [f"{INPUTS_FOLDER}/{digest}.json" for digest in lists_of(self.storage, version.record)]
            beside = [f"{folder}/{version.record.get('record')}.json" for folder in (CHECKS_FOLDER, REPLAYS_FOLDER)]
            paths += [path for path in beside if self.storage.size(path)]
        for path in sorted(set(paths)):
            yield from self._stored(path, join(DATABASE, path))
        part = {"format": FORMAT, "keys": sorted(self.subject.keys), "part_of": self.subject.db.root.id, "within": self.subject.db.prefix}
        yield Item(join(DATABASE, PART_FILE), dumps(part).encode())  # else verify would miss what the logs tell of other keys

    # Input files -------------------------------------------------------------------------------------------------------------------

    def _inputs(self) -> Iterator[Item]:
        """Give copies of the input files that still are what was read."""
        files = {name_of_file(used): used for version in self.subject.versions for used in version.used if isinstance(used, UsedFile)}
        for used in sorted(files.values(), key=lambda used: (used.path, used.digest or "")):
            reason = _why_not(used)
            if reason:
                self.left_out.append(f"the input file {used.path}: {reason}")
            else:
                yield Item(input_path(used), used.path, used.digest)


def input_path(used: UsedFile) -> str:
    """Return the name, in an export, of the copy of an input file."""
    base = used.path.replace("\\", "/").rpartition("/")[2]
    safe = _UNSAFE.sub("_", unicodedata.normalize("NFC", base))[-60:].lstrip(".")
    return f"{INPUTS}/{name_of_file(used)[:16]}/{safe or 'file'}"


def _why_not(used: UsedFile) -> str:
    """Say why a file cannot be taken along as an input; empty where it can."""
    if used.digest is None:
        return f"its content was not recorded ({used.because or 'no digest'}), so nobody can tell whether it is the same"
    if os.path.isdir(used.path):
        return "it is a folder"
    if os.path.exists(used.path) and not os.path.isfile(used.path):
        return "it is no file"  # a device or a pipe, which has no end
    try:
        is_same = used.size in (None, os.path.getsize(used.path)) and digest_of_file(used.path)[1] == used.digest
        return "" if is_same else "it has changed since it was read"
    except (OSError, ValueError):
        return "it is not on this computer any more"
