"""What the comparisons of all kinds share: the tolerances, the way back to the whole ladder, and how a value is named in a few words."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.comparing.comparison import DIFFERENT, EQUAL, IDENTICAL, Comparison
from isfdb.identical import assert_identical

#: How many units in the last place a number may be off where no tolerance was given: sums in another order, another mathematical library.
ULPS: Final = 16


@dataclass
class Context:
    """One comparison while it runs.

    Attributes
    ----------
    rtol : float or None
        Two numbers are close where ``|a - b| <= atol + rtol * max(|a|, |b|)``, which does not depend on their order. None: a few units
        in the last place, so that it depends on their type.
    atol : float
    compare : callable
        Compares what lies inside: ``compare(a, b, where, context)``.
    statistics : bool
        Say of arrays that are different whether at least their statistics are alike.
    open_pairs : set
        What is being compared at the moment: a list that holds itself would else never end.
    done : dict
        Containers that were compared, with their comparison: a list that is a member of many others is compared once.
    """

    rtol: float | None
    atol: float
    compare: Callable[[Any, Any, str, Context], Comparison]
    statistics: bool = False
    open_pairs: set[tuple[int, int]] = field(default_factory=set)
    done: dict[tuple[int, int], tuple[Any, Any, Comparison]] = field(default_factory=dict)

    @property
    def tolerates(self) -> bool:
        """Whether any tolerance was asked for."""
        return self.rtol is None or self.rtol > 0 or self.atol > 0

    def rtol_of(self, *epsilons: float) -> float:
        """Return the relative tolerance of numbers, given the distance from 1 to the next number of each one's type; 0 of exact types."""
        return ULPS * max(epsilons) if self.rtol is None else self.rtol


def identical_or_equal(a: Any, b: Any, where: str) -> Comparison:
    """Return "identical" or, for values that were found equal already, "equal" with what is other in form."""
    why = why_not_identical(a, b)
    return Comparison(IDENTICAL if why is None else EQUAL, where, notes=() if why is None else (why,))


def why_not_identical(a: Any, b: Any) -> str | None:
    """Return in what the two are not the same to the bit; None where they are."""
    try:
        assert_identical(b, a, "the second")
    except AssertionError as error:
        return shortened(str(error), 300)
    except RecursionError:
        return "it contains itself, so its form was not compared"
    except Exception as error:  # noqa: BLE001 - the `==` of somebody's class; the values were compared already
        return f"its form could not be compared: {type(error).__name__}: {shortened(str(error), 200)}"
    return None


def kinds_differ(a: Any, b: Any, where: str) -> Comparison:
    """Return the comparison of two values of different kinds."""
    return Comparison(DIFFERENT, where, f"{kind(a)} → {kind(b)}", lines=(f"{short(a)} → {short(b)}",))


class _NotANumber:
    """Stands for a NaN among labels and names, since no NaN equals another."""

    def __repr__(self) -> str:
        return "nan"


_NAN: Final = _NotANumber()


def label(name: Any) -> Any:
    """Return a label, or the name of a member, as something that equals the same label elsewhere."""
    if type(name) is tuple:
        return tuple([label(one) for one in name])
    return _NAN if isinstance(name, float) and name != name else name


def kind(value: Any) -> str:
    """Return the name of a value's type, as users write it."""
    of = type(value)
    module = of.__module__.partition(".")[0]
    return of.__qualname__ if module in ("builtins", "__main__") else f"{module}.{of.__qualname__}"


def short(value: Any, limit: int = 80) -> str:
    """Return a value in a few words; works for any value."""
    value = plain(value)
    brief = reprlib.Repr()  # what contains itself, or the same list a thousand times, has no end otherwise
    brief.maxlevel, brief.maxstring, brief.maxother, brief.maxlong = 3, 4 * limit, 4 * limit, 4 * limit
    try:
        text = brief.repr(value)
    except Exception as error:  # noqa: BLE001 - somebody's __repr__; an integer too long to be written
        text = f"<{kind(value)} that cannot be shown: {type(error).__name__}>"
    return shortened(text, limit)


def plain(value: Any) -> Any:
    """Return a scalar of numpy, also as a part of a label, as Python's own; anything else as it is."""
    if type(value) is tuple:
        return tuple([plain(one) for one in value])
    if type(value).__module__ == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") in ("b", "i", "u", "f", "c", "U", "S"):
        return value.item() if not getattr(value, "shape", (1,)) else value
    return value


def shortened(text: str, limit: int) -> str:
    """Return a text on one line, cut in its middle."""
    if len(text) > 4 * limit:
        text = f"{text[: 2 * limit]}…{text[-2 * limit :]}"
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit // 2]} … {line[-limit // 2 :]}"
