"""A writer killed at any moment leaves a good value, and nothing that the next collect does not sweep."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.testing.reliability_table import Tally, columns
from tests.faults.writers import WORKS, gather, look, work, work_until_call

# A server that forks writers with everything imported: a hundred of them start in a second, and nobody forks a process with threads.
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["numpy", "isfdb", "tests.faults.writers", "loaderdumpers.to_json", "loaderdumpers.numpy_to_npy"])


def make(name: str, path: Path) -> None:
    with isfdb.open(path, durability="process") as db:
        WORKS[name].prepare(db)


def start(function: Callable[..., None], *arguments: Any) -> tuple[Any, Any]:
    answers, acknowledge = context.Pipe(duplex=False)
    writer = context.Process(target=function, args=(*arguments, acknowledge))
    writer.start()
    acknowledge.close()
    return writer, answers


def acknowledged(answers: Any) -> list[bytes]:
    told = []
    try:
        while True:
            told.append(answers.recv_bytes())
    except EOFError:
        return told


def problem_with(name: str, path: Path, n_steps: int) -> str | None:
    db = isfdb.open(path)
    found, allowed = look(db), WORKS[name].states(n_steps)
    if found not in allowed:
        return f"{'torn' if 'torn' in found.values() else 'lost'}: found {found} after {n_steps} acknowledged steps, none of {allowed}"
    if serious := isfdb.verify(db).serious:
        return f"wrong: verify: {'; '.join(map(str, serious))}"
    db.collect()
    if left := [str(stage) for stage in path.rglob(".stage-*")]:
        return f"wrong: collect left {left}"
    for hint in path.rglob("*.deleted"):
        os.utime(hint, (0, 0))  # a rename cut short leaves a hint, which collect removes a day later
    db.collect()
    if rest := [finding for finding in isfdb.verify(db) if finding.kind != "stray"]:
        return f"wrong: verify after collect: {rest}"
    db["after the kill"] = 1
    return None if db["after the kill"] == 1 else "wrong: the next put does not work"


@pytest.mark.parametrize("name", WORKS)
def test_a_writer_killed_at_random_moments_leaves_a_good_value(name: str, kills: int, tmp_path: Path, tally: Tally) -> None:
    chance, bad, problems, steps = random.Random(name), [], [], 0
    for kill in range(kills):
        path = tmp_path / str(kill)
        make(name, path)
        writer, answers = start(work, name, str(path))
        if kill % 8:
            answers.poll(10)  # its first step is done; now and then it is killed before
        time.sleep(chance.uniform(0, 0.05))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        n_steps = len(acknowledged(answers))
        steps += n_steps
        if problem := problem_with(name, path, n_steps):
            problems.append(problem)
            bad.append(f"kill {kill}: {problem}")
    tally(f"killed at a random moment: {name}", tries=kills, **columns(problems))
    print(f"{name}: {kills} kills, {steps} acknowledged steps, {len(bad)} bad")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("happens", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", WORKS)
def test_a_writer_killed_at_every_call_leaves_a_good_value(
    name: str, happens: bool, memory_folder: Path, long_run: bool, tally: Tally
) -> None:
    """Deterministic: the n-th call of four steps, for each n, before it is made (a write: half made) or when it is made."""
    bad, problems, tries, at, total = [], [], 0, 0, 1_000_000
    while at < total:
        at += 1 if long_run else random.Random(f"{name} {at}").randrange(1, 10)
        path = memory_folder / str(at)
        make(name, path)
        writer, answers = start(work_until_call, name, str(path), at, happens)
        told = acknowledged(answers)
        writer.join()
        if told and told[-1].startswith(b"calls"):
            total = int(told.pop().split()[1])
        if problem := problem_with(name, path, len(told)):
            problems.append(problem)
            bad.append(f"call {at}: {problem}")
        tries += 1
    tally(f"killed at every call: {name}", tries=tries, **columns(problems))
    print(f"{name}: {total} calls, {len(bad)} bad")
    assert not bad, "\n".join(bad)


def test_a_process_killed_while_it_gathers_blocks_loses_none_that_it_was_told_of(kills: int, tmp_path: Path) -> None:
    chance, bad = random.Random("gather"), []
    for kill in range(kills):
        path = tmp_path / str(kill)
        isfdb.open(path)
        writer, answers = start(gather, str(path))
        answers.poll(10)
        time.sleep(chance.uniform(0, 0.05))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        told = acknowledged(answers)
        n_rows = int(told[-1]) if told else 0
        db = isfdb.open(path)
        db.collect()
        found = db["k"].tolist() if "k" in db else []
        blocks = [n_rows, n_rows + 2, n_rows + 3]  # one block may have been written and not told of
        if found != list(range(len(found))) or len(found) not in blocks:
            bad.append(f"kill {kill}: {len(found)} rows, {n_rows} acknowledged, in order: {found == list(range(len(found)))}")
        if left := [str(one) for one in path.rglob(".append-*")] + [str(one) for one in isfdb.verify(db)]:
            bad.append(f"kill {kill}: {left}")
    assert not bad, "\n".join(bad)
