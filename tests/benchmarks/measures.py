"""The measurements: each gives rows of (what, ours, limit or peer, unit, goal as a ratio or an amount). Nothing is asserted here.

Ours and the limit are visited in turn within one run, so that a busy machine slows both; medians of the rounds are compared.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import isfdb

from .floor import Floor, flush

SMALL = {"a": [1, 2, 3], "b": "text" * 40, "c": 1.5}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    what : str
    ours : float
        Seconds, or `unit`.
    against : float or None
        The limit or peer, same unit; None where the goal is an amount.
    goal : float
        Largest ratio ours / against, or largest amount.
    peer : str
        What `against` is.
    unit : str
    """

    what: str
    ours: float
    against: float | None
    goal: float
    peer: str = "floor"
    unit: str = "s"

    @property
    def figure(self) -> float:
        return self.ours / self.against if self.against else self.ours

    @property
    def is_met(self) -> bool:
        return self.figure <= self.goal


def timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turn(rounds: int, *calls: Callable[[int], Any]) -> list[float]:
    """Return the median time of each call, visited in turn."""
    times: list[list[float]] = [[] for _ in calls]
    for number in range(rounds):
        for series, call in zip(times, calls, strict=True):
            series.append(timed(lambda call=call, number=number: call(number)))
    return [statistics.median(series) for series in times]


def small_values(folder: str, rounds: int = 300) -> list[Row]:
    """Put, get and overwrite a small value; durable; in batches."""
    rows = []
    for durability, goal in (("process", 2.0), ("full", 0.9)):
        db = isfdb.open(f"{folder}/db-{durability}", durability=durability)
        floor = Floor(f"{folder}/floor-{durability}", durable=durability == "full")
        db["warm"] = SMALL
        put, floor_put = in_turn(rounds, lambda n, db=db: db.__setitem__(f"k{n}", SMALL), lambda n, floor=floor: floor.put(f"k{n}", SMALL))
        rows.append(Row(f"put of a small value, durability {durability}", put, floor_put, goal, f"floor, three files, {durability}"))
        if durability == "process":
            get, floor_get = in_turn(rounds, lambda n, db=db: db[f"k{n}"], lambda n, floor=floor: floor.get(f"k{n}"))
            rows.append(Row("get of a small value", get, floor_get, 2.0))
        else:
            rows.append(_batches(db, floor, max(3, rounds // 30)))
    return rows


def _batches(db: Any, floor: Floor, rounds: int, size: int = 32) -> Row:
    def ours(number: int) -> None:
        with db.batch():
            for index in range(size):
                db[f"b{number}_{index}"] = SMALL

    def limit(number: int) -> None:
        for index in range(size):
            floor.put(f"b{number}_{index}", SMALL)

    batch, singly = in_turn(rounds, ours, limit)
    return Row(f"durable put in a batch of {size}, per key", batch / size, singly / size, 0.4, "floor, three files, full")


def space(folder: str, n_keys: int = 100) -> list[Row]:
    """Count inodes, blocks and bytes of metadata of small keys."""
    db = isfdb.open(f"{folder}/db", durability="process")
    db["first"] = SMALL
    for number in range(n_keys):
        db[f"k{number}"] = SMALL
    found = [os.path.join(path, name) for path, folders, files in os.walk(db.path) for name in [*folders, *files]]
    found = [path for path in found if f"{os.sep}k" in path[len(db.path) :]]
    blocks = sum(os.lstat(path).st_blocks * 512 for path in found)
    versions = [path for path in found if not path.endswith(".key")]
    largest = max(os.path.getsize(path) for path in found if path.endswith("metadata.json"))
    return [
        Row("inodes of one version of a small key", len(versions) / n_keys, None, 3, "", ""),
        Row("inodes of a small key, the key's folder included", len(found) / n_keys, None, 3, "", ""),
        Row("disk of a small key, the key's folder included", blocks / n_keys, None, 12_288, "", "B"),
        Row("metadata of a small key", largest, None, 1536, "", "B"),
    ]


def large_array(folder: str, n_bytes: int = 10**9, rounds: int = 3) -> list[Row]:
    """Put an array with its digest, beside numpy's own writer; get it mapped."""
    array = np.random.default_rng(1).random(n_bytes // 8)
    rows = []
    for durability, goal in (("process", 1.15), ("full", 1.1)):
        db = isfdb.open(f"{folder}/db-{durability}", durability=durability)
        db["warm"] = np.arange(3)

        def ours(number: int, db: Any = db) -> None:
            db["array"] = array

        def peer(number: int, durability: str = durability) -> None:
            np.save(f"{folder}/peer.npy", array)
            if durability == "full":
                flush(f"{folder}/peer.npy")

        times: list[list[float]] = [[], []]
        for number in range(rounds):
            for series, call in zip(times, (ours, peer), strict=True):
                os.sync()
                series.append(timed(lambda call=call, number=number: call(number)))
            db.collect(grace_s=0, trash_s=0)
            os.remove(f"{folder}/peer.npy")
        name = "np.save" if durability == "process" else "np.save + fsync"
        rows.append(Row(f"put of {n_bytes / 1e9:g} GB with digest, durability {durability}", min(times[0]), min(times[1]), goal, name))
    mapped = statistics.median([timed(lambda: db.get("array", mmap="r")) for _ in range(20)])
    rows.append(Row(f"mapped get of {n_bytes / 1e9:g} GB", mapped, None, 0.5e-3, ""))
    return rows


def extra_memory(folder: str, n_bytes: int = 10**9) -> list[Row]:
    """Measure how far the resident memory rises above the array while it is put, in a process of its own."""
    code = f"""
import resource, numpy as np, isfdb
db = isfdb.open({folder + "/db"!r})
db["warm"] = np.ones(3_000_000)
array = np.ones({n_bytes // 8})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
db["array"] = array
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    return [Row("extra memory of that put", float(_python(code)), None, 32 * 2**20, "", "B")]


def _python(code: str, *wrapper: str) -> str:
    # With compiled modules kept, as an installation has them.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment.setdefault("PYTHONPYCACHEPREFIX", os.path.join(tempfile.gettempdir(), "isfdb-benchmark-pycache"))
    run = subprocess.run([*wrapper, sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return run.stdout.strip()


def many_keys(folder: str, n_keys: int = 100_000, rounds: int = 5) -> list[Row]:
    """Open and list a database of many keys, made as an unpacked archive would be."""
    db = isfdb.open(f"{folder}/db", durability="process")
    db["warm"] = 1
    small = isfdb.open(f"{folder}/small", durability="process")
    small["warm"] = 1
    for number in range(n_keys):
        os.mkdir(f"{db.path}/key{number:06}.key")
    path = db.path
    opening, small_opening = in_turn(rounds * 4, lambda n: isfdb.open(path), lambda n: isfdb.open(small.path))

    def scan(number: int) -> list[str]:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries]

    with isfdb.set_options(cache_folder="/dev/null/none"):  # nowhere to keep a listing
        listing, scanning = in_turn(rounds, lambda n: isfdb.open(path).keys(), scan)
    with isfdb.set_options(cache_folder=f"{folder}/cache"):
        time.sleep(6 if n_keys > 2000 else 0)  # a listing is kept only once the folder has been quiet for some seconds
        isfdb.open(path).keys()
        cached = statistics.median([timed(lambda: isfdb.open(path).keys()) for _ in range(rounds)])
    return [
        Row(f"open, {n_keys:,} keys", opening, None, 2e-3, ""),
        Row("open, one key", small_opening, None, 2e-3, ""),
        Row(f"open and list {n_keys:,} keys, no cache", listing, scanning, 1.3, "one scan of the folder"),
        Row(f"open and list {n_keys:,} keys from the cache", cached, None, 50e-3, ""),
    ]


def capture(folder: str, cells: int = 100) -> list[Row]:
    """Measure what provenance adds to a put, in a live IPython session: first and further puts of a cell, early and late."""
    code = f"""
import statistics, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
run = lambda source: shell.run_cell(source, store_history=True)
run("import isfdb; db = isfdb.open({folder + "/db"!r}, durability='process'); db['warm'] = 1")
run("from isfdb.provenance.capture import capture; storage = db._storage; import time")
def spend(n, work):
    first, further, puts = [], [], []
    for i in range(n):
        run("time.sleep(0.03)" if work else "pass")
        run(f'''
{{'time.sleep(0.05)' if work else 'pass'}}
t = time.perf_counter(); capture(storage); a = time.perf_counter() - t
t = time.perf_counter(); capture(storage); b = time.perf_counter() - t
t = time.perf_counter(); db["k{{n}}_{{work}}_{{i}}"] = 1; c = time.perf_counter() - t''')
        first.append(shell.user_ns["a"]); further.append(shell.user_ns["b"]); puts.append(shell.user_ns["c"])
    return [statistics.median(series) for series in (first, further, puts)]
early = spend({cells}, True)
for i in range(500):
    run(f"x{{i}} = {{i}}  # " + "text " * 40)
late = spend({cells}, True)
print(*early, *late)
"""
    first, further, put, _, _, late = map(float, _python(code).split())
    return [
        Row("capture, first put of a cell", first, None, 1e-3, ""),
        Row("capture, further puts of a cell", further, None, 0.15e-3, ""),
        Row("put after 500 cells", late, put, 1.1, "put in an empty session"),
    ]


_IMPORT = """
import resource
before = resource.getrusage(resource.RUSAGE_SELF)
import isfdb
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""

_FIRST_PUT = """
import time
started = time.perf_counter()
import isfdb
db = isfdb.open({folder!r})
db["x"] = 1
print(time.perf_counter() - started)
"""


def imports(folder: str, rounds: int = 9) -> list[Row]:
    """Measure what `import isfdb`, and the first small put, take in a fresh interpreter: CPU and wall time."""
    importing = statistics.median([float(_python(_IMPORT)) for _ in range(rounds)])
    first = statistics.median([float(_python(_FIRST_PUT.format(folder=f"{folder}/{number}"))) for number in range(rounds)])
    return [
        Row("import isfdb, CPU over the bare interpreter", importing, None, 40e-3, ""),
        Row("import, open and first small put", first, None, 120e-3, ""),
    ]


def waits(folder: str) -> list[Row]:
    """Count, with strace, how often a durable put waits for the disk: what several threads flush at once is one wait."""
    if shutil.which("strace") is None:
        return []
    trace = f"{folder}/trace"
    code = f"import isfdb, os; db = isfdb.open({folder + '/db'!r}); db['a'] = 1"
    code += "; os.access('/isfdb-mark', 0); db['b'] = 1; os.access('/isfdb-mark', 0)"
    _python(
        code,
        "strace",
        "-f",
        "-ttt",
        "-T",
        "-e",
        "trace=fsync,fdatasync,syncfs,sync_file_range,rename,access,faccessat2,faccessat",
        "-o",
        trace,
    )
    with open(trace) as file:
        lines = file.read().splitlines()
    marks = [index for index, line in enumerate(lines) if "isfdb-mark" in line]
    return [Row("waits for the disk in a durable put", count_waits(lines[marks[0] : marks[1]]), None, 2, "", "")]


def count_waits(lines: list[str]) -> int:
    """Count waits in a trace: flushes one after another in the thread that renames. Its helpers flush meanwhile, not afterwards."""
    caller = lines[0].split(maxsplit=1)[0]
    waits, flushes, by_helpers = 0, 0, False
    for line in [*lines, f"{caller} 0 rename("]:
        process, _, call = line.split(maxsplit=2)
        if re.match(r"(fsync|fdatasync|syncfs|sync_file_range)\(", call):
            flushes += process == caller
            by_helpers |= process != caller
        elif call.startswith("rename("):
            waits += max(flushes, int(by_helpers))
            flushes, by_helpers = 0, False
    return waits
