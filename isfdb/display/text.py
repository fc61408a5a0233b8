"""Databases and keys as text, for terminals: trees and tables that fit, nothing invisible in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.display.badges import badges_text
from isfdb.display.safe import fit, visible, width
from isfdb.display.summaries import Branch, KeySummary
from isfdb.display.words import age_text, size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDEST_NAME = 60


def tree_text(branch: Branch, *, columns: int | None = None) -> str:
    """Draw a tree, one key a line: name, what it is, size, version, age, what is to be noticed."""
    lines = list(_tree_lines(branch, ""))
    left = min(max((width(label) for label, _ in lines), default=0), _WIDEST_NAME)
    facts = _aligned([facts for _, facts in lines if facts])
    rows = [f"{fit(label, left)}  {facts.pop(0)}" if own else label for label, own in lines]
    return "\n".join(_cut(row.rstrip(), columns) for row in rows)


def _tree_lines(branch: Branch, indent: str) -> list[tuple[str, tuple[str, ...]]]:
    lines: list[tuple[str, tuple[str, ...]]] = []
    for number, member in enumerate(branch.members, 1):
        last = number == len(branch.members) and not branch.hidden
        label = indent + ("└─ " if last else "├─ ") + visible(member.name, _WIDEST_NAME)
        if isinstance(member, Branch):
            lines.append((f"{label}/", ()))
            lines += _tree_lines(member, indent + ("   " if last else "│  "))
        else:
            facts = facts_of(member)
            lines.append((label, facts if member.problem else (member.what_and_names, *facts[1:])))
    if branch.hidden:
        more = "more" if branch.members else "not shown"
        lines.append((f"{indent}└─ … {branch.hidden:,} {more}", ()))
    return lines


def facts_of(key: KeySummary) -> tuple[str, ...]:
    """Return the columns shown beside a name."""
    if key.problem:
        return (f"! {visible(key.problem, 120)}", "", "", "", "")
    number = "" if key.version is None else f"v{key.version}"
    size = size_text(key.nbytes) if not key.reclaimed else "reclaimed"
    return (key.what, size, number, age_text(key.created), badges_text(tuple([one for one in key.badges if one.words != size])))


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    widths = [max(min(width(row[n]), 48) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(text if text.startswith("!") else fit(text, widths[n]) for n, text in enumerate(row)).rstrip() for row in rows]


def _cut(line: str, columns: int | None) -> str:
    return line if columns is None or width(line) <= columns else fit(line, columns)


def table_text(names: Sequence[str], rows: Sequence[Sequence[str]], *, columns: int | None = None, flexible: int = 0) -> str:
    """Draw a table that fits `columns`: the column `flexible` gives way first, then the line is cut."""
    cells = [list(names), *[[visible(cell, 400) for cell in row] for row in rows]]
    widths = [max(width(row[n]) for row in cells) for n in range(len(names))]
    if columns is not None:
        surplus = sum(widths) + 2 * (len(widths) - 1) - columns
        widths[flexible] = max(min(widths[flexible], 8), widths[flexible] - max(surplus, 0))
    return "\n".join(_cut("  ".join(fit(cell, widths[n]) for n, cell in enumerate(row)).rstrip(), columns) for row in cells)


def pairs_text(pairs: Sequence[tuple[str, str]], *, indent: str = "") -> str:
    """Draw names and what they are, one a line, aligned."""
    shown = [(visible(name, 60), visible(value, 2000)) for name, value in pairs]
    left = max((width(name) for name, _ in shown), default=0)
    return "\n".join(f"{indent}{fit(name, left)}  {value}" for name, value in shown)
