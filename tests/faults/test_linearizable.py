"""Processes that work on one key at the same time: some order explains all that each of them saw."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.testing.histories import NOTHING, Operation, explanation, key_model
from isfdb.testing.reliability_table import Tally
from tests.faults.recorded import act

N_ACTORS = 4


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(N_ACTORS, multiprocessing.get_context("forkserver")) as pool:
        yield pool


def histories(pool: Any, path: Path, n_keys: int, n_calls: int) -> dict[str, list[Operation]]:
    isfdb.open(path)
    keys = [f"k{number}" for number in range(n_keys)]
    start = time.time() + 0.3
    told = [pool.submit(act, str(path), start, actor, keys, n_calls) for actor in range(N_ACTORS)]
    every = [operation for future in told for operation in future.result(400)]
    return {key: [operation for operation in every if operation.actor[1] == key] for key in keys}


def unexplained(found: dict[str, list[Operation]]) -> list[str]:
    return [
        f"{key}:\n" + "\n".join(f"    {operation}" for operation in sorted(history, key=lambda one: one.start))
        for key, history in found.items()
        if explanation(history, key_model, NOTHING) is None
    ]


@pytest.mark.parametrize("kind", ["processes", "threads"])
def test_some_order_explains_what_each_saw(
    kind: str, processes: ProcessPoolExecutor, memory_folder: Path, long_run: bool, tally: Tally
) -> None:
    n_keys = 500 if long_run else 12
    with ThreadPoolExecutor(N_ACTORS) as threads:
        found = histories(processes if kind == "processes" else threads, memory_folder / "db", n_keys, 10)
    wrong = unexplained(found)
    tally(f"{N_ACTORS} {kind} at work on one key: histories that no order explains", tries=len(found), wrong=len(wrong))
    assert not wrong, "\n".join(wrong[:3])
    assert not isfdb.verify(isfdb.open(memory_folder / "db"))


def test_a_history_in_which_one_read_is_stale_is_noticed(processes: ProcessPoolExecutor, memory_folder: Path) -> None:
    """The recorder's own control: what one read gave is replaced by what stood there long before."""
    (history,) = histories(processes, memory_folder / "db", 1, 6).values()
    end = max(operation.end for operation in history)
    late = Operation("late", "put", "last", len(isfdb.open(memory_folder / "db").versions("k0")) + 1, end + 1, end + 2)
    fresh, stale = (Operation("later", "get", None, value, end + 3, end + 4) for value in ("last", "0.0"))
    assert explanation([*history, late, fresh], key_model, NOTHING)
    assert explanation([*history, late, stale], key_model, NOTHING) is None
