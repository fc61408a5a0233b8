"""Keeps one numpy scalar as the same type, bit for bit, inside ``Loader.json``. Not 0-d arrays (numpy_to_npy), not Python numbers."""

from __future__ import annotations

import sys
from typing import Any, Final

from loaderdumpers._numpy_dtypes import check_long_double, descr_of, from_descr, from_json, is_exact, long_double_in

priority: Final = 15
load_plainly: Final = "loaderdumpers.plainly.values:read_scalar"
about: Final = {
    "types": ("numpy.generic",),
    "keeps": "numpy scalars of all types, also of structured ones",
    "format": "JSON",
    "files": "none",
    "exact": True,
    "lazy": "",
    "append": False,
}

_MAX_BYTES: Final = 1000
_LIBRARIES: Final = frozenset({"numpy", "ml_dtypes"})


def check(obj: Any) -> bool:
    """Say whether `obj` is a numpy scalar whose bits and dtype tell everything about it."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "generic") or not issubclass(type(obj), numpy.generic):
        return False
    if type(obj).__module__ not in _LIBRARIES or obj.dtype.type is not type(obj):
        return False
    if obj.dtype.itemsize > _MAX_BYTES or not is_exact(obj.dtype):
        return False
    return obj.dtype.kind not in "SU" or bool(_from_bytes(obj.dtype, _bytes_of(obj)) == obj)  # trailing zeros are lost


def describe(obj: Any) -> dict[str, Any]:
    """Return type and value."""
    return {"type": type(obj).__name__, "value": _shown(obj)[:60]}


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Return what makes the scalar again; writes no file.

    Raises
    ------
    TypeError
        `obj` is no numpy scalar, or one that cannot be kept exactly.
    """
    if not check(obj):
        raise TypeError(f"to_numpy_scalar cannot keep {type(obj).__qualname__} exactly; leave the choice to isfdb, or use to_cloudpickle")
    descr, exact = descr_of(obj.dtype)
    facts = {"exact": exact, "long_double": long_double_in(obj.dtype)}
    text = _shown(obj).encode("ascii", "backslashreplace").decode()[:100]
    return {"dtype": descr, "bytes": _bytes_of(obj).hex(), "text": text, **{name: fact for name, fact in facts.items() if fact is not None}}


def _shown(obj: Any) -> str:
    try:
        return str(obj)
    except (TypeError, ValueError) as error:  # numpy has no words for a structured date without a unit
        return f"cannot be shown: {error}"


def _bytes_of(obj: Any) -> bytes:
    data: bytes = obj.tobytes()
    return data[: obj.dtype.itemsize]  # numpy gives empty text the bytes of one character


def _from_bytes(dtype: Any, data: bytes) -> Any:
    import numpy

    return numpy.ndarray((), dtype, bytearray(data))[()]


class Loader:
    """Makes the scalar again.

    Parameters
    ----------
    dtype : str
        The words of the npy format for its type, as ``<f8``.
    bytes : str
        The value's bytes in hexadecimal digits, in the byte order that `dtype` says.
    text : str
        The value for people; not used.
    exact : str or dict, optional
        The dtype in our own words, where `dtype` does not say all.
    long_double : str, optional
        How the computer that stored the scalar has its long doubles.
    """

    def __init__(self, *, dtype: str, bytes: str, text: str = "", exact: Any = None, long_double: str | None = None) -> None:
        self._dtype, self._bytes, self._exact, self._long_double = dtype, bytes, exact, long_double

    def get(self, savedir: str) -> Any:
        """Return the scalar.

        Raises
        ------
        ValueError
            ``Loader.json`` contradicts itself, or the scalar is a long double of another kind of processor.
        """
        dtype = from_descr(self._dtype) if self._exact is None else from_json(self._exact)
        check_long_double(dtype, self._long_double)
        data = bytes.fromhex(self._bytes)
        if dtype.itemsize != len(data):
            raise ValueError(f"Loader.json has {len(data)} bytes for a {self._dtype}; it was changed")
        return _from_bytes(dtype, data)
