"""`isfdb open` starts IPython with `db` ready: in a real terminal, and with a line of code."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import isfdb

pexpect = pytest.importorskip("pexpect")


def _open(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "isfdb", "open", *words], capture_output=True, text=True, timeout=120, check=False)


def test_a_line_of_code_finds_the_database_and_the_magics(db):
    db["rates"] = [1, 2]
    done = _open(db.path, "-c", "print(db['rates'], db.mode)\n%isfdb ls")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "[1, 2] r")
    assert "list of 2" in done.stdout
    assert "\x1b" not in done.stdout


def test_it_is_read_only_unless_writing_is_asked_for(db):
    assert _open(db.path, "-c", "db['x'] = 1").returncode == 1
    assert "x" not in db
    assert _open(db.path, "--write", "-c", "db['x'] = 1").returncode == 0
    assert isfdb.open(db.path)["x"] == 1


def test_what_is_no_database_is_status_2_and_made_by_no_slip(tmp_path):
    for words in ((), ("--write",)):
        done = _open(str(tmp_path / "none"), *words, "-c", "1")
        assert (done.returncode, "there is no database" in done.stderr) == (2, True)
    assert not list(tmp_path.iterdir())


def test_in_a_terminal_three_lines_tell_what_to_do_and_leaving_is_status_0(db):
    db["rates"] = 41
    child = pexpect.spawn(
        sys.executable,
        ["-m", "isfdb", "open", db.path],
        encoding="utf-8",
        timeout=60,
        env={**os.environ, "NO_COLOR": "1"},
        dimensions=(24, 200),
    )
    child.expect(r"db is results with 1 name, read-only")
    child.expect("%isfdb show KEY")
    child.expect("Ctrl-D or exit leaves.")
    child.expect(r"In \[\S{0,12}1")
    child.send("db['rates'] + 1\r")
    child.expect("42")
    child.expect(r"In \[\S{0,12}2")
    child.send("exit\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
