"""Programs that are started in the background: what they say is read, they end with all their children, and they hold no file of ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from isfdb.provenance.collectors import spawning
from isfdb.provenance.collectors.spawning import start

if TYPE_CHECKING:
    from pathlib import Path

fcntl = pytest.importorskip("fcntl", reason="without fcntl there are no such locks")


def said(*command: str, environment: dict[str, str] | None = None) -> tuple[int | None, str, str]:
    """Run a program, and return its status and what it said."""
    child = start(command, {**os.environ} if environment is None else environment)
    try:
        with open(child.output, closefd=False) as output, open(child.errors, closefd=False) as errors:
            told = output.read(), errors.read()
        return child.ended(60), *told
    finally:
        child.leave()


def python(text: str, environment: dict[str, str] | None = None) -> tuple[int | None, str, str]:
    """Run a Python program."""
    return said(sys.executable, "-I", "-S", "-c", text, environment=environment)


@pytest.fixture(params=["closing the files", "where they cannot be closed"])
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start programs as on this system, and as on others."""
    if request.param != "closing the files":
        monkeypatch.setattr(spawning, "_Spawned", spawning._Begun)


@pytest.mark.usefixtures("each_way")
def test_status_and_both_outputs_come_back():
    assert python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)") == (3, "out\n", "err\n")


def test_the_program_has_the_environment_that_is_given_and_nothing_to_read():
    text = "import os, sys; print(dict(os.environ).get('GIVEN'), 'HOME' in os.environ, repr(sys.stdin.read()))"
    assert python(text, {"GIVEN": "x"})[1] == "x False ''\n"


@pytest.mark.usefixtures("each_way")
def test_a_program_that_is_not_there_is_an_error_and_leaves_no_pipe_open():
    before = os.listdir("/dev/fd")
    with pytest.raises(FileNotFoundError):
        start(["no-such-program-anywhere"], {**os.environ})
    assert os.listdir("/dev/fd") == before


def test_an_interrupt_of_the_notebook_does_not_reach_it_and_signals_are_as_a_program_expects_them():
    text = "import os, signal; print(os.getsid(0) == os.getpid()); print(open('/proc/self/status').read())"
    status, out, _ = python(f"import signal; signal.signal(signal.SIGPIPE, signal.SIG_IGN); {text}")
    assert status == 0
    assert out.startswith("True")
    ignored = int(next(line.split()[1] for line in said("cat", "/proc/self/status")[1].splitlines() if line.startswith("SigIgn")), 16)
    assert not ignored & 1 << (signal.SIGPIPE - 1)


def test_it_holds_no_file_that_is_open_here_even_one_that_is_meant_to_be_inherited(tmp_path: Path):
    opened = os.open(tmp_path / "data", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(opened, True)
    try:
        text = "import os; print([os.readlink(f'/proc/self/fd/{one}') for one in os.listdir('/proc/self/fd') if int(one) > 2])"
        _, out, _ = python(text)
    finally:
        os.close(opened)
    assert "data" not in out


def test_a_file_can_be_locked_again_at_once_while_programs_start(tmp_path: Path):
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            child = start(["true"], {**os.environ})
            child.ended(60)
            child.leave()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(10_000):
            opened = os.open(tmp_path / "data", os.O_CREAT | os.O_RDWR)
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError where a child still has the one before
            os.close(opened)
    finally:
        over.set()
        thread.join()


@pytest.mark.usefixtures("each_way")
def test_what_is_left_is_killed_with_its_children(tmp_path: Path):
    child = start(["sh", "-c", f"sleep 600 & echo $! > {tmp_path}/pid; echo begun; wait"], {**os.environ})
    assert os.read(child.output, 10) == b"begun\n"
    grandchild = int((tmp_path / "pid").read_text())
    child.leave()
    assert child.ended(0) == -signal.SIGKILL
    until_gone(grandchild)


def until_gone(pid: int) -> None:
    """Wait until a process is gone, or waits for somebody to ask how it ended; a hang is ended by the suite."""
    while True:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except OSError:
            return


def test_it_works_where_the_first_three_files_are_closed():
    text = """
import os, sys
for one in (0, 1, 2):
    os.close(one)
from isfdb.provenance.collectors.spawning import start
child = start(["sh", "-c", "echo out; echo err >&2; exit 5"], dict(os.environ))
out, err = os.read(child.output, 100), os.read(child.errors, 100)
status = child.ended(60)
child.leave()
os._exit(0 if (out, err, status) == (b"out\\n", b"err\\n", 5) else 1)
"""
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0
