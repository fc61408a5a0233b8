"""What watching files costs: thousands of openings in a process with isfdb, and in one without."""

from __future__ import annotations

import statistics

from .measures import Row, _python

_OPENINGS = """
import sys, time
{imported}
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
run = lambda source: shell.run_cell(source).raise_error()
run('''
import os, time
for i in range({n}):
    with open(f"{folder}/{{i}}.txt", "w") as file:
        file.write("text" * 25)
''')
for _ in range({rounds}):
    run('''
started = time.thread_time()
for i in range({n}):
    with open(f"{folder}/{{i}}.txt") as file:
        file.read()
spent = time.thread_time() - started
''')
    print(shell.user_ns["spent"])
"""


def openings(folder: str, n: int = 5000, rounds: int = 7, processes: int = 3) -> list[Row]:
    """Open and read many small files in a cell; processor time of the cell's thread, for machines are shared."""
    times: dict[str, list[float]] = {"": [], "import isfdb": []}
    for _ in range(processes):
        for imported, series in times.items():
            lines = _python(_OPENINGS.format(imported=imported, folder=folder, n=n, rounds=rounds)).splitlines()
            series.append(min(float(line) for line in lines))
    without, with_isfdb = (statistics.median(series) for series in times.values())
    return [
        Row(f"open and read {n:,} small files, watched", with_isfdb, without, 1.4, "without isfdb"),
        Row("watching one opening", max(0.0, with_isfdb - without) / n, None, 5e-6, ""),
    ]
