"""What this process executes: cells of IPython, a script, a test, a worker's task. Remembers it in memory; writes nothing.

Cells that ran before isfdb was imported are taken from IPython's own memory, which it keeps even where its history is switched off.
Their outcome and timing were seen by nobody and stay unknown. Hooks never raise and never print.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Final

_log = logging.getLogger(__name__)

RUNNING: Final = "running"
UNKNOWN: Final = "unknown"


class Ran:
    """One thing that ran, or is running: a cell, script, test or task.

    Attributes
    ----------
    kind : str
        ``"cell"``, ``"script"``, ``"test"``, ``"task"``, ``"callback"`` or ``"interactive"``.
    source : str or None
        As executed; None where it is not known.
    count : int or None
        IPython's execution count.
    started : float or None
        Seconds since 1970.
    outcome : str
        ``"ok"``, ``"error"``, ``"running"`` or ``"unknown"``.
    facts : dict
        What else is known: ``cell_id``, ``stored_in_history``, ``error``, ``file``, ``test``, ``parent``, ``reason``.
    """

    __slots__ = ("count", "duration_s", "facts", "kind", "outcome", "source", "started")

    def __init__(self, kind: str, source: str | None, *, count: int | None = None, started: float | None = None, outcome: str = RUNNING, **facts: Any) -> None:
        self.kind = kind
        self.source = source
        self.count = count
        self.started = started
        self.outcome = outcome
        self.duration_s: float | None = None
        self.facts = facts


class _Watch:
    """The cells of one IPython shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.running: Ran | None = None
        self.ran: list[Ran] = []
        self._took: Any = None
        self.take_history()
        shell.events.register("pre_run_cell", self.before)
        shell.events.register("post_run_cell", self.after)

    def take_history(self) -> None:
        """Take over the cells that ran before, and the one that runs now and imported us."""
        for count, source in enumerate(self._sources()[1:], 1):
            self.ran.append(Ran("cell", source, count=count, outcome=UNKNOWN, stored_in_history=True))
        result = _result_in_the_making(self.shell)
        if result is None:
            return
        if getattr(result.info, "store_history", False) and self.ran and self.ran[-1].source == result.info.raw_cell:
            self.running = self.ran[-1]
            self.running.outcome = RUNNING
        else:
            self.running = Ran("cell", result.info.raw_cell, stored_in_history=False)
            self.ran.append(self.running)

    def _sources(self) -> list[str]:
        """Return the sources IPython remembers; the one at index n is that of In[n]."""
        remembered = getattr(getattr(self.shell, "history_manager", None), "input_hist_raw", None)
        return [str(source) for source in remembered or self.shell.user_ns.get("_ih") or [""]]

    def before(self, info: Any) -> None:
        try:
            stored = bool(getattr(info, "store_history", True))
            facts = {"stored_in_history": stored}
            if getattr(info, "cell_id", None):
                facts["cell_id"] = info.cell_id
            if getattr(info, "silent", False):
                facts["silent"] = True
            # Some releases of IPython have counted on by now, others have not; its memory has not grown yet in any.
            count = len(self._sources()) if stored else None
            self.running = Ran("cell", getattr(info, "raw_cell", None), count=count, started=time.time(), **facts)
            self.ran.append(self.running)
            for hook in before_cell:
                hook()
        except Exception:  # noqa: BLE001 - a hook that raises would print into the user's notebook
            _log.debug("noting a cell failed", exc_info=True)

    def after(self, result: Any) -> None:
        try:
            cell = self.running
            if cell is None:
                return
            if cell.count is not None and getattr(result, "execution_count", None) is not None:
                cell.count = result.execution_count
            error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
            cell.outcome = "error" if error is not None else "ok"
            if error is not None:
                cell.facts["error"] = f"{type(error).__name__}: {error}"[:500]
            if cell.started is not None:
                cell.duration_s = time.time() - cell.started
            self.running = None
            for hook in after_cell:
                hook(cell)
        except Exception:  # noqa: BLE001 - as above
            _log.debug("noting a cell's outcome failed", exc_info=True)

    def stop(self) -> None:
        for event, hook in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            try:
                self.shell.events.unregister(event, hook)
            except ValueError:
                continue  # somebody reset the shell's events


#: Called without arguments when a cell begins; with the cell when it has ended. Must be quick and must not raise.
before_cell: list[Callable[[], None]] = []
after_cell: list[Callable[[Ran], None]] = []

_watch: _Watch | None = None
_script: Ran | None = None
_tests: dict[str, Ran] = {}
_tasks: dict[Any, Ran] = {}
_callbacks: dict[int, Ran] = {}  # id of the cell before, which the watch keeps alive -> what ran after it


def _result_in_the_making(shell: Any) -> Any:
    """Return IPython's record of the cell that runs right now, found in the frame that runs it; None between cells."""
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "run_code" and frame.f_locals.get("self") is shell:
            return frame.f_locals.get("result")
        frame = frame.f_back
    return None


def _shell() -> Any:
    module = sys.modules.get("IPython.core.interactiveshell")
    shell_class = getattr(module, "InteractiveShell", None)
    return getattr(shell_class, "_instance", None) if shell_class is not None else None


def watch() -> None:
    """Note every cell from now on, and take over those that ran before. Does nothing twice, and nothing where no shell runs yet."""
    global _watch
    shell = _shell()
    if shell is None or (_watch is not None and _watch.shell is shell):
        return
    unwatch()
    try:
        _watch = _Watch(shell)
    except Exception:  # noqa: BLE001 - an unusual shell must not break `import isfdb`
        _log.debug("watching IPython failed", exc_info=True)


def unwatch() -> None:
    """Stop noting cells."""
    global _watch
    if _watch is not None:
        _watch.stop()
        _watch = None


def ran_before_now() -> list[Ran]:
    """Return all that this process executed so far, oldest first, what runs now included."""
    return list(_watch.ran) if _watch is not None else []


def running(carried: Any = None) -> Ran:
    """Return what runs now: a worker's task, a cell, a test, the script."""
    if carried is not None and carried.process_id != os.getpid():
        return _tasks.setdefault(carried, Ran("task", None, started=time.time(), parent=carried.to_json()))
    watch()
    if _watch is not None and _watch.running is not None:
        return _watch.running
    test = os.environ.get("PYTEST_CURRENT_TEST")
    if test:
        return _test(test.rpartition(" (")[0] or test)
    return _between_cells(_watch) if _watch is not None else _the_script()


def _between_cells(shell_watch: _Watch) -> Ran:
    last = shell_watch.ran[-1] if shell_watch.ran else None
    if id(last) not in _callbacks:
        facts = {"after_count": last.count if last else None, "reason": "ran outside any cell: in a thread, a widget's callback or silently"}
        _callbacks[id(last)] = Ran("callback", None, started=time.time(), **facts)
    return _callbacks[id(last)]


def _test(name: str) -> Ran:
    if name not in _tests:
        path = name.partition("::")[0]
        source, reason = _text_of(path)
        _tests[name] = Ran("test", source, started=time.time(), test=name, file=path, **({"reason": reason} if reason else {}))
    return _tests[name]


def _the_script() -> Ran:
    global _script
    if _script is None:
        main = sys.modules.get("__main__")
        path = getattr(main, "__file__", None)
        if path:
            source, reason = _text_of(path)
            facts = {"file": os.path.abspath(path)}
        else:
            source, reason = _command_text()
            facts = {}
        kind = "interactive" if not path and source is None else "script"
        _script = Ran(kind, source, started=time.time(), **facts, **({"reason": reason} if reason else {}))
    return _script


def _text_of(path: str) -> tuple[str | None, str | None]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(4_000_000), None
    except OSError as error:
        return None, f"the file could not be read: {error.strerror}"


def _command_text() -> tuple[str | None, str | None]:
    arguments = list(getattr(sys, "orig_argv", []))
    if "-c" in arguments[:-1]:
        return arguments[arguments.index("-c") + 1], None
    return None, "typed at a prompt or read from standard input, which Python does not keep"


def _forget_after_fork() -> None:
    """A forked child runs something of its own; what its parent ran is in the parent's session."""
    global _script
    _script = None
    if _watch is not None:
        _watch.ran = _watch.ran[-1:]
    _tests.clear()
    _tasks.clear()
    _callbacks.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
