"""Keeps a dask array in Zarr and reads it back lazily, with the same chunks. Chunks of unknown size are refused.

Zarr's chunks are all of one shape. A dask array with irregular chunks is therefore written in chunks of its largest ones, each by
one task only, so that no two tasks write one file; on reading it gets its own chunks back.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from loaderdumpers import numpy_to_zarr

priority: Final = 40


def check(obj: Any) -> bool:
    """Say whether `obj` is a dask array of numpy arrays of numbers, dates or durations. Chunks are looked at by :func:`dump`."""
    module, numpy = sys.modules.get("dask.array"), sys.modules.get("numpy")
    if module is None or numpy is None or type(obj) is not getattr(module, "Array", None):
        return False
    return type(obj._meta) is numpy.ndarray and numpy_to_zarr.is_exact(obj.dtype)


def describe(obj: Any) -> dict[str, Any]:
    """Return type, shape, dtype, size and the number of chunks; computes nothing."""
    shape = [None if side != side else int(side) for side in obj.shape]
    facts: dict[str, Any] = {"type": "dask Array", "shape": shape, "dtype": str(obj.dtype), "numblocks": list(obj.numblocks)}
    return facts if None in shape else {**facts, "nbytes": int(obj.nbytes)}


def dump(obj: Any, savedir: str, *, compressors: Any = "auto") -> dict[str, Any]:
    """Compute and write the chunks by the active client, or by threads of this process.

    Parameters
    ----------
    obj : dask.array.Array
        The value; it may read, lazily, the version before the one that is written.
    savedir : str
        Empty folder. Where a cluster computes, its workers must reach it under the same path.
    compressors : zarr codec or list of them, None, or 'auto'
        As ``zarr.create_array`` takes them. Default: zarr's own choice.

    Raises
    ------
    TypeError
        Zarr would lose something.
    ValueError
        The sizes of the chunks are unknown.
    """
    from dask.base import get_scheduler

    if not check(obj):
        advice = "convert with astype, or compute it"
        raise TypeError(f"dask_to_zarr keeps dask arrays of numbers and dates, not {type(obj).__qualname__}; {advice}")
    if any(side != side for sizes in obj.chunks for side in sizes):
        raise ValueError("the sizes of the array's chunks are unknown. Call array.compute_chunk_sizes() first, then store it.")
    chunks = tuple(max(1, *sizes) for sizes in obj.chunks)
    stored = numpy_to_zarr.create(savedir, obj.shape, obj.dtype, chunks, None, compressors)
    if obj.size:
        values = obj.map_blocks(numpy_to_zarr.as_stored, dtype=numpy_to_zarr.stored_dtype(obj.dtype)).rechunk(chunks)
        values.store(stored, lock=False, compute=True, scheduler=get_scheduler() or "threads")
    return {"dtype": obj.dtype.str, "shape": list(obj.shape), "chunks": _packed(obj.chunks)}


def _packed(chunks: Any) -> list[Any]:
    """Write [size, how many, last size] where all sizes but the last are equal, as they nearly always are."""
    regular = [len(set(sizes[:-1])) == 1 for sizes in chunks]
    return [
        {"size": int(sizes[0]), "count": len(sizes), "last": int(sizes[-1])} if same else [int(size) for size in sizes]
        for sizes, same in zip(chunks, regular, strict=True)
    ]


def _unpacked(packed: list[Any]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(one) if isinstance(one, list) else (one["size"],) * (one["count"] - 1) + (one["last"],) for one in packed)


class Loader:
    """Makes the lazy array again.

    Parameters
    ----------
    dtype : str
        numpy's short name of the type.
    shape : list of int
        Its shape.
    chunks : list
        The sizes of the chunks along each axis.
    """

    def __init__(self, *, dtype: str, shape: list[int], chunks: list[Any]) -> None:
        self._dtype, self._shape, self._chunks = dtype, tuple(shape), _unpacked(chunks)

    def get(self, savedir: str) -> Any:
        """Return the lazy array; only zarr's own description is read yet.

        Raises
        ------
        ValueError
            The file is not what was stored.
        """
        import dask.array

        stored, kind = numpy_to_zarr.open_stored(savedir, self._dtype, self._shape)
        if 0 in self._shape:
            return dask.array.zeros(self._shape, dtype=kind, chunks=self._chunks)
        array = dask.array.from_array(stored, chunks=self._chunks, lock=False)
        return array.map_blocks(_as_kind, kind, dtype=kind) if kind.kind in "mM" else array


def _as_kind(block: Any, kind: Any) -> Any:
    return block.view(kind)
