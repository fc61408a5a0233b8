"""How metadata, attributes, versions and small results look: names and facts, as text and HTML. From JSON only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from isfdb.display import html
from isfdb.display.badges import VerdictsRead, badges_html, badges_of, badges_text
from isfdb.display.safe import escape, visible, visible_lines
from isfdb.display.summaries import UNREADABLE, KeySummary, branch, version_summary
from isfdb.display.text import pairs_text, table_text, tree_text
from isfdb.display.words import age_text, count_text, size_text, time_text

_FIRST: Final = ("key", "created", "dumper", "by", "describe", "code", "risks", "used", "environment", "activity", "slice")
_SHORT: Final = 160
_LONG: Final = 8_000
_MOST_MEMBERS: Final = 200
_MOST_VERSIONS: Final = 20
_ISF_NAMES: Final = "ISF's names are answered, too: time, history, module_versions, hostname ..."


def metadata_bundle(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the record of a version as ``text/plain`` and ``text/html``."""
    names = [*(name for name in _FIRST if name in record), *(name for name in record if name not in _FIRST)][:_MOST_MEMBERS]
    texts = [(name, _as_text(record[name])) for name in names]
    short = [(name, text) for name, text in texts if len(text) <= _SHORT]
    folded = [html.folded(name, _box(name, record[name])) for name, text in texts if len(text) > _SHORT]
    title = f"metadata of {record.get('key')}"
    lines = pairs_text([(name, text if len(text) <= _SHORT else f"{text[:_SHORT]}…") for name, text in texts], indent="  ")
    return {
        "text/plain": f"{visible(title)}\n{lines}\n  {_ISF_NAMES}",
        "text/html": html.fragment(html.heading(title), html.facts(short), *folded, html.note(_ISF_NAMES)),
    }


def _as_text(member: Any) -> str:
    return member if isinstance(member, str) else json.dumps(member, ensure_ascii=False, default=str)


def _box(name: str, member: Any) -> str:
    text = member if isinstance(member, str) else json.dumps(member, ensure_ascii=False, indent=1, default=str)
    return html.code(visible_lines(text, _LONG), name)


def of_keys_bundle(db: Any, told: str) -> dict[str, str]:
    """Return ``db.metadata`` or ``db.attributes``: what it is for, and the keys it has."""
    summary = branch(db)
    return {
        "text/plain": "\n".join([part for part in (visible(told, 400), tree_text(summary)) if part]),
        "text/html": html.fragment(html.note(told), html.tree(summary)),
    }


def attributes_bundle(key: str, attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return what the user noted about a key."""
    title = f"attributes of {key}"
    try:
        pairs = [(str(name), repr(value)) for name, value in dict(attributes).items()]
    except UNREADABLE as error:
        pairs = [("unreadable", str(error))]
    if not pairs:
        return text_bundle(title, f"none yet: db.attributes[{key!r}]['unit'] = 'Hz' notes one")
    return pairs_bundle(title, pairs)


def versions_bundle(versions: Sequence[Any]) -> dict[str, str]:
    """Return the versions of a key as a table, newest first, with what is to be noticed about each."""
    if not versions:
        return text_bundle("no versions", "")
    verdicts = VerdictsRead()
    shown = [(version_summary(one, one.key), badges_of(one, verdicts)) for one in reversed(versions[-_MOST_VERSIONS:])]
    names = ("version", "stored", "what", "size", "notice", "digest")
    rows = [
        (f"v{told.version}", time_text(told.created), told.what, _size(told), badges_text(badges), told.digest[:12])
        for told, badges in shown
    ]
    title = f"{count_text(len(versions), 'version')} of {versions[-1].key}"
    rest = len(versions) - len(shown)
    more = f"{rest:,} earlier ones are not shown: db.versions(key)[:{rest}]" if rest else ""
    cells = "".join([_version_row(told, badges_html(badges)) for told, badges in shown])
    return {
        "text/plain": "\n".join([part for part in (visible(title), table_text(names, rows), more) if part]),
        "text/html": html.fragment(html.heading(title), html.table_around(names, cells), html.note(more)),
    }


def _size(told: KeySummary) -> str:
    return "reclaimed" if told.reclaimed else size_text(told.nbytes)


def _version_row(told: KeySummary, badges: str) -> str:
    stored = f'<span title="{escape(age_text(told.created))}">{escape(time_text(told.created))}</span>'
    cells = (f"v{told.version}", stored, escape(told.what), escape(_size(told)), badges, f"<code>{escape(told.digest[:16])}</code>")
    return f"<tr>{''.join([f'<td>{cell}</td>' for cell in cells])}</tr>"


def pairs_bundle(title: str, pairs: Iterable[tuple[str, str]], *, note: str = "") -> dict[str, str]:
    """Return a title, names and facts."""
    known = [(name, fact) for name, fact in pairs if fact]
    lines = [visible(title), pairs_text(known, indent="  "), visible(note, 600)]
    return {
        "text/plain": "\n".join([line for line in lines if line]),
        "text/html": html.fragment(html.heading(title), html.facts(known), html.note(note)),
    }


def text_bundle(title: str, text: str) -> dict[str, str]:
    """Return what prints as a few lines: a title, and the lines below it."""
    lines = [line for line in visible_lines(text).split("\n") if line]
    shown = "".join([f'<div class="i-muted">{escape(line, 1000)}</div>' for line in lines])
    return {"text/plain": "\n".join([visible(title, 1000), *lines]), "text/html": html.fragment(html.heading(title), shown)}


def table_bundle(
    text: str, title: str, names: Sequence[str], rows: Sequence[Sequence[str]], *, notes: Sequence[str] = (), limit: int = 400
) -> dict[str, str]:
    """Return rows of facts below a title; `text` is their text."""
    table = html.table(names, rows, limit=limit) if rows else ""
    return {"text/plain": text, "text/html": html.fragment(html.heading(title), table, *map(html.note, notes))}
