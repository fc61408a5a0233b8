"""``with db.appending("trace") as trace: trace.append(block)``: many small appends, gathered beside the key and published together.

Rows of an array go, as they come, to a journal in the key's folder: one write each, so a killed process loses none of them. A flush
makes the journal the next version; what a dead process left there, the next append, or collect, publishes. Tables wait in memory.
What lies in a journal is `journals.py`'s affair.
"""

from __future__ import annotations

import copy
import os
import shutil
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from isfdb.appending import append, fit, join_blocks, newest
from isfdb.errors import AppendError, CorruptVersionError
from isfdb.failures import is_refusal, storage_failure
from isfdb.journals import Journal, has_plain_rows, rows_in
from isfdb.layout.current import JOURNAL_PREFIX, join
from isfdb.publishing import Target
from isfdb.storage.staging import hold_nonce, host, new_nonce, writer_is_alive
from isfdb.versions import numbers_of, state_of

if TYPE_CHECKING:
    from types import TracebackType


#: A journal, or the tables in memory, are flushed when they have grown to this size.
FLUSH_BYTES: Final = 64 * 2**20

_claiming = threading.Lock()


def _renew_lock() -> None:
    global _claiming
    _claiming = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_lock)

#: A journal of another computer is left alone until nothing in it has changed for this long.
_AGE_S: Final = 86400.0


class Appender:
    """Gathers blocks for one key. Made by :meth:`Database.appending`; usable from several threads, not from a forked process.

    Attributes
    ----------
    key : str
    axis : int
        Along which the value grows.
    """

    def __init__(
        self,
        target: Callable[[], Target],
        *,
        axis: int,
        carried: Any,
        durable: bool,
        flush_bytes: int,
        flush_s: float | None,
        sync: bool,
        options: dict[str, Any],
    ) -> None:
        self._target, self._options = target, options
        self.axis = axis
        self.key = target().key
        self._carried, self._durable = carried, durable
        self._flush_bytes, self._flush_s, self._sync = flush_bytes, flush_s, sync
        self._lock = threading.Lock()
        self._process_id = os.getpid()
        self._journal: Journal | None = None
        self._tables: list[Any] = []
        self._tables_nonce = ""  # of the publishing of these tables, if that was tried before
        self._table_bytes = 0
        self._since: float | None = None  # when the oldest block that waits came
        self._is_closed = False

    def append(self, block: Any) -> None:
        """Add a block: on its way to the disk when this returns, published by the next flush.

        Raises
        ------
        AppendError
            It does not fit; nothing was added.
        StorageError
        """
        if self._is_closed or os.getpid() != self._process_id:
            why = "it was closed" if self._is_closed else "it belongs to the process that this one was forked from"
            raise AppendError(f"cannot append to {self.key!r}: {why}. Open another one: db.appending({self.key!r}).", key=self.key)
        with self._lock:
            try:
                if self._journal is not None and not self._journal.is_open:
                    self._flush()  # what the last flush could not publish comes first
                if self._journal is None or not self._journal.write(block):
                    self._append_other(block)
            except OSError as error:
                raise storage_failure(error, f"append to {self.key!r}", self._target().storage.location) from error
            if self._since is None:
                self._since = time.monotonic()
            is_late = self._flush_s is not None and time.monotonic() - self._since >= self._flush_s
            if is_late or self._waiting_bytes >= self._flush_bytes:
                self._flush_or_say_why()

    @property
    def _waiting_bytes(self) -> int:
        return self._table_bytes + (self._journal.n_bytes if self._journal else 0)

    def _append_other(self, block: Any) -> None:
        """Append what the open journal does not take: the first block of all, one of another form, a table."""
        found = newest(self._target())
        if found is None:  # a key folder always holds a value, so the first block is published at once
            append(self._target(), block, axis=self.axis, options=self._options, carried=self._carried, durable=self._durable)
            return
        fitted, axis = fit(self._target(), found, block, self.axis, self._options)
        if getattr(fitted, "shape", (1,))[axis] == 0:
            return
        if not has_plain_rows(fitted):
            # Options are for tables, which are fitted as a whole by the flush. The caller may go on changing what was given.
            self._tables.append(copy.deepcopy(block if self._options else fitted))
            self._table_bytes += _size_of(block)
            return
        self._flush()
        target = self._target()
        self._journal = Journal.begin(target.storage.fetch(target.key_folder), target.key, fitted, axis, sync=self._sync)
        self._journal.write(fitted)

    def flush(self) -> None:
        """Publish what was gathered; when this returns it is visible, and as durable as any put.

        Raises
        ------
        KeyNotFoundError
            The key was deleted or renamed meanwhile; rows of an array stay in their journal.
        StorageError
        """
        with self._lock:
            self._flush_or_say_why()

    def _flush_or_say_why(self) -> None:
        try:
            self._flush()
        except OSError as error:
            raise storage_failure(error, f"publish what was appended to {self.key!r}", self._target().storage.location) from error

    def _flush(self) -> None:
        self._since = None
        if self._journal is not None:
            self._publish_journal(self._journal)
            self._journal = None
        if self._tables:
            self._publish_tables()
            self._tables, self._table_bytes, self._tables_nonce = [], 0, ""

    def _publish_journal(self, journal: Journal) -> None:
        """Make the rows the next version of the key, and the journal disappear."""
        journal.close()
        target = self._target()
        if not os.path.isdir(journal.folder) and _is_published(target, journal.nonce):
            return  # done before, and interrupted before its caller knew
        publish_journal(target, journal.folder, self._carried, durable=self._durable)

    def _publish_tables(self) -> None:
        """Publish the tables that wait, unless an earlier try had done so when it was interrupted."""
        if self._tables_nonce and _is_published(self._target(), self._tables_nonce):
            return
        self._tables_nonce = new_nonce()
        append(
            self._target(),
            join_blocks(self._target(), self._tables, self.axis),
            axis=self.axis,
            options=self._options,
            carried=self._carried,
            durable=self._durable,
            may_create=False,
            journal=self._tables_nonce,
        )

    def close(self) -> None:
        """Flush, and take no more."""
        if not self._is_closed and os.getpid() == self._process_id:
            self.flush()
            self._is_closed = True

    def __enter__(self) -> Appender:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()  # after an error too: what was appended was appended

    def __repr__(self) -> str:
        return f"<Appender of {self.key!r}, axis {self.axis}: {self._waiting_bytes:,} bytes wait for the next flush>"


def _size_of(block: Any) -> int:
    if hasattr(block, "memory_usage"):
        found = block.memory_usage()
        return int(found.sum() if hasattr(found, "sum") else found)
    return int(getattr(block, "nbytes", 0) or 0)


def publish_journal(target: Target, folder: str, carried: Any, *, durable: bool) -> None:
    """Publish the whole blocks of a journal, unless that was done before its writer died, and remove it.

    Raises
    ------
    KeyNotFoundError
        The key is no longer there; the journal stays.
    CorruptVersionError
        The journal cannot be understood; it stays.
    """
    _publish_rows(target, folder, carried, durable=durable)  # a call of its own: the rows are mapped as long as their name lives
    # A file that somebody still has open leaves a name behind on NFS. The version tells that the journal is in it, so it may stay.
    shutil.rmtree(folder, ignore_errors=True)


def _publish_rows(target: Target, folder: str, carried: Any, *, durable: bool) -> None:
    nonce = folder.rpartition("-")[2]
    try:
        rows, axis = rows_in(folder)
    except OSError as error:
        raise storage_failure(error, f"publish what was appended to {target.key!r}", target.storage.location) from error
    if rows is not None and not _is_published(target, nonce):
        value = rows if axis == 0 else _axis_back(rows, axis)
        append(target, value, axis=axis, options={}, carried=carried, durable=durable, may_create=False, journal=nonce)


def _axis_back(rows: Any, axis: int) -> Any:
    import numpy

    return numpy.moveaxis(rows, 0, axis)


def _is_published(target: Target, nonce: str) -> bool:
    """Say whether a version tells that it holds a journal: its writer died between publishing it and removing the journal."""
    for number in reversed(numbers_of(target.storage, target.key_folder)):
        try:
            record = state_of(target.storage, target.key_folder, number).record
        except (OSError, CorruptVersionError) as error:
            if is_refusal(error):
                raise  # nobody can say that it does not hold the journal
            continue
        if record.get("journal") == nonce:
            return True
    return False


def recover(target: Target, names: list[str], carried: Any, *, durable: bool) -> int:
    """Publish what dead processes left in journals of a key; return how many journals there were.

    Parameters
    ----------
    names : list of str
        What lies in the key's folder.
    """
    n_recovered = 0
    for name in sorted(name for name in names if name.startswith(JOURNAL_PREFIX)):
        original = f"{target.storage.fetch(target.key_folder)}/{name}"
        with _claiming:  # two threads would both succeed in renaming it to their process's name
            if writer_is_alive(name, host(), partial(target.storage.age_s, join(target.key_folder, name)), _AGE_S):
                continue
            nonce = hold_nonce(name.rpartition("-")[2])
            claimed = _claim(original, nonce)
        if claimed is None:
            continue
        try:
            publish_journal(target, claimed, carried, durable=durable)
        except BaseException:
            os.rename(claimed, original)  # for whoever tries next
            raise
        n_recovered += 1
    return n_recovered


def _claim(folder: str, nonce: str) -> str | None:
    """Rename a dead process's journal to one of this process, so that two that recover do not both publish it."""
    mine = f"{os.path.dirname(folder)}/{JOURNAL_PREFIX}{host()}-{os.getpid()}-{nonce}"
    try:
        os.rename(folder, mine)
    except FileNotFoundError:
        return None  # another process came first
    return mine
