"""Ctrl-C ends the process of a replay, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_MAKE = """\
import isfdb, os, time
db = isfdb.open('results')
def one():
    if os.path.exists('wait'):
        print('it waits', flush=True)
        time.sleep(600)
    return 1
db['x'] = one()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX has them")
def test_ctrl_c_ends_the_script_and_removes_its_folder(tmp_path: Path) -> None:
    (tmp_path / "make.py").write_text(_MAKE)
    (tmp_path / "temporary").mkdir()
    environment = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    environment["TMPDIR"] = str(tmp_path / "temporary")
    subprocess.run([sys.executable, "make.py"], cwd=tmp_path, env=environment, check=True, timeout=120)
    (tmp_path / "wait").write_text("")
    command = [sys.executable, "-c", "import isfdb; isfdb.replay(isfdb.open('results'), 'x', progress=True)"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "it waits" in line:
                break
        assert list((tmp_path / "temporary").iterdir())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) != 0
    until = time.monotonic() + 10
    while list((tmp_path / "temporary").glob("isfdb-check-*")) and time.monotonic() < until:
        time.sleep(0.1)
    assert not list((tmp_path / "temporary").glob("isfdb-check-*"))
