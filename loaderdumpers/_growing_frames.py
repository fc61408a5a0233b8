"""How pandas tables grow: what may be appended, and how blocks become one table. Shared by their loaderdumpers; opens no files itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isfdb.parts import load_part
from loaderdumpers._dask_text import as_read

if TYPE_CHECKING:
    from collections.abc import Sequence


def fits(sample: Any, addition: Any, *, axis: int, extent: int, ignore_index: bool = False) -> Any:
    """Return what is appended, having refused what would change a column of the whole.

    Parameters
    ----------
    sample : pandas.DataFrame, Series or Index
        The table as it is, without its rows.
    addition : the same type
        The same columns in the same order, of the same dtypes, and an index of the same kind.
    axis : int
        0: tables grow by rows.
    extent : int
        How many rows the table has.
    ignore_index : bool
        Number the new rows on from the last one, whatever their index says, as ``pandas.concat`` does.

    Raises
    ------
    TypeError
        It does not fit.
    """
    import pandas

    if axis != 0:
        raise TypeError(f"tables grow by rows, along axis 0, not {axis}; store new columns under a key of their own")
    if type(addition) is not type(sample):
        raise TypeError(f"the key holds a {type(sample).__qualname__}, and what was given is a {type(addition).__qualname__}")
    if ignore_index and not isinstance(sample, pandas.Index):
        addition = addition.set_axis(pandas.RangeIndex(extent, extent + len(addition)), axis=0)
    for what, expected, found in zip(("columns", "dtypes", "index", "attrs", "flags"), _kind(sample), _kind(addition), strict=True):
        if expected != found:
            raise TypeError(f"the {what} of the stored table are {_shown(expected)}, and of what was given {_shown(found)}")
    if not isinstance(sample, pandas.Index) and not sample.flags.allows_duplicate_labels:  # only reading all labels would tell
        raise TypeError("a table whose flags forbid duplicate labels cannot grow; store it after set_flags(allows_duplicate_labels=True)")
    return addition


def _kind(table: Any) -> tuple[Any, ...]:
    """Return what must not change: labels with their types, dtypes with their categories, the kind of index, attributes, flags."""
    import pandas

    if isinstance(table, pandas.Index):
        return None, None, _kind_of_index(table), None, None
    is_frame = isinstance(table, pandas.DataFrame)
    columns = [(type(label).__name__, label) for label in table.columns] if is_frame else repr(table.name)
    names = [*table.columns.names, str(table.columns.dtype)] if is_frame else None
    dtypes = [_dtype(dtype) for dtype in table.dtypes] if is_frame else [_dtype(table.dtype)]
    return (columns, names), dtypes, _kind_of_index(table.index), _text_of(table.attrs), table.flags.allows_duplicate_labels


def _text_of(attrs: Any) -> str:
    """Return attributes as text, arrays in full."""
    import sys

    import numpy

    with numpy.printoptions(threshold=sys.maxsize, floatmode="unique"):
        return repr(attrs)


def _kind_of_index(index: Any) -> Any:
    import pandas

    if isinstance(index, pandas.MultiIndex):
        return list(index.names), [_dtype(level.dtype) for level in index.levels]
    return list(index.names), _dtype(index.dtype)


def _dtype(dtype: Any) -> Any:
    if str(dtype) == "category":
        return repr(dtype.categories.dtype), list(dtype.categories), dtype.ordered
    return f"{dtype!r} of {dtype.storage}" if getattr(dtype, "storage", None) else repr(dtype)


def _shown(facts: Any) -> str:
    text = str(facts)
    return text if len(text) <= 300 else text[:299] + "…"


def extent(table: Any, axis: int) -> int:
    """Return the number of rows."""
    return len(table)


def join(tables: Sequence[Any], axis: int) -> Any:
    """Return the tables as one, as ``pandas.concat`` joins them."""
    import pandas

    if len(tables) == 1:
        return tables[0]
    first = tables[0]
    if isinstance(first, pandas.Index):
        return first.append(list(tables[1:]))
    bare = [table.copy(deep=False) for table in tables]
    for table in bare:
        table.attrs = {}  # pandas compares them with ==, which has no answer for arrays
    whole = pandas.concat(bare)
    whole.attrs = first.attrs
    return whole


def join_lazily(blocks: Sequence[tuple[dict[str, Any], str]], axis: int, lengths: Sequence[int], columns: list[Any] | None = None) -> Any:
    """Return a dask table with a partition for each block, which is read when it is needed; its divisions are unknown.

    Parameters
    ----------
    blocks : sequence of (dict, str)
        Spec and folder of each.
    columns : list of labels, optional
        Only these.
    """
    import dask.dataframe

    options: dict[str, Any] = {} if columns is None else {"columns": columns}
    sample = load_part(*blocks[0], select=slice(0, 0), **options)
    return as_read(dask.dataframe.from_map(_load, blocks, options=options, meta=sample, label="isfdb", enforce_metadata=False))


def _load(block: tuple[dict[str, Any], str], options: dict[str, Any]) -> Any:
    return load_part(*block, **options)
