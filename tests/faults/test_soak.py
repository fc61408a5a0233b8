"""Processes that work for an hour on one database: no value is ever another one, and neither memory nor open files grow.

``--soak SECONDS`` says for how long; without it each does a few steps, so that the test itself stays sound.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.database import Database
from isfdb.testing.reliability_table import Tally

N_PROCESSES = 4
N_KEYS = 12
FEW_STEPS = 80
#: A process has reached its size by this part of its time.
SETTLED = 0.3


@dataclass
class Worked:
    """What one process did and noticed."""

    n_steps: int = 0
    wrong: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    n_open: list[int] = field(default_factory=list)


def work(path: str, name: str, seconds: float | None) -> Worked:
    """Change and read keys that nobody else changes, and one that all do, and compare with what should be there."""
    isfdb.set_options(register=False, capture=False)
    worker = _Worker(path, name)
    started = time.monotonic()
    until = None if seconds is None else started + seconds
    tenth = 0
    while worker.done.n_steps < FEW_STEPS if until is None else time.monotonic() < until:
        worker.step()
        if until is not None and (time.monotonic() - started) * 10 >= tenth * (until - started):
            tenth += 1
            worker.weigh()
    worker.compare_all()
    return worker.done


class _Worker:
    def __init__(self, path: str, name: str) -> None:
        self.done = Worked()
        self._path, self._name = path, name
        self._chance = random.Random(name)
        self._db: Database = isfdb.open(path)
        self._expected: dict[str, Any] = {}
        self._steps = (
            [self.put] * 6
            + [self.read] * 6
            + [self.delete, self.rename, self.append, self.note, self.share] * 2
            + [self.collect, self.reopen]
        )

    def step(self) -> None:
        self.done.n_steps += 1
        self._chance.choice(self._steps)()

    def weigh(self) -> None:
        """Note how large the process is."""
        if sys.platform == "linux":
            status = Path("/proc/self/status").read_text()
            self.done.memory.append(next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")))
            self.done.n_open.append(len(os.listdir("/proc/self/fd")))

    def _key(self) -> str:
        return f"{self._name}/k{self._chance.randrange(N_KEYS)}"

    def _made(self) -> Any:
        import numpy as np

        number = self._chance.randrange(1_000_000)
        return self._chance.choice([number, f"text {number}", {"a": [number, None]}, np.full(self._chance.choice([3, 40_000]), number)])

    def put(self) -> None:
        key, value = self._key(), self._made()
        self._db[key] = value
        self._expected[key] = value

    def read(self) -> None:
        key = self._key()
        self._compare(key, self._db.get(key))

    def delete(self) -> None:
        key = self._key()
        if key in self._expected:
            del self._db[key], self._expected[key]

    def rename(self) -> None:
        old, new = self._key(), self._key()
        if old in self._expected and new not in self._expected:
            self._db.rename(old, new)
            self._expected[new] = self._expected.pop(old)

    def append(self) -> None:
        import numpy as np

        key, block = f"{self._name}/grown", np.arange(self._chance.randrange(1, 50))
        self._db.append(key, block)
        self._expected[key] = np.concatenate([self._expected.get(key, np.arange(0)), block])
        if len(self._expected[key]) > 5_000:
            del self._db[key], self._expected[key]

    def note(self) -> None:
        key = self._key()
        if key in self._expected:
            number = self._chance.randrange(1000)
            self._db.attributes[key]["number"] = number
            if self._db.attributes[key]["number"] != number:
                self.done.wrong.append(f"a note of {key}")

    def share(self) -> None:
        """Change or read what all processes change: whole it must be."""
        import numpy as np

        if self._chance.random() < 0.5:
            self._db["shared"] = np.full(20_000, self.done.n_steps)
            return
        found = self._db.get("shared")
        if found is not None and not (found.shape == (20_000,) and (found == found[0]).all()):
            self.done.wrong.append("the shared value is torn")

    def collect(self) -> None:
        self._db.collect(keep=2, grace_s=1, trash_s=1)

    def reopen(self) -> None:
        self._db = isfdb.open(self._path)

    def compare_all(self) -> None:
        for key in [*self._expected, f"{self._name}/k0"]:
            self._compare(key, self._db.get(key))

    def _compare(self, key: str, found: Any) -> None:
        try:
            isfdb.testing.assert_identical(found, self._expected.get(key))
        except AssertionError as error:
            self.done.wrong.append(f"{key}: {error}")


@pytest.mark.timeout(0)
def test_hours_of_work_change_nothing_and_take_no_more_memory(memory_folder: Path, request: pytest.FixtureRequest, tally: Tally) -> None:
    seconds = request.config.getoption("--soak")
    path = memory_folder / "results"
    isfdb.open(path)
    with ProcessPoolExecutor(N_PROCESSES, multiprocessing.get_context("forkserver")) as pool:
        jobs = [pool.submit(work, str(path), f"w{number}", seconds) for number in range(N_PROCESSES)]
        done = [job.result() for job in jobs]
    wrong = [sentence for one in done for sentence in one.wrong]
    assert wrong == []
    assert not isfdb.verify(isfdb.open(path, "r"))
    tally("processes that work for long", tries=sum(one.n_steps for one in done), wrong=len(wrong))
    for one in done if seconds and seconds >= 60 else ():
        settled = int(SETTLED * len(one.memory))
        assert one.memory[-1] <= 1.2 * one.memory[settled], one.memory
        assert one.n_open[-1] <= one.n_open[settled] + 3, one.n_open


def test_a_wrong_value_would_be_noticed(memory_folder: Path) -> None:
    with isfdb.set_options(register=False, capture=False):
        worker = _Worker(str(memory_folder / "results"), "w")
        while "w/k0" not in worker._expected:
            worker.put()
        isfdb.open(memory_folder / "results")["w/k0"] = "another"
        worker.compare_all()
    assert len(worker.done.wrong) == 2
