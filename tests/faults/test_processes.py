"""What happens to processes: forked while threads write, spawned, put to sleep, their clock set back, their folder taken away."""

from __future__ import annotations

import asyncio
import datetime
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb import writing
from isfdb.errors import DatabaseGoneError, IsfdbError, StorageError
from tests.faults.scenarios import array
from tests.faults.test_killed_writer import acknowledged, make, start
from tests.faults.writers import WORKS, look, work

FORKING = """
import os, sys, threading
import isfdb
db = isfdb.open(sys.argv[1])
n_children, ended = int(sys.argv[2]), threading.Event()
def write(name):
    number = 0
    while not ended.is_set():
        number += 1
        db[name] = number
        db.attributes[name]["n"] = number
threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
db["a"] = db["b"] = 0
for thread in threads:
    thread.start()
bad = 0
for child in range(n_children):
    process = os.fork()
    if process == 0:
        try:
            db[f"child{child}"] = child
            with db.batch():
                db[f"batch{child}"] = child
            db.collect()
            status = 0 if db[f"child{child}"] == child and db["a"] >= 0 else 1
        except BaseException as error:
            print(type(error).__name__, error, file=sys.stderr)
            status = 2
        os._exit(status)
    bad += os.waitpid(process, 0)[1] != 0
ended.set()
for thread in threads:
    thread.join()
sys.exit(bad)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_forked_while_threads_save_can_save(tmp_path: Path, long_run: bool, tally) -> None:
    """Whatever lock another thread held when the process was forked, the child does not wait for it."""
    n_children = 200 if long_run else 12
    command = [sys.executable, "-W", "ignore", "-c", FORKING, str(tmp_path / "results"), str(n_children)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    db = isfdb.open(tmp_path / "results")
    stored = [key for key in db.keys() if key.startswith(("child", "batch"))]
    findings = isfdb.verify(db).serious
    lost = 2 * n_children - len(stored)
    tally("forked while threads save", tries=n_children, lost=lost, wrong=done.returncode + len(findings))
    assert done.returncode == 0, done.stderr
    assert not lost
    assert not findings


def _put_in_child(handle: isfdb.Database, number: int) -> int:
    handle[f"k{number}"] = number
    return int(handle["shared"])


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_handle_sent_to_a_new_process_works_there(method: str, tmp_path: Path) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    db = isfdb.open(tmp_path / "results")
    db["shared"] = 7
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap(_put_in_child, [(db, number) for number in range(4)]) == [7] * 4
    assert [db[f"k{number}"] for number in range(4)] == list(range(4))
    assert not isfdb.verify(db).serious


def test_coroutines_save_and_read_at_once_and_a_cancelled_one_harms_nobody(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "results")

    async def save(number: int) -> None:
        await asyncio.to_thread(db.__setitem__, f"k{number}", number)
        await asyncio.sleep(0)
        db["shared"] = number

    async def all_at_once() -> None:
        waiting = [asyncio.create_task(save(number)) for number in range(12)]
        await asyncio.sleep(0)
        waiting[3].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(all_at_once())
    assert {f"k{number}" for number in range(12) if number != 3} <= set(db)
    assert len(db.versions("shared")) == 11
    assert not isfdb.verify(db).serious


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot put a process to sleep")
@pytest.mark.parametrize("name", ["overwrite an array", "append", "batch", "new key in a new sub-database"])
def test_a_writer_that_slept_while_others_collected_goes_on(name: str, tmp_path: Path, long_run: bool, tally) -> None:
    path, n_naps, wrong = tmp_path / "results", 200 if long_run else 12, []
    make(name, path)
    writer, answers = start(work, name, str(path))
    assert answers.poll(60)
    n_told = 0
    for _ in range(n_naps):
        os.kill(writer.pid, signal.SIGSTOP)
        db = isfdb.open(path)
        db.collect(grace_s=1e6, trash_s=0)
        while answers.poll(0):
            answers.recv_bytes()
            n_told += 1
        if look(db) not in WORKS[name].states(n_told):
            wrong.append(f"{look(db)} after {n_told} steps")
        os.kill(writer.pid, signal.SIGCONT)
        if not answers.poll(60):
            wrong.append("the writer did not go on")
            break
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged(answers)
    writer.join()
    tally("put to sleep while others collect", tries=n_naps, torn=len(wrong))
    assert not wrong
    assert not isfdb.verify(isfdb.open(path)).serious


def test_a_clock_set_back_changes_no_order(db: isfdb.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    db["k"] = "first"
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    monkeypatch.setattr(writing, "now", lambda: "2001-01-01T00:00:00.000000+00:00")
    db["k"] = "second, by a clock of 2001"
    db.attributes["k"]["n"] = 1
    monkeypatch.undo()
    assert db["k"] == "second, by a clock of 2001"
    assert db.get("k", version=later) == "second, by a clock of 2001"
    db["k"] = "third"
    assert [version.number for version in db.versions("k")] == [1, 2, 3]
    assert not isfdb.verify(db).serious


def test_what_was_replaced_in_the_future_is_not_reclaimed_now(db: isfdb.Database) -> None:
    """The file server's clock was ahead when the newest version was written."""
    db["k"] = array(8000)
    db["k"] = 2
    ahead = (datetime.datetime.now() + datetime.timedelta(days=400)).timestamp()
    os.utime(Path(db.path, "k.key", "v000002"), (ahead, ahead))
    assert db.collect(trash_s=0).n_versions == 0
    assert db.get("k", version=1).shape == (1000,)


#: All that may be asked of a database whose folder is gone.
REQUESTS: dict[str, Callable[[isfdb.Database], Any]] = {
    "put": lambda db: db.set("new", 1),
    "overwrite": lambda db: db.set("k", array(8000)),
    "put below": lambda db: db.set("s/t/new", 1),
    "read": lambda db: db["k"],
    "read with a default": lambda db: db.get("k", "default"),
    "in": lambda db: "k" in db,
    "delete": lambda db: db.pop("k"),
    "list": lambda db: db.keys(),
    "append": lambda db: db.append("k", array(80)),
    "note": lambda db: db.attributes["k"].update(n=1),
    "rename": lambda db: db.rename("k", "l"),
    "copy": lambda db: db.copy("k", "l"),
    "new sub-database": lambda db: db.create_sub_db("u"),
    "collect": lambda db: db.collect(grace_s=0, trash_s=0),
    "seal": isfdb.seal,
    "snapshot": lambda db: db.snapshot("k"),
    "entry": lambda db: db.entry("k"),
    "versions": lambda db: db.versions("k"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_folder_taken_away_is_said_to_be_gone_and_not_made_anew(name: str, db: isfdb.Database, tally) -> None:
    db["k"] = array(80)
    db["s/k"] = 1
    shutil.rmtree(db.path)
    wrong = ""
    try:
        wrong = f"answered {REQUESTS[name](db)!r}"
    except (DatabaseGoneError, StorageError):
        pass
    except IsfdbError as error:
        wrong = f"{type(error).__name__}: {error}"
    left = [str(path) for path in Path(db.path).rglob("*")] if os.path.exists(db.path) else []
    tally("the folder is taken away", tries=1, wrong=bool(wrong or left))
    assert not wrong
    assert not left
