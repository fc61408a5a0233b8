"""Runs cases in forked processes: the session, the hand-made minimum, and the script that isfdb stored. Judges nothing.

A process that has imported numpy, pandas and IPython, but not isfdb, is forked for each: hundreds of clean starts cost seconds.
``python -m tests.cases.worker JOBS FOLDER`` writes ``FOLDER/<n>.json`` for each job.
"""

from __future__ import annotations

import contextlib
import gc
import http.server
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .comparing import difference
from .notebook import run_notebook
from .reading import Case, all_cases

TIME_LIMIT_S = 60


class Place:
    """The folders of one case."""

    def __init__(self, top: Path, case: Case) -> None:
        self.top, self.case = top, case
        self.work = top / "work"  # the notebook's own
        self.fresh = top / "fresh"  # as `work` was when the session began
        self.work.mkdir(parents=True)
        for name, content in case.files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")

    def enter(self, folder: Path) -> None:
        """Begin as a user's process would begin in `folder`."""
        os.chdir(folder)
        os.environ.update(ISFDB_DATA_FOLDER=str(self.top / "data"), ISFDB_CACHE_FOLDER=str(self.top / "cache"))
        os.environ.update(IPYTHONDIR=str(self.top / "ipython"), MPLCONFIGDIR=str(self.top.parent / "matplotlib"))
        os.environ.pop("PYTEST_CURRENT_TEST", None)
        sys.stdin = io.StringIO(self.case.stdin)
        random.seed()
        sys.modules["numpy"].random.seed()
        sys.path[:] = [path for path in sys.path if path]

    def stored(self, folder: Path) -> Any:
        """Return the value that a session in `folder` stored."""
        import isfdb

        return isfdb.open(str(folder / self.case.folder), mode="r")[self.case.key]


def run_case(case: Case, top: Path, *, minimum: bool, drop: bool, isolated: bool) -> dict[str, Any]:
    """Return what came of one case."""
    place = Place(top, case)
    if case.before:
        _forked(partial(_before, place), top / "before")
    shutil.copytree(place.work, place.fresh)
    facts = {"session": _forked(partial(_session, place), top / "session")}
    if minimum and "died" not in facts["session"] and not case.never:
        facts["minimum"] = _forked(partial(_minimum, place, None), top / "minimum")
        if drop:
            facts["superfluous"] = _superfluous(place)
    script = facts["session"].get("script")
    if script is not None and not case.never:
        facts["slice"] = _forked(partial(_isolated if isolated else _script, place, script), top / "slice")
    return facts


def _superfluous(place: Place) -> list[str]:
    """Return the marked statements without which the minimum still gives the value."""
    found = []
    for index, cell in enumerate(place.case.cells):
        for number, one in enumerate(cell.statements):
            if one.counts and not one.may_be_idle:
                facts = _forked(partial(_minimum, place, (index, number)), place.top / f"drop-{index}-{number}")
                if facts == {"different": None}:
                    found.append(one.source.split("\n")[0])
    return found


# What runs in a forked process.


def _before(place: Place) -> dict[str, Any]:
    place.enter(place.work)
    _run_as_main("import isfdb\ndb = isfdb.open('results')\n" + place.case.before, "before.py")
    return {}


def _session(place: Place) -> dict[str, Any]:
    case = place.case
    place.enter(place.work)
    with _served(case) as address:
        surprises = run_notebook(case, [cell.source for cell in case.cells], address=address)
    os.chdir(place.work)
    if surprises:
        return {"died": "; ".join(surprises)}
    import isfdb

    entry = isfdb.open(str(place.work / case.folder), mode="r").entry(case.key)
    return {"script": _code_of(entry.newest), "record": json.loads((entry.newest.path / "metadata.json").read_text())}


def _code_of(version: Any) -> str | None:
    path = version.path / "code.py"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _minimum(place: Place, dropped: tuple[int, int] | None) -> dict[str, Any]:
    case = place.case
    folder = place.top / f"minimum-{dropped}"
    shutil.copytree(place.fresh, folder)
    place.enter(folder)
    data = place.top / f"data-{dropped}"  # so that the script does not find two databases of one id
    shutil.copytree(place.top / "data", data)
    os.environ["ISFDB_DATA_FOLDER"] = str(data)
    if case.minimum:
        return {"different": _difference(place, _run_as_main(case.minimum, "minimum.py")["value"])}
    if surprises := run_notebook(case, [cell.kept(_dropped_in(index, dropped)) for index, cell in enumerate(case.cells)]):
        return {"died": "; ".join(surprises)}
    return {"different": difference(place.stored(place.work), place.stored(folder))}


def _dropped_in(index: int, dropped: tuple[int, int] | None) -> int | None:
    return dropped[1] if dropped is not None and dropped[0] == index else None


def _script(place: Place, script: str) -> dict[str, Any]:
    """Run the script as ``python code.py`` does, in a process of its own, and compare what it leaves."""
    folder = place.top / "clean"
    shutil.copytree(place.fresh, folder)
    place.enter(folder)
    return {"different": _difference(place, _run_as_main(script, "code.py")["value"])}


def _run_as_main(script: str, name: str) -> dict[str, Any]:
    """Run a script of the working directory as ``python name`` does; return its variables."""
    Path(name).write_text(script, encoding="utf-8")
    sys.argv[:] = [name]
    sys.path.insert(0, os.getcwd())
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = name
    exec(compile(script, name, "exec"), module.__dict__)
    return module.__dict__


def _isolated(place: Place, script: str) -> dict[str, Any]:
    """Run the script by ``python code.py`` itself, and compare what it leaves."""
    folder = place.top / "clean"
    shutil.copytree(place.fresh, folder)
    place.enter(folder)
    ending = "\nimport isfdb as _isfdb\n_isfdb.open('scratch-of-the-case')['value'] = value\n"
    Path("code.py").write_text(script + ending, encoding="utf-8")
    ended = subprocess.run([sys.executable, "code.py"], capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)
    if ended.returncode:
        return {"died": ended.stderr[-2000:]}
    import isfdb

    value = isfdb.open("scratch-of-the-case", mode="r")["value"]
    return {"different": difference(place.stored(place.work), value)}


def _difference(place: Place, value: Any) -> str | None:
    """Compare a value with the stored one, after a way through a database of its own: what a format changes, it changes in both."""
    import isfdb

    os.chdir(place.top)
    stored = place.stored(place.work)
    dumper = isfdb.open(str(place.work / place.case.folder), mode="r").entry(place.case.key).dumper
    scratch = isfdb.open(str(place.top / f"scratch-{os.getpid()}"))
    with isfdb.set_options(capture=False):
        scratch.set("value", value, dumper=None if dumper == "appended" else dumper)
    return difference(stored, scratch["value"])


@contextlib.contextmanager
def _served(case: Case) -> Any:
    """Serve the case's folder as long as its session lasts: a network that is gone when the script runs."""
    if not case.serves:
        yield ""
        return
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


# Forking.


def _forked(function: Callable[[], dict[str, Any]], name: Path) -> dict[str, Any]:
    """Return what `function` returns in a process of its own; what it printed lies beside."""
    child = os.fork()
    if child == 0:
        _child(function, name)
    os.waitpid(child, 0)
    answer = name.with_suffix(".json")
    if not answer.exists():
        return {"died": "the process ended or took too long: " + _tail(name.with_suffix(".out"))}
    facts: dict[str, Any] = json.loads(answer.read_text())
    return facts


def _child(function: Callable[[], dict[str, Any]], name: Path) -> None:
    signal.alarm(TIME_LIMIT_S)
    output = os.open(name.with_suffix(".out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        facts = function()
    except BaseException:  # noqa: BLE001 - whatever it was, it is the answer
        facts = {"died": traceback.format_exc()[-2000:]}
    name.with_suffix(".json").write_text(json.dumps(facts))
    os._exit(0)


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-1500:] if path.exists() else ""


def _warm() -> None:
    """Import what nearly every case imports, and nothing whose import a script could forget unnoticed."""
    import IPython.core.interactiveshell  # noqa: F401
    import matplotlib_inline.backend_inline  # noqa: F401
    import numpy as np
    import pandas as pd

    np.zeros(1)
    pd.DataFrame({"a": [1]})
    assert "isfdb.provenance" not in sys.modules
    gc.collect()
    gc.freeze()  # a shell that ends collects garbage: what all forks share need not be looked at


def main(jobs: Path, folder: Path) -> None:
    """Run every job, as many at once as there are processors."""
    asked = json.loads(jobs.read_text())
    _warm()
    cases = all_cases()
    running: dict[int, None] = {}
    for number, name in enumerate(asked["cases"]):
        if len(running) >= asked["at_once"]:
            running.pop(os.wait()[0], None)
        child = os.fork()
        if child == 0:
            began = time.monotonic()
            facts = run_case(cases[name], folder / str(number), **asked["how"])
            facts["seconds"] = round(time.monotonic() - began, 2)
            (folder / f"{number}.json").write_text(json.dumps(facts))
            os._exit(0)
        running[child] = None
    while running:
        running.pop(os.wait()[0], None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
