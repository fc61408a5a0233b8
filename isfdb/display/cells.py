"""How an executed cell is told: its number, its outcome, what it stored. From session records only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from isfdb.display import html
from isfdb.display.safe import escape, visible, visible_lines
from isfdb.display.words import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


@dataclass(frozen=True)
class CellSummary:
    """One cell as it ran."""

    line: int
    label: str
    source: str
    outcome: str
    error: str
    duration_s: float | None
    started: str
    runs_before: int = 0
    stored: tuple[str, ...] = ()

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader should notice: ``failed``, ``run again`` ..."""
        again = ("run again",) if self.runs_before == 1 else (f"run again ({self.runs_before + 1}×)",) if self.runs_before else ()
        outcome = {"ok": "", "error": "failed", "running": "was running"}.get(self.outcome, "outcome unknown")
        return (*((outcome,) if outcome else ()), *again)

    def to_json(self) -> dict[str, Any]:
        """Return the members that ``--json`` prints."""
        return {
            "line": self.line,
            "label": self.label,
            "source": self.source,
            "outcome": self.outcome,
            "error": self.error or None,
            "duration_s": self.duration_s,
            "started": self.started,
            "runs_before": self.runs_before,
            "stored": list(self.stored),
        }


def cell_summaries(cells: Iterable[Any], stored: dict[int, list[str]] | None = None) -> tuple[CellSummary, ...]:
    """Summarise the cells of a session, in the order they ran.

    Parameters
    ----------
    cells : iterable of Cell
        As :func:`isfdb.provenance.session.read_session` returns them.
    stored : dict
        Line of a cell to what it stored, for example ``{3: ["rates@1"]}``.
    """
    seen: dict[str, int] = {}
    told = []
    for cell in cells:
        name = str(cell.cell_id or cell.source)
        before = seen.get(name, 0)
        seen[name] = before + 1
        told.append(_told(cell, before, tuple((stored or {}).get(cell.line, ()))))
    return tuple(told)


def _told(cell: Any, runs_before: int, stored: tuple[str, ...]) -> CellSummary:
    kind = str(cell.kind or "cell")
    return CellSummary(
        line=cell.line,
        label=f"[{cell.count}]" if kind == "cell" and cell.count else " ".join(_which(cell, kind)),
        source=str(cell.source or ""),
        outcome=str(cell.outcome),
        error=str(cell.error or ""),
        duration_s=cell.duration_s,
        started=_moment(cell.started),
        runs_before=runs_before,
        stored=stored,
    )


def _which(cell: Any, kind: str) -> tuple[str, ...]:
    facts = getattr(cell, "facts", None) or {}
    name = facts.get("test") or str(facts.get("file") or "").rpartition("/")[2]
    return (kind, str(name)) if name else (kind,)


def _moment(started: Any) -> str:
    return started.isoformat() if isinstance(started, datetime) else str(started or "")


def cells_text(cells: Sequence[CellSummary], *, lines: int = 12) -> str:
    """Return the cells one below the other, each with at most `lines` lines of source."""
    return "\n".join(_cell_text(cell, lines) for cell in cells)


def _cell_text(cell: CellSummary, lines: int) -> str:
    words = [*(mark.upper() if mark == "failed" else mark for mark in cell.marks), duration_text(cell.duration_s)]
    if cell.stored:
        words.append("stored " + ", ".join(visible(key, 80) for key in cell.stored))
    source = visible_lines(cell.source.strip("\n")).split("\n")
    shown = [f"    {line}" for line in source[:lines]] + ([f"    … {len(source) - lines} more lines"] if len(source) > lines else [])
    error = [f"    ! {visible(cell.error, 200)}"] if cell.error else []
    return "\n".join([f"{visible(cell.label, 120)}  {' · '.join(word for word in words if word)}", *shown, *error])


def cell_html(cell: CellSummary, box: Callable[[str, str], str] = html.code) -> str:
    """Return one cell: a line about it, then its source; `box` makes HTML of source and label."""
    tags = "".join(f' <span class="i-tag{" i-bad" if mark == "failed" else ""}">{escape(mark)}</span>' for mark in cell.marks)
    stored = f" <span>stored <code>{escape(', '.join(cell.stored), 400)}</code></span>" if cell.stored else ""
    took = f'<span class="i-muted">{duration_text(cell.duration_s)}</span>'
    head = f'<p class="i-head"><b>{escape(cell.label, 120)}</b>{tags} {took}{stored}</p>'
    error = f'<p class="i-head i-bad">{escape(cell.error, 300)}</p>' if cell.error else ""
    return f"{head}{box(cell.source, f'source of cell {cell.label}')}{error}"
