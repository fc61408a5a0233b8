"""Keeps a numpy array in Zarr (format 3), in chunks that can be read one by one. Used when named: npy is faster for whole arrays.

Kept are booleans, integers, floats, complex numbers, dates and durations. Dates are written as integers, because the Zarr format has
no settled type for them; ``Loader.json`` says what they are. What was written is read back and compared: a codec that loses something
is refused, and so is an array that another thread changed meanwhile.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from isfdb.memory import require
from loaderdumpers._growing_arrays import extent as extent  # db.append and reading what grew look for these here
from loaderdumpers._growing_arrays import fits as fits
from loaderdumpers._growing_arrays import join as join
from loaderdumpers._growing_arrays import join_lazily as join_lazily
from loaderdumpers._numpy_dtypes import is_plain
from loaderdumpers._numpy_facts import CHANGED, describe, summarise
from loaderdumpers._selections import box, checked, size_of

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Loader", "check", "describe", "dump", "summarise"]

priority: Final = 45
explicit_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.arrays:read_zarr"
about: Final = {
    "types": ("numpy.ndarray",),
    "keeps": "numpy arrays of numbers, dates and durations, in chunks",
    "format": "Zarr 3",
    "files": "`data.zarr`",
    "exact": True,
    "lazy": "zarr array",
    "append": True,
}

_FOLDER: Final = "data.zarr"
_NUMBERS: Final = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"})
#: Codecs that only compute, with or without numcodecs' prefix. Others may unpickle what the file holds.
_CODECS: Final = frozenset(
    "bytes transpose sharding_indexed crc32c gzip zstd blosc lz4 zlib bz2 lzma shuffle delta bitround fixedscaleoffset "
    "quantize packbits astype vlen-utf8 crc32 adler32 fletcher32 jenkins_lookup3 pcodec zfpy".split()
)
_CHUNK_BYTES: Final = 4 * 2**20
#: Larger arrays lie in files of about this size: a file for each chunk would be thousands, and each takes a flush.
_SHARD_BYTES: Final = 64 * 2**20


def check(obj: Any) -> bool:
    """Say whether `obj` is a plain array of numbers, dates or durations."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(obj) is getattr(numpy, "ndarray", None) and is_exact(obj.dtype)


def is_exact(dtype: Any) -> bool:
    """Say whether Zarr keeps `dtype`, with dates as integers."""
    return bool(dtype.isnative and (dtype.str[1:] in _NUMBERS or dtype.kind in "mM") and is_plain(dtype))


def dump(
    obj: np.ndarray,
    savedir: str,
    *,
    chunks: tuple[int, ...] | None = None,
    shards: tuple[int, ...] | None = None,
    filters: Any = "auto",
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
        Shape of what lies in one file; a multiple of `chunks`. Default: each chunk is a file, but from 64 MB on a file has about 64 MB.
    filters : zarr codec or list of them, None, or 'auto'
        Applied to the values before they are compressed, as ``zarr.create_array`` takes them. Default: none.
    compressors : zarr codec or list of them, None, or 'auto'
        As ``zarr.create_array`` takes them. Default: zarr's own choice, zstd.

    Raises
    ------
    TypeError
        Zarr would lose something.
    ValueError
        What was written is not what the array holds: a codec loses something, or another thread changed the array.
    """
    if not check(obj):
        dtype = getattr(obj, "dtype", None)
        raise TypeError(f"numpy_to_zarr cannot keep {type(obj).__qualname__} of dtype {dtype} exactly; use numpy_to_npy")
    chunk = tuple(chunks or default_chunks(obj.shape, obj.dtype.itemsize))
    part = default_shards(obj.shape, chunk, obj.dtype.itemsize)
    if shards is None and obj.nbytes > _SHARD_BYTES:
        shards = part
    stored = create(savedir, obj.shape, obj.dtype, chunk, shards, compressors, filters)
    values, regions = as_stored(obj), list(_regions(obj.shape, shards or part))
    for region in regions:
        stored[region] = values[region]
    _compare(stored, values, regions)
    fortran = obj.ndim > 1 and obj.flags.f_contiguous and not obj.flags.c_contiguous
    return {"dtype": obj.dtype.str, "shape": list(obj.shape), **({"fortran_order": True} if fortran else {})}


def _compare(stored: Any, values: np.ndarray, regions: list[tuple[slice, ...]]) -> None:
    for region in regions:
        if stored[region].tobytes() != values[region].tobytes():
            raise ValueError(f"what was written is not what the array holds: a codec loses something, or {CHANGED}")


def _regions(shape: tuple[int, ...], part: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Part an array along the borders of `part`, so that each file is written once."""
    starts = [range(0, side, step) for side, step in zip(shape, part, strict=True)]
    for corner in product(*starts):
        yield tuple(slice(start, start + step) for start, step in zip(corner, part, strict=True))


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


def default_shards(shape: tuple[int, ...], chunk: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return a multiple of `chunk` of about 64 MB, longer along the last axes first."""
    shard, n_bytes = list(chunk), math.prod(chunk) * itemsize
    for axis in reversed(range(len(chunk))):
        most = max(1, _SHARD_BYTES // max(1, n_bytes))
        n_chunks = min(most, math.ceil(shape[axis] / chunk[axis]) or 1)
        shard[axis] *= n_chunks
        n_bytes *= n_chunks
    return tuple(shard)


def stored_dtype(dtype: Any) -> Any:
    """Return the dtype in the file: integers for dates and durations."""
    import numpy

    return numpy.dtype("int64") if dtype.kind in "mM" else dtype


def as_stored(array: np.ndarray) -> np.ndarray:
    """Return the values as they go to the file."""
    return array.view("int64") if array.dtype.kind in "mM" else array


def create(savedir: str, shape: Any, dtype: Any, chunks: Any, shards: Any = None, compressors: Any = "auto", filters: Any = "auto") -> Any:
    """Create the empty zarr array in `savedir`."""
    import zarr

    # A chunk that equals the fill value is written all the same: -0.0 equals 0.0 and would come back as 0.0.
    config = {"write_empty_chunks": True}
    path = os.path.join(savedir, _FOLDER)
    form = {"shape": shape, "dtype": stored_dtype(dtype), "chunks": chunks, "shards": shards}
    return zarr.create_array(path, filters=filters, compressors=compressors, config=config, **form)


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

    from loaderdumpers._zarr_whole import open_whole

    path, kind = os.path.join(os.path.abspath(savedir), _FOLDER), numpy.dtype(dtype)
    if not is_exact(kind):
        raise ValueError(f"{path} is said to hold {dtype}, which is never stored as zarr; restore its Loader.json from a copy")
    check_codecs(path)
    stored = open_whole(path)
    if stored.shape != shape or stored.dtype != stored_dtype(kind):
        found = f"{stored.dtype} of shape {stored.shape}"
        raise ValueError(f"{path} is {found}, where {dtype} of shape {shape} was stored; restore it from a copy")
    return stored, kind


class Loader:
    """Reads an array, a part of it, or opens it.

    Parameters
    ----------
    dtype : str
        numpy's short name of the type.
    shape : list of int
        Its shape.
    fortran_order : bool
        Whether the first index changes fastest in memory; in the file the last one does.
    """

    def __init__(self, *, dtype: str, shape: list[int], fortran_order: bool = False) -> None:
        self._dtype, self._shape, self._fortran = dtype, tuple(shape), fortran_order

    def get(self, savedir: str, *, lazy: bool = False, select: Any = None) -> Any:
        """Return the array, or a part of it.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        lazy : bool
            Return the read-only ``zarr.Array``, which reads a chunk when it is indexed; dates are then integers.
        select : int, slice, Ellipsis, None or a tuple of them
            Read only the chunks this needs, and return this part, as ``array[select]`` would give it.

        Raises
        ------
        ValueError
            The file is not what was stored.
        TypeError
            `select` is no basic indexing.
        """
        import numpy

        stored, kind = open_stored(savedir, self._dtype, self._shape)
        if lazy:
            return stored
        if select is None:
            from loaderdumpers._zarr_whole import check_files

            check_files(stored)
            whole = numpy.asarray(stored[...]).view(kind)
            return numpy.asfortranarray(whole) if self._fortran else whole
        forward, then = box(checked(select), self._shape)
        require(kind.itemsize * size_of(forward), f"the part {select!r:.100} of {savedir}")
        part = numpy.asarray(stored[forward]).view(kind)[then]
        return part.copy() if hasattr(part, "copy") else part
