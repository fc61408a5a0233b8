"""Databases, keys and versions as HTML: no script, no outside asset, everything from the database escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.display.descriptions import SmallTable, described
from isfdb.display.safe import escape, escape_lines
from isfdb.display.style import STYLE
from isfdb.display.summaries import Branch, KeySummary
from isfdb.display.words import age_text, count_text, size_text, time_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

_ICONS = {
    "DataFrame": "▦",
    "Series": "▥",
    "LazyFrame": "▦",
    "Table": "▦",
    "ndarray": "▤",
    "Array": "▤",
    "DataArray": "▤",
    "Dataset": "▣",
    "SharedNumpyStore": "▣",
    "Figure": "◪",
    "int": "#",
    "float": "#",
    "bool": "#",
    "str": "¶",
    "dict": "{}",
    "list": "[]",
    "folder": "▷",
    "ManagedFolder": "▷",
}


def fragment(*parts: str) -> str:
    """Wrap pieces of HTML so that they carry their own style and touch nothing around them."""
    return f'<div class="isfdb"><style>{STYLE}</style>{"".join(parts)}</div>'


def heading(title: str, *facts: str, code: str = "") -> str:
    """Return the first line: a title, facts in plain words, perhaps a path. All texts are escaped here."""
    words = f' <span class="i-muted">{escape(" · ".join(fact for fact in facts if fact), 400)}</span>' if any(facts) else ""
    path = f'<br><code class="i-muted">{escape(code, 600)}</code>' if code else ""
    return f'<p class="i-head"><b>{escape(title)}</b>{words}{path}</p>'


def tree(branch: Branch, when: Callable[[datetime | None], str] = age_text) -> str:
    """Return a tree of ``<details>`` that opens without script; `when` words the time, as an age unless the page is kept."""
    if not branch.n_members:
        return '<p class="i-muted">empty</p>'
    return f'<ul class="i-tree">{"".join(_items(branch, when))}</ul>'


def _items(branch: Branch, when: Callable[[datetime | None], str]) -> Iterable[str]:
    for member in branch.members:
        yield f"<li>{_sub_database(member, when) if isinstance(member, Branch) else _key(member, when)}</li>"
    if branch.hidden:
        more = "more, not looked into" if branch.members else "names, not shown"
        yield f'<li class="i-muted">… {branch.hidden:,} {more}</li>'


def _sub_database(branch: Branch, when: Callable[[datetime | None], str]) -> str:
    row = f'<span class="i-name">{escape(branch.name)}/</span> <span class="i-num">{count_text(branch.n_members, "name")}</span>'
    return f'<details open><summary><span class="i-row">{row}</span></summary><ul>{"".join(_items(branch, when))}</ul></details>'


def _key(key: KeySummary, when: Callable[[datetime | None], str]) -> str:
    if key.problem:
        problem = f'<span class="i-bad">{escape(key.problem, 300)}</span>'
        return f'<span class="i-row"><span class="i-name">{escape(key.name)}</span> {problem}</span>'
    row = (
        f'<span class="i-name"><span aria-hidden="true">{_icon(key)}</span> {escape(key.name)}</span> '
        f'<span class="i-what">{escape(key.what)}</span> '
        f'<span class="i-nums"><span>{size_text(key.nbytes)}</span> <span>v{key.version}</span> '
        f'<span title="{time_text(key.created)}">{when(key.created)}</span></span>'
    )
    return f'<details><summary><span class="i-row">{row}</span></summary>{key_facts(key)}</details>'


def _icon(key: KeySummary) -> str:
    kind = (key.describe or {}).get("type")
    return _ICONS.get(kind.rpartition(" ")[2], "•") if isinstance(kind, str) else "•"


def key_facts(key: KeySummary) -> str:
    """Return what is known of one version, as a list of names and facts."""
    told = described(key.describe or {})
    known = facts(
        [
            *told.facts,
            ("stored by", key.dumper),
            ("stored", time_text(key.created)),
            ("size", "reclaimed" if key.reclaimed else size_text(key.nbytes)),
            ("digest", key.digest),
            ("link", key.link),
        ]
    )
    return known + "".join(map(_small_table, told.tables))


def _small_table(told: SmallTable) -> str:
    rows = [*told.rows, *([("…",)] if told.is_cut else [])]
    return f'<div class="i-told"><span class="i-muted">{escape(told.title)}</span>{table(told.names, rows)}</div>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names and facts; pairs without a fact are left out. All texts are escaped here."""
    rows = "".join(f"<dt>{escape(name, 80)}</dt><dd>{escape(fact, 1000)}</dd>" for name, fact in pairs if fact)
    return f'<dl class="i-facts">{rows}</dl>'


def code(source: str, label: str) -> str:
    """Return source text in a box that a keyboard can scroll."""
    return f'<pre class="i-code" tabindex="0" role="group" aria-label="{escape(label)}"><code>{escape_lines(source)}</code></pre>'


def folded(title: str, body: str, *, is_open: bool = False) -> str:
    """Return `body`, which is HTML already, below a title that opens and closes it."""
    return f"<details{' open' if is_open else ''}><summary>{escape(title)}</summary>{body}</details>"


def table(names: Sequence[str], rows: Iterable[Sequence[str]], *, limit: int = 120) -> str:
    """Return a table that scrolls by itself where it is too wide; a cell has at most `limit` characters. All texts are escaped here."""
    return table_around(names, "".join(f"<tr>{''.join(f'<td>{escape(cell, limit)}</td>' for cell in row)}</tr>" for row in rows))


def table_around(names: Sequence[str], rows: str, *, name: str = "") -> str:
    """Return the same around `rows`, which are HTML already; `name` is its class."""
    head = "".join([f'<th scope="col">{escape(name, 60)}</th>' for name in names])
    kind = f"i-table {name}" if name else "i-table"
    return f'<div class="i-wide" tabindex="0"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
