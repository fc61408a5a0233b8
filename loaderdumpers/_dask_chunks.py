"""Arithmetic of chunks: which chunks a dask array gets in a Zarr file, and how it is cut so that no two tasks write one file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

#: Larger chunks of a dask array are kept in several of Zarr's, so that a few rows can be read without all of it.
_LARGE_BYTES: Final = 64 * 2**20


def stored_chunks(chunks: Sequence[Sequence[int]], itemsize: int) -> tuple[int, ...]:
    """Return the shape of Zarr's chunks: that of the largest of dask, cut along the first axes where it is very large."""
    shape = [max(1, *sizes) for sizes in chunks]
    for axis, side in enumerate(shape):
        n_bytes = itemsize
        for other in shape:
            n_bytes *= other
        if n_bytes <= _LARGE_BYTES:
            break
        n_parts = min(side, -(-n_bytes // _LARGE_BYTES))
        even = [n for n in range(n_parts, min(side, 2 * n_parts) + 1) if side % n == 0]
        shape[axis] = -(-side // (even[0] if even else n_parts))
    return tuple(shape)


def aligned(sizes: Sequence[int], unit: int) -> tuple[int, ...]:
    """Return chunks that are cut nearly where `sizes` are, but only at multiples of `unit`.

    Two tasks that write into one chunk of a file, each reading it first, would lose what the other wrote.
    """
    total = sum(sizes)
    ends, end = set(), 0
    for size in sizes:
        end += size
        ends.add(min(total, (end + unit // 2) // unit * unit))
    edges = sorted({0, total, *ends})
    return tuple([stop - start for start, stop in pairwise(edges)]) or (0,)


def check_layout(shape: Sequence[int], chunks: Any, shards: Any) -> None:
    """Refuse chunks and shards that do not fit the array, or each other.

    Raises
    ------
    TypeError
    """
    for name, given in (("chunks", chunks), ("shards", shards)):
        sides = given if isinstance(given, (tuple, list)) else (None,)
        if given is not None and (len(sides) != len(shape) or not all(type(side) is int and side > 0 for side in sides)):
            raise TypeError(f"{name}={given!r} was asked for; pass {len(shape)} whole numbers above 0, one for each axis of {tuple(shape)}")
    if shards is not None and chunks is not None and any(shard % chunk for shard, chunk in zip(shards, chunks, strict=True)):
        raise TypeError(f"shards={tuple(shards)} are no multiples of chunks={tuple(chunks)}; choose a multiple along each axis")


def packed(chunks: Sequence[Sequence[int]]) -> list[Any]:
    """Write [size, how many, last size] where all sizes but the last are equal, as they nearly always are."""
    regular = [len(set(sizes[:-1])) == 1 for sizes in chunks]
    return [
        {"size": int(sizes[0]), "count": len(sizes), "last": int(sizes[-1])} if same else [int(size) for size in sizes]
        for sizes, same in zip(chunks, regular, strict=True)
    ]


#: Of empty chunks there may be more than there are values, but not any number.
_MOST_EMPTY = 1_000_000


def unpacked(described: Sequence[Any], shape: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return the chunks that :func:`packed` wrote.

    Raises
    ------
    ValueError
        They do not add up to the shape.
    """
    for one, side in zip(described, shape, strict=False):  # before as many are made as a changed count says
        if isinstance(one, dict) and one["count"] > max(side, _MOST_EMPTY):
            raise ValueError(f"Loader.json has {one['count']:,} chunks along {side:,} values; restore it from a copy")
    chunks = tuple([tuple(one) if isinstance(one, list) else (one["size"],) * (one["count"] - 1) + (one["last"],) for one in described])
    if tuple([sum(sizes) for sizes in chunks]) != tuple(shape):
        raise ValueError(f"Loader.json has chunks {described} for the shape {tuple(shape)}; restore it from a copy")
    return chunks
