"""What is to be known about a slice before anybody trusts it: labels, each with the cells that earn it. It changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from isfdb.provenance.slicing.slicer import History
from isfdb.provenance.slicing.world import Step

LINEAR = "linear"
OUT_OF_ORDER = "out of order"
EDITED = "uses an edited or deleted cell"
FAILED = "depends on a failed cell"
HIDDEN = "hidden cell"
WIDENED = "widened"

#: Of each kind so many cells are named.
_MOST_NAMED = 3


def labels_of(history: History, steps: Sequence[Step]) -> tuple[tuple[str, str], ...]:
    """Return the labels of a slice, each with its reason; ``linear`` where there is no other.

    Which cell is which is told by the front end's cell id, else by its text. The order that a notebook shows is taken to be the one in
    which its cells ran first.
    """
    cells = sorted({step.cell for step in steps})
    found = []
    for label, because in (
        (OUT_OF_ORDER, _out_of_order(history, cells)),
        (EDITED, _edited(history, cells)),
        (FAILED, _named(history, [step.cell for step in steps if history.cells[step.cell].outcome == "error"], "failed")),
        (HIDDEN, _named(history, [cell for cell in cells if history.cells[cell].is_hidden], "left no trace in the notebook's history")),
        (WIDENED, "; ".join(dict.fromkeys([reason for step in steps for reason in step.widened]))),
    ):
        if because:
            found.append((label, because))
    return tuple(found) or ((LINEAR, ""),)


def _identity(history: History, place: int) -> str:
    cell = history.cells[place]
    return f"id {cell.cell_id}" if cell.cell_id else f"text {cell.source}"


def _out_of_order(history: History, cells: Sequence[int]) -> str:
    first: dict[str, int] = {}
    for place in range(len(history.cells)):
        first.setdefault(_identity(history, place), place)
    before: int | None = None
    for place in cells:
        if before is not None and first[_identity(history, place)] < first[_identity(history, before)]:
            return f"{_name(history, place)} stands before {_name(history, before)} and ran after it"
        before = place
    return ""


def _edited(history: History, cells: Sequence[int]) -> str:
    newest = {_identity(history, place): cell.source for place, cell in enumerate(history.cells) if cell.cell_id}
    changed = [
        place for place in cells if newest.get(_identity(history, place), history.cells[place].source) != history.cells[place].source
    ]
    return _named(history, changed, "ran again later with another text")


def _named(history: History, cells: Sequence[int], what: str) -> str:
    names = [_name(history, cell) for cell in dict.fromkeys(cells)]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more} {what}" if names else ""


def _name(history: History, place: int) -> str:
    count = history.cells[place].count
    return (
        f"cell [{count}]"
        if count is not None
        else "a hidden cell"
        if history.cells[place].is_hidden
        else f"cell {place + 1} of the session"
    )
