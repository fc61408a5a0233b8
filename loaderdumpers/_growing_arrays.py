"""How arrays grow: what may be appended, and how blocks become one array. Shared by their loaderdumpers; opens no files itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isfdb.parts import load_part
from loaderdumpers._numpy_dtypes import are_same

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


def fits(sample: np.ndarray, addition: Any, *, axis: int, extent: int) -> np.ndarray:
    """Return what is appended, having refused what would change the type or shape of the whole.

    Parameters
    ----------
    sample : numpy.ndarray
        The array as it is, empty along `axis`.
    addition : numpy.ndarray
        Of the same dtype; the same shape but along `axis`, which it may lack: then it is one row.
    axis : int
        Along which the array grows, from 0.
    extent : int
        How long the array is along `axis`; not needed here.

    Raises
    ------
    TypeError
        It does not fit.
    """
    import numpy

    if sample.ndim == 0:
        raise TypeError("an array without axes cannot grow; store it as numpy.array([value])")
    if type(sample) not in (numpy.ndarray, numpy.memmap):
        raise TypeError(f"a {type(sample).__qualname__} cannot grow; store it as numpy.asarray(value)")
    if type(addition) is not numpy.ndarray or not are_same(addition.dtype, sample.dtype):
        found = f"an array of {addition.dtype}" if isinstance(addition, numpy.ndarray) else f"a {type(addition).__qualname__}"
        advice = f"convert it: numpy.asarray(block, dtype={str(sample.dtype)[:100]!r})"
        raise TypeError(f"the array holds {sample.dtype} and what was given is {found}; {advice}")
    rows = addition if addition.ndim == sample.ndim else numpy.expand_dims(addition, axis) if addition.ndim == sample.ndim - 1 else None
    others = [side for place, side in enumerate(sample.shape) if place != axis]
    if rows is None or [side for place, side in enumerate(rows.shape) if place != axis] != others:
        wanted = tuple("n" if place == axis else side for place, side in enumerate(sample.shape))
        shown = ", ".join(map(str, wanted))
        raise TypeError(f"along axis {axis} the array takes blocks of shape ({shown}), and what was given has shape {addition.shape}")
    return rows


def extent(array: np.ndarray, axis: int) -> int:
    """Return the length of `array` along `axis`."""
    return int(array.shape[axis])


def join(arrays: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Return the arrays as one, of the very dtype of the first: numpy by itself drops byte order, padding and metadata."""
    import numpy

    if len(arrays) == 1:
        return arrays[0]
    first = arrays[0]
    shape = [*first.shape[:axis], sum(array.shape[axis] for array in arrays), *first.shape[axis + 1 :]]
    is_fortran = all(array.flags.f_contiguous and not array.flags.c_contiguous for array in arrays)
    return numpy.concatenate(arrays, axis=axis, out=numpy.empty(shape, first.dtype, order="F" if is_fortran else "C"))


def join_lazily(blocks: Sequence[tuple[dict[str, Any], str]], axis: int, lengths: Sequence[int]) -> Any:
    """Return a dask array with a chunk for each block, which is read when it is needed.

    Parameters
    ----------
    blocks : sequence of (dict, str)
        Spec and folder of each.
    lengths : sequence of int
        How long each is along `axis`.
    """
    import dask
    import dask.array

    sample = load_part(*blocks[0], select=(*[slice(None)] * axis, slice(0, 0)))
    load = dask.delayed(load_part, pure=False)
    sides = [tuple(length if place == axis else side for place, side in enumerate(sample.shape)) for length in lengths]
    parts = [dask.array.from_delayed(load(*block), side, sample.dtype) for block, side in zip(blocks, sides, strict=True)]
    return dask.array.concatenate(parts, axis=axis)
