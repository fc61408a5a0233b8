"""As `test_crash_states.py`, on a disk that itself writes down each call: nothing that numpy or a thread does escapes it."""

from __future__ import annotations

import ast
import multiprocessing
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import isfdb
from isfdb.testing.crash_states import CrashState, crash_states
from isfdb.testing.faults import Call
from isfdb.testing.reliability_table import Tally, columns
from tests.faults.after_a_crash import problem_with, states_of
from tests.faults.recorded_disk import mark, recorded_disk, trace_of
from tests.faults.scenarios import SCENARIOS, Scenario, record_on_disk, recorded_on
from tests.faults.written_elsewhere import ELSEWHERE, FLUSHING, look, run

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
    for n_states, state in enumerate(states_of(recorded_on(memory_folder, seen), 128 if long_run else 32), 1):
        if problem := problem_with(scenario, state, seen, memory_folder / str(n_states)):
            problems.append(problem)
            bad.append(f"{state}\n  {problem}")
    tally(f"power cut, every call of every program: {scenario.name}", tries=n_states, **columns(problems))
    assert not bad, f"{len(bad)} of {n_states} states are bad, for example:\n" + "\n".join(bad[:3])
    assert n_states >= 3


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_power_cut_spares_what_is_written_past_the_storage(name: str, memory_folder: Path, long_run: bool, tally: Tally) -> None:
    seen = list(looks(name, memory_folder, 256 if long_run else 24))
    bad = [(state, problem) for state, problem in seen if problem]
    tally(f"power cut, every call of every program: {name}", tries=len(seen), **columns(problem for _, problem in bad))
    assert not bad, f"{len(bad)} of {len(seen)} states are bad, for example:\n" + "\n".join(f"{one}\n  {why}" for one, why in bad[:3])
    assert len(seen) >= 3


def _problem(name: str, folder: Path, n_steps: int) -> str | None:
    try:
        return look(name, str(folder), n_steps)
    except Exception as error:  # noqa: BLE001 - whatever it is, this state is bad
        return f"torn: {type(error).__name__}: {error}"


def looks(name: str, folder: Path, limit: int, without: tuple[str, int] | None = None) -> Iterator[tuple[CrashState, str | None]]:
    """Do a work on a recorded disk below `folder`; give each state that a power cut may leave, and what is wrong with it."""
    with recorded_disk(folder) as mounted, ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as writers:
        writers.submit(run, name, str(mounted), without).result()  # its process ends: what it leaves belongs to the dead
    trace = trace_of(folder)
    prepared = trace.index(Call("mark", ("prepared",)))
    for number, state in enumerate(crash_states(trace[prepared + 1 :], trace[:prepared], limit=limit), 1):
        state.write_to(str(folder / str(number)))
        yield state, _problem(name, folder / str(number), len(state.marks))
        shutil.rmtree(folder / str(number))


def store(mounted: str, value: int, durability: str) -> None:
    with isfdb.set_options(register=False, capture=False):
        db = isfdb.open(f"{mounted}/results", durability=durability)
        db["s/k"] = value
        if value > 1:
            db.attributes["s/k"]["value"] = value
            db["s/t/k"] = value
    mark(mounted, durability)


def test_what_is_stored_for_good_needs_no_flush_of_another_process(memory_folder: Path, long_run: bool, tally: Tally) -> None:
    """One process makes database, sub-database and key, and flushes nothing; the next one relies on them, and waits for the disk."""
    with recorded_disk(memory_folder) as mounted:
        for value, durability in ((1, "process"), (2, "full")):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as writers:
                writers.submit(store, str(mounted), value, durability).result()
    bad, n_states = [], 0
    for state in crash_states(trace_of(memory_folder), [], limit=4096 if long_run else 256):
        if "full" not in state.marks:
            continue
        n_states += 1
        state.write_to(str(memory_folder / str(n_states)))
        try:
            db = isfdb.open(memory_folder / str(n_states) / "results", mode="r")
            found = db["s/k"], db["s/t/k"], db.attributes["s/k"]["value"]
        except Exception as error:  # noqa: BLE001 - whatever it is, this state is bad
            found = f"{type(error).__name__}: {error}"
        shutil.rmtree(memory_folder / str(n_states))
        if found != (2, 2, 2):
            bad.append(f"{state}\n  {found}")
    tally("power cut: a process relies on what another one did not flush", tries=n_states, lost=len(bad))
    assert not bad, f"{len(bad)} of {n_states} states are bad, for example:\n" + "\n".join(bad[:3])
    assert n_states >= 3


def flushes_in(module: str) -> Iterator[tuple[str, int]]:
    """Give every line of a module in which it flushes."""
    source = (Path(__file__).parents[2] / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    for one in ast.walk(ast.parse(source)):
        if isinstance(one, ast.Call) and ast.unparse(one.func) in FLUSHING | {"os.fsync", "os.fdatasync"}:
            yield module, one.lineno


#: Modules that flush without the storage, and what shows it.
SHOWN_BY = {
    "isfdb.journals": ("append block after block, flushing each", "append block after block, flushing none"),
    "isfdb.storage.single_files": ("sign with a new key", "trust and distrust", "write a report"),
    "loaderdumpers._store_segments": ("add to a shared store",),
}


@pytest.mark.long
@pytest.mark.parametrize("flush", [flush for module in SHOWN_BY for flush in flushes_in(module)], ids=str)
def test_a_flush_past_the_storage_that_is_left_out_is_missed(flush: tuple[str, int], memory_folder: Path) -> None:
    for number, name in enumerate(SHOWN_BY[flush[0]]):
        folder = memory_folder / f"work {number}"
        folder.mkdir()
        if any(problem for _, problem in looks(name, folder, 256, flush)):
            return
    pytest.fail(f"no power cut showed that the flush in line {flush[1]} of {flush[0]} was left out")
