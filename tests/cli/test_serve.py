"""``isfdb serve`` as it is started in a shell: the link it prints opens the pages, and Ctrl-C or SIGTERM ends it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from isfdb.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts the command in a process of its own."""
    began: list[subprocess.Popen[str]] = []

    def run(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "isfdb.cli", "serve", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        began.append(process)
        return process

    yield run
    for process in began:
        process.kill()
        process.communicate()


def link_of(process: subprocess.Popen[str]) -> str:
    """Return the next link that is printed."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().startswith("http://"):
            return line.strip()
    raise AssertionError("no link was printed")


def open_link(link: str) -> str:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(link, timeout=60) as answer:
        assert "token" not in answer.url
        return answer.read().decode()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_shows_a_database_until_it_is_ended(how: int, db, start):
    db["rates"] = [1, 2]
    process = start(db.path)
    assert "rates</a>" in open_link(link_of(process))
    another = link_of(process)
    assert "rates</a>" in open_link(another)
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == ""
    assert out.endswith("isfdb serve: ended\n")


def test_the_link_can_go_into_a_file_that_nobody_else_reads(db, start, tmp_path: Path):
    file = tmp_path / "link.txt"
    process = start(db.path, "--token-file", str(file), "--json")
    assert process.stdout is not None
    told = json.loads("".join(iter_until_closed(process)))
    assert told["url"] is None
    reference = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in reference for name in told)
    assert told["databases"] == [{"id": db.id, "name": db.name, "path": db.path}]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    link = file.read_text().strip()
    assert f":{told['port']}/" in link
    open_link(link)
    assert file.read_text().strip() != link
    with pytest.raises(urllib.error.HTTPError, match="403"):
        open_link(link)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert out == ""
    assert not file.exists()


def iter_until_closed(process: subprocess.Popen[str]) -> Iterator[str]:
    """Give the lines of one JSON object."""
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if line == "}\n":
            return


def test_a_file_that_is_there_is_not_written_through_a_link(db, start, tmp_path: Path):
    other = tmp_path / "other"
    other.write_text("mine")
    file = tmp_path / "link.txt"
    file.symlink_to(other)
    process = start(db.path, "--token-file", str(file))
    assert process.stdout is not None
    while not file.read_text().startswith("http"):
        assert process.poll() is None
    assert other.read_text() == "mine"
    assert not file.is_symlink()


def test_a_port_in_use_is_said(db, start, capsys):
    process = start(db.path, "--json")
    port = json.loads("".join(iter_until_closed(process)))["port"]
    assert main(["serve", db.path, "--port", str(port)]) == 2
    assert f"cannot listen on port {port} of this computer" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--registry", "somewhere")], ids=["nothing", "both"])
def test_what_to_serve_must_be_said(words: tuple[str, ...], capsys):
    assert main(["serve", *words]) == 2
    assert "say which databases to serve" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "http", "²"])
def test_a_port_is_a_number(port: str, capsys):
    with pytest.raises(SystemExit):
        main(["serve", "x", f"--port={port}"])
    assert "is no port" in capsys.readouterr().err


def test_a_database_that_is_not_there_is_said(tmp_path: Path, capsys):
    assert main(["serve", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not os.path.exists(tmp_path / "nowhere")
