"""What explaining a value costs when it is stored late in a long session: its slice, its inputs, its risks, its script."""

from __future__ import annotations

import os
import statistics

from .measures import Row, _python

# A working day in a notebook: functions, tables, files, cells run again, plots left out for they would only cost the session.
_SESSION = """
import os, time
os.chdir({folder!r})
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
run = lambda source: shell.run_cell(source, store_history=True).raise_error()
run("import isfdb, numpy as np, pandas as pd, time\\ndb = isfdb.open('results', durability='process')\\nspent = []")
kinds = [
    "def f_I(x, by=I):\\n    y = np.sin(x) * by\\n    return y.sum() + by",
    "a_I = f_1(np.arange(10.0))\\nlist_I = [a_I]\\nlist_I.append(I)",
    "frame_I = pd.DataFrame({{'x': np.arange(5), 'y': I}})\\nframe_I.loc[2, 'y'] = 7\\nframe_I = frame_I[frame_I.x > 1]",
    "for k in range(3):\\n    list_2.append(k)\\nview_I = frame_1['y'].to_numpy(copy=True)[1:]\\nview_I += 1",
    "np.savetxt('t_I.txt', view_1)\\nback_I = np.loadtxt('t_I.txt')",
]
for i in range({n}):
    source = kinds[i % 5].replace("_I", "_%d" % i).replace("=I", "=%d" % i).replace("(I)", "(%d)" % i).replace("'y': I", "'y': %d" % i)
    for name, before in (("f_1(", 1), ("list_2.", 2), ("frame_1[", 1), ("view_1)", 1)):
        source = source.replace(name, name[:-2] + str(i - before) + name[-1])
    run(source)
last = {n} - 1
for number in range(min(20, {n} // 5)):
    for name in ("back_%d", "view_%d", "frame_%d"):
        i = last - 5 * number - {{"back_%d": 0, "view_%d": 1, "frame_%d": 2}}[name]
        run("started = time.perf_counter()\\ndb['%s'] = %s\\nspent.append(time.perf_counter() - started)" % (name % i, name % i))
print(*shell.user_ns["spent"])
"""


def _spent(folder: str, n: int) -> list[float]:
    return [float(word) for word in _python(_SESSION.format(folder=folder, n=n)).split("\n")[-1].split()]


def publishing(folder: str, n: int = 500, long: int = 5000) -> list[Row]:
    """Store values at the end of a session, explained and not; what explaining adds."""
    rows = []
    for cells, goal in ((n, 0.020), (long, None)):
        times = {}
        for explained in (True, False):
            place = f"{folder}/{cells}-{explained}"
            os.makedirs(place)
            os.environ["ISFDB_CAPTURE"] = "1" if explained else "0"
            try:
                times[explained] = _spent(place, cells)
            finally:
                del os.environ["ISFDB_CAPTURE"]
        added = statistics.median(times[True]) - statistics.median(times[False])
        rows.append(Row(f"explaining a value, session of {cells:,} cells, median", max(0.0, added), None, goal or 0.200, ""))
        if goal is not None:
            rows.append(
                Row(f"explaining a value, session of {cells:,} cells, longest", max(times[True]) - min(times[False]), None, 0.200, "")
            )
    return rows
