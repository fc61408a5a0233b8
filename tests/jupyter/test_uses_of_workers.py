"""What workers read is known to whoever sent the work, whether they store it or give it back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import isfdb

WORK = """
import isfdb, os, sys, json

def read_and_return(db, name):
    return open(name).read(), db["value"]

def read_and_store(db, name):
    from isfdb.provenance.activities import running
    from isfdb.provenance.usage import uses_of
    text = open(name).read()
    db["made"] = text + str(db["value"])
    return [getattr(use.what, "path", None) or use.what.link for use in uses_of(running(db._carried))]

def plain(name):
    return open(name).read()

def told():
    from isfdb.provenance.activities import running
    from isfdb.provenance.usage import uses_of
    return sorted({getattr(use.what, "path", None) or use.what.link for use in uses_of(running()) if not use.is_output})

if __name__ == "__main__":
    db = isfdb.open("results")
    db["value"] = 1
    out = None
    {how}
    print(json.dumps([out, told()]))
"""

POOL = """
    import multiprocessing as m
    with m.get_context({context!r}).Pool(1) as pool:
        out = pool.apply({function}, {arguments})
"""
DASK = """
    from distributed import Client, LocalCluster
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        with Client(cluster) as client:
            out = client.submit({function}, *{arguments}).result()
"""


def run(folder: Path, how: str) -> tuple[list[str], list[str]]:
    (folder / "a.txt").write_text("1")
    (folder / "work.py").write_text(WORK.replace("{how}", how.strip()))
    environment = {**os.environ, "PYTHONPATH": str(Path(isfdb.__file__).parent.parent)}
    environment.pop("PYTEST_CURRENT_TEST", None)
    finished = subprocess.run(
        [sys.executable, "work.py"], cwd=folder, check=False, timeout=120, env=environment, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    out, told = json.loads(finished.stdout.splitlines()[-1])
    return out, [one.rpartition("/")[2] for one in told]


@pytest.mark.parametrize(
    "how", [POOL.replace("{context!r}", "'fork'"), POOL.replace("{context!r}", "'spawn'"), DASK], ids=["fork", "spawn", "dask"]
)
def test_what_a_worker_reads_with_a_handle_and_returns_is_known_to_the_sender(tmp_path: Path, how: str):
    _, told = run(tmp_path, how.format(function="read_and_return", arguments="(db, 'a.txt')"))
    assert {"a.txt", "value@1"} <= set(told)


@pytest.mark.parametrize("how", [POOL.replace("{context!r}", "'spawn'"), DASK], ids=["spawn", "dask"])
def test_what_a_worker_reads_and_stores_is_its_own_use(tmp_path: Path, how: str):
    out, _ = run(tmp_path, how.format(function="read_and_store", arguments="(db, 'a.txt')"))
    assert {one.rpartition("/")[2] for one in out} >= {"a.txt", "value@1"}


def test_what_a_forked_child_reads_without_a_handle_is_known_to_its_parent(tmp_path: Path):
    _, told = run(tmp_path, POOL.replace("{context!r}", "'fork'").format(function="plain", arguments="('a.txt',)"))
    assert "a.txt" in told


def test_what_workers_told_is_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ISFDB_CACHE_FOLDER", str(tmp_path / "cache"))
    run(tmp_path, POOL.replace("{context!r}", "'fork'").format(function="plain", arguments="('a.txt',)"))
    assert not list((tmp_path / "cache").glob("reads/*"))
