"""What ran, session by session, on the report: each cell once, with an anchor. It reads the sessions' logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from isfdb.display import html
from isfdb.display.cells import CellSummary, cell_html
from isfdb.display.history import Stored, cells_of_session
from isfdb.display.safe import escape
from isfdb.display.summaries import UNREADABLE
from isfdb.display.words import count_text
from isfdb.reporting.surroundings import surroundings

_MOST_CELLS: Final = 2_000
_MOST_STORED: Final = 12


class Cells:
    """The sessions of a database, and where on the page their cells stand.

    Parameters
    ----------
    db : Database
    stored : tuple of Stored
        All versions, oldest first.
    """

    def __init__(self, db: Any, stored: tuple[Stored, ...]) -> None:
        self._db = db
        self._stored: dict[str, list[Stored]] = {}
        for version in stored:
            if version.session:
                self._stored.setdefault(version.session, []).append(version)
        self._numbers = {name: number for number, name in enumerate(self._stored, 1)}
        self._anchors: set[str] = set()
        self._html = [self._session(name) for name in self._stored]

    def link(self, record: Mapping[str, Any]) -> str:
        """Return a sentence that leads to the cell which stored a version."""
        activity = record.get("activity")
        activity = activity if isinstance(activity, Mapping) else {}
        name, line = str(activity.get("session") or ""), activity.get("line")
        anchor = f"cell-{self._numbers.get(name, 0)}-{line}"
        if anchor not in self._anchors:
            return '<p class="i-muted">What stored it is not on this page.</p>'
        count = activity.get("count")
        what = f"cell [{count}]" if count else str(activity.get("kind") or "what ran")
        return f'<p>Stored by <a href="#{anchor}">{escape(what, 60)}</a> of session {self._numbers[name]}</p>'

    def sections(self) -> Iterator[str]:
        """Give the sessions as HTML, in the order of their first version."""
        yield from self._html

    def _session(self, name: str) -> str:
        number, stored = self._numbers[name], self._stored[name]
        from isfdb.provenance.session import read_session

        try:
            session = read_session(self._db.root._storage, name)
            cells = cells_of_session(session, name, tuple(stored))
        except UNREADABLE as error:
            return f'<p class="i-bad">Session {escape(name)} cannot be read: {escape(error, 300)}</p>'
        items = "".join([self._cell(number, cell) for cell in cells[:_MOST_CELLS]])
        where = surroundings(self._db, session.start, stored)
        title = f"Session {number}"
        told = f'<span class="i-muted"><code>{escape(name)}</code>, {count_text(len(cells), "cell")}</span>'
        listed = f'<ol class="r-cells">{items}</ol>'
        return f'<article class="r-session" id="session-{number}"><h3>{title} {told}</h3>{where}{html.folded("what ran", listed)}</article>'

    def _cell(self, number: int, cell: CellSummary) -> str:
        from dataclasses import replace

        anchor = f"cell-{number}-{cell.line}"
        is_new = anchor not in self._anchors
        self._anchors.add(anchor)
        more = (f"{len(cell.stored) - _MOST_STORED:,} more",) if len(cell.stored) > _MOST_STORED else ()
        shown = replace(cell, stored=(*cell.stored[:_MOST_STORED], *more))
        return f"<li{f' id={chr(34)}{anchor}{chr(34)}' if is_new else ''}>{cell_html(shown)}</li>"
