"""Scripts that behave badly, or need what a notebook has: each ends within its limits, and what they left is stored or named."""

from __future__ import annotations

import os
import re
import sys
import time

import pytest

import isfdb
from isfdb.explaining import watch

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tell what a process takes")


def _value(done):
    assert (done.outcome, done.because) == ("done", "")
    return isfdb.open(done.answer, "r")["value"]


# Memory, processes, disk --------------------------------------------------------------------------------------------------------------

_FORK = "import multiprocessing\nfork = multiprocessing.get_context('fork')\n"


@linux_only
@pytest.mark.parametrize(
    "script",
    [
        "value = bytearray(2_000_000_000)",
        "import numpy\nvalue = numpy.empty(2_000_000_000, dtype='u1')",
        "import numpy\nvalue = numpy.zeros((200_000, 200_000))",
        "held = []\nwhile True: held.append(bytearray(10_000_000))",
        "try:\n    bytearray(2_000_000_000)\nexcept MemoryError as error:\n    raise RuntimeError('no model') from error",
        "import os\nraise OSError(12, os.strerror(12))",
        "import os\nos.write(2, b'terminate called after throwing an instance of std::bad_alloc'); os.abort()",
        f"{_FORK}def hold(n):\n    held = bytearray(b'x' * 150_000_000)\n    import time; time.sleep(30)\nfork.Pool(4).map(hold, range(4))",
    ],
)
def test_too_much_memory_is_named_as_such(finished, script):
    done = finished(script, memory_bytes=500_000_000)
    assert done.outcome == "out of memory" and "memory" in done.because


@linux_only
def test_memory_that_processes_have_in_common_is_counted_once(finished):
    script = f"{_FORK}held = bytearray(b'x' * 200_000_000)\ndef look(n):\n    import time; time.sleep(1)\n    return held[n]\n"
    done = finished(f"{script}with fork.Pool(4) as pool: value = sum(pool.map(look, range(4)))", memory_bytes=500_000_000)
    assert _value(done) == 4 * ord("x")


@linux_only
def test_a_wanted_line_that_takes_too_much_memory_costs_no_other(finished):
    done = finished("n = 3", wanted={"a": "value = bytearray(2_000_000_000)", "b": "value = n"}, memory_bytes=500_000_000)
    assert done.outcome == "done" and "500,000,000 bytes" in done.failed["a"] and list(isfdb.open(done.answer, "r")) == ["b"]


@linux_only
def test_a_script_that_starts_processes_without_end_is_ended(finished, monkeypatch):
    monkeypatch.setattr(watch, "MOST_PROCESSES", 50)
    script = "import os, time\nfor _ in range(400):\n    if os.fork() == 0:\n        time.sleep(60); os._exit(0)\ntime.sleep(60)"
    done = finished(script)
    assert done.outcome == "failed" and "more than 50 processes" in done.because


def test_a_script_that_fills_the_disk_is_ended(finished, monkeypatch):
    monkeypatch.setattr(watch, "_SHARE_OF_DISK", 1e-5)
    script = "import os, time\nwith open('large', 'wb') as file:\n"
    script += "    while True: file.write(os.urandom(5_000_000)); file.flush(); time.sleep(0.01)"
    done = finished(script)
    assert done.outcome == "failed" and "fills the disk" in done.because


@pytest.mark.parametrize("script", ["while True: pass", "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass"])
def test_an_endless_loop_is_ended(finished, script):
    before = time.monotonic()
    done = finished(f"import signal\nfor one in (15, 2, 1): signal.signal(one, signal.SIG_IGN)\n{script}", timeout_s=2)
    assert done.outcome == "timed out" and "more than 2 s" in done.because
    assert time.monotonic() - before < 30


def test_endless_output_fills_neither_disk_nor_memory(finished):
    heard = []
    done = finished("print('begin')\nwhile True: print('x' * 10_000)", timeout_s=3, on_output=heard.append)
    assert done.outcome == "timed out" and done.output.startswith("begin\nxxx") and len(done.output) < 50_000
    assert max(map(len, heard)) < 40_000


# Scripts that break what they stand on -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "import os\nos.chdir('/')",
        "import os, shutil\nshutil.rmtree(os.getcwd())",
        "import os, shutil\nshutil.rmtree(os.path.dirname(os.getcwd()), ignore_errors=True)",
        "import sys\nsys.stdout.close(); sys.stderr.close()",
        "import os\nos.close(1); os.close(2)",
        "import sys\nsys.stdout = sys.stderr = None",
        "import builtins, json, os\nbuiltins.open = json.dumps = json.dump = os.rename = os.makedirs = None",
        "import builtins\nbuiltins.print = builtins.len = builtins.isinstance = None",
        "import signal, time\nsignal.signal(signal.SIGALRM, lambda *_: 1 / 0)\nsignal.setitimer(signal.ITIMER_REAL, 0.3, 0.3)",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,)).start()",
        "import atexit, time\natexit.register(time.sleep, 3600)",
        "import sys\nsys.path.clear()",
        "import sys\nsys.setrecursionlimit(60)",
        "import os\nos.environ.clear()",
        "import os\nos.umask(0o777)",
        "import locale\nlocale.setlocale(locale.LC_ALL, 'C')",
        "import warnings\nwarnings.simplefilter('error')",
        "import random, secrets, uuid\nrandom.seed(0)",
        "import sys\nsys.exit()",
    ],
)
def test_what_it_left_is_stored_all_the_same(finished, script):
    assert _value(finished(f"value = [1, 2]\n{script}")) == [1, 2]


@pytest.mark.parametrize(
    ("script", "because"),
    [
        ("value = input('name? ')", "EOFError.*nobody answers"),
        ("import sys\nvalue = sys.stdin.read() or 1 / 0", "ZeroDivisionError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise SystemExit('no data')", "SystemExit: no data"),
        ("import os\nos.closerange(0, 256); os._exit(5)", "status 5"),
        ("import os\nos._exit(0)", "ended by itself with status 0"),
        ("import os\nos.abort()", "signal 6"),
        ("import ctypes\nctypes.string_at(0)", "signal 11"),
        ("def f(): f()\nf()", "RecursionError"),
        ("class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd", "Odd"),
    ],
)
def test_how_it_ended_is_told(finished, script, because):
    done = finished(script)
    assert done.outcome == "failed"
    assert re.search(because, done.because)


# What a notebook has, and what computations start --------------------------------------------------------------------------------------


def test_plots_need_no_screen(finished):
    pytest.importorskip("matplotlib")
    script = "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()\naxes.plot([1, 2])\nplt.show()\nfigure.savefig('a.png')\n"
    assert _value(finished(f"{script}import os\nvalue = os.path.getsize('a.png') > 100 and plt.get_backend().lower()")) == "agg"


def test_magics_and_display_work_without_a_notebook(finished):
    pytest.importorskip("IPython")
    script = (
        "from IPython.display import display\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "get_ipython = lambda: InteractiveShell.instance(user_ns=globals())\n"
        "n = 3\nget_ipython().run_line_magic('timeit', '-n1 -r1 n + 1')\nget_ipython().run_cell_magic('time', '', 'm = n + 1')\n"
        "lines = get_ipython().getoutput('echo shell')\ndisplay({'m': m})\nvalue = [m, list(lines)]"
    )
    done = finished(script)
    assert _value(done) == [4, ["shell"]] and "{'m': 4}" in done.output


def test_processes_forked_from_it_work_and_see_its_functions(finished):
    script = f"{_FORK}def square(n): return n * n\nwith fork.Pool(2) as pool: value = pool.map(square, range(4))"
    assert _value(finished(script)) == [0, 1, 4, 9]


def test_processes_started_anew_work(finished):
    script = (
        "if __name__ == '__main__':\n"
        "    import math, multiprocessing\n"
        "    with multiprocessing.get_context('spawn').Pool(2) as pool: value = pool.map(math.sqrt, [4, 9])"
    )
    assert _value(finished(script)) == [2.0, 3.0]


@pytest.mark.parametrize("offline", [False, True])
def test_a_dask_cluster_works(finished, offline):
    pytest.importorskip("distributed")
    script = (
        "if __name__ == '__main__':\n"
        "    from dask.distributed import Client, LocalCluster\n"
        "    client = Client(LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=':0'))\n"
        "    value = client.submit(lambda n: n + 1, 1).result(timeout=30)"
    )
    done = finished(script, offline=offline)
    assert _value(done) == 2 and not done.network


def test_shared_memory_works(finished):
    script = "from multiprocessing.shared_memory import SharedMemory\none = SharedMemory(create=True, size=10)\n"
    script += "value = one.size >= 10\none.unlink()"
    assert _value(finished(script)) is True


def test_where_it_works_where_its_home_is_and_where_temporary_files_go_is_its_own_folder(finished, tmp_path):
    done = finished("import os\nvalue = [os.getcwd(), os.path.expanduser('~'), os.environ['TMPDIR']]")
    assert all(one.startswith(os.path.realpath(tmp_path)) for one in _value(done))
