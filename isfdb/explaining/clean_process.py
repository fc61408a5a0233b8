"""Runs a script in a Python process of its own: with limits, without secrets, ended as a whole. It judges nothing.

What the script leaves in ``value`` is stored in a database of its own, for whoever asked to compare. What the child does is in
`in_clean_process.py`. Where it may write, and what it finds there, is decided before: see `workplace.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final

from isfdb.provenance.redaction import redact

#: The outcomes of a run.
DONE, FAILED, TIMED_OUT, OUT_OF_MEMORY = "done", "failed", "timed out", "out of memory"

_OUTPUT_BYTES: Final = 20_000
_GRACE_S: Final = 2.0

# The parent's sys.path makes it the same packages; nothing is found by chance in the folder it runs in.
_BOOT: Final = (
    "import json, sys; asked = json.load(open(sys.argv[1], encoding='utf-8')); sys.path[:] = asked['path'] or sys.path; "
    "from isfdb.explaining.in_clean_process import main; main(asked)"
)

#: Says something about the program that started us, not about the computer.
_NOT_HANDED_ON: Final = ("JPY_", "PYTEST_", "COLAB_", "VSCODE_", "MPLBACKEND", "PYTHONSTARTUP", "PYTHONINSPECT", "ISFDB_PINS")


@dataclass(frozen=True)
class Task:
    """What is to be run, and where.

    Attributes
    ----------
    script : str
        Python; it leaves its result in `value`.
    folder : str
        An empty folder: the child's temporary files, and the answer. All it writes goes there.
    directory : str
        Where it runs: inside `folder`.
    python : str
        The interpreter.
    path : tuple of str
        Its ``sys.path``; empty: as the interpreter has it.
    environment : Mapping
        Variables to be set besides those it inherits.
    dumper : str or None
        The loaderdumper that stores the result; None: the first that accepts it.
    timeout_s : float
    memory_bytes : int or None
        How much a process may take for its data, where the system can limit that.
    """

    script: str
    folder: str
    directory: str
    python: str = sys.executable
    path: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    dumper: str | None = None
    timeout_s: float = 3600.0
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Finished:
    """How a run ended.

    Attributes
    ----------
    outcome : str
        ``"done"``: the result is stored. ``"failed"``, ``"timed out"``, ``"out of memory"``.
    because : str
        Why it is not done.
    duration_s : float
    answer : str
        Folder of a database that holds the result as ``value``; empty where there is none.
    output : str
        The end of what it printed.
    refused : tuple of str
        Paths outside its folder that it was not allowed to change.
    exit_status : int or None
    """

    outcome: str
    because: str
    duration_s: float
    answer: str = ""
    output: str = ""
    refused: tuple[str, ...] = ()
    exit_status: int | None = None


def run(task: Task) -> Finished:
    """Run a script and wait for it. All processes it started end with it.

    Parameters
    ----------
    task : Task
    """
    asked = _ask(task)
    started = time.monotonic()
    with open(f"{task.folder}/output.txt", "w+b") as output, _process(task, asked, output) as process:
        try:
            status = process.wait(task.timeout_s)
        except subprocess.TimeoutExpired:
            status = None
        duration_s = time.monotonic() - started
        end_all(process)
        shown = _end_of(output)
    if status is None:
        return Finished(TIMED_OUT, f"it ran for more than {task.timeout_s:g} s", duration_s, output=shown)
    return _finished(task, status, duration_s, shown)


def _ask(task: Task) -> str:
    """Write down what the child is to do."""
    for name in ("tmp", "cache"):
        os.makedirs(f"{task.folder}/{name}", exist_ok=True)
    asked = {name: getattr(task, name) for name in ("script", "folder", "path", "dumper", "memory_bytes")}
    path = f"{task.folder}/asked.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(asked, file)
    return path


@contextlib.contextmanager
def _process(task: Task, asked: str, output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    command = [task.python, "-P", "-s", "-B", "-c", _BOOT, asked]
    process = subprocess.Popen(
        command,
        cwd=task.directory,
        env=environment(task.folder) | dict(task.environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=os.name == "posix",  # a group of its own, which can be ended as a whole
    )
    try:
        yield process
    finally:
        end_all(process)


def end_all(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, whether or not it lives itself."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)


def environment(folder: str) -> dict[str, str]:
    """Return the environment of a clean process: what this one has, but for secrets and what concerns this program only."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(_NOT_HANDED_ON) and not redact(f"{name}={text}")[1] and not redact(f"{name}='{text}'")[1]
    }
    caches = dict.fromkeys(("XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "IPYTHONDIR"), f"{folder}/cache")
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), f"{folder}/tmp")  # noqa: S108 - a folder of our own
    quiet = {"ISFDB_CAPTURE": "false", "ISFDB_REGISTER": "false", "MPLBACKEND": "agg", "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | caches | places | quiet


def _end_of(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _OUTPUT_BYTES))
    return output.read().decode("utf-8", "replace")


def _finished(task: Task, status: int, duration_s: float, shown: str) -> Finished:
    told = _told(f"{task.folder}/told.json")
    refused = tuple(told.get("refused", ()))
    if told.get("outcome") == DONE:
        return Finished(DONE, "", duration_s, f"{task.folder}/answer", shown, refused, status)
    because = str(told.get("because") or _end(status, shown))
    outcome = OUT_OF_MEMORY if told.get("outcome") == OUT_OF_MEMORY else FAILED
    return Finished(outcome, because, duration_s, "", shown, refused, status)


def _told(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
        return told if isinstance(told, dict) else {}
    except (OSError, ValueError):
        return {}  # it ended before it could tell


def _end(status: int, shown: str) -> str:
    if status == -getattr(signal, "SIGKILL", 9):
        return "it was killed; the computer may have run out of memory"
    if status < 0:
        return f"it was ended by signal {-status}"
    last = shown.strip().rpartition("\n")[2][:200]
    return f"it ended by itself with status {status}{': ' if last else ''}{last}"
