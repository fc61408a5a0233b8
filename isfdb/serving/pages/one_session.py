"""What a session ran, cell by cell, with links to what each stored."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from isfdb.display.cells import cell_html, cell_summaries
from isfdb.display.history import Stored
from isfdb.display.safe import escape
from isfdb.display.words import size_text
from isfdb.provenance.event_lines import read_events
from isfdb.provenance.session import path_of, read_session
from isfdb.reporting.surroundings import surroundings
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.visit import Visit

#: A longer log is not read for a page.
MOST_BYTES: Final = 32_000_000
_CELLS: Final = 100
_MOST_STORED: Final = 40


def show(visit: Visit) -> Answer:
    """Return the page."""
    name, storage = visit.asked("name"), visit.db.root._storage
    head = f"<h1>What a session ran</h1><p><code>{escape(name, 200)}</code></p>"
    if "/" not in name and storage.size(path_of(name)) > MOST_BYTES:
        told = f"Its log is larger than {size_text(MOST_BYTES)}. See isfdb log DB KEY --cells."
        return frame.page(visit, "Session", head + frame.problem(told), here_is="sessions")
    try:
        session, events = read_session(storage, name), read_events(storage, name).events
    except FileNotFoundError:
        told = "This database holds no log of it: a sub-database that was moved by hand leaves its sessions behind."
        return frame.page(visit, "Session", head + frame.problem(told), here_is="sessions", status=404)
    lines = [cell.line for cell in session.cells]
    number = frame.number_of_page(visit.asked("page"))
    stored = _stored(lines, events)
    shown = cell_summaries(session.cells)[(number - 1) * _CELLS : number * _CELLS]
    cells = "".join([f'<li id="line-{cell.line}">{cell_html(cell)}{_links(visit, stored[cell.line])}</li>' for cell in shown])
    nothing: list[Stored] = []
    where = surroundings(visit.db, session.start, nothing)
    pages = _pages(visit, name, number, len(lines))
    return frame.page(visit, "Session", f'{head}{where}{pages}<ol class="r-cells">{cells}</ol>{pages}', here_is="sessions")


def _stored(lines: list[int], events: list[Any]) -> dict[int, list[Any]]:
    """Return what each cell stored or deleted: what the log tells before the next cell."""
    found: dict[int, list[Any]] = defaultdict(list)
    waiting, current = [*lines], -1
    for event in sorted(events, key=lambda event: event.line):
        while waiting and waiting[0] < event.line:
            current = waiting.pop(0)
        if event.kind in ("publish", "delete") and event.version:
            found[current].append(event)
    return found


def _links(visit: Visit, events: list[Any]) -> str:
    if not events:
        return ""
    prefix = f"{visit.db.prefix}/" if visit.db.prefix else ""
    links = [
        frame.anchor(visit.to.version(event.key.removeprefix(prefix), event.version), f"{event.key.removeprefix(prefix)}@{event.version}")
        + (" (deleted)" if event.kind == "delete" else "")
        for event in events[:_MOST_STORED]
        if event.key.startswith(prefix)
    ]
    more = f" and {len(events) - _MOST_STORED:,} more" if len(events) > _MOST_STORED else ""
    return f"<p>stored {', '.join(links)}{more}</p>" if links else ""


def _pages(visit: Visit, name: str, number: int, n_cells: int) -> str:
    if n_cells <= _CELLS:
        return ""
    numbers = range(1, -(-n_cells // _CELLS) + 1)
    links = [f"<b>{one}</b>" if one == number else frame.anchor(visit.to.page("session", name=name, page=one), one) for one in numbers]
    return f'<nav aria-label="Pages of the session">{frame.listed(["cells, page", *links[:200]], "s-pages")}</nav>'
