"""Cuts large arrays into blocks that fit into memory, along the chunks in which they lie on the disk. Compares nothing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

#: A block of each of two arrays, and what is computed from them, take a few times so many bytes.
BLOCK_BYTES: Final = 8_000_000


@dataclass(frozen=True)
class Blocks:
    """An array of any library, read block by block.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    read : callable
        Takes a tuple of slices, one an axis, and gives a numpy array.
    chunks : tuple of int or None
        The shape of the pieces in which it lies on the disk, or is computed.
    is_fortran : bool
        The first axis varies fastest.
    mask : callable or None
        Of a masked array, reads where it has no elements.
    """

    shape: tuple[int, ...]
    dtype: Any
    read: Callable[[tuple[slice, ...]], Any]
    chunks: tuple[int, ...] | None = None
    is_fortran: bool = False
    mask: Callable[[tuple[slice, ...]], Any] | None = None


def block_shape(shape: tuple[int, ...], itemsize: int, chunks: tuple[int, ...] | None, *, is_fortran: bool = False) -> tuple[int, ...]:
    """Return the shape of the blocks to read: whole chunks, as many as fit into :data:`BLOCK_BYTES`, and at least one."""
    block = [min(chunk, size) for chunk, size in zip(chunks, shape, strict=True)] if chunks else [1] * len(shape)
    for axis in range(len(shape)) if is_fortran else reversed(range(len(shape))):
        times = BLOCK_BYTES // max(math.prod(block) * max(itemsize, 1), 1)
        if times <= 1:
            break
        block[axis] = min(shape[axis], block[axis] * times)
    return tuple(block)


def slices_of(shape: tuple[int, ...], block: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Yield the slices that cut an array of `shape` into blocks; one for an array without axes, none for an empty one."""
    if 0 in shape:
        return
    ranges = [[slice(start, min(start + step, size)) for start in range(0, size, step)] for size, step in zip(shape, block, strict=True)]
    yield from itertools.product(*ranges)


def starts(slices: tuple[slice, ...]) -> tuple[int, ...]:
    """Return the first index of a block."""
    return tuple([one.start for one in slices])
