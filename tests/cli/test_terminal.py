"""Where an answer goes: its width, its colours, the pager, lines of JSON as they come, and nothing that acts on the terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import isfdb
from isfdb.cli.main import main
from isfdb.display.safe import fit_end, width
from isfdb.hashing import digest_of
from isfdb.manifest import sealed

_SGR = re.compile("\x1b\\[[0-9;]*m")
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
HOSTILE = "evil\x1b[2J\x1b]0;title\x07\u202ename"


def on_terminal(*words: str, columns: int = 80, lines: int = 24, **variables: str) -> str:
    """Return what a terminal of that size gets to see."""
    pexpect = pytest.importorskip("pexpect")
    surroundings = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES", "LESS", "PAGER", "NO_COLOR")}
    surroundings |= {"TERM": "xterm", "PYTHONIOENCODING": "utf-8", **variables}
    child = pexpect.spawn(
        sys.executable, ["-m", "isfdb", *words], encoding="utf-8", env=surroundings, dimensions=(lines, columns), timeout=60
    )
    out = child.read()
    child.close()
    assert child.exitstatus == 0
    return out.replace("\r\n", "\n")


def in_pipe(*words: str, **variables: str) -> str:
    """Return what a pipe gets."""
    command, surroundings = [sys.executable, "-m", "isfdb", *words], {**os.environ, **variables}
    return subprocess.run(command, env=surroundings, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("words", [("ls",), ("log",), ("find", "value:*"), ("show", "日本語のキー")], ids=lambda words: words[0])
def test_wide_and_combining_characters_are_counted_by_width(words: tuple[str, ...], db):
    db["日本語のキー"] = "値" * 30
    db["e\u0301" * 30] = "combining"
    db["🧠" * 20] = {"列名" * 9: 1}
    if words[0] == "find":
        words = ("find", "type:str")
    out = on_terminal(words[0], db.path, *words[1:], columns=60, lines=200)
    told = [_SGR.sub("", line) for line in out.splitlines()]
    table = [line for line in told if words[0] != "show" and ("v1" in line or "─" in line)] or told[:1]
    assert max(width(line) for line in table) <= 60


def test_the_registry_fits_a_terminal_and_shows_the_end_of_paths(db):
    isfdb.registry.add(db.path)
    lines = on_terminal("registry", "list", columns=72, lines=1000).splitlines()
    assert max(map(width, lines)) <= 72
    assert any(line.endswith("results") for line in lines)


def test_the_beginning_of_a_path_is_cut():
    assert fit_end("/very/long/path", 9) == "…ong/path"
    assert fit_end("/数据/库", 6) == "…据/库"
    assert fit_end("/short", 9) == "/short"


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_a_pipe_has_colour_only_by_force(db, variables: dict[str, str], coloured: bool):
    db["x"] = 1
    assert ("\x1b[1m" in in_pipe("ls", db.path, **variables)) is coloured


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"CLICOLOR": "0"}, {"TERM": "dumb"}])
def test_a_terminal_has_no_colour_where_it_is_not_wanted(db, variables: dict[str, str]):
    db["x"] = 1
    assert "\x1b[" in on_terminal("ls", db.path)
    assert "\x1b[" not in on_terminal("ls", db.path, **variables)


@pytest.fixture
def pager(tmp_path: Path) -> str:
    """A pager that says that it was used."""
    command = tmp_path / "pager"
    command.write_text("#!/bin/sh\necho PAGED with LESS=$LESS\ncat\n")
    command.chmod(0o755)
    return str(command)


def test_text_longer_than_the_terminal_goes_through_the_pager(db, pager: str):
    for number in range(12):
        db[f"key{number:02}"] = number
    shown = on_terminal("ls", db.path, lines=10, PAGER=pager)
    assert "PAGED with LESS=FRX" in shown
    assert "key11" in shown
    assert "PAGED" not in on_terminal("ls", db.path, lines=30, PAGER=pager)
    assert "PAGED" not in on_terminal("ls", db.path, "--no-pager", lines=10, PAGER=pager)
    assert "PAGED" not in on_terminal("ls", db.path, "--json", lines=10, PAGER=pager)
    assert "PAGED with LESS=S" in on_terminal("ls", db.path, lines=10, PAGER=pager, LESS="S")


@pytest.mark.parametrize("command", ["", "cat", "/no/such/pager"])
def test_without_a_pager_the_text_is_printed(db, command: str):
    for number in range(12):
        db[f"key{number:02}"] = number
    assert "key11" in on_terminal("ls", db.path, lines=10, PAGER=command)


def test_a_pager_that_is_left_early_is_no_error(db, tmp_path: Path):
    with db.batch():
        for number in range(900):
            db[f"key{number:03}" + "x" * 100] = number
    (tmp_path / "brief").write_text("#!/bin/sh\nhead -n 1\n")
    (tmp_path / "brief").chmod(0o755)
    assert len(on_terminal("ls", db.path, lines=10, PAGER=str(tmp_path / "brief")).splitlines()) == 1


def test_a_pipe_is_never_paged(db, pager: str):
    for number in range(60):
        db[f"key{number:02}"] = number
    assert "PAGED" not in in_pipe("ls", db.path, PAGER=pager)


def test_lines_come_one_by_one(db, tmp_path: Path):
    with db.batch():
        for number in range(300):
            db[f"key{number:03}"] = number
    with subprocess.Popen(
        [sys.executable, "-m", "isfdb", "ls", db.path, "--jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert json.loads(process.stdout.readline())["key"] == "key000"
        process.stdout.close()  # whoever has seen enough stops the rest
        assert process.stderr.read() == b""
    assert process.returncode in (0, 141)


def test_an_error_with_hostile_names_acts_on_no_terminal(db, tmp_path: Path, capsys):
    db[HOSTILE] = 1
    db["x"] = 1
    db.attributes["x"][HOSTILE] = HOSTILE
    for words in (
        ("show", db.path, HOSTILE + "x"),
        ("get", db.path, "nothing" + HOSTILE),
        ("delete", db.path, HOSTILE + "x"),
        ("rename", db.path, HOSTILE, "x"),
        ("copy", db.path, HOSTILE, HOSTILE + "/y", "--version", "7"),
        ("attributes", db.path, "x", HOSTILE + "x"),
        ("attributes", db.path, "x"),
        ("attach", db.path, "y", HOSTILE),
        ("ls", HOSTILE),
        ("ls", db.path, HOSTILE),
        ("find", db.path, HOSTILE + ":x"),
        ("diff", db.path, HOSTILE, "x"),
        ("export", db.path, HOSTILE + "x", "-o", str(tmp_path / "out.zip")),
        ("registry", "forget", HOSTILE),
        ("verify", db.path, HOSTILE),
        ("replay", db.path, HOSTILE),
        ("code", db.path, HOSTILE, "--version", HOSTILE),
        ("lineage", db.path, HOSTILE),
        ("whence", HOSTILE),
        ("import", HOSTILE, str(tmp_path / "new")),
        ("delete", db.path, HOSTILE),
    ):
        main(words)
        captured = capsys.readouterr()
        assert not _ACTING.search(captured.out + captured.err), words
    for words in ((HOSTILE,), ("ls", db.path, f"--{HOSTILE}"), ("ls", db.path, "--depth", HOSTILE), ("completion", HOSTILE)):
        with pytest.raises(SystemExit):
            main(words)
        assert not _ACTING.search(capsys.readouterr().err), words


def test_a_warning_and_a_fault_of_ours_act_on_no_terminal(db, monkeypatch, capsys):
    from isfdb.cli import ls

    def warn(arguments, terminal) -> int:
        warnings.warn(f"about {HOSTILE}", isfdb.errors.DatabaseWarning, stacklevel=1)
        raise ValueError(HOSTILE)

    monkeypatch.setattr(ls, "run", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(("ls", db.path)) == 2
    err = capsys.readouterr().err
    assert "isfdb: DatabaseWarning: about evil\\e[2J" in err
    assert "a fault in isfdb: ValueError" in err
    assert not _ACTING.search(err)


@pytest.mark.parametrize("words", [("get",), ("code",), ("show", "--preview"), ("lineage",)], ids=lambda words: words[0])
def test_what_a_stranger_stored_does_not_act_on_a_terminal_and_is_whole_in_a_pipe(words: tuple[str, ...], db):
    source = f"value = 1  # \x9b31m {HOSTILE}\n"
    db["k"] = f"\x9b31m {HOSTILE}"
    folder = db.entry("k").path
    (folder / "code.py").write_text(source)
    record = json.loads((folder / "metadata.json").read_text())
    record |= {"slice": {"digest": digest_of(source.encode()), "size": len(source.encode()), "labels": []}, "unknown": {}}
    (folder / "metadata.json").write_text(sealed(record)[0])
    out = on_terminal(words[0], db.path, "k", *words[1:], lines=1000)
    assert not _ACTING.search(_SGR.sub("", out)), out
    if words == ("get",):
        assert "\x9b31m" in in_pipe("get", db.path, "k")
