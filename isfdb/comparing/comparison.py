"""What comparing two values gives: a rung of the ladder, where and by how much they differ; as text and JSON. Compares nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from isfdb.display.safe import visible, visible_lines
from isfdb.display.words import count_text

IDENTICAL: Final = "identical"
EQUAL: Final = "equal"
CLOSE: Final = "close"
NOT_COMPARED: Final = "not compared"
DIFFERENT: Final = "different"

#: The ladder, best first. A whole stands on the lowest rung of its parts.
LADDER: Final = (IDENTICAL, EQUAL, CLOSE, NOT_COMPARED, DIFFERENT)

#: How many of the parts that differ are kept; the others are counted.
MAX_PARTS: Final = 20

_INDENT: Final = "  "


@dataclass(frozen=True)
class Comparison:
    """How two values compare, and how their parts do.

    Attributes
    ----------
    status : str
        ``"identical"``: the same type and bits. ``"equal"``: the same values, in another form (`notes` say which).
        ``"close"``: within the tolerances that were asked for. ``"different"``. ``"not compared"``: it cannot be told, `because` says why.
    where : str
        The place in the whole: ``"['rates'][3]"``; empty for the whole.
    because : str
        In a few words, what differs or why it could not be compared.
    lines : tuple of str
        Particulars: by how much, where.
    notes : tuple of str
        What is other in form: a dtype, an order.
    measures : mapping
        Numbers for programs: ``n``, ``n_different``, ``largest_absolute``, ``largest_relative``, ``at`` ...
    text : str
        A unified diff of texts.
    parts : tuple of Comparison
        The parts that are not identical, at most twenty.
    n_more : int
        How many such parts there are besides.
    """

    status: str
    where: str = ""
    because: str = ""
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    measures: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    parts: tuple[Comparison, ...] = ()
    n_more: int = 0

    @property
    def same(self) -> bool:
        """Whether the values are identical, equal, or close where a tolerance was asked for."""
        return self.status in (IDENTICAL, EQUAL, CLOSE)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; numbers that JSON does not have are texts."""
        return {
            "status": self.status,
            "where": self.where,
            "because": self.because,
            "lines": list(self.lines),
            "notes": list(self.notes),
            "measures": {name: _plain(measure) for name, measure in self.measures.items()},
            "text": self.text or None,
            "parts": [part.to_json() for part in self.parts],
            "n_more": self.n_more,
        }

    def __str__(self) -> str:
        return "\n".join(self.text_lines())

    def text_lines(self, indent: str = "") -> Iterator[str]:
        """Yield it line by line, its parts indented below it."""
        head = f"{visible(self.where, 200)}: {self.status}" if self.where else self.status
        yield f"{indent}{head}{f': {visible(self.because, 400)}' if self.because else ''}"
        for line in (*self.lines, *self.notes):
            yield f"{indent}{_INDENT}{visible(line, 600)}"
        if self.text:
            yield from (f"{indent}{_INDENT}{line}" for line in visible_lines(self.text).split("\n"))
        for part in self.parts:
            yield from part.text_lines(indent + _INDENT)
        if self.n_more:
            yield f"{indent}{_INDENT}… and {count_text(self.n_more, 'more part')}"


def at(comparison: Comparison, where: str) -> Comparison:
    """Return a comparison as that of the part `where`."""
    return comparison if comparison.where == where else replace(comparison, where=where)


def pruned(comparison: Comparison, most: int = 300) -> Comparison:
    """Return a comparison with at most so many parts at all depths; the others are counted where they stood.

    What is told must come to an end: a list of lists that are all one and the same has more parts than there are atoms.
    """
    return _pruned(comparison, [most])


def _pruned(comparison: Comparison, left: list[int]) -> Comparison:
    kept: list[Comparison] = []
    left[0] -= len(comparison.parts)
    for part in comparison.parts:
        if left[0] < 0 and kept:
            break
        kept.append(_pruned(part, left) if left[0] > 0 else replace(part, parts=(), n_more=part.n_more + len(part.parts)))
    return replace(comparison, parts=tuple(kept), n_more=comparison.n_more + len(comparison.parts) - len(kept))


#: Most parts of most values are the same, and need no words.
SAME_PART: Final = Comparison(IDENTICAL)


def worst(statuses: Sequence[str]) -> str:
    """Return the lowest rung of the ladder among `statuses`; identical where there are none."""
    return max(statuses, key=LADDER.index, default=IDENTICAL)


class Parts:
    """Gathers the comparisons of parts: keeps the first that are not identical, counts all."""

    def __init__(self) -> None:
        self.n = 0
        self.n_same = 0
        self.statuses: set[str] = set()
        self._kept: list[Comparison] = []
        self._n_more = 0

    def add(self, part: Comparison) -> None:
        """Take one more part into account."""
        self.n += 1
        self.n_same += part.same
        self.statuses.add(part.status)
        if part.status == IDENTICAL:
            return
        if len(self._kept) < MAX_PARTS:
            self._kept.append(part)
        else:
            self._n_more += 1
            self._make_room_for(part)

    def _make_room_for(self, part: Comparison) -> None:
        """Let what differs push out what is merely of another form."""
        if not part.same and self._kept[-1].same:
            self._kept = sorted(self._kept, key=lambda one: one.same)[:-1]
            self._kept.insert(sum(not one.same for one in self._kept), part)

    @property
    def status(self) -> str:
        """The lowest rung among the parts."""
        return worst(sorted(self.statuses)) if self.statuses else IDENTICAL

    def whole(self, status: str, where: str, because: str = "", **facts: Any) -> Comparison:
        """Return the comparison of the whole, no better than that of its parts."""
        ordered = sorted(self._kept, key=lambda one: one.same)
        return Comparison(worst([status, self.status]), where, because, parts=tuple(ordered), n_more=self._n_more, **facts)


def _plain(measure: Any) -> Any:
    """Return a measure as JSON has it."""
    if isinstance(measure, Mapping):
        return {str(name): _plain(one) for name, one in measure.items()}
    if isinstance(measure, (list, tuple)):
        return [_plain(one) for one in measure]
    if measure is None or isinstance(measure, (bool, str)):
        return measure
    if isinstance(measure, int):
        return int(measure)
    if isinstance(measure, float):
        return float(measure) if math.isfinite(measure) else str(float(measure))
    return str(measure)
