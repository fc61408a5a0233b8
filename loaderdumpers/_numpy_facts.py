"""What is shown of an array without loading it: facts that are free, and statistics where the user asks for them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

#: What a second thread did, and what to do about it. Every loaderdumper of arrays compares what it wrote with memory at the end.
CHANGED: Final = "the array was changed by another thread while it was stored; store a copy"

_PIECE: Final = 2**18  # numbers looked at in one go: they stay in the processor's cache


def describe(obj: np.ndarray) -> dict[str, Any]:
    """Return type, shape, dtype and size."""
    facts = {"type": type(obj).__name__, "shape": list(obj.shape), "dtype": str(obj.dtype)[:200], "nbytes": int(obj.nbytes)}
    return facts | ({"order": "F"} if obj.ndim > 1 and obj.flags.f_contiguous and not obj.flags.c_contiguous else {})


def summarise(obj: np.ndarray) -> dict[str, Any]:
    """Return minimum, maximum, mean and the number of missing values, as far as the type has them.

    NaN and NaT are counted and left out. Numbers that JSON lacks, as infinity, are given as text.
    """
    if obj.size == 0:
        return {}
    if obj.dtype.kind in "biuf":
        return _of_numbers(obj)
    if obj.dtype.kind in "mM":
        return _of_times(obj)
    return {"n_nan": _n_nan(obj)} if obj.dtype.kind == "c" else {}


def _n_nan(obj: Any) -> int:
    import numpy

    with numpy.errstate(all="ignore"):  # nan of some bits is told to be invalid
        return sum(int((piece != piece).sum()) for piece in _pieces(obj))


def _pieces(obj: Any) -> Iterator[Any]:
    import numpy

    yield from numpy.nditer(obj, flags=["external_loop", "buffered"], buffersize=_PIECE, order="K")


def _of_numbers(obj: Any) -> dict[str, Any]:
    import numpy

    lows, highs, total, n_nan = [], [], 0.0, 0
    is_float = obj.dtype.kind == "f"
    with numpy.errstate(all="ignore"):  # nan of some bits, infinity less infinity
        for piece in _pieces(obj):
            numbers = piece[piece == piece] if is_float else piece
            n_nan += piece.size - numbers.size
            if numbers.size:
                lows.append(numbers.min())
                highs.append(numbers.max())
                total += float(numbers.sum(dtype=numpy.float64))
    n_numbers = obj.size - n_nan
    found = {"min": plain_number(min(lows)), "max": plain_number(max(highs)), "mean": plain_number(total / n_numbers)} if n_numbers else {}
    return found | ({"n_nan": n_nan} if is_float else {})


def _of_times(obj: Any) -> dict[str, Any]:
    import numpy

    lows, highs, n_nat = [], [], 0
    for piece in _pieces(obj):
        times = piece[~numpy.isnat(piece)]
        n_nat += piece.size - times.size
        if times.size:
            lows.append(times.min())
            highs.append(times.max())
    has_words = bool(lows) and numpy.datetime_data(obj.dtype)[0] != "generic"  # without a unit numpy cannot say which date it is
    return ({"min": str(min(lows)), "max": str(max(highs))} if has_words else {}) | {"n_nat": n_nat}


def plain_number(number: Any) -> Any:
    """Return a number as JSON has it, or as text."""
    value = number.item() if hasattr(number, "item") else number
    if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)
