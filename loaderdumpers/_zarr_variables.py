"""Writes arrays with named dimensions, in memory or lazy, into a Zarr group, and reads them back exactly. Knows nothing of xarray.

Values lie there as they are: no scale, no offset, no value that stands for a missing one. Dates and durations are integers, text is
Zarr's ``string``; the *kind*, a small JSON-ready dict, says what they come back as.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from loaderdumpers import numpy_to_zarr
from loaderdumpers._labels import NotExactError
from loaderdumpers._numpy_facts import CHANGED

#: The largest chunk that is compressed as one; codecs fail beyond 2 GB.
_MOST_BYTES: Final = 512 * 2**20
_CHARACTER_BYTES: Final = 4
#: A stored array has as many chunks along an axis as values; an empty one, or one with empty chunks, has fewer than this.
_MOST_CHUNKS: Final = 1_000_000
_COMPARED_BYTES: Final = 32 * 2**20


def kind_of(dtype: Any) -> dict[str, str]:
    """Return what an array of this dtype comes back as.

    Raises
    ------
    NotExactError
        Zarr has no place for it.
    """
    if type(dtype).__module__.startswith("numpy") and not dtype.metadata:
        if dtype.str[1:] in numpy_to_zarr._NUMBERS or dtype.kind in "mM" or (dtype.kind == "U" and dtype.itemsize):
            return {"numpy": dtype.str}
        if dtype.kind == "O":
            return {"text": "object"}
        if dtype.kind == "T" and dtype == type(dtype)() and not hasattr(dtype, "na_object"):
            return {"text": "StringDType"}
    raise NotExactError(f"Zarr has no place for values of dtype {dtype}")


def refuse_other_objects(array: Any) -> None:
    """Raise unless an object array holds text that UTF-8 can keep, and nothing else.

    Raises
    ------
    NotExactError
    """
    values = array.ravel().tolist()
    if not all(type(one) is str for one in values):
        raise NotExactError("an object array holds something other than text")
    try:
        "".join(values).encode()
    except UnicodeEncodeError as error:
        raise NotExactError("text with half a surrogate pair has no place in a file") from error


def dtype_of(kind: dict[str, str]) -> Any:
    """Return the numpy dtype of a kind.

    Raises
    ------
    ValueError
        It is none that is written here.
    """
    import numpy

    if kind == {"text": "object"}:
        return numpy.dtype(object)
    if kind == {"text": "StringDType"}:
        return numpy.dtypes.StringDType()
    dtype = numpy.dtype(kind.get("numpy", "O"))
    if dtype.hasobject:
        raise ValueError(f"values of the unknown kind {kind} are stored; a newer isfdb may have written them")
    return dtype


def _is_text(kind: dict[str, str]) -> bool:
    return "text" in kind or kind["numpy"][1] == "U"


def _as_stored(block: Any, kind: dict[str, str]) -> Any:
    """Return values as they go to the file."""
    if not block.dtype.isnative:
        block = block.astype(block.dtype.newbyteorder("="))
    if _is_text(kind):
        block = block.astype(object)
        refuse_other_objects(block)
        return block
    return numpy_to_zarr.as_stored(block)


def _as_kind(values: Any, kind: dict[str, str]) -> Any:
    """Return values from the file as they were stored."""
    import numpy

    dtype = dtype_of(kind)
    values = numpy.asarray(values)
    if dtype.kind in "mM":
        values = values.view(dtype.newbyteorder("="))
    elif dtype.kind == "U":
        values = values.astype(dtype.newbyteorder("="))
    return values.astype(dtype, copy=False)


def _stored_dtype(kind: dict[str, str]) -> Any:
    return str if _is_text(kind) else numpy_to_zarr.stored_dtype(dtype_of(kind).newbyteorder("="))


def is_lazy(data: Any) -> bool:
    """Say whether `data` is a dask array."""
    module = sys.modules.get("dask.array")
    return module is not None and type(data) is getattr(module, "Array", None)


class Writer:
    """Creates arrays in a group, writes what is in memory at once, and what is lazy together at the end.

    Parameters
    ----------
    compressors : zarr codec or list of them, None, or 'auto'
        As ``zarr.create_array`` takes them.
    """

    def __init__(self, compressors: Any) -> None:
        self._compressors = compressors
        self._written: list[tuple[Any, Any, dict[str, str], str]] = []
        self._sources: list[Any] = []
        self._targets: list[Any] = []

    def write(self, group: Any, name: str, data: Any, dims: Sequence[str], attributes: dict[str, Any]) -> dict[str, Any]:
        """Write one array, or promise to; return its kind and, of a lazy one, its chunks.

        Raises
        ------
        NotExactError
            Something would not come back as it is.
        ValueError
            The sizes of the chunks are unknown.
        """
        import numpy

        kind = kind_of(data.dtype)
        if not is_lazy(data):
            values = _as_stored(data, kind)
            chunks = numpy_to_zarr.default_chunks(data.shape, data.dtype.itemsize)
            stored = self._create(group, name, data.shape, kind, chunks, dims, attributes)
            if data.size:
                stored[...] = values
            self._written.append((stored, data, kind, name))
            fortran = data.flags.f_contiguous and not data.flags.c_contiguous
            return {"kind": kind, "shape": list(data.shape), **({"fortran": True} if fortran else {})}
        if any(size != size for sizes in data.chunks for size in sizes):
            raise ValueError(f"the chunks of {name!r} are of unknown size. Call compute_chunk_sizes() on the array first, then store it.")
        aligned = tuple(max(1, *sizes) for sizes in data.chunks)
        stored = self._create(group, name, data.shape, kind, _split(aligned, data.dtype.itemsize), dims, attributes)
        if data.size:
            # Regular chunks, each a whole number of Zarr's: no two tasks write to one file.
            meta = numpy.empty((0,) * data.ndim, object if _is_text(kind) else _stored_dtype(kind))
            self._sources.append(data.map_blocks(_as_stored, kind, dtype=meta.dtype, meta=meta).rechunk(aligned))
            self._targets.append(stored)
        return {"kind": kind, "shape": list(data.shape), "chunks": [_packed(sizes) for sizes in data.chunks]}

    def _create(
        self, group: Any, name: str, shape: Any, kind: dict[str, str], chunks: Any, dims: Sequence[str], attributes: dict[str, Any]
    ) -> Any:
        config = {"write_empty_chunks": True}  # -0.0 equals the fill value 0.0 and would come back as it
        form = {"shape": shape, "dtype": _stored_dtype(kind), "chunks": chunks, "dimension_names": list(dims), "attributes": attributes}
        return group.create_array(name, compressors=self._compressors, config=config, **form)

    def finish(self) -> None:
        """Compute and write what is lazy, in one go, by the active client or by threads of this process; compare what was in memory.

        Raises
        ------
        ValueError
            What was written is not what an array holds.
        """
        if self._sources:
            import dask.array
            from dask.base import get_scheduler

            dask.array.store(self._sources, self._targets, lock=False, compute=True, scheduler=get_scheduler() or "threads")
        for stored, data, kind, name in self._written:
            if not all(_is_same(stored[region], _as_stored(data[region] if region else data, kind)) for region in _regions(stored)):
                raise ValueError(f"what was written of {name!r} is not what it holds: a codec loses something, or {CHANGED}")


def _regions(stored: Any) -> Iterator[tuple[slice, ...]]:
    """Part an array along its first axis, between chunks, so that comparing it takes little memory."""
    if not stored.shape or not stored.size:
        yield ()
        return
    row_bytes = max(1, stored.nbytes // stored.shape[0])
    step = max(1, _COMPARED_BYTES // (row_bytes * stored.chunks[0])) * stored.chunks[0]
    for start in range(0, stored.shape[0], step):
        yield (slice(start, start + step),)


def _is_same(found: Any, expected: Any) -> bool:
    import numpy

    if expected.dtype == object:
        return numpy.asarray(found).astype(object).tolist() == expected.tolist()
    return numpy.asarray(found).tobytes() == expected.tobytes()


def _split(chunks: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Divide chunks that are too large for a codec into equal parts."""
    parts = list(chunks)
    for axis in range(len(parts)):
        while math.prod(parts) * max(itemsize, _CHARACTER_BYTES) > _MOST_BYTES and parts[axis] > 1:
            side = parts[axis]
            factor = next((one for one in range(2, math.isqrt(side) + 1) if side % one == 0), side)
            parts[axis] = side // factor
    return tuple(parts)


def _packed(sizes: Sequence[int]) -> list[list[int]]:
    """Write runs of equal chunks as [size, how many]."""
    return [[int(size), len(list(run))] for size, run in groupby(sizes)]


def _unpacked(runs: list[list[int]], side: int) -> tuple[int, ...]:
    if sum(size * count for size, count in runs) != side or sum(count for _, count in runs) > max(side, _MOST_CHUNKS):
        raise ValueError(f"the chunks {str(runs)[:100]} do not fit the {side:,} values along an axis; restore Loader.json from a copy")
    return tuple(size for size, count in runs for _ in range(count))


def read(path: str, facts: dict[str, Any], *, lazy: bool | None = None) -> Any:
    """Read one array, or open it lazily.

    Parameters
    ----------
    path : str
        Folder of the Zarr array.
    facts : dict
        What :meth:`Writer.write` returned.
    lazy : bool, optional
        Make a dask array, or none. Default: as it was stored.

    Raises
    ------
    ValueError
        The array is not what was stored.
    """
    import numpy

    kind, shape = facts["kind"], tuple(facts["shape"])
    stored = _opened(path, kind, shape)
    chunks = tuple(_unpacked(runs, side) for runs, side in zip(facts["chunks"], shape, strict=True)) if "chunks" in facts else None
    if not (chunks is not None if lazy is None else lazy):
        from loaderdumpers._zarr_whole import check_files

        check_files(stored)
        values = _as_kind(stored[...] if stored.size else numpy.empty(shape, stored.dtype), kind).reshape(shape)
        return numpy.asfortranarray(values) if facts.get("fortran") else values
    return _lazily(stored, kind, chunks or stored.chunks)


def _opened(path: str, kind: dict[str, str], shape: tuple[int, ...]) -> Any:
    import numpy

    from loaderdumpers._zarr_whole import open_whole

    if not os.path.isfile(os.path.join(path, "zarr.json")):
        raise FileNotFoundError(f"{path} has no zarr.json; restore it from a copy")
    numpy_to_zarr.check_codecs(path)
    stored = open_whole(path)
    is_right = stored.dtype.kind in "TO" if _is_text(kind) else stored.dtype == numpy.dtype(_stored_dtype(kind))
    if stored.shape != shape or not is_right:
        found = f"{stored.dtype} of shape {stored.shape}"
        raise ValueError(f"{path} is {found}, where {kind} of shape {shape} was stored; restore it from a copy")
    return stored


def _lazily(stored: Any, kind: dict[str, str], chunks: Any) -> Any:
    import dask.array
    import numpy

    dtype = dtype_of(kind)
    if not stored.size:
        return dask.array.zeros(stored.shape, dtype=dtype, chunks=chunks)
    array = dask.array.from_array(stored, chunks=chunks, lock=False)
    if array.dtype == dtype and not _is_text(kind):
        return array
    return array.map_blocks(_as_kind, kind, dtype=dtype, meta=numpy.empty((0,) * array.ndim, dtype))
