"""Turns the values of one pandas column into an Arrow array and back, exactly. Knows nothing of frames, indexes or files.

:func:`describe_column` says in a small JSON-ready *spec* what the column is, or refuses; it needs no pyarrow. :func:`to_arrow` and
:func:`from_arrow` follow the spec. Objects are handled in ``_objects``; categories and sparse columns, which need more than one
array, one floor up in ``_arrow_frames``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from loaderdumpers._labels import NotExactError, pack_zone, unpack_zone
from loaderdumpers._objects import describe_objects, is_utf8, objects_from_arrow, objects_to_arrow

NUMBERS: Final = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"})
_UNITS: Final = frozenset({"s", "ms", "us", "ns"})
_MASKED: Final = frozenset({"boolean", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"})
_NAT: Final = -(2**63)


def describe_column(values: Any) -> dict[str, Any]:
    """Return the spec of a column that is kept exactly.

    Parameters
    ----------
    values : numpy.ndarray or pandas ExtensionArray
        One column, one-dimensional. Neither categorical nor sparse.

    Raises
    ------
    NotExactError
        Something would not come back as it is, or nobody made sure that it does.
    """
    spec = describe_dtype(values.dtype)
    if spec is None:
        return describe_objects(values)
    if spec.get("string") == "python" and not is_utf8([text for text in values if type(text) is str]):
        raise NotExactError("a column holds text with half a surrogate pair, which no UTF-8 file can hold; use to_cloudpickle")
    if "interval" in spec:
        return spec | {side: describe_column(array_of(getattr(values, side))) for side in ("left", "right")}
    return spec


def describe_dtype(dtype: Any) -> dict[str, Any] | None:
    """Return what a dtype alone says about a column; None for objects, whose values say it.

    Raises
    ------
    NotExactError
    """
    import numpy

    if isinstance(dtype, numpy.dtype):
        return _describe_numpy(dtype)
    kind = type(dtype).__name__
    if type(dtype).__module__.partition(".")[0] != "pandas":
        raise NotExactError(f"a column has the foreign dtype {dtype}; convert it with astype, or store it with to_cloudpickle")
    if kind == "StringDtype":
        return {"string": dtype.storage.removesuffix("_numpy"), "missing": "nan" if isinstance(dtype.na_value, float) else "NA"}
    if str(dtype) in _MASKED:
        return {"masked": str(dtype)}
    if kind == "DatetimeTZDtype":
        return {"datetime": dtype.unit, "zone": pack_zone(dtype.tz)}
    if kind == "PeriodDtype":
        return {"period": _period_name(dtype)}
    if kind == "IntervalDtype":
        return {"interval": dtype.closed}
    if kind == "ArrowDtype" and _is_known(dtype.pyarrow_dtype):
        return {"arrow": str(dtype.pyarrow_dtype)}
    raise _unknown(dtype)


def _unknown(dtype: Any) -> NotExactError:
    return NotExactError(f"a column of dtype {dtype} is not kept exactly; convert it with astype, or store it with to_cloudpickle")


def _describe_numpy(dtype: Any) -> dict[str, Any] | None:
    import numpy

    if dtype.metadata:
        raise NotExactError("a column's dtype carries metadata, which is not kept; remove it with astype")
    if dtype.kind == "O":
        return None
    if dtype.str[1:] in NUMBERS or (dtype.kind in "mM" and numpy.datetime_data(dtype) in {(unit, 1) for unit in _UNITS} and dtype.isnative):
        return {"numpy": dtype.str}
    raise _unknown(dtype)


def _is_known(kind: Any) -> bool:
    """Say whether pandas and Arrow files both keep columns of this Arrow type."""
    import pyarrow.types as known

    if isinstance(kind, known.lib.BaseExtensionType) or known.is_union(kind) or known.is_run_end_encoded(kind) or known.is_interval(kind):
        return False
    if str(kind).endswith("_view") or "_view<" in str(kind):
        return False
    inner = [kind.value_type] if known.is_dictionary(kind) else [kind.field(place).type for place in range(kind.num_fields)]
    return all(map(_is_known, inner))


def fits_parquet(kind: Any) -> bool:
    """Say whether an Arrow type comes back from Parquet as it was."""
    import pyarrow.types as known

    if known.is_list(kind) or known.is_large_list(kind) or known.is_fixed_size_list(kind):
        return kind.value_field.name == "item" and fits_parquet(kind.value_type)
    if known.is_struct(kind):
        return kind.num_fields > 0 and all(fits_parquet(kind.field(place).type) for place in range(kind.num_fields))
    if known.is_dictionary(kind) or known.is_map(kind) or known.is_date64(kind):
        return False
    if known.is_decimal(kind):
        return kind.scale >= 0
    return not ((known.is_timestamp(kind) or known.is_time32(kind)) and kind.unit == "s")


def from_parquet_names(column: Any) -> Any:
    """Give the members of lists, which Parquet calls elements, the name back that Arrow gives them."""
    kind = _renamed(column.type)
    return column if kind is column.type else column.cast(kind)


def _renamed(kind: Any) -> Any:
    import pyarrow
    import pyarrow.types as known

    if known.is_list(kind) or known.is_large_list(kind) or known.is_fixed_size_list(kind):
        field = pyarrow.field("item", _renamed(kind.value_type), nullable=kind.value_field.nullable)
        make = pyarrow.large_list if known.is_large_list(kind) else pyarrow.list_
        return make(field, kind.list_size) if known.is_fixed_size_list(kind) else make(field)
    if known.is_struct(kind):
        fields = [kind.field(place) for place in range(kind.num_fields)]
        return pyarrow.struct([pyarrow.field(field.name, _renamed(field.type), nullable=field.nullable) for field in fields])
    return kind


def _period_name(dtype: Any) -> str:
    name = str(dtype)[len("period[") : -1]
    try:
        if type(dtype)(name) == dtype:
            return name
    except ValueError:
        pass
    raise NotExactError(f"the dtype {dtype} has no name that gives it back; convert it with astype, or use to_cloudpickle")


def array_of(column: Any) -> Any:
    """Return the array of a Series or Index: numpy's where the dtype is numpy's."""
    import numpy

    return column.to_numpy() if isinstance(column.dtype, numpy.dtype) else column.array


def to_arrow(values: Any, spec: dict[str, Any]) -> Any:
    """Return the column as a ``pyarrow.Array``; numbers and times share the memory of the column."""
    import pyarrow

    if "numpy" in spec:
        return _numpy_to_arrow(values)
    if "object" in spec:
        return objects_to_arrow(values, spec)
    if "datetime" in spec:
        stamps = values.asi8.view(f"M8[{spec['datetime']}]")
        return pyarrow.array(stamps, pyarrow.timestamp(spec["datetime"], tz=spec["zone"].get("zoneinfo", "UTC")))
    if "period" in spec:
        return pyarrow.array(values.asi8, mask=values.isna())
    if "interval" in spec:
        sides = [to_arrow(array_of(getattr(values, side)), spec[side]) for side in ("left", "right")]
        return pyarrow.StructArray.from_arrays(sides, ["left", "right"])
    return whole(pyarrow.array(values))


def whole(array: Any) -> Any:
    """Return one Arrow array for one in pieces, unless that would be more than its type can hold."""
    import pyarrow

    if not hasattr(array, "num_chunks"):
        return array
    if array.num_chunks == 1:
        return array.chunk(0)
    try:
        return array.combine_chunks()
    except pyarrow.ArrowInvalid:  # text of more than 2 GiB
        return array


def _numpy_to_arrow(values: Any) -> Any:
    import pyarrow

    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if values.dtype.kind == "c":
        return pyarrow.StructArray.from_arrays([pyarrow.array(values.real), pyarrow.array(values.imag)], ["real", "imag"])
    return pyarrow.array(values)


Own = Callable[[Any], Any]


def own_copy(view: Any) -> Any:
    """Return the array, or a copy where it may not be written to."""
    return view if view.flags.writeable else view.copy()


def from_arrow(column: Any, spec: dict[str, Any], own: Own = own_copy) -> Any:
    """Return the values of a chunked Arrow column as :func:`to_arrow` got them: a numpy array or a pandas ExtensionArray.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        The stored column.
    spec : dict
        What :func:`describe_column` returned.
    own : callable
        Given a numpy view of the column's memory, return what the user gets.
    """
    import pandas

    if "numpy" in spec:
        return _numpy_from_arrow(column, spec["numpy"], own)
    if "object" in spec:
        return objects_from_arrow(column, spec)
    if "string" in spec:
        return string_dtype(spec).__from_arrow__(_of_types(column, ("string", "large_string")))
    if "masked" in spec:
        return _masked_from_arrow(column, spec["masked"], own)
    if "datetime" in spec:
        stamps = _numpy_from_arrow(column, f"<M8[{spec['datetime']}]", own)
        return pandas.DatetimeIndex(stamps, copy=False).tz_localize("UTC").tz_convert(unpack_zone(spec["zone"])).array
    if "period" in spec:
        ordinals = _numpy_from_arrow(column.fill_null(_NAT), "<i8", own)
        return pandas.arrays.PeriodArray(ordinals, dtype=pandas.PeriodDtype(spec["period"]))
    if "interval" in spec:
        left, right = (from_arrow(part, spec[side], own) for side, part in _parts(column, ("left", "right")))
        return pandas.arrays.IntervalArray.from_arrays(left, right, closed=spec["interval"])
    if "arrow" in spec:
        return pandas.ArrowDtype(column.type).__from_arrow__(_of_types(column, (spec["arrow"],)))
    raise ValueError(f"a column is stored as {spec}, which this isfdb does not know; a newer one may have written it")


def _of_types(column: Any, names: tuple[str, ...]) -> Any:
    if str(column.type) in names:
        return column
    raise ValueError(f"the file has a column of type {column.type} where {names[0]} was stored; one of the files was changed")


def string_dtype(spec: dict[str, Any]) -> Any:
    """Return the pandas dtype of a text column."""
    import pandas

    missing = float("nan") if spec["missing"] == "nan" else pandas.NA
    try:
        return pandas.StringDtype(spec["string"], na_value=missing)
    except TypeError:  # pandas before 2.3
        return pandas.StringDtype(f"{spec['string']}_numpy" if spec["missing"] == "nan" else spec["string"])


def _parts(column: Any, names: tuple[str, ...]) -> list[tuple[str, Any]]:
    import pyarrow

    if not pyarrow.types.is_struct(column.type) or {field.name for field in column.type} != set(names):
        raise ValueError(f"the file has a column of type {column.type} where a pair {names} was stored; one of the files was changed")
    return [(name, pyarrow.chunked_array([chunk.field(name) for chunk in column.chunks], column.type.field(name).type)) for name in names]


def is_missing(array: Any) -> Any:
    """Return where an Arrow array has no value, as a numpy array."""
    import numpy

    known = array.buffers()[0]
    return numpy.zeros(len(array), bool) if known is None else ~_bits(known, array)


def _bits(buffer: Any, array: Any) -> Any:
    """Return one truth value a bit; numpy does this in half of pyarrow's time."""
    import numpy

    first, last = array.offset // 8, (array.offset + len(array) + 7) // 8
    values = numpy.unpackbits(numpy.frombuffer(buffer, "u1", last - first, first), bitorder="little").view(bool)
    return values[array.offset % 8 :][: len(array)]


def view_of(column: Any, dtype: str, own: Own = own_copy) -> tuple[Any, Any]:
    """Return the numbers of a chunked Arrow column without a copy where there is one piece, and that piece; missing ones are anything."""
    import numpy
    import pyarrow

    kind = numpy.dtype(dtype).newbyteorder("=")
    stored = pyarrow.from_numpy_dtype(kind)
    if column.type != stored and not (_is_time_like(column.type, kind)):
        raise ValueError(f"the file has a column of type {column.type} where {dtype} was stored; one of the files was changed")
    array = whole(column) if column.num_chunks else pyarrow.array([], column.type)
    if not len(array):
        return numpy.empty(0, kind), array
    if kind.kind == "b":
        return _bits(array.buffers()[1], array), array
    return own(numpy.frombuffer(array.buffers()[1], kind, len(array), array.offset * kind.itemsize)), array


def _is_time_like(stored: Any, kind: Any) -> bool:
    """Say whether times are stored with a zone, or as the bare count that Parquet makes necessary for whole seconds."""
    import numpy
    import pyarrow

    if kind.kind == "M" and pyarrow.types.is_timestamp(stored):
        return bool(stored.unit == numpy.datetime_data(kind)[0])
    return kind == "M8[s]" and stored == pyarrow.int64()


def _numpy_from_arrow(column: Any, dtype: str, own: Own) -> Any:
    import numpy

    kind = numpy.dtype(dtype)
    if kind.kind == "c":
        values = numpy.empty(len(column), kind.newbyteorder("="))
        for name, part in _parts(column, ("real", "imag")):
            setattr(values, name, view_of(part, values.real.dtype.str)[0])
    else:
        values, array = view_of(column, dtype, own)
        if array.null_count:
            values = _without_values(values, is_missing(array), kind)
    return values if kind.isnative else values.astype(kind)


def _without_values(values: Any, missing: Any, kind: Any) -> Any:
    """Make sure that missing times are NaT, as they are in what pandas wrote; of numbers none can be missing."""
    if kind.kind not in "mM":
        raise ValueError(f"the file has missing values in a column of {kind}, which has none; the file was changed")
    if not (values.view("i8")[missing] == _NAT).all():
        values = own_copy(values)
        values.view("i8")[missing] = _NAT
    return values


def _masked_from_arrow(column: Any, dtype: str, own: Own) -> Any:
    import pandas

    code = "?" if dtype == "boolean" else {"U": "u", "I": "i", "F": "f"}[dtype[0]] + str(int(dtype.lstrip("UIntFloa")) // 8)
    values, array = view_of(column, code, own)
    mask = is_missing(array)
    mask = mask if mask.flags.writeable else mask.copy()
    if array.null_count:
        values = own_copy(values)
        values[mask] = 0
    # pandas' own conversion turns nan into a missing value.
    kind = {"b": pandas.arrays.BooleanArray, "f": pandas.arrays.FloatingArray}.get(values.dtype.kind, pandas.arrays.IntegerArray)
    return kind(values, mask)
