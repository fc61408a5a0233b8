"""Keeps a numpy array in ``data.npy``, exactly; read whole, in part or memory-mapped. Never pickles: arrays of objects are refused.

The shape and type stand in ``Loader.json`` as well, so that mapping an array of any size takes a fraction of a millisecond; the
header of the file must say the same, or the array is not loaded. What the header has no words for stands in ``Loader.json`` only:
alignment, metadata and the like of a dtype, and whether the array was a ``recarray``, ``matrix``, ``chararray`` or ``memmap``.
"""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from isfdb.hashing import open_hashed
from isfdb.memory import require
from loaderdumpers._growing_arrays import extent as extent  # db.append and reading what grew look for these here
from loaderdumpers._growing_arrays import fits as fits
from loaderdumpers._growing_arrays import join as join
from loaderdumpers._growing_arrays import join_lazily as join_lazily
from loaderdumpers._numpy_dtypes import check_long_double, descr_of, from_descr, from_json, is_exact, long_double_in
from loaderdumpers._numpy_facts import CHANGED, describe, summarise
from loaderdumpers._selections import checked

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Loader", "check", "describe", "dump", "extent", "fits", "join", "summarise"]

priority: Final = 20
load_plainly: Final = "loaderdumpers.plainly.arrays:read_npy"
about: Final = {
    "types": ("numpy.ndarray", "numpy.recarray", "numpy.matrix", "numpy.memmap"),
    "keeps": "arrays without Python objects",
    "format": "npy",
    "files": "`data.npy`",
    "exact": True,
    "lazy": "memory map",
    "append": True,
}

_FILE: Final = "data.npy"
#: Arrays that are not contiguous are copied in pieces of this size.
_PIECE_BYTES: Final = 8 * 2**20
_SUBCLASSES: Final = ("recarray", "matrix", "memmap", "chararray")


def check(obj: Any) -> bool:
    """Say whether `obj` is an array, or one of numpy's own kinds of array, that is kept exactly."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "ndarray"):
        return False
    if type(obj) is numpy.ndarray:
        return is_exact(obj.dtype)
    subclass = _subclass(type(obj))
    return subclass is not None and is_exact(obj.dtype) and _subclass_is_exact(obj, subclass)


def _subclass(kind: Any) -> str | None:
    """Return the name of numpy's own subclass, or None. Masked arrays are kept by numpy_masked_to_npy."""
    name = type.__getattribute__(kind, "__name__")  # numpy 2.5 warns of whoever only looks at its chararray
    return name if name in _SUBCLASSES and kind is _class(name) else None


def _class(name: str) -> Any:
    numpy: Any = sys.modules["numpy"]
    if name != "chararray":
        return getattr(numpy, name, None)
    with warnings.catch_warnings():  # numpy 2.5 has it still, and warns: that helps nobody who stores one, or reads it back
        warnings.simplefilter("ignore", DeprecationWarning)
        return getattr(numpy.char, name, None)


def _subclass_is_exact(obj: Any, subclass: str) -> bool:
    """Say whether a view of that class is all that makes the array again."""
    if subclass == "memmap":
        return True
    if set(vars(obj)) - {"_getitem"}:  # attributes that the user gave it
        return False
    record = sys.modules["numpy"].record
    return subclass != "recarray" or obj.dtype.names is None or obj.dtype.type is record


def dump(obj: np.ndarray, savedir: str) -> dict[str, Any]:
    """Write `obj` to ``data.npy`` without copying it.

    Parameters
    ----------
    obj : numpy.ndarray
        Any shape and order; no object dtype.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        The array cannot be kept exactly.
    ValueError
        Another thread changed it meanwhile.
    """
    if not check(obj):
        kind = f"{type(obj).__qualname__} of dtype {str(getattr(obj, 'dtype', None))[:200]}"
        raise TypeError(f"numpy_to_npy cannot keep {kind} exactly; leave the choice to isfdb, or use to_cloudpickle")
    return write(obj, os.path.join(savedir, _FILE))


def write(obj: np.ndarray, path: str) -> dict[str, Any]:
    """Write an array that :func:`check` accepts; return the arguments of :class:`Loader`."""
    with open_hashed(path) as file:
        arguments = write_into(file, obj)
        if not is_held(file, obj, arguments["offset"]):
            raise ValueError(CHANGED)
    return arguments


def write_into(file: Any, obj: np.ndarray) -> dict[str, Any]:
    """Write an array, with its header, into anything that has ``write``."""
    import numpy

    array = obj.view(numpy.ndarray)
    fortran = bool(obj.flags.f_contiguous and not obj.flags.c_contiguous)
    descr, exact = descr_of(array.dtype)
    header = header_of(descr, array.shape, fortran)
    file.write(header)
    for piece in pieces_of(array):
        file.write(piece)
    facts = {"exact": exact, "long_double": long_double_in(array.dtype), "subclass": _subclass_of(obj)}
    known = {name: fact for name, fact in facts.items() if fact is not None}
    return {"dtype": descr, "shape": list(array.shape), "fortran_order": fortran, "offset": len(header), **known}


def is_held(file: open_hashed, obj: np.ndarray, start: int) -> bool:
    """Say whether a file has the values of an array, as memory holds them now, from byte `start` on.

    Asked when all was written, it finds an array that another thread changed meanwhile; see :meth:`isfdb.hashing.open_hashed.holds`.
    """
    import numpy

    for piece in pieces_of(obj.view(numpy.ndarray)):
        if not file.holds(start, piece):
            return False
        start += piece.nbytes
    return True


def _subclass_of(obj: Any) -> str | None:
    subclass = _subclass(type(obj))
    return "memmap, read-only" if subclass == "memmap" and not obj.flags.writeable else subclass


def header_of(dtype: str, shape: tuple[int, ...], fortran: bool) -> bytes:
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


def pieces_of(array: np.ndarray) -> Iterator[np.ndarray]:
    """Give the bytes of an array: at once where they lie in one piece, else copied piece by piece, the last index changing fastest."""
    import numpy

    if not array.nbytes:
        return
    if array.flags.c_contiguous or array.flags.f_contiguous:
        yield (array if array.flags.c_contiguous else array.T).reshape(-1).view(numpy.uint8)
        return
    raw = array.view(f"V{array.itemsize}")  # field by field, the bytes between the fields would be left out
    per_piece = max(1, _PIECE_BYTES // array.itemsize)
    for piece in numpy.nditer(raw, flags=["external_loop", "buffered", "zerosize_ok"], buffersize=per_piece, order="C"):
        yield numpy.ascontiguousarray(piece).view(numpy.uint8)


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
    exact : str or dict, optional
        The dtype in our own words, where those of the header do not say all.
    long_double : str, optional
        How the computer that stored the array has its long doubles.
    subclass : str, optional
        Which of numpy's own subclasses the array was.
    """

    def __init__(
        self,
        *,
        dtype: str,
        shape: list[int],
        fortran_order: bool,
        offset: int,
        exact: Any = None,
        long_double: str | None = None,
        subclass: str | None = None,
    ) -> None:
        self._descr, self._shape, self._fortran, self._offset = dtype, tuple(shape), fortran_order, offset
        self._exact, self._long_double, self._subclass = exact, long_double, subclass

    def get(self, savedir: str, *, mmap: str | None = None, select: Any = None) -> Any:
        """Return the array, or a part of it.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        mmap : {'r', 'c', None}
            ``'r'``: read-only memory map, takes no memory and no time. ``'c'``: memory map whose changes stay in memory.
            None: an ordinary array, read whole.
        select : int, slice, Ellipsis, None or a tuple of them
            Read only this part, as ``array[select]`` would give it: ``numpy.s_[10:20, ..., 3]``.

        Raises
        ------
        ValueError
            The file is not as long, or not of the type and shape, as it was when stored.
        TypeError
            `select` is no basic indexing.
        """
        return self.read(os.path.join(savedir, _FILE), mmap=mmap, select=select)

    def read(self, path: str, *, mmap: str | None = None, select: Any = None, before: int = 0, length: int | None = None) -> Any:
        """Return the array that lies in a file, `before` bytes from its beginning and with its header `length` bytes long."""
        check_mmap(mmap)
        dtype = self._dtype()
        with open(path, "rb", buffering=0) as file:
            file.seek(before)
            size = os.fstat(file.fileno()).st_size - before if length is None else length
            count = self._verify(file, dtype, size, os.path.basename(path))
            if self._subclass in ("memmap", "memmap, read-only") and not mmap:
                mmap = "r" if self._subclass == "memmap, read-only" else "c"
            if count == 0 or dtype.itemsize == 0:
                import numpy

                array = self._as_stored(numpy.ndarray(self._shape, dtype, order=self._order))
                return array if select is None else array[checked(select)]
            if select is None and mmap is None:
                return self._as_stored(_read(file, dtype, self._shape, self._order))
            mapped = self._map(file, dtype, before + self._offset, mmap or "r")
            if select is None:
                return mapped
            index = checked(select)
            return mapped[index] if mmap else _copied(file, mapped, index, before + self._offset)

    def read_stream(self, stream: Any, size: int, name: str) -> Any:
        """Return the array whose values come next in a stream; with its header it is `size` bytes long."""
        dtype = self._dtype()
        expected = self._offset + math.prod(self._shape) * dtype.itemsize
        if size != expected:
            raise ValueError(f"{name} has {size} bytes where its header asks for {expected}; restore the file from a copy")
        return self._as_stored(_read(stream, dtype, self._shape, self._order))

    @property
    def _order(self) -> Any:
        return "F" if self._fortran else "C"

    def _dtype(self) -> Any:
        """Return the dtype of the values."""
        words = from_descr(self._descr)
        dtype = words if self._exact is None else from_json(self._exact)
        if dtype.itemsize != words.itemsize or (self._exact is not None and descr_of(dtype)[0] != self._descr):
            raise ValueError(f"Loader.json says both {self._descr[:100]} and {str(dtype)[:100]}; restore it from a copy")
        check_long_double(dtype, self._long_double)
        return dtype

    def _as_stored(self, array: Any) -> Any:
        """Make the array one of the class that was stored."""
        if self._subclass is None:
            return array
        name = self._subclass.removesuffix(", read-only")
        if name not in _SUBCLASSES:
            raise ValueError(f"Loader.json says that the array is a {name[:100]}, which isfdb does not know")
        kind = _class(name)
        import_module(kind.__module__)  # else cloudpickle, which sends arrays to workers, sends a copy of the class along
        return array.view(kind)

    def _map(self, file: Any, dtype: Any, start: int, mmap: Any) -> Any:
        import numpy

        mapped = numpy.memmap(file, dtype, mode=mmap, offset=start, shape=self._shape, order=self._order)
        is_map = self._subclass is not None and self._subclass.startswith("memmap")
        return mapped if is_map else self._as_stored(mapped.view(numpy.ndarray))

    def _verify(self, file: Any, dtype: Any, size: int, name: str) -> int:
        """Compare size and header of the file, then read to its values, with what was stored; return the number of values."""
        count = math.prod(self._shape)
        expected = self._offset + count * dtype.itemsize
        if size != expected:
            raise ValueError(f"{name} has {size} bytes where {expected} were stored; restore the file from a copy")
        header = header_of(self._descr, self._shape, self._fortran)
        if len(header) != self._offset or file.read(len(header)) != header:
            raise ValueError(f"the header of {name} does not say the dtype and shape that Loader.json says; one of them was changed")
        return count


def check_mmap(mmap: Any) -> None:
    """Refuse other ways of mapping than the two that leave the file as it is.

    Raises
    ------
    ValueError
        `mmap` is none of them.
    """
    if mmap not in ("r", "c", None):
        raise ValueError(f"mmap is {mmap!r}; use 'r' (read-only), 'c' (copy on write) or None (read whole)")


def _copied(file: Any, mapped: Any, index: tuple[Any, ...], start: int) -> Any:
    """Return a selected part in memory of its own; what lies in one piece is read, which is faster than to touch it page by page."""
    import numpy

    part = mapped[index]
    if isinstance(part, numpy.void):  # a view of the map; as an array it can be copied with all that its dtype says
        return mapped[(*index, ...)].copy()[()]
    if not isinstance(part, numpy.ndarray) or not part.ndim or not part.size or not (part.flags.c_contiguous or part.flags.f_contiguous):
        return part.copy() if isinstance(part, numpy.ndarray) else part
    file.seek(start + part.__array_interface__["data"][0] - mapped.__array_interface__["data"][0])
    return _read(file, part.dtype, part.shape, "C" if part.flags.c_contiguous else "F").view(type(part))


def _read(file: Any, dtype: Any, shape: tuple[int, ...], order: Any) -> Any:
    """Read an array from where the file stands."""
    import numpy

    require(math.prod(shape) * dtype.itemsize, f"an array of shape {list(shape)} and dtype {str(dtype)[:100]}")
    array = numpy.empty(shape, dtype, order=order)
    if array.nbytes == 0:
        return array
    raw = memoryview((array if order == "C" else array.T).reshape(-1).view(numpy.uint8))
    n_read = 0
    while n_read < len(raw) and (more := file.readinto(raw[n_read:])):
        n_read += more
    if n_read < len(raw):
        raise ValueError(f"the file ended after {n_read} of {len(raw)} bytes, while it was read; restore it from a copy")
    return array
