"""Measurements of arrays: puts beside numpy's own writer, slices beside a bare memory map. Nothing is asserted here."""

from __future__ import annotations

import os
import statistics
from typing import Any

import numpy as np

import isfdb

from .floor import flush
from .measures import Row, timed

SLICE_BYTES = 10_000_000


def put_of_10_mb(folder: str, n_bytes: int = 10**7, rounds: int = 30) -> list[Row]:
    """Put an array of 10 MB, with digest and comparison at the end, beside numpy's own writer."""
    array = np.random.default_rng(1).random(n_bytes // 8)
    rows = []
    for durability, goal in (("process", 1.3), ("full", 1.2)):
        db = isfdb.open(f"{folder}/db-{durability}", durability=durability)
        db["warm"] = np.arange(3)
        times: list[list[float]] = [[], []]
        for number in range(rounds):
            times[0].append(timed(lambda db=db: db.__setitem__("array", array)))
            times[1].append(timed(lambda number=number, durability=durability: _save(f"{folder}/peer{number}.npy", array, durability)))
        peer = "np.save" if durability == "process" else "np.save + fsync"
        ours, theirs = (statistics.median(series) for series in times)
        rows.append(Row(f"put of {n_bytes / 1e6:g} MB with digest, durability {durability}", ours, theirs, goal, peer))
    return rows


def _save(path: str, array: np.ndarray, durability: str) -> None:
    np.save(path, array)
    if durability == "full":
        flush(path)


def slices(folder: str, n_bytes: int = 2**29, rounds: int = 9) -> list[Row]:
    """Read rows of 10 MB, in all places, of an array of 512 MB: as a part, through the map, and bare; warm and cold."""
    n_columns = 1000
    db = isfdb.open(f"{folder}/db", durability="process")
    db["array"] = np.random.default_rng(2).random((n_bytes // 8 // n_columns, n_columns))
    path = str(db.entry("array").path / "data.npy")
    peer = f"{folder}/peer.npy"
    np.save(peer, db["array"])
    n_rows = min(SLICE_BYTES // 8 // n_columns, n_bytes // 8 // n_columns // 2)
    rows = []
    for is_cold in (False, True):
        times: list[list[float]] = [[], [], []]
        for number in range(rounds):
            first = (number * 7919) % (n_bytes // 8 // n_columns - n_rows)
            calls = (
                lambda first=first: db.get("array", np.s_[first : first + n_rows]),
                lambda first=first: np.array(db.get("array", mmap="r")[first : first + n_rows]),
                lambda first=first: np.array(np.load(peer, mmap_mode="r")[first : first + n_rows]),
            )
            for series, call in zip(times, calls, strict=True):
                if is_cold:
                    _forget(path, peer)
                series.append(timed(call))
        part, mapped, bare = (statistics.median(series) for series in times)
        state = "cold" if is_cold else "warm"
        rows.append(Row(f"10 MB of rows of {n_bytes / 2**20:g} MiB with select=, {state}", part, bare, 1.3, "np.memmap"))
        rows.append(Row(f"the same through mmap='r', {state}", mapped, bare, 1.3, "np.memmap"))
    touched, bare = _touched(db, peer, rounds)
    rows.append(Row(f"mapped get of {n_bytes / 2**20:g} MiB, all touched", touched, bare, 1.3, "np.load(mmap_mode='r')"))
    return rows


def _touched(db: Any, peer: str, rounds: int) -> tuple[float, float]:
    times: list[list[float]] = [[], []]
    for _ in range(max(1, rounds // 3)):
        times[0].append(timed(lambda: db.get("array", mmap="r").sum()))
        times[1].append(timed(lambda: np.load(peer, mmap_mode="r").sum()))
    return statistics.median(times[0]), statistics.median(times[1])


def _forget(*paths: str) -> None:
    """Ask the system to forget what it has of these files in memory."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # only what is on the disk can be forgotten
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
