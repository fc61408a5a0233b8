"""A power cut at any moment leaves every acknowledged value whole, and the value in flight old or new."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from isfdb.testing.reliability_table import Tally, columns
from tests.faults.after_a_crash import problem_with, states_of
from tests.faults.scenarios import SCENARIOS, Scenario, record


@pytest.fixture(scope="module")
def recorders() -> Iterator[ProcessPoolExecutor]:
    """Another process makes the recordings: what was told its session must not be in this one's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_crash_state_is_bad(
    scenario: Scenario, recorders: ProcessPoolExecutor, tmp_path: Path, memory_folder: Path, long_run: bool, tally: Tally
) -> None:
    recorded = recorders.submit(record, scenario.name, str(tmp_path)).result()
    bad, problems, n_states = [], [], 0
    for n_states, state in enumerate(states_of(recorded, 4096 if long_run else 256), 1):
        if problem := problem_with(scenario, state, recorded.seen, memory_folder / str(n_states)):
            problems.append(problem)
            bad.append(f"{state}\n  {problem}")
    tally(f"power cut: {scenario.name}", tries=n_states, **columns(problems))
    assert not bad, f"{len(bad)} of {n_states} states are bad, for example:\n" + "\n".join(bad[:3])
    assert n_states >= 3


CONTROLS = [(scenario, "all") for scenario in SCENARIOS]
CONTROLS += [(scenario, forgets) for scenario in SCENARIOS if scenario.name in ("overwrite", "batch") for forgets in ("files", "folders")]


@pytest.mark.parametrize(("scenario", "forgets"), CONTROLS, ids=lambda part: getattr(part, "name", part))
def test_without_flushes_bad_states_are_found(
    scenario: Scenario, forgets: str, recorders: ProcessPoolExecutor, tmp_path: Path, memory_folder: Path
) -> None:
    """The test above bites: it fails for the same protocol with its flushes taken out."""
    recorded = recorders.submit(record, scenario.name, str(tmp_path), forgets).result()
    states = states_of(recorded, 256)
    assert any(problem_with(scenario, state, recorded.seen, memory_folder / str(number)) for number, state in enumerate(states))
