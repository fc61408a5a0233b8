"""A power cut at any moment leaves every acknowledged value whole, and the value in flight old or new."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.database import Database
from isfdb.testing.crash_states import CrashState, crash_states
from isfdb.testing.reliability_table import Tally, columns
from tests.faults.scenarios import SCENARIOS, Recorded, Scenario, Seen, look, record

#: What a reader never looks into: stages and the trash.
UNREAD = (".stage-", ".isfdb/trash/")


@pytest.fixture(scope="module")
def recorders() -> Iterator[ProcessPoolExecutor]:
    """Another process makes the recordings: what was told its session must not be in this one's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


def is_unread(path: str) -> bool:
    return any(mark in path for mark in UNREAD)


def states_of(recorded: Recorded, limit: int) -> Iterator[CrashState]:
    return crash_states(recorded.trace, recorded.start, limit=limit, is_unread=is_unread)


def problem_with(scenario: Scenario, state: CrashState, seen: list[Seen], folder: Path) -> str | None:
    """Look at one state as the next user would; say what is wrong with it, in which column of the table first."""
    state.write_to(str(folder))
    n_steps = len(state.marks)
    before, after = seen[n_steps], seen[min(n_steps + 1, len(seen) - 1)]
    allowed = {
        name: [one.get(name) for one in (seen[: n_steps + 2] if scenario.may_come_back else (before, after))] for name in before | after
    }
    for name, value in scenario.between:
        allowed[name].append(value)
    try:
        db = isfdb.open(folder / "results", durability="process")
        found = look(db)
        if (difference := _difference(scenario, seen, n_steps, found, allowed)) or (difference := _defects(db)):
            return difference
        return _next_put(db, sorted({name.partition("@")[0] for name in before | after if not name.startswith("attributes of")}))
    except Exception as error:  # noqa: BLE001 - whatever it is, this state is bad
        return f"torn: {type(error).__name__}: {error}"


def _difference(scenario: Scenario, seen: list[Seen], n_steps: int, found: Seen, allowed: dict[str, list[Any]]) -> str | None:
    before, after = seen[n_steps], seen[min(n_steps + 1, len(seen) - 1)]
    if found in (before, after):
        return None
    wrong = [name for name in allowed | found if found.get(name) not in allowed.get(name, [])]
    if scenario.is_piecewise and not wrong:
        return None
    is_old = all(name not in found or found[name] in [one.get(name) for one in seen] for name in wrong)
    return f"{'lost' if is_old else 'torn'}: found {found}, neither {before} nor {after}"


def _defects(db: Database) -> str | None:
    serious = isfdb.verify(db).serious
    return f"wrong: verify: {'; '.join(map(str, serious))}" if serious else None


def _next_put(db: Database, keys: list[str]) -> str | None:
    for key in [*keys, "after the crash"]:
        db[key] = f"new value of {key}"
    wrong = [key for key in keys if db[key] != f"new value of {key}"]
    return f"wrong: after the next put {wrong}" if wrong else None


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
