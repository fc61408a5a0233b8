"""The versions and deletions of a key, newest first, with a form that compares two of them."""

from __future__ import annotations

from typing import Any

from isfdb.display import html
from isfdb.display.safe import escape
from isfdb.display.summaries import UNREADABLE, version_summary
from isfdb.display.words import size_text, time_text
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.pages.key_list import crumbs
from isfdb.serving.versions_meant import numbers, version_at
from isfdb.serving.visit import Visit


def show(visit: Visit) -> Answer:
    """Return the page."""
    key, number = visit.asked("key"), frame.number_of_page(visit.asked("page"))
    known = numbers(visit, key)
    chosen = [*reversed(known)][(number - 1) * frame.ROWS : number * frame.ROWS]
    rows = "".join([_row(visit, key, one) for one in chosen])
    table = html.table_around(("version", "stored", "what", "size", "by", "digest"), rows, name="s-list")
    head = f'{crumbs(visit, key, is_key=True)}<h1 class="s-key">{frame.anchor(visit.to.key(key), key.rpartition("/")[2], limit=400)}</h1>'
    body = f"{head}<p>{frame.counted(len(known), 'version')}</p>{comparing(visit, key, known)}{table}"
    return frame.page(visit, key, body + frame.pages(visit, "versions", number, len(known), key=key))


def _row(visit: Visit, key: str, number: int) -> str:
    link = frame.anchor(visit.to.version(key, number), f"v{number}")
    try:
        version = version_at(visit, key, number)
        told = version_summary(version, key)
    except UNREADABLE as error:
        return f'<tr><th scope="row">{link}</th><td colspan="5" class="i-bad">{escape(error, 300)}</td></tr>'
    size = "reclaimed" if told.reclaimed else size_text(told.nbytes)
    cells = (time_text(told.created), told.what, size, _by(version.record), told.digest[:16])
    return f'<tr><th scope="row">{link}</th>{"".join([f"<td>{escape(cell, 120)}</td>" for cell in cells])}</tr>'


def _by(record: Any) -> str:
    by = record.get("by")
    return str(by.get("user") or "") if isinstance(by, dict) else ""


def comparing(visit: Visit, key: str, known: list[int], a: str = "", b: str = "") -> str:
    """Return a form that asks which two versions are compared; nothing where there is one only."""
    if len(known) < 2:
        return ""
    fields = [
        f'<label for="{name}">{label}</label> <input type="number" id="{name}" name="{name}" min="1" value="{value}" required>'
        for name, label, value in (("a", "Compare version", a or known[-2]), ("b", "with", b or known[-1]))
    ]
    hidden = f'<input type="hidden" name="key" value="{escape_whole(key)}">'
    return f'<form class="s-form" action="{visit.to.page("diff")}" method="get">{hidden}{"".join(fields)}<button>Compare</button></form>'


def escape_whole(key: str) -> str:
    """Return a key for an attribute that is sent back: as it is, not as it is shown."""
    import html as std_html

    return std_html.escape(key, quote=True)
