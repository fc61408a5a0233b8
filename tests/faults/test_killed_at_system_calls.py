"""As `test_killed_writer.py`, at every single system call, whoever makes it: also the loaderdumper, numpy and the threads that flush."""

from __future__ import annotations

import collections
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import isfdb
from isfdb.testing.reliability_table import Tally
from tests.faults.writers import array, look

CALLS = "mkdir,rename,link,unlink,rmdir,openat,write,writev,pwrite64,fsync,close"

WRITER = """
import sys, isfdb
from tests.faults.writers import array
isfdb.set_options(register=False, capture=False)
db = isfdb.open(sys.argv[1])
db["k"] = array(1)
print("ready", flush=True)
sys.stdin.readline()
db["k"] = array(2)
print("acknowledged", flush=True)
"""


def overwrite_under_strace(path: Path, *options: str) -> bool:
    """Overwrite an array while strace looks, or kills; return whether it was acknowledged."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert writer.stdin and writer.stdout
    writer.stdout.readline()
    tracer = subprocess.Popen(["strace", "-qq", "-f", "-p", str(writer.pid), "-e", f"trace={CALLS}", *options], stderr=subprocess.DEVNULL)
    while "TracerPid:\t0" in Path(f"/proc/{writer.pid}/status").read_text():
        assert tracer.poll() is None, "strace could not attach"
        time.sleep(0.005)
    told = writer.communicate("go\n", timeout=60)[0]
    tracer.wait(60)
    return "acknowledged" in told


@pytest.fixture
def may_trace(tmp_path: Path, long_run: bool) -> None:
    if not long_run:
        pytest.skip("runs only with --long")
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: killing at every system call was not tested")
    if subprocess.run(["strace", "-qq", "-o", str(tmp_path / "trial"), "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here: killing at every system call was not tested")


def test_a_writer_killed_at_every_system_call_leaves_a_good_value(may_trace: None, tmp_path: Path, tally: Tally) -> None:
    assert overwrite_under_strace(tmp_path / "whole", "-o", str(tmp_path / "trace"))
    names = re.findall(r"^\d+ +(\w+)\(", (tmp_path / "trace").read_text(), re.MULTILINE)
    assert names.count("fsync") >= 5, "what is to be killed was not traced"
    moments = [(name, n + 1) for name, count in collections.Counter(names).items() for n in range(count)]
    bad = []
    for name, n in moments:
        path = tmp_path / f"{name}{n}"
        acknowledged = overwrite_under_strace(path, "-o", "/dev/null", "-e", f"inject={name}:signal=KILL:when={n}")
        db = isfdb.open(path)
        found, allowed = look(db), ([{"k": 2}] if acknowledged else [{"k": 1}, {"k": 2}])
        db.collect()
        if found not in allowed or isfdb.verify(db):
            bad.append(f"{name} {n}: {found}, {isfdb.verify(db)}")
        db["k"] = array(3)
        shutil.rmtree(path)
    tally("killed at every system call: overwrite an array", tries=len(moments), wrong=len(bad))
    print(f"{len(moments)} system calls, {len(bad)} bad")
    assert not bad, "\n".join(bad)
