"""Turns the values of one pandas column into an Arrow array and back, exactly. Knows nothing of frames, indexes or files.

:func:`describe_column` says in a small JSON-ready *spec* what the column is, or refuses; it needs no pyarrow. :func:`to_arrow` and
:func:`from_arrow` follow the spec. Categories belong to an index and are handled one floor up, in ``_arrow_frames``.
"""

from __future__ import annotations

from typing import Any, Final

from loaderdumpers._labels import NotExactError, pack_zone, unpack_zone

_NUMBERS: Final = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"})
_UNITS: Final = frozenset({"s", "ms", "us", "ns"})
_MASKED: Final = frozenset({"boolean", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"})
_ARROW_NUMBERS: Final = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 halffloat float double".split()
_ARROW: Final = frozenset({*_ARROW_NUMBERS, "string", "large_string", "binary", "large_binary", "date32[day]"})
#: Joined piece by piece, text is tested for what UTF-8 cannot hold without a copy of the whole column.
_PIECE: Final = 10_000


def describe_column(values: Any) -> dict[str, Any]:
    """Return the spec of a column that is kept exactly.

    Parameters
    ----------
    values : numpy.ndarray or pandas ExtensionArray
        One column, one-dimensional. Not categorical.

    Raises
    ------
    NotExactError
        Parquet would change something, or nobody made sure that it does not.
    """
    import numpy

    dtype = values.dtype
    if isinstance(dtype, numpy.dtype):
        return _describe_numpy(values, dtype)
    kind = type(dtype).__name__
    if type(dtype).__module__.partition(".")[0] != "pandas":
        raise NotExactError(f"a column has the foreign dtype {dtype}; convert it with astype, or store it with to_cloudpickle")
    if kind == "StringDtype":
        if dtype.storage == "python":
            _refuse_surrogates([text for text in values if type(text) is str])
        return {"string": dtype.storage, "missing": "nan" if isinstance(dtype.na_value, float) else "NA"}
    if str(dtype) in _MASKED:
        return {"masked": str(dtype)}
    if kind == "DatetimeTZDtype":
        return {"datetime": dtype.unit, "zone": pack_zone(dtype.tz)}
    if kind == "PeriodDtype":
        return {"period": _period_name(dtype)}
    if kind == "IntervalDtype":
        left, right = (describe_column(_array(side)) for side in (values.left, values.right))
        return {"interval": dtype.closed, "left": left, "right": right}
    if kind == "ArrowDtype" and (str(dtype.pyarrow_dtype) in _ARROW or _is_exact_time(dtype.pyarrow_dtype)):
        return {"arrow": str(dtype.pyarrow_dtype)}
    raise NotExactError(f"a column of dtype {dtype} is not kept exactly; convert it with astype, or store it with to_cloudpickle")


def _is_exact_time(kind: Any) -> bool:
    name = str(kind)
    return name.startswith(("timestamp[ms", "timestamp[us", "timestamp[ns", "decimal128(", "time32[ms", "time64[", "duration["))


def _describe_numpy(values: Any, dtype: Any) -> dict[str, Any]:
    import numpy

    if dtype.metadata:
        raise NotExactError("a column's dtype carries metadata, which is not kept; remove it with astype")
    if dtype.str[1:] in _NUMBERS:
        return {"numpy": dtype.str}
    if dtype.kind in "mM" and numpy.datetime_data(dtype)[0] in _UNITS and dtype.isnative:
        return {"numpy": dtype.str}
    if dtype.kind == "O":
        return _describe_objects(values)
    raise NotExactError(f"a column of dtype {dtype} is not kept exactly; convert it with astype, or store it with to_cloudpickle")


def _describe_objects(values: Any) -> dict[str, Any]:
    """Accept text with one kind of missing value, and bytes with one kind of missing value."""
    import pandas

    markers = {id(type(None)): "None", id(float): "nan", id(type(pandas.NA)): "NA"}
    kinds = set(map(id, map(type, values)))  # ids: a type may be unhashable
    missing = kinds & set(markers)
    what = {id(str): "text", id(bytes): "bytes"}
    content = kinds - missing
    if len(missing) > 1 or len(content) > 1 or not content <= set(what):
        advice = "convert it, or use to_cloudpickle"
        raise NotExactError(f"an object column holds something other than text, or several kinds of missing value; {advice}")
    if id(float) in missing and not all(value != value for value in values if type(value) is float):
        raise NotExactError("an object column mixes text and numbers; convert it, or use to_cloudpickle")
    spec = {"object": what[content.pop()] if content else "text", "missing": markers[missing.pop()] if missing else None}
    if spec["object"] == "text":
        _refuse_surrogates([text for text in values if type(text) is str] if spec["missing"] else values)
    return spec


def _refuse_surrogates(texts: Any) -> None:
    for start in range(0, len(texts), _PIECE):
        try:
            "".join(texts[start : start + _PIECE]).encode()
        except UnicodeEncodeError as error:
            raise NotExactError(
                "a column holds text with half a surrogate pair, which no UTF-8 file can hold; use to_cloudpickle"
            ) from error


def _alias(freq: Any) -> str:
    from pandas.tseries.frequencies import to_offset

    try:
        back = to_offset(freq.freqstr)
    except ValueError:
        back = None
    if back is None or type(back) is not type(freq) or back != freq:
        raise NotExactError(f"the frequency {freq!r} has no name that gives it back; set freq to None, or use to_cloudpickle")
    return str(freq.freqstr)


def _period_name(dtype: Any) -> str:
    name = str(dtype)[len("period[") : -1]
    try:
        if type(dtype)(name) == dtype:
            return name
    except ValueError:
        pass
    raise NotExactError(f"the dtype {dtype} has no name that gives it back; convert it with astype, or use to_cloudpickle")


def _array(side: Any) -> Any:
    import numpy

    return side.to_numpy() if isinstance(side.dtype, numpy.dtype) else side.array


def to_arrow(values: Any, spec: dict[str, Any]) -> Any:
    """Return the column as a ``pyarrow.Array``."""
    import pyarrow

    if "numpy" in spec:
        return _numpy_to_arrow(values)
    if "object" in spec:
        return pyarrow.array(values, pyarrow.string() if spec["object"] == "text" else pyarrow.binary(), from_pandas=True)
    if "datetime" in spec:
        stamps = values.asi8.view(f"M8[{spec['datetime']}]")
        zone = spec["zone"].get("zoneinfo", "UTC")
        return _numpy_to_arrow(stamps) if spec["datetime"] == "s" else pyarrow.array(stamps, pyarrow.timestamp(spec["datetime"], tz=zone))
    if "period" in spec:
        return pyarrow.array(values.asi8, mask=values.isna())
    if "interval" in spec:
        sides = [to_arrow(_array(getattr(values, side)), spec[side]) for side in ("left", "right")]
        return pyarrow.StructArray.from_arrays(sides, ["left", "right"])
    return _whole(pyarrow.array(values))


def _whole(array: Any) -> Any:
    return array.combine_chunks() if hasattr(array, "num_chunks") else array


def _numpy_to_arrow(values: Any) -> Any:
    import pyarrow

    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if values.dtype.kind == "c":
        return pyarrow.StructArray.from_arrays([pyarrow.array(values.real), pyarrow.array(values.imag)], ["real", "imag"])
    if values.dtype.str.endswith("M8[s]"):  # Parquet has no time stamps in whole seconds
        return pyarrow.array(values.view("int64"))
    return pyarrow.array(values)


def from_arrow(column: Any, spec: dict[str, Any]) -> Any:
    """Return the values of an Arrow column as :func:`to_arrow` got them: a numpy array or a pandas ExtensionArray."""
    import pandas

    if "numpy" in spec:
        return _numpy_from_arrow(column, spec["numpy"])
    if "object" in spec:
        return _objects_from_arrow(column, spec["missing"])
    if "string" in spec:
        missing = float("nan") if spec["missing"] == "nan" else pandas.NA
        return pandas.StringDtype(spec["string"], na_value=missing).__from_arrow__(column)
    if "masked" in spec:
        return _masked_from_arrow(column, spec["masked"])
    if "datetime" in spec:
        stamps = _numpy_from_arrow(column, f"<M8[{spec['datetime']}]")
        return pandas.DatetimeIndex(stamps).tz_localize("UTC").tz_convert(unpack_zone(spec["zone"])).array
    if "period" in spec:
        import numpy

        ordinals = column.fill_null(numpy.iinfo("int64").min).to_numpy()
        return pandas.arrays.PeriodArray(ordinals.copy(), dtype=pandas.PeriodDtype(spec["period"]))
    if "interval" in spec:
        left, right = (from_arrow(part, spec[side]) for side, part in _parts(column, ("left", "right")))
        return pandas.arrays.IntervalArray.from_arrays(left, right, closed=spec["interval"])
    if "arrow" in spec:
        if str(column.type) != spec["arrow"]:
            raise ValueError(f"the file has a column of type {column.type} where {spec['arrow']} was stored; one of the files was changed")
        return pandas.ArrowDtype(column.type).__from_arrow__(column)
    raise ValueError(f"a column is stored as {spec}, which this isfdb does not know; a newer one may have written it")


def _masked_from_arrow(column: Any, dtype: str) -> Any:
    import pandas

    mask = column.is_null().to_numpy().copy()
    values = column.fill_null(False if dtype == "boolean" else 0).to_numpy().copy()
    # pandas' own conversion turns nan into a missing value.
    kind = {"b": pandas.arrays.BooleanArray, "f": pandas.arrays.FloatingArray}.get(values.dtype.kind, pandas.arrays.IntegerArray)
    array = kind(values, mask)
    if str(array.dtype) != dtype:
        raise ValueError(f"the file has a column of type {array.dtype} where {dtype} was stored; one of the files was changed")
    return array


def _parts(column: Any, names: tuple[str, ...]) -> list[tuple[str, Any]]:
    import pyarrow

    whole = _whole(column)
    return [(name, pyarrow.chunked_array([whole.field(name)])) for name in names]


def _numpy_from_arrow(column: Any, dtype: str) -> Any:
    import numpy

    kind = numpy.dtype(dtype)
    if kind.kind == "c":
        values = numpy.empty(len(column), kind.newbyteorder("="))
        for name, part in _parts(column, ("real", "imag")):
            setattr(values, name, part.to_numpy())
    else:
        values = column.to_numpy()
        values = values.view(kind) if dtype.endswith("M8[s]") and values.dtype == "int64" else values
    if values.dtype != kind.newbyteorder("="):
        raise ValueError(f"the file has a column of type {values.dtype} where {dtype} was stored; one of the files was changed")
    if not kind.isnative:
        return values.astype(kind)
    return values if values.flags.writeable else values.copy()


def _objects_from_arrow(column: Any, missing: str | None) -> Any:
    import numpy
    import pandas

    values = numpy.empty(len(column), dtype=object)
    values[:] = column.to_pylist()
    if missing in ("nan", "NA") and column.null_count:
        values[column.is_null().to_numpy()] = float("nan") if missing == "nan" else pandas.NA
    return values
