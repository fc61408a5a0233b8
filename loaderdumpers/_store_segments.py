"""Lets many processes add pieces of bytes to one folder without a lock: each writes files of its own, and readers merge them.

::

    <folder>/writer-<host>-<process>-<nonce>/     one process that writes, or wrote
        index.jsonl                               a line for each piece, written when the piece is there
        data.bin, rows-000001.bin, ...            the pieces, one after the other

No file ever has two writers, and nothing written is changed, so neither locks nor atomic appends are needed, on NFS either. A piece
counts once its line, with the newline, is in the index. What a killed process had not finished has no line, and is in nobody's way.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from blake3 import blake3

from isfdb.exact_json import compact, loads
from isfdb.storage.file_calls import flush_one
from isfdb.storage.staging import host, new_nonce

INDEX: Final = "index.jsonl"
_PREFIX: Final = "writer-"
#: Pieces begin at multiples of this, so that whatever is mapped lies as memory from the allocator does.
_ALIGNMENT: Final = 64
#: Records held back before they are written anyway: what a forgotten flush may lose stays small, and so does memory.
MOST_WAITING: Final = 10_000


class Writer:
    """Adds pieces to files that belong to this process alone.

    Parameters
    ----------
    folder : str
        Where the writers' folders lie; it exists.
    """

    def __init__(self, folder: str) -> None:
        self._nonce = new_nonce()  # held, for what bears a nonce that nobody holds has no writer any more
        self.name = f"{_PREFIX}{host()}-{os.getpid()}-{self._nonce}"
        self.waiting: list[dict[str, Any]] = []
        self._folder = folder
        self._path = os.path.join(folder, self.name)
        os.mkdir(self._path)
        self._index = self._open(INDEX)
        self._index_end = 0
        self._ends: dict[str, int] = {}
        self._open_files: dict[str, int] = {}
        self._is_named = False  # its own name, and its index's, survive a power cut
        self._clock = 0

    def _open(self, file: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        return os.open(os.path.join(self._path, file), flags, 0o666)

    def tick(self, at_least: int = 0) -> int:
        """Return the time in microseconds, but always more than before and more than `at_least`: it orders pieces."""
        self._clock = max(time.time_ns() // 1000, self._clock + 1, at_least + 1)
        return self._clock

    def add(self, file: str, pieces: Iterable[bytes], record: dict[str, Any]) -> None:
        """Write one piece at the end of `file`, given in parts, and hold back its record until :meth:`commit`."""
        is_new = file not in self._ends
        if file not in self._open_files:
            self._open_files[file] = self._open(file)
        end = self._ends.get(file, 0)
        start = end if file != "data.bin" else -(-end // _ALIGNMENT) * _ALIGNMENT
        position, digest = start, blake3()
        for piece in pieces:
            digest.update(piece)
            _write_all(self._open_files[file], piece, position)
            position += len(piece)
        self._ends[file] = position  # only now: what a failed write left is written over
        self._is_named = self._is_named and not is_new
        self.waiting.append({**record, "digest": digest.hexdigest(), "file": file, "offset": start})

    def commit(self, *, durable: bool) -> None:
        """Make visible what waits: first the pieces, then their lines.

        Raises
        ------
        OSError
            What waited may be lost, and this writer must not be used again: after a failed flush nobody knows what is on the disk.
        """
        lines = b"".join([compact(record).encode() + b"\n" for record in self.waiting])
        self.waiting = []
        if durable:
            for descriptor in self._open_files.values():
                os.fsync(descriptor)
            if not self._is_named:  # before a line can be there: one that tells of a file whose name is lost would spoil the whole array
                flush_one(self._path)
                flush_one(self._folder)
                self._is_named = True
        _write_all(self._index, lines, self._index_end)
        self._index_end += len(lines)
        if durable:
            os.fsync(self._index)
        for file in [file for file in self._open_files if file != "data.bin"]:
            os.close(self._open_files.pop(file))

    def close(self) -> None:
        """Close the files."""
        for descriptor in (self._index, *self._open_files.values()):
            os.close(descriptor)
        self._open_files = {}


def _write_all(descriptor: int, data: bytes, position: int) -> None:
    view = memoryview(data)
    while view.nbytes:
        written = os.pwrite(descriptor, view, position)
        view, position = view[written:], position + written


class Readings:
    """Remembers how far each writer's index was read.

    Parameters
    ----------
    folder : str
        As for :class:`Writer`.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._read: dict[str, int] = {}

    def new_records(self) -> Iterator[tuple[str, int, Any]]:
        """Give writer, position and record of every line added since the last call; None for a line that holds no record."""
        for writer in sorted(writers_in(self._folder)):
            start = self._read.get(writer, 0)
            text = complete_lines(self._folder, writer, start)
            self._read[writer] = start + len(text)
            for line in text.split(b"\n")[:-1]:
                yield writer, start, _record(line)
                start += len(line) + 1


def writers_in(folder: str) -> list[str]:
    """Return the names of the writers' folders."""
    return [name for name in os.listdir(folder) if name.startswith(_PREFIX)]


def complete_lines(folder: str, writer: str, start: int) -> bytes:
    """Return a writer's index from `start` to the end of its last whole line."""
    try:
        descriptor = os.open(os.path.join(folder, writer, INDEX), os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return b""  # its writer is just about to make it
    try:  # opened anew each time: so NFS asks its server
        size = os.fstat(descriptor).st_size - start
        data = b""
        while len(data) < size and (more := os.pread(descriptor, size - len(data), start + len(data))):
            data += more
    finally:
        os.close(descriptor)
    return data[: data.rfind(b"\n") + 1]


def _record(line: bytes) -> Any:
    try:
        return loads(line)
    except (ValueError, RecursionError):
        return None
