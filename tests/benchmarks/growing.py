"""Measurements of values that grow and of attributes: 6 kB at a time, a thousand times, and what a note beside a large array costs."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

import isfdb

from .floor import flush
from .measures import Row, in_turn, timed

BLOCK = np.random.default_rng(0).random((10, 75))  # 6 kB


def _times(n: int, call: Callable[[], Any]) -> list[float]:
    return [timed(call) for _ in range(n)]


def _last_to_first(name: str, times: list[float]) -> Row:
    tenth = max(1, len(times) // 10)
    return Row(f"{name}: last tenth", statistics.median(times[-tenth:]), statistics.median(times[:tenth]), 1.5, "first tenth")


def appends(folder: str, n: int = 1000) -> list[Row]:
    """Append blocks of 6 kB to a journal, and as versions of their own, against a bare write."""
    rows = []
    for sync, goal in ((False, 5.0), (True, 1.5)):
        n_blocks = n // 5 if sync else n
        db = isfdb.open(f"{folder}/journal-{sync}", durability="process")
        appender = db.appending("x", sync=sync)
        appender.append(BLOCK)  # the first makes the key, the second the journal
        appender.append(BLOCK)
        descriptor = os.open(f"{folder}/raw-{sync}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)

        def bare(_: int, descriptor: int = descriptor, sync: bool = sync) -> None:
            os.write(descriptor, BLOCK)
            if sync:
                os.fdatasync(descriptor)

        ours, floor = in_turn(n_blocks, lambda _, appender=appender: appender.append(BLOCK), bare)
        os.close(descriptor)
        name = f"append of 6 kB to a journal{', waiting for the disk' if sync else ''}"
        rows.append(Row(name, ours, floor, goal, "write + fdatasync" if sync else "write"))
        if not sync:
            rows.append(_last_to_first(name, _times(n, lambda appender=appender: appender.append(BLOCK))))
        appender.close()
    db = isfdb.open(f"{folder}/versions", durability="process")
    times = _times(n, lambda: db.append("x", BLOCK))
    rows.append(Row("db.append of 6 kB, a version each", statistics.median(times), None, 2e-3))
    rows.append(_last_to_first("db.append of 6 kB, a version each", times))
    return rows


def attribute(folder: str, n_bytes: int = 100_000_000, rounds: int = 100) -> list[Row]:
    """Change an attribute of a large array and of a small one, against the least that replaces a small file."""
    rows = []
    for durability in ("process", "full"):
        db = isfdb.open(f"{folder}/{durability}", durability=durability)
        db["large"], db["small"] = np.zeros(n_bytes // 8), 1
        replaced = f"{folder}/{durability}.json"

        def replace(number: int, replaced: str = replaced, durable: bool = durability == "full") -> None:
            with open(f"{replaced}.new", "w") as file:
                file.write(f'{{"number": {number}}}')
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.rename(f"{replaced}.new", replaced)
            if durable:
                flush(os.path.dirname(replaced))

        large, small, floor = in_turn(
            rounds,
            lambda number, db=db: db.attributes["large"].update(number=number),
            lambda number, db=db: db.attributes["small"].update(number=number),
            replace,
        )
        rows.append(
            Row(
                f"change of an attribute of a 100 MB array, durability {durability}",
                large,
                floor,
                2.0,
                f"a small file replaced, {durability}",
            )
        )
        rows.append(Row(f"the same, durability {durability}", large, small, 1.2, "the same of a small value"))
    return rows
