"""Keeps one numpy scalar as the same type, bit for bit, inside ``Loader.json``. Not 0-d arrays (numpy_to_npy), not Python numbers."""

from __future__ import annotations

import sys
from typing import Any, Final

priority: Final = 15
about: Final = {
    "types": ("numpy.generic",),
    "keeps": "numpy scalars",
    "format": "JSON",
    "files": "none",
    "exact": True,
    "lazy": "",
    "append": False,
}

_MAX_BYTES: Final = 1000
_KINDS: Final = frozenset("biufcmMSU")


def check(obj: Any) -> bool:
    """Say whether `obj` is a numpy scalar whose bits and dtype tell everything about it."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "generic") or not issubclass(type(obj), numpy.generic):
        return False
    if type(obj).__module__ != "numpy" or obj.dtype.kind not in _KINDS or obj.dtype.metadata:
        return False
    if obj.dtype.itemsize > _MAX_BYTES:
        return False
    return obj.dtype.kind not in "SU" or bool(_from_bytes(obj.dtype.str, _bytes_of(obj)) == obj)  # trailing zeros are lost


def describe(obj: Any) -> dict[str, Any]:
    """Return type and value."""
    return {"type": type(obj).__name__, "value": str(obj)[:60]}


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Return what makes the scalar again; writes no file.

    Raises
    ------
    TypeError
        `obj` is no numpy scalar, or one that cannot be kept exactly.
    """
    if not check(obj):
        raise TypeError(f"to_numpy_scalar cannot keep {type(obj).__qualname__} exactly; leave the choice to isfdb, or use to_cloudpickle")
    return {"dtype": obj.dtype.str, "bytes": _bytes_of(obj).hex(), "text": str(obj).encode("ascii", "backslashreplace").decode()[:100]}


def _bytes_of(obj: Any) -> bytes:
    data: bytes = obj.tobytes()
    return data[: obj.dtype.itemsize]  # numpy gives empty text the bytes of one character


def _from_bytes(dtype: str, data: bytes) -> Any:
    import numpy

    return numpy.ndarray((), numpy.dtype(dtype), data)[()]


class Loader:
    """Makes the scalar again.

    Parameters
    ----------
    dtype : str
        numpy's short name, as ``<f8``.
    bytes : str
        The value's bytes in hexadecimal digits, in the byte order that `dtype` says.
    text : str
        The value for people; not used.
    """

    def __init__(self, *, dtype: str, bytes: str, text: str = "") -> None:
        self._dtype, self._bytes = dtype, bytes

    def get(self, savedir: str) -> Any:
        """Return the scalar."""
        import numpy

        data = bytes.fromhex(self._bytes)
        if numpy.dtype(self._dtype).kind not in _KINDS:  # with an object's type the bytes would be taken for a place in memory
            raise ValueError(f"Loader.json names the type {self._dtype!r:.60}, which isfdb never writes; it was changed")
        if numpy.dtype(self._dtype).itemsize != len(data):
            raise ValueError(f"Loader.json has {len(data)} bytes for a {self._dtype}; it was changed")
        return _from_bytes(self._dtype, data)
