"""Digests: BLAKE3 of bytes and files, computed while a file is written where the writer goes through :func:`open_hashed`."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Any, Final

from blake3 import blake3

if TYPE_CHECKING:
    from types import TracebackType

#: Below this a second thread costs more than it saves; above it reading a file into memory would.
LARGE_BYTES: Final = 16 * 2**20

#: What is read back for hashing at once: it stays in the processor's cache.
CACHED_BYTES: Final = 256 * 2**10

#: Digests kept for files that nobody asked about yet.
MOST_NOTED: Final = 1000

# Digests of files just written, by (device, inode), with the size and time of change they hold for: used once, then forgotten.
_just_written: dict[tuple[int, int], tuple[int, int, str]] = {}


def digest_of(data: bytes) -> str:
    """Return the BLAKE3 digest of `data` as 64 hexadecimal digits."""
    return str(blake3(data).hexdigest())


def digest_of_file(path: str) -> tuple[int, str]:
    """Return size in bytes and BLAKE3 digest of a regular file."""
    found = os.stat(path)
    known = _just_written.pop((found.st_dev, found.st_ino), None)
    if known and known[:2] == (found.st_size, found.st_mtime_ns):
        return found.st_size, known[2]
    if found.st_size >= LARGE_BYTES:
        return found.st_size, str(blake3(max_threads=blake3.AUTO).update_mmap(path).hexdigest())
    with open(path, "rb", buffering=0) as file:
        data = file.read()
    return len(data), digest_of(data)


def _reserve(descriptor: int, start: int, n_bytes: int) -> None:
    """Ask the file system for room at once, as numpy's own writer does: writing then takes a third of the time on ext4.

    The file's size stays as it is, so what reads along sees only what was written.
    """
    keep_size = 1
    _ask_linux("fallocate", descriptor, keep_size, start, n_bytes)


def _begin_writeback(descriptor: int, start: int, n_bytes: int) -> None:
    """Let the disk begin with what was written, so that the flush before the publish finds little left: 0.26 s for 0.40 s per GB."""
    begin_only = 2
    _ask_linux("sync_file_range", descriptor, start, n_bytes, begin_only)


def _ask_linux(function: str, *arguments: int) -> None:
    """Ask the system for something that only saves time; where it cannot be had, or is refused, nothing is lost."""
    if sys.platform.startswith("linux") and sys.maxsize > 2**32:  # with 32-bit registers the arguments lie elsewhere
        import ctypes

        call = getattr(ctypes.CDLL(None), function, None)
        if call is not None:
            call(*[ctypes.c_int64(argument) for argument in arguments])


class open_hashed:
    """Open a new file whose digest is computed while it is written, in a second thread, so that it need not be read again.

    A loaderdumper that writes a large file front to back uses this in place of ``open(path, "wb")``; everything else stays right
    without it, only slower.

    Parameters
    ----------
    path : str
        File to create.

    Examples
    --------
    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "data.bin")
    >>> with open_hashed(path) as file:
    ...     _ = file.write(b"abc")
    """

    def __init__(self, path: str) -> None:
        self._file: IO[bytes] = open(path, "x+b", buffering=0)  # noqa: SIM115 - this class is the context manager that closes it
        self._digest = blake3()
        self._queue: Any = None
        self._thread: Any = None
        self._written = 0
        self._is_complete = False

    def write(self, data: Any) -> int:
        """Write bytes, or any object that gives a contiguous buffer."""
        view = memoryview(data).cast("B")
        if view.nbytes < LARGE_BYTES and self._thread is None:
            chunk = bytes(view)  # one copy for digest and file: another thread may be changing the buffer
            self._digest.update(chunk)
            self._write_all(memoryview(chunk))
        else:
            self._start()
            _reserve(self._file.fileno(), self._written, view.nbytes)
            for start in range(0, view.nbytes, LARGE_BYTES):
                self._write_all(view[start : start + LARGE_BYTES])
                self._queue.put(self._written)
        return view.nbytes

    def _write_all(self, view: memoryview) -> None:
        start = 0
        while start < view.nbytes:
            start += self._file.write(view[start:])
        self._written += view.nbytes

    def _start(self) -> None:
        if self._thread is None:
            from queue import SimpleQueue
            from threading import Thread

            self._queue = SimpleQueue()
            self._thread = Thread(target=self._work, args=(self._written,), name="isfdb-hash")
            self._thread.start()

    def _work(self, hashed: int) -> None:
        # What the file holds is hashed, not what memory holds: if the value changes while it is written, digest and file still agree.
        piece = memoryview(bytearray(CACHED_BYTES))
        try:
            descriptor = self._file.fileno()
            while (written := self._queue.get()) is not None:
                _begin_writeback(descriptor, hashed, written - hashed)
                while hashed < written:
                    n_read = os.preadv(descriptor, [piece[: written - hashed]], hashed)
                    if not n_read:
                        return  # cut short by somebody else
                    self._digest.update(piece[:n_read])
                    hashed += n_read
            self._is_complete = True
        except (OSError, AttributeError):  # the disk refused, or this is Windows, which has no preadv: the file is read once more
            return

    def __enter__(self) -> open_hashed:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
        try:
            found = os.fstat(self._file.fileno())
        finally:
            self._file.close()
        if error is None and found.st_size == self._written and (self._thread is None or self._is_complete):
            while len(_just_written) >= MOST_NOTED:
                _just_written.pop(next(iter(_just_written)))
            _just_written[found.st_dev, found.st_ino] = (found.st_size, found.st_mtime_ns, str(self._digest.hexdigest()))
