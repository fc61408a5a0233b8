"""The sessions whose logs the database holds, newest first."""

from __future__ import annotations

from isfdb.display import html
from isfdb.display.safe import escape
from isfdb.display.words import size_text
from isfdb.provenance.event_lines import sessions_in
from isfdb.provenance.session import path_of
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.visit import Visit


def show(visit: Visit) -> Answer:
    """Return the page."""
    number, storage = frame.number_of_page(visit.asked("page")), visit.db.root._storage
    names = [*reversed(sessions_in(storage))]
    chosen = names[(number - 1) * frame.ROWS : number * frame.ROWS]
    rows = [
        f'<tr><th scope="row">{frame.anchor(visit.to.page("session", name=name), name)}</th>'
        f'<td class="s-num">{escape(size_text(storage.size(path_of(name))))}</td></tr>'
        for name in chosen
    ]
    table = html.table_around(("session", "size of its log"), "".join(rows), name="s-list") if rows else "<p>No session is on record.</p>"
    body = f"<h1>Sessions</h1><p>What ran, as it ran, in the sessions that stored something here.</p>{table}"
    return frame.page(visit, "Sessions", body + frame.pages(visit, "sessions", number, len(names)), here_is="sessions")
