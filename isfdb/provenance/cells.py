"""Which cells IPython executes. Remembers them in memory; writes nothing, decides nothing.

Cells that ran before isfdb was imported are taken from IPython's own memory, which it keeps even where its history is switched off.
Their outcome and timing were seen by nobody and stay unknown. Hooks never raise and never print.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from isfdb.provenance import file_events

_log = logging.getLogger(__name__)

RUNNING: Final = "running"
UNKNOWN: Final = "unknown"

#: Characters of an error's message that are kept.
ERROR_LENGTH: Final = 500


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
        What else is known: ``cell_id``, ``stored_in_history``, ``error``, ``file``, ``test``, ``parent``, ``reason``,
        ``error_line``, ``run_by_cell``; ``ran_as`` and ``cached`` as in :mod:`isfdb.provenance.cached_cells`.
    """

    __slots__ = ("count", "duration_s", "facts", "kind", "outcome", "source", "started")

    def __init__(
        self,
        kind: str,
        source: str | None,
        *,
        count: int | None = None,
        started: float | None = None,
        outcome: str = RUNNING,
        **facts: Any,
    ) -> None:
        self.kind = kind
        self.source = source
        self.count = count
        self.started = started
        self.outcome = outcome
        self.duration_s: float | None = None
        self.facts = facts


class _Open:
    """A cell that has begun and not ended, with IPython's own record of it and the thread it runs in."""

    __slots__ = ("cell", "info", "thread")

    def __init__(self, cell: Ran, info: Any) -> None:
        self.cell = cell
        self.info = info
        self.thread = threading.get_ident()


class Watch:
    """The cells of one IPython shell, in the order they began."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.ran: list[Ran] = []
        self._open: list[_Open] = []  # a cell may run another one; subshells run several at once
        self._inherited: list[_Open] = []  # those in a forked child that its parent runs
        self._taken = 1  # how much of IPython's memory is in `ran`; In[0] is no cell
        # A silent cell tells of itself by the first and the third only, which say nothing more than that it runs.
        self._hooks = {
            "pre_execute": self._silent_begins,
            "pre_run_cell": self._begins,
            "post_execute": self._silent_ended,
            "post_run_cell": self._ended,
        }

    def start(self) -> None:
        """Take over what ran unseen, and have IPython tell of every cell from now on."""
        self._take_history()
        file_events.top_level_is(self.shell.user_global_ns)
        for event, hook in self._hooks.items():
            self.shell.events.register(event, hook)

    def stop(self) -> None:
        """Have IPython tell no more."""
        self._open.clear()
        file_events.top_level_is(None)
        for event, hook in self._hooks.items():
            try:
                self.shell.events.unregister(event, hook)
            except ValueError:
                continue  # somebody reset the shell's events

    @property
    def running(self) -> Ran | None:
        """The cell that runs in this thread; for a thread that a cell started, the newest cell that runs."""
        return self.running_in(threading.get_ident())

    def running_in(self, thread: int) -> Ran | None:
        """Return the cell that runs in a thread, given by its number; see :attr:`running`."""
        if not self._open:
            return None
        return next((one.cell for one in reversed(self._open) if one.thread == thread), self._open[-1].cell)

    @property
    def is_in_cell(self) -> bool:
        """True where this very thread runs a cell."""
        return any(one.thread == threading.get_ident() for one in self._open)

    def began_here(self, thread: int) -> bool:
        """Say whether a thread runs a cell that began in this very process, not in the one it was forked from."""
        return any(one.thread == thread and one not in self._inherited for one in self._open)

    def _is_run_by_code(self) -> bool:
        """Say whether the code of a cell runs the next one by its text; a magic that runs earlier cells names none."""
        here = threading.get_ident()
        return any(one.thread == here and "run_cell" in (one.cell.source or "") for one in self._open)

    def forget_finished(self) -> None:
        """Keep only what runs now: a forked child is no place for what its parent ran."""
        self.ran = [one.cell for one in self._open]
        self._inherited = list(self._open)

    def _take_history(self) -> None:
        remembered = self._remembered()
        result = _result_in_the_making(self.shell)
        info = getattr(result, "info", None)
        for count, source in enumerate(remembered[self._taken :], self._taken):
            self.ran.append(Ran("cell", str(source), count=count, outcome=UNKNOWN, stored_in_history=True))
        self._taken = max(self._taken, len(remembered))
        if info is None:
            return
        # The cell that runs now, and perhaps imports us. When it began was seen by nobody.
        if not (getattr(info, "store_history", False) and self.ran and self.ran[-1].source == str(info.raw_cell).rstrip("\n")):
            self.ran.append(Ran("cell", info.raw_cell))
        self.ran[-1].outcome = RUNNING
        self.ran[-1].facts = _facts(info)
        self._open.append(_Open(self.ran[-1], info))

    def _remembered(self) -> Sequence[Any]:
        """Return the sources IPython remembers; the one at index n is that of In[n]."""
        remembered = getattr(getattr(self.shell, "history_manager", None), "input_hist_raw", None)
        return remembered or self.shell.user_ns.get("_ih") or [""]

    def _begins(self, info: Any) -> None:
        try:
            file_events.look_soon()  # what was opened so far was opened by what ran so far
            is_stored = bool(getattr(info, "store_history", True))
            # Some releases of IPython have counted on by now, others have not; its memory has not grown yet in any.
            count = len(self._remembered()) if is_stored else None
            if count is not None:
                self._taken = count + 1
            if self._open:
                self._forget_lost(info)
            facts = _facts(info) | ({"run_by_cell": True} if self._is_run_by_code() else {})
            cell = Ran("cell", getattr(info, "raw_cell", None), count=count, started=time.time(), **facts)
            self.ran.append(cell)
            self._open.append(_Open(cell, info))
            for hook in before_cell:
                hook()
        except Exception:  # noqa: BLE001 - a hook that raises would print into the user's notebook
            _log.debug("noting a cell failed", exc_info=True)

    def _ended(self, result: Any) -> None:
        try:
            found = self._find(result)
            if found is not None:
                self._close(found, result)
        except Exception:  # noqa: BLE001 - as above
            _log.debug("noting a cell's outcome failed", exc_info=True)

    def _silent_begins(self) -> None:
        # IPython's function that runs a cell is two frames up: we, EventManager.trigger, run_cell_async. Other callers run no cell.
        caller = sys._getframe(2)
        info = caller.f_locals.get("info") if caller.f_code.co_name == "run_cell_async" else None
        if getattr(info, "silent", False):
            self._begins(info)

    def _silent_ended(self) -> None:
        if self._open and getattr(self._open[-1].info, "silent", False):
            self._ended(getattr(self.shell, "last_execution_result", None))

    def _find(self, result: Any) -> _Open | None:
        """Return the open cell that `result` is about; None for an empty cell, which ends without having begun."""
        info = getattr(result, "info", None)
        here = threading.get_ident()
        for one in reversed(self._open):
            # After an interrupt IPython makes up another record of the same cell, or none at all.
            if one.info is info or (one.thread == here and getattr(info, "raw_cell", one.info.raw_cell) == one.info.raw_cell):
                return one
        return None

    def _close(self, ended: _Open, result: Any) -> None:
        file_events.look_soon()
        self._open.remove(ended)
        cell = ended.cell
        if cell.started is not None:
            cell.duration_s = time.time() - cell.started
        if cell.count is not None and getattr(result, "execution_count", None) is not None:
            cell.count = result.execution_count
        error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
        if error is not None:
            cell.facts["error"] = error_text(error)
            line = self._line_of(error, cell)
            if line is not None:
                cell.facts["error_line"] = line
        cell.outcome = UNKNOWN if result is None else "ok" if error is None else "error"
        for hook in after_cell:
            hook(cell)

    def _line_of(self, error: BaseException, cell: Ran) -> int | None:
        """Return the line of the cell, or of the body that its magic runs, at which it stopped; None for one that never began."""
        names = self.shell.user_global_ns
        lines, trace = [], error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_globals is names and is_top_level(trace.tb_frame.f_code.co_name):
                lines.append(trace.tb_lineno)
            trace = trace.tb_next
        runs_body = len(lines) > 1 and (cell.source or "").lstrip().startswith("%%")
        return lines[1] if runs_body else lines[0] if lines else None

    def _forget_lost(self, info: Any) -> None:
        """Drop cells whose end nobody told: unless one is still on this thread's stack, it no longer runs the new one."""
        on_stack = _infos_on_stack()
        here = threading.get_ident()
        for one in [one for one in self._open if one.thread == here and one.info is not info and one.info not in on_stack]:
            self._open.remove(one)
            one.cell.outcome = UNKNOWN


#: Called without arguments when a cell begins; with the cell when it has ended. Must be quick and must not raise.
before_cell: list[Callable[[], None]] = []
after_cell: list[Callable[[Ran], None]] = []

_watch: Watch | None = None
_is_watching = False


def watch() -> Watch | None:
    """Note every cell from now on, and take over those that ran before. Does nothing twice, and nothing where no shell runs yet.

    Returns
    -------
    Watch or None
        What is known about the shell's cells; None where there is no shell.
    """
    global _watch, _is_watching
    shell = _shell()
    if shell is None or (_is_watching and _watch is not None and _watch.shell is shell):
        return _watch if shell is not None else None
    unwatch()
    try:
        if _watch is None or _watch.shell is not shell:
            _watch = Watch(shell)
        _watch.start()
        _is_watching = True
    except Exception:  # noqa: BLE001 - an unusual shell must not break `import isfdb`, nor a save
        _log.debug("watching IPython failed", exc_info=True)
    return _watch


def unwatch() -> None:
    """Stop noting cells; what was noted is kept, and the next put of this process watches again."""
    global _is_watching
    if _watch is not None and _is_watching:
        _watch.stop()
    _is_watching = False


def _shell() -> Any:
    module = sys.modules.get("IPython.core.interactiveshell")
    shell_class = getattr(module, "InteractiveShell", None)
    return getattr(shell_class, "_instance", None) if shell_class is not None else None


def first_folder() -> str | None:
    """Return the folder in which the notebook began, as its shell remembers it."""
    folders = getattr(_shell(), "user_ns", {}).get("_dh")
    return str(folders[0]) if isinstance(folders, list) and folders and os.path.isabs(str(folders[0])) else None


def _facts(info: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"stored_in_history": bool(getattr(info, "store_history", True))}
    if getattr(info, "cell_id", None):
        facts["cell_id"] = str(info.cell_id)
    if getattr(info, "silent", False):
        facts["silent"] = True
    return facts


def is_top_level(name: str) -> bool:
    """Say whether code of this name is that of a cell or script itself, not of a function in it."""
    return name == "<module>" or name.startswith("<cell line:")  # as some releases of IPython call it


def error_text(error: BaseException) -> str:
    """Return type and message of an error, cut short; the type alone where the message cannot be had."""
    kind = type(error).__name__
    try:
        return f"{kind}: {error}"[:ERROR_LENGTH]
    except Exception:  # noqa: BLE001 - the user's own class, whose __str__ fails
        return kind


def _result_in_the_making(shell: Any) -> Any:
    """Return IPython's record of the cell that runs right now, found in the frame that runs it; None between cells."""
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "run_code" and frame.f_locals.get("self") is shell:
            return frame.f_locals.get("result")
        frame = frame.f_back
    return None


def _infos_on_stack() -> list[Any]:
    found = []
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "run_cell_async":
            found.append(frame.f_locals.get("info"))
        frame = frame.f_back
    return found
