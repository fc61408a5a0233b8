"""How tables of polars and pyarrow grow: what may be appended, and how blocks become one table. Opens no files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def fits(sample: Any, addition: Any, *, axis: int, extent: int) -> Any:
    """Return what is appended, having refused what would change a column of the whole.

    Parameters
    ----------
    sample : polars.DataFrame or Series, or pyarrow.Table
        The table as it is, without its rows.
    addition : the same type
        The same columns in the same order, of the same types.
    axis : int
        0: tables grow by rows.
    extent : int
        How many rows the table has; not needed here.

    Raises
    ------
    TypeError
        It does not fit.
    """
    if axis != 0:
        raise TypeError(f"tables grow by rows, along axis 0, not {axis}; store new columns under a key of their own")
    if type(addition) is not type(sample) or type(sample).__name__ not in ("DataFrame", "Series", "Table"):
        raise TypeError(f"the key holds a {type(sample).__qualname__}, and what was given is a {type(addition).__qualname__}")
    expected, found = _form(sample), _form(addition)
    if expected != found:
        raise TypeError(f"the stored table has {str(expected)[:300]}, and what was given {str(found)[:300]}")
    return addition


def _form(table: Any) -> Any:
    """Return what must not change: names and types, in order, with pyarrow's metadata."""
    if type(table).__name__ == "Series":
        return table.name, table.dtype
    if type(table).__name__ == "Table":
        fields = [(field.name, field.type, field.nullable, field.metadata) for field in table.schema]
        return fields, table.schema.metadata
    return list(table.schema.items())


def extent(table: Any, axis: int) -> int:
    """Return the number of rows."""
    return len(table)


def join(tables: Sequence[Any], axis: int) -> Any:
    """Return the tables as one; those of pyarrow keep their chunks."""
    if len(tables) == 1:
        return tables[0]
    if type(tables[0]).__module__.partition(".")[0] == "polars":
        return sys.modules["polars"].concat(tables)
    import pyarrow

    return pyarrow.concat_tables(tables)
