"""Keeps a numpy array in Zarr (format 3), in chunks that can be read one by one. Used when named: npy is faster for whole arrays.

Kept are booleans, integers, floats, complex numbers, dates and durations. Dates are written as integers, because the Zarr format has
no settled type for them; ``Loader.json`` says what they are.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

priority: Final = 45
explicit_only: Final = True
about: Final = {
    "types": ("numpy.ndarray",),
    "keeps": "numpy arrays of numbers, dates and durations, in chunks",
    "format": "Zarr 3",
    "files": "`data.zarr`",
    "exact": True,
    "lazy": "zarr array",
    "append": False,
}

_FOLDER: Final = "data.zarr"
_NUMBERS: Final = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"})
#: Codecs that only compute, with or without numcodecs' prefix. Others may unpickle what the file holds.
_CODECS: Final = frozenset(
    "bytes transpose sharding_indexed crc32c gzip zstd blosc lz4 zlib bz2 lzma shuffle delta bitround fixedscaleoffset "
    "quantize packbits astype vlen-utf8 crc32 adler32 fletcher32 jenkins_lookup3 pcodec zfpy".split()
)
_CHUNK_BYTES: Final = 4 * 2**20


def check(obj: Any) -> bool:
    """Say whether `obj` is a plain array of numbers, dates or durations."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(obj) is getattr(numpy, "ndarray", None) and is_exact(obj.dtype)


def is_exact(dtype: Any) -> bool:
    """Say whether Zarr keeps `dtype`, with dates as integers."""
    return bool(not dtype.metadata and dtype.isnative and (dtype.str[1:] in _NUMBERS or dtype.kind in "mM"))


def describe(obj: np.ndarray) -> dict[str, Any]:
    """Return type, shape, dtype and size."""
    return {"type": "ndarray", "shape": list(obj.shape), "dtype": str(obj.dtype), "nbytes": int(obj.nbytes)}


def dump(
    obj: np.ndarray,
    savedir: str,
    *,
    chunks: tuple[int, ...] | None = None,
    shards: tuple[int, ...] | None = None,
    compressors: Any = "auto",
) -> dict[str, Any]:
    """Write `obj` to ``data.zarr``.

    Parameters
    ----------
    obj : numpy.ndarray
        The value.
    savedir : str
        Empty folder.
    chunks : tuple of int, optional
        Shape of what is compressed and read as one. Default: about 4 MB, split along the first axes.
    shards : tuple of int, optional
        Shape of what lies in one file; a multiple of `chunks`. Default: each chunk is a file.
    compressors : zarr codec or list of them, None, or 'auto'
        As ``zarr.create_array`` takes them. Default: zarr's own choice.

    Raises
    ------
    TypeError
        Zarr would lose something.
    """
    if not check(obj):
        dtype = getattr(obj, "dtype", None)
        raise TypeError(f"numpy_to_zarr cannot keep {type(obj).__qualname__} of dtype {dtype} exactly; use numpy_to_npy")
    shape = chunks or default_chunks(obj.shape, obj.dtype.itemsize)
    stored = create(savedir, obj.shape, obj.dtype, shape, shards, compressors)
    stored[...] = as_stored(obj)
    return {"dtype": obj.dtype.str, "shape": list(obj.shape)}


def default_chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return a chunk of about 4 MB that is whole along the last axes."""
    chunk = [max(1, side) for side in shape]
    for axis in range(len(chunk)):
        others = itemsize
        for side in chunk[axis + 1 :]:
            others *= side
        if others * chunk[axis] <= _CHUNK_BYTES:
            break
        chunk[axis] = max(1, _CHUNK_BYTES // others)
    return tuple(chunk)


def stored_dtype(dtype: Any) -> Any:
    """Return the dtype in the file: integers for dates and durations."""
    import numpy

    return numpy.dtype("int64") if dtype.kind in "mM" else dtype


def as_stored(array: np.ndarray) -> np.ndarray:
    """Return the values as they go to the file."""
    return array.view("int64") if array.dtype.kind in "mM" else array


def create(savedir: str, shape: Any, dtype: Any, chunks: Any, shards: Any = None, compressors: Any = "auto") -> Any:
    """Create the empty zarr array in `savedir`."""
    import zarr

    # A chunk that equals the fill value is written all the same: -0.0 equals 0.0 and would come back as 0.0.
    config = {"write_empty_chunks": True}
    path = os.path.join(savedir, _FOLDER)
    form = {"shape": shape, "dtype": stored_dtype(dtype), "chunks": chunks, "shards": shards}
    return zarr.create_array(path, compressors=compressors, config=config, **form)


def check_codecs(path: str) -> None:
    """Refuse codecs that are not known to be mere arithmetic: one that unpickles would run code from the file."""
    with open(os.path.join(path, "zarr.json"), encoding="utf-8") as file:
        codecs = json.load(file)["codecs"]
    while codecs:
        codec = codecs.pop()
        if codec["name"].removeprefix("numcodecs.") not in _CODECS:
            raise ValueError(f"{path} asks for the codec {codec['name']!r}, which may run code; do not open it unless you know why")
        inner = codec.get("configuration", {})
        codecs += [*inner.get("codecs", ()), *inner.get("index_codecs", ())]


def open_stored(savedir: str, dtype: str, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Open the zarr array, compare it with what was stored, and return it with the dtype of its values."""
    import numpy
    import zarr

    path, kind = os.path.join(os.path.abspath(savedir), _FOLDER), numpy.dtype(dtype)
    if not is_exact(kind):
        raise ValueError(f"{path} is said to hold {dtype}, which is never stored as zarr; restore its Loader.json from a copy")
    check_codecs(path)
    stored = zarr.open_array(path, mode="r", zarr_format=3)
    if stored.shape != shape or stored.dtype != stored_dtype(kind):
        found = f"{stored.dtype} of shape {stored.shape}"
        raise ValueError(f"{path} is {found}, where {dtype} of shape {shape} was stored; restore it from a copy")
    return stored, kind


class Loader:
    """Reads an array, or opens it.

    Parameters
    ----------
    dtype : str
        numpy's short name of the type.
    shape : list of int
        Its shape.
    """

    def __init__(self, *, dtype: str, shape: list[int]) -> None:
        self._dtype, self._shape = dtype, tuple(shape)

    def get(self, savedir: str, *, lazy: bool = False) -> Any:
        """Return the array.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        lazy : bool
            Return the read-only ``zarr.Array``, which reads a chunk when it is indexed; dates are then integers.

        Raises
        ------
        ValueError
            The file is not what was stored.
        """
        import numpy

        stored, kind = open_stored(savedir, self._dtype, self._shape)
        if lazy:
            return stored
        return numpy.asarray(stored[...]).view(kind)
