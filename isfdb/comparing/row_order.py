"""Finds which rows of two tables belong together: by place, or by label where labels are unique and rows were added, removed or moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from isfdb.comparing.context import short
from isfdb.display.words import count_text

if TYPE_CHECKING:
    from isfdb.comparing.columns import Table

_MOST_LABELS: Final = 5


@dataclass
class Rows:
    """The rows to compare.

    Attributes
    ----------
    a, b : Table
        With their rows in one order.
    n : int
        How many rows both have.
    because : str
        In what the rows themselves differ; empty where they do not.
    lines : list of str
    """

    a: Table
    b: Table
    n: int
    because: str = ""
    lines: list[str] = field(default_factory=list)


def align_rows(a: Table, b: Table) -> Rows:
    """Return the rows that are compared with each other."""
    if a.n_rows is None or b.n_rows is None:
        return _of_partitions(a, b)
    by_label = _by_label(a, b)
    if by_label is not None:
        return by_label
    n = min(a.n_rows, b.n_rows)
    if a.n_rows == b.n_rows:
        return Rows(a, b, n)
    return Rows(a, b, n, f"{a.n_rows:,} → {b.n_rows:,} rows", [f"the first {n:,} rows are compared"] if n else [])


def _of_partitions(a: Table, b: Table) -> Rows:
    """Count the rows of dask's tables: cheap, where dask need not keep them."""
    counts = [sum([int(one) for one in table.value.map_partitions(len).compute()]) for table in (a, b)]
    n = min(counts)
    if counts[0] == counts[1]:
        return Rows(a, b, n)
    return Rows(a, b, n, f"{counts[0]:,} → {counts[1]:,} rows", [f"the first {n:,} rows are compared"])


def _by_label(a: Table, b: Table) -> Rows | None:
    """Align two frames of pandas by their labels; None where place will do, or has to."""
    one, other = getattr(a.value, "index", None), getattr(b.value, "index", None)
    if not a.index_names or one is None or other is None or one.nlevels != other.nlevels:
        return None
    if type(one).__name__ == type(other).__name__ == "RangeIndex" or one.equals(other) or not (one.is_unique and other.is_unique):
        return None
    common = one.intersection(other, sort=False)
    if not len(common):
        return None
    if len(one) == len(other) and len(common) < len(one) / 2:
        return None  # other labels, rather than other rows
    gone, new = one.difference(other, sort=False), other.difference(one, sort=False)
    first, second = _table(a.value.loc[one[one.isin(common)]]), _table(b.value.loc[one[one.isin(common)]])
    is_moved = not other[other.isin(common)].equals(one[one.isin(common)])
    said = [f"{count_text(len(gone), 'row')} removed" if len(gone) else "", f"{count_text(len(new), 'row')} added" if len(new) else ""]
    said.append("rows in another order" if is_moved else "")
    lines = [f"rows only in the {side}: {_labels(some)}" for side, some in (("first", gone), ("second", new)) if len(some)]
    lines.append(f"{len(common):,} rows are compared by their labels")
    return Rows(first, second, len(common), ", ".join([one for one in said if one]), lines)


def _table(frame: Any) -> Table:
    from isfdb.comparing.columns import Table

    return Table(frame)


def _labels(index: Any) -> str:
    more = f" … and {len(index) - _MOST_LABELS:,} more" if len(index) > _MOST_LABELS else ""
    return ", ".join([short(label, 40) for label in index[:_MOST_LABELS]]) + more
