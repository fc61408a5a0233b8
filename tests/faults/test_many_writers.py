"""Eight processes at once lose nothing: no version, no increment, no note; readers see only whole values."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.testing.reliability_table import Tally
from tests.faults import rivals

N_PROCESSES = 8


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(N_PROCESSES, multiprocessing.get_context("forkserver"), initializer=_begin) as executor:
        list(executor.map(time.sleep, [0.2] * N_PROCESSES))  # all are there
        yield executor


def _begin() -> None:
    isfdb.set_options(register=False, capture=False)


def run(pool: ProcessPoolExecutor, function: Any, path: Path, *arguments: Any, n: int = N_PROCESSES) -> list[Any]:
    """Run in `n` processes from the same moment on; ``"writer"`` stands for their number."""
    start = time.time() + 0.1
    each = [[number if argument == "writer" else argument for argument in arguments] for number in range(n)]
    return [future.result(120) for future in [pool.submit(function, str(path), start, *one) for one in each]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    isfdb.open(tmp_path / "results")
    return tmp_path / "results"


def test_no_version_is_lost(pool: ProcessPoolExecutor, path: Path) -> None:
    n_writes = 100
    run(pool, rivals.write, path, "writer", n_writes)
    db = isfdb.open(path, "r")
    shared = [db.get("shared", version=version.number) for version in db.versions("shared")]
    assert len(shared) == N_PROCESSES * n_writes // 2
    for writer in range(N_PROCESSES):
        assert [number for by, number in shared if by == writer] == list(range(0, n_writes, 2)), "the order in which one wrote is kept"
        versions = db.versions(f"own/{writer}")
        assert [version.number for version in versions] == list(range(1, n_writes // 2 + 1))
        assert db[f"own/{writer}"] == n_writes - 1
    assert not isfdb.verify(db)


def test_no_appended_block_is_lost_or_torn(pool: ProcessPoolExecutor, path: Path) -> None:
    n_blocks = 25
    run(pool, rivals.append, path, "writer", n_blocks)
    db = isfdb.open(path, "r")
    blocks = db["shared"].reshape(-1, 4, 2)
    assert len(blocks) == N_PROCESSES * n_blocks
    assert (blocks == blocks[:, :1]).all(), "each block stands in one piece"
    for writer in range(N_PROCESSES):
        mine = blocks[blocks[:, 0, 0] == writer, 0, 1]
        assert mine.tolist() == list(range(n_blocks)), "the order in which one appended is kept"
    assert not isfdb.verify(db)


def test_expected_version_loses_no_increment(pool: ProcessPoolExecutor, path: Path) -> None:
    with isfdb.open(path) as db:
        db["counter"] = 0
    conflicts = run(pool, rivals.count, path, 25)
    assert db["counter"] == N_PROCESSES * 25
    assert db.entry("counter").newest.number == N_PROCESSES * 25 + 1
    assert sum(conflicts) > 0, "they did not meet, so nothing was tested"
    assert not isfdb.verify(db)


def test_no_note_is_lost(pool: ProcessPoolExecutor, path: Path) -> None:
    with isfdb.open(path) as db:
        db["k"] = 1
    run(pool, rivals.note, path, "writer", 20)
    assert len(db.attributes["k"]) == N_PROCESSES * 20
    assert len(db.attributes["k"].history()) == N_PROCESSES * 20
    assert not isfdb.verify(db)


def test_readers_see_only_whole_values_while_others_overwrite_and_collect(pool: ProcessPoolExecutor, path: Path, tally: Tally) -> None:
    """Without any grace: what was replaced is gone at once."""
    with isfdb.open(path) as db:
        db["array"] = rivals.whole(0)
    start = time.time() + 0.1
    readers = [pool.submit(rivals.read, str(path), start) for _ in range(3)]
    writer = pool.submit(rivals.overwrite, str(path), start, 40)
    writer.result(120)
    seen = [reader.result(60) for reader in readers]
    wrong = [one for _, found in seen for one in found]
    tally("read while others overwrite and collect", tries=sum(n_reads for n_reads, _ in seen), torn=len(wrong))
    assert not wrong
    assert not isfdb.verify(db)


def test_all_may_collect_at_once(pool: ProcessPoolExecutor, path: Path) -> None:
    run(pool, rivals.overwrite, path, 15, n=4)
    db = isfdb.open(path)
    assert rivals.is_whole(db["array"])
    db.collect(grace_s=0, trash_s=0)
    assert not isfdb.verify(db)


def test_a_database_made_by_all_at_once_is_one(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    for attempt in range(5):
        path = tmp_path / "new" / str(attempt)
        ids = run(pool, rivals.create, path, f"key{attempt}")
        assert len(set(ids)) == 1, "each saw the same two ids"
        db = isfdb.open(path, "r")
        assert len(db.versions(f"key{attempt}")) == N_PROCESSES
        assert db.create_sub_db is not None
        assert not isfdb.verify(db)


def test_deleting_and_putting_at_once_leaves_listing_and_value_in_agreement(pool: ProcessPoolExecutor, path: Path) -> None:
    run(pool, rivals.delete_or_put, path, "writer", 20)
    db = isfdb.open(path)
    is_alive = not db.versions("contested")[-1].deleted
    assert ("contested" in db.keys()) == ("contested" in db) == is_alive
    assert len([version for version in db.versions("contested") if not version.deleted]) == N_PROCESSES // 2 * 20
    db["contested"] = "again"
    assert db.keys() == ("contested",)
    assert not isfdb.verify(db)


def test_keys_renamed_at_once_arrive(pool: ProcessPoolExecutor, path: Path) -> None:
    collectors = [pool.submit(rivals.collect, str(path), time.time(), 0.7) for _ in range(2)]
    assert not any(run(pool, rivals.rename_on, path, "writer", 10))
    assert [collector.result(60) for collector in collectors] == [None, None]
    db = isfdb.open(path)
    assert db.keys() == tuple(f"moving{writer}.10" for writer in range(N_PROCESSES))
    assert not isfdb.verify(db)


def test_a_mapped_array_stays_right_after_overwrite_and_collect(path: Path) -> None:
    with isfdb.open(path) as db:
        db["array"] = rivals.whole(1)
        mapped = db.get("array", mmap="r")
        db["array"] = rivals.whole(2)
        assert int(mapped[0]) == 1
        db.collect(grace_s=0, trash_s=3600)
        assert rivals.is_whole(mapped)
        assert int(mapped[-1]) == 1
        db.collect(grace_s=0, trash_s=0)
        assert int(mapped[N_LAST]) == 1, "what a local process has mapped lives on even after its file is deleted"
        assert int(db["array"][0]) == 2


N_LAST = rivals.N_ELEMENTS - 1
