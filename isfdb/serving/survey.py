"""How all keys of a database stand, for its first page: looked at once, and again where something changed. It shows nothing.

Looking at a key takes a millisecond. A page spends a second on it, and of a database with more keys than that it says how far the
look has come; a thread goes on meanwhile.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from isfdb.auditing.completeness import Completeness
from isfdb.display.summaries import UNREADABLE, KeySummary
from isfdb.layout.current import REPLAYS_FOLDER
from isfdb.options import set_options
from isfdb.reporting.accounts import Account, account_of
from isfdb.searching.search import list_places

#: What a page spends on it.
LOOK_S: Final = 1.0
#: After which a key is looked at again that lacked something, or whose folder tells nothing.
_AGAIN_S: Final = 30.0

Stamp = tuple[int, ...] | None


@dataclass(frozen=True)
class _Known:
    """One key as it was when it was looked at."""

    account: Account
    stamp: Stamp
    verdict: str
    verdict_stamp: int
    when_s: float


class Survey:
    """How the keys of one database stand."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()
        self._worker: threading.Thread | None = None

    def accounts(self, db: Any, *, look_s: float = LOOK_S) -> tuple[tuple[Account, ...], int]:
        """Return what is known of the keys, and how many there are; those that nobody has looked at yet are missing."""
        folders = _folders(db)
        stamps, verdicts = _stamps(db, folders), _verdict_stamps(db)
        waiting = [key for key in folders if not self._stands(key, stamps[key], verdicts)]
        completeness, rest = Completeness(db.root._storage), len(waiting)
        give_up = time.monotonic() + look_s  # listing a hundred thousand keys takes as long
        for key in waiting:
            if time.monotonic() > give_up:
                break
            self._look(db, key, stamps[key], verdicts, completeness)
            rest -= 1
        if rest:
            self._go_on(db)
        with self._lock:
            self._known = {key: one for key, one in self._known.items() if key in folders}
            return tuple([self._known[key].account for key in sorted(self._known)]), len(folders)

    def _stands(self, key: str, stamp: Stamp, verdicts: Mapping[str, int]) -> bool:
        known = self._known.get(key)
        if known is None or known.stamp != stamp or verdicts.get(known.verdict, 0) != known.verdict_stamp:
            return False
        row = known.account.row
        is_sure = stamp is not None and row is not None and row.explained
        return is_sure or time.monotonic() < known.when_s + _AGAIN_S

    def _look(self, db: Any, key: str, stamp: Stamp, verdicts: Mapping[str, int], completeness: Completeness) -> None:
        try:
            version = db.entry(key).newest
            account, seal = account_of(db, version, completeness), f"{version.record.get('record')}.json"
        except UNREADABLE as error:
            account, seal = Account(key, KeySummary(key, key, problem=str(error))), ""
        known = _Known(_light(account), stamp, seal, verdicts.get(seal, 0), time.monotonic())
        with self._lock:
            self._known[key] = known

    def _go_on(self, db: Any) -> None:
        """Look at the others while pages are read; one thread at a time."""
        with self._lock:
            if self._worker is not None and self._worker.is_alive():
                return
            self._worker = threading.Thread(target=self._look_at_the_rest, args=(db,), daemon=True, name="isfdb survey")
            self._worker.start()

    def _look_at_the_rest(self, db: Any) -> None:
        with set_options(capture=False, register=False):
            try:
                folders = _folders(db)
                stamps, verdicts, completeness = _stamps(db, folders), _verdict_stamps(db), Completeness(db.root._storage)
                for key in folders:
                    if not self._stands(key, stamps[key], verdicts):
                        self._look(db, key, stamps[key], verdicts, completeness)
            except UNREADABLE:
                return  # the database went away; the next page says so


def _light(account: Account) -> Account:
    """Return what the first page needs of an account: of a hundred thousand all are kept."""
    row = account.row
    verdict = replace(row.verdict, runs=(), evidence=(), differences=(), notes=()) if row and row.verdict else None
    kept = replace(row, verdict=verdict, lacks=(), made_from=()) if row else None
    return replace(account, version=None, summary=replace(account.summary, describe=None), row=kept)


def _folders(db: Any) -> dict[str, str]:
    """Return the keys of a database, at any depth, with their folders."""
    prefix = f"{db.prefix}/" if db.prefix else ""
    return {place.key.removeprefix(prefix): place.folder for place in list_places(db._storage, prefix)}


def _stamps(db: Any, folders: Mapping[str, str]) -> dict[str, Stamp]:
    """Return what tells whether the folders have changed; None where nothing does."""
    root = db._storage.watched_folder("")
    if root is None:
        return dict.fromkeys(folders)
    return {key: _stamp(f"{root}/{folder}") for key, folder in folders.items()}


def _stamp(folder: str) -> Stamp:
    try:
        found = os.stat(folder)
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_nlink


def _verdict_stamps(db: Any) -> dict[str, int]:
    root = db._storage.watched_folder("")
    try:
        with os.scandir(f"{root}/{REPLAYS_FOLDER}") as entries:
            return {entry.name: entry.stat(follow_symlinks=False).st_mtime_ns for entry in entries}
    except OSError:
        return {}  # nothing was replayed yet
