"""``isfdb code`` as a user types it: the script, as text, JSON and notebook, and whether it makes the value again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import isfdb
from isfdb.cli.main import main


@pytest.fixture
def results(tmp_path: Path) -> str:
    """Make a database by a script, as a user would."""
    script = tmp_path / "make.py"
    script.write_text("import isfdb, time\ndb = isfdb.open('results')\njunk = 3\na = 20\ndb['x'] = a + 1\ndb['time'] = time.time()\n")
    environment = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    subprocess.run([sys.executable, script], cwd=tmp_path, env=environment, check=True, timeout=120)
    return str(tmp_path / "results")


def test_it_prints_the_script_below_what_is_to_be_known(results, capsys):
    assert main(["code", results, "x"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# x - statements - unchecked") and "a = 20" in out and "junk" not in out


def test_it_writes_the_script_into_a_new_file(results, tmp_path, capsys):
    path = str(tmp_path / "x.py")
    assert main(["code", results, "x", "-o", path]) == 0
    namespace: dict[str, object] = {}
    exec(Path(path).read_text(), namespace)
    assert namespace["value"] == 21
    assert main(["code", results, "x", "-o", path]) == 2
    assert "exists" in capsys.readouterr().err


def test_it_writes_a_notebook(results, tmp_path, capsys):
    assert main(["code", results, "x", "--notebook", str(tmp_path / "x.ipynb")]) == 0
    assert main(["code", results, "x", "--notebook", "-"]) == 0
    out = capsys.readouterr().out
    assert json.loads((tmp_path / "x.ipynb").read_text()) == json.loads(out[out.index("{") :])


def test_a_check_says_by_its_status_whether_the_value_comes_out(results, capsys):
    assert main(["code", results, "x", "--check"]) == 0
    assert "checked: run in a clean process" in capsys.readouterr().out
    assert main(["code", results, "time", "--check", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "failed" and told["check"]["attempts"][0]["outcome"] == "different"
    assert main(["code", results, "time"]) == 0
    assert "# time - statements - failed" in capsys.readouterr().out


def test_a_strangers_code_is_refused_unless_trusted(results, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody_else"))
    assert main(["code", results, "x", "--check"]) == 2
    assert "nothing shows that you wrote it" in capsys.readouterr().err
    assert main(["code", results, "x", "--check", "--trust"]) == 0


def test_all_levels_and_versions_can_be_asked_for(results, capsys):
    for words in (["--level", "cells"], ["--level", "everything"], ["--all"], ["--version", "1"]):
        assert main(["code", results, "x", *words]) == 0
        assert "a = 20" in capsys.readouterr().out
    assert main(["code", results, "x", "--version", "9"]) == 2
    assert "has no version 9" in capsys.readouterr().err


def test_without_a_check_nothing_is_written(results):
    before = {path: path.stat().st_mtime_ns for path in Path(results).rglob("*")}
    main(["code", results, "x"])
    main(["code", results, "x", "--level", "everything", "--json"])
    assert {path: path.stat().st_mtime_ns for path in Path(results).rglob("*")} == before
    assert isfdb.code(isfdb.open(results), "x").status == "unchecked"
