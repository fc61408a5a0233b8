"""Tables of pandas, polars, pyarrow and dask as one thing: names, dtypes, and elements of a column as a numpy array with its gaps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from isfdb.comparing.context import label, short

Elements = tuple[Any, Any]  # an array, and where it has gaps: a mask, or None


class Table:
    """A table, a column or an index of pandas; its relatives below are of other libraries.

    Attributes
    ----------
    names : list
        Labels of the columns, in order.
    index_names : list of str
        How the levels of the index are called in a message; empty where the library has no index.
    n_rows : int or None
        None where it is not known without computing.
    is_lazy : bool
        It is computed when it is looked into.
    is_partitioned : bool
        Its rows come in partitions of their own size.
    is_column : bool
        It is a single column, whatever its name.
    """

    is_lazy = False
    is_partitioned = False
    is_column = False

    def __init__(self, value: Any) -> None:
        is_index = type(value).__name__.endswith("Index") and not hasattr(value, "columns")
        frame = value.to_frame(index=False) if is_index else value.to_frame() if not hasattr(value, "columns") else value
        self.value = frame
        self.is_column = not is_index and frame is not value
        self.names: list[Any] = [label(name) for name in frame.columns]
        if is_index:
            self.names = [""] if frame.shape[1] == 1 else list(range(frame.shape[1]))
        elif frame is not value:
            self.names = ["" if value.name is None else label(value.name)]
        self.index_names = [] if is_index else self._index_names(frame.index)
        self.n_rows: int | None = len(frame)

    @staticmethod
    def _index_names(index: Any) -> list[str]:
        return ["index"] if index.nlevels == 1 else [f"index level {level}" for level in range(index.nlevels)]

    def where(self, name: Any) -> str:
        """Return how a column is called in a message."""
        return "values" if self.is_column or name == "" else f"[{short(name, 60)}]"

    def dtype_text(self, place: int) -> str:
        """Return the dtype of a column, or of a level of the index: -1 is the first."""
        dtype = self.value.dtypes.iloc[place] if place >= 0 else self._level(self.value, place).dtype
        text = str(dtype)
        if text != "category":
            return text
        ordered = ", ordered" if dtype.ordered else ""
        categories = [str(one) for one in dtype.categories[:4]] + ["…"] * (len(dtype.categories) > 4)
        return f"category of {len(dtype.categories)}{ordered} ({', '.join(categories)})"

    def rows(self, start: int, stop: int) -> Any:
        """Return a block of rows."""
        return self.value.iloc[start:stop]

    def partitions(self) -> Iterator[Any]:
        """Yield the rows in blocks of the library's own making."""
        yield self.value

    def elements(self, rows: Any, place: int) -> Elements:
        """Return the elements of a column, or of a level of the index, in a block of rows."""
        return _pandas_elements(rows.iloc[:, place].array if place >= 0 else self._level(rows, place).array)

    @staticmethod
    def _level(rows: Any, place: int) -> Any:
        return rows.index.get_level_values(-1 - place)

    def row_text(self, row: int) -> str:
        """Return how a row is called in a message."""
        index: Any = getattr(self.value, "index", None)
        is_counted = index is None or type(index).__name__ == "RangeIndex"
        return f"row {row:,}" if is_counted or self.is_partitioned else f"row {row:,} ({short(index[row], 60)})"


def _pandas_elements(array: Any) -> Elements:
    """Return an array of pandas as numpy has it."""
    import numpy

    dtype = array.dtype
    if isinstance(dtype, numpy.dtype):
        return numpy.asarray(array), None
    gaps = numpy.asarray(array.isna(), bool)
    name = str(dtype)
    if name == "category":
        return _categories(array), gaps
    if name.startswith("datetime64"):
        return array.tz_convert("UTC").tz_localize(None).to_numpy(), gaps
    plain = getattr(dtype, "numpy_dtype", None)
    if plain is not None and plain.kind in "iufb" and hasattr(array, "to_numpy"):
        return array.to_numpy(dtype=plain, na_value=plain.type(0)), gaps
    if name.startswith("Sparse"):
        return numpy.asarray(array), None
    return numpy.asarray(array, object), gaps


def _categories(array: Any) -> Any:
    """Return what a categorical means, element by element; anything in its gaps."""
    import numpy

    categories = _pandas_elements(array.categories.array)[0]
    if not len(categories):
        return numpy.full(len(array), None, object)
    return categories.take(array.codes, mode="clip")


class PolarsTable(Table):
    """A DataFrame, Series or LazyFrame of polars."""

    def __init__(self, value: Any) -> None:
        self.is_lazy = type(value).__name__ == "LazyFrame"
        self.is_column = type(value).__name__ == "Series"
        self.value = value.to_frame() if self.is_column else value
        schema = self.value.collect_schema()
        self.names, self._dtypes = list(schema.names()), [str(dtype) for dtype in schema.dtypes()]
        self.index_names = []
        self.n_rows = self._count()

    def _count(self) -> int:
        if not self.is_lazy:
            return int(self.value.height)
        import polars

        return int(self.value.select(polars.len()).collect().item())

    def dtype_text(self, place: int) -> str:
        """Return the dtype of a column."""
        return self._dtypes[place]

    def rows(self, start: int, stop: int) -> Any:
        """Return a block of rows."""
        rows = self.value.slice(start, stop - start)
        return rows.collect() if self.is_lazy else rows

    def elements(self, rows: Any, place: int) -> Elements:
        """Return the elements of a column."""
        return _arrow_elements(rows.to_series(place).to_arrow())

    def row_text(self, row: int) -> str:
        """Return how a row is called in a message."""
        return f"row {row:,}"


class ArrowTable(Table):
    """A Table, RecordBatch, Array or ChunkedArray of pyarrow."""

    def __init__(self, value: Any) -> None:
        import pyarrow

        self.is_column = not hasattr(value, "schema")
        self.value = pyarrow.table({"": value}) if self.is_column else value
        self.names = list(self.value.schema.names)
        self.index_names = []
        self.n_rows = int(self.value.num_rows)

    def dtype_text(self, place: int) -> str:
        """Return the type of a column."""
        return str(self.value.schema.field(place).type)

    def rows(self, start: int, stop: int) -> Any:
        """Return a block of rows."""
        return self.value.slice(start, stop - start)

    def elements(self, rows: Any, place: int) -> Elements:
        """Return the elements of a column."""
        return _arrow_elements(rows.column(place))

    def row_text(self, row: int) -> str:
        """Return how a row is called in a message."""
        return f"row {row:,}"


def _arrow_elements(column: Any) -> Elements:
    """Return a column of pyarrow as numpy has it."""
    import numpy
    import pyarrow

    types = pyarrow.types
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
        column = pyarrow.concat_arrays(column.chunks) if hasattr(column, "chunks") else column
    gaps = numpy.asarray(column.is_null())
    of = column.type
    is_plain = types.is_integer(of) or types.is_floating(of) or types.is_boolean(of) or types.is_timestamp(of) or types.is_duration(of)
    if is_plain:
        empty = pyarrow.scalar(0, pyarrow.int64()).cast(of) if not types.is_boolean(of) and not types.is_float16(of) else None
        full = column if not gaps.any() or types.is_float16(of) else column.fill_null(False if empty is None else empty)
        return full.to_numpy(zero_copy_only=False), gaps
    found = numpy.empty(len(column), object)
    found[:] = column.to_pylist()
    return found, gaps


class DaskTable(Table):
    """A DataFrame, Series or Index of dask, computed partition by partition."""

    is_lazy = True
    is_partitioned = True

    def __init__(self, value: Any) -> None:
        frame = value if hasattr(value, "columns") else value.to_frame()
        self.value = frame
        meta = frame._meta
        self._of_meta = Table(meta)
        self.names, self.index_names = list(meta.columns), self._of_meta.index_names
        self.n_rows = None

    def dtype_text(self, place: int) -> str:
        """Return the dtype of a column, or of a level of the index."""
        text = self._of_meta.dtype_text(place)
        return "category" if text.startswith("category of") else text

    def partitions(self) -> Iterator[Any]:
        """Yield the partitions, each computed when its turn comes."""
        for number in range(self.value.npartitions):
            yield self.value.partitions[number].compute()

    def row_text(self, row: int) -> str:
        """Return how a row is called in a message."""
        return f"row {row:,}"


def table_of(value: Any) -> Table | None:
    """Return a value of one of these libraries as a table; None where it is none."""
    of = type(value)
    library, name = of.__module__.partition(".")[0], of.__name__
    if library == "pandas" and (name in ("DataFrame", "Series") or name.endswith("Index")):
        return Table(value)
    if library == "polars" and name in ("DataFrame", "Series", "LazyFrame"):
        return PolarsTable(value)
    if library == "pyarrow" and (name in ("Table", "RecordBatch", "ChunkedArray") or name.endswith("Array")):
        return ArrowTable(value)
    if library in ("dask", "dask_expr") and name in ("DataFrame", "Series", "Index"):
        return DaskTable(value)
    return None
