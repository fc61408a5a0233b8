"""Reads the records of very many keys in several processes at once. Where they cannot be had, the caller reads alone.

Threads would not do: parsing holds Python's lock. A fork would not do either: whoever searches may have threads and open connections.
"""

from __future__ import annotations

import contextlib
import logging
import marshal
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from isfdb.searching.reading_keys import NAMES, Place, ReadKeys, read_keys
from isfdb.storage.base import Storage
from isfdb.storage.local import LocalStorage

logger = logging.getLogger(__name__)

#: Starting a process takes as long as reading some thousand records.
MIN_KEYS: Final = 6000
MOST_PROCESSES: Final = 8

_START: Final = (
    "import sys, marshal; sys.path[:] = marshal.load(sys.stdin.buffer); import isfdb.searching.reading_processes as r; r.answer()"
)


def read_many(storage: Storage, places: list[Place], needles: Sequence[bytes] = ()) -> ReadKeys:
    """Read the facts about keys, in several processes where there are many.

    Parameters
    ----------
    needles : sequence of bytes
        As for `read_keys`; used where there are many keys only.
    """
    processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    if len(places) < MIN_KEYS or processes < 2 or type(storage) is not LocalStorage or not sys.executable:
        return read_keys(storage, places)
    shares = [places[number::processes] for number in range(processes)]
    began = [_begin(storage.path, share, needles) for share in shares]
    columns: dict[str, list[Any]] = {name: [] for name in NAMES}
    unreadable: list[tuple[str, str]] = []
    n_passed_over = 0
    for process, share in zip(began, shares, strict=True):
        found = _answer_of(process) or read_keys(storage, share)
        for name, column in found.columns.items():
            columns[name] += column
        unreadable += found.unreadable
        n_passed_over += found.n_passed_over
    return ReadKeys(columns, unreadable, n_passed_over)


def _begin(path: str, share: list[Place], needles: Sequence[bytes]) -> subprocess.Popen[bytes] | None:
    """Start a process that reads a share; None where it cannot be started."""
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # an editable install is not found by the path
    work = (path, list(zip(*share, strict=True)), list(needles))
    question = marshal.dumps([*[one for one in sys.path if isinstance(one, str)], ours]) + marshal.dumps(work)
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None  # asked for above
        with contextlib.suppress(BrokenPipeError), process.stdin as stream:  # an end that came too early shows in the answer
            stream.write(question)
    except OSError as error:
        logger.debug("no process could be started to read records: %s", error)
        return None
    return process


def _answer_of(process: subprocess.Popen[bytes] | None) -> ReadKeys | None:
    """Return what a process read; None where it came to grief."""
    if process is None:
        return None
    with process:
        assert process.stdout is not None  # asked for above
        answer = process.stdout.read()
    if process.returncode != 0:
        logger.debug("a process that read records ended with %s", process.returncode)
        return None
    return ReadKeys(*marshal.loads(answer))  # noqa: S302 - from our own child


def answer() -> None:
    """Read a share, in the process that was started for it, and write what was found."""
    import gc

    gc.disable()  # it looks through all that was read again and again, and there is nothing to find
    path, (keys, folders), needles = marshal.load(sys.stdin.buffer)  # noqa: S302 - from our own parent
    read = read_keys(LocalStorage(path, read_only=True), map(Place, keys, folders), needles)
    marshal.dump(tuple(read), sys.stdout.buffer)
    sys.stdout.buffer.flush()
    os._exit(0)  # freeing it all one by one takes as long as sending it
