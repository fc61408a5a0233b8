"""The walls around a clean process: what programs and C libraries cannot change either, and that nothing is changed outside of it."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import isfdb
import isfdb.explaining.workplace as workplaces
from isfdb.explaining.clean_process import Task, run
from isfdb.provenance.records import UsedFile

WALLS = ("namespaces", "landlock")
_KERNEL = "from isfdb.explaining import kernel\n"
_AS_IF_IT_WERE_NOT_ROOT = f"{_KERNEL}kernel.keep_capabilities(kernel.capabilities() & ~(1 << 21))\n"


@functools.cache
def _is_allowed(wall: str) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/work")
        return run(Task("value = 1", folder, f"{folder}/work", path=tuple(sys.path), wall=wall)).outcome == "done"


@pytest.fixture(params=WALLS)
def wall(request):
    if not _is_allowed(request.param):
        pytest.skip(f"this computer does not allow {request.param}")
    return request.param


@pytest.fixture
def namespaces():
    if not _is_allowed("namespaces"):
        pytest.skip("this computer does not allow namespaces")
    return "namespaces"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.txt").write_text("as it was")
    return folder


def _is_as_it_was(folder: Path) -> bool:
    return os.listdir(folder) == ["a.txt"] and (folder / "a.txt").read_text() == "as it was"


CHANGES = (
    "rm -rf {mine}",
    "echo x > {mine}/a.txt",
    "echo x >> {mine}/new.txt",
    "mv {mine}/a.txt .",
    "ln -s {mine}/a.txt link; echo x > link",
    "ln {mine}/a.txt hard 2>/dev/null; echo x > hard",
    "mkdir {mine}/new",
    f"{sys.executable} -c \"open('{{mine}}/a.txt', 'w').write('x')\"",
    "unshare -Urm sh -c 'mount -o remount,rw,bind /; echo x > {mine}/a.txt'",
    "mount -o remount,rw,bind /; echo x > {mine}/a.txt",
    "mount --bind {mine} work; umount -l /; echo x > {mine}/a.txt",
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_program_changes_nothing_elsewhere(finished, wall, mine, change):
    script = f"import subprocess\nsubprocess.run({change.format(mine=mine)!r}, shell=True)\nvalue = 1"
    done = finished(script, wall=wall)
    assert (done.outcome, done.wall) == ("done", wall)
    assert _is_as_it_was(mine)


def test_a_c_library_changes_nothing_elsewhere(finished, wall, mine):
    script = f"import ctypes\nvalue = ctypes.CDLL(None).open({os.fsencode(mine / 'new.txt')!r}, 0o101, 0o644)"
    assert isfdb.open(finished(script, wall=wall).answer, "r")["value"] == -1
    assert _is_as_it_was(mine)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root could do that without the wall")
def test_root_does_not_read_the_disk_past_all_files(finished, namespaces):
    script = "import os, stat\nfound = [entry for entry in os.scandir('/dev') if not entry.is_symlink()]\n"
    script += "value = [entry.path for entry in found if stat.S_ISBLK(entry.stat().st_mode)]"
    assert isfdb.open(finished(script, wall=namespaces).answer, "r")["value"] == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can put services there")
def test_services_that_would_write_for_it_are_not_reached(namespaces, tmp_path):
    (tmp_path / "run" / "work").mkdir(parents=True)
    ask = (
        "import socket\nvalue = []\nfor path in ('/run/docker.sock', '/run/user/0/bus'):\n"
        "    try: socket.socket(socket.AF_UNIX).connect(path)\n    except OSError as error: value.append(type(error).__name__)"
    )
    run_it = (
        f"import os, socket, sys\n{_KERNEL}from isfdb.explaining.clean_process import *\nimport isfdb\n"
        "kernel.unshare(kernel.NEW_MOUNTS)\nkernel.mount(None, '/', None, kernel.RECURSIVE | kernel.PRIVATE)\n"
        "kernel.mount('tmpfs', '/run', 'tmpfs', 0)\nos.makedirs('/run/user/0')\n"
        "services = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]\n"
        "services[0].bind('/run/docker.sock'); services[1].bind('/run/user/0/bus')\n[one.listen() for one in services]\n"
        f"done = run(Task({ask!r}, {str(tmp_path / 'run')!r}, {str(tmp_path / 'run/work')!r}, path=tuple(sys.path), wall='namespaces'))\n"
        "print(done.because or isfdb.open(done.answer, 'r')['value'])"
    )
    shown = subprocess.run([sys.executable, "-c", run_it], capture_output=True, text=True, check=True, timeout=60).stdout
    assert shown == "['ConnectionRefusedError', 'FileNotFoundError']\n"


def test_its_own_folder_and_those_it_is_given_can_be_changed_by_programs(finished, wall, tmp_path):
    given = tmp_path / "given"
    given.mkdir()
    command = f"echo a > a && mv a b && mkdir d && mv b d/c && echo a > {given}/a && echo x > /dev/null && echo shown > /dev/stdout"
    script = f"import subprocess\nsubprocess.run({command!r}, shell=True, check=True)\nvalue = open('d/c').read()"
    done = finished(script, wall=wall, writable=(str(given),))
    assert (done.outcome, done.because, done.output) == ("done", "", "shown\n")
    assert os.listdir(given) == ["a"]


def test_a_c_library_that_fails_for_the_wall_is_told_as_refused(finished, namespaces, mine):
    pytest.importorskip("h5py")
    done = finished(f"import h5py\nvalue = h5py.File({str(mine / 'new.h5')!r}, 'w')", wall=namespaces)
    assert done.outcome == "failed" and "OSError" in done.because and "new.h5" in done.refused[0]


def test_a_program_that_fails_for_the_wall_is_told_as_refused(finished, namespaces, mine):
    done = finished(f"import subprocess\nsubprocess.run(['touch', {str(mine / 'new')!r}], check=True)", wall=namespaces)
    assert done.outcome == "failed" and str(mine / "new") in done.refused[0]


def test_everything_can_be_read(finished, wall, mine):
    script = f"import subprocess\nvalue = subprocess.run(['cat', {str(mine / 'a.txt')!r}], capture_output=True, text=True).stdout"
    assert isfdb.open(finished(script, wall=wall).answer, "r")["value"] == "as it was"


@pytest.mark.skipif(not os.path.exists("/proc/self/mounts"), reason="there are no namespaces")
def test_nothing_is_mounted_where_others_see_it(finished, namespaces):
    before = Path("/proc/self/mounts").read_text(), os.listdir("/dev/shm")
    assert finished("open('/dev/shm/own', 'w').write('x')\nvalue = 1", wall=namespaces).outcome == "done"
    assert Path("/proc/self/mounts").read_text() == before[0]
    assert "own" not in os.listdir("/dev/shm")


def test_somebody_who_is_not_root_has_the_wall_too(namespaces, tmp_path, mine):
    (tmp_path / "run" / "work").mkdir(parents=True)
    run_it = (
        f"{_AS_IF_IT_WERE_NOT_ROOT}import sys\nfrom isfdb.explaining.clean_process import *\n"
        f"done = run(Task(\"import os; value = os.system('rm -r {mine}')\", {str(tmp_path / 'run')!r}, {str(tmp_path / 'run/work')!r}, "
        "path=tuple(sys.path), wall='namespaces', offline=True))\nprint(done.outcome, done.wall, done.because)"
    )
    shown = subprocess.run([sys.executable, "-c", run_it], capture_output=True, text=True, check=True, timeout=60).stdout
    assert shown == "done namespaces \n"
    assert _is_as_it_was(mine)


def test_where_mounts_can_only_be_changed_one_by_one_all_are(namespaces):
    script = (
        f"import os\n{_KERNEL}from isfdb.explaining import wall\n"
        "kernel.unshare(kernel.NEW_MOUNTS | (kernel.NEW_USER if os.geteuid() else 0))\n"
        "kernel.mount(None, '/', None, kernel.RECURSIVE | kernel.PRIVATE)\n"
        "wall.make_each_read_only(['/dev/shm'])\n"
        "print(sorted({place for place, options in wall._mounts() if 'ro' not in options}))"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout
    assert shown == "['/dev/shm']\n"


def test_a_computer_without_namespaces_gets_the_next_wall(tmp_path):
    (tmp_path / "work").mkdir()
    script = (
        "import os, sys\nimport isfdb.explaining.clean_process as clean_process\nfrom isfdb.explaining.clean_process import Task, run\n"
        "import resource, ctypes\nctypes.CDLL(None).unshare(0x10000000)\n"
        f"task = Task('value = 1', {str(tmp_path)!r}, {str(tmp_path / 'work')!r}, path=tuple(sys.path))\n"
        "done = run(task)\nprint(done.output, done.outcome, done.wall in ('landlock', 'audit hook'), clean_process._best > 0)"
    )
    # In a user namespace without a map nobody may make one more.
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout
    assert shown == " done True True\n"


def test_a_wall_that_cannot_be_had_is_named(tmp_path):
    (tmp_path / "work").mkdir()
    if _is_allowed("namespaces"):
        pytest.skip("this computer allows all of them")
    done = run(Task("value = 1", str(tmp_path), str(tmp_path / "work"), path=tuple(sys.path), wall="namespaces"))
    assert done.outcome == "failed" and "does not allow the wall 'namespaces'" in done.because


# Processes --------------------------------------------------------------------------------------------------------------------------

_DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for _ in range(600):
            open("alive", "w").write(str(time.time()))
            time.sleep(0.02)
    os._exit(0)
os.wait()
while not os.path.exists("alive"): time.sleep(0.01)
"""


@pytest.mark.parametrize(("rest", "outcome"), [("value = 1", "done"), ("1 / 0", "failed"), ("time.sleep(60)", "timed out")])
def test_a_daemon_ends_with_the_script(finished, namespaces, tmp_path, rest, outcome):
    assert finished(_DAEMON + rest, wall=namespaces, timeout_s=4).outcome == outcome
    marker = tmp_path / "run" / "work" / "alive"
    last = marker.read_text()
    time.sleep(0.2)
    assert marker.read_text() == last


def test_it_sees_and_ends_no_process_of_others(finished, namespaces):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        script = f"import os, signal\ntry: os.kill({other.pid}, signal.SIGKILL)\nexcept ProcessLookupError: pass\n"
        script += "assert os.getpid() == 2, 'without a namespace the next line would end everything'\n"
        script += "try: os.kill(-1, signal.SIGKILL)\nexcept ProcessLookupError: pass\n"
        script += "value = sorted(int(one) for one in os.listdir('/proc') if one.isdigit())"
        done = finished(script, wall=namespaces)
        assert isfdb.open(done.answer, "r")["value"] == [1, 2]
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_it_ends_with_the_process_that_waits_for_it(namespaces, tmp_path):
    (tmp_path / "work").mkdir()
    marker = tmp_path / "work" / "alive"
    script = "import time\nfor _ in range(600):\n    open('alive', 'w').write(str(time.time())); time.sleep(0.02)"
    waits = (
        "import sys\nfrom isfdb.explaining.clean_process import Task, run\n"
        f"run(Task({script!r}, {str(tmp_path)!r}, {str(tmp_path / 'work')!r}, path=tuple(sys.path), wall='namespaces'))"
    )
    parent = subprocess.Popen([sys.executable, "-c", waits])
    until = time.monotonic() + 60
    while not marker.exists() and time.monotonic() < until:
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    time.sleep(0.3)
    last = marker.read_text()
    time.sleep(0.3)
    assert marker.read_text() == last


def test_several_run_at_once(tmp_path):
    def one(number):
        folder = tmp_path / str(number)
        (folder / "work").mkdir(parents=True)
        return run(Task(f"import time; time.sleep(0.3)\nvalue = {number}", str(folder), str(folder / "work"), path=tuple(sys.path)))

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(one, range(6)))
    assert [isfdb.open(each.answer, "r")["value"] for each in done] == [0, 1, 2, 3, 4, 5]


# The network ------------------------------------------------------------------------------------------------------------------------


def test_offline_a_program_sees_this_computer_only(finished, namespaces):
    script = "import subprocess\nvalue = subprocess.run(['cat', '/proc/net/dev'], capture_output=True, text=True).stdout"
    shown = isfdb.open(finished(script, wall=namespaces, offline=True).answer, "r")["value"]
    assert [line.split(":")[0].strip() for line in shown.splitlines()[2:]] == ["lo"]


def test_offline_a_program_that_asks_for_the_network_is_noted(finished, namespaces):
    ask = "import socket; socket.getaddrinfo('data.example.org', 80)"
    done = finished(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {ask!r}], check=True)", wall=namespaces, offline=True)
    assert done.outcome == "failed" and done.network


def test_offline_a_service_of_this_computer_is_not_reached_and_counts_as_network(finished, namespaces):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        done = finished(f"import urllib.request\nvalue = urllib.request.urlopen({address!r}).read()", wall=namespaces, offline=True)
    assert done.outcome == "failed" and "refused" in done.because and done.network


def test_offline_this_computer_is_reached(finished, namespaces):
    script = (
        "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
        "client = socket.create_connection(('localhost', server.getsockname()[1]))\n"
        "client.sendall(b'x')\nvalue = server.accept()[0].recv(1).decode()"
    )
    done = finished(script, wall=namespaces, offline=True)
    assert (done.outcome, done.because, done.network) == ("done", "", False)


# What it read ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", ["echo x >> large.bin", "truncate -s 0 large.bin", "cp /dev/null large.bin", "rm large.bin; touch large.bin"]
)
def test_a_large_input_is_a_link_through_which_nothing_is_written(wall, tmp_path, monkeypatch, change):
    monkeypatch.setattr(workplaces, "MOST_COPIED_BYTES", 10)
    monkeypatch.setattr(workplaces, "_SMALL_BYTES", 10)
    project = tmp_path / "project"
    project.mkdir()
    (project / "large.bin").write_bytes(b"x" * 100)
    script = f"import subprocess\nvalue = [open('large.bin').read(3), subprocess.run({change!r}, shell=True).returncode]"
    with workplaces.workplace(str(project), [UsedFile(str(project / "large.bin"), 100)], {}) as place:
        assert os.path.islink(f"{place.directory}/large.bin")
        done = run(Task(script, place.folder, place.directory, path=tuple(sys.path), wall=wall))
        assert isfdb.open(done.answer, "r")["value"][0] == "xxx"
    assert (project / "large.bin").read_bytes() == b"x" * 100
