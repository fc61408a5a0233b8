"""What earlier searches learnt about a database, in the user's cache folder: facts about keys, and sources. Believed while folders stand.

A kept row holds while the key's folder looks as it did before its record was read. Rows of folders that had changed just before are not
kept: within one tick of a file server's clock a folder may change again without its times moving.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from itertools import compress
from typing import Any, Final

from isfdb.index import is_settled
from isfdb.layout.current import ATTRIBUTES_FOLDER
from isfdb.searching.reading_keys import NAMES, Looks, Place, ReadKeys
from isfdb.searching.reading_processes import read_many
from isfdb.searching.sheet import Sheet, open_sheet, sheet_file, write_sheet
from isfdb.storage.base import Storage

#: Reading again what changed is cheaper than keeping it, as long as it takes less than this.
KEEP_ABOVE_S: Final = 0.2

#: A search that takes longer than this without what could be kept waits until it is.
SLOW_S: Final = 2.0

_LOOKS: Final = Looks._fields
_KEYS, _TEXTS = "keys", "texts"

_writing: list[threading.Thread] = []


class Kept:
    """What is kept about one database.

    Parameters
    ----------
    storage : Storage
    database_id : str
    """

    def __init__(self, storage: Storage, database_id: str) -> None:
        self._storage = storage
        self._about = {"columns": list(NAMES), "id": database_id, "location": storage.location}
        # What has no folder to look at has nothing that tells whether a row still holds. The files are named here: the thread that
        # writes them does not see what `with isfdb.set_options(...)` says.
        is_possible = storage.watched_folder("") is not None
        self._keys_file, self._texts_file = [sheet_file(kind, storage.location) if is_possible else None for kind in (_KEYS, _TEXTS)]
        self._sheet: Sheet | None = open_sheet(self._keys_file, self._about) if self._keys_file else None
        self.standing: list[int] = []

    def columns(self, names: Iterable[str]) -> dict[str, list[Any]]:
        """Return columns, whole; empty where nothing is kept, or where it cannot be read."""
        if self._sheet is None:
            return {}
        try:
            return self._sheet.columns(list(names))
        except LookupError:
            self._sheet = None
            self.standing = []
            return {}

    def sort_out(self, places: list[Place], columns: Iterable[str]) -> tuple[dict[str, list[Any]], list[Place]]:
        """Return the columns asked for, and the places that have no row, or one that no longer holds; note which rows stand."""
        kept = self.columns([*columns, "key", *_LOOKS])
        if not kept:
            return {}, places
        folders = dict(places)
        self.standing = self._standing(kept, folders)
        return kept, [place for place in places if place.key in folders] if folders else []

    def _standing(self, kept: dict[str, list[Any]], folders: dict[str, str]) -> list[int]:
        """Return the rows whose key's folder looks as it did, and take their keys out of `folders`.

        A hundred thousand are asked about: in the order of the rows, and no objects are made.
        """
        root, stat, standing = f"{self._storage.watched_folder('')}/", os.stat, []
        looks = zip(*[kept[name] for name in ("key", *_LOOKS)], strict=True)
        for row, (key, inode, modified_ns, changed_ns, links, noted_ns) in enumerate(looks):
            if key not in folders:
                continue
            path = root + folders[key]
            try:
                found = stat(path)
                noted = stat(f"{path}/{ATTRIBUTES_FOLDER}").st_mtime_ns if noted_ns else 0
            except OSError:
                continue
            if (
                found.st_mtime_ns == modified_ns
                and found.st_ctime_ns == changed_ns
                and found.st_ino == inode
                and found.st_nlink == links
                and noted == noted_ns
            ):
                standing.append(row)
                del folders[key]
        return standing

    def keep(self, read: ReadKeys, places: list[Place], began_s: float, *, all_keys: set[str] | None) -> None:
        """Write what was read beside what was kept, while the caller goes on.

        Parameters
        ----------
        places : list of Place
            What was to be read. If some were passed over, they are read now, for the next question.
        began_s : float
            When the first folder was looked at.
        all_keys : set of str, optional
            The keys of the database, where all of them were listed: rows of others are left out.
        """
        file, sheet, spent_s = self._keys_file, self._sheet, time.time() - began_s
        if file is None or not (read.columns["key"] or read.n_passed_over) or spent_s < KEEP_ABOVE_S:
            return

        def write() -> None:
            when, found = (time.time(), read_many(self._storage, places)) if read.n_passed_over else (began_s, read)
            self._write(file, sheet, _settled(found, when), all_keys)

        # A command whose answer was quick need not wait for what would not make the next one quicker.
        _start(write, may_be_cut_off=read.n_passed_over > 0 and spent_s < SLOW_S)

    def _write(self, file: str, sheet: Sheet | None, fresh: dict[str, list[Any]], all_keys: set[str] | None) -> None:
        if not fresh["key"]:
            return
        known = set(fresh["key"])
        try:
            old = sheet.columns(list(NAMES)) if sheet is not None else {}
        except LookupError:
            old = {}
        stays = [key not in known and (all_keys is None or key in all_keys) for key in old.get("key", [])]
        columns = {name: fresh[name] + list(compress(old.get(name, []), stays)) for name in NAMES}
        write_sheet(file, self._about, columns)

    def texts(self) -> dict[str, str]:
        """Return the sources that are kept, by digest or by session and line."""
        sheet = open_sheet(self._texts_file, self._about) if self._texts_file else None
        try:
            return dict(sheet.column(_TEXTS)) if sheet is not None else {}
        except (LookupError, ValueError, TypeError):
            return {}

    def keep_texts(self, texts: dict[str, str], began_s: float) -> None:
        """Write sources, while the caller goes on."""
        file = self._texts_file
        if file is not None and time.time() - began_s >= KEEP_ABOVE_S:
            _start(lambda: write_sheet(file, self._about, {_TEXTS: texts}))


def _settled(read: ReadKeys, began_s: float) -> dict[str, list[Any]]:
    """Return the columns of those keys whose folders had stood still when they were looked at."""
    changed = map(max, *[read.columns[name] for name in ("modified_ns", "changed_ns", "noted_ns")])
    settled = [inode >= 0 and is_settled(when, began_s) for inode, when in zip(read.columns["inode"], changed, strict=True)]
    return {name: list(compress(column, settled)) for name, column in read.columns.items()}


def _start(write: Callable[[], None], *, may_be_cut_off: bool = False) -> None:
    # Mostly not as a daemon: a command that has shown its answer ends when the next one can be quicker.
    thread = threading.Thread(target=write, name="isfdb-search", daemon=may_be_cut_off)
    _writing[:] = [one for one in _writing if one.is_alive()]
    _writing.append(thread)
    thread.start()


def wait_until_kept() -> None:
    """Wait until what was learnt is written."""
    for thread in _writing:
        thread.join()
