"""One side of how a value was made - code, inputs, packages ... - compared between two versions, as data and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from isfdb.comparing.context import short, shortened

SAME: Final = "same"
DIFFERS: Final = "differs"
UNKNOWN: Final = "unknown"

_MOST_LINES: Final = 12


@dataclass(frozen=True)
class Axis:
    """What of one kind is other in the making of two versions.

    Attributes
    ----------
    name : str
        ``"code"``, ``"inputs"``, ``"packages"``, ``"machine"``, ``"risks"`` or ``"made"``.
    status : str
        ``"same"``, ``"differs"`` or ``"unknown"``: then `lines` say on which side, and why.
    because : str
        In a few words, what differs.
    lines : tuple of str
        Particulars.
    text : str
        A unified diff of the code.
    """

    name: str
    status: str
    because: str = ""
    lines: tuple[str, ...] = ()
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "name": self.name,
            "status": self.status,
            "because": self.because,
            "lines": list(self.lines),
            "text": self.text or None,
        }


def at_most(lines: Sequence[str], most: int = _MOST_LINES) -> tuple[str, ...]:
    """Return the first lines, and how many there are besides."""
    rest = len(lines) - most
    return tuple(lines) if rest <= 1 else (*lines[:most], f"… and {rest:,} more")


def changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Return what was removed, added or changed between two tables of names and facts."""
    lines = []
    for name in sorted({*a, *b}):
        one, other = a.get(name), b.get(name)
        if name not in b:
            lines.append(f"{name} {_fact(one)} removed")
        elif name not in a:
            lines.append(f"{name} {_fact(other)} added")
        elif one != other:
            lines.append(f"{name} {_fact(one)} → {_fact(other)}")
    return lines


def _fact(fact: Any) -> str:
    if isinstance(fact, list) and all(isinstance(one, str) for one in fact):
        return shortened(", ".join(fact), 120) or "none"
    return shortened(fact, 120) if isinstance(fact, str) else "none" if fact is None else short(fact, 120)


def unknown(name: str, reasons: Mapping[str, str], because: str = "") -> Axis:
    """Return an axis of which one side, or both, is not known; `reasons` says why, by the name of the side."""
    sides = " and ".join(reasons)
    return Axis(name, UNKNOWN, because or f"not known of {sides}", tuple([f"{side}: {why}" for side, why in reasons.items()]))
