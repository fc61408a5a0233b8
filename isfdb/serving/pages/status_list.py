"""The keys with one verdict: those that came out different, those that nobody made again ..."""

from __future__ import annotations

from isfdb.display import html
from isfdb.display.safe import escape
from isfdb.display.verdicts import badge
from isfdb.reporting.accounts import ORDER
from isfdb.reporting.overview import name_of
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.visit import Visit


def show(visit: Visit) -> Answer:
    """Return the page."""
    name, number = visit.asked("name"), frame.number_of_page(visit.asked("page"))
    status = next((one for one in ORDER if name_of(one) == name), "")
    if not status:
        body = f"<h1>No such status</h1><p>There are {escape(', '.join(ORDER))}.</p>"
        return frame.page(visit, "Status", body, status=404)
    accounts, n_keys = visit.survey.accounts(visit.db)
    members = [account for account in accounts if account.status == status]
    chosen = members[(number - 1) * frame.ROWS : number * frame.ROWS]
    rows = [
        f'<tr><th scope="row">{frame.anchor(visit.to.key(one.key), one.key)}</th><td>{escape(one.summary.what, 120)}</td>'
        f"<td>{escape(one.verdict.because if one.verdict else '', 80)}</td><td>{escape(one.detail, 300)}</td></tr>"
        for one in chosen
    ]
    table = (
        html.table_around(("key", "what", "because", "in a sentence"), "".join(rows), name="s-list") if rows else "<p>There is none.</p>"
    )
    missing = f'<p class="i-muted">{n_keys - len(accounts):,} keys were not looked at yet.</p>' if n_keys > len(accounts) else ""
    head = f"<h1>{badge(status)} {frame.counted(len(members), 'value')}</h1>"
    return frame.page(visit, status, head + missing + table + frame.pages(visit, "status", number, len(members), name=name))
