"""Reads what a process prints while it runs: keeps the beginning and the end, hands on what is new. It starts and ends nothing.

It reads as fast as the process writes, so that a process which prints without end fills neither a disk nor the memory.
"""

from __future__ import annotations

import codecs
import os
import threading
from collections.abc import Callable
from typing import IO, Final

#: Of a long text so many bytes of its beginning are kept, and so many of its end.
HEAD_BYTES: Final = 10_000
TAIL_BYTES: Final = 30_000

_CHUNK: Final = 65_536


class Output:
    """What a process prints, read by a thread of its own until the last process that may print has ended.

    Parameters
    ----------
    stream : file
        The reading end of the pipe, unbuffered.
    on_output : callable, optional
        Called with new text, in the thread that calls `hand_on`.
    """

    def __init__(self, stream: IO[bytes], on_output: Callable[[str], None] | None = None) -> None:
        self._stream = stream
        self._on_output = on_output
        self._lock = threading.Lock()
        self._head, self._tail, self._new = bytearray(), bytearray(), bytearray()
        self._left_out = self._new_left_out = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._thread = threading.Thread(target=self._read, name="isfdb-output", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._stream.fileno(), _CHUNK)
            except (OSError, ValueError):  # closed meanwhile
                return
            if not chunk:
                return
            with self._lock:
                self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        if self._on_output is not None:
            self._new += chunk
            self._new_left_out += max(0, len(self._new) - TAIL_BYTES)
            del self._new[:-TAIL_BYTES]
        room = HEAD_BYTES - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        self._left_out += max(0, len(self._tail) - TAIL_BYTES)
        del self._tail[:-TAIL_BYTES]

    def hand_on(self, *, final: bool = False) -> None:
        """Give the text that is new to `on_output`; of very much, the newest."""
        if self._on_output is None:
            return
        with self._lock:
            new, left_out = bytes(self._new), self._new_left_out
            self._new.clear()
            self._new_left_out = 0
        text = (_gap(left_out) if left_out else "") + self._decoder.decode(new, final)
        if text:
            self._on_output(text)

    def finish(self, wait_s: float) -> str:
        """Return what was printed, when the processes have ended; one that got away is not waited for longer than `wait_s`."""
        self._thread.join(wait_s)
        self.hand_on(final=True)
        with self._lock:
            head, tail = bytes(self._head), bytes(self._tail)
            if not self._left_out:
                return (head + tail).decode("utf-8", "replace")
            return head.decode("utf-8", "replace") + _gap(self._left_out) + tail.decode("utf-8", "replace")


def _gap(n_bytes: int) -> str:
    return f"\n... {n_bytes:,} bytes are left out ...\n"
