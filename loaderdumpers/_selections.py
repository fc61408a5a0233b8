"""Basic indexing for the option ``select``: whole numbers, slices, ``...`` and None. Not for masks or lists of numbers, which copy."""

from __future__ import annotations

import math
import operator
from typing import Any


def checked(select: Any) -> tuple[Any, ...]:
    """Return a selection as a tuple, with Python's own numbers.

    Raises
    ------
    TypeError
        It is not basic indexing.
    """
    members = select if isinstance(select, tuple) else (select,)
    return tuple(_checked(member) for member in members)


def _checked(member: Any) -> Any:
    if member is None or member is Ellipsis or isinstance(member, slice):
        return member
    if not isinstance(member, bool) and hasattr(member, "__index__") and not getattr(member, "shape", ()):
        return operator.index(member)
    raise TypeError(
        f"select takes whole numbers, slices, ... and None, as in numpy.s_[10:20, ..., 3], not {type(member).__qualname__}; "
        "load the array mapped, and index that"
    )


def expanded(select: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """Return the selection with a member for each axis: no ``...``, and slices for axes it does not speak of; None stays."""
    n_axes = sum(member is not None and member is not Ellipsis for member in select)
    n_ellipses = sum(member is Ellipsis for member in select)
    if n_axes > ndim or n_ellipses > 1:
        raise IndexError(f"select has {n_axes} indices and {n_ellipses} times '...', and the array has {ndim} axes")
    rest = (slice(None),) * (ndim - n_axes)
    if not n_ellipses:
        return (*select, *rest)
    place = next(place for place, member in enumerate(select) if member is Ellipsis)
    return (*select[:place], *rest, *select[place + 1 :])


def box(select: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[Any, ...]]:
    """Part a selection in two: forward slices of every axis, which any format reads, and an index to apply to what they gave.

    Returns
    -------
    forward : tuple of slice
        One for each axis, with a start, a stop and a positive step; empty slices stay empty.
    then : tuple
        Turns backward slices round, takes single places out of their axis, and adds new axes; ends in ``...`` where `select` has it,
        which makes an array even of a single value.
    """
    forward: list[slice] = []
    then: list[Any] = []
    sides = iter(shape)
    for member in expanded(select, len(shape)):
        if member is None:
            then.append(None)
            continue
        side = next(sides)
        one, after = _along(member, side, len(forward))
        forward.append(one)
        then.append(after)
    return tuple(forward), (*then, *(member for member in select if member is Ellipsis))


def size_of(forward: tuple[slice, ...]) -> int:
    """Return how many values forward slices take."""
    return math.prod([len(range(one.start, one.stop, one.step)) for one in forward])


def _along(member: Any, side: int, axis: int) -> tuple[slice, Any]:
    if isinstance(member, slice):
        places = range(*member.indices(side))
        if not places:
            return slice(0, 0, 1), slice(None)
        if places.step > 0:
            return slice(places.start, places[-1] + 1, places.step), slice(None)
        return slice(places[-1], places.start + 1, -places.step), slice(None, None, -1)
    if not -side <= member < side:
        raise IndexError(f"select asks for place {member} of axis {axis}, which has {side}")
    place = member % side
    return slice(place, place + 1, 1), 0
