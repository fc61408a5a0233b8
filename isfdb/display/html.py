"""Databases, keys and versions as HTML: no script, no outside asset, everything from the database escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.display.badges import Badge, badges_html
from isfdb.display.descriptions import SmallTable, described
from isfdb.display.icons import SUB_DATABASE, UNREADABLE_ICON, icon
from isfdb.display.safe import escape, escape_lines
from isfdb.display.style import STYLE
from isfdb.display.summaries import Branch, KeySummary
from isfdb.display.words import age_text, count_text, size_text, time_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime


def fragment(*parts: str) -> str:
    """Wrap pieces of HTML so that they carry their own style and touch nothing around them."""
    return f'<div class="isfdb"><style>{STYLE}</style>{"".join(parts)}</div>'


def heading(title: str, *facts: str, code: str = "") -> str:
    """Return the first line: a title, facts in plain words, perhaps a path. All texts are escaped here."""
    words = f' <span class="i-muted">{escape(" · ".join(fact for fact in facts if fact), 400)}</span>' if any(facts) else ""
    path = f'<br><code class="i-muted">{escape(code, 600)}</code>' if code else ""
    return f'<p class="i-head"><b>{escape(title)}</b>{words}{path}</p>'


def note(text: str) -> str:
    """Return a remark in a fainter tone; nothing where there is none."""
    return f'<p class="i-muted">{escape(text, 600)}</p>' if text else ""


def value_heading(key: KeySummary) -> str:
    """Return the first line about one value: its sign, key, type, size and age, and what is to be noticed."""
    size = "" if key.deleted else "reclaimed" if key.reclaimed else size_text(key.nbytes)
    facts = [escape(fact, 400) for fact in (key.what, size, "" if key.version is None else f"v{key.version}") if fact]
    age = f'<span title="{escape(time_text(key.created))}">{escape(age_text(key.created))}</span>' if key.created else ""
    told = f'<span class="i-muted">{" · ".join([*facts, *([age] if age else [])])}</span>'
    sign = f'<span class="i-icon" aria-hidden="true">{icon(key)}</span>'
    return f'<p class="i-head">{sign}<b>{escape(key.key)}</b> {told} {badges_html(key.badges)}</p>'


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
    counted = f'<span class="i-num">{count_text(branch.n_members, "name")}</span>'
    row = f'<span class="i-row">{_name(SUB_DATABASE, f"{escape(branch.name)}/")}{counted}</span>'
    return f"<details open><summary>{row}</summary><ul>{''.join(_items(branch, when))}</ul></details>"


def _key(key: KeySummary, when: Callable[[datetime | None], str]) -> str:
    if key.problem:
        problem = f'<span class="i-bad">{escape(key.problem, 300)}</span>'
        return f'<span class="i-row">{_name(UNREADABLE_ICON, escape(key.name), Badge("unreadable", "bad", "", "✗").html)} {problem}</span>'
    row = f'<span class="i-row">{_name(icon(key), escape(key.name), badges_html(key.badges))} {columns(key, when)}</span>'
    made = [("made by", f"{key.maker}; .entry({key.key!r}) shows its code")] if key.maker else []
    return f"<details><summary>{row}</summary>{key_facts(key, *made)}</details>"


def _name(sign: str, name: str, more: str = "") -> str:
    """Return the first part of a row; `name` and `more` are HTML already."""
    return f'<span class="i-name"><span class="i-icon" aria-hidden="true">{sign}</span><b>{name}</b> {more}</span>'


def columns(key: KeySummary, when: Callable[[datetime | None], str] = age_text) -> str:
    """Return type, shape, dtype, size, version and age, which stand below those of other keys."""
    what = key.parts
    value = what.value.strip(" ,")
    if value and not what.dtype:
        middle = [("i-value", f"{what.shape} {value}".strip())]
    else:
        middle = [("i-shape", what.shape), ("i-dtype", f"{what.dtype} {value}".strip())]
    cells = [("i-type", what.type), *middle, ("i-size", "reclaimed" if key.reclaimed else size_text(key.nbytes))]
    cells += [("i-version", "" if key.version is None else f"v{key.version}")]
    shown = " ".join([f'<span class="{name}">{escape(text)}</span>' for name, text in cells])
    age = f'<span class="i-age" title="{escape(time_text(key.created))}">{escape(when(key.created))}</span>'
    return f'<span class="i-cols" title="{escape(key.what)}">{shown} {age}</span>'


def key_facts(key: KeySummary, *more: tuple[str, str]) -> str:
    """Return what is known of one version, as a list of names and facts, with more of them perhaps."""
    told = described(key.describe or {})
    known = facts(
        [
            *told.facts,
            ("stored by", key.dumper),
            ("stored", time_text(key.created)),
            *more,
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
