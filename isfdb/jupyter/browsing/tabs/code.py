"""The tab Code: what makes the value, what ran, and how that differs from the notebook or script as it is now. Nothing is run."""

from __future__ import annotations

from typing import Any, Final

from isfdb.comparing.difference import DIFF_STYLE
from isfdb.display import html
from isfdb.display.cells import cell_html, cell_summaries
from isfdb.display.highlight import STYLE, python_box
from isfdb.display.safe import escape
from isfdb.explaining.scripts import code as script_of
from isfdb.explaining.scripts import session_of
from isfdb.jupyter.browsing.tabs.inserting import loading_button
from isfdb.jupyter.browsing.tabs.notebook_now import difference_html
from isfdb.jupyter.browsing.tabs.pieces import Notice, column, guarded, note, piece, row, show
from isfdb.jupyter.browsing.tabs.subject import Subject

SLICE, CELLS, DIFFERENCE = VIEWS = ("slice", "cells as run", "difference to the file now")
_TOOLTIPS: Final = (
    "The statements that make the value, put together to a script",
    "What the session executed until the value was stored, in order",
    "How the cells that ran differ from the notebook or script as it is now",
)
_MOST_CELLS: Final = 60


def tab(subject: Subject) -> Any:
    """Return the widget."""
    import ipywidgets as widgets

    notice, body = Notice(), piece()
    views = widgets.ToggleButtons(options=VIEWS, value=SLICE, tooltips=_TOOLTIPS, style={"button_width": "auto"})

    def draw() -> None:
        show(body, view(subject, views.value))
        notice.say("")

    views.observe(guarded(notice, draw), "value")
    guarded(notice, draw)(None)
    insert, code = loading_button(subject, notice)
    return column(row(views, insert), notice.widget, code, body)


def static(subject: Subject) -> str:
    """Return the slice, and the others folded, as HTML."""
    folded = [html.folded(one, view(subject, one)) for one in (CELLS, DIFFERENCE)]
    return view(subject, SLICE) + "".join(folded)


def view(subject: Subject, which: str) -> str:
    """Return one of the views as HTML."""
    made = {SLICE: _slice, CELLS: _cells, DIFFERENCE: difference_html}
    return f"<style>{STYLE}{DIFF_STYLE}</style>{made[which](subject)}"


def _slice(subject: Subject) -> str:
    script = script_of(subject.db, subject.key)
    lines = "".join([f"<li>{escape(line, 600)}</li>" for line in script.lines()])
    body = python_box(str(script), f"script of {subject.key}") if script.strip() else note("No script is on record.")
    return f'<ul class="i-lines">{lines}</ul>{body}'


def _cells(subject: Subject) -> str:
    version = subject.version
    session = session_of(version)
    if session is None:
        return note("The session that stored it is not on record in this database.")
    line = (version.record.get("activity") or {}).get("line")
    ran = [cell for cell in session.cells if not isinstance(line, int) or cell.line <= line]
    stored = {line: [f"{version.key}@{version.number}"]} if isinstance(line, int) else {}
    told = cell_summaries(ran, stored)
    hidden = note(f"{len(told) - _MOST_CELLS:,} earlier ones are not shown.") if len(told) > _MOST_CELLS else ""
    return hidden + "".join([f"<div>{cell_html(one, python_box)}</div>" for one in told[-_MOST_CELLS:]])
