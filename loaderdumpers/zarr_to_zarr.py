"""Keeps a ``zarr.Array`` by copying its chunks as they are; it comes back read-only, and reads a chunk when it is indexed.

Without a loaderdumper of its own it would be pickled, and a pickled Zarr array names the place of its chunks and holds none of them.
Chunks that were never written stay unwritten, so a sparse array takes the space of what was written into it.
"""

from __future__ import annotations

import math
import os
import re
import sys
from typing import Any, Final

from isfdb.memory import require
from loaderdumpers._selections import box, checked, size_of
from loaderdumpers.numpy_to_zarr import check_codecs

__all__ = ["Loader", "check", "describe", "dump"]

priority: Final = 33
requires: Final = {"zarr": "3"}
load_plainly: Final = "loaderdumpers.plainly.arrays:read_zarr_array"
about: Final = {
    "types": ("zarr.Array",),
    "keeps": "Zarr arrays of format 3: chunks, codecs, fill value and attributes",
    "format": "Zarr 3",
    "files": "`data.zarr`",
    "exact": True,
    "lazy": "zarr array",
    "append": False,
}

_FOLDER: Final = "data.zarr"
_DESCRIPTION: Final = "zarr.json"
_CHUNK: Final = re.compile(r"(c[./])?[0-9]+([./][0-9]+)*|c")
_ADVICE: Final = "Store its values in chunks instead: db[key] = dask.array.from_zarr(array); or as a whole: db[key] = array[...]"


def check(obj: Any) -> bool:
    """Say whether `obj` is of zarr. What cannot be kept is refused by :func:`dump`: pickled, it would be a place, not values."""
    zarr = sys.modules.get("zarr")
    kinds = [getattr(zarr, name, None) for name in ("Array", "Group", "AsyncArray", "AsyncGroup")] if zarr is not None else []
    return any(type(obj) is kind for kind in kinds)


def describe(obj: Any) -> dict[str, Any]:
    """Return type, shape, dtype, size, and the shape of the chunks."""
    if not hasattr(obj, "shape"):
        return {"type": f"zarr {type(obj).__name__}"}
    facts = {"type": f"zarr {type(obj).__name__}", "shape": list(obj.shape), "dtype": str(obj.dtype)[:60]}
    return {**facts, "chunksize": list(obj.chunks), "nbytes": int(obj.nbytes)}


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Copy the chunks to ``data.zarr``.

    Parameters
    ----------
    obj : zarr.Array
        The value, in any store. Nobody may write into it meanwhile.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        It is a group, an array of Zarr's format 2, or has a codec that might run code.
    """
    import zarr

    if type(obj) is not zarr.Array:
        raise TypeError(f"a zarr {type(obj).__name__} is not kept: it names values that lie elsewhere. Store each of its arrays")
    if obj.metadata.zarr_format != 3:
        raise TypeError(f"arrays of Zarr's format {obj.metadata.zarr_format} are not copied. {_ADVICE}")
    path = os.path.join(savedir, _FOLDER)
    n_chunks = _copy(obj, path)
    try:
        check_codecs(path)
    except ValueError as error:
        raise TypeError(f"{error}. {_ADVICE}") from error
    part = obj.shards or obj.chunks
    n_all = math.prod(-(-side // step) for side, step in zip(obj.shape, part, strict=True))
    return {"dtype": str(obj.dtype), "shape": list(obj.shape), **({"sparse": True} if n_chunks < n_all else {})}


def _copy(array: Any, path: str) -> int:
    """Copy an array's description and its chunks, one after the other; return how many chunks there are."""
    from zarr.core.sync import sync  # a store may belong to zarr's own event loop

    os.mkdir(path)
    return int(sync(_copy_chunks(array.store, array.path, path)))


async def _copy_chunks(store: Any, place: str, path: str) -> int:
    from zarr.core.buffer import default_buffer_prototype

    prefix = f"{place}/" if place else ""
    prototype, n_chunks = default_buffer_prototype(), 0
    async for key in store.list_prefix(prefix):
        name = key.removeprefix(prefix)
        if name != _DESCRIPTION and not _CHUNK.fullmatch(name):
            continue
        found = await store.get(key, prototype)
        if found is None:
            raise ValueError(f"the chunk {key} of the array disappeared while it was copied; store it when nobody writes into it")
        target = os.path.join(path, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(found.to_bytes())
        n_chunks += name != _DESCRIPTION
    return n_chunks


class Loader:
    """Opens the array, or reads a part of it.

    Parameters
    ----------
    dtype : str
        Of its values.
    shape : list of int
        Its shape.
    sparse : bool
        Some of its chunks were never written.
    """

    def __init__(self, *, dtype: str, shape: list[int], sparse: bool = False) -> None:
        self._dtype, self._shape, self._sparse = dtype, tuple(shape), sparse

    def get(self, savedir: str, *, select: Any = None) -> Any:
        """Return the read-only array, which reads a chunk when it is indexed; or a part of it, in memory.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        select : int, slice, Ellipsis, None or a tuple of them
            Read only the chunks this needs, and return this part as a numpy array.

        Raises
        ------
        ValueError
            The file is not what was stored.
        TypeError
            `select` is no basic indexing.
        """
        import numpy

        from loaderdumpers._zarr_whole import open_whole

        path = os.path.join(os.path.abspath(savedir), _FOLDER)
        check_codecs(path)
        stored = open_whole(path, may_lack_chunks=self._sparse)
        if stored.shape != self._shape or str(stored.dtype) != self._dtype:
            found = f"{stored.dtype} of shape {stored.shape}"
            raise ValueError(f"{path} is {found}, where {self._dtype} of shape {self._shape} was stored; restore it from a copy")
        if select is None:
            return stored
        forward, then = box(checked(select), self._shape)
        require(stored.dtype.itemsize * size_of(forward), f"the part {select!r:.100} of {path}")
        return numpy.asarray(stored[forward])[then]
