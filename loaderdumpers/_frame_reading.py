"""Reads a DataFrame, Series or Index from stored Arrow columns: whole, some columns, some rows, rows that pass filters.

What is common to Parquet and Arrow files; the files themselves are a :class:`Files`, of which each format has its own.
"""

from __future__ import annotations

import operator
from typing import Any, Protocol

from loaderdumpers._arrow_frames import Reader
from loaderdumpers._labels import unpack_label

_MANY_COLUMNS = 64


class Files(Protocol):
    """The stored columns and labels of one value.

    Attributes
    ----------
    where : str
        Name of the file with the columns, for messages.
    """

    where: str

    def own(self, view: Any, /) -> Any:
        """Return what the user gets, given a numpy view of a column's memory."""
        ...

    def table(self, specs: list[dict[str, Any]], start: int, stop: int) -> Any:
        """Return a ``pyarrow.Table`` with the columns of these specs, rows `start` to `stop`."""
        ...

    def rows(self, specs: list[dict[str, Any]], places: Any) -> Any:
        """Return a ``pyarrow.Table`` with the columns of these specs and the rows at `places`, which ascend."""
        ...

    def label(self, name: str) -> Any:
        """Return an array of labels as a ``pyarrow.ChunkedArray``."""
        ...

    def may_match(self, expression: Any) -> list[tuple[int, int]] | None:
        """Return the windows of rows in which a filter may hold; None where nothing is known about it."""
        ...

    def chunks(self) -> list[tuple[int, int]]:
        """Return the windows of rows that a lazy frame reads at once."""
        ...


def read_with_options(
    plan: dict[str, Any], files: Files, module: str, savedir: str, *, parts: list[dict[str, Any]] | None, lazy: bool, **options: Any
) -> Any:
    """Return the value, with its attributes, or a dask frame that reads it; `options` are those of :func:`read_value`."""
    from loaderdumpers._attributes import unpack_attributes

    if not lazy:
        attrs = unpack_attributes(plan["attrs"], parts or [], savedir) if "attrs" in plan else None
        return read_value(plan, files, attrs=attrs, **options)
    if options["filters"] is not None or options["select"] is not None:
        raise ValueError("lazy=True reads by itself only what is used; choose rows with dask's own means, as frame[frame['rate'] > 5]")
    from loaderdumpers._frame_lazy import lazy_value

    return lazy_value(plan, files.chunks(), module, savedir, parts, options["columns"])


def read_value(
    plan: dict[str, Any], files: Files, *, columns: list[Any] | None = None, filters: Any = None, select: Any = None, attrs: Any = None
) -> Any:
    """Return the value, or the part of it that the options name.

    Parameters
    ----------
    plan : dict
        What the value is.
    files : Files
        Where its columns are.
    columns, filters, select
        As in ``pandas_to_parquet``.
    attrs : dict, optional
        Its attributes.

    Raises
    ------
    ValueError
        The options do not fit the value, or the files contradict each other.
    """
    is_frame = plan["kind"] == "DataFrame"
    if not is_frame and (columns is not None or filters is not None):
        raise ValueError(f"columns= and filters= are for a DataFrame; this is a {plan['kind']}. Use select=, or leave them out.")
    if select is not None and filters is not None:
        raise ValueError("select= counts rows and filters= compares values; use one of them, then choose among what it gives")
    window = _Window(select, plan["rows"])
    try:
        if not is_frame:
            return window.rest(_with_attributes(_read_one(plan, files, window), plan, attrs))
        labels = _labels_of(plan, files)
        places, rest = _columns_of(labels, columns, window)
        return window.rest(_with_attributes(_read_frame(plan, files, labels, places, filters, window), plan, attrs), rest)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(
            f"the plan of this {plan['kind']} does not fit {files.where} ({type(error).__name__}: {error}); one of the files was changed"
        ) from error


class _Window:
    """The rows from `start` to `stop`, which contain all that is selected, and what is left to select within them."""

    def __init__(self, select: Any, length: int) -> None:
        select = select if isinstance(select, tuple) else (select,)
        if len(select) > 2:
            raise ValueError(f"select= takes rows, or rows and columns, as numpy.s_[10:20, 3]; this has {len(select)} parts")
        self.columns: Any = select[1] if len(select) == 2 else None
        self.is_whole = select[0] is None or select[0] is Ellipsis
        self._rest: Any = None
        self.start, self.stop = (0, length) if self.is_whole else self._narrow(select[0], length)

    def _narrow(self, rows: Any, length: int) -> tuple[int, int]:
        import numpy

        if isinstance(rows, slice):
            chosen = range(length)[rows]
            if not chosen:
                self._rest = slice(None, None, chosen.step)
                start = max(0, min(chosen.start, length))
                return start, start
            self._rest = slice(None, None, chosen.step)
            return min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1]) + 1
        if hasattr(rows, "__index__") and not isinstance(rows, (bool, list, numpy.ndarray)):
            place = _inside(operator.index(rows), length, "row")
            self._rest = 0
            return place, place + 1
        places = numpy.asarray(rows)
        if places.dtype == bool:
            if places.shape != (length,):
                raise ValueError(f"select= has a mask of shape {places.shape} for {length} rows")
            places = numpy.flatnonzero(places)
        elif places.ndim != 1 or (places.dtype.kind not in "iu" and len(places)):
            raise ValueError(f"select= takes positions: a slice, an integer, a list of integers or a mask, not {rows!r:.80}")
        places = numpy.array([_inside(int(place), length, "row") for place in places], dtype="int64")
        start, stop = (int(places.min()), int(places.max()) + 1) if len(places) else (0, 0)
        self._rest = places - start
        return start, stop

    def rest(self, value: Any, columns: Any = None) -> Any:
        """Return what is selected of the value that holds the window."""
        rows = slice(None) if self._rest is None else self._rest
        if isinstance(rows, slice) and rows.step in (None, 1) and columns is None:
            return value
        if not hasattr(value, "iloc"):
            return value[rows]
        return value.iloc[rows] if columns is None else value.iloc[rows, columns]


def _inside(place: int, length: int, what: str) -> int:
    if not -length <= place < length:
        raise ValueError(f"select= names {what} {place}, and there are {length}")
    return place % length


def _read_one(plan: dict[str, Any], files: Files, window: _Window) -> Any:
    """Return the window of a Series or Index."""
    import pandas

    if window.columns is not None:
        raise ValueError(f"select= names columns, and this is a {plan['kind']}; name only rows")
    specs = [*index_specs(plan["index"]), *([plan["values"]] if plan["kind"] == "Series" else [])]
    reader = _reader(files, files.table(_stored(specs), window.start, window.stop), _rows_of(window))
    if plan["kind"] == "Index":
        return reader.index(plan["index"])
    index, values = reader.index(plan["index"]), reader.column(plan["values"], length=plan["rows"])
    return pandas.Series(values, index=index, name=unpack_label(plan["name"]), dtype=values.dtype, copy=False)


def _with_attributes(value: Any, plan: dict[str, Any], attrs: Any) -> Any:
    if attrs:
        value.attrs = attrs
    if plan.get("unique_labels"):
        value.flags.allows_duplicate_labels = False
    return value


def _rows_of(window: _Window) -> slice | None:
    return None if window.is_whole else slice(window.start, window.stop)


def _reader(files: Files, table: Any, rows: Any) -> Reader:
    places = {} if table is None else {name: place for place, name in enumerate(table.column_names)}

    def column(spec: dict[str, Any]) -> Any:
        if spec["in"] not in places:
            raise ValueError(f"{files.where} has no column {spec['in']!r}; one of the files was changed")
        return table.column(places[spec["in"]])

    return Reader(column, files.label, rows, files.own)


def _stored(specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({spec["in"]: spec for spec in specs if "in" in spec}.values())


def index_specs(index: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the specs of the columns in which an index lies."""
    return list(index["levels"]) if "levels" in index else [index["values"]] if "values" in index else []


def _read_frame(plan: dict[str, Any], files: Files, labels: Any, places: Any, filters: Any, window: _Window) -> Any:
    specs = [plan["values"][place] for place in places]
    needed = _stored([*specs, *index_specs(plan["index"])])
    if filters is not None:
        from loaderdumpers._frame_filters import matching_rows

        rows = matching_rows(plan, labels, files, filters)
        reader = _reader(files, files.rows(needed, rows), rows)
    else:
        reader = _reader(files, files.table(needed, window.start, window.stop), _rows_of(window))
    index = reader.index(plan["index"])
    n_rows = window.stop - window.start if filters is None else len(rows)
    if len(index) != n_rows:
        raise ValueError(f"the index has {len(index)} labels for {n_rows} rows; one of the files was changed")
    arrays = [reader.column(spec, length=plan["rows"]) for spec in specs]
    for place in _repeated(places):
        arrays[place] = arrays[place].copy()  # two columns must not share memory
    return _assemble(arrays, index, labels[_as_slice(places)] if isinstance(places, range) else labels.take(places))


def _as_slice(places: range) -> slice:
    """Return the slice that gives these places: of a range, it leaves a range."""
    return slice(places.start, places.stop if places.stop >= 0 else None, places.step) if places else slice(0, 0)


def _repeated(places: Any) -> list[int]:
    """Return where a column stands that stood before."""
    if isinstance(places, range):
        return []
    seen: set[int] = set()
    return [n for n, place in enumerate(places) if place in seen or seen.add(int(place))]  # type: ignore[func-returns-value]


def _labels_of(plan: dict[str, Any], files: Files) -> Any:
    labels = Reader(_no_column, files.label).index(plan["columns"], label=True)
    if len(labels) != len(plan["values"]):
        raise ValueError(f"{len(labels)} column labels are stored for {len(plan['values'])} columns; one of the files was changed")
    return labels


def _no_column(spec: dict[str, Any]) -> Any:
    raise ValueError(f"labels are said to lie in the column {spec.get('in')!r}; one of the files was changed")


def _columns_of(labels: Any, columns: list[Any] | None, window: _Window) -> tuple[Any, Any]:
    """Return the places of the columns to read, and what is left to select among them."""
    import numpy

    if window.columns is None or window.columns is Ellipsis:
        return (range(len(labels)) if columns is None else find_columns(labels, columns)), None
    if columns is not None:
        raise ValueError("both columns= and select= name columns; use one of them")
    wanted = window.columns
    if hasattr(wanted, "__index__") and not isinstance(wanted, (bool, numpy.ndarray)):
        return [_inside(operator.index(wanted), len(labels), "column")], 0
    if isinstance(wanted, slice):
        return range(len(labels))[wanted], None
    places = numpy.asarray(wanted)
    if places.dtype == bool and places.shape == (len(labels),):
        return numpy.flatnonzero(places), None
    if places.ndim != 1 or (places.dtype.kind not in "iu" and len(places)):
        raise ValueError(f"select= takes positions of columns, not {wanted!r:.80}; columns= takes labels")
    return [_inside(int(place), len(labels), "column") for place in places], None


def find_columns(labels: Any, wanted: list[Any]) -> Any:
    """Return the places of columns.

    Raises
    ------
    ValueError
        One does not exist; those that do are named.
    """
    import numpy

    if isinstance(wanted, str):
        raise ValueError(f"columns= takes a list of labels, not a text; write columns=[{wanted!r}]")
    known = dict(zip(labels.tolist(), range(len(labels)), strict=True)) if set(map(type, wanted)) == {str} and labels.is_unique else {}
    places = numpy.array([known.get(label, -1) for label in wanted]) if known else labels.get_indexer_for(list(wanted))
    if (places < 0).any():
        shown = ", ".join(repr(label) for label in list(labels[:20]))
        raise ValueError(f"the columns {list(wanted)!r} were asked for; stored are {shown}{' ...' if len(labels) > 20 else ''}")
    return places


def _assemble(arrays: list[Any], index: Any, labels: Any) -> Any:
    import pandas

    if not arrays:
        return pandas.DataFrame(index=index, columns=labels)
    # An object array would be turned into text by pandas 3; a Series is taken as it is.
    kept = {n: pandas.Series(one, index=index, dtype=object, copy=False) if one.dtype == object else one for n, one in enumerate(arrays)}
    frame = pandas.DataFrame(kept, index=index, copy=len(kept) > _MANY_COLUMNS)  # many single columns make everything later slow
    frame.columns = labels
    return frame
