"""Hypothesis strategies for what scientists store: plain values, arrays, frames. Needs hypothesis; arrays and frames their libraries."""

from __future__ import annotations

import collections
import datetime
import math
import pathlib
import types
import zoneinfo
from typing import Any

from hypothesis import strategies as st

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_LABELS = st.one_of(_TEXT, st.integers(-5, 5), st.floats(allow_nan=False), st.none(), st.tuples(_TEXT, st.integers(0, 3)))


def plain_values() -> st.SearchStrategy[Any]:
    """Return values that JSON keeps exactly: scalars, and lists and dicts of them."""
    numbers = st.integers() | st.floats().filter(lambda value: not math.isnan(value))
    leaves = st.one_of(st.none(), st.booleans(), numbers, st.just(float("nan")), _TEXT, st.sampled_from(["$float", "$dict", "$"]))
    names = _TEXT | st.sampled_from(["$float", "$dict", "$x"])
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12)


def python_scalars() -> st.SearchStrategy[Any]:
    """Return single values of Python's own types that JSON does not know."""
    offsets = st.integers(-86_399, 86_399).map(lambda count: datetime.timezone(datetime.timedelta(seconds=count)))
    named = st.tuples(st.integers(-720, 720), _TEXT).map(lambda pair: datetime.timezone(datetime.timedelta(minutes=pair[0]), pair[1]))
    zones = st.none() | offsets | named | st.timezone_keys(allow_prefix=False).map(zoneinfo.ZoneInfo)
    any_text = st.text(max_size=8)
    return st.one_of(
        st.datetimes(timezones=zones),
        st.times(timezones=zones),
        st.dates() | st.timedeltas(),
        st.decimals() | st.fractions() | st.uuids() | st.complex_numbers() | st.floats(),
        any_text.filter(lambda text: "\0" not in text).map(pathlib.PurePosixPath),
        any_text | st.binary(max_size=20) | st.binary(max_size=5).map(bytearray),
        st.integers(-99, 99).flatmap(lambda start: st.integers(1, 9).map(lambda step: range(start, start + 10**20, step))),
        st.ip_addresses() | st.sampled_from([..., NotImplemented, int, slice(1, None)]),
    )


def python_values(leaves: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """Return containers of Python's own types, nested up to four deep, with any keys, of plain values and of `leaves`."""
    hashable = st.one_of(st.none(), st.booleans(), st.integers(), _TEXT, st.dates(), st.tuples(st.integers(), _TEXT), st.frozensets(_TEXT))
    value = st.one_of(st.integers(), _TEXT, st.floats(), python_scalars(), *([] if leaves is None else [leaves]))
    for _ in range(4):
        value = st.one_of(value, _containers(value, hashable))
    return _containers(value, hashable)


def _containers(member: st.SearchStrategy[Any], hashable: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(member, max_size=3)
    dicts = st.dictionaries(hashable, member, max_size=3) | st.dictionaries(_TEXT, member, max_size=3)
    return st.one_of(
        lists,
        lists.map(tuple),
        dicts,
        dicts.map(collections.OrderedDict),
        dicts.map(lambda pairs: collections.defaultdict(list, pairs)),
        st.tuples(lists, st.none() | st.integers(3, 5)).map(lambda pair: collections.deque(*pair)),
        st.dictionaries(_TEXT, member, max_size=3).map(lambda names: types.SimpleNamespace(**names)),
        st.sets(hashable, max_size=3) | st.frozensets(hashable, max_size=3),
    )


def dtypes() -> st.SearchStrategy[Any]:
    """Return numpy dtypes without Python objects: of either byte order, nested, with sub-arrays."""
    from hypothesis.extra import numpy as hnp

    plain = st.one_of(hnp.scalar_dtypes(), hnp.byte_string_dtypes(), hnp.unicode_string_dtypes())
    return plain | hnp.array_dtypes(plain, max_size=3) | hnp.nested_dtypes(plain, max_leaves=4, max_itemsize=200)


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    """Return arrays of any shape, order and striding, filled with any bits."""
    import numpy
    from hypothesis.extra import numpy as hnp

    dtype, shape = (
        draw(dtypes().filter(lambda kind: kind.subdtype is None)),
        draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)),
    )
    array = draw(hnp.arrays(dtype, shape))
    change = draw(st.sampled_from(["none", "fortran", "reversed", "strided", "transposed"]))
    if change == "fortran":
        return numpy.asfortranarray(array)
    if change == "transposed":
        return array.T
    if array.ndim and change in ("reversed", "strided"):
        return array[:: -1 if change == "reversed" else 2]
    return array


def _columns(rows: int) -> st.SearchStrategy[Any]:
    """Return pandas Series of `rows` values of one of many dtypes."""
    import numpy
    import pandas
    from hypothesis.extra import numpy as hnp

    def of(dtype: Any, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(values, min_size=rows, max_size=rows).map(lambda members: pandas.Series(members, dtype=dtype))

    numbers = st.sampled_from("? i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 c16 M8[s] M8[ms] M8[us] M8[ns] m8[s] m8[ns]".split())
    plain = numbers.flatmap(lambda code: hnp.arrays(numpy.dtype(code), rows)).map(pandas.Series)
    times = hnp.arrays("M8[us]", rows, elements=st.integers(0, 2**50).map(lambda count: numpy.datetime64(count, "us"))).map(pandas.Series)
    zones = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"])
    choices: st.SearchStrategy[list[Any]] = st.sampled_from([["b", "a", "c"], [3, 1, 2], [0.5, -0.5]])
    categories = st.tuples(choices, st.booleans()).flatmap(
        lambda given: of(pandas.CategoricalDtype(given[0], ordered=given[1]), st.sampled_from([*given[0], None]))
    )
    return st.one_of(
        plain,
        st.tuples(times, zones).map(lambda pair: pair[0].dt.tz_localize("UTC").dt.tz_convert(pair[1])),
        categories,
        of(object, _TEXT | st.none()),
        of("str", _TEXT | st.none()),
        of("string", _TEXT | st.none()),
        of("Int16", st.integers(-99, 99) | st.none()),
        of("boolean", st.booleans() | st.none()),
    )


def _indexes(rows: int) -> st.SearchStrategy[Any]:
    import pandas

    ranges = st.tuples(st.integers(-9, 9), st.sampled_from([1, 2, -3]), _LABELS).map(
        lambda given: pandas.RangeIndex(given[0], given[0] + rows * given[1], given[1], name=given[2])
    )
    days = st.sampled_from(["D", "h", "MS", "W-MON", "QE-DEC"]).map(lambda freq: pandas.date_range("2020-01-01", periods=rows, freq=freq))
    texts = st.lists(_TEXT, min_size=rows, max_size=rows).map(lambda labels: pandas.Index(labels, dtype="str"))
    pairs = st.lists(st.tuples(_TEXT, st.integers(0, 2)), min_size=rows, max_size=rows)
    multi = pairs.map(lambda labels: pandas.MultiIndex.from_arrays([[a for a, _ in labels], [b for _, b in labels]], names=["x", None]))
    return st.one_of(ranges, days, texts, multi)


@st.composite
def frames(draw: st.DrawFn) -> Any:
    """Return DataFrames of many dtypes, with all kinds of labels, indexes and attributes."""
    import numpy
    import pandas

    rows, width = draw(st.integers(0, 6)), draw(st.integers(0, 5))
    columns = [draw(_columns(rows)) for _ in range(width)]
    index = draw(_indexes(rows))
    frame = pandas.DataFrame({place: column.set_axis(index) for place, column in enumerate(columns)}, index=index)
    labels = numpy.empty(width, dtype=object)
    for place in range(width):
        labels[place] = draw(_LABELS)
    texts = all(type(label) is str for label in labels)
    frame.columns = pandas.Index(labels, dtype="str" if texts and draw(st.booleans()) else object, name=draw(_LABELS), tupleize_cols=False)
    frame.attrs = draw(st.dictionaries(_TEXT, plain_values(), max_size=2))
    return frame


def series() -> st.SearchStrategy[Any]:
    """Return Series of many dtypes with names of several types."""
    return st.tuples(st.integers(0, 6).flatmap(_columns), _LABELS).map(lambda pair: pair[0].rename(pair[1]))
