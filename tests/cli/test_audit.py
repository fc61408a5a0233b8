"""``isfdb audit`` as a user and as CI types it: what it prints, what it writes, and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from isfdb.auditing.audited import Audit
from isfdb.cli.main import main


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make a database by a script, as a user would."""
    folder = tmp_path_factory.mktemp("project")
    script = folder / "make.py"
    script.write_text(
        "import isfdb, time\ndb = isfdb.open('results')\ndb['x'] = 21\ndb['cells/y'] = db['x'] + 1\ndb['time'] = time.time()\n"
    )
    environment = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    subprocess.run([sys.executable, script], cwd=folder, env=environment, check=True, timeout=120)
    return str(folder / "results")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["audit", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_it_says_what_came_out_the_same_and_fails_where_something_did_not(results, capsys):
    status, out, err = run(capsys, results, "--budget", "1")
    assert status == 1 and out.startswith("audit of results: 1 problem (3 values")
    assert "repeated    2 of 3 (66.6 %)" in out and "different (because:" in out
    assert "isfdb audit: replay 1 of 3:" in err


def test_what_is_passed_can_be_said(results, capsys):
    assert run(capsys, results, "--only", "x", "--only", "cells")[0] == 0
    assert run(capsys, results, "--allow", "different")[0] == 0
    assert run(capsys, results, "--only", "x", "--at-least", "identical")[0] == 0


def test_a_pattern_that_fits_no_key_is_no_pass(results, capsys):
    status, out, err = run(capsys, results, "--only", "cels", "--no-replay")
    assert (status, out) == (2, "") and "only='cels' fits no key of results. Near to it: cells/y." in err


def test_json_is_the_audit_and_can_be_read_back(results, capsys):
    status, out, err = run(capsys, results, "--no-replay", "--json")
    told = json.loads(out)
    assert (status, err, told["problems"], told["scores"]["explained"]) == (0, "", [], 3)
    assert [row.key for row in Audit.from_json(told).rows] == ["time", "x", "cells/y"]


def test_junit_is_written(results, capsys, tmp_path):
    path = tmp_path / "audit.xml"
    assert run(capsys, results, "--no-replay", "--junit", str(path))[0] == 0
    assert ElementTree.parse(path).getroot().get("tests") == "4"


def test_several_databases_and_a_sample(results, capsys, tmp_path):
    import isfdb

    other = isfdb.open(tmp_path / "other")
    other["z"] = 1
    status, out, _ = run(capsys, results, other.path, "--sample", "2", "--seed", "3", "--no-replay", "--allow", "unexplained")
    assert status == 0 and "sample: 3 of 4 values, seed 3" in out and "other: z@1" in out


def test_what_there_was_no_time_for_is_skipped_and_no_reason_to_fail(results, capsys):
    status, out, _ = run(capsys, results, "--max-time", "0s", "--again")
    assert status == 0 and "not made again: 3 values (time)" in out


def test_what_cannot_be_done_ends_with_2_before_anything_runs(results, capsys, tmp_path):
    assert run(capsys, results, str(tmp_path / "nowhere"))[0] == 2
    assert run(capsys, results, "--changed-since", "soon")[0] == 2
    status, out, err = run(capsys, results, "--again", "--junit", str(tmp_path / "nowhere" / "audit.xml"))
    assert (status, out) == (2, "") and "replay" not in err
    for words in (["--sample", "0"], ["--sample", "x"], ["--jobs", "0"], ["--max-time", "-1"], ["--allow", "all"], []):
        with pytest.raises(SystemExit, match="2"):
            main(["audit", *([results] if words else []), *words])
    capsys.readouterr()


def test_nothing_in_a_database_acts_on_the_terminal(capsys, tmp_path):
    import isfdb

    db = isfdb.open(tmp_path / "results")
    db["evil\x1b[2J\u202ename"] = 1
    path = tmp_path / "audit.xml"
    _, out, err = run(capsys, db.path, "--junit", str(path))
    assert not {"\x1b", "\u202e"} & set(out + err + Path(path).read_text())
