"""The first page of a database: how it stands, what needs a look, and its first keys."""

from __future__ import annotations

from isfdb.display import html
from isfdb.display.safe import escape
from isfdb.reporting import overview
from isfdb.reporting.subject import Subject
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.pages.key_list import listing
from isfdb.serving.visit import Visit


def show(visit: Visit) -> Answer:
    """Return the page."""
    db = visit.db
    accounts, n_keys = visit.survey.accounts(db)
    missing = n_keys - len(accounts)
    told = f"{len(accounts):,} of {frame.counted(n_keys, 'key')} were looked at so far. Load this page again for more."
    so_far = f'<p class="r-never">{escape(told)}</p>' if missing else ""
    subject = Subject(db, accounts, None)
    facts = html.facts(
        [
            ("where", str(db.path)),
            ("id", str(db.id)),
            ("holds", frame.counted(n_keys, "key")),
            ("audited", subject.when or "never"),
            ("by", overview.by_whom(subject.where)),
        ]
    )
    look = overview.to_look_at(subject, visit.to)
    body = [
        f"<h1>{escape(visit.name)}</h1>{facts}",
        f'<section aria-labelledby="stands"><h2 id="stands">How it stands</h2>{so_far}{overview.result(subject, visit.to)}</section>',
        f'<section aria-labelledby="look"><h2 id="look">What needs a look</h2>{look}</section>' if look else "",
        f'<section aria-labelledby="keys"><h2 id="keys">Keys</h2>{listing(visit, "", 1)}</section>',
    ]
    return frame.page(visit, "Overview", "".join(body), here_is="")
