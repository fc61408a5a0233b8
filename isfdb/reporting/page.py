"""One HTML page about a database: what is in it, how it was made, whether it is whole. Self-contained, without script; prints well."""

from __future__ import annotations

import datetime as dt
import os
import sys
from typing import TYPE_CHECKING, Any

from isfdb.display import html
from isfdb.display.cells import cell_html
from isfdb.display.entries import entry_parts, entry_story
from isfdb.display.history import Stored, cells_of_session, history, history_table
from isfdb.display.safe import escape
from isfdb.display.style import STYLE
from isfdb.display.summaries import UNREADABLE, Branch, branch
from isfdb.display.words import count_text, size_text, time_text
from isfdb.reporting.page_style import PAGE_STYLE
from isfdb.reporting.previews import preview
from isfdb.reporting.surroundings import surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Keys that get a section of their own.
MAX_SECTIONS = 200


def write_report(db: Any, path: str | os.PathLike[str], *, verify: bool = True) -> str:
    """Write a page about a database.

    Parameters
    ----------
    db : Database
        Read only. Values of formats that cannot run code are loaded for their previews, up to 64 MB each.
    path : str or path
        Where the page goes; a file of that name is replaced once the new page is complete.
    verify : bool
        Check every file against its digest, and say on the page what was found.

    Returns
    -------
    str
        The absolute path of the page.
    """
    target = os.path.abspath(path)
    if not os.path.isdir(os.path.dirname(target)):  # said before minutes of checking
        raise FileNotFoundError(f"cannot write {target}: there is no folder {os.path.dirname(target)}; make it or choose another")
    page = report_page(db, verify=verify)
    staged = f"{target}.{os.getpid()}.part"
    try:
        with open(staged, "w", encoding="utf-8") as file:
            file.write(page)
        os.replace(staged, target)
    finally:
        if os.path.exists(staged):
            os.unlink(staged)
    return target


def report_page(db: Any, *, verify: bool = True) -> str:
    """Return the page as text."""
    told = branch(db, max_keys=MAX_SECTIONS)
    stored = history(db)
    body = "".join(
        [
            _opening(db, told, stored, ("whole",) if verify else ()),
            _section("whole", "Is it whole and unchanged?", _verified(db)) if verify else "",
            _section("keys", "What is there", html.tree(told, _date)),
            *_keys(db, told),
            *_sessions(db, stored),
            _section("versions", "Everything that was stored", history_table(stored)),
            _closing(),
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(db.name)} – isfdb report</title>"
        # Nothing on the page may load or run anything, whatever slipped through.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        f'<style>{STYLE}{PAGE_STYLE}</style></head>\n<body><main class="isfdb">{body}</main></body></html>\n'
    )


def _date(moment: dt.datetime | None) -> str:
    return time_text(moment)[:10]


def _section(name: str, title: str, body: str) -> str:
    return f'\n<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>{body}</section>'


def _opening(db: Any, told: Branch, stored: tuple[Stored, ...], first: tuple[str, ...]) -> str:
    created = [version.summary.created for version in stored if version.summary.created]
    facts = html.facts(
        [
            ("where", str(db.path)),
            ("id", str(db.id)),
            ("holds", f"{count_text(len({version.summary.key for version in stored}), 'key')}, {count_text(len(stored), 'version')}"),
            ("size", size_text(sum(version.summary.nbytes or 0 for version in stored if not version.summary.reclaimed))),
            ("stored", f"{time_text(min(created))} to {time_text(max(created))}" if created else ""),
        ]
    )
    titles = {"whole": "whole?", "keys": "keys", "ran": "what ran", "versions": "versions"}
    links = "".join(f'<li><a href="#{anchor}">{titles[anchor]}</a></li>' for anchor in (*first, "keys", "ran", "versions"))
    return f'<header><h1>{escape(told.name)}</h1>{facts}<nav aria-label="on this page"><ul class="r-nav">{links}</ul></nav></header>'


def _verified(db: Any) -> str:
    from isfdb.verifying import verify

    findings = verify(db)
    if not findings:
        sound = "Every file is there and is what was stored. Nothing is missing, changed or added."
        return f'<p class="r-good"><span aria-hidden="true">✓</span> {sound}</p>'
    rows = [(finding.kind, finding.key or "", finding.version or "", finding.file or "", finding.message) for finding in findings]
    head = f'<p class="i-bad"><span aria-hidden="true">✗</span> {count_text(len(findings), "finding")}</p>'
    return head + html.table(("kind", "key", "version", "file", "what was found"), [tuple(map(str, row)) for row in rows[:500]])


def _keys(db: Any, told: Branch) -> Iterator[str]:
    for number, summary in enumerate(told.values()):
        if not summary.problem:
            heading = f'<h3 id="key-{number}">{escape(summary.key)}</h3>'
            yield f'\n<article aria-labelledby="key-{number}">{heading}{_key(db, summary.key)}</article>'
    if told.hidden:
        yield f'<p class="i-muted">{told.hidden:,} more names have no section on this page.</p>'


def _key(db: Any, key: str) -> str:
    try:
        story = entry_story(db.entry(key))
    except UNREADABLE as error:
        return f'<p class="i-bad">{escape(error, 300)}</p>'
    return f'<p class="r-what">{escape(story.summary.what)}</p>{preview(db, key)}{"".join(entry_parts(story, shows_cell=False))}'


def _sessions(db: Any, stored: tuple[Stored, ...]) -> Iterator[str]:
    sessions = dict.fromkeys(version.session for version in stored if version.session)
    body = "".join(_session(db, session_id, stored) for session_id in sessions)
    yield _section("ran", "What ran, in this order", body or '<p class="i-muted">No session is on record.</p>')


def _session(db: Any, session_id: str, stored: tuple[Stored, ...]) -> str:
    from isfdb.provenance.session import read_session

    try:
        session = read_session(db.root._storage, session_id)
        cells = cells_of_session(session, session_id, stored)
    except UNREADABLE as error:
        return f'<p class="i-bad">Session {escape(session_id)} cannot be read: {escape(error, 300)}</p>'
    items = "".join(f"<li>{cell_html(cell)}</li>" for cell in cells)
    where = surroundings(db, session.start, [version for version in stored if version.session == session_id])
    return f'<h3>Session <code>{escape(session_id)}</code></h3>{where}<ol class="r-cells">{items}</ol>'


def _closing() -> str:
    from isfdb._version import get_versions

    made = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    version = get_versions()["version"]
    return f'<footer class="i-muted"><p>Made {made} by isfdb {escape(version)} with Python {sys.version.split()[0]}.</p></footer>'
