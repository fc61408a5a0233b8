"""The report as one HTML page: put together from its parts. Self-contained, without script; it works offline, printed and mailed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from isfdb.display import highlight, html
from isfdb.display.history import history, history_table
from isfdb.display.safe import escape
from isfdb.display.style import STYLE
from isfdb.display.verdicts import VERDICT_STYLE, badge
from isfdb.display.words import count_text, size_text
from isfdb.reporting import overview
from isfdb.reporting.accounts import ORDER, Account
from isfdb.reporting.cells import Cells
from isfdb.reporting.links import Links
from isfdb.reporting.page_style import PAGE_STYLE
from isfdb.reporting.sections import Sections
from isfdb.reporting.subject import Subject, here, now, subject_of
from isfdb.tracing.svg import GRAPH_STYLE

if TYPE_CHECKING:
    from isfdb.auditing.audited import Audit

#: Keys that get a section of their own; those that need a look come first.
MAX_SECTIONS: Final = 1_200
#: Keys listed by name and verdict where they have no section.
MAX_LISTED: Final = 20_000

#: Nothing on the page may load or run anything, whatever slipped through.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def report_page(db: Any, *, audit: Audit | None = None, verify: bool = True) -> str:
    """Return the page as text.

    Parameters
    ----------
    db : Database
    audit : Audit, optional
        Default: what the database has on record.
    verify : bool
        Where there is no audit: check every file against its digest.
    """
    return "".join(_page(subject_of(db, audit, verify=verify)))


def _page(subject: Subject) -> Iterator[str]:
    stored = history(subject.db)
    cells = Cells(subject.db, stored)
    shown = _with_sections(subject)
    sections = Sections(subject.db, shown, cells)
    values = "".join(_groups(subject, sections, {account.key for account in shown}))
    links = Links()
    look = overview.to_look_at(subject, links)
    parts = [
        ("result", "How it stands", overview.result(subject, links)),
        ("look", "What needs a look", look),
        ("values", "The values", "".join(overview.choice(subject)) + values),
        ("scripts", "Scripts that make several values", "".join(sections.scripts.shared())),
        ("environments", "Environments", "".join(sections.environments.sections())),
        ("ran", "What ran", "".join(cells.sections()) or '<p class="i-muted">No session is on record.</p>'),
        ("versions", "Everything that was stored", _folded_history(stored)),
    ]
    parts = [part for part in parts if part[2]]
    yield from _head(subject)
    yield f'<a class="r-skip" href="#values">Skip to the values</a>{overview.opening(subject, now())}{_contents(parts)}<main>'
    yield from (_section(*part) for part in parts)
    yield f"</main>{_closing()}</body></html>\n"


def _head(subject: Subject) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><meta name="referrer" content="no-referrer">'
    yield f"<title>{escape(subject.db.name)} – isfdb report</title>"
    yield f"<style>{STYLE}{VERDICT_STYLE}{highlight.STYLE}{GRAPH_STYLE}{PAGE_STYLE}{overview.choice_style(subject)}</style></head>\n"
    yield '<body class="isfdb">'


def _contents(parts: list[tuple[str, str, str]]) -> str:
    links = "".join([f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title, _ in parts])
    return f'<nav aria-label="On this page"><ul class="r-nav">{links}</ul></nav>'


def _section(name: str, title: str, body: str) -> str:
    return f'\n<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>{body}</section>'


def _with_sections(subject: Subject) -> list[Account]:
    ranked = sorted(subject.accounts, key=lambda account: ORDER.index(account.status))
    return ranked[:MAX_SECTIONS]


def _groups(subject: Subject, sections: Sections, shown: set[str]) -> Iterator[str]:
    if not subject.accounts:
        yield '<p class="i-muted">The database is empty.</p>'
    if len(shown) < len(subject.accounts):
        n, most = len(subject.accounts), len(shown)
        told = f"{most:,} of them, those that need a look first, have a section here; the others are listed."
        yield f'<p class="r-never">This database has {n:,} keys. {told}</p>'
    for status in subject.counts:
        members = [account for account in subject.accounts if account.status == status]
        with_section = [account for account in members if account.key in shown]
        listed = [account for account in members if account.key not in shown]
        body = chain([_index(with_section)], map(sections.of, with_section), [_listed(listed)])
        name = overview.name_of(status)
        head = f'<h3 id="h-{name}">{badge(status)} {count_text(len(members), "value")}</h3>'
        yield f'<section class="r-group" id="all-{name}" aria-labelledby="h-{name}">{head}{"".join(body)}</section>'


def _index(accounts: list[Account]) -> str:
    """Return links to the keys of a group; of a few, their sections are seen at once."""
    if len(accounts) < 4:
        return ""
    links = "".join([f'<li><a href="#{account.anchor}">{escape(account.key, 120)}</a></li>' for account in accounts])
    is_open = " open" if len(accounts) <= 30 else ""
    return f'<details class="r-index"{is_open}><summary>their keys</summary><ul>{links}</ul></details>'


def _listed(accounts: list[Account]) -> str:
    if not accounts:
        return ""
    rows = [(one.key, one.summary.what, size_text(one.summary.nbytes)) for one in accounts[:MAX_LISTED]]
    more = f" ({len(accounts) - MAX_LISTED:,} more are not listed)" if len(accounts) > MAX_LISTED else ""
    title = f"{count_text(len(accounts), 'value')} without a section here{more}"
    return f'<details class="r-rest"><summary>{title}</summary>{html.table(("key", "what", "size"), rows)}</details>'


def _folded_history(stored: Any) -> str:
    title = f"{count_text(len(stored), 'version')}, newest first"
    return f"<details><summary>{title}</summary>{history_table(stored)}</details>"


def _closing() -> str:
    told = f"Made by {overview.by_whom(here())}. This page holds no script and loads nothing."
    return f'<footer class="i-muted"><p>{escape(told, 300)} <a href="#top">To the top</a></p></footer>'
