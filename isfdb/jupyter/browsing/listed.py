"""A list of rows to click on, a page at a time, and buttons to turn the page. It knows neither where rows come from nor what a click does.

The buttons are made once, as many as the longest page so far, and are given other words for other rows: a front end takes much longer to
make a control than to change one, and the focus of the keyboard stays where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import ipywidgets as widgets

from isfdb.display.safe import visible
from isfdb.jupyter.browsing.look import CHOSEN_CLASS, DATABASE_CLASS, ROW_CLASS, ROWS_CLASS
from isfdb.jupyter.browsing.tree import Row

#: Rows of a page.
PAGE: Final = 100
_MOST_DEPTH: Final = 12
_INDENT_PX: Final = 16


class Listed:
    """The rows of a page, as buttons.

    Parameters
    ----------
    clicked : callable
        Gets the row that was clicked on.
    turned : callable
        Gets the number of the first row of the page that is wanted.
    """

    def __init__(self, clicked: Callable[[Row], None], turned: Callable[[int], None]) -> None:
        self._clicked = clicked
        self._layouts = [widgets.Layout(width="auto", padding=f"0 8px 0 {8 + depth * _INDENT_PX}px") for depth in range(_MOST_DEPTH)]
        self._style = widgets.ButtonStyle()
        self._buttons: list[Any] = []
        self._shown: list[Row] = []
        self._rows = widgets.VBox().add_class(ROWS_CLASS)
        self._count = widgets.HTML(layout={"margin": "0 4px", "width": "auto"})
        self._back = self._turner("‹ Previous", "previous page of keys", lambda: turned(self.first - PAGE))
        self._on = self._turner("Next ›", "next page of keys", lambda: turned(self.first + PAGE))
        self._pager = widgets.HBox([self._back, self._count, self._on], layout={"flex_flow": "row wrap", "align_items": "center"})
        self.first = 0
        self.widget = widgets.VBox([self._rows, self._pager], layout={"width": "100%"})

    def show(self, rows: Sequence[Row], first: int, total: int, chosen: str | None, tooltips: dict[str, str]) -> None:
        """Show a page of rows.

        Parameters
        ----------
        rows : sequence of Row
            Of this page.
        first : int
            The number of its first row.
        total : int
            Rows on all pages.
        chosen : str, optional
            The key whose row is marked.
        tooltips : dict of str to str
            What else is known of keys.
        """
        self._shown, self.first = list(rows), first
        while len(self._buttons) < len(rows):
            self._buttons.append(self._button(len(self._buttons)))
        for button, row in zip(self._buttons, rows, strict=False):
            self._word(button, row, chosen, tooltips)
        if len(self._rows.children) != len(rows):
            self._rows.children = self._buttons[: len(rows)]
        self._count.value = f"{first + 1:,} to {first + len(rows):,} of {total:,}" if rows else ""
        self._pager.layout.display = "none" if total <= PAGE else ""
        self._back.disabled, self._on.disabled = first <= 0, first + PAGE >= total

    def _word(self, button: Any, row: Row, chosen: str | None, tooltips: dict[str, str]) -> None:
        classes = [ROW_CLASS, *[DATABASE_CLASS] * row.is_database, *[CHOSEN_CLASS] * (row.key == chosen)]
        name = visible(row.name, 120)
        if row.is_database:
            words, tooltip = (
                f"{'▾' if row.is_open else '▸'} {name}/",
                f"{'close' if row.is_open else 'open'} sub-database {visible(row.key)}",
            )
        else:
            words, tooltip = name, visible(": ".join(filter(None, [row.key, tooltips.get(row.key)])), 400)
        with button.hold_sync():  # one message to the front end, not four
            button.description, button.tooltip, button._dom_classes = words, tooltip, classes
            button.layout = self._layouts[min(row.depth, _MOST_DEPTH - 1)]

    def _button(self, place: int) -> Any:
        button = widgets.Button(layout=self._layouts[0], style=self._style)
        button.on_click(lambda _: self._clicked(self._shown[place]) if place < len(self._shown) else None)
        return button

    @staticmethod
    def _turner(words: str, tooltip: str, turn: Callable[[], None]) -> Any:
        button = widgets.Button(description=words, tooltip=tooltip, layout={"width": "auto"})
        button.on_click(lambda _: turn())
        return button

    def close(self) -> None:
        """Close the buttons that are not shown now, and what they share."""
        for one in [*self._buttons, *self._layouts, self._style]:
            one.close()
