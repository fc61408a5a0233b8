"""Are the records that versions share there, and what their names say? Sessions, environments, code, inputs; for `verifying.py`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from isfdb.collecting import STAGE_AGE_S
from isfdb.exact_json import compact, dumps, loads
from isfdb.hashing import digest_of
from isfdb.layout.current import (
    CODE_FOLDER,
    ENVIRONMENTS_FOLDER,
    INPUTS_FOLDER,
    PRIVATE_FOLDER,
    SESSIONS_FOLDER,
    STAGE_PREFIX,
    STAGING_FOLDER,
    join,
)
from isfdb.provenance.records import lists_of
from isfdb.provenance.stored_records import blobs_of
from isfdb.storage.base import Storage
from isfdb.storage.staging import host, writer_is_alive

#: Called with kind, key, version, file and message of a finding.
Find = Callable[[str, str, int | None, str, str], None]

#: Called with key, version and file: turns whatever fails inside into a finding.
Surviving = Callable[[str, int | None, str], AbstractContextManager[None]]


def stage_is_in_use(storage: Storage, path: str) -> bool:
    """Say whether somebody may still be writing there, so that collect leaves it alone, too."""
    return writer_is_alive(path.rpartition("/")[2], host(), lambda: storage.age_s(path), STAGE_AGE_S)


def surplus(root: str, expected: set[str]) -> Iterator[tuple[str, str]]:
    """Give the files and links in a folder that are not expected there, each with words about it."""
    for path, below, names in os.walk(root):
        relative = "" if path == root else os.path.relpath(path, root).replace(os.sep, "/") + "/"
        for name in sorted(names):
            if relative + name not in expected:
                yield relative + name, f"{relative}{name} is not in the manifest"
        for name in sorted(below):
            if os.path.islink(f"{path}/{name}"):
                yield relative + name, f"{relative}{name} is a link"


class SharedRecords:
    """What versions refer to: gathered while they are looked at, then checked.

    Parameters
    ----------
    storage : Storage
    find, surviving : callable
    """

    def __init__(self, storage: Storage, find: Find, surviving: Surviving) -> None:
        self.storage = storage
        self._find = find
        self._surviving = surviving
        self._references: set[str] = set()
        self._lines: dict[str, int] = {}  # session log -> the last line that a version names

    def note(self, record: dict[str, Any]) -> None:
        """Remember what a version refers to."""
        activity, code = record.get("activity") or {}, record.get("code") or {}
        used = record.get("used")
        for digest in lists_of(self.storage, record)[1:]:
            self._references.add(f"{INPUTS_FOLDER}/{digest}.json")
        named = (
            (SESSIONS_FOLDER, activity.get("session"), ".jsonl"),
            (SESSIONS_FOLDER, record.get("logged"), ".jsonl"),
            (ENVIRONMENTS_FOLDER, record.get("environment"), ".json"),
            (CODE_FOLDER, code.get("snapshot") if isinstance(code, dict) else None, ".json"),
            (INPUTS_FOLDER, used.get("stored") if isinstance(used, dict) else None, ".json"),
        )
        for folder, text, suffix in named:
            if isinstance(text, str) and ("/" in text or "\0" in text):
                self._find(
                    "missing record", "", None, folder, f"a version refers to {text[:200]!r} in {folder}, which is no name of a record"
                )
            elif isinstance(text, str):
                self._references.add(f"{folder}/{text}{suffix}")
        session, line = activity.get("session"), activity.get("line")
        if isinstance(session, str) and "/" not in session and isinstance(line, int):
            path = f"{SESSIONS_FOLDER}/{session}.jsonl"
            self._lines[path] = max(line, self._lines.get(path, 0))

    def check_private(self) -> None:
        """Check the private folder of a whole database."""
        for folder in (PRIVATE_FOLDER, STAGING_FOLDER):
            for name in self.storage.list(folder):
                path = join(folder, name)
                if name.startswith(STAGE_PREFIX) and not stage_is_in_use(self.storage, path):
                    self._find("leftover", "", None, path, f"{path} was left by a writer that did not finish; db.collect() removes it")
        for folder in (ENVIRONMENTS_FOLDER, CODE_FOLDER, INPUTS_FOLDER):
            for name in sorted(self.storage.list(folder)):
                with self._surviving("", None, join(folder, name)):
                    self._named_by_digest(join(folder, name), name)

    def _named_by_digest(self, path: str, name: str) -> None:
        """Check a record whose name is the digest of what it holds, or a requirements.txt, which follows from such a record."""
        stem, _, suffix = name.partition(".")
        try:
            data = self.storage.read(path)
            if len(stem) >= 32 and digest_of(data).startswith(stem):
                is_whole = True  # a source file as it was; it may well be JSON, too
            elif suffix == "json":
                record = loads(data)
                is_whole = digest_of(compact(record).encode())[:32] == stem and data == dumps(record).encode()
            else:
                is_whole = suffix == "requirements.txt" and data == self._requirements(path)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            kind = "unreadable" if self._is_needed(path, stem) else "leftover"
            self._find(kind, "", None, path, f"{path} cannot be read: {error}")
        else:
            if not is_whole:
                kind = "changed record" if self._is_needed(path, stem) else "leftover"
                self._find(kind, "", None, path, f"{path} is not what its name says it holds")

    def _requirements(self, path: str) -> bytes:
        """Return what must stand in a requirements.txt by the record beside it."""
        from isfdb.provenance.collectors.packages import requirements_of

        return requirements_of(loads(self.storage.read(path.removesuffix("requirements.txt") + "json"))).encode()

    def _requirements_beside(self, path: str, present: set[str]) -> None:
        """Miss the requirements.txt of a record, unless it tells of no Python: what ISF wrote down has none beside it."""
        beside = path.removesuffix("json") + "requirements.txt"
        name = beside.rpartition("/")[2]
        if name not in present and "python" in loads(self.storage.read(path)):
            told = f"{name} is missing beside {path}, from which it follows; the next value stored from that environment brings it back"
            self._find("missing record", "", None, beside, told)

    def _is_needed(self, path: str, stem: str) -> bool:
        """Say whether a version names this record, or a code record that a version names does.

        A power cut leaves torn ones of a put that was never acknowledged; the next put with that record writes it again.
        """
        if path in self._references or path.removesuffix("requirements.txt") + "json" in self._references:
            return True
        snapshots = [one for one in self._references if one.startswith(f"{CODE_FOLDER}/")]
        try:
            return any(stem.encode() in self.storage.read(snapshot) for snapshot in snapshots)
        except OSError:
            return True  # a code record is missing, and with it what it named: nobody can say

    def check_references(self) -> None:
        """Check that what versions refer to is there."""
        folders = (SESSIONS_FOLDER, ENVIRONMENTS_FOLDER, CODE_FOLDER, INPUTS_FOLDER)
        present = {folder: set(self.storage.list(folder)) for folder in folders}
        for path in sorted(self._references):
            with self._surviving("", None, path):
                self._reference(path, present)

    def _reference(self, path: str, present: dict[str, set[str]]) -> None:
        folder, _, name = path.rpartition("/")
        if name not in present[folder]:
            self._find("missing record", "", None, path, f"versions refer to {path}, which is not there; their values and code are whole")
        elif path in self._lines and self.storage.read(path).count(b"\n") <= self._lines[path]:
            self._find("missing record", "", None, path, f"versions refer to line {self._lines[path]} of {path}, which ends before it")
        elif folder == ENVIRONMENTS_FOLDER:
            self._requirements_beside(path, present[folder])
        elif folder == CODE_FOLDER:
            for blob in sorted({*blobs_of(loads(self.storage.read(path)))} - present[folder]):
                told = f"{path} names {blob}, a source file or a patch, which is not there; values are whole, replays need it"
                self._find("missing record", "", None, join(folder, blob), told)
