"""Runs a script in a Python process of its own: with limits, without secrets, ended as a whole. It judges nothing.

What the script leaves is stored in a database of its own, for whoever asked to compare. What the child does is in `in_clean_process.py`,
what holds it back in `wall.py` and `holding_back.py`. Where it may write, and what it finds there, is decided before: see `workplace.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.explaining.in_clean_process import WALLS
from isfdb.explaining.output import Output
from isfdb.options import option
from isfdb.provenance.redaction import redact

#: The outcomes of a run.
DONE, FAILED, TIMED_OUT, OUT_OF_MEMORY = "done", "failed", "timed out", "out of memory"

_GRACE_S: Final = 2.0
_TICK_S: Final = 0.1

# The parent's sys.path makes it the same packages; nothing is found by chance in the folder it runs in. A path that lacks the
# standard library stands before the interpreter's own.
_BOOT: Final = (
    "import json, os, sys; asked = json.load(open(sys.argv[1], encoding='utf-8')); path = asked['path']; "
    "sys.path[:] = path if os.path.dirname(os.__file__) in path else path + sys.path; "
    "from isfdb.explaining.in_clean_process import main; main(asked)"
)

#: Says something about the program that started us, not about the computer.
_NOT_HANDED_ON: Final = ("JPY_", "PYTEST_", "COLAB_", "VSCODE_", "MPLBACKEND", "PYTHONSTARTUP", "PYTHONINSPECT", "ISFDB_PINS")
#: Says where this interpreter finds its packages, and is wrong for another one.
_OF_THIS_INTERPRETER: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


_best = 0 if sys.platform.startswith("linux") else len(WALLS) - 1  # from here on WALLS may be possible


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
        Where it runs: inside `folder`, or inside one of `writable`.
    python : str
        The interpreter.
    path : tuple of str
        Its ``sys.path``; empty: as the interpreter has it. Where it lacks the standard library, the interpreter's own follows it.
    environment : Mapping
        Variables to be set besides those it inherits.
    dumper : str or None
        The loaderdumper that stores the result; None: the first that accepts it.
    timeout_s : float
    memory_bytes : int or None
        How much a process may take for its data, where the system can limit that.
    wanted : Mapping
        Name -> a line of Python that is run after the script, among its variables, and leaves `value`; nothing: the script left it.
        Each is stored under its name. One that fails costs no other.
    dumpers : Mapping
        Name -> the loaderdumper that stores it, where it is not `dumper`.
    offline : bool
        Whether it is refused to reach other computers.
    hash_seed : str or None
        ``PYTHONHASHSEED``; None: as it is here.
    on_output : callable or None
        Called with new text while it runs.
    writable : tuple of str
        Other folders that it may change: worktrees.
    moved : tuple of (str, str)
        Old and new place of restored folders: what is imported by a path inside an old one comes from the new one.
    wall : str or None
        What is to hold it back; None: the best of ``"namespaces"``, ``"landlock"`` and ``"audit hook"`` that this computer allows.
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
    wanted: Mapping[str, str] = field(default_factory=lambda: {"value": ""})
    dumpers: Mapping[str, str | None] = field(default_factory=dict)
    offline: bool = False
    hash_seed: str | None = None
    on_output: Callable[[str], None] | None = None
    writable: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    wall: str | None = None


@dataclass(frozen=True)
class Finished:
    """How a run ended.

    Attributes
    ----------
    outcome : str
        ``"done"``: at least one value is stored. ``"failed"``, ``"timed out"``, ``"out of memory"``.
    because : str
        Why it is not done.
    duration_s : float
    answer : str
        Folder of a database that holds what was wanted, under its names; empty where there is none.
    output : str
        What it printed; of much, the beginning and the end.
    refused : tuple of str
        Paths outside its folder that it was not allowed to change.
    exit_status : int or None
    failed : Mapping
        Name of what was wanted -> why it could not be had.
    wall : str
        What held it back: ``"namespaces"``, ``"landlock"`` or only the ``"audit hook"``.
    network : bool
        Whether it asked for another computer.
    """

    outcome: str
    because: str
    duration_s: float
    answer: str = ""
    output: str = ""
    refused: tuple[str, ...] = ()
    exit_status: int | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    wall: str = "audit hook"
    network: bool = False


def run(task: Task) -> Finished:
    """Run a script and wait for it. All processes it started end with it.

    Parameters
    ----------
    task : Task
    """
    global _best
    for wall in (task.wall,) if task.wall else WALLS[_best:]:
        finished = _run_behind(task, wall)
        if finished is not None:
            return finished
        if task.wall is None:
            _best = WALLS.index(wall) + 1  # what this computer does not allow is not tried again
    return Finished(FAILED, f"this computer does not allow the wall {task.wall!r}", 0.0)


def _run_behind(task: Task, wall: str) -> Finished | None:
    """Run it behind a wall; None where that cannot be put up."""
    asked = _ask(task, wall)
    started = time.monotonic()
    with _process(task, asked) as process:
        output = Output(process.stdout, task.on_output)  # type: ignore[arg-type]  # it is a pipe
        status, because = _watched(task, process, output)
        duration_s = time.monotonic() - started
        end_all(process)
        shown = output.finish(_GRACE_S)
    told = _told(f"{task.folder}/told.json")
    if "no_wall" in told:
        return None
    if status is None:
        return Finished(TIMED_OUT, because, duration_s, output=shown, failed=dict.fromkeys(task.wanted, because), wall=wall)
    return _finished(task, wall, told, status, duration_s, shown)


def _ask(task: Task, wall: str) -> str:
    """Write down what the child is to do."""
    for name in ("tmp", "cache", "home"):
        os.makedirs(f"{task.folder}/{name}", exist_ok=True)
    names = ("script", "folder", "directory", "path", "dumper", "memory_bytes", "offline", "writable", "moved")
    asked = {name: getattr(task, name) for name in names} | {"wall": wall}
    asked |= {"wanted": dict(task.wanted or {"value": ""}), "dumpers": dict(task.dumpers)}
    path = f"{task.folder}/asked.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(asked, file)
    return path


@contextlib.contextmanager
def _process(task: Task, asked: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [task.python, "-P", "-s", "-B", "-c", _BOOT, asked]
    process = subprocess.Popen(
        command,
        cwd=task.directory,
        env=_environment_of(task),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=os.name == "posix",  # a group of its own, which can be ended as a whole
    )
    try:
        yield process
    finally:
        end_all(process)
        process.stdout.close()  # type: ignore[union-attr]  # it is a pipe


def _watched(task: Task, process: subprocess.Popen[bytes], output: Output) -> tuple[int | None, str]:
    """Wait for the end; return the status, or None and why it was ended."""
    until = time.monotonic() + task.timeout_s
    while True:
        left = until - time.monotonic()
        if left <= 0:
            return None, f"it ran for more than {task.timeout_s:g} s"
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(min(_TICK_S, left)), ""
        output.hand_on()


def end_all(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, whether or not it lives itself."""
    if os.name != "posix":
        process.kill()
    elif process.poll() is None:
        process.terminate()  # the one that waits before a wall ends all behind it, and sees them end
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)


def _environment_of(task: Task) -> dict[str, str]:
    found = environment(task.folder) | dict(task.environment)
    if task.python != sys.executable:
        found = {name: text for name, text in found.items() if name not in _OF_THIS_INTERPRETER or name in task.environment}
    return found | ({"PYTHONHASHSEED": task.hash_seed} if task.hash_seed is not None else {})


def environment(folder: str) -> dict[str, str]:
    """Return the environment of a clean process: what this one has, but for secrets and what concerns this program only."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(_NOT_HANDED_ON) and not redact(f"{name}={text}")[1] and not redact(f"{name}='{text}'")[1]
    }
    caches = dict.fromkeys(("XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "IPYTHONDIR"), f"{folder}/cache")
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), f"{folder}/tmp")  # noqa: S108 - a folder of our own
    home = dict.fromkeys(("HOME", "USERPROFILE"), f"{folder}/home") | {"ISFDB_DATA_FOLDER": str(option("data_folder") or folder)}
    quiet = {"ISFDB_CAPTURE": "false", "ISFDB_REGISTER": "false", "MPLBACKEND": "agg", "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | caches | places | home | {"ISFDB_CACHE_FOLDER": f"{folder}/cache/isfdb"} | quiet


def _finished(task: Task, wall: str, told: Mapping[str, Any], status: int, duration_s: float, shown: str) -> Finished:
    outcome = str(told.get("outcome") or FAILED)
    because = "" if outcome == DONE else str(told.get("because") or _end(status, shown))
    return Finished(
        outcome,
        because,
        duration_s,
        f"{task.folder}/answer" if told.get("stored") else "",
        shown,
        tuple(told.get("refused", ())),
        status,
        failed=told.get("failed") or dict.fromkeys(task.wanted if outcome != DONE else (), because),
        wall=wall,
        network=bool(told.get("asked_for")),
    )


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
