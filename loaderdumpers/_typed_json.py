"""Small Python values as JSON, types included: what attributes of images, graphs and figures are made of. Not for large data.

It goes further than :mod:`isfdb.exact_json`: tuples, sets, bytes, complex numbers, names that are not text, small arrays. Each is an
object with one member whose name starts with ``$``: ``{"$tuple": [1, 2]}``. Reading makes only these types, whatever a file says.
"""

from __future__ import annotations

import math
import sys
from base64 import b64decode, b64encode
from typing import Any, Final

from isfdb import exact_json

_MAX_DEPTH: Final = 64
_UNCHANGED: Final = frozenset({int, bool, type(None)})
#: Kinds of dtype whose bytes say all there is.
_ARRAY_KINDS: Final = frozenset("biufcmMSU")


def encode(value: Any, *, in_order: bool = False, depth: int = 0) -> Any:
    """Turn a value into JSON-ready members.

    Parameters
    ----------
    value : object
        None, bool, int, float, complex, str, bytes, dates, Decimal, Fraction, UUID, numpy scalars and arrays of numbers; tuples, lists,
        dicts, sets and frozensets of them.
    in_order : bool
        Keep the order of names although the JSON will be sorted, as ``Loader.json`` is.
    depth : int
        How deep `value` lies inside another.

    Raises
    ------
    TypeError, ValueError
        It, or something inside it, cannot be kept exactly.
    """
    kind = type(value)
    if kind in _UNCHANGED:
        return value
    if kind is str:
        value.encode()  # a lone surrogate is no text: UnicodeEncodeError, a ValueError
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": _odd_float(value)}
    if depth >= _MAX_DEPTH:
        raise TypeError(f"nested deeper than {_MAX_DEPTH} levels, or containing itself")
    if kind is list:
        return [encode(member, in_order=in_order, depth=depth + 1) for member in value]
    if kind is dict:
        return _encode_dict(value, in_order, depth + 1)
    if kind in _ENCODERS:
        tag, make = _ENCODERS[kind]
        return {tag: make(value, in_order, depth + 1)}
    return _encode_others(value, kind)


def can_encode(value: Any) -> bool:
    """Say whether :func:`encode` keeps a value; never raises."""
    try:
        encode(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _odd_float(value: float) -> str:
    return "-nan" if math.isnan(value) and math.copysign(1.0, value) < 0 else repr(value)


def _encode_dict(value: dict[Any, Any], in_order: bool, depth: int) -> dict[str, Any]:
    names = list(value)
    is_object = all(type(name) is str and not name.startswith("$") for name in names) and not (in_order and names != sorted(names))
    if is_object:
        return {encode(name): encode(member, in_order=in_order, depth=depth) for name, member in value.items()}
    pairs = [[encode(name, depth=depth), encode(member, in_order=in_order, depth=depth)] for name, member in value.items()]
    return {"$dict": pairs}


def _members(value: Any, in_order: bool, depth: int) -> list[Any]:
    return [encode(member, in_order=in_order, depth=depth) for member in value]


def _sorted_members(value: Any, in_order: bool, depth: int) -> list[Any]:
    # The order of a set differs from process to process; the same value must give the same file.
    return sorted(_members(value, in_order, depth), key=exact_json.compact)


def _base64(value: bytes, in_order: bool = False, depth: int = 0) -> str:
    return b64encode(value).decode("ascii")


def _complex(value: complex, in_order: bool, depth: int) -> list[Any]:
    return [encode(value.real), encode(value.imag)]


_ENCODERS: Final[dict[type, tuple[str, Any]]] = {
    tuple: ("$tuple", _members),
    set: ("$set", _sorted_members),
    frozenset: ("$frozenset", _sorted_members),
    bytes: ("$bytes", _base64),
    complex: ("$complex", _complex),
}


def _encode_others(value: Any, kind: type) -> Any:
    library = kind.__module__
    if library == "datetime":
        return exact_json.encode(value, dates=True)
    if library == "decimal" and kind.__name__ == "Decimal":
        return {"$decimal": str(value)}
    if library == "fractions" and kind.__name__ == "Fraction":
        return {"$fraction": [value.numerator, value.denominator]}
    if library == "uuid" and kind.__name__ == "UUID" and value.is_safe.value is None:
        return {"$uuid": str(value)}
    numpy = sys.modules.get("numpy")
    if numpy is not None and (kind is numpy.ndarray or issubclass(kind, numpy.generic)):
        return _encode_array(value, kind is numpy.ndarray)
    raise TypeError(f"{library}.{kind.__qualname__} cannot be kept exactly as JSON")


def _encode_array(value: Any, is_array: bool) -> dict[str, Any]:
    dtype = value.dtype
    if dtype.kind not in _ARRAY_KINDS or dtype.metadata or not type(dtype).__module__.startswith("numpy"):
        raise TypeError(f"a numpy value of dtype {dtype} cannot be kept exactly as JSON")
    if not is_array:
        return {"$scalar": [dtype.str, value.tobytes().hex()]}
    order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    # The names are those by which plotly.js reads arrays.
    members = {"dtype": dtype.str, "shape": list(value.shape), "bdata": _base64(value.tobytes(order))}
    return {"$array": {**members, "order": order} if order == "F" else members}


def decode(members: Any) -> Any:
    """Turn what :func:`encode` wrote back into the value.

    Raises
    ------
    ValueError
        A member starts with ``$`` and is none that is written here, or its content does not fit.
    """
    if isinstance(members, list):
        return [decode(member) for member in members]
    if not isinstance(members, dict):
        return members
    if len(members) == 1:
        ((tag, content),) = members.items()
        if tag.startswith("$"):
            return _decode_tag(tag, content)
    return {name: decode(member) for name, member in members.items()}


def _decode_tag(tag: str, content: Any) -> Any:
    make = _DECODERS.get(tag)
    if make is None:
        return exact_json.decode({tag: content})
    try:
        return make(content)
    except (TypeError, KeyError, ArithmeticError) as error:
        raise ValueError(f"the content of {tag!r} is not what isfdb writes: {error}") from error


def _decode_float(content: str) -> float:
    if content not in ("nan", "-nan", "inf", "-inf"):
        raise ValueError(f"{content!r} is no number that isfdb writes as text")
    return float(content)


def _decode_decimal(content: str) -> Any:
    from decimal import Decimal

    return Decimal(content)


def _decode_fraction(content: list[int]) -> Any:
    from fractions import Fraction

    numerator, denominator = content
    return Fraction(numerator, denominator)


def _decode_uuid(content: str) -> Any:
    from uuid import UUID

    return UUID(content)


def _decode_scalar(content: list[str]) -> Any:
    import numpy

    dtype, text = content
    kind, raw = numpy.dtype(dtype), bytes.fromhex(text)
    if kind.hasobject or (kind.itemsize and len(raw) != kind.itemsize):
        raise ValueError(f"{len(raw)} bytes for a {dtype}")
    return numpy.frombuffer(raw, kind)[0] if kind.itemsize else kind.type()


def _decode_array(content: dict[str, Any]) -> Any:
    import numpy

    kind, shape, raw = numpy.dtype(content["dtype"]), tuple(content["shape"]), b64decode(content["bdata"], validate=True)
    if kind.hasobject or len(raw) != math.prod(shape) * kind.itemsize:
        raise ValueError(f"{len(raw)} bytes for an array of {shape} and dtype {kind}")
    array = numpy.ndarray(shape, kind, order=content.get("order", "C"))
    if array.nbytes:
        array[...] = numpy.frombuffer(raw, kind).reshape(shape, order=content.get("order", "C"))
    return array


_DECODERS: Final[dict[str, Any]] = {
    "$float": _decode_float,
    "$dict": lambda pairs: {decode(name): decode(member) for name, member in pairs},
    "$tuple": lambda members: tuple(map(decode, members)),
    "$set": lambda members: set(map(decode, members)),
    "$frozenset": lambda members: frozenset(map(decode, members)),
    "$bytes": lambda text: b64decode(text, validate=True),
    "$complex": lambda parts: complex(*map(decode, parts)),
    "$decimal": _decode_decimal,
    "$fraction": _decode_fraction,
    "$uuid": _decode_uuid,
    "$scalar": _decode_scalar,
    "$array": _decode_array,
}
