"""Keeps a numpy array in ``data.npy``, exactly; read whole or memory-mapped. Keeps no Python objects: never pickles, never unpickles.

The shape and type stand in ``Loader.json`` as well, so that mapping an array of any size takes a fraction of a millisecond; the
header of the file must say the same, or the array is not loaded.
"""

from __future__ import annotations

import os
import sys
from ast import literal_eval
from typing import TYPE_CHECKING, Any, Final

from isfdb.hashing import LARGE_BYTES, open_hashed
from loaderdumpers._growing_arrays import extent as extent  # db.append looks for these three here
from loaderdumpers._growing_arrays import fits as fits
from loaderdumpers._growing_arrays import join as join

if TYPE_CHECKING:
    import numpy as np

priority: Final = 20

_FILE: Final = "data.npy"
#: Kinds of dtype whose short text says all there is: bool, integers, floats, complex, dates, durations, bytes, text, raw.
_PLAIN_KINDS: Final = frozenset("biufcmMSU")
#: Arrays that are not contiguous are copied in pieces of this size.
_PIECE_BYTES: Final = 8 * 2**20
_CACHED_BYTES: Final = 512 * 2**10


def check(obj: Any) -> bool:
    """Say whether `obj` is a plain array (no subclass) whose type the npy format keeps exactly."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(obj) is getattr(numpy, "ndarray", None) and is_exact(obj.dtype)


def is_exact(dtype: Any) -> bool:
    """Say whether the npy format keeps `dtype`: no Python objects, no metadata, no foreign number types, no lost alignment."""
    if dtype.hasobject or dtype.metadata or not type(dtype).__module__.startswith("numpy"):
        return False
    if dtype.kind in _PLAIN_KINDS:
        return True
    if dtype.subdtype:  # the type of a field that holds an array
        return is_exact(dtype.base)
    return dtype.kind == "V" and _fields_are_exact(dtype) and _structure_is_exact(dtype)


def _fields_are_exact(dtype: Any) -> bool:
    return dtype.names is None or all(is_exact(dtype.fields[name][0]) for name in dtype.names)


def _structure_is_exact(dtype: Any) -> bool:
    from numpy.lib import format as npy

    try:
        back = _dtype(str(npy.dtype_to_descr(dtype)))
    except (TypeError, ValueError):  # overlapping fields
        return False
    return bool(back == dtype and back.isalignedstruct == dtype.isalignedstruct and back.itemsize == dtype.itemsize)


def describe(obj: np.ndarray) -> dict[str, Any]:
    """Return type, shape, dtype and size."""
    return {"type": "ndarray", "shape": list(obj.shape), "dtype": str(obj.dtype)[:200], "nbytes": int(obj.nbytes)}


def dump(obj: np.ndarray, savedir: str) -> dict[str, Any]:
    """Write `obj` to ``data.npy`` without copying it.

    Parameters
    ----------
    obj : numpy.ndarray
        Any shape and order; no object dtype, no subclass.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        The npy format would lose something.
    """
    from numpy.lib import format as npy

    if not check(obj):
        kind = f"{type(obj).__qualname__} of dtype {getattr(obj, 'dtype', None)}"
        raise TypeError(f"numpy_to_npy cannot keep {kind} exactly; leave the choice to isfdb, or use to_cloudpickle")
    fortran = bool(obj.flags.f_contiguous and not obj.flags.c_contiguous)
    descr = npy.dtype_to_descr(obj.dtype)
    header = _header(str(descr), obj.shape, fortran)
    with open_hashed(os.path.join(savedir, _FILE)) as file:
        file.write(header)
        if obj.nbytes:
            _write_values(file, obj, fortran)
    return {"dtype": str(descr), "shape": list(obj.shape), "fortran_order": fortran, "offset": len(header)}


def _header(dtype: str, shape: tuple[int, ...], fortran: bool) -> bytes:
    """Build the header of the npy format, version 1.0 or, for long or non-Latin field names, 3.0, padded to 64 bytes."""
    text = _header_text(dtype, shape, fortran)
    version, size_bytes = (b"\x01\x00", 2) if text.isascii() and len(text) < 65_000 else (b"\x03\x00", 4)
    body = text.encode()
    before = 8 + size_bytes
    body += b" " * (-(before + len(body) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + version + len(body).to_bytes(size_bytes, "little") + body


def _header_text(dtype: str, shape: tuple[int, ...], fortran: bool) -> str:
    descr = dtype if dtype.startswith("[") else repr(dtype)
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}"


def _write_values(file: open_hashed, array: np.ndarray, fortran: bool) -> None:
    import numpy

    if array.flags.c_contiguous or fortran:
        flat = (array.T if fortran else array).reshape(-1)
        _write_flat(file, flat.view(numpy.uint8))
        return
    per_piece = max(1, _PIECE_BYTES // array.itemsize)
    pieces = numpy.nditer(array, flags=["external_loop", "buffered", "zerosize_ok"], buffersize=per_piece, order="C")
    for piece in pieces:
        file.write(piece.tobytes())


def _write_flat(file: open_hashed, flat: np.ndarray) -> None:
    # Large arrays are hashed by a second thread; smaller ones here, in pieces that stay in the processor's cache.
    piece = flat.nbytes if flat.nbytes >= LARGE_BYTES else _CACHED_BYTES
    for start in range(0, flat.nbytes, piece):
        file.write(flat[start : start + piece])


def _dtype(text: str) -> np.dtype[Any]:
    """Turn the text that :func:`dump` stored back into a dtype; evaluates literals only."""
    import numpy
    from numpy.lib import format as npy

    return npy.descr_to_dtype(literal_eval(text)) if text.startswith("[") else numpy.dtype(text)


class Loader:
    """Reads or maps an array.

    Parameters
    ----------
    dtype : str
        The words that the header of the npy format uses: ``<f8``, ``[('t', '<f8'), ('v', '<f4', (3,))]``.
    shape : list of int
        Its shape.
    fortran_order : bool
        Whether the first index changes fastest.
    offset : int
        Size of the file's header in bytes.
    """

    def __init__(self, *, dtype: str, shape: list[int], fortran_order: bool, offset: int) -> None:
        self._descr, self._shape, self._fortran, self._offset = dtype, tuple(shape), fortran_order, offset

    def get(self, savedir: str, *, mmap: str | None = None, select: Any = None) -> np.ndarray:
        """Return the array.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        mmap : {'r', 'c', None}
            ``'r'``: read-only memory map, takes no memory and no time. ``'c'``: memory map whose changes stay in memory.
            None: an ordinary array, read whole.
        select : index, optional
            Part of the array, as ``numpy.s_[100:200, 3]``: nothing else is read.

        Raises
        ------
        ValueError
            The file is not as long, or not of the type and shape, as it was when stored.
        """
        import numpy

        if select is not None:
            part = self.get(savedir, mmap=mmap or "r")[select]
            return part if mmap else numpy.array(part)
        if mmap not in ("r", "c", None):
            raise ValueError(f"mmap is {mmap!r}; use 'r' (read-only), 'c' (copy on write) or None (read whole)")
        dtype = _dtype(self._descr)
        order: Any = "F" if self._fortran else "C"
        with open(os.path.join(savedir, _FILE), "rb") as file:
            count = self._verify(file, dtype)
            if count == 0 or dtype.itemsize == 0:
                return numpy.ndarray(self._shape, dtype, order=order)
            if mmap:
                mapped = numpy.memmap(file, dtype, mode=mmap, offset=self._offset, shape=self._shape, order=order)
                return mapped.view(numpy.ndarray)
            flat = numpy.fromfile(file, dtype, count, offset=0)
        return flat.reshape(self._shape, order=order)

    def _verify(self, file: Any, dtype: Any) -> int:
        """Compare size and header of the file, now read to its values, with what was stored; return the number of values."""
        import math

        count = math.prod(self._shape)
        expected, found = self._offset + count * dtype.itemsize, os.fstat(file.fileno()).st_size
        if found != expected:
            raise ValueError(f"{_FILE} has {found} bytes where {expected} were stored; restore the file from a copy")
        if file.read(self._offset) != _header(self._descr, self._shape, self._fortran):
            raise ValueError(f"the header of {_FILE} does not say the dtype and shape that Loader.json says; one of them was changed")
        return count
