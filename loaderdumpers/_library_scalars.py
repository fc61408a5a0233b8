"""Turns scalars of numpy and pandas into JSON nodes and back, exactly; ``_python_scalars`` has those of Python, and the rules."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, Final

Node = Any

_INTEGERS: Final = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_FLOATS: Final = ("float32", "float64")
_OTHER_TYPES: Final = ("bool_", "float16", "longdouble", "complex64", "complex128", "str_", "bytes_", "datetime64", "timedelta64")
_TYPES: Final = (*_FLOATS, *_INTEGERS, *_OTHER_TYPES)


def numpy_encoders() -> dict[type, Callable[[Any], Node]]:
    """Return the functions for the commonest scalars of numpy, for which a number says all; the others go through to_numpy_scalar."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "dtypes"):  # it is not there, or just being imported
        return {}
    table: dict[type, Callable[[Any], Node]] = {numpy.bool_: lambda value: {"$numpy.bool": bool(value)}}
    table |= {getattr(numpy, name): _numpy_float(f"$numpy.{name}") for name in _FLOATS}
    table |= {getattr(numpy, name): _numpy_integer(f"$numpy.{name}") for name in _INTEGERS}
    kinds = {type(numpy.dtype(kind)) for kind in "?bBhHiIlLqQefdgFDGSUVMm"}
    return table | dict.fromkeys(kinds, _dtype)


def _numpy_integer(tag: str) -> Callable[[Any], Node]:
    return lambda value: {tag: int(value)}


def _numpy_float(tag: str) -> Callable[[Any], Node]:
    return lambda value: {tag: float(value)} if math.isfinite(value) else of_library(value)


def _dtype(value: Any) -> Node:
    from loaderdumpers import _numpy_dtypes

    if not _numpy_dtypes.is_exact(value):
        return None
    return {"$numpy.dtype": _numpy_dtypes.to_json(value)}


def numpy_type_name(value: type) -> str | None:
    """Return the name of a scalar type of numpy, as ``numpy.float64``; None for any other type."""
    numpy = sys.modules.get("numpy")
    return next((f"numpy.{name}" for name in _TYPES if getattr(numpy, name, None) is value), None)


def numpy_type_named(name: str) -> type:
    """Return the scalar type of numpy of that name.

    Raises
    ------
    KeyError
        isfdb writes no such name.
    """
    import numpy

    short = name.removeprefix("numpy.")
    if f"numpy.{short}" != name or short not in _TYPES:
        raise KeyError(name)
    return getattr(numpy, short)  # type: ignore[no-any-return]


def of_library(value: Any) -> Node:
    """Return the node of a scalar of numpy or pandas; None where it is none, or not kept exactly."""
    from loaderdumpers import to_numpy_scalar

    if to_numpy_scalar.check(value):
        stored = to_numpy_scalar.dump(value, "")
        return {"$numpy": stored["text"], "bytes": stored["bytes"], "dtype": stored["dtype"]}
    pandas = sys.modules.get("pandas")
    if pandas is None or not hasattr(pandas, "NaT"):
        return None
    kind = type(value)
    if kind is pandas.Period:
        return _period(value)
    if kind is pandas.Interval:
        ends = [_label(value.left), _label(value.right)]
        return None if None in ends else {"$pandas.Interval": ends, "closed": value.closed}
    if kind in (pandas.Timestamp, pandas.Timedelta, type(pandas.NaT), type(pandas.NA)):
        label = _label(value)
        return None if label is None else {"$pandas": label}
    return None


def _period(value: Any) -> Node:
    node = {"$pandas.Period": str(value), "freq": value.freqstr, "ordinal": value.ordinal}
    try:
        again = _back_period(None, node)
    except ValueError:  # a frequency whose name does not make it again
        return None
    return node if again == value and again.freq == value.freq else None


def _label(value: Any) -> Node:
    from loaderdumpers._labels import NotExactError, pack_label

    try:
        return pack_label(value)
    except NotExactError:
        return None


def _back_numpy(_: Any, facts: dict[str, Any]) -> Any:
    from loaderdumpers import to_numpy_scalar

    return to_numpy_scalar.Loader(dtype=facts["dtype"], bytes=facts["bytes"]).get("")


def _back_number(name: str, expected: type) -> Callable[[Any, dict[str, Any]], Any]:
    def decode_number(content: Any, _: dict[str, Any]) -> Any:
        import numpy

        if type(content) is not expected:
            raise ValueError(f"{content!r:.60} is no numpy.{name}")
        return getattr(numpy, name)(content)

    return decode_number


def _back_dtype(content: Any, _: dict[str, Any]) -> Any:
    from loaderdumpers import _numpy_dtypes

    return _numpy_dtypes.from_json(content)


def _back_period(_: Any, facts: dict[str, Any]) -> Any:
    import pandas

    return pandas.Period(ordinal=facts["ordinal"], freq=facts["freq"])


def _back_interval(content: Any, facts: dict[str, Any]) -> Any:
    import pandas

    from loaderdumpers._labels import unpack_label

    left, right = content
    return pandas.Interval(unpack_label(left), unpack_label(right), closed=facts["closed"])


def _back_pandas(content: Any, _: dict[str, Any]) -> Any:
    from loaderdumpers._labels import unpack_label

    return unpack_label(content)


LIBRARY_DECODERS: Final[dict[str, Callable[[Any, dict[str, Any]], Any]]] = {
    "$numpy": _back_numpy,
    "$numpy.bool": _back_number("bool_", bool),
    "$numpy.dtype": _back_dtype,
    "$pandas": _back_pandas,
    "$pandas.Interval": _back_interval,
    "$pandas.Period": _back_period,
    **{f"$numpy.{name}": _back_number(name, float) for name in _FLOATS},
    **{f"$numpy.{name}": _back_number(name, int) for name in _INTEGERS},
}
