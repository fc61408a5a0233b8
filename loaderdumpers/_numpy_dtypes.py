"""Says what a numpy dtype is in JSON, and makes the same dtype from it. Not for dtypes that hold Python objects.

The words of the npy format do not say all: alignment, ``numpy.record``, metadata, overlapping or unordered fields, the C name of an
integer (``longlong`` is not ``int64``), and the small floats of ``ml_dtypes`` are lost. Where they would be, an array's spec has the
dtype in the words of this module as well.
"""

from __future__ import annotations

import json
from ast import literal_eval
from typing import TYPE_CHECKING, Any, Final

from isfdb import exact_json

if TYPE_CHECKING:
    import numpy as np

#: Kinds whose short text says all there is: bool, integers, floats, complex, dates, durations, bytes, text, raw bytes.
_PLAIN_KINDS: Final = frozenset("biufcmMSUV")
#: What ``ml_dtypes`` may be asked for: no name from a file is ever imported.
ML_DTYPES: Final = frozenset(
    "bfloat16 float4_e2m1fn float6_e2m3fn float6_e3m2fn float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz "
    "float8_e5m2 float8_e5m2fnuz float8_e8m0fnu int1 int2 int4 uint1 uint2 uint4 bcomplex32 complex32".split()
)
#: How long doubles lie in memory, by the number of bits after the point. The npy format does not say.
_LONG_DOUBLES: Final = {52: "binary64", 63: "x87", 105: "double-double", 112: "binary128"}
_NUMBERS: Final = frozenset("?bBhHiIlLqQefdgFDGc")
_MAX_DEPTH: Final = 30
_FIRST_FOREIGN: Final = 256  # from this number on a type was registered by another library


def is_plain(dtype: Any) -> bool:
    """Say whether the dtype's short text (``<f8``) says all there is about it. Cheap."""
    import numpy

    if dtype.kind not in _PLAIN_KINDS or dtype.names is not None or dtype.subdtype or dtype.metadata or not 0 <= dtype.num < _FIRST_FOREIGN:
        return False
    plain = numpy.dtype(dtype.str)
    return bool(plain.num == dtype.num and plain.char == dtype.char and plain.type is dtype.type)


def to_json(dtype: Any, depth: int = 0) -> Any:
    """Describe a dtype.

    Raises
    ------
    TypeError
        It cannot be made again from JSON.
    """
    import numpy

    if depth > _MAX_DEPTH or dtype.hasobject:
        raise TypeError(f"dtype {str(dtype)[:200]} holds Python objects, or is nested too deep")
    if dtype.metadata:
        return {"dtype": to_json(_without_metadata(dtype), depth + 1), "metadata": _metadata(dtype)}
    if dtype.subdtype:
        return {"base": to_json(dtype.base, depth + 1), "shape": list(dtype.shape)}
    if dtype.names is not None:
        return _fields_to_json(dtype, depth)
    if dtype.type.__module__ == "ml_dtypes" and dtype.name in ML_DTYPES:
        return {"ml_dtypes": dtype.name}
    if is_plain(dtype):
        return dtype.str
    if numpy.dtype(dtype.char).newbyteorder(dtype.byteorder) == dtype and dtype.kind != "V":
        return {"char": dtype.char, "str": dtype.str}
    raise TypeError(f"dtype {dtype!r} is not one of numpy's own")


def _without_metadata(dtype: Any) -> Any:
    import numpy

    if dtype.subdtype:
        return numpy.dtype((dtype.base, dtype.shape))
    if dtype.names is not None:
        return from_json(_fields_to_json(dtype, 0))
    return numpy.dtype(dtype.char).newbyteorder(dtype.byteorder) if dtype.char in _NUMBERS else numpy.dtype(dtype.str)


def _metadata(dtype: Any) -> str:
    """Return the metadata as JSON text: members of ``Loader.json`` itself are sorted."""
    try:
        return json.dumps(exact_json.encode(dict(dtype.metadata)), ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"the metadata of dtype {str(dtype)[:100]} is no JSON ({error})") from error


def _fields_to_json(dtype: Any, depth: int) -> dict[str, Any]:
    import numpy

    if dtype.kind != "V" or dtype.type not in (numpy.void, numpy.record):
        raise TypeError(f"dtype {str(dtype)[:200]} is a number with fields, or of a class of its own")
    fields = [dtype.fields[name] for name in dtype.names]
    titles = [field[2] if len(field) > 2 else None for field in fields]
    if any(title is not None and type(title) is not str for title in titles):
        raise TypeError("a title of a field is not text")
    described = {
        "names": list(dtype.names),
        "formats": [to_json(field[0], depth + 1) for field in fields],
        "offsets": [field[1] for field in fields],
        "itemsize": dtype.itemsize,
    }
    if any(titles):
        described["titles"] = titles
    return described | {name: True for name, flag in (("aligned", dtype.isalignedstruct), ("record", dtype.type is numpy.record)) if flag}


def from_json(described: Any) -> Any:
    """Make the dtype that :func:`to_json` described.

    Raises
    ------
    ValueError
        It describes none.
    """
    try:
        return _made(described, 0)
    except (TypeError, KeyError, AttributeError, SyntaxError, RecursionError) as error:
        raise ValueError(f"Loader.json describes no dtype: {str(described)[:200]} ({error})") from error


def _made(described: Any, depth: int) -> Any:
    import numpy

    if depth > _MAX_DEPTH:
        raise ValueError("Loader.json nests a dtype too deep")
    if isinstance(described, str):
        return _checked(numpy.dtype(described))
    if "metadata" in described:
        return numpy.dtype(_made(described["dtype"], depth + 1), metadata=exact_json.decode(exact_json.loads(described["metadata"])))
    if "base" in described:
        return numpy.dtype((_made(described["base"], depth + 1), tuple(described["shape"])))
    if "char" in described:
        wanted = numpy.dtype(described["str"])
        named = numpy.dtype(described["char"])
        return _checked(named.newbyteorder(wanted.byteorder) if named.itemsize == wanted.itemsize else wanted)
    if "ml_dtypes" in described:
        return _foreign(described["ml_dtypes"])
    return _structure(described, depth)


def _checked(dtype: Any) -> Any:
    if dtype.hasobject:
        raise ValueError(f"Loader.json asks for dtype {dtype}, which holds Python objects and is never stored in an open format")
    return dtype


def _foreign(name: str) -> Any:
    import numpy

    if name not in ML_DTYPES:
        raise ValueError(f"Loader.json asks ml_dtypes for {name!r}, which isfdb does not know")
    import ml_dtypes

    return numpy.dtype(getattr(ml_dtypes, name))


def _structure(described: Any, depth: int) -> Any:
    import numpy

    form = {name: described[name] for name in ("names", "offsets", "itemsize")}
    form["formats"] = [_made(one, depth + 1) for one in described["formats"]]
    if "titles" in described:
        form["titles"] = described["titles"]
    made = numpy.dtype(form, align=bool(described.get("aligned")))
    return numpy.dtype((numpy.record, made)) if described.get("record") else made


def are_same(one: Any, other: Any) -> bool:
    """Say whether two dtypes are the same in everything: ``==`` looks past alignment, metadata, ``numpy.record`` and C names."""
    if one != other or (one.num, one.char, one.type, one.isalignedstruct) != (other.num, other.char, other.type, other.isalignedstruct):
        return False
    if one.names != other.names or _noted(one) != _noted(other):
        return False
    if one.subdtype:
        return are_same(one.base, other.base)
    return one.names is None or all(are_same(one[name], other[name]) for name in one.names)


def _noted(dtype: Any) -> str:
    return _metadata(dtype) if dtype.metadata else ""


def is_exact(dtype: Any) -> bool:
    """Say whether an array of this dtype can be kept exactly."""
    if is_plain(dtype):
        return True
    try:
        return are_same(from_json(to_json(dtype)), dtype)
    except (TypeError, ValueError, ImportError):
        return False


def descr_of(dtype: Any) -> tuple[str, Any]:
    """Return the words of the npy header, and the dtype in JSON where these do not say all, else None."""
    if is_plain(dtype):
        return dtype.str, None
    described = to_json(dtype)
    descr = _npy_descr(described, dtype.itemsize)
    try:
        says_all = are_same(from_descr(descr), dtype)
    except ValueError:
        says_all = False
    return descr, None if says_all else described


def _npy_descr(described: Any, itemsize: int) -> str:
    """Return what the npy format can say of a dtype: its fields, else so many raw bytes."""
    from numpy.lib import format as npy

    if isinstance(described, dict) and "char" in described:
        return str(described["str"])
    try:
        plain = from_json(_for_npy(described))
        descr = str(npy.dtype_to_descr(plain))
        return descr if from_descr(descr) == plain else f"|V{itemsize}"
    except (TypeError, ValueError):  # overlapping or unordered fields
        return f"|V{itemsize}"


def _for_npy(described: Any) -> Any:
    """Leave out what the npy format has no words for."""
    if isinstance(described, str):
        return described
    if "metadata" in described:
        return _for_npy(described["dtype"])
    if "char" in described:
        return described["str"]
    if "ml_dtypes" in described:
        return f"|V{_foreign(described['ml_dtypes']).itemsize}"
    if "base" in described:
        return {**described, "base": _for_npy(described["base"])}
    kept = {name: value for name, value in described.items() if name not in ("aligned", "record")}
    return kept | {"formats": [_for_npy(one) for one in described["formats"]]}


def from_descr(text: str) -> np.dtype[Any]:
    """Turn the words of an npy header into a dtype; evaluates literals only.

    Raises
    ------
    ValueError
        They name no dtype, or one that holds Python objects.
    """
    import numpy
    from numpy.lib import format as npy

    try:
        dtype = npy.descr_to_dtype(literal_eval(text)) if text.startswith("[") else numpy.dtype(text)
    except (TypeError, SyntaxError, RecursionError, MemoryError, AttributeError) as error:
        raise ValueError(f"{text[:200]!r} names no dtype ({error}); Loader.json was changed") from error
    return _checked(dtype)


def long_double_in(dtype: Any) -> str | None:
    """Return how long doubles lie in memory here, if the dtype holds any; the same bytes mean other numbers elsewhere."""
    if dtype.subdtype:
        return long_double_in(dtype.base)
    if dtype.names is not None:
        return next((found for name in dtype.names if (found := long_double_in(dtype[name]))), None)
    if dtype.char not in "gG":
        return None
    import numpy

    return _LONG_DOUBLES.get(int(numpy.finfo(numpy.longdouble).nmant), "unknown")


def check_long_double(dtype: Any, stored: str | None) -> None:
    """Refuse long doubles of another kind of processor.

    Raises
    ------
    ValueError
        The same bytes are other numbers here.
    """
    here = long_double_in(dtype)
    if stored is not None and here != stored:
        raise ValueError(
            f"the array holds long doubles as {stored}, here they are {here or 'another type'}: the numbers would be wrong. "
            "Read it on a computer like the one that stored it, and store it as float64"
        )
