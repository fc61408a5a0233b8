"""``with db.appending("trace") as trace: trace.append(block)``: many small appends, gathered beside the key and published together.

Rows of an array go, as they come, to a journal in the key's folder: one write each, so a killed process loses none of them. A flush
makes the journal the next version; what a dead process left there, the next append, or collect, publishes. Tables wait in memory.
"""

from __future__ import annotations

import copy
import math
import os
import shutil
import struct
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from isfdb.appending import append, fit, join_blocks, newest
from isfdb.errors import AppendError, CorruptVersionError
from isfdb.exact_json import dumps, loads
from isfdb.failures import storage_failure
from isfdb.layout.current import FORMAT, JOURNAL_PREFIX, join
from isfdb.publishing import Target
from isfdb.storage.staging import hold_nonce, host, new_nonce, writer_is_alive
from isfdb.versions import numbers_of, state_of

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np

#: A journal, or the tables in memory, are flushed when they have grown to this size.
FLUSH_BYTES: Final = 64 * 2**20

_FACTS, _ROWS, _COUNTS = "journal.json", "rows.bin", "counts.bin"

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
        self._journal: _Journal | None = None
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
        if not _has_plain_rows(fitted):
            # Options are for tables, which are fitted as a whole by the flush. The caller may go on changing what was given.
            self._tables.append(copy.deepcopy(block if self._options else fitted))
            self._table_bytes += _size_of(block)
            return
        self._flush()
        self._journal = _Journal.begin(self._target(), fitted, axis, sync=self._sync)
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
            self._journal.publish(self._target(), self._carried, durable=self._durable)
            self._journal = None
        if self._tables:
            self._publish_tables()
            self._tables, self._table_bytes, self._tables_nonce = [], 0, ""

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


def _has_plain_rows(block: Any) -> bool:
    """Say whether the bytes of an array and the short name of its dtype tell everything about it."""
    numpy = sys.modules.get("numpy")
    return (
        numpy is not None
        and type(block) is numpy.ndarray
        and block.dtype.kind in "biufcmMSU"
        and not block.dtype.metadata
        and block.dtype.itemsize > 0
        and block.size > 0
    )


class _Journal:
    """Rows of an array that wait: raw, along the axis that grows first, in a folder beside the versions of the key.

    As long as all blocks are of one length, the size of the file tells how many are whole; from the first of another length on, their
    ends are written to a second file, each after its rows.
    """

    def __init__(self, folder: str, nonce: str, dtype: Any, others: tuple[int, ...], axis: int, block_rows: int, *, sync: bool) -> None:
        self._nonce = nonce  # while it is held, nobody takes the journal for a dead process's
        self.folder, self.dtype, self.others, self.axis, self.block_rows = folder, dtype, others, axis, block_rows
        self.n_bytes = 0
        self._n_counted = 0  # blocks
        self._row_bytes = dtype.itemsize * math.prod(others)
        self._sync = sync
        self._rows = -1
        self._counts = -1

    @classmethod
    def begin(cls, target: Target, block: np.ndarray, axis: int, *, sync: bool) -> _Journal:
        """Make an empty journal for blocks like this one."""
        others = tuple(side for place, side in enumerate(block.shape) if place != axis)
        nonce = new_nonce()
        name = f"{JOURNAL_PREFIX}{host()}-{os.getpid()}-{nonce}"
        self = cls(f"{target.storage.fetch(target.key_folder)}/{name}", nonce, block.dtype, others, axis, block.shape[axis], sync=sync)
        facts = {"axis": axis, "dtype": block.dtype.str, "format": FORMAT, "key": target.key, "others": list(others)}
        try:
            self._make(dumps({**facts, "block_rows": self.block_rows}))
        except BaseException:
            self._close()
            shutil.rmtree(self.folder, ignore_errors=True)  # nothing was added, and nothing is left
            raise
        return self

    def _make(self, facts: str) -> None:
        os.mkdir(self.folder)
        with open(f"{self.folder}/{_FACTS}.part", "w", encoding="utf-8") as file:
            file.write(facts)
        os.rename(f"{self.folder}/{_FACTS}.part", f"{self.folder}/{_FACTS}")
        self._rows = os.open(f"{self.folder}/{_ROWS}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        if self._sync:
            for path in (f"{self.folder}/{_FACTS}", self.folder, os.path.dirname(self.folder)):
                _flush_to_disk(path)

    @property
    def is_open(self) -> bool:
        """Whether it takes rows: a publish that failed or was interrupted has closed it."""
        return self._rows >= 0

    def write(self, block: Any) -> bool:
        """Write a block; False, and nothing written, where it is not like the ones before."""
        if type(block).__name__ != "ndarray" or block.dtype != self.dtype or not _has_plain_rows(block):
            return False
        if block.ndim == len(self.others):
            block = block[(slice(None),) * self.axis + (None,)]
        if block.ndim != len(self.others) + 1 or block.shape[: self.axis] + block.shape[self.axis + 1 :] != self.others:
            return False
        n_rows = block.shape[self.axis]
        data = block.transpose(self._rows_first(block.ndim)).tobytes()
        try:
            if self._counts < 0 and n_rows != self.block_rows:
                self._count_from_now_on()
            n_bytes = self.n_bytes + len(data)
            self._add(self._rows, data)
            if self._counts >= 0:
                self._add(self._counts, struct.pack("<Q", n_bytes // self._row_bytes))
        except BaseException:
            self._take_back()
            raise
        self.n_bytes = n_bytes
        self._n_counted += 1
        return True

    def _rows_first(self, n_axes: int) -> list[int]:
        return [self.axis, *[axis for axis in range(n_axes) if axis != self.axis]]

    def _add(self, descriptor: int, data: bytes) -> None:
        _write_all(descriptor, data)
        if self._sync:
            os.fdatasync(descriptor)

    def _take_back(self) -> None:
        """Shorten the files to the blocks before: half a block is none, and one that raised an error was not added."""
        for descriptor, n_bytes in ((self._rows, self.n_bytes), (self._counts, 8 * self._n_counted)):
            if descriptor >= 0:
                os.ftruncate(descriptor, n_bytes)
                os.lseek(descriptor, n_bytes, os.SEEK_SET)

    def _count_from_now_on(self) -> None:
        """Write down where the blocks so far end, all at once, and from now on after each block."""
        path = f"{self.folder}/{_COUNTS}"
        counts = os.open(f"{path}.part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            _write_all(counts, b"".join([struct.pack("<Q", self.block_rows * (place + 1)) for place in range(self._n_counted)]))
            if self._sync:
                os.fsync(counts)
            os.rename(f"{path}.part", path)
            if self._sync:
                _flush_to_disk(self.folder)
        except BaseException:
            os.close(counts)
            raise
        self._counts = counts

    def publish(self, target: Target, carried: Any, *, durable: bool) -> None:
        """Make the rows the next version of the key, and the journal disappear."""
        self._close()
        if not os.path.isdir(self.folder) and _is_published(target, self._nonce):
            return  # done before, and interrupted before its caller knew
        publish_journal(target, self.folder, carried, durable=durable)

    def _close(self) -> None:
        descriptors = self._rows, self._counts
        self._rows = self._counts = -1  # first: a number closed twice may by then be somebody else's file
        for descriptor in descriptors:
            if descriptor >= 0:
                os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view, start = memoryview(data), 0
    while start < len(view):  # a short write is legal
        start += os.write(descriptor, view[start:])


def _flush_to_disk(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish_journal(target: Target, folder: str, carried: Any, *, durable: bool) -> None:
    """Publish the whole blocks of a journal, unless that was done before its writer died, and remove it.

    Raises
    ------
    KeyNotFoundError
        The key is no longer there; the journal stays.
    CorruptVersionError
        The journal cannot be understood; it stays.
    """
    nonce = folder.rpartition("-")[2]
    rows, axis = _rows_in(folder)
    if rows is not None and not _is_published(target, nonce):
        value = rows if axis == 0 else _axis_back(rows, axis)
        append(target, value, axis=axis, options={}, carried=carried, durable=durable, may_create=False, journal=nonce)
    del rows  # the file is mapped as long as this lives
    shutil.rmtree(folder)


def _rows_in(folder: str) -> tuple[Any, int]:
    """Map the whole blocks of a journal, the axis that grows first; None where there are none."""
    import numpy

    try:
        with open(f"{folder}/{_FACTS}", "rb") as file:
            facts = loads(file.read())
        dtype, others, axis, block_rows = numpy.dtype(facts["dtype"]), tuple(facts["others"]), int(facts["axis"]), int(facts["block_rows"])
        if dtype.hasobject or not 0 <= axis <= len(others) or block_rows < 1 or any(type(side) is not int or side < 0 for side in others):
            raise ValueError("its facts make no sense")
    except FileNotFoundError:
        return None, 0  # killed before the first block
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptVersionError(
            f"the journal {folder} cannot be read: {error}. Look at it, then remove it by hand.", path=folder
        ) from error
    row_bytes = dtype.itemsize * math.prod(others)
    n_rows = _size(f"{folder}/{_ROWS}") // row_bytes if row_bytes else 0
    n_rows = _whole_rows(folder, n_rows, block_rows)
    if not n_rows:
        return None, axis
    return numpy.memmap(f"{folder}/{_ROWS}", dtype, mode="r", shape=(n_rows, *others)).view(numpy.ndarray), axis


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def _whole_rows(folder: str, n_rows: int, block_rows: int) -> int:
    """Return how many rows belong to whole blocks."""
    try:
        with open(f"{folder}/{_COUNTS}", "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return n_rows - n_rows % block_rows
    ends = [end for (end,) in struct.iter_unpack("<Q", data[: len(data) // 8 * 8]) if end <= n_rows]
    return max(ends, default=0)


def _axis_back(rows: Any, axis: int) -> Any:
    import numpy

    return numpy.moveaxis(rows, 0, axis)


def _is_published(target: Target, nonce: str) -> bool:
    """Say whether a version tells that it holds a journal: its writer died between publishing it and removing the journal."""
    for number in reversed(numbers_of(target.storage, target.key_folder)):
        try:
            record = state_of(target.storage, target.key_folder, number).record
        except (OSError, CorruptVersionError):
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
