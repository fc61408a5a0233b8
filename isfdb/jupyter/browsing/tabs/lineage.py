"""The tab Lineage: what a value was made from, and what was made from it, as a picture. Records are read, no value."""

from __future__ import annotations

from typing import Any, Final

from isfdb.jupyter.browsing.tabs.pieces import Notice, column, fitted, guarded, piece, row, show
from isfdb.jupyter.browsing.tabs.subject import Subject
from isfdb.tracing.walk import DIRECTIONS
from isfdb.tracing.walk import lineage as lineage_of

#: How many stored values are followed one after the other, until somebody asks for more.
_DEPTH: Final = 3
_DEPTHS: Final = (("1 step", 1), ("2 steps", 2), ("3 steps", 3), ("5 steps", 5), ("10 steps", 10), ("all steps", 0))
_WORDS: Final = {"upstream": "made from (upstream)", "downstream": "made of it (downstream)", "both": "both"}


def tab(subject: Subject) -> Any:
    """Return the widget."""
    import ipywidgets as widgets

    notice, picture = Notice(), piece()
    directions = [(_WORDS[one], one) for one in DIRECTIONS]
    direction = fitted(widgets.Dropdown(options=directions, value="upstream", description="direction", tooltip="which way to look"))
    steps = widgets.Dropdown(options=_DEPTHS, value=_DEPTH, description="depth", tooltip="how many stored values to follow")
    depth = fitted(steps)

    def draw() -> None:
        show(picture, picture_of(subject, direction.value, depth.value or None))
        notice.say("")

    for one in (direction, depth):
        one.observe(guarded(notice, draw), "value")
    guarded(notice, draw)(None)
    return column(row(direction, depth), notice.widget, picture)


def static(subject: Subject) -> str:
    """Return what it was made from as HTML."""
    return picture_of(subject, "upstream", _DEPTH)


def picture_of(subject: Subject, direction: str, depth: int | None) -> str:
    """Return a lineage as HTML: the picture, and the same as text."""
    return lineage_of(subject.db, subject.key, direction=direction, depth=depth).to_html()
