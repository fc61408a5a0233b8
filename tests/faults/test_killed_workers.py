"""Dask workers that are killed while they store: dask runs their tasks again elsewhere, and every key holds its value, whole."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.testing.reliability_table import Tally
from tests.faults.rivals import is_whole, whole

distributed = pytest.importorskip("distributed", reason="distributed is not installed")


def store(db: isfdb.Database, number: int) -> int:
    """Store as a task does, which dask may run twice."""
    with isfdb.set_options(register=False, capture=False):
        db[f"own/{number}"] = whole(number)
        db["shared"] = whole(number)
    return number


def workers_of(client: Any) -> list[int]:
    """Return the process ids of the workers that answer."""
    return [pid for pid in client.run(os.getpid, on_error="ignore").values() if isinstance(pid, int)]


def test_workers_killed_while_they_store_lose_nothing(tmp_path: Path, long_run: bool, tally: Tally) -> None:
    n_keys, n_kills = (1000, 20) if long_run else (20, 1)
    db = isfdb.open(tmp_path / "results")
    db.create_sub_db("own")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        futures = client.map(lambda number, db=db: store(db, number), range(n_keys), pure=False, retries=n_kills + 5)
        killed = 0
        for done, _ in enumerate(distributed.as_completed(futures, timeout=800), 1):
            if killed < n_kills and done % max(1, n_keys // (n_kills + 2)) == 0:
                victim = workers_of(client)[0]
                os.kill(victim, signal.SIGKILL)
                killed += 1
                while len(set(workers_of(client)) - {victim}) < 2:  # a nanny whose worker dies while it begins gives up
                    time.sleep(0.1)
        assert sorted(client.gather(futures)) == list(range(n_keys))
    assert killed == n_kills
    bad = [number for number in range(n_keys) if not is_whole(db["own", str(number)]) or int(db["own", str(number)][0]) != number]
    bad += [] if is_whole(db["shared"]) else [-1]
    findings = isfdb.verify(db).serious
    tally("dask workers killed while they store", tries=n_keys, lost=len(bad), wrong=len(findings))
    assert not bad
    assert not findings
    db.collect(grace_s=0)
    assert not isfdb.verify(db)
