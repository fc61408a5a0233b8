"""An audit as text and as HTML: findings, scores, and a table of values, those with problems first. It decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from isfdb.auditing.completeness import advice_on
from isfdb.auditing.rows import MAY_CHANGE, OF_ISF, RECLAIMED, AuditRow, is_bad
from isfdb.display import html
from isfdb.display.safe import escape, visible
from isfdb.display.text import table_text
from isfdb.display.words import count_text

if TYPE_CHECKING:
    from isfdb.auditing.audited import Audit, AuditedDatabase

#: Rows of the table that are shown.
MOST_ROWS: Final = 100
_MOST_FINDINGS: Final = 50
_MOST_NAMES: Final = 10
_COLUMNS: Final = ("key", "explained", "made again", "because")
_APART: Final = {
    MAY_CHANGE: "may change in place, so there is nothing to compare with",
    RECLAIMED: "reclaimed: record and script are there, the data is not",
    OF_ISF: "of a database that ISF wrote, which keeps no scripts",
}


def text(audit: Audit, *, columns: int | None, most: int) -> str:
    """Return an audit as text."""
    parts = [_head(audit)]
    for database in audit.databases:
        parts += _findings_lines(database)
    parts += ["", *_scores_lines(audit), *_notes(audit)]
    rows, rest = _some_rows(audit, most)
    cells = [_cells(row, audit) for row in rows]
    parts += ["", table_text(_COLUMNS, cells, columns=columns, flexible=3)] if cells else []
    parts += [rest] if rest else []
    advice = [f"{what}: {todo}" for what, todo in _advice(audit.rows)]
    parts += ["", "what would help:", *[f"  {line}" for line in advice]] if advice else []
    return "\n".join([line if "\n" in line else visible(line, 1000) for line in parts])


def html_of(audit: Audit) -> str:
    """Return an audit as a piece of a page."""
    rows, rest = _some_rows(audit, MOST_ROWS)
    parts = [html.heading(_title(audit), _outcome(audit), audit.ended[:19])]
    parts.append(html.facts([(name, f"{count}: {meaning}") for name, count, meaning in audit.scores.lines()]))
    for database in audit.databases:
        lines = _findings_lines(database)
        parts += [f'<div class="{"i-bad" if _has_serious(database) else "i-muted"}">{escape(line, 1000)}</div>' for line in lines]
    parts += [f'<div class="i-muted">{escape(line, 1000)}</div>' for line in _notes(audit)]
    parts.append(html.table(_COLUMNS, [_cells(row, audit) for row in rows], limit=600) if rows else "")
    parts.append(f'<p class="i-muted">{escape(rest, 400)}</p>' if rest else "")
    advice = _advice(audit.rows)
    parts.append(html.folded("what would help", html.facts(advice)) if advice else "")
    return html.fragment(*parts)


def problem_of(row: AuditRow) -> str:
    """Return in a line why a row is a reason not to pass."""
    name = f"{row.key}@{row.version}"
    if row.verdict is not None:
        return f"{name}: {row.verdict.label}{f': {row.verdict.detail}' if row.verdict.detail else ''}"
    return f"{name}: not explained: {'; '.join(row.lacks)}"


def because_of(row: AuditRow) -> str:
    """Return what is to be known about a row besides its label."""
    verdict = row.verdict
    is_told_below = verdict is not None and verdict.because == "no code" and any(lack.startswith("script:") for lack in row.lacks)
    parts = [verdict.detail] if verdict is not None and verdict.detail and not is_told_below else []
    parts += list(row.lacks)
    if row.made_from:
        rest = len(row.made_from) - _MOST_NAMES
        named = ", ".join([_short(link) for link in row.made_from[:_MOST_NAMES]]) + (f" and {rest} more" if rest > 0 else "")
        parts.append(f"made from {named}, which could not be made again")
    return "; ".join(parts)


def _short(link: str) -> str:
    """Return the key and version that a link names."""
    return link.removeprefix("isfdb://").partition("/")[2] or link


# Parts ---------------------------------------------------------------------------------------------------------------------------


def _title(audit: Audit) -> str:
    return "audit of " + ", ".join([one.name for one in audit.databases[:_MOST_NAMES]])


def _outcome(audit: Audit) -> str:
    problems = len(audit.problems())
    return count_text(problems, "problem") if problems else "passed"


def _head(audit: Audit) -> str:
    replays = f", {count_text(audit.n_replays, 'script')} run" if audit.n_replays else ""
    return f"{_title(audit)}: {_outcome(audit)} ({count_text(len(audit.rows), 'value')}{replays})"


def _scores_lines(audit: Audit) -> list[str]:
    scores = audit.scores.lines()
    widest = max([len(count) for _, count, _ in scores])
    return [f"{name:<10}  {count:<{widest}}  {meaning}" for name, count, meaning in scores]


def _has_serious(database: AuditedDatabase) -> bool:
    return database.findings is not None and bool(database.findings.serious)


def _findings_lines(database: AuditedDatabase) -> list[str]:
    if database.findings is None:
        return [f"{database.name}: files were not verified"]
    first, *lines = str(database.findings).split("\n")
    rest = len(lines) - _MOST_FINDINGS
    more = [f"… and {rest:,} more: isfdb verify {database.path}"] if rest > 0 else []
    return [f"{database.name}: {first}", *[f"  {line}" for line in lines[:_MOST_FINDINGS]], *more]


def _notes(audit: Audit) -> list[str]:
    skipped = Counter([row.skipped for row in audit.skipped])
    lines = [f"not made again: {count_text(n, 'value')} ({why})" for why, n in skipped.items()]
    lines += [
        f"apart: {_named([row.key for row in audit.apart if row.apart == why])}: {what}" for why, what in _APART.items() if _any(audit, why)
    ]
    deleted = [key for one in audit.databases for key in one.deleted]
    lines += [f"deleted keys: {_named(deleted)}"] if deleted else []
    sample = audit.asked.get("sample")
    if sample is not None:
        n_fitting = sum([one.n_fitting for one in audit.databases])
        lines.append(f"sample: {len(audit.rows):,} of {count_text(n_fitting, 'value')}, seed {audit.asked.get('seed')}")
    return lines + [note for one in audit.databases for note in one.notes]


def _any(audit: Audit, why: str) -> bool:
    return any(row.apart == why for row in audit.rows)


def _named(keys: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(keys))
    more = f" and {len(distinct) - _MOST_NAMES:,} more" if len(distinct) > _MOST_NAMES else ""
    return f"{', '.join(distinct[:_MOST_NAMES])}{more} ({len(keys):,})"


def _some_rows(audit: Audit, most: int) -> tuple[list[AuditRow], str]:
    """Return the rows to show, those with problems first, and what is said of the others."""
    rows = sorted(audit.rows, key=lambda row: (not is_bad(row), not row.lacks, not row.made_from))
    left = Counter([row.label for row in rows[most:]])
    told = ", ".join([f"{count:,} {label}" for label, count in left.most_common(_MOST_NAMES)])
    return rows[:most], f"… and {count_text(len(rows) - most, 'value')} more: {told}" if left else ""


def _cells(row: AuditRow, audit: Audit) -> tuple[str, ...]:
    name = f"{row.key}@{row.version}"
    if len(audit.databases) > 1:
        name = f"{next((one.name for one in audit.databases if one.path == row.database), row.database)}: {name}"
    return name, "" if row.apart else "yes" if row.explained else "no", row.label, because_of(row)


def _advice(rows: Iterable[AuditRow]) -> list[tuple[str, str]]:
    found = {lack.partition(":")[0]: advice_on(lack) for row in rows if not row.apart for lack in row.lacks}
    if any(row.verdict is not None and row.verdict.because == "not trusted" for row in rows):
        found["not trusted"] = (
            "read the scripts, isfdb.code(db, key); then audit with trust=True (--trust), or trust the database: isfdb trust DB"
        )
    return [(what, todo) for what, todo in found.items() if todo]
