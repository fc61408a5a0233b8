"""Which activity runs now: a worker's task, a cell, a test, the script. Looks only; what it learns is written by others."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from isfdb.provenance.cells import Ran, Watch, error_text, watch

MAX_SOURCE_CHARACTERS = 4_000_000


@dataclass(frozen=True)
class Activity:
    """What a pickled handle carries to a worker: who sent the work. Small and picklable.

    Attributes
    ----------
    session : str
        Of the process that sent it.
    line : int
        Line of the cell in that session's log, counted from 0.
    process : str
        Tells that process from all others. Back in it, the activity matters in worker threads only: elsewhere what runs is known better.
    script : str
        Digest under which the code that sent the work lies in the database; empty where it is not known.
    """

    session: str
    line: int
    process: str
    script: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what a record holds."""
        return {"line": self.line, "session": self.session}

    @property
    def is_from_elsewhere(self) -> bool:
        """True in every process but the one it was made in."""
        return self.process != _process


_process = os.urandom(8).hex()
_script: Ran | None = None
_tests: dict[str, Ran] = {}
_texts: dict[str, tuple[str | None, str | None]] = {}  # path of a file of tests, imported once -> its text
_tasks: dict[Activity, Ran] = {}
_callbacks: dict[int, Ran] = {}  # id of the cell before, which the watch keeps alive -> what ran after it


def process_name() -> str:
    """Return the name that tells this process from all others."""
    return _process


def this_activity(session: str, line: int, script: str = "") -> Activity:
    """Return the handle of an activity of this process."""
    return Activity(session, line, _process, script)


def running(carried: Activity | None = None) -> Ran:
    """Return what runs now.

    Parameters
    ----------
    carried : Activity, optional
        What came with the handle: in another process or thread than it was pickled in, the work belongs to it, unless a cell of this
        very process does it: whoever loads a pickled handle into a notebook works for nobody else.
    """
    shell_watch = watch()
    if carried is not None and (_is_sent_here(carried, shell_watch) or _is_worker_thread(shell_watch)):
        return _task(carried)
    if shell_watch is not None and (cell := shell_watch.running) is not None:
        return cell
    test = os.environ.get("PYTEST_CURRENT_TEST")
    if test and "_pytest.runner" in sys.modules:  # a process that a test started inherits the variable
        return _test(test.rpartition(" (")[0] or test)
    if shell_watch is None or _file_run_by(shell_watch.shell) is not None:
        return _the_script()
    return _between_cells(shell_watch)


def _is_sent_here(carried: Activity, shell_watch: Watch | None) -> bool:
    return carried.is_from_elsewhere and not (shell_watch is not None and shell_watch.began_here(threading.get_ident()))


def _is_worker_thread(shell_watch: Watch | None) -> bool:
    """Say whether this thread works for whoever sent it a handle: threaded workers of one process get handles pickled, too."""
    return threading.current_thread() is not threading.main_thread() and not (shell_watch is not None and shell_watch.is_in_cell)


def ran_before(ran: Ran) -> list[Ran]:
    """Return what a reader must know to understand `ran`: for a cell, all cells so far, oldest first. Append-only: not to be changed."""
    shell_watch = watch() if ran.kind in ("cell", "callback") else None
    return shell_watch.ran if shell_watch is not None else []


def _task(carried: Activity) -> Ran:
    if carried not in _tasks:
        _tasks[carried] = Ran("task", None, started=time.time(), parent=carried.to_json())
    return _tasks[carried]


def _between_cells(shell_watch: Watch) -> Ran:
    last = shell_watch.ran[-1] if shell_watch.ran else None
    if id(last) not in _callbacks:
        facts: dict[str, Any] = {
            "after_count": last.count if last else None,
            "reason": "ran outside any cell: in a thread or a widget's callback",
        }
        _callbacks[id(last)] = Ran("callback", None, started=time.time(), **facts)
    return _callbacks[id(last)]


def _test(name: str) -> Ran:
    if name not in _tests:
        path = name.partition("::")[0]
        source, reason = _text_of_tests(_file_of_test(path))
        facts: dict[str, Any] = {"test": name, "file": path} | ({"reason": reason} if reason else {})
        _tests[name] = Ran("test", source, started=time.time(), **facts)
    return _tests[name]


def _file_of_test(path: str) -> str:
    """Return the file of a test: pytest tells it relative to a folder of its own, which need not be the one we stand in."""
    if os.path.exists(path):
        return path
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return next((str(file) for file in files if file and str(file).replace(os.sep, "/").endswith("/" + path)), path)


def _the_script() -> Ran:
    global _script
    if _script is None:
        shell_watch = watch()
        path = _file_run_by(shell_watch.shell) if shell_watch else getattr(sys.modules.get("__main__"), "__file__", None)
        path = None if path == "<stdin>" else path
        source, reason = _text_of(path) if path else _text_of_command()
        facts: dict[str, Any] = {"file": os.path.abspath(path)} if path else {}
        if reason:
            facts["reason"] = reason
        kind = "interactive" if path is None and source is None else "script"
        _script = Ran(kind, source, started=_started(), **facts)
    return _script


def _file_run_by(shell: Any) -> str | None:
    """Return the script that ``ipython script.py`` runs right now, outside any cell."""
    frame: Any = sys._getframe() if "__file__" in shell.user_ns else None
    while frame is not None:
        if frame.f_code.co_name == "safe_execfile" and frame.f_locals.get("self") is shell:
            return str(frame.f_locals.get("fname"))
        frame = frame.f_back
    return None


def end_of_script() -> Ran | None:
    """Note that the script ends now, and return it; None where no script stored anything. Called when the interpreter ends."""
    if _script is None or _script.kind != "script":
        return None
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)  # the first since Python 3.12
    _script.outcome = "ok" if error is None else "error"
    if error is not None:
        _script.facts["error"] = error_text(error)
    if _script.started is not None:
        _script.duration_s = time.time() - _script.started
    return _script


def _started() -> float | None:
    """Return when this process began, where the system says so."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        with open("/proc/uptime", "rb") as file:
            up_s = float(file.read().split()[0])
        return time.time() - up_s + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):  # not Linux, or it hides its processes
        return None


def _text_of(path: str) -> tuple[str | None, str | None]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MAX_SOURCE_CHARACTERS), None
    except OSError as error:
        return None, f"the file could not be read: {error.strerror}"


def _text_of_tests(path: str) -> tuple[str | None, str | None]:
    """Return the text of a file of tests: the same object for each of its tests, for there may be thousands."""
    if path not in _texts:
        _texts[path] = _text_of(path)
    return _texts[path]


def _text_of_command() -> tuple[str | None, str | None]:
    # Python's own options stand before -c, and what follows the text belongs to the program.
    arguments = list(getattr(sys, "orig_argv", []))
    if sys.argv[:1] == ["-c"] and "-c" in arguments[:-1]:
        return arguments[arguments.index("-c") + 1], None
    return None, "typed at a prompt or read from standard input, which Python does not keep"


def _begin_anew_after_fork() -> None:
    """Forget what the parent ran: it is in the parent's session, and a forked child runs something of its own."""
    global _process, _script
    _process = os.urandom(8).hex()
    _script = None
    for known in (_tests, _tasks, _callbacks):
        known.clear()
    shell_watch = watch()
    if shell_watch is not None:
        shell_watch.forget_finished()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew_after_fork)
