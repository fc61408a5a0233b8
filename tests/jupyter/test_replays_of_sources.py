"""``isfdb.replay`` with modules of a git repository that have changed since, or are gone, and why a value differs then."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import isfdb

_HELPER = "def rate(i):\n    return i * {0}\n"


def _git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Store a value by a script that imports a module of its repository, which has an uncommitted change; return the database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    Path("helper.py").write_text(_HELPER.format(2))
    Path("table.csv").write_text("5")
    Path("make.py").write_text("import isfdb, helper\ndb = isfdb.open('results')\ndb['x'] = helper.rate(int(open('table.csv').read()))\n")
    _git("init", "-q")
    _git("add", ".")
    _git("commit", "-qm", "one")
    Path("helper.py").write_text(_HELPER.format(3))
    subprocess.run([sys.executable, "make.py"], check=True, timeout=120)
    return isfdb.open("results")


def test_code_that_was_changed_and_committed_since_runs_as_it_was(made):
    Path("helper.py").write_text(_HELPER.format(4))
    _git("commit", "-qam", "two")
    assert made["x"] == 15
    assert isfdb.replay(made, "x").status == "identical"
    assert Path("helper.py").read_text() == _HELPER.format(4)
    listed = subprocess.run(["git", "worktree", "list"], check=True, capture_output=True, text=True).stdout
    assert len(listed.splitlines()) == 1


def test_a_tracked_file_that_has_changed_is_read_as_it_was(made):
    Path("table.csv").write_text("6")
    assert isfdb.replay(made, "x").status == "identical"


def test_code_that_cannot_be_brought_back_is_named(made):
    shutil.rmtree(".git")
    Path("helper.py").write_text(_HELPER.format(4))
    verdict = isfdb.replay(made, "x")
    assert verdict.label == "different (because: code)"
    assert any(axis == "code" and "commit" in text for axis, text in verdict.evidence)
    Path("helper.py").unlink()
    verdict = isfdb.replay(made, "x")
    assert verdict.because in ("commit missing", "source missing") and "No module named 'helper'" in verdict.detail


def test_code_that_is_as_it_was_makes_the_value_though_its_repository_is_gone(made):
    shutil.rmtree(".git")
    verdict = isfdb.replay(made, "x")
    assert verdict.status == "identical"


def test_a_value_that_names_its_folder_does_not_depend_on_chance(made):
    Path("make.py").write_text("import isfdb, os\ndb = isfdb.open('results')\ndb['folder'] = os.getcwd()\n")
    subprocess.run([sys.executable, "make.py"], check=True, timeout=120)
    verdict = isfdb.replay(made, "folder")
    assert verdict.label == "different (because: environment)" and "path of the folder" in verdict.detail


def test_threads_and_hashing_are_as_they_were(made, monkeypatch):
    Path("make.py").write_text(
        "import isfdb, os\ndb = isfdb.open('results')\ndb['hash'] = [hash('a'), os.environ.get('OMP_NUM_THREADS')]\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "3"}
    subprocess.run([sys.executable, "make.py"], check=True, timeout=120, env=environment)
    assert isfdb.replay(made, "hash").status == "identical"
    subprocess.run([sys.executable, "make.py"], check=True, timeout=120, env=os.environ | {"PYTHONHASHSEED": "random"})
    assert isfdb.replay(made, "hash").because in ("randomness", "unknown")
