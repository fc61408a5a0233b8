"""As `test_crash_states.py`, on a disk that itself writes down each call: nothing that numpy or a thread does escapes it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from isfdb.testing.reliability_table import Tally, columns
from tests.faults.after_a_crash import problem_with, states_of
from tests.faults.recorded_disk import recorded_disk
from tests.faults.scenarios import SCENARIOS, Scenario, record_on_disk, recorded_on

#: The others run with --long: their calls go the same ways.
QUICK = ("put a new key, array", "overwrite", "batch", "delete", "rename", "change attributes", "append and merge", "collect")


@pytest.fixture(scope="module")
def writers() -> Iterator[ProcessPoolExecutor]:
    """Another process writes: a disk can be unmounted only when nobody here has a file open on it."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_power_cut_at_any_call_of_any_program_loses_nothing(
    scenario: Scenario, writers: ProcessPoolExecutor, memory_folder: Path, long_run: bool, tally: Tally
) -> None:
    if not long_run and scenario.name not in QUICK:
        pytest.skip("runs only with --long")
    with recorded_disk(memory_folder) as mounted:
        seen = writers.submit(record_on_disk, scenario.name, str(mounted)).result()
    bad, problems, n_states = [], [], 0
    for n_states, state in enumerate(states_of(recorded_on(memory_folder, seen), 1024 if long_run else 32), 1):
        if problem := problem_with(scenario, state, seen, memory_folder / str(n_states)):
            problems.append(problem)
            bad.append(f"{state}\n  {problem}")
    tally(f"power cut, every call of every program: {scenario.name}", tries=n_states, **columns(problems))
    assert not bad, f"{len(bad)} of {n_states} states are bad, for example:\n" + "\n".join(bad[:3])
    assert n_states >= 3
