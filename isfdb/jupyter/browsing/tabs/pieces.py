"""Pieces that the tabs are made of: HTML with its style, buttons, one message in place, pages to turn. They know nothing of databases."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import ipywidgets as widgets

from isfdb.display import html
from isfdb.display.safe import escape, escape_lines
from isfdb.errors import IsfdbError

_log = logging.getLogger(__name__)

#: Controls stand beside each other and go to the next line where there is no room.
ROW: Final = {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "4px 6px"}

_PLAIN: Final = re.compile(r"[\w .\-]{1,30}")


def piece(body: str = "") -> Any:
    """Return a widget that shows HTML; every text in it must be escaped already, for the widget escapes nothing."""
    # A block, for in a flexible box what is wide would push the box out of its place instead of scrolling in it.
    return widgets.HTML(value=html.fragment(body) if body else "", layout={"display": "block", "width": "auto", "min_width": "0"})


def show(widget: Any, body: str) -> None:
    """Put other HTML into a piece."""
    widget.value = html.fragment(body) if body else ""


def note(text: str) -> str:
    """Return a sentence in a fainter tone."""
    return f'<p class="i-muted">{escape(text, 1000)}</p>'


def problem(error: BaseException) -> str:
    """Return what went wrong, as one message: our own errors say what to do next, others get the name of their kind."""
    text = str(error) if isinstance(error, IsfdbError) else f"{type(error).__name__}: {error}"
    return f'<div class="i-bad" role="alert"><span aria-hidden="true">⚠</span> {escape_lines(text, 2000)}</div>'


class Notice:
    """A line below the controls that says what went wrong, or what was done."""

    def __init__(self) -> None:
        self.widget = piece()

    def error(self, error: BaseException) -> None:
        """Say what went wrong."""
        show(self.widget, problem(error))

    def say(self, text: str) -> None:
        """Say what was done."""
        show(self.widget, f'<div role="status">{escape(text, 2000)}</div>' if text else "")


@contextlib.contextmanager
def told(notice: Notice) -> Iterator[None]:
    """Run something; where it fails, say so in the tab. In a notebook nobody reads the log into which a callback's error would go."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - values, records and libraries may fail in any way, and the tab must tell how
        _log.debug("a tab could not do what was asked", exc_info=True)
        notice.error(error)


def guarded(notice: Notice, act: Callable[[], None]) -> Callable[[Any], None]:
    """Return a callback that does something, and tells in the tab where that fails."""

    def callback(_: Any) -> None:
        with told(notice):
            act()

    return callback


def button(words: str, tooltip: str, notice: Notice, act: Callable[[], None], *, icon: str = "") -> Any:
    """Return a button with words on it that does something when it is clicked."""
    made = widgets.Button(description=words, tooltip=tooltip, icon=icon, layout={"width": "auto"})
    made.on_click(guarded(notice, act))
    return made


def fitted(control: Any, width: str = "auto") -> Any:
    """Return a control that is as wide as it must be, its description as well.

    A description is never a text from a database: front ends draw formulas in it, whose links may run something.
    """
    control.style.description_width = "initial"
    control.layout.width = width
    return control


def is_plain(text: str) -> bool:
    """Say whether a text from a database may stand in a description."""
    return _PLAIN.fullmatch(text) is not None


def row(*children: Any) -> Any:
    """Return controls beside each other."""
    return widgets.HBox([child for child in children if child is not None], layout=dict(ROW))


def column(*children: Any) -> Any:
    """Return widgets below each other, as wide as there is room."""
    return widgets.VBox([child for child in children if child is not None], layout={"width": "100%", "overflow": "hidden"})


class Pager:
    """Pages to turn: first, previous, next, last, and the number of a page to type.

    Parameters
    ----------
    n_pages : int
        At least 1.
    what : str
        What a page is of, for the tooltips: ``"rows"``.
    turned : callable
        Is called after another page was chosen.
    notice : Notice
    words : str
        What a page is called.
    """

    def __init__(self, n_pages: int, what: str, turned: Callable[[], None], notice: Notice, words: str = "page") -> None:
        number = widgets.BoundedIntText(value=1, min=1, max=max(n_pages, 1), description=words, tooltip=f"page of {what} to show")
        self.number = fitted(number)
        self.number.layout.max_width = "12em"
        self._total = widgets.Label()
        steps = (
            ("« First", "first", lambda: 1),
            ("‹ Previous", "previous", lambda: self.number.value - 1),
            ("Next ›", "next", lambda: self.number.value + 1),
            ("Last »", "last", lambda: self.number.max),
        )
        first, previous, following, last = [button(words, f"{name} {what}", notice, self._to(where)) for words, name, where in steps]
        self._back, self._on = (first, previous), (following, last)
        self.widget = row(first, previous, self.number, self._total, following, last)
        self._turned = guarded(notice, turned)
        self.number.observe(self._changed, "value")
        self.resize(n_pages)

    def resize(self, n_pages: int) -> None:
        """Say how many pages there are now."""
        self.number.max = max(n_pages, 1)
        self._total.value = f"of {max(n_pages, 1):,}"
        self.widget.layout.display = "" if n_pages > 1 else "none"
        self._enable()

    def _to(self, where: Callable[[], int]) -> Callable[[], None]:
        def go() -> None:
            self.number.value = min(max(where(), 1), self.number.max)

        return go

    def _changed(self, change: Any) -> None:
        self._enable()
        self._turned(change)

    def _enable(self) -> None:
        for one in self._back:
            one.disabled = self.number.value <= 1
        for one in self._on:
            one.disabled = self.number.value >= self.number.max
