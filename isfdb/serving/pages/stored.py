"""What was stored when, newest first. Of a large database the newest version of each key, which the search keeps at hand."""

from __future__ import annotations

from typing import Any, Final

from isfdb.asking import find
from isfdb.display import html
from isfdb.display.history import Stored, history
from isfdb.display.safe import escape
from isfdb.display.words import size_text, time_text
from isfdb.searching.hits import Hit
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.visit import Visit
from isfdb.versions import numbers_of

#: Of more keys, or versions, not every version is read for a page.
MOST_KEYS: Final = 1_000
MOST_VERSIONS: Final = 5_000

_NAMES: Final = ("key", "version", "stored", "what", "size", "cell")


def show(visit: Visit) -> Answer:
    """Return the page."""
    number = frame.number_of_page(visit.asked("page"))
    shown = slice((number - 1) * frame.ROWS, number * frame.ROWS)
    if _is_small(visit.db):
        stored = [*reversed(history(visit.db, max_keys=2 * MOST_KEYS))]
        told, n_rows = "Every version and deletion", len(stored)
        rows = "".join([_row(visit, one) for one in stored[shown]])
    else:
        hits = find(visit.db, "")
        told, n_rows = "The newest version of each key; the others stand on the key's own page", len(hits)
        rows = "".join([_hit(visit, hit) for hit in hits[shown]])
    table = html.table_around(_NAMES, rows, name="s-list") if rows else '<p class="i-muted">Nothing was stored yet.</p>'
    body = f"<h1>What was stored</h1><p>{told}.</p>{table}{frame.pages(visit, 'log', number, n_rows)}"
    return frame.page(visit, "Log", body, here_is="log")


def _is_small(db: Any) -> bool:
    if len(db.keys(recurse=True)) > MOST_KEYS:
        return False
    folders = [folder for _, folders in db._key_folders() for folder in folders]
    return sum([len(numbers_of(db._storage, folder)) for folder in folders]) <= MOST_VERSIONS


def _row(visit: Visit, stored: Stored) -> str:
    told = stored.summary
    label = escape(stored.label or "what ran", 60)
    cell = frame.anchor(visit.to.page("session", name=stored.session) + f"#line-{stored.line}", label) if stored.session else label
    size = "" if told.deleted else "reclaimed" if told.reclaimed else size_text(told.nbytes)
    return _cells(visit, time_text(told.created), told.key, told.version or 0, told.what, size, cell)


def _hit(visit: Visit, hit: Hit) -> str:
    return _cells(visit, time_text(hit.created), hit.key, hit.number, hit.what, size_text(hit.nbytes), "")


def _cells(visit: Visit, when: str, key: str, number: int, what: str, size: str, cell: str) -> str:
    version = frame.anchor(visit.to.version(key, number), f"v{number}")
    head = f'<tr><th scope="row">{frame.anchor(visit.to.key(key), key)}</th><td>{version}</td><td class="s-num">{escape(when)}</td>'
    return f'{head}<td>{escape(what, 120)}</td><td class="s-num">{size}</td><td>{cell}</td></tr>'
