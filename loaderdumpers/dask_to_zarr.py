"""Keeps a dask array in Zarr and reads it back lazily, with the same chunks. Chunks of unknown size are refused.

Zarr's chunks are all of one shape. A dask array with irregular chunks is therefore cut at multiples of Zarr's chunks (or shards) while
it is written, so that no two tasks write one file; on reading it gets its own chunks back. Structures, texts and numbers of the other
byte order are kept as their bytes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from functools import partial
from itertools import accumulate, pairwise, product
from typing import Any, Final

from loaderdumpers import _numpy_dtypes, numpy_to_zarr
from loaderdumpers._dask_chunks import aligned, check_layout, packed, stored_chunks, unpacked
from loaderdumpers._dask_tasks import compute

priority: Final = 40
requires: Final = {"dask": "2024.12", "zarr": "3"}
load_plainly: Final = "loaderdumpers.plainly.arrays:read_dask_zarr"
about: Final = {
    "types": ("dask.array.Array",),
    "keeps": "dask arrays of any dtype without Python objects",
    "format": "Zarr 3",
    "files": "`data.zarr`",
    "exact": True,
    "lazy": "dask array",
    "append": False,
}

_FOLDER: Final = "data.zarr"


def check(obj: Any) -> bool:
    """Say whether `obj` is a dask array. What cannot be kept is refused by :func:`dump`: pickled, it would be a plan, not values."""
    module = sys.modules.get("dask.array")
    return module is not None and type(obj) is getattr(module, "Array", None)


def describe(obj: Any) -> dict[str, Any]:
    """Return type, shape, dtype, size, and the number and largest of the chunks; computes nothing."""
    shape = [None if side != side else int(side) for side in obj.shape]
    facts: dict[str, Any] = {"type": "dask Array", "shape": shape, "dtype": str(obj.dtype)[:60], "numblocks": list(obj.numblocks)}
    if type(obj._meta).__name__ != "ndarray":
        facts["blocks"] = f"{type(obj._meta).__module__.partition('.')[0]}.{type(obj._meta).__name__}"
    return facts if None in shape else {**facts, "chunksize": [int(side) for side in obj.chunksize], "nbytes": int(obj.nbytes)}


def dump(
    obj: Any,
    savedir: str,
    *,
    chunks: tuple[int, ...] | None = None,
    shards: tuple[int, ...] | None = None,
    compressors: Any = "auto",
    progress: bool | None = None,
) -> dict[str, Any]:
    """Compute and write the chunks by the active client, or by threads of this process.

    Parameters
    ----------
    obj : dask.array.Array
        The value; it may read, lazily, the version before the one that is written.
    savedir : str
        Empty folder. Where a cluster computes, its workers must reach it under the same path.
    chunks : tuple of int, optional
        Shape of what is compressed and read as one. Default: the largest chunk of the array, or an even part of it above 64 MB.
    shards : tuple of int, optional
        Shape of what lies in one file; a multiple of `chunks`. Default: each chunk is a file.
    compressors : zarr codec or list of them, None, or 'auto'
        As ``zarr.create_array`` takes them. Default: zarr's own choice.
    progress : bool, optional
        Show a progress bar. Default: on a terminal or in a notebook, once the work takes a second.

    Raises
    ------
    TypeError
        The array cannot be kept exactly, or the sizes of its chunks are unknown.
    ValueError
        A chunk is not what the array's meta promises.
    """
    if not check(obj):
        raise TypeError(f"dask_to_zarr keeps dask arrays, not {type(obj).__qualname__}")
    _refuse_what_is_not_kept(obj)
    check_layout(obj.shape, chunks, shards)
    sides = tuple(chunks or stored_chunks(obj.chunks, obj.dtype.itemsize))
    if shards is not None and chunks is None:
        sides = tuple([side if shard % side == 0 else shard for side, shard in zip(sides, shards, strict=True)])
    units = tuple(shards or sides)
    facts = {"dtype": _numpy_dtypes.to_json(obj.dtype), "shape": [int(side) for side in obj.shape], "chunks": packed(obj.chunks)}
    optional = {
        "as_bytes": not numpy_to_zarr.is_exact(obj.dtype),
        "long_double": _numpy_dtypes.long_double_in(obj.dtype),
        "scalar": _write(obj, savedir, sides, shards, units, compressors, progress),
    }
    return facts | {name: fact for name, fact in optional.items() if fact}


def _refuse_what_is_not_kept(obj: Any) -> None:
    import numpy

    if type(obj._meta) is not numpy.ndarray:
        kind = f"{type(obj._meta).__module__.partition('.')[0]}.{type(obj._meta).__name__}"
        raise TypeError(f"the blocks of the array are of type {kind}, and only numpy.ndarray is kept. {_REMEDIES.get(kind, _REMEDY)}")
    if any(side != side for sizes in obj.chunks for side in sizes):
        raise TypeError("the sizes of the array's chunks are unknown. Call array.compute_chunk_sizes() first, then store it")
    if obj.dtype.hasobject or not obj.dtype.itemsize:
        raise TypeError(f"the array is of dtype {obj.dtype}, which Zarr does not keep. Convert it: array.astype(float), or astype('U20')")
    _numpy_dtypes.to_json(obj.dtype)


_REMEDY: Final = "Convert them: array.map_blocks(numpy.asarray)"
_REMEDIES: Final = {
    "numpy.MaskedArray": "Store da.ma.getdata(array) and da.ma.getmaskarray(array) under two keys, or da.ma.filled(array)",
    "cupy.ndarray": "Bring them to the computer's memory: array.map_blocks(cupy.asnumpy)",
    "sparse.COO": "Make them dense: array.map_blocks(lambda block: block.todense())",
}


def _write(obj: Any, savedir: str, sides: Any, shards: Any, units: Any, compressors: Any, progress: bool | None) -> bool:
    """Write into a folder that is put in place once all is there; return whether the value is one numpy scalar."""
    import numpy

    folder = os.path.join(savedir, f".writing-{secrets.token_hex(4)}")
    tail = () if numpy_to_zarr.is_exact(obj.dtype) else (obj.dtype.itemsize,)
    scalars: list[bool] = []
    os.mkdir(folder)
    try:
        shape, dtype = (*obj.shape, *tail), numpy.dtype("u1" if tail else obj.dtype.str)
        stored = numpy_to_zarr.create(folder, shape, dtype, (*sides, *tail), None if shards is None else (*shards, *tail), compressors)
        if obj.size:
            cut = obj.rechunk(tuple([aligned(sizes, unit) for sizes, unit in zip(obj.chunks, units, strict=True)]))
            scalars = _write_blocks(cut, stored, bool(tail), os.path.join(folder, _FOLDER), progress)
        os.rename(os.path.join(folder, _FOLDER), os.path.join(savedir, _FOLDER))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return not obj.ndim and scalars == [True]


def _write_blocks(cut: Any, stored: Any, as_bytes: bool, path: str, progress: bool | None) -> list[bool]:
    import dask

    write = dask.delayed(partial(_write_block, stored=stored, dtype=cut.dtype, as_bytes=as_bytes, path=path), pure=False)
    edges = [accumulate(sizes, initial=0) for sizes in cut.chunks]
    boxes = [[slice(start, stop) for start, stop in pairwise(axis)] for axis in edges]
    blocks = cut.to_delayed().ravel()
    tasks = [write(block, box) for block, box in zip(blocks, product(*boxes), strict=True)]
    return compute(tasks, progress=progress, title="store a dask array")


def _write_block(block: Any, box: tuple[slice, ...], *, stored: Any, dtype: Any, as_bytes: bool, path: str) -> bool:
    """Write one chunk and return whether it was a numpy scalar, which is what a reduction leaves."""
    import numpy

    if not os.path.isdir(path):
        advice = "Where a cluster computes, its workers must reach the database under the same path"
        raise FileNotFoundError(f"a worker does not see {path}. {advice}")
    is_scalar = isinstance(block, numpy.generic)
    block = numpy.asarray(block) if is_scalar else block
    shape = tuple([side.stop - side.start for side in box])
    if type(block) is not numpy.ndarray or block.dtype != dtype or block.shape != shape:
        found = f"a {type(block).__module__}.{type(block).__qualname__} of dtype {getattr(block, 'dtype', None)}"
        raise ValueError(
            f"the chunk at {[side.start for side in box]} is {found} and shape {getattr(block, 'shape', None)}, where the array promises "
            f"numpy's {dtype} of shape {shape}. Pass dtype=, meta= or chunks= to the call that made the array, or convert with astype"
        )
    if as_bytes:
        stored[(*box, slice(None))] = numpy.ascontiguousarray(block).reshape(*shape, 1).view("u1")
    else:
        stored[box] = numpy_to_zarr.as_stored(block)
    return is_scalar


class Loader:
    """Makes the lazy array again.

    Parameters
    ----------
    dtype : str or dict
        The type, in the words of ``_numpy_dtypes``.
    shape : list of int
        Its shape.
    chunks : list
        The sizes of the chunks along each axis.
    as_bytes : bool
        Whether each value lies in the file as its bytes.
    long_double : str, optional
        How long doubles lie in the memory of the computer that wrote them.
    scalar : bool
        Whether the array, without axes, is computed to a numpy scalar.
    """

    def __init__(
        self,
        *,
        dtype: Any,
        shape: list[int],
        chunks: list[Any],
        as_bytes: bool = False,
        long_double: str | None = None,
        scalar: bool = False,
    ) -> None:
        self._dtype, self._shape, self._chunks = dtype, tuple(shape), unpacked(chunks, shape)
        self._as_bytes, self._long_double, self._is_scalar = as_bytes, long_double, scalar

    def get(self, savedir: str, *, select: Any = None) -> Any:
        """Return the lazy array; only zarr's own description is read yet.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        select : slice, int or tuple of them, optional
            Only this part of the array, as ``array[select]``, which is lazy as well.

        Raises
        ------
        ValueError
            The file is not what was stored.
        """
        array = self._array(os.path.join(os.path.abspath(savedir), _FOLDER))
        if self._is_scalar:
            array = array.map_blocks(_as_scalar, dtype=array.dtype, meta=array._meta)
        return array if select is None else array[select]

    def _array(self, path: str) -> Any:
        import dask.array
        import numpy
        from dask.base import tokenize

        kind = _numpy_dtypes.from_json(self._dtype)
        _numpy_dtypes.check_long_double(kind, self._long_double)
        tail = (kind.itemsize,) if self._as_bytes else ()
        stored = _open(path, (*self._shape, *tail), numpy.dtype("u1") if tail else numpy_to_zarr.stored_dtype(kind))
        if 0 in self._shape:
            return dask.array.zeros(self._shape, dtype=kind, chunks=self._chunks)
        found = os.stat(os.path.join(path, "zarr.json"))
        name = f"isfdb-{tokenize(path, found.st_dev, found.st_ino, found.st_mtime_ns)}"
        chunks = (*self._chunks, *[(side,) for side in tail])
        array = dask.array.from_array(stored, chunks=chunks, lock=False, name=name, inline_array=True)
        if tail:
            meta = numpy.empty((0,) * len(self._shape), kind)
            return array.map_blocks(_from_bytes, kind, dtype=kind, drop_axis=len(self._shape), meta=meta)
        return array if _numpy_dtypes.are_same(stored.dtype, kind) else array.map_blocks(_as_kind, kind, dtype=kind)


def _open(path: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """Open the zarr array and compare it with what was stored."""
    from loaderdumpers._zarr_whole import open_whole

    if not os.path.isfile(os.path.join(path, "zarr.json")):
        raise ValueError(f"{path} or the file zarr.json in it is missing; restore it from a copy")
    numpy_to_zarr.check_codecs(path)
    stored = open_whole(path)
    if stored.shape != shape or stored.dtype != dtype:
        found = f"{stored.dtype} of shape {stored.shape}"
        raise ValueError(f"{path} is {found}, where {dtype} of shape {shape} was stored; restore it from a copy")
    return stored


def _as_kind(block: Any, kind: Any) -> Any:
    return block.view(kind)


def _as_scalar(block: Any) -> Any:
    return block[()]


def _from_bytes(block: Any, kind: Any) -> Any:
    import numpy

    return numpy.ascontiguousarray(block).view(kind).reshape(block.shape[:-1])
