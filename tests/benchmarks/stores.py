"""Arrays from many processes at once: a shared numpy store beside one file for each array. Nothing is asserted here."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np

from loaderdumpers import shared_numpy_store

from .measures import Row, in_turn

N_PROCESSES = 8

_ONE_FILE_EACH = """
import sys, numpy as np
folder, place, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
for number in range(n):
    np.save(f"{folder}/{place}-{number}.npy", np.arange(100.0))
"""
_STORE = """
import sys, numpy as np
from loaderdumpers.shared_numpy_store import SharedNumpyStore
folder, place, n, durability = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
store = SharedNumpyStore(folder, durability=durability)
for number in range(n):
    store.save(np.arange(100.0), f"{place}-{number}", autoflush=durability == "process")
    if number % 200 == 199:
        store.flush()
store.flush()
"""


def shared_store(folder: str, n: int = 12_500) -> list[Row]:
    """Arrays of 800 bytes from eight processes at once, and one read among all of them."""
    files = f"{folder}/files"
    os.mkdir(files)
    one_file_each = _in_processes(_ONE_FILE_EACH, files, n)
    quick, durable = _new_store(f"{folder}/quick"), _new_store(f"{folder}/durable")
    rows = [
        Row(
            f"array into a shared store, {N_PROCESSES} processes", _in_processes(_STORE, quick, n, "process"), one_file_each, 0.5, "np.save"
        ),
        Row("the same, durable, a flush every 200", _in_processes(_STORE, durable, n, "full"), one_file_each, 0.5, "np.save, not durable"),
    ]
    store = shared_numpy_store.SharedNumpyStore(quick)
    len(store)  # the indexes are read once for each process
    ours, theirs = in_turn(min(n, 500), lambda number: store[f"0-{number}"], lambda number: np.load(f"{files}/0-{number}.npy"))
    return [*rows, Row(f"array from a shared store of {N_PROCESSES * n:,}", ours, theirs, 2, "np.load")]


def _new_store(folder: str) -> str:
    os.mkdir(folder)
    shared_numpy_store.dump(None, folder)
    return f"{folder}/store"


def _in_processes(program: str, folder: str, n: int, *arguments: str) -> float:
    """Return the seconds that each array takes, all processes together."""
    started = time.perf_counter()
    command = [sys.executable, "-c", program, folder]
    running = [subprocess.Popen([*command, str(place), str(n), *arguments]) for place in range(N_PROCESSES)]
    ends = [one.wait() for one in running]
    if any(ends):
        raise RuntimeError("a process of the measurement failed")
    return (time.perf_counter() - started) / (N_PROCESSES * n)
