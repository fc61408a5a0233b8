"""Long work of a tab: in a thread of its own, so that the notebook goes on; one at a time, to be watched and cancelled."""

from __future__ import annotations

import contextvars
import ctypes
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from isfdb.display.safe import escape, escape_lines
from isfdb.display.words import duration_text
from isfdb.jupyter.browsing.tabs.pieces import Notice, button, piece, row, show
from isfdb.options import set_options

_log = logging.getLogger(__name__)

_MOST_OUTPUT: Final = 4_000
_TELL_EVERY_S: Final = 0.3
_current: Work | None = None  # what runs, of all tabs of this process


class Cancelled(KeyboardInterrupt):
    """Raised in the thread of work that is not wanted any more: whatever cleans up after Ctrl-C cleans up after this."""


class Progress:
    """What a work tells while it runs: its steps, and what it prints."""

    def __init__(self, what: str) -> None:
        self.widget = piece()
        self._what = what
        self._began = time.monotonic()
        self._step = ""
        self._output = ""
        self._told = 0.0
        self._show()

    def step(self, words: str) -> None:
        """Say which step runs."""
        self._step = words
        self._show()

    def output(self, text: str) -> None:
        """Show what was printed; not more often than somebody can read."""
        self._output = (self._output + text)[-_MOST_OUTPUT:]
        if time.monotonic() - self._told > _TELL_EVERY_S:
            self._show()

    def _show(self) -> None:
        self._told = time.monotonic()
        took = duration_text(self._told - self._began)
        head = f'<p role="status"><span aria-hidden="true">⏳</span> {escape(self._what, 300)} … {escape(self._step, 200)} ({took})</p>'
        label = "what it prints"
        box = f'<pre class="i-code" tabindex="0" role="group" aria-label="{label}">{escape_lines(self._output)}</pre>'
        show(self.widget, head + (box if self._output.strip() else ""))


class Work:
    """Runs one thing at a time for a tab, and shows that it runs.

    Parameters
    ----------
    notice : Notice
        Where it is told what went wrong.
    """

    def __init__(self, notice: Notice) -> None:
        import ipywidgets as widgets

        self._notice = notice
        self._thread: threading.Thread | None = None
        self.what = ""
        self._cancel = button("cancel", "Stop what is running; nothing is kept of it", notice, self.cancel, icon="stop")
        self._place = widgets.VBox(layout={"width": "100%"})
        self.widget = self._place

    def start(self, what: str, act: Callable[[Progress], Any], done: Callable[[Any], None]) -> None:
        """Begin; where something runs already, say so.

        Parameters
        ----------
        what : str
            What is done, for those who wait: ``"replaying rates"``.
        act : callable
            Is given the progress, to tell of; its result goes to `done`.
        done : callable
            Shows the result.
        """
        global _current
        if _current is not None and _current.is_running:
            self._refuse(_current)
            return
        self._notice.say("")
        progress = Progress(what)
        self._cancel.disabled = False
        self._place.children = [row(self._cancel), progress.widget]
        # Values that the work reads are not read by a cell that may run meanwhile.
        with set_options(capture=False):
            context = contextvars.copy_context()
        self.what, _current = what, self
        self._thread = threading.Thread(target=context.run, args=(self._run, act, done, progress), name="isfdb-tab", daemon=True)
        self._thread.start()

    def _refuse(self, other: Work) -> None:
        """Say what runs already; where it was started may not be on the page any more, so it can be cancelled here."""

        def cancel() -> None:
            other.cancel()
            self._place.children = []
            self._notice.say(f"Cancelled: {other.what}.")

        self._notice.say(f"One thing runs already: {other.what}. Wait for it, or cancel it.")
        if other is not self:
            self._place.children = [row(button("cancel", "Stop what is running; nothing is kept of it", self._notice, cancel, icon="stop"))]

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self._thread is not None and self._thread.is_alive()

    def cancel(self) -> None:
        """Stop what runs, as Ctrl-C would."""
        thread = self._thread
        if thread is not None and thread.is_alive() and thread.ident is not None:
            self._cancel.disabled = True
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Cancelled))

    def _run(self, act: Callable[[Progress], Any], done: Callable[[Any], None], progress: Progress) -> None:
        try:
            self._act(act, done, progress)
        except Cancelled:  # it had ended already
            _log.debug("%s was cancelled too late", self.what)
        self._place.children = []

    def _act(self, act: Callable[[Progress], Any], done: Callable[[Any], None], progress: Progress) -> None:
        try:
            result = act(progress)
            self._cancel.disabled = True
            done(result)
        except Cancelled:
            self._notice.say(f"Cancelled: {self.what}.")
        except BaseException as error:  # noqa: BLE001 - nobody else sees what a thread raises
            _log.debug("%s failed", self.what, exc_info=True)
            self._notice.error(error)
