"""What a search found, in the language of ``isfdb.find``; a query that is not understood is explained on the page."""

from __future__ import annotations

from isfdb.asking import find
from isfdb.display import html
from isfdb.display.safe import escape
from isfdb.display.words import age_text, size_text, time_text
from isfdb.errors import QueryError
from isfdb.searching.hits import Hit, Hits
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.visit import Visit

_EXAMPLES = (
    ("rates", "the word anywhere: key, type, user, inputs, code"),
    ("*rates*", "a pattern for the key"),
    ("user:ann since:2 days", "conditions; all must hold"),
    ("numpy<2 size>1MB", "packages and sizes"),
    ("unit=Hz", "an attribute"),
    ("not user:ann", "what does not match"),
    ("dirty:yes", "made with changes that were not committed"),
    ("stale:yes", "made from what has changed since"),
)
_MOST_REMARKS = 10


def show(visit: Visit) -> Answer:
    """Return the page."""
    query = visit.asked("q")
    if not query.strip():
        return frame.page(visit, "Find", f"<h1>Find keys</h1>{_help(visit)}")
    try:
        hits = find(visit.db, query)
    except QueryError as error:
        return frame.page(visit, "Find", f"<h1>Find keys</h1>{frame.problem(error)}{_help(visit)}", status=400)
    return frame.page(visit, f"Find {query}", _found(visit, query, hits))


def _found(visit: Visit, query: str, hits: Hits) -> str:
    number = frame.number_of_page(visit.asked("page"))
    chosen = hits[(number - 1) * frame.ROWS : number * frame.ROWS]
    rows = "".join([_row(visit, hit) for hit in chosen])
    table = html.table_around(("key", "what", "size", "version", "stored", "why"), rows, name="s-list") if rows else ""
    unreadable = [f"unreadable, so not known to match: {one}" for one in hits.unreadable[:_MOST_REMARKS]]
    remarks = "".join([f'<p class="i-muted">{escape(one, 400)}</p>' for one in (*unreadable, *hits.notes)])
    among = frame.counted(hits.n_searched, "key")
    head = f"<h1>{frame.counted(len(hits), 'hit')}</h1><p>for <code>{escape(query, 400)}</code> among {among}</p>"
    return head + table + remarks + frame.pages(visit, "find", number, len(hits), q=query) + ("" if hits else _help(visit))


def _row(visit: Visit, hit: Hit) -> str:
    version = frame.anchor(visit.to.version(hit.key, hit.number), f"v{hit.number}")
    return (
        f'<tr><th scope="row">{frame.anchor(visit.to.key(hit.key), hit.key)}</th><td>{escape(hit.what, 120)}</td>'
        f'<td class="s-num">{size_text(hit.nbytes)}</td><td class="s-num">{version}</td>'
        f'<td class="s-num" title="{time_text(hit.created)}">{age_text(hit.created)}</td><td>{escape(", ".join(hit.why), 300)}</td></tr>'
    )


def _help(visit: Visit) -> str:
    links = [(frame.anchor(visit.to.page("find", q=query), query), what) for query, what in _EXAMPLES]
    rows = "".join([f'<tr><th scope="row">{link}</th><td>{escape(what)}</td></tr>' for link, what in links])
    return f"<h2>What can be asked</h2>{html.table_around(('query', 'finds'), rows, name='s-list')}"
