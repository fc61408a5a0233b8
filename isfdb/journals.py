"""A journal: rows of an array that were appended and are not published yet, in a folder beside the versions of their key.

Each block lies there with the number of its rows and a check of them, because a power cut may leave half a block, or zeros where one
was. So what counts is told by one file alone, written once for each block. Publishes nothing.
"""

from __future__ import annotations

import math
import os
import shutil
import struct
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from zlib import crc32

from isfdb.errors import CorruptVersionError
from isfdb.exact_json import dumps, loads
from isfdb.layout.current import FORMAT, JOURNAL_PREFIX
from isfdb.storage.file_calls import flush_one
from isfdb.storage.staging import host, new_nonce

if TYPE_CHECKING:
    import numpy as np

_FACTS, _ROWS, _WHOLE = "journal.json", "rows.bin", "whole.bin"
_COUNTS: Final = "counts.bin"  # of journals without checks, as they were written until November 2026
_HEAD: Final = struct.Struct("<QI")  # before each block: its rows, and a check of them


def has_plain_rows(block: Any) -> bool:
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


class Journal:
    """Takes blocks, one write each. Made by :meth:`begin`.

    Attributes
    ----------
    folder : str
    nonce : str
        While it is held, nobody takes the journal for a dead process's.
    n_bytes : int
        Of the rows that wait.
    """

    def __init__(self, folder: str, nonce: str, dtype: Any, others: tuple[int, ...], axis: int, *, sync: bool) -> None:
        self.folder, self.nonce, self.dtype, self.others, self.axis = folder, nonce, dtype, others, axis
        self.n_bytes = 0
        self._sync = sync
        self._rows = -1

    @classmethod
    def begin(cls, key_folder: str, key: str, block: np.ndarray, axis: int, *, sync: bool) -> Journal:
        """Make an empty journal for blocks like this one; `sync` says whether each waits for the disk."""
        others = tuple(side for place, side in enumerate(block.shape) if place != axis)
        nonce = new_nonce()
        self = cls(f"{key_folder}/{JOURNAL_PREFIX}{host()}-{os.getpid()}-{nonce}", nonce, block.dtype, others, axis, sync=sync)
        facts = {"axis": axis, "checked": True, "dtype": block.dtype.str, "format": FORMAT, "key": key, "others": list(others)}
        try:
            self._make(dumps(facts))
        except BaseException:
            self.close()
            shutil.rmtree(self.folder, ignore_errors=True)  # nothing was added, and nothing is left
            raise
        return self

    def _make(self, facts: str) -> None:
        os.mkdir(self.folder)
        with open(f"{self.folder}/{_FACTS}.part", "w", encoding="utf-8") as file:
            file.write(facts)
        flush_one(f"{self.folder}/{_FACTS}.part")  # half a file of facts would stop every later append to the key
        os.rename(f"{self.folder}/{_FACTS}.part", f"{self.folder}/{_FACTS}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._rows = os.open(f"{self.folder}/{_ROWS}", flags, 0o666)
        if self._sync:
            flush_one(self.folder)
            flush_one(os.path.dirname(self.folder))

    @property
    def is_open(self) -> bool:
        """Whether it takes rows: a publish that failed or was interrupted has closed it."""
        return self._rows >= 0

    def write(self, block: Any) -> bool:
        """Write a block; False, and nothing written, where it is not like the ones before."""
        if type(block).__name__ != "ndarray" or block.dtype != self.dtype or not has_plain_rows(block):
            return False
        if block.ndim == len(self.others):
            block = block[(slice(None),) * self.axis + (None,)]
        if block.ndim != len(self.others) + 1 or block.shape[: self.axis] + block.shape[self.axis + 1 :] != self.others:
            return False
        data = block.transpose(self._rows_first(block.ndim)).tobytes()
        self._add(_HEAD.pack(block.shape[self.axis], crc32(data)) + data)
        return True

    def _rows_first(self, n_axes: int) -> list[int]:
        return [self.axis, *[axis for axis in range(n_axes) if axis != self.axis]]

    def _add(self, data: bytes) -> None:
        view, end = memoryview(data), self.n_bytes
        try:
            while view.nbytes:
                written = os.pwrite(self._rows, view, end)
                view, end = view[written:], end + written
            if self._sync:
                os.fdatasync(self._rows)
        except BaseException:
            os.ftruncate(self._rows, self.n_bytes)  # whoever appended is told that nothing was
            raise
        self.n_bytes = end

    def close(self) -> None:
        """Close the file."""
        descriptor, self._rows = self._rows, -1  # first: a number closed twice may by then be somebody else's file
        if descriptor >= 0:
            os.close(descriptor)


def rows_in(folder: str) -> tuple[Any, int]:
    """Map the whole blocks of a journal: the rows, the axis that grows first, and that axis. None for the rows where there are none.

    Raises
    ------
    CorruptVersionError
        The journal cannot be understood.
    OSError
        There is no room to put the blocks together.
    """
    import numpy

    try:
        with open(f"{folder}/{_FACTS}", "rb") as file:
            facts = loads(file.read())
        dtype, others, axis, block_rows = (
            numpy.dtype(facts["dtype"]),
            tuple(facts["others"]),
            int(facts["axis"]),
            facts.get("block_rows", 1),
        )
        sides = (*others, block_rows)
        if dtype.hasobject or not 0 <= axis <= len(others) or block_rows < 1 or any(type(side) is not int or side < 0 for side in sides):
            raise ValueError("its facts make no sense")
    except FileNotFoundError:
        return None, 0  # killed before the first block
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptVersionError(
            f"the journal {folder} cannot be read: {error}. Look at it, then remove it by hand.", path=folder
        ) from error
    row_bytes = dtype.itemsize * math.prod(others)
    if facts.get("checked"):
        file_name, n_rows = _WHOLE, _put_together(folder, row_bytes)
    else:
        file_name, n_rows = _ROWS, _counted_rows(folder, row_bytes, block_rows)
    if not n_rows:
        return None, axis
    return numpy.memmap(f"{folder}/{file_name}", dtype, mode="r", shape=(n_rows, *others)).view(numpy.ndarray), axis


def _put_together(folder: str, row_bytes: int) -> int:
    """Write the blocks, up to the first one that is not what was appended, one behind the other; return how many rows they have."""
    n_bytes = 0
    try:
        with open(f"{folder}/{_ROWS}", "rb") as rows, open(f"{folder}/{_WHOLE}", "wb") as whole:
            while block := _next_block(rows, row_bytes):
                n_bytes += whole.write(block)
    except FileNotFoundError:
        return 0
    return n_bytes // row_bytes if row_bytes else 0


def _next_block(rows: BinaryIO, row_bytes: int) -> bytes:
    """Return the next block; nothing where the rest is no whole one."""
    head = rows.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return b""
    n_rows, check = _HEAD.unpack(head)
    if n_rows * row_bytes > os.fstat(rows.fileno()).st_size:
        return b""
    block = rows.read(n_rows * row_bytes)
    return block if len(block) == n_rows * row_bytes and crc32(block) == check else b""


def _counted_rows(folder: str, row_bytes: int, block_rows: int) -> int:
    """Return how many rows belong to whole blocks of a journal without checks: multiples of the first, or ends in a list."""
    try:
        n_rows = os.path.getsize(f"{folder}/{_ROWS}") // row_bytes if row_bytes else 0
    except FileNotFoundError:
        return 0
    try:
        with open(f"{folder}/{_COUNTS}", "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return n_rows - n_rows % block_rows
    ends = [end for (end,) in struct.iter_unpack("<Q", data[: len(data) // 8 * 8]) if end <= n_rows]
    return max(ends, default=0)
