"""What is recorded of work that a notebook sends elsewhere: forks, spawned processes, dask workers, threads."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import isfdb

SENT = """
import isfdb, sys, os

def put(db, key):
    db[key] = os.getpid()

def work():
    db = isfdb.open("results")
    {how}

if __name__ == "__main__":
    work()
"""
FORK = "import multiprocessing as m; db['own'] = 1; p = m.get_context('fork').Process(target=put, args=(db, 'sent')); p.start(); p.join()"
SPAWN = "import multiprocessing as m; p = m.get_context('spawn').Process(target=put, args=(db, 'sent')); p.start(); p.join()"
DASK = (
    "from distributed import Client, LocalCluster\n"
    "    with LocalCluster(n_workers=1, threads_per_worker=1, processes={processes}, dashboard_address=':0') as cluster:\n"
    "        with Client(cluster) as client:\n"
    "            client.submit(put, db, 'sent').result()"
)


def run_script(folder: Path, how: str, *options: str) -> Any:
    (folder / "sender.py").write_text(SENT.format(how=how))
    environment = {**os.environ, "PYTHONPATH": str(Path(isfdb.__file__).parent.parent)}
    subprocess.run([sys.executable, *options, "sender.py"], cwd=folder, check=True, timeout=120, env=environment, capture_output=True)
    return isfdb.open(folder / "results", mode="r")


def test_a_forked_child_has_a_session_of_its_own_that_names_its_parents(tmp_path: Path):
    db = run_script(tmp_path, FORK)
    child, parent = db.entry("sent").session, db.entry("own").session
    assert child.id != parent.id
    assert child.start["parent"] == {"line": db.entry("own").cell.line, "session": parent.id}
    assert not isfdb.verify(db)


@pytest.mark.parametrize("how", [SPAWN, DASK.format(processes=True)], ids=["spawn", "dask"])
def test_another_process_records_a_task_whose_parent_is_the_sender_though_that_stored_nothing(tmp_path: Path, how: str):
    db = run_script(tmp_path, how)
    task = db.entry("sent").cell
    sender = db.entry("sent").session.start["parent"]["session"]
    assert task.kind == "task"
    assert task.facts["parent"]["session"] == sender != db.entry("sent").session.id
    assert task.source.startswith("\nimport isfdb")  # the sender's text
    assert task.facts["sent_by"]["kind"] == "script"
    assert not isfdb.verify(db)


def run_in_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_thread_with_a_pickled_handle_works_for_the_cell_that_sent_it(shell: Any):
    shell.run_cell("import isfdb, pickle\ndb = isfdb.open('results')", store_history=True)
    shell.run_cell("sent = pickle.dumps(db)", store_history=True, cell_id="sender").raise_error()
    shell.user_ns["work"] = lambda: run_in_thread(lambda: pickle.loads(shell.user_ns["sent"]).set("a", 1))
    shell.run_cell("work()", store_history=True, cell_id="later").raise_error()
    task = isfdb.open("results", mode="r").entry("a").cell
    assert (task.kind, task.source, task.facts["sent_by"]["cell_id"]) == ("task", "sent = pickle.dumps(db)", "sender")


def test_a_handle_that_was_pickled_in_an_earlier_cell_belongs_to_the_cell_that_uses_it(shell: Any):
    shell.run_cell("import isfdb, pickle\ndb = pickle.loads(pickle.dumps(isfdb.open('results')))", store_history=True)
    shell.run_cell("db['a'] = 1; again = pickle.dumps(db)", store_history=True, cell_id="user").raise_error()
    assert isfdb.open("results", mode="r").entry("a").cell.cell_id == "user"
    run_in_thread(lambda: pickle.loads(shell.user_ns["again"]).set("b", 1))
    assert isfdb.open("results", mode="r").entry("b").cell.facts["sent_by"]["cell_id"] == "user"


def test_a_pickled_handle_of_a_sub_database_carries_the_sender(shell: Any):
    shell.run_cell("import isfdb, pickle\ncells = isfdb.open('results').create_sub_db('cells')", store_history=True)
    shell.run_cell("sent = pickle.dumps(cells)", store_history=True, cell_id="sender").raise_error()
    run_in_thread(lambda: pickle.loads(shell.user_ns["sent"]).set("a", 1))
    assert isfdb.open("results", mode="r").entry("cells/a").cell.facts["sent_by"]["cell_id"] == "sender"


PICKLED = "import isfdb, pickle; db = isfdb.open('results'); db['made'] = 1; open('handle', 'wb').write(pickle.dumps(db))"


def test_a_notebook_that_loads_a_handle_of_another_process_works_for_itself(shell: Any):
    subprocess.run([sys.executable, "-c", PICKLED], check=True, timeout=120)
    Path("data.txt").write_text("2")
    shell.run_cell("import pickle\nwith open('handle', 'rb') as file:\n    db = pickle.load(file)", store_history=True).raise_error()
    shell.run_cell("from pathlib import Path\nx = db['made'] + int(Path('data.txt').read_text())", store_history=True).raise_error()
    shell.run_cell("db['own'] = x", store_history=True, cell_id="mine").raise_error()
    entry = isfdb.open("results", mode="r").entry("own")
    assert (entry.cell.kind, entry.cell.cell_id) == ("cell", "mine")
    assert {getattr(one, "path", "a value").rpartition("/")[2] for one in entry.inputs} == {"a value", "handle", "data.txt"}


def test_a_script_that_ipython_runs_is_a_script(tmp_path: Path):
    db = run_script(tmp_path, "db['a'] = 1", "-m", "IPython", "--no-banner", "--quick")
    assert (db.entry("a").cell.kind, Path(db.entry("a").cell.facts["file"]).name) == ("script", "sender.py")
    assert "db['a'] = 1" in db.entry("a").cell.source


def test_a_script_that_a_test_starts_is_no_test(tmp_path: Path):
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert run_script(tmp_path, "db['a'] = 1").entry("a").cell.kind == "script"


def test_a_user_whose_name_is_no_text_can_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("LOGNAME", "USER"):
        monkeypatch.setenv(name, os.fsdecode(b"b\xff"))
    assert run_script(tmp_path, "db['a'] = 1").metadata["a"]["by"]["user"] == "b?"
