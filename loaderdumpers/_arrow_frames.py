"""Turns a DataFrame, Series or Index into Arrow columns plus a JSON-ready plan, and back. Opens no files.

The plan says what the columns cannot: labels that are not text or not unique, the kind of index, categories in their order,
frequencies, flags. Labels and categories are few and short, or they go to a second, one-row table as lists; so do the positions and
values of sparse columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from isfdb.memory import require
from loaderdumpers._arrow_columns import (
    NUMBERS,
    Own,
    array_of,
    describe_column,
    describe_dtype,
    from_arrow,
    is_missing,
    own_copy,
    to_arrow,
    view_of,
)
from loaderdumpers._labels import NotExactError, pack_label, unpack_label

_INDEX_KINDS: Final = frozenset({"Index", "DatetimeIndex", "TimedeltaIndex", "PeriodIndex", "IntervalIndex", "CategoricalIndex"})
#: Label arrays of these Arrow types stand in JSON as long as they are short.
_INLINE_TYPES: Final = frozenset("bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 string large_string".split())
_INLINE_CHARACTERS: Final = 1000


class Writer:
    """Collects the Arrow columns of one value while its plan is made.

    Parameters
    ----------
    convert : bool
        False: only make the plan, to learn whether the value is kept exactly; pyarrow is not needed.

    Attributes
    ----------
    columns, labels : dict
        Arrow arrays by name.
    sources : list of (str, numpy.ndarray)
        The memory that was read, which must not change before all is written.
    """

    def __init__(self, *, convert: bool = True) -> None:
        self._convert = convert
        self.columns: dict[str, Any] = {}
        self.labels: dict[str, Any] = {}
        self.sources: list[tuple[str, Any]] = []
        self._sparse: dict[str, _Pool] = {}

    def plan(self, value: Any) -> dict[str, Any]:
        """Return the plan of a DataFrame, Series or Index, without its ``attrs``.

        Raises
        ------
        NotExactError
            Something would not come back as it is.
        """
        import pandas

        if isinstance(value, pandas.Index):
            return {"kind": "Index", "rows": len(value), "index": self._index(value, "index")}
        facts: dict[str, Any] = {"kind": type(value).__name__, "rows": len(value)}
        if not value.flags.allows_duplicate_labels:
            facts["unique_labels"] = True
        if isinstance(value, pandas.Series):
            facts["name"] = pack_label(value.name)
            facts["values"] = self._column(array_of(value), "values")
        else:
            facts["columns"] = self._index(value.columns, "column labels", label=True)
            facts["values"] = self._frame_columns(value)
        facts["index"] = self._index(value.index, "index")
        for name, pool in self._sparse.items():
            self.labels |= pool.lists(name)
        return facts

    def _frame_columns(self, frame: Any) -> list[Any]:
        if not self._convert:
            self._check_columns(frame)
            return []
        names = [f"c{place}" for place in range(len(frame.columns))]
        if frame.columns.nlevels == 1 and frame.columns.is_unique and all(_may_be_name(label) for label in frame.columns):
            names = list(frame.columns)
        return [self._column(array_of(frame.iloc[:, place]), name) for place, name in enumerate(names)]

    def _check_columns(self, frame: Any) -> None:
        """Look at values only where the dtype does not tell everything."""
        known: dict[Any, bool] = {}
        for place, dtype in enumerate(frame.dtypes):
            is_known = known.get(dtype)
            if is_known is None:
                is_known = known[dtype] = str(dtype) != "category" and "Sparse" not in str(dtype) and _tells_all(describe_dtype(dtype))
            if not is_known or (getattr(dtype, "metadata", None) is not None):
                self._column(array_of(frame.iloc[:, place]), str(place))

    def _column(self, values: Any, name: str, *, label: bool = False) -> dict[str, Any]:
        kind = type(values).__name__
        if kind == "Categorical":
            return self._categories(values.codes, values.categories, name, label) | {"ordered": bool(values.ordered)}
        if kind == "SparseArray":
            return self._sparse_column(values)
        spec = describe_column(values)
        self._note_source(values, name)
        return {**spec, **self._put(name, label, lambda: to_arrow(values, spec))}

    def _note_source(self, values: Any, name: str) -> None:
        import numpy

        if isinstance(values, numpy.ndarray):
            self.sources.append((name, values))
        elif hasattr(values, "asi8"):
            self.sources.append((name, values.asi8))

    def _categories(self, codes: Any, categories: Any, name: str, label: bool) -> dict[str, Any]:
        spec = {"categories": self._index(categories, f"categories of {name}", label=True)}
        self._note_source(codes, name)
        return {**spec, **self._put(name, label, lambda: _codes_to_arrow(codes, categories, spec["categories"]))}

    def _sparse_column(self, values: Any) -> dict[str, Any]:
        dtype = values.dtype.subtype
        if dtype.str[1:] not in NUMBERS or not dtype.isnative or values.kind not in ("integer", "block"):
            raise NotExactError(f"a sparse column of {values.dtype} is not kept exactly; use astype, or to_cloudpickle")
        if not values.sp_index.equals(_sparse_index(values.kind, len(values), values.sp_index.indices)):
            raise NotExactError("a sparse column has an index of blocks that could be joined; make it anew, or use to_cloudpickle")
        spec = {"sparse": dtype.str, "fill": pack_label(values.fill_value), "kind": values.kind}
        pool = self._sparse.setdefault(dtype.str, _Pool())
        return {**spec, "part": pool.add(values.sp_index.indices, values.sp_values)} if self._convert else spec

    def _put(self, name: str, label: bool, make: Callable[[], Any]) -> dict[str, Any]:
        if not self._convert:
            return {}
        array = make()
        if not label:
            self.columns[name] = array
            return {"in": name}
        if str(array.type) in _INLINE_TYPES and len(array) <= _INLINE_CHARACTERS:
            texts = array.to_pylist()
            if len(json.dumps(texts)) <= _INLINE_CHARACTERS:
                return {"here": texts, "as": str(array.type)}
        place = f"l{len(self.labels)}"
        self.labels[place] = array
        return {"in": place}

    def _index(self, index: Any, name: str, *, label: bool = False) -> dict[str, Any]:
        import pandas

        if type(index) is pandas.RangeIndex:
            return {"range": [index.start, index.stop, index.step], "name": pack_label(index.name)}
        if type(index) is pandas.MultiIndex:
            levels = [
                self._categories(codes, level, f"{name} {place}", label)
                for place, (codes, level) in enumerate(zip(index.codes, index.levels, strict=True))
            ]
            order = {} if index.sortorder is None else {"sortorder": int(index.sortorder)}
            return {"levels": levels, "names": [pack_label(part) for part in index.names], **order}
        if type(index).__name__ not in _INDEX_KINDS or type(index).__module__.partition(".")[0] != "pandas":
            raise NotExactError(f"an index of type {type(index).__qualname__} is not kept exactly; convert it, or use to_cloudpickle")
        return self._plain_index(index, name, label)

    def _plain_index(self, index: Any, name: str, label: bool) -> dict[str, Any]:
        from loaderdumpers._offsets import pack_offset

        if type(index.array).__name__ == "SparseArray":  # the pool of sparse values is for columns, whose length the plan knows
            raise NotExactError(f"the {name} is sparse, which is not kept; make it dense, as pandas.Index(index.to_numpy())")
        facts: dict[str, Any] = {"name": pack_label(index.name)}
        freq = getattr(index, "freq", None) if type(index).__name__ in ("DatetimeIndex", "TimedeltaIndex") else None
        if freq is not None:
            facts["freq"] = pack_offset(freq)
        if label and index.dtype == object and not all(type(part) is str for part in index):
            try:
                return {**facts, "labels": [pack_label(part) for part in index]}  # names of several types
            except NotExactError:
                pass  # cells keep more types than labels do
        return {**facts, "values": self._column(array_of(index), name, label=label)}


def _tells_all(spec: dict[str, Any] | None) -> bool:
    return spec is not None and spec.get("string") != "python" and "interval" not in spec


def _may_be_name(label: Any) -> bool:
    return type(label) is str and 0 < len(label) <= 500 and "\0" not in label and not label.startswith("index")


def _codes_to_arrow(codes: Any, categories: Any, spec: dict[str, Any]) -> Any:
    """Text categories are written as text, which any reader shows; other categories as their place among them."""
    import pyarrow

    places = pyarrow.array(codes, mask=codes == -1)
    values = spec.get("values", {})
    if is_text(values) and values.get("missing") != "None":
        words = to_arrow(array_of(categories), values)
        if words.null_count == 0:
            return pyarrow.DictionaryArray.from_arrays(places, words)
    return places


def is_text(spec: dict[str, Any]) -> bool:
    """Say whether a column of this spec holds text, as text."""
    return "string" in spec or spec.get("object") == "text"


class _Pool:
    """The positions and values of all sparse columns of one dtype, one column after the other."""

    def __init__(self) -> None:
        self._positions: list[Any] = []
        self._values: list[Any] = []
        self._size = 0

    def add(self, positions: Any, values: Any) -> list[int]:
        """Take the parts of one column; return where they begin and end."""
        self._positions.append(positions)
        self._values.append(values)
        start, self._size = self._size, self._size + len(values)
        return [start, self._size]

    def lists(self, name: str) -> dict[str, Any]:
        """Return the two label arrays."""
        import numpy

        if not self._values:
            return {}
        positions = to_arrow(numpy.concatenate(self._positions), {"numpy": "<i4"})
        return {f"positions {name}": positions, f"values {name}": to_arrow(numpy.concatenate(self._values), {"numpy": name})}


def _sparse_index(kind: str, length: int, positions: Any) -> Any:
    from pandas._libs.sparse import IntIndex  # pandas offers no other way from positions to a SparseArray

    index = IntIndex(length, positions, check_integrity=True)
    return index if kind == "integer" else index.to_block_index()


def _sparse_array(values: Any, positions: Any, length: int, spec: dict[str, Any]) -> Any:
    import pandas

    fill = unpack_label(spec["fill"])
    make = getattr(pandas.arrays.SparseArray, "from_indices", None)
    if make is not None:
        return make(values, positions, length, fill_value=fill, kind=spec["kind"])
    index = _sparse_index(spec["kind"], length, positions)  # pandas before 3.1
    return pandas.arrays.SparseArray(values, sparse_index=index, dtype=pandas.SparseDtype(values.dtype, fill))


class Reader:
    """Makes values again from a plan and Arrow tables.

    Parameters
    ----------
    column : callable
        Given the spec of a column, return that column of the table of values, as a ``pyarrow.ChunkedArray`` of the rows in question.
    label : callable
        Given a name, return that array of labels.
    rows : slice or numpy.ndarray, optional
        Which rows are in question. Default: all.
    own : callable
        Given a numpy view of a column's memory, return what the user gets.
    """

    def __init__(self, column: Callable[[dict[str, Any]], Any], label: Callable[[str], Any], rows: Any = None, own: Own = own_copy) -> None:
        self._get_column, self._get_label, self._rows, self._own = column, label, rows, own

    def column(self, spec: dict[str, Any], *, label: bool = False, length: int = 0) -> Any:
        """Return the values that `spec` describes; a sparse column needs to know how many rows were stored."""
        if "sparse" in spec:
            return self._sparse_column(spec, length)
        stored = self._stored(spec, label)
        if "categories" not in spec:
            return from_arrow(stored, spec, own_copy if label else self._own)
        import pandas

        categories = self.index(spec["categories"], label=True)
        require(8 * len(categories), f"a column of {len(categories):,} categories")  # a range takes none until it is looked at
        dtype = pandas.CategoricalDtype(categories, ordered=spec["ordered"])
        return pandas.Categorical.from_codes(_codes_from_arrow(stored, categories, own_copy if label else self._own), dtype=dtype)

    def _sparse_column(self, spec: dict[str, Any], length: int) -> Any:
        name, (start, stop) = spec["sparse"], spec["part"]
        positions, values = (self._get_label(f"{part} {name}") for part in ("positions", "values"))
        if not 0 <= start <= stop <= min(len(positions), len(values)):
            raise ValueError(f"a sparse column has the entries {start} to {stop} of {len(values)}; one of the files was changed")
        places = view_of(positions.slice(start, stop - start), "<i4")[0]
        array = _sparse_array(from_arrow(values.slice(start, stop - start), {"numpy": name}), places, length, spec)
        return array if self._rows is None else array[self._rows] if isinstance(self._rows, slice) else array.take(self._rows)

    def _stored(self, spec: dict[str, Any], label: bool) -> Any:
        import pyarrow

        if "here" in spec:
            return pyarrow.chunked_array([pyarrow.array(spec["here"], pyarrow.type_for_alias(spec["as"]))])
        return self._get_label(spec["in"]) if label else self._get_column(spec)

    def index(self, spec: dict[str, Any], *, label: bool = False) -> Any:
        """Return the index that `spec` describes."""
        import pandas

        if "range" in spec:
            index = pandas.RangeIndex(*spec["range"], name=unpack_label(spec["name"]))
            rows = None if label else self._rows
            return index if rows is None else index[rows] if isinstance(rows, slice) else index.take(rows)
        if "levels" in spec:
            return self._multi_index(spec, label)
        name = unpack_label(spec["name"])
        if "labels" in spec:
            return pandas.Index(_objects([unpack_label(part) for part in spec["labels"]]), dtype=object, name=name, tupleize_cols=False)
        values = self.column(spec["values"], label=label)
        index = pandas.Index(values, dtype=values.dtype, name=name, copy=False, tupleize_cols=False)
        if spec.get("freq") and (label or self._rows is None or isinstance(self._rows, slice)):
            from loaderdumpers._offsets import unpack_offset

            index.freq = unpack_offset(spec["freq"])  # type: ignore[attr-defined]
        return index

    def _multi_index(self, spec: dict[str, Any], label: bool) -> Any:
        import pandas

        levels = [self.index(level["categories"], label=True) for level in spec["levels"]]
        stored = [self._stored(level, label) for level in spec["levels"]]
        codes = [_codes_from_arrow(one, level) for one, level in zip(stored, levels, strict=True)]
        sortorder = spec.get("sortorder") if label or self._rows is None or isinstance(self._rows, slice) else None
        return pandas.MultiIndex(levels, codes, names=[unpack_label(part) for part in spec["names"]], sortorder=sortorder)


def _objects(values: list[Any]) -> Any:
    import numpy

    array = numpy.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def _codes_from_arrow(stored: Any, categories: Any, own: Own = own_copy) -> Any:
    import numpy
    import pyarrow

    pieces = [numpy.empty(0, "int8")]
    for chunk in stored.chunks:
        is_text = pyarrow.types.is_dictionary(chunk.type)
        codes = chunk.indices if is_text else chunk
        codes, array = view_of(pyarrow.chunked_array([codes]), str(codes.type.to_pandas_dtype()().dtype), own)
        if array.null_count:
            codes = own_copy(codes)
            codes[is_missing(array)] = -1
        pieces.append(_translated(codes, chunk.dictionary, categories) if is_text else codes)
    return pieces[1] if len(pieces) == 2 else numpy.concatenate(pieces)


def _translated(codes: Any, words: Any, categories: Any) -> Any:
    """Return places among the categories for places among the words of a piece."""
    import numpy

    places = categories.get_indexer(words.to_pylist())
    if (places < 0).any():
        raise ValueError("the file has a category that was not stored; one of the files was changed")
    if numpy.array_equal(places, numpy.arange(len(places))):
        return codes
    return numpy.append(places, -1)[codes]  # code -1 finds the -1 at the end
