"""What stands above the tabs: key, kind, size and age, badges, the permanent link. Reads JSON only; every text is escaped."""

from __future__ import annotations

from typing import Any

from isfdb.display.badges import VerdictsRead, badges_html, badges_of
from isfdb.display.icons import icon
from isfdb.display.safe import escape
from isfdb.display.summaries import UNREADABLE, version_summary
from isfdb.display.words import age_text, size_text, time_text
from isfdb.jupyter.browsing.tabs.pieces import problem


def heading(db: Any, key: str) -> str:
    """Return the heading of a key as HTML, to be put into a fragment; of one that cannot be read, why."""
    name = f'<b style="font-size:1.15em">{escape(key, 400)}</b>'
    try:
        version = db.entry(key).newest
        told = version_summary(version, key)
        badges = badges_html(badges_of(version, VerdictsRead(), commit=True))
    except UNREADABLE as error:
        return f'<p class="i-head">{name}</p>{problem(error)}'
    sign = f'<span aria-hidden="true">{icon(told)}</span>'
    size = "reclaimed" if told.reclaimed else size_text(told.nbytes)
    age = f'<span title="{time_text(told.created)}">{age_text(told.created)}</span>'
    facts = f'<span class="i-muted">{escape(told.what)} · {size} · v{told.version} · {age}</span>'
    link = f'<code class="i-muted" title="permanent link to this version">{escape(told.link, 1000)}</code>'
    return f'<p class="i-head">{sign} {name} {facts} {badges}<br>{link}</p>'
