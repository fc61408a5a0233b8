"""Says where two plain numpy arrays are equal, element for element. By how much others differ is counted in `elements.py`.

A NaN equals a NaN, NaT equals NaT, a missing element a missing one; 0.0 equals -0.0, though then the arrays are not identical.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy

NUMBERS: Final = "iufc"
_TEXTS: Final = "UTO"


def dtypes_compare(a: numpy.dtype[Any], b: numpy.dtype[Any]) -> bool:
    """Say whether elements of these two dtypes can be equal at all."""
    if a == b or (a.kind in NUMBERS and b.kind in NUMBERS) or (a.kind in _TEXTS and b.kind in _TEXTS):
        return True
    if "O" in (a.kind, b.kind):
        return True
    if a.kind != b.kind or a.kind not in "mMSb":
        return False
    if a.kind in "mM":
        return _common(a, b) is not None
    return True


def _common(a: numpy.dtype[Any], b: numpy.dtype[Any]) -> numpy.dtype[Any] | None:
    import numpy

    try:
        return numpy.result_type(a, b)
    except (TypeError, OverflowError):  # months and days have no unit in common; years and picoseconds none that fits
        return None


def same_bytes(a: Any, b: Any) -> bool:
    """Say whether two arrays have the same dtype and, for what holds no Python objects, the same bytes."""
    if a.dtype != b.dtype or a.dtype.hasobject or a.dtype.kind in "gGT" or a.dtype.char in "gG":
        return False
    return bool(a.tobytes() == b.tobytes())


def same_signs_too(a: Any, b: Any, equal: Any) -> bool:
    """Say the same of numbers with unused bytes in them, and of texts that are objects."""
    import numpy

    if a.dtype != b.dtype or not equal.all():
        return False
    if a.dtype.char == "g":
        return bool((numpy.signbit(a) == numpy.signbit(b)).all())
    if a.dtype.char == "G":
        return bool((numpy.signbit(a.real) == numpy.signbit(b.real)).all() and (numpy.signbit(a.imag) == numpy.signbit(b.imag)).all())
    return a.dtype.kind in ("T", "O")


def where_equal(a: Any, b: Any) -> Any:
    """Return where two arrays are equal, or both have no number."""
    import numpy

    kinds = {a.dtype.kind, b.dtype.kind}
    if kinds & {"O", "T"}:
        return _equal_objects(a, b)
    if kinds in ({"m"}, {"M"}) and a.dtype != b.dtype:
        return _equal_times(a, b)
    if kinds <= set("iuf") and len(kinds) > 1:
        a, b = exact(a), exact(b)
    with numpy.errstate(all="ignore"):
        equal = numpy.asarray(a == b)
        if kinds <= set("fmM"):
            return equal | ((a != a) & (b != b))
        if kinds <= set(NUMBERS) and "c" in kinds:
            real = (a.real == b.real) | (numpy.isnan(a.real) & numpy.isnan(b.real))
            return real & ((a.imag == b.imag) | (numpy.isnan(a.imag) & numpy.isnan(b.imag)))
    return equal


def _equal_times(a: Any, b: Any) -> Any:
    """Compare times of two units; one that the common unit cannot hold, and numpy would wrap around, equals none."""
    import numpy

    common = numpy.result_type(a.dtype, b.dtype)
    one, other = a.astype(common), b.astype(common)
    is_held = ((one.astype(a.dtype) == a) | numpy.isnat(a)) & ((other.astype(b.dtype) == b) | numpy.isnat(b))
    return is_held & ((one == other) | (numpy.isnat(a) & numpy.isnat(b)))


def _equal_objects(a: Any, b: Any) -> Any:
    """Compare texts that are Python objects, or what stands among them for a missing one."""
    import numpy

    pairs = zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True)
    found = [one is other or (type(one) is type(other) and bool(one == other or (one != one and other != other))) for one, other in pairs]
    return numpy.array(found, bool).reshape(a.shape)


def exact(numbers: Any) -> Any:
    """Return numbers of a type in which their differences are as exact as they can be."""
    import numpy

    if numbers.dtype.kind == "c":
        return numbers.astype(numpy.result_type(numbers.dtype, numpy.complex128))
    if numbers.dtype.kind in "iu" and numbers.dtype.itemsize == 8:
        return numbers.astype(numpy.longdouble)
    return numbers.astype(numpy.result_type(numbers.dtype, numpy.float64))
