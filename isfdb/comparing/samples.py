"""Says whether two arrays whose elements differ are at least alike as samples: their means and their standard deviations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from isfdb.display.words import number_text

#: Of fewer elements nothing is said.
_LEAST: Final = 20

#: How many standard errors two means, or the logarithms of two standard deviations, may be apart.
_STANDARD_ERRORS: Final = 4.0


@dataclass
class Moments:
    """Number, mean and squared deviations of the finite elements seen so far, put together block by block.

    The updating formulas are those of T. F. Chan, G. H. Golub and R. J. LeVeque, COMPSTAT 1982.
    """

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, block: Any) -> None:
        """Take a numpy array of real numbers into account."""
        import numpy

        numbers = numpy.asarray(block, dtype=numpy.float64)
        numbers = numbers[numpy.isfinite(numbers)]
        if not numbers.size:
            return
        with numpy.errstate(all="ignore"):
            mean = float(numbers.mean())
            squares = float(numpy.square(numbers - mean).sum())
        distance, n = mean - self.mean, self.n + int(numbers.size)
        self.squares += squares + distance * distance * self.n * numbers.size / n
        self.mean += distance * numbers.size / n
        self.n = n

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return math.sqrt(self.squares / self.n) if self.n else 0.0


@dataclass
class Samples:
    """The elements of two arrays, as samples."""

    first: Moments
    second: Moments

    @classmethod
    def empty(cls) -> Samples:
        """Return those of two arrays of which nothing has been seen."""
        return cls(Moments(), Moments())

    def add(self, a: Any, b: Any) -> None:
        """Take two blocks into account; what holds no real numbers has no statistics here."""
        if {a.dtype.kind, b.dtype.kind} <= set("iuf"):
            self.first.add(a)
            self.second.add(b)

    @property
    def are_alike(self) -> bool:
        """Whether means and standard deviations differ by no more than those of two samples of one normal distribution mostly do."""
        one, other = self.first, self.second
        if one.n != other.n or one.n < _LEAST or not math.isfinite(one.squares + other.squares):
            return False
        standard_error = math.sqrt((one.deviation**2 + other.deviation**2) / one.n)
        if abs(one.mean - other.mean) > _STANDARD_ERRORS * standard_error:
            return False
        if not (one.deviation and other.deviation):
            return one.deviation == other.deviation
        return abs(math.log(one.deviation / other.deviation)) <= _STANDARD_ERRORS / math.sqrt(one.n)

    def __str__(self) -> str:
        means, deviations = ([number_text(getattr(side, name)) for side in (self.first, self.second)] for name in ("mean", "deviation"))
        return f"the same shape and statistics: mean {' → '.join(means)}, standard deviation {' → '.join(deviations)}"
