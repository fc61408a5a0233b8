"""Reclaims what nothing needs, in two steps days apart: to the trash, later off the disk. Survives being killed at any point.

The record, spec and code of every version stay for ever: history is never lost, only bytes are reclaimed. A version whose data goes is
marked ``RECLAIMED`` before its first file moves, so a reader, or the next collect, always knows what it sees.
"""

from __future__ import annotations

import datetime
import errno
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from isfdb.blocks import checked_earlier
from isfdb.display import text_bundle
from isfdb.errors import IsfdbError, OptionError
from isfdb.exact_json import dumps
from isfdb.failures import storage_failure
from isfdb.keys import key_of_folder
from isfdb.layout.current import (
    CODE_FILE,
    DELETED_SUFFIX,
    FORMAT,
    JOURNAL_PREFIX,
    KEY_SUFFIX,
    LOADER_FILE,
    METADATA_FILE,
    PRIVATE_FOLDER,
    RECLAIMED_FILE,
    STAGE_PREFIX,
    STAGING_FOLDER,
    join,
    version_name,
)
from isfdb.provenance.events import Announcements
from isfdb.storage.base import Storage
from isfdb.versions import VersionState, numbers_of, original_of, state_of

_KEPT = frozenset({LOADER_FILE, METADATA_FILE, CODE_FILE, RECLAIMED_FILE})

#: From so many keys on, somebody who watches is shown a bar.
MANY_KEYS = 1000

#: A stage on another host is dead once nothing in it has changed for this long.
STAGE_AGE_S = 86400.0


@dataclass
class Collected:
    """What a collect did, or would do.

    Attributes
    ----------
    n_keys, n_versions : int
        Keys looked at; versions whose data went to the trash.
    trashed_bytes : int
        Bytes that went to the trash: not yet free.
    freed_bytes : int
        Bytes deleted: what had lain in the trash long enough, and what dead writers left.
    unreadable : list of str
        Versions left alone because their record cannot be read; run verify.
    dry_run : bool
        Nothing was changed.
    """

    n_keys: int = 0
    n_versions: int = 0
    trashed_bytes: int = 0
    freed_bytes: int = 0
    unreadable: list[str] | None = None
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain values."""
        return asdict(self) | {"unreadable": self.unreadable or []}

    def __str__(self) -> str:
        would = "would move" if self.dry_run else "moved"
        free = "would free" if self.dry_run else "freed"
        trashed = f"{self.n_versions:,} versions ({self.trashed_bytes:,} bytes)"
        text = f"{self.n_keys:,} keys: {would} {trashed} to the trash, {free} {self.freed_bytes:,} bytes"
        return text + (f"; left alone, unreadable: {', '.join(self.unreadable)}" if self.unreadable else "")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return text_bundle("collect, without doing it" if self.dry_run else "collect", str(self).replace("; ", "\n"))


def collect(
    storage: Storage,
    key_folders: Callable[[], Iterator[tuple[str, list[str]]]],
    *,
    keep: int | str | Mapping[str, int | str] | None,
    grace_s: float,
    trash_s: float,
    dry_run: bool,
    progress: bool | None,
    recover: Callable[[str, list[str]], None],
) -> Collected:
    """Reclaim superseded data of every key.

    Parameters
    ----------
    key_folders : callable
        Gives (database folder, folders of its keys), for the database and each sub-database.
    keep : int, "all", mapping of key folder to these, or None
        How many of the newest versions keep their data whatever their age, the current one included; None: the current one, and
        the snapshots of a folder or store that the key still holds.
    grace_s, trash_s : float
        Seconds for which replaced data stays readable, and then lies in the trash.
    recover : callable
        Called with a key's folder and the names in it, where dead processes left rows that they had appended.
    """
    report = Collected(dry_run=dry_run, unreadable=[])
    try:
        # First what frees space at once: on a full disk the marks that follow need some.
        report.freed_bytes += storage.empty_trash(trash_s, dry_run=dry_run)
        for place in (STAGING_FOLDER, PRIVATE_FOLDER):
            report.freed_bytes += storage.sweep(place, storage.list(place), STAGE_AGE_S, dry_run=dry_run)
        for folder, keys in key_folders():
            names = storage.list(folder)
            report.freed_bytes += storage.sweep(folder, names, STAGE_AGE_S, dry_run=dry_run)
            if not dry_run:
                _sweep_hints(storage, folder, names)
            for key_folder in _with_progress(keys, folder, progress):
                report.n_keys += 1
                asked = keep.get(key_folder) if isinstance(keep, Mapping) else keep
                names = storage.list(key_folder)
                if not dry_run and any(name.startswith(JOURNAL_PREFIX) for name in names):
                    recover(key_folder, names)
                _collect_key(storage, key_folder, names, _n_kept(asked), grace_s, report, keeps_snapshots=asked is None)
        if trash_s == 0 and not dry_run:
            report.freed_bytes += storage.empty_trash(0, dry_run=False)
    except OSError as error:
        raise storage_failure(error, "collect", storage.location) from error
    return report


def _sweep_hints(storage: Storage, folder: str, names: list[str]) -> None:
    """Remove hints of keys that are not there: a rename was cut short, so long ago that its writer is dead."""
    for name in names:
        if name.endswith(DELETED_SUFFIX) and name.removesuffix(DELETED_SUFFIX) + KEY_SUFFIX not in names:
            hint = join(folder, name)
            if not storage.is_folder(hint) and storage.age_s(hint) >= STAGE_AGE_S:
                storage.remove(hint)


def _with_progress(keys: list[str], folder: str, progress: bool | None) -> Iterator[str]:
    if progress is None:
        progress = len(keys) >= MANY_KEYS and (sys.stderr.isatty() or "ipykernel" in sys.modules)
    if not progress:
        return iter(keys)
    from tqdm.auto import tqdm

    return iter(tqdm(keys, desc=f"collect {folder or 'database'}", unit="key"))


def _n_kept(keep: int | str | None) -> int | None:
    """Return how many newest versions keep their data; None for all of them."""
    if keep is None:
        return 1
    if keep == "all":
        return None
    if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
        raise OptionError(f"keep={keep!r} is neither a number from 1 nor 'all'.", keep=keep)
    return keep


def _is_snapshot_of_held(storage: Storage, state: VersionState, numbers: list[int]) -> bool:
    """Say whether a version is a snapshot of what its key still holds: it was made to be kept."""
    if "snapshot_of" not in state.record:
        return False
    try:
        newest = state_of(storage, state.folder.rpartition("/")[0], numbers[-1])
    except (OSError, IsfdbError):
        return True  # nobody can say
    return bool(state.record["snapshot_of"] == original_of(newest.record, numbers))


def _collect_key(
    storage: Storage,
    key_folder: str,
    names: list[str],
    keep: int | None,
    grace_s: float,
    report: Collected,
    *,
    keeps_snapshots: bool,
) -> None:
    stages = [name for name in names if name.startswith(STAGE_PREFIX)]
    report.freed_bytes += storage.sweep(key_folder, stages, STAGE_AGE_S, dry_run=report.dry_run)
    numbers = numbers_of(storage, key_folder)
    if keep is None or len(numbers) < 2:
        return
    superseded = dict(list(pairwise(numbers))[: max(0, len(numbers) - keep)])
    old: list[VersionState] = []
    needed: set[str] = set()
    for number in numbers:
        try:
            state = state_of(storage, key_folder, number)
            earlier = checked_earlier(state.record, state.folder)
        except (OSError, IsfdbError):
            (report.unreadable or []).append(join(key_folder, version_name(number)))
            return  # nobody can say what it needs of the versions before it
        if state.is_tombstone or state.record.get("mutable") or (keeps_snapshots and _is_snapshot_of_held(storage, state, numbers)):
            continue
        successor = superseded.get(number)
        if successor is not None and storage.age_s(join(key_folder, version_name(successor))) >= grace_s:
            old.append(state)
        else:
            needed |= {"/".join(name.split("/")[:2]) for name in earlier}
    if state.is_tombstone and not report.dry_run:
        storage.put(key_folder.removesuffix(KEY_SUFFIX) + DELETED_SUFFIX, b"")  # a writer killed while it raced a deletion took it away
    for state in reversed(old):  # a version is marked before what it is made of goes: that lies in lower numbers
        _reclaim(storage, state, needed, report)


def _mark(storage: Storage, marker: str, text: bytes) -> None:
    try:
        storage.put(marker, text)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        storage.put(marker, b"")  # its name says enough, and an empty file fits on many a full disk


def _reclaim(storage: Storage, state: VersionState, needed: set[str], report: Collected) -> None:
    """Move the data of a version to the trash, but for what values that grew out of it are still made of."""
    folder = state.folder
    key_folder, _, version = folder.rpartition("/")
    data = [name for name in storage.list(folder) if name not in _KEPT and f"{version}/{name}" not in needed]
    if not data:
        return
    report.n_versions += 1
    report.trashed_bytes += sum([storage.size(join(folder, name)) for name in data])
    if report.dry_run:
        return
    announcements = Announcements(storage)
    event = {"key": key_of_folder(key_folder), "kind": "collect", "seal": state.record.get("record"), "version": state.number}
    lines = announcements.tell([event])
    marker = join(folder, RECLAIMED_FILE)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
    try:
        _mark(storage, marker, dumps({"format": FORMAT, "reclaimed": now} | announcements.members({})).encode())
    except FileNotFoundError:
        return  # the key was renamed since we listed it: the next collect finds it under its new name
    storage.prepare([])  # the marker, perhaps another process's, is on the disk before the first file moves
    for name in data:
        storage.to_trash(join(folder, name))
    announcements.done(lines)
