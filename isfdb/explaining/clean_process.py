"""Runs a script in a Python process of its own: with limits, without secrets, ended as a whole. It judges nothing.

What the script leaves is stored in a database of its own, for whoever asked to compare. What the child does is in `in_clean_process.py`,
what holds it back in `wall.py` and `holding_back.py`. Where it may write, and what it finds there, is decided before: see `workplace.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final

from isfdb.explaining.handed_on import OF_THIS_INTERPRETER, environment
from isfdb.explaining.in_clean_process import AUDIT_HOOK, WALLS
from isfdb.explaining.last_words import lacks_memory, lacks_network, refused_writes
from isfdb.explaining.output import Output
from isfdb.explaining.scratch_home import lay_out_home
from isfdb.explaining.watch import Watch

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
    arguments : tuple of str
        What the script finds as ``sys.argv``.
    without : tuple of str
        Variables that it does not get, though this process has them.
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
    arguments: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
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
        Paths outside its folder that it was not allowed to change; of a program or library that failed for that, what it says.
    exit_status : int or None
    failed : Mapping
        Name of what was wanted -> why it could not be had.
    wall : str
        What held it back: ``"namespaces"``, ``"landlock"`` or only the ``"audit hook"``.
    network : bool
        Whether it asked for another computer; of a run that had a network and failed: and failed, it seems, for that.
    read : tuple of str
        Files of data that Python opened for it, by their own places: of what was laid out in the folder, where that came from.
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
    read: tuple[str, ...] = ()


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
    # Held open, so that it can be read when the script has removed it.
    with open(f"{task.folder}/told.json", "w+b") as telling, _process(task, asked) as process:
        output = Output(process.stdout, task.on_output)  # type: ignore[arg-type]  # it is a pipe
        watch = Watch(process.pid, task.folder, task.memory_bytes)
        status, outcome, because = _watched(task, process, output, watch)
        duration_s = time.monotonic() - started
        end_all(process)
        shown = output.finish(_GRACE_S)
        told = _told(telling)
    if "no_wall" in told:
        return None
    if status is not None and not told.get("outcome"):
        outcome, because = _end(status, shown, watch)
    return _finished(task, wall, told, outcome, because, status, duration_s, shown)


def _ask(task: Task, wall: str) -> str:
    """Write down what the child is to do."""
    os.makedirs(f"{task.folder}/tmp", exist_ok=True)  # noqa: S108 - a folder of our own
    lay_out_home(f"{task.folder}/home", f"{task.folder}/cache", linked=wall != AUDIT_HOOK)
    names = ("script", "folder", "directory", "path", "dumper", "memory_bytes", "offline", "writable", "moved", "arguments")
    asked = {name: getattr(task, name) for name in names} | {"wall": wall}
    asked |= {"wanted": dict(task.wanted or {"value": ""}), "dumpers": dict(task.dumpers)}
    path = f"{task.folder}/asked.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(asked, file)
    return path


@contextlib.contextmanager
def _process(task: Task, asked: str) -> Iterator[subprocess.Popen[bytes]]:
    # Packages that were installed for a replay may run code when Python starts (.pth files): in their interpreter that is put off (-S)
    # until the child is behind its wall.
    late = ["-S"] if task.python != sys.executable else []
    command = [task.python, "-P", "-s", "-B", *late, "-c", _BOOT, asked]
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


def _watched(task: Task, process: subprocess.Popen[bytes], output: Output, watch: Watch) -> tuple[int | None, str, str]:
    """Wait for the end; return the status, or None and how it was ended and why."""
    until = time.monotonic() + task.timeout_s
    while True:
        left = until - time.monotonic()
        if left <= 0:
            return None, TIMED_OUT, f"it ran for more than {task.timeout_s:g} s"
        if _has_ended(process, min(_TICK_S, left)):
            return process.wait(), "", ""
        output.hand_on()
        is_memory, because = watch.too_much()
        if because:
            return None, OUT_OF_MEMORY if is_memory else FAILED, because


def _has_ended(process: subprocess.Popen[bytes], within_s: float) -> bool:
    """Wait for the end of a process, without the naps of `Popen.wait` where the system tells of it."""
    try:
        handle = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(within_s)
        return process.returncode is not None
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(within_s * 1000))
    finally:
        os.close(handle)


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
    inherited = {name: text for name, text in environment(task.folder).items() if name not in task.without}
    found = inherited | dict(task.environment)
    if task.python != sys.executable:
        found = {name: text for name, text in found.items() if name not in OF_THIS_INTERPRETER or name in task.environment}
    return found | ({"PYTHONHASHSEED": task.hash_seed} if task.hash_seed is not None else {})


def _finished(
    task: Task, wall: str, told: Mapping[str, Any], outcome: str, because: str, status: int | None, duration_s: float, shown: str
) -> Finished:
    outcome = outcome or str(told.get("outcome") or FAILED)
    because = "" if outcome == DONE else because or str(told.get("because"))
    has_asked = bool(told.get("asked_for"))
    return Finished(
        outcome,
        because,
        duration_s,
        f"{task.folder}/answer" if outcome == DONE and told.get("stored") else "",
        shown,
        (*told.get("refused", ()), *(refused_writes(f"{because}\n{shown}") if outcome == FAILED else ())),
        status,
        failed=dict.fromkeys(task.wanted, because) if outcome != DONE else told.get("failed") or {},
        wall=wall,
        network=lacks_network(f"{shown} {because}", offline=task.offline, has_asked=has_asked) if outcome == FAILED else has_asked,
        read=_own_places(told.get("read"), task.folder),
    )


def _own_places(read: Any, folder: str) -> tuple[str, ...]:
    """Return where files came from that were laid out below a folder, besides those that lie elsewhere anyway."""
    laid_out = f"{folder}/work"
    paths = [one for one in read if isinstance(one, str)] if isinstance(read, list) else []
    own = [one.removeprefix(laid_out) for one in paths if one.startswith(f"{laid_out}/") or not f"{one}/".startswith(f"{folder}/")]
    return tuple(dict.fromkeys(own))


def _told(telling: IO[bytes]) -> dict[str, Any]:
    try:
        told = json.load(telling)
        return told if isinstance(told, dict) else {}
    except (OSError, ValueError):
        return {}  # it ended before it could tell


def _end(status: int, shown: str, watch: Watch) -> tuple[str, str]:
    """Return how a process ended that could not tell, and why."""
    if watch.was_killed_for_memory():
        return OUT_OF_MEMORY, "the computer had no memory left and ended it"
    if lacks_memory(shown):
        return OUT_OF_MEMORY, "there was no memory left"
    if status == -getattr(signal, "SIGKILL", 9):
        return FAILED, "it was killed"
    if status < 0:
        return FAILED, f"it was ended by signal {-status}"
    last = shown.strip().rpartition("\n")[2][:200]
    return FAILED, f"it ended by itself with status {status}{': ' if last else ''}{last}"
