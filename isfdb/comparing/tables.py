"""Compares tables of pandas, polars, pyarrow and dask: columns, rows, dtypes, and each column's elements in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from isfdb.comparing.arrays import of_members
from isfdb.comparing.columns import Table, table_of
from isfdb.comparing.comparison import DIFFERENT, EQUAL, IDENTICAL, Comparison, Parts, worst
from isfdb.comparing.containers import with_notes
from isfdb.comparing.context import Context, kinds_differ, short, why_not_identical
from isfdb.comparing.elements import Tally
from isfdb.comparing.equality import dtypes_compare
from isfdb.comparing.row_order import align_rows
from isfdb.display.words import count_text

#: Rows of a table that are compared at a time.
BLOCK_ROWS: Final = 200_000

_MOST_NAMES: Final = 8


def compare_tables(a: Any, b: Any, where: str, context: Context) -> Comparison | None:
    """Compare two tables, columns or indexes of one library; None where they are none."""
    one, other = table_of(a), table_of(b)
    if one is None or other is None:
        return None
    if type(a) is not type(b):
        return kinds_differ(a, b, where)
    found = _compare(one, other, where, context)
    if not found.same or one.is_lazy:
        return found
    why = why_not_identical(a, b)
    if why is None:
        return replace(found, status=worst([found.status if found.status != EQUAL else IDENTICAL]), notes=())
    return found if found.notes or found.parts else with_notes(found, [why])


def _compare(a: Table, b: Table, where: str, context: Context) -> Comparison:
    lines: list[str] = []
    here, there = set(a.names), set(b.names)
    removed = [name for name in a.names if name not in there]
    added = [name for name in b.names if name not in here]
    for side, names in (("first", removed), ("second", added)):
        if names:
            more = f" … and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
            lines.append(f"columns only in the {side}: {', '.join(map(short, names[:_MOST_NAMES]))}{more}")
    columns = [(place, name) for place, name in enumerate(a.names) if name in there]
    order = [name for _, name in columns] != [name for name in b.names if name in here]
    rows = align_rows(a, b)
    lines += rows.lines
    parts = Parts()
    for comparison in _columns(rows.a, rows.b, columns, context, rows.n):
        parts.add(comparison)
    said = [
        f"{count_text(len(removed), 'column')} removed" if removed else "",
        f"{count_text(len(added), 'column')} added" if added else "",
        "columns in another order" if order else "",
        f"index of {len(a.index_names)} → {len(b.index_names)} levels" if len(a.index_names) != len(b.index_names) else "",
        rows.because,
    ]
    found = of_members(parts, where, "columns")
    because = ", ".join([one for one in (*said, found.because) if one])
    status = DIFFERENT if any(said) else found.status
    measures = {**found.measures, "rows": [a.n_rows, b.n_rows], "n_removed": len(removed), "n_added": len(added)}
    return replace(found, status=worst([status, found.status]), because=because, lines=(*lines, *found.lines), measures=measures)


@dataclass
class _Column:
    """A column that both tables have, while it is compared."""

    where: str
    a: int
    b: int
    note: str
    tally: Tally
    parts: Parts
    is_comparable: bool = True


def _columns(a: Table, b: Table, shared: list[tuple[int, Any]], context: Context, n: int) -> Iterator[Comparison]:
    """Yield the comparison of each column that both have, and of the index."""
    pairs = [
        _Column(a.where(name), place, other, "", Tally(context), Parts())
        for (place, name), other in zip(shared, _places_in(b, shared), strict=True)
    ]
    pairs += [
        _Column(name, -1 - level, -1 - level, "", Tally(context), Parts())
        for level, name in enumerate(a.index_names)
        if len(b.index_names) == len(a.index_names)
    ]
    for column in pairs:
        dtypes = a.dtype_text(column.a), b.dtype_text(column.b)
        column.note = "" if dtypes[0] == dtypes[1] else f"dtype {dtypes[0]} → {dtypes[1]}"
    for start, one, other in _blocks(a, b, n):
        for column in pairs:
            if column.is_comparable:
                _take_in(column, a.elements(one, column.a), b.elements(other, column.b), start, context)
    for column in pairs:
        yield _told(column, a)


def _places_in(b: Table, shared: list[tuple[int, Any]]) -> list[int]:
    """Return where the other table has each of these columns; columns of one name are told apart by their order."""
    places: dict[Any, list[int]] = {}
    for place, name in enumerate(b.names):
        places.setdefault(name, []).append(place)
    return [places[name].pop(0) if len(places[name]) > 1 else places[name][0] for _, name in shared]


def _blocks(a: Table, b: Table, n: int) -> Iterator[tuple[int, Any, Any]]:
    """Yield the first row of each pair of blocks, and the blocks."""
    if not a.is_partitioned:
        for start in range(0, n, BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, n)
            yield start, a.rows(start, stop), b.rows(start, stop)
        return
    start = 0
    one, other = a.partitions(), b.partitions()
    left, right = next(one, None), next(other, None)
    while left is not None and right is not None:
        common = min(len(left), len(right))
        if common:
            yield start, left.iloc[:common], right.iloc[:common]
        start += common
        left = left.iloc[common:] if len(left) > common else next(one, None)
        right = right.iloc[common:] if len(right) > common else next(other, None)


def _take_in(column: _Column, a: tuple[Any, Any], b: tuple[Any, Any], start: int, context: Context) -> None:
    """Count one block of one column."""
    (values, gaps), (others, other_gaps) = a, b
    if values.dtype.kind == "O" or others.dtype.kind == "O":
        _take_in_objects(column, a, b, start, context)
    elif values.dtype.names is None and dtypes_compare(values.dtype, others.dtype):
        if gaps is None and other_gaps is None:
            column.tally.add(values, others, (start,))
        else:
            import numpy

            missing = [numpy.zeros(values.shape, bool) if one is None else one for one in (gaps, other_gaps)]
            column.tally.add(values, others, (start,), (missing[0], missing[1]))
    else:
        column.is_comparable = False


def _take_in_objects(column: _Column, a: tuple[Any, Any], b: tuple[Any, Any], start: int, context: Context) -> None:
    """Count elements that are Python objects: texts at once, others one by one."""
    import numpy

    values, others = a[0].astype(object), b[0].astype(object)
    gaps = [numpy.zeros(values.shape, bool) if one is None else one for one in (a[1], b[1])]
    if _are_texts(values, gaps[0]) and _are_texts(others, gaps[1]):
        column.tally.add(values, others, (start,), (gaps[0], gaps[1]))
        return
    for place, (one, other) in enumerate(zip(values, others, strict=True)):
        if gaps[0][place] and gaps[1][place]:
            one = other = None
        column.parts.add(context.compare(one, other, f"row {start + place:,}", context))


def _are_texts(values: Any, gaps: Any) -> bool:
    return set(map(type, values[~gaps].tolist())) <= {str, bool}


def _told(column: _Column, a: Table) -> Comparison:
    if not column.is_comparable:
        return Comparison(DIFFERENT, column.where, column.note or "of kinds that cannot be equal")
    tally = column.tally
    lines = tally.lines(lambda index: a.row_text(index[0]) if column.a >= 0 else f"row {index[0]:,}")
    inside = of_members(column.parts, column.where, "rows")
    because = ", ".join([one for one in (tally.because, inside.because) if one])
    measures = tally.measures() if not column.parts.n else {"n": tally.n + column.parts.n, "n_different": inside.measures["n_different"]}
    found = replace(inside, status=worst([tally.status, inside.status]), because=because, lines=lines, measures=measures)
    return with_notes(found, [column.note] if column.note else [])
