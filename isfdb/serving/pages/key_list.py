"""The keys of a database or sub-database, some hundred on a page: only those on the page are looked into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from isfdb.display import html
from isfdb.display.badges import badges_html
from isfdb.display.icons import SUB_DATABASE, icon
from isfdb.display.safe import escape
from isfdb.display.summaries import UNREADABLE, KeySummary, badged_summary
from isfdb.display.words import age_text, size_text, time_text
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.visit import Visit

NAMES = ("key", "what", "size", "version", "stored")


def show(visit: Visit) -> Answer:
    """Return the page."""
    where = visit.asked("in")
    body = f"<h1>{'Keys' if not where else 'Keys in a sub-database'}</h1>{crumbs(visit, where)}"
    return frame.page(visit, where or "Keys", body + listing(visit, where, frame.number_of_page(visit.asked("page"))), here_is="keys")


def crumbs(visit: Visit, key: str, *, is_key: bool = False) -> str:
    """Return the way to a sub-database or a key, each level a link."""
    names = key.split("/") if key else []
    levels = names[:-1] if is_key else names
    links = [frame.anchor(visit.to.page("keys"), visit.name)]
    links += [frame.anchor(visit.to.page("keys", **{"in": "/".join(names[: n + 1])}), name) for n, name in enumerate(levels)]
    return f'<nav aria-label="Where it lies"><p class="s-crumbs">{" / ".join(links)}{" /" if is_key else ""}</p></nav>'


def listing(visit: Visit, where: str, number: int) -> str:
    """Return one page of the keys there, sub-databases among them."""
    db = visit.db[where] if where else visit.db
    names = db.keys()
    if not names:
        return '<p class="i-muted">It is empty.</p>'
    chosen = names[(number - 1) * frame.ROWS : number * frame.ROWS]
    rows = "".join([_row(visit, db, f"{where}/{name}" if where else name, name) for name in chosen])
    links = frame.pages(visit, "keys", number, len(names), **{"in": where})
    return html.table_around(NAMES, rows, name="s-list") + links


def _row(visit: Visit, db: Any, key: str, name: str) -> str:
    try:
        if db.is_sub_db(name):
            link = frame.anchor(visit.to.page("keys", **{"in": key}), f"{name}/")
            held = frame.counted(len(db[name].keys()), "key")
            return f'<tr><th scope="row">{_sign(SUB_DATABASE)}{link}</th><td colspan="4" class="i-muted">{held}</td></tr>'
        told = badged_summary(db.entry(name).newest, key, name)
    except UNREADABLE as error:
        told = KeySummary(key, name, problem=str(error))
    return row_of(visit, told, name)


def row_of(visit: Visit, told: KeySummary, name: str) -> str:
    """Return one key as a row."""
    head = f'<tr><th scope="row">{_sign(icon(told))}{frame.anchor(visit.to.key(told.key), name)}</th>'
    if told.problem:
        return f'{head}<td colspan="4" class="i-bad">{escape(told.problem, 300)}</td></tr>'
    return f"{head}{''.join(_cells(visit, told))}</tr>"


def _sign(sign: str) -> str:
    return f'<span class="s-sign" aria-hidden="true">{sign}</span> '


def _cells(visit: Visit, told: KeySummary) -> Iterator[str]:
    yield f"<td>{escape(told.what, 120)} {badges_html(told.badges)}</td>"
    yield f'<td class="s-num">{"reclaimed" if told.reclaimed else size_text(told.nbytes)}</td>'
    yield f'<td class="s-num">{frame.anchor(visit.to.version(told.key, told.version or 0), f"v{told.version}")}</td>'
    yield f'<td class="s-num" title="{time_text(told.created)}">{age_text(told.created)}</td>'
