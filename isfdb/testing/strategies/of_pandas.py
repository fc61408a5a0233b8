"""Hypothesis strategies for frames and series of pandas: columns of many dtypes, labels, indexes. Needs pyarrow for some columns."""

from __future__ import annotations

import datetime
from functools import cache
from typing import Any

from hypothesis import strategies as st

from isfdb.testing.strategies.of_python import TEXTS, plain_values

_LABELS = st.one_of(TEXTS, st.integers(-5, 5), st.floats(allow_nan=False), st.none(), st.tuples(TEXTS, st.integers(0, 3)))


@cache
def cells() -> st.SearchStrategy[Any]:
    """Return what one finds in columns of mixed objects: plain values, dates, exact numbers, containers, small arrays."""
    import numpy
    import pandas
    from hypothesis.extra import numpy as hnp

    moments = st.datetimes(timezones=st.none() | st.just(datetime.UTC))
    exact = st.one_of(st.decimals(allow_nan=False), st.fractions(), st.uuids(), st.binary(max_size=4), st.complex_numbers(allow_nan=False))
    times = st.one_of(moments, st.dates(), st.timedeltas())
    pandas_own = st.sampled_from(
        [pandas.NA, pandas.NaT, pandas.Timestamp("2020", tz="UTC"), pandas.Period("2020", "M"), pandas.Interval(0, 1)]
    )
    small = hnp.arrays(st.sampled_from([numpy.dtype(code) for code in ("f8", "i2", "?", "U2")]), hnp.array_shapes(max_dims=2, max_side=3))
    leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, exact, times, pandas_own, small)
    return leaves | st.lists(leaves, max_size=3) | st.dictionaries(TEXTS, leaves, max_size=2) | st.tuples(TEXTS, leaves)


def _objects(members: list[Any]) -> Any:
    import numpy
    import pandas

    values = numpy.empty(len(members), dtype=object)
    for place, member in enumerate(members):
        values[place] = member
    return pandas.Series(values, dtype=object)


@cache
def _arrow_columns(rows: int) -> st.SearchStrategy[Any]:
    """Return Series of Arrow's own types, nested ones included."""
    import pandas
    import pyarrow

    leaves: dict[Any, st.SearchStrategy[Any]] = {
        pyarrow.int16(): st.integers(-99, 99),
        pyarrow.float32(): st.floats(width=32, allow_nan=False),
        pyarrow.large_string(): TEXTS,
        pyarrow.binary(): st.binary(max_size=4),
        pyarrow.date32(): st.dates(),
        pyarrow.timestamp("us"): st.datetimes(),
        pyarrow.timestamp("s"): st.datetimes().map(lambda moment: moment.replace(microsecond=0)),
        pyarrow.duration("us"): st.timedeltas(datetime.timedelta(-999), datetime.timedelta(999)),
        pyarrow.decimal128(20, 3): st.decimals(-999, 999, places=3),
        pyarrow.dictionary(pyarrow.int8(), pyarrow.string()): TEXTS,
    }

    def column(kind: Any, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(values | st.none(), min_size=rows, max_size=rows).map(
            lambda members: pandas.Series(pandas.arrays.ArrowExtensionArray(pyarrow.chunked_array([pyarrow.array(members, kind)])))
        )

    def nested(kind: Any) -> st.SearchStrategy[Any]:
        values = leaves[kind]
        return st.one_of(
            column(kind, values),
            column(pyarrow.list_(kind), st.lists(values | st.none(), max_size=3)),
            column(pyarrow.struct([("a", kind), ("b", pyarrow.int8())]), st.fixed_dictionaries({"a": values, "b": st.integers(0, 9)})),
        )

    return st.sampled_from(list(leaves)).flatmap(nested)


@cache
def _sparse_columns(rows: int) -> st.SearchStrategy[Any]:
    import numpy
    import pandas
    from hypothesis.extra import numpy as hnp

    kinds = st.tuples(st.sampled_from("f8 i4 u1 ? f4".split()), st.sampled_from(["integer", "block"]), st.booleans())

    def column(given: tuple[str, str, bool]) -> st.SearchStrategy[Any]:
        dtype, kind, default = numpy.dtype(given[0]), given[1], given[2]
        values = hnp.arrays(dtype, rows, elements=st.sampled_from([0, 1]))
        fill = {} if default else {"fill_value": dtype.type(1)}
        return values.map(lambda array: pandas.Series(pandas.arrays.SparseArray(array, kind=kind, **fill)))

    return kinds.flatmap(column)


@cache
def _columns(rows: int) -> st.SearchStrategy[Any]:
    """Return pandas Series of `rows` values of one of many dtypes."""
    import numpy
    import pandas
    from hypothesis.extra import numpy as hnp

    def of(dtype: Any, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(values, min_size=rows, max_size=rows).map(lambda members: pandas.Series(members, dtype=dtype))

    def alike(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(values, min_size=rows, max_size=rows).map(_objects)

    # No ">f8": pandas itself fails to take rows of several such columns.
    codes = "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16 M8[s] M8[ms] M8[us] M8[ns] m8[s] m8[ns]".split()
    plain = st.sampled_from(codes).flatmap(lambda code: hnp.arrays(numpy.dtype(code), rows)).map(pandas.Series)
    times = hnp.arrays("M8[us]", rows, elements=st.integers(0, 2**50).map(lambda count: numpy.datetime64(count, "us"))).map(pandas.Series)
    zones = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"])
    choices: st.SearchStrategy[list[Any]] = st.sampled_from([["b", "a", "c"], [3, 1, 2], [0.5, -0.5]])
    categories = st.tuples(choices, st.booleans()).flatmap(
        lambda given: of(pandas.CategoricalDtype(given[0], ordered=given[1]), st.sampled_from([*given[0], None]))
    )
    frequencies = st.sampled_from(["D", "M", "Q-DEC", "2h"])
    periods = st.tuples(frequencies, st.integers(0, 500)).flatmap(
        lambda given: of(f"period[{given[0]}]", st.sampled_from([pandas.Period(ordinal=given[1], freq=given[0]), pandas.NaT]))
    )
    intervals = st.sampled_from(["left", "right", "both", "neither"]).flatmap(
        lambda closed: st.lists(st.integers(-9, 9), min_size=rows, max_size=rows).map(
            lambda lefts: pandas.Series(pandas.arrays.IntervalArray.from_arrays(lefts, [left + 2 for left in lefts], closed=closed))
        )
    )
    spikes = hnp.arrays(numpy.dtype("f8"), st.integers(0, 4))
    return st.one_of(
        plain,
        st.tuples(times, zones).map(lambda pair: pair[0].dt.tz_localize("UTC").dt.tz_convert(pair[1])),
        categories,
        of(object, TEXTS | st.none()),
        of("str", TEXTS | st.none()),
        of("string", TEXTS | st.none()),
        of("Int16", st.integers(-99, 99) | st.none()),
        of("boolean", st.booleans() | st.none()),
        periods,
        intervals,
        _sparse_columns(rows),
        _arrow_columns(rows),
        alike(cells()),
        alike(spikes | st.none()),
        st.sampled_from([st.booleans(), st.integers(), st.dates(), st.datetimes(), st.decimals(allow_nan=False)]).flatmap(
            lambda values: alike(values | st.none())
        ),
    )


@cache
def _indexes(rows: int) -> st.SearchStrategy[Any]:
    import numpy
    import pandas
    from hypothesis.extra import numpy as hnp

    ranges = st.tuples(st.integers(-9, 9), st.sampled_from([1, 2, -3]), _LABELS).map(
        lambda given: pandas.RangeIndex(given[0], given[0] + rows * given[1], given[1], name=given[2])
    )
    offsets = st.sampled_from(
        ["D", "h", "MS", "W-MON", "QE-DEC", "2B", "7min", pandas.DateOffset(months=1, days=1), pandas.offsets.BusinessHour()]
    )
    days = offsets.map(lambda freq: pandas.date_range("2020-01-01", periods=rows, freq=freq))
    zoned = st.sampled_from(["UTC", "Europe/Berlin"]).map(lambda zone: pandas.date_range("2020-10-24", periods=rows, freq="12h", tz=zone))
    lasting = st.sampled_from(["D", "3s"]).map(lambda freq: pandas.timedelta_range("1h", periods=rows, freq=freq, name="for"))
    texts = st.lists(TEXTS, min_size=rows, max_size=rows).map(lambda labels: pandas.Index(labels, dtype="str"))
    numbers = st.sampled_from(["i8", "f8", "u1", "?"]).flatmap(lambda code: hnp.arrays(numpy.dtype(code), rows)).map(pandas.Index)
    mixed = st.lists(_LABELS, min_size=rows, max_size=rows).map(lambda labels: pandas.Index(_objects(labels), tupleize_cols=False))
    kinds = st.sampled_from(
        [
            pandas.period_range("2020", periods=rows, freq="M"),
            pandas.interval_range(0, rows, periods=rows) if rows else pandas.IntervalIndex([]),
            pandas.CategoricalIndex(["b"] * rows, categories=["c", "b"], ordered=True, name=("a", 1)),
        ]
    )
    return st.one_of(ranges, days, zoned, lasting, texts, numbers, mixed, kinds, _multi_indexes(rows))


@cache
def _multi_indexes(rows: int) -> st.SearchStrategy[Any]:
    import pandas

    pairs = st.lists(st.tuples(TEXTS, st.integers(0, 2)), min_size=rows, max_size=rows)
    days = pandas.date_range("2020", periods=3)
    levels = st.sampled_from([lambda number: number, lambda number: days[number], lambda number: None if number else 1.5])
    return st.tuples(pairs, levels, _LABELS).map(
        lambda given: pandas.MultiIndex.from_arrays([[a for a, _ in given[0]], [given[1](b) for _, b in given[0]]], names=["x", given[2]])
    )


@cache
def _column_labels(width: int) -> st.SearchStrategy[Any]:
    import pandas

    def flat(labels: list[Any]) -> st.SearchStrategy[Any]:
        texts = all(type(label) is str for label in labels)
        dtypes = st.sampled_from(["str", object] if texts else [object])
        return st.tuples(dtypes, _LABELS).map(
            lambda given: pandas.Index(_objects(labels), dtype=given[0], name=given[1], tupleize_cols=False)
        )

    mixed = st.lists(_LABELS, min_size=width, max_size=width).flatmap(flat)
    names = st.lists(TEXTS, min_size=width, max_size=width).flatmap(flat)
    return st.one_of(mixed, names, st.just(pandas.RangeIndex(width)), _multi_indexes(width))


@st.composite
def frames(draw: st.DrawFn) -> Any:
    """Return DataFrames of many dtypes, with all kinds of labels, indexes, frequencies and attributes."""
    import pandas

    rows, width = draw(st.integers(0, 6)), draw(st.integers(0, 5))
    columns = [draw(_columns(rows)) for _ in range(width)]
    index = draw(_indexes(rows))
    frame = pandas.DataFrame({place: column.set_axis(index) for place, column in enumerate(columns)}, index=index)
    frame.columns = draw(_column_labels(width))
    frame.attrs = draw(st.dictionaries(TEXTS, plain_values() | cells(), max_size=2))
    if frame.columns.is_unique and index.is_unique and draw(st.booleans()):
        frame.flags.allows_duplicate_labels = False
    return frame


def series() -> st.SearchStrategy[Any]:
    """Return Series of many dtypes with names of several types."""
    return st.tuples(st.integers(0, 6).flatmap(_columns), _LABELS).map(lambda pair: pair[0].rename(pair[1]))
