"""Keeps a pandas DataFrame, Series or Index in Parquet, exactly, or refuses it. Columns of mixed Python objects are refused.

``data.parquet`` has the columns under their own names where those are texts that differ, else as c0, c1 ...; the index follows as
columns named ``index``. What Parquet cannot say (labels, categories, frequency, attributes) stands in ``Loader.json`` or, where that
would grow long, in ``frame.json``, with long lists of labels in ``labels.parquet``.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from loaderdumpers._arrow_frames import Reader, Writer, restore_attributes
from loaderdumpers._labels import NotExactError

if TYPE_CHECKING:
    import pandas as pd

priority: Final = 25

_INLINE_CHARACTERS: Final = 4000
_MANY_COLUMNS: Final = 64
_PANDAS_KINDS: Final = ("DataFrame", "Series", "Index", "RangeIndex", "MultiIndex", "DatetimeIndex", "TimedeltaIndex", "PeriodIndex")
_KINDS: Final = (*_PANDAS_KINDS, "IntervalIndex", "CategoricalIndex")


def _is_pandas(obj: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and any(type(obj) is getattr(pandas, kind, None) for kind in _KINDS)


def check(obj: Any) -> bool:
    """Say whether `obj` comes back equal in every respect; looks at types and labels, and at each value of object columns."""
    if not _is_pandas(obj):
        return False
    try:
        Writer(convert=False).plan(obj)
    except Exception:  # noqa: BLE001  pandas stumbles over its own half-made or damaged objects in many ways; none of them is kept exactly
        return False
    return True


def describe(obj: Any) -> dict[str, Any]:
    """Return type, shape, size, and the first columns with their dtypes."""
    facts: dict[str, Any] = {"type": type(obj).__name__, "shape": list(obj.shape)}
    if facts["type"] == "DataFrame":
        facts["columns"] = [[str(label)[:60], str(dtype)[:60]] for label, dtype in zip(obj.columns[:20], obj.dtypes.iloc[:20], strict=True)]
        facts["nbytes"] = int(obj.memory_usage(index=True, deep=False).sum())
    elif "MultiIndex" not in facts["type"]:
        facts |= {"dtype": str(obj.dtype)[:60], "nbytes": int(obj.nbytes)}
    return facts


def dump(obj: Any, savedir: str, *, compression: str = "zstd", row_group_size: int | None = None) -> dict[str, Any]:
    """Write `obj` as Parquet; never changes it.

    Parameters
    ----------
    obj : pandas.DataFrame, pandas.Series or pandas.Index
        The value.
    savedir : str
        Empty folder.
    compression : {'zstd', 'snappy', 'gzip', 'brotli', 'lz4', 'none'}
        How the columns are compressed.
    row_group_size : int, optional
        Rows in one group; filters skip whole groups. Default: pyarrow's.

    Raises
    ------
    TypeError
        Something would not come back as it is; the message names it.
    """
    if not _is_pandas(obj):
        raise TypeError(f"pandas_to_parquet keeps DataFrame, Series and Index themselves, not {type(obj).__qualname__}; convert it first")
    return write(obj, savedir, "", compression=compression, row_group_size=row_group_size)


def write(
    obj: Any, savedir: str, prefix: str, *, compression: str = "zstd", row_group_size: int | None = None, inline: bool = False
) -> dict[str, Any]:
    """Write `obj` to files whose names begin with `prefix` and return the arguments of :class:`Loader`; `inline`: never ``frame.json``."""
    import pyarrow

    writer = Writer()
    try:
        plan = writer.plan(obj)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise NotExactError(f"Arrow cannot keep this {type(obj).__name__}: {error}. Convert the column, or use to_cloudpickle.") from error
    if writer.columns:
        table = pyarrow.table(writer.columns)
        _write_table(table, os.path.join(savedir, f"{prefix}data.parquet"), compression, row_group_size)
    if writer.labels:
        lists = {name: pyarrow.ListArray.from_arrays([0, len(array)], array) for name, array in writer.labels.items()}
        _write_table(pyarrow.table(lists), os.path.join(savedir, f"{prefix}labels.parquet"), compression, None)
    text = json.dumps(plan, ensure_ascii=False, allow_nan=False)
    if inline or len(text) <= _INLINE_CHARACTERS:
        return {"plan": plan}
    with open(os.path.join(savedir, f"{prefix}frame.json"), "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return {}


def _write_table(table: Any, path: str, compression: str, row_group_size: int | None) -> None:
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, path, compression=compression, row_group_size=row_group_size)


class Loader:
    """Reads a frame, series or index.

    Parameters
    ----------
    plan : dict, optional
        What Parquet cannot say. Without it, it stands in ``frame.json``.
    """

    def __init__(self, *, plan: dict[str, Any] | None = None) -> None:
        self._plan = plan

    def get(self, savedir: str, *, columns: list[Any] | None = None, filters: Any = None) -> pd.DataFrame | pd.Series | pd.Index:
        """Return the value.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        columns : list of labels, optional
            Only these columns, in this order; only they are read.
        filters : list of tuples, optional
            Only rows for which these hold, as ``[("rate", ">", 5.0)]``, in pyarrow's words and with the names in the file.

        Raises
        ------
        ValueError
            A column asked for does not exist, or the files contradict each other.
        """
        return read(savedir, "", self._plan, columns=columns, filters=filters)


def read(savedir: str, prefix: str, plan: dict[str, Any] | None, *, columns: list[Any] | None = None, filters: Any = None) -> Any:
    """Read what :func:`write` wrote."""
    if plan is None:
        with open(os.path.join(savedir, f"{prefix}frame.json"), encoding="utf-8") as file:
            plan = json.load(file)
    labels = _Table(os.path.join(savedir, f"{prefix}labels.parquet"))
    table = _Table(os.path.join(savedir, f"{prefix}data.parquet"))
    reader = Reader(table.column, labels.single)
    if plan["kind"] != "DataFrame" and (columns is not None or filters is not None):
        raise ValueError(f"columns= and filters= are for a DataFrame; this is a {plan['kind']}. Leave them out.")
    if plan["kind"] == "Index":
        table.read([*_names(plan["index"])])
        return reader.index(plan["index"])
    if plan["kind"] == "Series":
        return _read_series(plan, table, reader)
    return _read_frame(plan, table, reader, columns, filters)


def _read_series(plan: dict[str, Any], table: _Table, reader: Reader) -> Any:
    import pandas

    from loaderdumpers._labels import unpack_label

    table.read([plan["values"]["in"], *_names(plan["index"])])
    index, values = reader.index(plan["index"]), reader.column(plan["values"])
    series = pandas.Series(values, index=index, name=unpack_label(plan["name"]), dtype=values.dtype, copy=False)
    return restore_attributes(series, plan)


def _read_frame(plan: dict[str, Any], table: _Table, reader: Reader, columns: list[Any] | None, filters: Any) -> Any:
    labels = reader.index(plan["columns"], label=True)
    places = range(len(labels)) if columns is None else _places(labels, columns)
    specs = [plan["values"][place] for place in places]
    rows = table.read([*(spec["in"] for spec in specs), *_names(plan["index"])], filters)
    index_spec = plan["index"]
    if rows is not None:
        index_spec = {name: part for name, part in index_spec.items() if name != "freq"}
    index = reader.index(index_spec)
    if rows is not None and "range" in index_spec:
        index = index.take(rows)
    frame = _assemble([reader.column(spec) for spec in specs], index, labels if columns is None else labels.take(places))
    return restore_attributes(frame, plan)


def _assemble(arrays: list[Any], index: Any, labels: Any) -> Any:
    import pandas

    if not arrays:
        return pandas.DataFrame(index=index, columns=labels)
    # An object array would be turned into text by pandas 3; a Series is taken as it is.
    kept = {n: pandas.Series(one, index=index, dtype=object, copy=False) if one.dtype == object else one for n, one in enumerate(arrays)}
    frame = pandas.DataFrame(kept, index=index, copy=len(kept) > _MANY_COLUMNS)  # many single columns make everything later slow
    frame.columns = labels
    return frame


def _places(labels: Any, wanted: list[Any]) -> Any:
    if isinstance(wanted, str):
        raise ValueError(f"columns= takes a list of labels, not a text; write columns=[{wanted!r}]")
    places = labels.get_indexer_for(list(wanted))
    if (places < 0).any():
        shown = ", ".join(repr(label) for label in list(labels[:20]))
        raise ValueError(f"the columns {list(wanted)!r} were asked for; stored are {shown}{' ...' if len(labels) > 20 else ''}")
    return places


def _names(index: dict[str, Any]) -> list[str]:
    """Return the names of the columns in which an index lies."""
    if "levels" in index:
        return [level["in"] for level in index["levels"]]
    return [index["values"]["in"]] if "values" in index else []


class _Table:
    """One Parquet file, opened when something is asked of it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._table: Any = None

    def read(self, names: list[str], filters: Any = None) -> Any:
        """Read columns; with filters, also return which rows they leave."""
        import numpy
        import pyarrow.parquet

        if not names and filters is None:
            return None
        if filters is None:
            self._table = pyarrow.parquet.read_table(self._path, columns=names, partitioning=None)
            return None
        chosen = pyarrow.parquet.filters_to_expression(filters) if isinstance(filters, list) else filters
        table = pyarrow.parquet.read_table(self._path, partitioning=None)
        table = table.append_column("\0row", pyarrow.array(numpy.arange(len(table)))).filter(chosen)
        self._table = table
        return table.column("\0row").to_numpy()

    def column(self, name: str) -> Any:
        return self._table.column(name)

    def single(self, name: str) -> Any:
        """Return the one list that stands in the column `name`."""
        import pyarrow.parquet

        if self._table is None:
            self._table = pyarrow.parquet.read_table(self._path, partitioning=None)
        return pyarrow.chunked_array([self._table.column(name).combine_chunks().flatten()])
