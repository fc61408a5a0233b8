"""``isfdb replay`` as a user types it: the verdict as text and JSON, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from isfdb.cli.main import main


@pytest.fixture
def results(tmp_path: Path) -> str:
    """Make a database by a script, as a user would."""
    script = tmp_path / "make.py"
    script.write_text("import isfdb, time\ndb = isfdb.open('results')\na = 20\ndb['x'] = a + 1\ndb['time'] = time.time()\n")
    environment = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    subprocess.run([sys.executable, script], cwd=tmp_path, env=environment, check=True, timeout=120)
    return str(tmp_path / "results")


def test_it_says_what_came_of_it_by_its_status(results, capsys):
    assert main(["replay", results, "x"]) == 0
    assert capsys.readouterr().out.startswith("x@1: identical")
    assert main(["replay", results, "time", "--budget", "1"]) == 1
    assert "time@1: different (because: randomness)" in capsys.readouterr().out


def test_the_next_look_is_free_and_json_is_for_programs(results, capsys):
    assert main(["replay", results, "x"]) == 0
    capsys.readouterr()
    assert main(["replay", results, "x", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "identical" and told["recorded"] is True and told["database"]["path"] == results
    assert main(["replay", results, "x", "--json", "--again", "--version", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["recorded"] is False


def test_misuse_is_told(results, capsys):
    assert main(["replay", results, "y"]) == 2
    assert "no key 'y'" in capsys.readouterr().err
    assert main(["replay", results, "x", "--budget", "-1"]) == 2
    assert "budget=-1" in capsys.readouterr().err


def test_a_strangers_code_is_not_run(results, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody_else"))
    assert main(["replay", results, "x"]) == 1
    assert "not runnable (because: not trusted)" in capsys.readouterr().out
    assert main(["replay", results, "x", "--trust"]) == 0
