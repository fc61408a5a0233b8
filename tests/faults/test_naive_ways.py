"""The faults of the other files, done to naive ways of storing: they lose, so those tests can fail."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from isfdb.storage.file_calls import FileCalls
from isfdb.testing.crash_states import crash_states
from isfdb.testing.faults import RecordingCalls
from isfdb.testing.reliability_table import Tally, columns
from tests.faults.naive import KILL_WAYS, POWER_CUT_WAYS, DyingCalls, problem_with, read, work
from tests.faults.test_killed_writer import acknowledged, start


@pytest.mark.parametrize("way", POWER_CUT_WAYS)
def test_a_naive_way_loses_to_a_power_cut(way: str, memory_folder: Path, long_run: bool, tally: Tally) -> None:
    put, folder = POWER_CUT_WAYS[way], str(memory_folder / "disk")
    os.mkdir(folder)
    put(FileCalls(), folder, 1)
    recorder = RecordingCalls(folder)
    for number in (2, 3):
        put(recorder, folder, number)
        recorder.mark(f"{number} stored")
    problems, n_states = [], 0
    for n_states, state in enumerate(crash_states(recorder.trace, recorder.start, limit=4096 if long_run else 256), 1):
        state.write_to(str(memory_folder / str(n_states)))
        n_stored = 1 + len(state.marks)
        problems.append(problem_with(read(str(memory_folder / str(n_states))), n_stored))
    bad = [problem for problem in problems if problem]
    tally("power cut: overwrite", tries=n_states, way=way, **columns(bad))
    assert len(bad) > n_states // 10


@pytest.mark.parametrize("way", KILL_WAYS)
def test_a_naive_way_loses_to_a_kill_at_every_call(way: str, memory_folder: Path, tally: Tally) -> None:
    problems, tries, at = [], 0, 0
    calls = DyingCalls()
    while at <= calls.n_calls:
        at += 1
        folder = str(memory_folder / str(at))
        os.mkdir(folder)
        KILL_WAYS[way](FileCalls(), folder, 1)
        calls = DyingCalls(at, 5)
        n_stored = 1
        try:
            for number in (2, 3):
                KILL_WAYS[way](calls, folder, number)
                n_stored = number
        except OSError:
            tries += 1
            problems.append(problem_with(read(folder), n_stored))
    bad = [problem for problem in problems if problem]
    tally("killed at every call: overwrite an array", tries=tries, way=way, **columns(bad))
    assert len(bad) > tries // 3


@pytest.mark.parametrize("way", KILL_WAYS)
def test_a_naive_way_loses_to_kills_at_random_moments(way: str, kills: int, tmp_path: Path, tally: Tally) -> None:
    chance, problems, n_kills = random.Random(way), [], max(kills, 40)
    for kill in range(n_kills):
        folder = str(tmp_path / str(kill))
        os.mkdir(folder)
        KILL_WAYS[way](FileCalls(), folder, 1)
        writer, answers = start(work, way, folder)
        answers.poll(10)
        time.sleep(chance.uniform(0, 0.005))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        n_stored = int((acknowledged(answers) or [b"1"])[-1])
        problems.append(problem_with(read(folder), n_stored))
    bad = [problem for problem in problems if problem]
    tally("killed at a random moment: overwrite an array", tries=n_kills, way=way, **columns(bad))
    assert bad, f"none of {n_kills} kills fell into a write"
