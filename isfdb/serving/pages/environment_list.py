"""The environments that values were made in, as far as the database holds their records."""

from __future__ import annotations

from isfdb.display import html
from isfdb.layout.current import ENVIRONMENTS_FOLDER
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.visit import Visit


def show(visit: Visit) -> Answer:
    """Return the page."""
    names = sorted(visit.db.root._storage.list(ENVIRONMENTS_FOLDER))
    digests = [name.removesuffix(".json") for name in names if name.endswith(".json")]
    number = frame.number_of_page(visit.asked("page"))
    chosen = digests[(number - 1) * frame.ROWS : number * frame.ROWS]
    rows = [f'<tr><th scope="row">{frame.anchor(visit.to.environment(0, digest), digest)}</th></tr>' for digest in chosen]
    table = html.table_around(("digest",), "".join(rows), name="s-list") if rows else "<p>None is on record.</p>"
    body = f"<h1>Environments</h1><p>Packages as they were installed where values were made.</p>{table}"
    return frame.page(visit, "Environments", body + frame.pages(visit, "environments", number, len(digests)), here_is="environments")
