"""The list of databases in the registry browser: for each its name, place, whether it is there, how much it holds and when it changed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import ipywidgets as widgets

from isfdb.display.safe import escape, visible
from isfdb.display.summaries import UNREADABLE
from isfdb.display.words import age_text, count_text, time_text
from isfdb.jupyter.browsing.look import close_all
from isfdb.jupyter.browsing.tabs.pieces import note, piece, show
from isfdb.layout.current import SESSIONS_FOLDER
from isfdb.opening import open as open_database
from isfdb.options import set_options
from isfdb.registry.records import DatabaseRecord

#: Databases on a page; each of them is listed to count its names.
PAGE: Final = 20


class Facts(NamedTuple):
    """What is found at the place of a database.

    Attributes
    ----------
    n_names : int or None
        Keys and sub-databases in it, not counting what lies in those; None where it cannot be read.
    changed : datetime or None
        When something was last stored, deleted or renamed, as far as folders and session logs tell.
    problem : str
        Why it cannot be read.
    """

    n_names: int | None = None
    changed: datetime | None = None
    problem: str = ""


def opened(path: str) -> Any:
    """Open a database to look at it: nothing is written into it, nor into the registry."""
    with set_options(register=False, capture=False):
        return open_database(path, "r")


def facts_of(record: DatabaseRecord) -> Facts:
    """Look at the place where a database was last seen."""
    if not record.present:
        return Facts(problem=f"missing; last seen from {record.host}, {record.last_seen[:10]}")
    try:
        return Facts(len(opened(record.path)), _changed(record.path))
    except UNREADABLE as error:
        return Facts(problem=str(error))


def _changed(path: str) -> datetime | None:
    """Return when something last changed: a put moves the times of the log of its session, wherever in the database its key lies."""
    times = [os.stat(path).st_mtime]
    with contextlib.suppress(OSError), os.scandir(os.path.join(path, SESSIONS_FOLDER)) as logs:
        times += [log.stat().st_mtime for log in logs]
    return datetime.fromtimestamp(max(times), UTC)


class Databases:
    """A page of databases, a button and a line of facts each.

    Parameters
    ----------
    chosen : callable
        Gets the record of the database whose button was clicked.
    turned : callable
        Gets the number of the first database of the page that is wanted.
    """

    def __init__(self, chosen: Callable[[DatabaseRecord], None], turned: Callable[[int], None]) -> None:
        self.first = 0
        self._chosen = chosen
        self._records: list[DatabaseRecord] = []
        self._lines: list[Any] = []
        self._box = widgets.VBox(layout={"width": "100%"})
        self._count = piece()
        self._back, self._on = [widgets.Button(description=words, layout={"width": "auto"}) for words in ("‹ Previous", "Next ›")]
        self._back.tooltip, self._on.tooltip = "previous page of databases", "next page of databases"
        self._back.on_click(lambda _: turned(self.first - PAGE))
        self._on.on_click(lambda _: turned(self.first + PAGE))
        self._pager = widgets.HBox([self._back, self._count, self._on], layout={"flex_flow": "row wrap", "align_items": "center"})
        self.widget = widgets.VBox([self._box, self._pager], layout={"width": "100%"})

    def show(self, records: Sequence[DatabaseRecord], first: int) -> None:
        """Show the page that begins there."""
        self.first = max(0, min(first, (len(records) - 1) // PAGE * PAGE))
        self._records = list(records[self.first : self.first + PAGE])
        while len(self._lines) < len(self._records):
            self._lines.append(self._line(len(self._lines)))
        for line, record in zip(self._lines, self._records, strict=False):
            _word(line, record)
        if len(self._box.children) != len(self._records):
            self._box.children = self._lines[: len(self._records)]
        self._pager.layout.display = "none" if len(records) <= PAGE else ""
        show(self._count, note(f"{self.first + 1:,} to {self.first + len(self._records):,} of {len(records):,}"))
        self._back.disabled, self._on.disabled = self.first <= 0, self.first + PAGE >= len(records)

    def _line(self, place: int) -> Any:
        button = widgets.Button(layout={"width": "auto", "max_width": "100%", "flex": "0 0 auto"})
        button.on_click(lambda _: self._chosen(self._records[place]) if place < len(self._records) else None)
        facts = piece()
        facts.layout.flex = "1 1 240px"
        return widgets.HBox(
            [button, facts], layout={"flex_flow": "row wrap", "align_items": "center", "width": "100%", "grid_gap": "0 10px"}
        )

    def close(self) -> None:
        """Close the lines that are not shown now."""
        for line in self._lines:
            close_all(line)


def _word(line: Any, record: DatabaseRecord) -> None:
    button, about = line.children
    facts = facts_of(record)
    with button.hold_sync():
        button.description, button.disabled = visible(record.name, 60), facts.n_names is None
        button.tooltip = f"look into {visible(record.path, 400)}" if facts.n_names is not None else visible(facts.problem, 400)
    if facts.n_names is None:
        words = f'<span class="i-bad">{escape(facts.problem, 400)}</span>'
    else:
        age = f'<span title="{time_text(facts.changed)}">changed {age_text(facts.changed)}</span>'
        words = f"{count_text(facts.n_names, 'name')} · {age}"
    show(about, f'{words}<br><code class="i-muted">{escape(record.path, 600)}</code>')
