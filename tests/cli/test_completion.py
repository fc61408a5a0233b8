"""The Tab key in real shells: verbs, options, databases and keys are completed, and no key can run anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import isfdb
from isfdb.cli import completing

HOSTILE = (
    "$(touch pwned)", "`touch pwned`", "a;touch pwned", "|touch pwned", "&touch pwned", ">pwned", "x\x0btouch pwned", "x\ntouch pwned",
    "a'b", 'a"b', "*", "?", "[a]", "{a,b}", "-rf", "~root", "#c", "=ls", "!!", "\x1b[31mred", "\u202eb", "\\",
)  # fmt: skip
_SETTING_UP = {
    "bash": 'bind "set bell-style none"; bind "set show-all-if-ambiguous on"; bind "set enable-bracketed-paste off"; '
    'eval "$(isfdb completion bash)"',
    "zsh": 'autoload -U compinit; compinit -u -D; unset zle_bracketed_paste; eval "$(isfdb completion zsh)"',
    "fish": "isfdb completion fish | source",
}
_OPTIONS = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    """A folder with a database in which hostile and ordinary keys lie, and a command `isfdb` on the path."""
    with isfdb.open(tmp_path / "results") as db:
        for key in ("rates", "trace", "cells/L5PT", "cells/two words", "cells/µ", *HOSTILE):
            db[key] = 1
        db.attributes["rates"]["unit"] = "Hz"
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "isfdb"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m isfdb "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def offered(line: str, shell: str = "bash") -> list[str]:
    """Ask as a shell's completion function does."""
    environment = {
        "_ARGCOMPLETE": "1", "_ARGCOMPLETE_SHELL": shell, "_ARGCOMPLETE_SUPPRESS_SPACE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": "answer",
        "_ARGCOMPLETE_COMP_WORDBREAKS": " \t\n\"'@><=;|&(:", "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9",
        "IFS": "\x0b",
    }  # fmt: skip
    Path("answer").write_text("")
    subprocess.run(["isfdb"], env={**os.environ, **environment}, check=True, timeout=60)
    return [one for one in Path("answer").read_text().split("\x0b") if one]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("isfdb verif", ["verify"]),
        ("isfdb re", ["replay", "report", "rename", "registry"]),
        ("isfdb registry new", ["new-id"]),
        ("isfdb ls --js", ["--json", "--jsonl"]),
        ("isfdb show results r", ["rates"]),
        ("isfdb show results cells/", ["cells/L5PT", "cells/two\\ words", "cells/µ"]),
        ("isfdb ls results c", ["cells/"]),
        ("isfdb diff results tr", ["trace"]),
        ("isfdb attributes results rates u", ["unit"]),
        ("isfdb export results --format r", ["ro-crate"]),
        ("isfdb show none r", []),
        ("isfdb show results nothing/", []),
        ("isfdb completion z", ["zsh"]),
    ],
)
def test_what_fits_is_offered(line: str, expected: list[str], here: Path):
    assert sorted(offered(line)) == sorted(expected)


def test_given_names_and_folders_are_offered_as_databases(here: Path):
    isfdb.registry.add("results", name="cortex-2026")
    assert offered("isfdb ls cort") == ["cortex-2026"]
    assert offered("isfdb ls resu") == ["results/"]


def test_nothing_that_a_shell_may_act_on_is_offered(here: Path):
    names = [name.rstrip() for name in offered("isfdb show results ")]
    assert sorted(names) == ["cells/", "rates", "trace"]


def test_of_very_many_keys_some_are_offered(here: Path):
    with isfdb.open("many").batch() as db:
        for number in range(completing.MOST + 50):
            db[f"key{number:04}"] = number
    assert len(offered("isfdb show many key")) == completing.MOST


def test_completing_notes_nothing_in_the_registry(here: Path):
    isfdb.registry.forget("results")
    assert "rates" in offered("isfdb show results r")
    assert not [one for one in isfdb.registry.databases() if one.path == os.path.realpath("results")]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_real_shell_completes_and_runs_nothing(shell: str, here: Path):
    pexpect = pytest.importorskip("pexpect")
    if shutil.which(shell) is None:
        assert not os.environ.get("CI_BROWSER"), f"there is no {shell}, and .ci/run installs it"
        pytest.skip(f"there is no {shell} on this computer")
    environment = {**os.environ, "TERM": "dumb", "PS1": "$ ", "HOME": str(here)}
    child = pexpect.spawn(shell, _OPTIONS[shell], env=environment, encoding="utf-8", timeout=60, dimensions=(40, 160))
    child.send(f"{_SETTING_UP[shell]}; echo read''y\r")
    child.expect(r"ready\r\n")
    # Each line is completed and then run: what the shell made of it is what the command answers to.
    for typed, expected in (("isfdb sho\tresults ra\t", r"ndarray|int 1"), ("isfdb show results cells/tw\t", "two words")):
        child.send(f"{typed}")
        child.expect("rates" if "ra" in typed else r"cells/two")
        child.send("\r")
        child.expect(expected)
    child.send("isfdb show results \t\t")
    child.expect("trace")
    child.close(force=True)
    assert not (here / "pwned").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed_and_help_says_where_it_goes(shell: str, capsys):
    from isfdb.cli.main import main

    assert main(["completion", shell]) == 0
    assert "isfdb" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["completion", "--help"])
    assert re.search(rf"completion {shell}\W.*\.(bashrc|zshrc|config/fish)", capsys.readouterr().out)
