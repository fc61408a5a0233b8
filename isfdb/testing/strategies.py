"""Hypothesis strategies for what scientists store: plain values, arrays, frames. Needs hypothesis; arrays and frames their libraries."""

from __future__ import annotations

import collections
import datetime
import functools
import math
import pathlib
import types
import zoneinfo
from functools import cache
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_LABELS = st.one_of(_TEXT, st.integers(-5, 5), st.floats(allow_nan=False), st.none(), st.tuples(_TEXT, st.integers(0, 3)))


@cache
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


@functools.cache
def dtypes() -> st.SearchStrategy[Any]:
    """Return numpy dtypes without Python objects: of either byte order, nested, with sub-arrays."""
    from hypothesis.extra import numpy as hnp

    plain = st.one_of(hnp.scalar_dtypes(), hnp.byte_string_dtypes(), hnp.unicode_string_dtypes())
    return plain | hnp.array_dtypes(plain, max_size=3) | hnp.nested_dtypes(plain, max_leaves=4, max_itemsize=200)


@functools.cache
def _fields() -> st.SearchStrategy[Any]:
    import numpy
    from hypothesis.extra import numpy as hnp

    units = st.sampled_from("Y M W D h m s ms us ns ps fs as".split())
    times = st.builds("{}[{}{}]".format, st.sampled_from(["<M8", ">M8", "<m8", ">m8"]), st.integers(1, 99), units)
    chars = st.sampled_from([*"?bBhHiIlLqQefdgFDGc", *("V3", "M8", "m8", "S0", "U0")])
    return st.one_of(times, chars, hnp.scalar_dtypes()).map(numpy.dtype)


@functools.cache
def _formats() -> st.SearchStrategy[Any]:
    return st.lists(_fields().filter(lambda one: one.itemsize > 0), min_size=1, max_size=4)


@functools.cache
def _metadata() -> st.SearchStrategy[Any]:
    return st.none() | st.dictionaries(_TEXT, plain_values(), min_size=1, max_size=2)


@functools.cache
def _element_dtypes() -> st.SearchStrategy[Any]:
    return dtypes().filter(lambda kind: kind.subdtype is None)


@st.composite
def odd_dtypes(draw: st.DrawFn) -> Any:
    """Return dtypes of which ``==`` and the npy format do not see all."""
    import numpy

    kind = draw(st.sampled_from(["field", "aligned", "offsets", "titles", "overlapping"]))
    if kind == "field":
        dtype = draw(_fields())
    else:
        dtype = _structure(draw, kind, draw(_formats()))
        if draw(st.booleans()):
            dtype = numpy.dtype((numpy.record, dtype))
    metadata = draw(_metadata())
    return numpy.dtype(dtype, metadata=metadata) if metadata and dtype.kind != "M" else dtype


def _structure(draw: st.DrawFn, kind: str, formats: list[Any]) -> Any:
    import numpy

    names = draw(st.lists(_TEXT.filter(bool), min_size=len(formats), max_size=len(formats), unique=True))
    form: dict[str, Any] = {"names": names, "formats": formats}
    if kind == "offsets":
        gaps = draw(st.lists(st.integers(0, 5), min_size=len(formats), max_size=len(formats)))
        form["offsets"] = [sum(one.itemsize for one in formats[:place]) + sum(gaps[: place + 1]) for place in range(len(formats))]
    elif kind == "overlapping":
        form["offsets"] = [draw(st.integers(0, 8)) for _ in formats]
    elif kind == "titles":
        form["titles"] = [f"{name}?{place}" for place, name in enumerate(names)]
    return numpy.dtype(form, align=kind == "aligned")


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    """Return plain arrays of any dtype, shape, order and striding, filled with any bits."""
    from hypothesis.extra import numpy as hnp

    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    if draw(st.booleans()):
        return draw(_laid_out(draw(hnp.arrays(_element_dtypes(), shape))))
    return draw(_laid_out(_of_any_bits(draw, draw(odd_dtypes()), shape)))


def _of_any_bits(draw: st.DrawFn, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Return an array of bits that were drawn, for dtypes of which hypothesis draws no values."""
    import numpy

    array = numpy.zeros(shape, dtype)
    if array.nbytes == 0:
        return array
    seed = draw(st.binary(min_size=1, max_size=32))
    raw = numpy.resize(numpy.frombuffer(seed, "u1") & 1, array.nbytes).astype("u1")  # 0 and 1 are booleans and characters as well
    return raw.view(f"V{array.itemsize}").view(array.dtype).reshape(shape)  # numpy makes S1 of S0


def _laid_out(array: Any) -> st.SearchStrategy[Any]:
    """Return the array in different orders and stridings."""
    import numpy

    whole = [lambda: array, lambda: numpy.asfortranarray(array), lambda: array.T]
    parts = [lambda: array[::-1], lambda: array[::2], lambda: array[..., ::-2], lambda: array[..., :1], lambda: array[None]]
    return st.sampled_from(whole + parts if array.ndim else whole).map(lambda lay: lay())


@st.composite
def masked_arrays(draw: st.DrawFn) -> Any:
    """Return masked arrays: with a mask, without, hard, with a fill value."""
    import numpy

    data = draw(arrays().filter(lambda array: array.dtype.type is not numpy.record and array.dtype.char != "c"))
    try:
        with numpy.errstate(over="ignore"):  # numpy's own fill value is too large for small floats
            made = data.view(numpy.ma.MaskedArray)
    except (TypeError, ValueError):  # some structures numpy itself cannot mask
        reject()
    if data.dtype.names is not None or draw(st.booleans()):
        bits = draw(st.binary(min_size=1, max_size=16))
        mask = numpy.zeros(data.shape, numpy.ma.make_mask_descr(data.dtype))
        raw = numpy.resize(numpy.frombuffer(bits, "u1") & 1, mask.nbytes).astype("u1")
        made._mask = raw.view(f"V{mask.itemsize}").view(mask.dtype).reshape(mask.shape) if mask.nbytes else mask
    if data.size and draw(st.booleans()):
        made._fill_value = data.reshape(-1)[:1].reshape(()).copy()
    if draw(st.booleans()):
        made.harden_mask()
    return made


@st.composite
def text_arrays(draw: st.DrawFn) -> Any:
    """Return arrays of ``StringDType``, with each way to say that a text is missing. Needs numpy 2."""
    import numpy
    from hypothesis.extra import numpy as hnp

    kinds: list[list[Any]] = [[], [None], [float("nan")], ["missing"]]
    missing = draw(st.sampled_from(kinds))
    dtype = numpy.dtypes.StringDType(coerce=draw(st.booleans()), **({"na_object": missing[0]} if missing else {}))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    count = math.prod(shape)
    texts = draw(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(missing or [""]),
            min_size=count,
            max_size=count,
        )
    )
    return draw(_laid_out(numpy.array(texts, dtype).reshape(shape)))


@st.composite
def arrays_of_subclasses(draw: st.DrawFn) -> Any:
    """Return arrays of numpy's own subclasses."""
    import numpy

    array = draw(arrays())
    if array.dtype.kind in "SU":
        return array.view(numpy.char.chararray)
    if array.ndim == 2 and draw(st.booleans()):
        return array.view(numpy.matrix)
    return array.view(numpy.recarray)


def numpy_values() -> st.SearchStrategy[Any]:
    """Return all kinds of arrays and scalars of numpy, without Python objects."""
    import numpy

    texts = [text_arrays()] if hasattr(numpy, "dtypes") and hasattr(numpy.dtypes, "StringDType") else []
    scalars = arrays().filter(lambda array: array.size > 0 and array.dtype.kind not in "SU").map(lambda array: array.reshape(-1)[0])
    return st.one_of(arrays(), arrays(), masked_arrays(), arrays_of_subclasses(), scalars, *texts)


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
    leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXT, exact, times, pandas_own, small)
    return leaves | st.lists(leaves, max_size=3) | st.dictionaries(_TEXT, leaves, max_size=2) | st.tuples(_TEXT, leaves)


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
        pyarrow.large_string(): _TEXT,
        pyarrow.binary(): st.binary(max_size=4),
        pyarrow.date32(): st.dates(),
        pyarrow.timestamp("us"): st.datetimes(),
        pyarrow.timestamp("s"): st.datetimes().map(lambda moment: moment.replace(microsecond=0)),
        pyarrow.duration("us"): st.timedeltas(datetime.timedelta(-999), datetime.timedelta(999)),
        pyarrow.decimal128(20, 3): st.decimals(-999, 999, places=3),
        pyarrow.dictionary(pyarrow.int8(), pyarrow.string()): _TEXT,
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
        of(object, _TEXT | st.none()),
        of("str", _TEXT | st.none()),
        of("string", _TEXT | st.none()),
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
    texts = st.lists(_TEXT, min_size=rows, max_size=rows).map(lambda labels: pandas.Index(labels, dtype="str"))
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

    pairs = st.lists(st.tuples(_TEXT, st.integers(0, 2)), min_size=rows, max_size=rows)
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
    names = st.lists(_TEXT, min_size=width, max_size=width).flatmap(flat)
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
    frame.attrs = draw(st.dictionaries(_TEXT, plain_values() | cells(), max_size=2))
    if frame.columns.is_unique and index.is_unique and draw(st.booleans()):
        frame.flags.allows_duplicate_labels = False
    return frame


def series() -> st.SearchStrategy[Any]:
    """Return Series of many dtypes with names of several types."""
    return st.tuples(st.integers(0, 6).flatmap(_columns), _LABELS).map(lambda pair: pair[0].rename(pair[1]))
