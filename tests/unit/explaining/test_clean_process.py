"""The clean process: limits that hold, nothing handed on that is secret, nothing changed elsewhere, nothing left running."""

from __future__ import annotations

import os
import re
import sys
import time

import pytest

import isfdb
from isfdb.explaining.handed_on import environment


def test_the_result_is_stored_and_what_was_printed_is_kept(finished):
    done = finished("print('hello')\nvalue = [1, 2]")
    assert (done.outcome, done.because, done.output, done.exit_status) == ("done", "", "hello\n", 0)
    assert isfdb.open(done.answer, "r")["value"] == [1, 2]


def test_it_is_stored_as_it_was_stored(finished):
    done = finished("import numpy\nvalue = numpy.arange(3)", dumper="numpy_to_npz")
    assert isfdb.open(done.answer, "r").entry("value").dumper == "numpy_to_npz"


def test_a_class_of_the_script_can_be_stored(finished):
    done = finished("class Cell:\n    n = 3\nvalue = Cell()")
    assert isfdb.open(done.answer, "r", trust=True)["value"].n == 3


@pytest.mark.parametrize(
    ("script", "because"),
    [
        ("a = 1\nb = 1 / 0", r"ZeroDivisionError: division by zero \(line 2 of the script\)"),
        ("value = (", r"SyntaxError: .* \(line 1 of the script\)"),
        ("a = 1", "leaves no variable 'value'"),
        ("import sys; sys.exit(3)", r"SystemExit: 3"),
        ("import os; os._exit(4)", "it ended by itself with status 4"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "it was killed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended by signal 11"),
    ],
)
def test_what_goes_wrong_is_told(finished, script, because):
    done = finished(script)
    assert done.outcome == "failed" and done.answer == ""
    assert re.search(because, done.because)


def test_a_traceback_shows_the_frames_of_the_script_and_none_of_isfdb(finished):
    done = finished("import json\n\ndef read(text):\n    return json.loads(text)\n\nread('{')")
    frames = [line.strip() for line in done.output.splitlines() if line.startswith("  File ")]
    assert frames[:2] == ['File "<script>", line 6, in <module>', 'File "<script>", line 4, in read']
    assert "json" in frames[2] and not any("explaining" in frame for frame in frames)
    assert "    return json.loads(text)" in done.output and done.output.splitlines()[-1].startswith("json.decoder.JSONDecodeError: ")


def test_a_traceback_of_an_error_in_isfdb_shows_none_of_its_frames_either(finished):
    done = finished("import isfdb\ntry:\n    isfdb.load('no link')\nexcept ValueError as error:\n    raise KeyError('b') from error")
    frames = [line for line in done.output.splitlines() if line.startswith("  File ")]
    assert len(frames) == 2 and all('"<script>"' in frame for frame in frames), done.output
    assert "LinkError" in done.output and done.output.splitlines()[-1] == "KeyError: 'b'"


def test_a_script_that_is_no_python_is_shown_where_it_is_none(finished):
    lines = finished("value = (").output.splitlines()
    assert lines[0] == '  File "<script>", line 1' and lines[1].strip() == "value = ("


def test_a_script_that_takes_too_long_is_ended_with_all_it_started(finished, tmp_path):
    marker = tmp_path / "run" / "work" / "alive"
    child = f"import time\nfor _ in range(600):\n    open({str(marker)!r}, 'w').write(str(time.time())); time.sleep(0.05)"
    script = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {child!r}]).wait()"
    done = finished(script, timeout_s=3.0)
    assert done.outcome == "timed out" and "more than 3 s" in done.because
    last = marker.read_text() if marker.exists() else ""
    time.sleep(0.3)
    assert (marker.read_text() if marker.exists() else "") == last


def test_what_the_script_left_running_ends_with_it(finished, tmp_path):
    marker = tmp_path / "run" / "work" / "alive"
    child = f"import time\nfor _ in range(600):\n    open({str(marker)!r}, 'w').write(str(time.time())); time.sleep(0.05)"
    script = f"import os, subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\n"
    done = finished(script + f"while not os.path.exists({str(marker)!r}): time.sleep(0.01)\nvalue = 1")
    assert done.outcome == "done"
    last = marker.read_text()
    time.sleep(0.3)
    assert marker.read_text() == last


def test_a_thread_that_never_ends_is_not_waited_for(finished):
    script = "import threading, time\nthreading.Thread(target=lambda: time.sleep(3600)).start()\nvalue = 1"
    assert finished(script).outcome == "done"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not limit what a process takes for its data")
def test_a_script_that_takes_too_much_memory_fails(finished):
    done = finished("value = bytearray(2_000_000_000)", memory_bytes=1_000_000_000)
    assert done.outcome == "out of memory" and "1,000,000,000 bytes" in done.because


@pytest.mark.parametrize(
    "change",
    [
        "open(path + '/a.txt', 'w')",
        "open(path + '/a.txt', 'a')",
        "open(path + '/new.txt', 'x')",
        "os.open(path + '/a.txt', os.O_RDWR)",
        "os.remove(path + '/a.txt')",
        "os.rename(path + '/a.txt', 'here.txt')",
        "os.rename('own.txt', path + '/a.txt')",
        "os.mkdir(path + '/new')",
        "shutil.rmtree(path)",
        "os.truncate(path + '/a.txt', 0)",
        "os.symlink('own.txt', path + '/link')",
        "pathlib.Path(path, 'a.txt').write_text('x')",
        "(os.symlink(path + '/a.txt', 'link'), open('link', 'w'))",
    ],
)
def test_nothing_outside_its_folder_is_changed(finished, tmp_path, change):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("as it was")
    setup = f"import os, pathlib, shutil\npath = {str(tmp_path / 'mine')!r}\nopen('own.txt', 'w').close()\n"
    done = finished(f"{setup}{change}\nvalue = 1")
    assert done.outcome == "failed" and "outside its own folder" in done.because
    assert done.refused and done.refused[0].startswith(str(tmp_path / "mine"))
    assert os.listdir(tmp_path / "mine") == ["a.txt"]
    assert (tmp_path / "mine" / "a.txt").read_text() == "as it was"


def test_reading_elsewhere_and_writing_in_its_own_folder_is_allowed(finished, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    script = (
        f"import tempfile, os\ntext = open({str(tmp_path / 'a.txt')!r}).read()\n"
        "os.makedirs('sub/sub')\nopen('sub/sub/b', 'w').write(text)\n"
        "with tempfile.TemporaryDirectory() as folder:\n    open(folder + '/c', 'w').write('1')\nos.devnull and open(os.devnull, 'w')\n"
        "value = open('sub/sub/b').read()"
    )
    assert isfdb.open(finished(script).answer, "r")["value"] == "text"


def test_secrets_and_what_concerns_this_program_are_not_handed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_" + "a1B2" * 9)
    monkeypatch.setenv("DB_PASSWORD", "correct horse battery")
    monkeypatch.setenv("JPY_SESSION_NAME", "x.ipynb")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    handed_on = environment(str(tmp_path))
    assert not {"GITHUB_TOKEN", "DB_PASSWORD", "JPY_SESSION_NAME"} & handed_on.keys()
    assert handed_on["MPLBACKEND"] == "agg" and handed_on["OMP_NUM_THREADS"] == "2" and handed_on["PATH"] == os.environ["PATH"]


def test_each_wanted_line_gives_a_value_and_one_that_fails_costs_no_other(finished):
    wanted = {"a": "value = numbers[0]", "b": "value = numbers[7]", "sub/c": "value = sum(numbers)", "d": "numbers.append(1)"}
    done = finished("numbers = [1, 2]\nvalue = 'not asked for'", wanted=wanted)
    answer = isfdb.open(done.answer, "r")
    assert (done.outcome, answer["a"], answer["sub/c"], sorted(done.failed)) == ("done", 1, 3, ["b", "d"])
    assert "IndexError" in done.failed["b"] and "no variable 'value'" in done.failed["d"]


def test_each_value_has_its_own_loaderdumper(finished):
    script = "import numpy\nvalue = numpy.arange(3)"
    done = finished(script, wanted={"a": "value = numpy.ones(2)", "b": "value = numpy.ones(3)"}, dumpers={"b": "numpy_to_npz"})
    answer = isfdb.open(done.answer, "r")
    assert (answer.entry("a").dumper, answer.entry("b").dumper) == ("numpy_to_npy", "numpy_to_npz")


def test_a_script_that_fails_leaves_nothing_that_was_wanted(finished):
    done = finished("1 / 0", wanted={"a": "value = 1", "b": "value = 2"})
    assert done.outcome == "failed" and sorted(done.failed) == ["a", "b"] and "ZeroDivisionError" in done.failed["b"]


def test_a_script_may_end_with_exit(finished):
    assert finished("import sys\nvalue = 1\nsys.exit()").outcome == "done"


def test_lines_that_are_wanted_read_what_the_script_stored_over_its_pins(finished, tmp_path):
    db = isfdb.open(tmp_path / "db")
    db["a"] = 1
    script = f"import isfdb\nisfdb.pin()\ndb = isfdb.open({str(tmp_path / 'db')!r})\nfor i in range(3): db[f'k{{i}}'] = i"
    links = {f"k{i}": f"value = isfdb.load('isfdb://{db.id}/k{i}')" for i in range(3)}
    done = finished(script, wanted=links)
    answer = isfdb.open(done.answer, "r")
    assert (done.outcome, [answer[f"k{i}"] for i in range(3)], list(db)) == ("done", [0, 1, 2], ["a"])


def test_the_hash_seed_is_as_recorded(finished):
    assert isfdb.open(finished("import os\nvalue = os.environ['PYTHONHASHSEED']", hash_seed="7").answer, "r")["value"] == "7"


def test_it_finds_its_arguments_and_not_what_it_is_to_do_without(finished, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    script = "import os, sys\nvalue = [*sys.argv, os.environ.get('OMP_NUM_THREADS')]"
    done = finished(script, arguments=("a.py", "--n", "3"), without=("OMP_NUM_THREADS",))
    assert isfdb.open(done.answer, "r")["value"] == ["a.py", "--n", "3", None]


def test_what_it_prints_is_handed_on_while_it_runs(finished, tmp_path):
    heard: list[tuple[float, str]] = []
    script = "import time\nfor i in range(3):\n    print('round', i)\n    time.sleep(0.5)\nvalue = 1"
    done = finished(script, on_output=lambda text: heard.append((time.monotonic(), text)))
    assert "".join([text for _, text in heard]) == done.output == "round 0\nround 1\nround 2\n"
    assert heard[-1][0] - heard[0][0] > 0.5


def test_of_endless_output_the_beginning_and_the_end_are_kept(finished):
    done = finished("print('begin')\nfor i in range(200_000): print('line', i)\nprint('end')\nvalue = 1")
    assert done.output.startswith("begin\n") and done.output.endswith("end\n") and "bytes are left out" in done.output
    assert len(done.output) < 50_000


def test_asking_for_the_network_is_noted_and_refused_offline(finished):
    script = "import socket\ntry: socket.create_connection(('192.0.2.1', 9), timeout=0.2)\nexcept OSError as error: value = str(error)"
    done = finished(script, offline=True)
    assert done.network and "offline" in isfdb.open(done.answer, "r")["value"]


def test_this_computer_is_no_network(finished):
    script = (
        "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
        "client = socket.create_connection(('localhost', server.getsockname()[1]))\n"
        "client.sendall(b'x')\nvalue = server.accept()[0].recv(1)"
    )
    done = finished(script, offline=True)
    assert (done.outcome, done.network) == ("done", False)


def test_home_is_a_scratch_folder(finished, tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "real"))
    script = "from pathlib import Path\nPath('~/a.txt').expanduser().write_text('x')\nvalue = str(Path.home())"
    done = finished(script)
    home = isfdb.open(done.answer, "r")["value"]
    assert home.startswith(os.path.dirname(done.answer)) and os.listdir(home) == ["a.txt"] and os.listdir(tmp_path / "real") == []


@pytest.mark.parametrize(("rest", "network"), [("1 / 0", False), ("raise ConnectionError('no answer')", True), ("value = 1", True)])
def test_a_script_that_asked_for_the_network_and_failed_for_something_else_is_told_apart(finished, rest, network):
    script = f"import socket\ntry: socket.create_connection(('192.0.2.1', 9), timeout=0.05)\nexcept OSError: pass\n{rest}"
    assert finished(script).network is network
