"""Counts in what the elements of two numpy arrays differ, block by block: how many, by how much, where. Knows no containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from isfdb.comparing.comparison import CLOSE, DIFFERENT, EQUAL, IDENTICAL
from isfdb.comparing.context import short
from isfdb.comparing.equality import NUMBERS, exact, same_bytes, same_signs_too, where_equal
from isfdb.comparing.samples import Samples
from isfdb.display.words import number_text

if TYPE_CHECKING:
    from isfdb.comparing.context import Context

#: Units in the last place tell something while they are few.
_MOST_ULPS: Final = 10_000


@dataclass
class Largest:
    """The largest difference so far: its size, where it is, and the two elements."""

    size: float = -1.0
    at: tuple[int, ...] = ()
    pair: tuple[Any, Any] = (None, None)


class Tally:
    """What differs between two arrays, gathered from blocks of them.

    Parameters
    ----------
    context : Context
        Of which the tolerances matter here.

    Attributes
    ----------
    n, n_different, n_beyond, n_one_sided : int
        Elements; those that differ; those that differ by more than the tolerances; those of which only one is a finite number.
    same_bits : bool
        Not one bit differs so far.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.n = self.n_different = self.n_beyond = self.n_one_sided = 0
        self.same_bits = True
        self.first: Largest | None = None
        self.absolute, self.relative = Largest(), Largest()
        self.ulps: int | None = None
        self._unit = ""
        self._samples = Samples.empty() if context.statistics else None

    def add(self, a: Any, b: Any, start: tuple[int, ...] = (), missing: tuple[Any, Any] | None = None) -> None:
        """Take two arrays of one shape into account.

        Parameters
        ----------
        a, b : numpy.ndarray
            Plain ones, without fields, of dtypes that :func:`dtypes_compare`; not of objects but texts.
        start : tuple of int
            Where the block begins in the whole.
        missing : pair of numpy.ndarray, optional
            Where each has no value: masks of the same shape.
        """
        import numpy

        a, b = numpy.asarray(a), numpy.asarray(b)
        self.n += int(a.size)
        if self._samples is not None:
            self._samples.add(a, b)
        if missing is not None and not (missing[0].any() or missing[1].any()):
            missing = None
        if missing is not None and a.dtype == b.dtype:
            b = numpy.where(missing[0] & missing[1], a, b)  # what lies under a gap means nothing
        if same_bytes(a, b) and (missing is None or bool((missing[0] == missing[1]).all())):
            return
        equal = where_equal(a, b)
        if missing is not None:
            equal = numpy.where(missing[0] | missing[1], missing[0] & missing[1], equal)
        self.same_bits = self.same_bits and same_signs_too(a, b, equal)
        places = numpy.flatnonzero(~equal)
        if places.size:
            self._note(_Unequal(a, b, places, start, missing))

    def _note(self, unequal: _Unequal) -> None:
        """Take pairs that are not equal into account."""
        self.n_different += int(unequal.places.size)
        self.first = self.first or unequal.largest(0.0, 0)
        kinds = {unequal.first.dtype.kind, unequal.second.dtype.kind}
        if kinds <= set(NUMBERS):
            self._measure(unequal)
        elif kinds in ({"m"}, {"M"}):
            self._measure_times(unequal)
        else:
            self.n_beyond += int(unequal.places.size)

    def _measure(self, unequal: _Unequal) -> None:
        """Take the distances between numbers into account."""
        import numpy

        one, other = exact(unequal.first), exact(unequal.second)
        with numpy.errstate(all="ignore"):
            finite = numpy.isfinite(one) & numpy.isfinite(other) & unequal.both_there
            kept = numpy.flatnonzero(finite)
            one, other = one[kept], other[kept]
            distance, sizes = abs(one - other), numpy.maximum(abs(one), abs(other))
            is_close = distance <= self._context.atol + self._context.rtol_of(*map(_epsilon, (unequal.first, unequal.second))) * sizes
            relative = distance / sizes
        n_one_sided = int(unequal.places.size - kept.size)
        self.n_one_sided += n_one_sided
        self.n_beyond += n_one_sided + int((~is_close).sum())
        self.absolute = unequal.larger(self.absolute, distance, kept)
        self.relative = unequal.larger(self.relative, relative, kept)
        self._count_ulps(unequal.first[kept], unequal.second[kept])

    def _measure_times(self, unequal: _Unequal) -> None:
        """Take the distances between times, or durations, into account; there is no tolerance for them."""
        import numpy

        common = numpy.result_type(unequal.first.dtype, unequal.second.dtype)
        first, second = unequal.first.astype(common), unequal.second.astype(common)
        self._unit, multiple = numpy.datetime_data(common)
        held = (first.astype(unequal.first.dtype) == unequal.first) & (second.astype(unequal.second.dtype) == unequal.second)
        kept = numpy.flatnonzero(held & unequal.both_there)  # NaT equals nothing, nor does what the common unit cannot hold
        one, other = (side[kept].astype(common.newbyteorder("=")).view("i8").astype(numpy.longdouble) for side in (first, second))
        self.n_one_sided += int(unequal.places.size - kept.size)
        self.n_beyond += int(unequal.places.size)
        self.absolute = unequal.larger(self.absolute, abs(one - other) * multiple, kept)

    def _count_ulps(self, first: Any, second: Any) -> None:
        import numpy

        if not first.size or first.dtype != second.dtype or first.dtype.kind != "f" or first.dtype.itemsize > 8:
            return
        one, other = _ordered(first), _ordered(second)
        self.ulps = max(int((numpy.maximum(one, other) - numpy.minimum(one, other)).max()), self.ulps or 0)

    @property
    def status(self) -> str:
        """The rung of the ladder, as far as the elements tell."""
        if self.n_beyond:
            return DIFFERENT
        if self.n_different:
            return CLOSE
        return IDENTICAL if self.same_bits else EQUAL

    @property
    def because(self) -> str:
        """How many differ."""
        if not self.n_different:
            return ""
        if self.n == 1 and self.first is not None:
            return _pair(self.first)
        return f"{self.n_different:,} of {self.n:,} elements differ ({100 * self.n_different / self.n:.3g} %)"

    def lines(self, name_of: Any = None) -> tuple[str, ...]:
        """Return by how much, and where; `name_of` turns an index into words."""

        def name(largest: Largest) -> str:
            return f" at {(name_of or place_text)(largest.at)}: {_pair(largest)}" if largest.at else ""

        found = []
        if self.absolute.size >= 0:
            found.append(f"largest absolute difference {self._amount()}{name(self.absolute)}")
            if self.relative.size > 0:
                found.append(f"largest relative difference {number_text(self.relative.size)}{name(self.relative)}")
            if self.ulps is not None and self.ulps <= _MOST_ULPS:
                found.append(f"at most {number_text(self.ulps)} units in the last place")
        elif self.first is not None and self.n > 1:
            found.append(f"the first{name(self.first)}")
        if self.n_one_sided and self.n > 1:
            where = f"{self.n_one_sided:,} pairs" if self.n_one_sided > 1 else "one pair"
            found.append(f"in {where} an element is NaN, infinite or missing")
        if self.n_different and self.n_beyond < self.n_different:
            found.append(f"{self.n_beyond:,} differ by more than the tolerance")
        if self._are_alike:
            found.append(str(self._samples))
        return tuple(found)

    def _amount(self) -> str:
        if not self._unit:
            one, other = self.absolute.pair
            exact = abs(int(one) - int(other)) if _are_whole(one, other) else self.absolute.size
            return number_text(exact)
        import numpy

        size = int(self.absolute.size)
        return str(numpy.timedelta64(size, self._unit)) if size < 2**63 - 1 else "more than can be written"

    def measures(self) -> dict[str, Any]:
        """Return numbers for programs."""
        found: dict[str, Any] = {"n": self.n, "n_different": self.n_different, "n_one_sided": self.n_one_sided}
        if self.first is not None:
            found["first_at"] = list(self.first.at)
        if self.absolute.size >= 0:
            found["largest_absolute"] = self._amount() if self._unit else self.absolute.size
            found["at"] = list(self.absolute.at)
            if self.relative.size >= 0:
                found |= {"largest_relative": self.relative.size, "relative_at": list(self.relative.at)}
        if self.ulps is not None:
            found["ulps"] = self.ulps
        if self._are_alike:
            found["alike"] = True
        return found

    @property
    def _are_alike(self) -> bool:
        return self._samples is not None and self.status == DIFFERENT and self._samples.are_alike


def place_text(index: tuple[int, ...]) -> str:
    """Return an index as it is written in Python."""
    return f"[{', '.join(map(str, index))}]"


def _are_whole(one: Any, other: Any) -> bool:
    return all(getattr(getattr(side, "dtype", None), "kind", "") in ("i", "u") for side in (one, other))


def _pair(largest: Largest) -> str:
    return " → ".join([_written(side) for side in largest.pair])


def _written(element: Any) -> str:
    """Return an element as Python writes it, without the name of its dtype."""
    if element is None:
        return "missing"
    kind = getattr(getattr(element, "dtype", None), "kind", "")
    if kind in "mM" and kind:
        return str(element)
    return short(element)


@dataclass(frozen=True)
class _Unequal:
    """The pairs of one block that are not equal.

    Attributes
    ----------
    first, second : numpy.ndarray
        Their elements, in one row.
    places : numpy.ndarray
        Where they stand in the block, counted as if it were one row.
    """

    a: Any
    b: Any
    places: Any
    start: tuple[int, ...]
    missing: tuple[Any, Any] | None

    @property
    def first(self) -> Any:
        return self.a.reshape(-1)[self.places]

    @property
    def second(self) -> Any:
        return self.b.reshape(-1)[self.places]

    @property
    def both_there(self) -> Any:
        """Where neither is missing."""
        import numpy

        if self.missing is None:
            return numpy.ones(self.places.size, bool)
        return ~(self.missing[0] | self.missing[1]).reshape(-1)[self.places]

    def larger(self, known: Largest, sizes: Any, kept: Any) -> Largest:
        """Return the largest of `sizes`, which are those of the pairs `kept`, if it is larger than what is `known`."""
        import numpy

        if not kept.size:
            return known
        place = int(numpy.argmax(sizes))
        return self.largest(float(sizes[place]), int(kept[place])) if float(sizes[place]) > known.size else known

    def largest(self, size: float, place: int) -> Largest:
        """Return one pair with its place in the whole."""
        import numpy

        flat, shape = int(self.places[place]), self.a.shape
        index = numpy.unravel_index(flat, shape) if shape else ()
        at = tuple([int(one) + zero for one, zero in zip(index, self.start or (0,) * len(shape), strict=True)])
        gaps = [False, False] if self.missing is None else [bool(one.reshape(-1)[flat]) for one in self.missing]
        pair = [None if gap else side.reshape(-1)[flat] for side, gap in zip((self.a, self.b), gaps, strict=True)]
        return Largest(size, at, (pair[0], pair[1]))


def _epsilon(numbers: Any) -> float:
    """Return the distance from 1 to the next number of the same type; 0 for whole numbers, which are exact."""
    import numpy

    return float(numpy.finfo(numbers.dtype).eps) if numbers.dtype.kind in "fc" else 0.0


def _ordered(numbers: Any) -> Any:
    """Return floats as whole numbers that count them in order."""
    import numpy

    native = numbers.astype(numbers.dtype.newbyteorder("="))
    whole = native.view(f"u{native.dtype.itemsize}")
    sign = whole.dtype.type(1 << (8 * whole.dtype.itemsize - 1))
    return numpy.where(whole & sign, sign - (whole & ~sign), whole + sign)
