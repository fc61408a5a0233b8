"""What is told about how a value is made: the labels of its slice, what it was made from, what may keep it from being made again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isfdb.display import html
from isfdb.display.safe import visible
from isfdb.display.summaries import UNREADABLE
from isfdb.display.words import size_text
from isfdb.provenance.records import UsedFile

_MOST_SHOWN = 20


@dataclass(frozen=True)
class Explanation:
    """How a value is made, as it is shown.

    Attributes
    ----------
    labels : tuple of (str, str)
        Of its slice, each with the reason.
    inputs : tuple of (str, str)
        What it was made from: a link or path, and its size, or why nothing is known of it.
    risks : tuple of (str, str, str)
        The risk, the line that causes it, what to do.
    """

    labels: tuple[tuple[str, str], ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    risks: tuple[tuple[str, str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the members that ``--json`` prints."""
        return {
            "labels": [list(one) for one in self.labels],
            "inputs": [list(one) for one in self.inputs],
            "risks": [dict(zip(("risk", "line", "advice"), one, strict=True)) for one in self.risks],
        }


def explanation_of(version: Any) -> Explanation:
    """Collect what is told about a version; nothing where its record cannot be understood."""
    try:
        facts = version.slice
        return Explanation(
            facts.labels if facts else (),
            tuple([_input(one) for one in version.inputs]),
            tuple([(risk.kind, risk.line, risk.advice) for risk in version.risks]),
        )
    except UNREADABLE:
        return Explanation()


def _input(used: Any) -> tuple[str, str]:
    if isinstance(used, UsedFile):
        size = size_text(used.size) if used.size is not None else ""
        return used.path, ", ".join([fact for fact in (size, used.because, "written by this session" if used.written_here else "") if fact])
    return used.link, ""


def labels_text(told: Explanation) -> str:
    """Return the labels in a line."""
    return "; ".join([f"{label}: {because}" if because else label for label, because in told.labels])


def explanation_lines(told: Explanation) -> list[str]:
    """Return what a value was made from, and its risks, as text."""
    parts = []
    if told.inputs:
        rows = "\n".join([f"    {visible(name)}  {visible(facts)}".rstrip() for name, facts in told.inputs[:_MOST_SHOWN]])
        parts.append(f"  made from\n{rows}{_more(told.inputs)}")
    if told.risks:
        parts.append(f"  {len(told.risks)} risk{'s' if len(told.risks) > 1 else ''} to making it again")
        for risk, line, advice in told.risks[:_MOST_SHOWN]:
            parts.append(f"    {visible(risk)}: {visible(line)}\n      {visible(advice)}")
    return parts


def _more(rows: tuple[Any, ...]) -> str:
    return f"\n    and {len(rows) - _MOST_SHOWN:,} more" if len(rows) > _MOST_SHOWN else ""


def explanation_parts(told: Explanation) -> list[str]:
    """Return the same as pieces of HTML."""
    parts = []
    if told.risks:
        title = f"{len(told.risks)} risk{'s' if len(told.risks) > 1 else ''} to making it again"
        parts.append(html.folded(title, html.table(("risk", "line", "what to do"), told.risks[:_MOST_SHOWN]), is_open=True))
    if told.inputs:
        parts.append(html.folded(f"made from {len(told.inputs):,}", html.table(("input", ""), told.inputs[:_MOST_SHOWN])))
    return parts
