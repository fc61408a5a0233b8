"""What it takes to make a small value again, end to end, over a bare interpreter that imports the same libraries."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from .measures import Row

_MAKE = "import isfdb, numpy\ndb = isfdb.open({place!r})\ndb['x'] = numpy.arange(3) + 1\n"
_BARE = "import isfdb, numpy"
_REPLAY = _BARE + "\nassert isfdb.replay(isfdb.open({place!r}, 'r'), 'x', again=True).status == 'identical'"
_KNOWN = _BARE + "\nassert isfdb.replay(isfdb.open({place!r}), 'x').status == 'identical'"


def replays(folder: str, rounds: int = 7) -> list[Row]:
    """Replay a small value in a fresh process, with the current environment: run anew, and known from before."""
    place = f"{folder}/results"
    with open(f"{folder}/make.py", "w") as file:
        file.write(_MAKE.format(place=place))
    _run(f"{folder}/make.py")
    _run("-c", _KNOWN.format(place=place))
    taken: dict[str, list[tuple[float, float]]] = {_BARE: [], _REPLAY: [], _KNOWN: []}
    for _ in range(rounds):
        for code, times in taken.items():
            times.append(_timed("-c", code.format(place=place)))
    bare, anew, known = ([statistics.median(one) for one in zip(*times, strict=True)] for times in taken.values())
    return [
        Row("replay of a small value, over importing its libraries", max(anew[0] - bare[0], 0.0), None, 1.5, ""),
        Row("the same, processor time", max(anew[1] - bare[1], 0.0), None, 1.5, ""),
        Row("replay that is known, processor time over importing its libraries", max(known[1] - bare[1], 0.0), None, 0.5, ""),
    ]


def _timed(*words: str) -> tuple[float, float]:
    """Return the time that a Python took, and the processor time of it and its children."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(*words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _run(*words: str) -> None:
    # With compiled modules kept, as an installation has them.
    environment = {name: text for name, text in os.environ.items() if name not in ("PYTEST_CURRENT_TEST", "PYTHONDONTWRITEBYTECODE")}
    environment.setdefault("PYTHONPYCACHEPREFIX", os.path.join(tempfile.gettempdir(), "isfdb-benchmark-pycache"))
    subprocess.run([sys.executable, *words], check=True, env=environment, timeout=300)
