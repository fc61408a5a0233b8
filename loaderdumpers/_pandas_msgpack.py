"""Reads frames, series, indexes and arrays in the msgpack layout of pandas before 1.0, which ISF kept alive. Writes nothing.

The layout is a tree of msgpack maps; the member ``typ`` of each says what it is. Numbers lie in it as their bytes, packed by blosc or
zlib. Needs msgpack, and numcodecs, which Zarr brings, for blosc. No Python object is made but those named here.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from typing import Any, Final


def read_msgpack(path: str) -> Any:
    """Return the one object in a file.

    Raises
    ------
    ValueError
        The file is damaged, or holds what this layout does not have.
    """
    import msgpack

    with open(path, "rb") as file:
        data = file.read()
    name = os.path.basename(path)
    unpacker = msgpack.Unpacker(
        max_buffer_size=max(len(data), 1), raw=False, unicode_errors="surrogateescape", strict_map_key=False, use_list=True
    )
    unpacker.feed(data)
    try:
        found = list(unpacker)
        if unpacker.tell() != len(data):
            raise ValueError(f"it ends after {unpacker.tell()} of {len(data)} bytes that could be read")
        decoded = [_decode(one) for one in found]
    except ImportError:
        raise
    except Exception as error:  # what damaged bytes mean, they may mean anywhere
        raise ValueError(f"{name} is no whole msgpack file of pandas: {type(error).__name__}: {error}; restore it from a copy") from error
    if len(decoded) != 1:
        raise ValueError(f"{name} holds {len(decoded)} objects where one was stored; restore it from a copy")
    return decoded[0]


def _decode(node: Any) -> Any:
    if isinstance(node, list):
        return [_decode(one) for one in node]
    if not isinstance(node, dict):
        return node
    kind = text(node.get("typ"))
    if kind is None:
        return {text(name): _decode(member) for name, member in node.items()}
    if kind not in _DECODERS:
        raise ValueError(f"it holds a {kind!r}, which cannot be read here")
    return _DECODERS[kind]({text(name): member for name, member in node.items()})


def text(value: Any) -> Any:
    """Return bytes, in which Python 2 kept texts, as text."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def _unpack(data: Any, compress: Any) -> bytes:
    packed: bytes = getattr(data, "data", data)  # an ExtType, or bytes
    if isinstance(packed, str):
        packed = packed.encode("latin1")  # as pandas before 0.19 wrote them
    compress = text(compress)
    if compress is None:
        return packed
    if compress == "zlib":
        import zlib

        return zlib.decompress(packed)
    if compress != "blosc":
        raise ValueError(f"it is packed by {compress!r}, which cannot be read here")
    from numcodecs import blosc

    n_bytes = int.from_bytes(packed[4:8], "little")  # blosc itself stumbles over nothing at all
    return bytes(blosc.decompress(packed)) if n_bytes else b""


def _array(data: Any, dtype: Any, compress: Any, shape: Any = None) -> Any:
    """Return an array that can be written to: objects from a list, categories as they are, numbers from their bytes."""
    import numpy

    dtype = text(dtype)
    if isinstance(data, dict):
        return _decode(data)
    if dtype in ("object", "O") or isinstance(data, list):
        members = [_decode(one) for one in data]
        values = numpy.empty(len(members), dtype=object)
        values[:] = members
        return values if shape is None else values.reshape(shape)
    if "," in dtype and dtype.startswith("datetime64["):
        return _zoned(_unpack(data, compress), dtype)
    if dtype.startswith("period["):
        import pandas

        ordinals = numpy.frombuffer(_unpack(data, compress), dtype="int64")
        return pandas.PeriodIndex.from_ordinals(ordinals, freq=dtype[7:-1]).array
    values = numpy.frombuffer(_unpack(data, compress), dtype=numpy.dtype(dtype)).copy()
    return values if shape is None else values.reshape(shape)


def _zoned(data: bytes, dtype: str) -> Any:
    import numpy
    import pandas

    unit, _, zone = dtype[11:-1].partition(",")
    moments = pandas.DatetimeIndex(numpy.frombuffer(data, dtype=f"M8[{unit.strip()}]").copy())
    return moments.tz_localize("UTC").tz_convert(zone.strip()).array


def _index(node: dict[str, Any]) -> Any:
    import pandas

    values = _array(node["data"], node["dtype"], node.get("compress"))
    if not hasattr(values, "categories") and values.dtype == object:
        return pandas.Index(values, dtype=object, name=_name(node))
    return pandas.Index(values, name=_name(node))


def _name(node: dict[str, Any]) -> Any:
    name = _decode(node.get("name"))
    return tuple(name) if isinstance(name, list) else text(name)


def _range_index(node: dict[str, Any]) -> Any:
    import pandas

    return pandas.RangeIndex(node["start"], node["stop"], node["step"], name=_name(node))


def _multi_index(node: dict[str, Any]) -> Any:
    import pandas

    rows = [tuple(row) for row in _array(node["data"], "object", node.get("compress"))]
    names = [text(name) for name in node["names"]]
    levels = [list(level) for level in zip(*rows, strict=True)] or [[] for _ in names]
    kinds = [object if any(isinstance(label, str) for label in level) else None for level in levels]
    return pandas.MultiIndex.from_arrays([pandas.Index(level, dtype=kind) for level, kind in zip(levels, kinds, strict=True)], names=names)


def _datetime_index(node: dict[str, Any]) -> Any:
    import numpy
    import pandas

    dtype = text(node.get("dtype")) or "datetime64[ns]"
    unit = dtype[11:-1].partition(",")[0] if dtype.startswith("datetime64[") else "ns"
    moments = numpy.frombuffer(_unpack(node["data"], node.get("compress")), dtype=f"M8[{unit}]").copy()
    index = pandas.DatetimeIndex(moments, name=_name(node))
    if node.get("tz") is not None:
        index = index.tz_localize("UTC").tz_convert(text(node["tz"]))
    if node.get("freq") is not None:
        index.freq = text(node["freq"])
    return index


def _period_index(node: dict[str, Any]) -> Any:
    import numpy
    import pandas

    ordinals = numpy.frombuffer(_unpack(node["data"], node.get("compress")), dtype="int64")
    return pandas.PeriodIndex.from_ordinals(ordinals, freq=text(node["freq"]), name=_name(node))


def _category(node: dict[str, Any]) -> Any:
    import pandas

    return pandas.Categorical.from_codes(_decode(node["codes"]), categories=_decode(node["categories"]), ordered=bool(node["ordered"]))


def _series(node: dict[str, Any]) -> Any:
    import pandas

    values = _array(node["data"], node["dtype"], node.get("compress"))
    return pandas.Series(values, index=_decode(node["index"]), name=_name(node), dtype=values.dtype)


def _frame(node: dict[str, Any]) -> Any:
    import pandas

    columns, index = (_decode(axis) for axis in node["axes"])
    found: dict[int, Any] = {}
    for block in node["blocks"]:
        block = {text(name): member for name, member in block.items()}
        values = _array(block["values"], block["dtype"], block.get("compress"))
        places = _decode(block["locs"]) if "locs" in block else columns.get_indexer(_decode(block["items"]))
        if getattr(values, "ndim", 1) == 1 and not hasattr(values, "categories") and hasattr(values, "reshape"):
            values = values.reshape(len(places), -1)
        rows = values if getattr(values, "ndim", 1) == 2 else [values]
        found.update({int(place): row for place, row in zip(places, rows, strict=True)})
    if sorted(found) != list(range(len(columns))):
        raise ValueError(f"{len(found)} columns have values where {len(columns)} have labels")
    # An object array would be turned into text by pandas 3; a Series is taken as it is.
    series = {place: pandas.Series(found[place], index=index, dtype=found[place].dtype, copy=False) for place in range(len(columns))}
    frame = pandas.DataFrame(series, index=index, copy=len(series) > 1)
    frame.columns = columns
    return frame


def _ndarray(node: dict[str, Any]) -> Any:
    return _array(node["data"], node["dtype"], node.get("compress"), tuple(node["shape"]))


def _np_scalar(node: dict[str, Any]) -> Any:
    import numpy

    kind = numpy.dtype(text(node["dtype"])).type
    if text(node.get("sub_typ")) == "np_complex":
        return kind(complex(float(text(node["real"])), float(text(node["imag"]))))
    return kind(text(node["data"]))


def _timestamp(node: dict[str, Any]) -> Any:
    import pandas

    moment = pandas.Timestamp(node["value"], tz="UTC" if node.get("tz") else None)
    return moment.tz_convert(text(node["tz"])) if node.get("tz") else moment


def _nat(_: dict[str, Any]) -> Any:
    import pandas

    return pandas.NaT


def _period(node: dict[str, Any]) -> Any:
    import pandas

    return pandas.Period(ordinal=node["ordinal"], freq=text(node["freq"]))


def _datetime64(node: dict[str, Any]) -> Any:
    import numpy

    return numpy.datetime64(text(node["data"]))


def _timedelta64(node: dict[str, Any]) -> Any:
    import numpy

    return numpy.timedelta64(int(node["data"]), "ns")


_DECODERS: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "block_manager": _frame,
    "category": _category,
    "date": lambda node: datetime.date.fromisoformat(text(node["data"])[:10]),
    "datetime": lambda node: datetime.datetime.fromisoformat(text(node["data"])),
    "datetime64": _datetime64,
    "datetime_index": _datetime_index,
    "index": _index,
    "multi_index": _multi_index,
    "nat": _nat,
    "ndarray": _ndarray,
    "np_complex": lambda node: complex(float(text(node["real"])), float(text(node["imag"]))),
    "np_scalar": _np_scalar,
    "period": _period,
    "period_index": _period_index,
    "range_index": _range_index,
    "series": _series,
    "timedelta": lambda node: datetime.timedelta(*node["data"]),
    "timedelta64": _timedelta64,
    "timestamp": _timestamp,
}
