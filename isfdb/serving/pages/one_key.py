"""A key, or one version of it: verdict, glimpse of the value, script, inputs, lineage, environment, risks, what stored it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from isfdb.auditing.completeness import Completeness
from isfdb.display.badges import badges_html, badges_of
from isfdb.display.cells import cell_html, cell_summaries
from isfdb.display.safe import escape
from isfdb.display.summaries import UNREADABLE
from isfdb.display.verdicts import badge
from isfdb.display.words import age_text, size_text, time_text
from isfdb.errors import KeyNotFoundError
from isfdb.explaining.scripts import cell_of, session_of
from isfdb.reporting.accounts import Account, account_of
from isfdb.reporting.sections import Sections
from isfdb.serving import frame
from isfdb.serving.answers import Answer, redirect
from isfdb.serving.pages.key_list import crumbs
from isfdb.serving.versions_meant import version_asked
from isfdb.serving.visit import Visit
from isfdb.versions import numbers_of


def show(visit: Visit) -> Answer:
    """Return the page."""
    key = visit.asked("key")
    if visit.db.is_sub_db(key):
        return redirect(visit.to.page("keys", **{"in": key}))
    try:
        version = version_asked(visit)
    except KeyNotFoundError as error:
        history = _history(visit, key)
        is_deleted = bool(history) and not visit.asked("version")
        return frame.page(visit, key, f"{_title(visit, key)}{frame.problem(error)}{history}", status=200 if is_deleted else 404)
    if version.deleted:
        told = f"<p>Version {version.number} is its deletion, {escape(time_text(version.created))}.</p>"
        return frame.page(visit, key, f"{_title(visit, key)}{told}{_links(visit, version)}")
    account = account_of(visit.db, version, Completeness(visit.db.root._storage))
    sections = Sections(visit.db, [account], _Cells(visit), visit.to, previews=_Glimpse(), is_alone=True)
    body = f'<div class="s-body">{"".join(sections.body(account))}</div>'
    return frame.page(visit, key, f"{_title(visit, key)}{_head(account)}{_links(visit, version)}{body}{_cell(visit, version)}")


def _title(visit: Visit, key: str) -> str:
    return f'{crumbs(visit, key, is_key=True)}<h1 class="s-key">{escape(key.rpartition("/")[2], 400)}</h1>'


def _history(visit: Visit, key: str) -> str:
    """Return where the versions of a deleted key are; nothing where there never was one."""
    try:
        visit.db.versions(key)
    except UNREADABLE:
        return ""
    return f"<p>{frame.anchor(visit.to.page('versions', key=key), 'Its versions')} are still on record.</p>"


def _head(account: Account) -> str:
    told = account.summary
    facts = [
        badge(account.status),
        f'<span class="r-what">{escape(told.what, 200)}</span>',
        f'<span class="r-what">{"reclaimed" if told.reclaimed else size_text(told.nbytes)}</span>',
        f'<span class="r-what" title="{time_text(told.created)}">v{told.version}, {age_text(told.created)}</span>',
        badges_html(badges_of(account.version, commit=True)),
    ]
    return f'<p class="s-facts">{"".join(facts)}</p>'


def _links(visit: Visit, version: Any) -> str:
    key, number = version.key, version.number
    numbers = numbers_of(version._storage, version._folder.rpartition("/")[0])
    is_newest = number == numbers[-1]
    before = [one for one in numbers if one < number]
    return frame.listed(
        [
            "" if is_newest else f"<b>{frame.anchor(visit.to.key(key), f'To the newest version, v{numbers[-1]}')}</b>",
            frame.anchor(visit.to.page("versions", key=key), frame.counted(len(numbers), "version")),
            frame.anchor(visit.to.page("diff", key=key, a=before[-1], b=number), f"Compare with v{before[-1]}") if before else "",
            frame.anchor(visit.to.page("lineage", key=key, version=number), "Lineage"),
            frame.anchor(visit.to.page("files", key=key, version=number), "Files"),
        ]
    )


def _cell(visit: Visit, version: Any) -> str:
    """Return the cell or script that stored a version, as it ran."""
    try:
        cell = cell_of(version)
    except UNREADABLE as error:
        return frame.problem(f"What stored it cannot be read: {error}")
    if cell is None:
        return ""
    session = session_of(version)
    link = frame.anchor(visit.to.page("session", name=session.id), "all that its session ran") if session else ""
    shown = cell_html(cell_summaries([cell])[0])
    return f'<section aria-labelledby="cell"><h2 id="cell">What stored it</h2>{shown}<p>{link}</p></section>'


class _Glimpse:
    """Shows something of a value, within what one may load and the time that may take."""

    def of(self, key: str, anchor: str, version: Any) -> str:
        """Return it as HTML."""
        return "".join(version.preview().parts)


class _Cells:
    """Where the cell that stored a version is told of: on this page, and in its session."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def link(self, record: Any) -> str:
        """Return a sentence that leads to the session."""
        return "".join(self._links(record))

    def _links(self, record: Any) -> Iterator[str]:
        activity = record.get("activity")
        name = activity.get("session") if isinstance(activity, dict) else None
        if isinstance(name, str) and name:
            address = self._visit.to.page("session", name=name)
            line = activity.get("line") if isinstance(activity, dict) else None
            yield f"<p>{frame.anchor(f'{address}#line-{line}' if type(line) is int else address, 'What its session ran')}</p>"
