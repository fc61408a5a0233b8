"""Compares any two values: finds out what they are, and who knows how to compare them. The first rung of the ladder for replays, too."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Mapping
from typing import Any

from isfdb.comparing.arrays import blocks_of, compare_arrays, compare_sparse, of_members
from isfdb.comparing.comparison import CLOSE, DIFFERENT, EQUAL, IDENTICAL, NOT_COMPARED, SAME_PART, Comparison, Parts, at, pruned
from isfdb.comparing.containers import (
    code_of,
    compare_mappings,
    compare_objects,
    compare_parts,
    compare_sequences,
    compare_sets,
    with_notes,
)
from isfdb.comparing.context import Context, identical_or_equal, kind, kinds_differ, plain, short, shortened, why_not_identical
from isfdb.comparing.text import compare_bytes, compare_texts
from isfdb.comparing.twins import are_twins, compare_twins
from isfdb.display.words import number_text
from isfdb.errors import OptionError
from isfdb.facets import facets

_PLAIN = frozenset({int, str, float, bool, bytes, type(None)})
_CONTAINERS = (list, dict, tuple)
_BYTES = (bytes, bytearray, memoryview)


def compare_values(a: Any, b: Any, *, rtol: float | None = 0.0, atol: float = 0.0, statistics: bool = False) -> Comparison:
    """Compare two values of any type, as far as their type lets itself be compared.

    Parameters
    ----------
    a, b : object
        Arrays of zarr, dask and h5py and mapped ones are read block by block, never whole.
    rtol : float or None
        Numbers are "close" where ``|a - b| <= atol + rtol * max(|a|, |b|)``. Without both nothing is merely close. None: 16 units in the
        last place of the less precise of the two types, and 0 for whole numbers.
    atol : float
    statistics : bool
        Say of arrays that are different whether their means and standard deviations are at least as near to each other as those of two
        random samples of one distribution mostly are.

    Returns
    -------
    Comparison
        NaN equals NaN at the same place.

    Raises
    ------
    OptionError
        A tolerance is negative, or no number.

    Examples
    --------
    >>> from isfdb.comparing.values import compare_values
    >>> print(compare_values({"rate": 3.0}, {"rate": 3.5}))
    different: 1 of 1 members differ
      ['rate']: different: 3.0 → 3.5
        absolute difference 0.5, relative 0.142857
    """
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance is None and name == "rtol":
            continue
        if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not tolerance >= 0:
            raise OptionError(f"{name}={short(tolerance)} is no tolerance. Give a number from 0, as rtol=1e-9.", **{name: tolerance})
    try:
        return pruned(compare(a, b, "", Context(None if rtol is None else float(rtol), float(atol), compare, statistics)))
    except RecursionError:
        return Comparison(NOT_COMPARED, because="they are nested too deep")


def compare(a: Any, b: Any, where: str, context: Context) -> Comparison:
    """Compare two values that may lie inside others."""
    if a is b or (type(a) is type(b) and type(a) in _PLAIN and a == b and (type(a) is not float or a)):  # 0.0 is not -0.0
        return SAME_PART
    pair = (id(a), id(b))
    if pair in context.done:
        return at(context.done[pair][2], where)
    if pair in context.open_pairs:
        return Comparison(IDENTICAL, where)  # it holds itself: what differs is found where the comparison began
    context.open_pairs.add(pair)
    try:
        found = at(_compare(a, b, where, context), where)
        if type(a) in _CONTAINERS:
            context.done[pair] = (a, b, found)
        return found
    except (RecursionError, MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - a class, or a file, that lets itself not be looked into; the answer says so
        return Comparison(NOT_COMPARED, where, f"comparing raised {type(error).__name__}: {shortened(str(error), 300)}")
    finally:
        context.open_pairs.discard(pair)


def _compare(a: Any, b: Any, where: str, context: Context) -> Comparison:
    if _is_number(a) and _is_number(b):
        return _numbers(a, b, where, context)
    known = _of_python(a, b, where, context) or _of_libraries(a, b, where, context)
    if known is not None:
        return known
    if type(a) is not type(b):
        return compare_twins(a, b, where, context) if are_twins(type(a), type(b)) else kinds_differ(a, b, where)
    made_of = facets(a) or code_of(a)
    if made_of is not None:
        found = compare_parts(made_of, facets(b) or code_of(b) or {}, where, context)
        why = why_not_identical(a, b) if found.status == EQUAL else None
        return with_notes(found, [] if why is None else [why])
    return compare_objects(a, b, where, context)


def _is_number(value: Any) -> bool:
    """Say whether a value is one number: Python's own, numpy's, a Decimal or a Fraction; True and False are none."""
    of = type(value)
    if of in (int, float, complex):
        return True
    if of.__module__ == "numpy":
        return getattr(getattr(value, "dtype", None), "kind", "") in tuple("iufc") and isinstance(value, sys.modules["numpy"].generic)
    return (of.__module__, of.__name__) in (("decimal", "Decimal"), ("fractions", "Fraction"))


def _numbers(a: Any, b: Any, where: str, context: Context) -> Comparison:
    """Compare two numbers."""
    if type(a) is not type(b):  # numpy rounds a float to float32 before it compares it with one
        found = _numbers(plain(a), plain(b), where, context) if plain(a) is not a or plain(b) is not b else None
        if found is not None:
            return with_notes(found, [f"{kind(a)} → {kind(b)}"] if found.same else [])
    if bool(a == b) or (bool(a != a) and bool(b != b)):
        return identical_or_equal(a, b, where) if type(a) is type(b) else Comparison(EQUAL, where, notes=(f"{kind(a)} → {kind(b)}",))
    because = f"{short(a)} → {short(b)}"
    try:
        distance, size = float(abs(a - b)), float(max(abs(a), abs(b)))
    except (OverflowError, TypeError, ValueError, ArithmeticError):
        return Comparison(DIFFERENT, where, because)  # too large for a float, or a Decimal and a float
    if not math.isfinite(distance):
        return Comparison(DIFFERENT, where, because)
    is_close = context.tolerates and distance <= context.atol + context.rtol_of(_epsilon(a), _epsilon(b)) * size
    relative = distance / size if size else 0.0
    line = f"absolute difference {number_text(distance)}, relative {number_text(relative)}"
    measures = {"n": 1, "n_different": 1, "largest_absolute": distance, "largest_relative": relative}
    return Comparison(CLOSE if is_close else DIFFERENT, where, because, (line,), measures=measures)


def _epsilon(number: Any) -> float:
    """Return the distance from 1 to the next number of its type; 0 for exact types."""
    if isinstance(number, (float, complex)):
        return sys.float_info.epsilon  # numpy's float64 is one, too
    numpy = sys.modules.get("numpy")
    is_inexact = numpy is not None and isinstance(number, numpy.inexact)
    return float(numpy.finfo(type(number)).eps) if numpy is not None and is_inexact else 0.0


def _of_python(a: Any, b: Any, where: str, context: Context) -> Comparison | None:
    """Compare values of Python's own types; None for others."""
    if type(a) is type(b) or (isinstance(a, Mapping) and isinstance(b, Mapping)):
        if isinstance(a, str):
            return compare_texts(a, b, where)
        if isinstance(a, _BYTES):
            return compare_bytes(a, b, where)
        if isinstance(a, Mapping) and type(a).__module__ in ("builtins", "collections", "types"):
            return compare_mappings(a, b, where, context)
        if isinstance(a, (list, tuple, deque)):
            return compare_sequences(a, b, where, context)
        if isinstance(a, (set, frozenset)):
            return compare_sets(a, b, where)
        return None
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        inside = compare_sequences(list(a), list(b), where, context)
        lines = ("their members are the same",) if inside.same else ()
        return Comparison(
            DIFFERENT, where, f"{type(a).__qualname__} → {type(b).__qualname__}", lines, parts=inside.parts, n_more=inside.n_more
        )
    return None


def _of_libraries(a: Any, b: Any, where: str, context: Context) -> Comparison | None:
    """Compare values of scientific libraries; None for what is not known here."""
    libraries = [type(one).__module__.partition(".")[0] for one in (a, b)]
    if set(libraries) <= {"pandas", "polars", "pyarrow", "dask", "dask_expr"} and libraries[0] == libraries[1]:
        from isfdb.comparing.tables import compare_tables

        found = compare_tables(a, b, where, context)
        if found is not None:
            return found
    if libraries == ["dask", "dask"] and hasattr(a, "__dask_graph__") and blocks_of(a) is None:
        return _computed(a, b, where, context)
    if libraries == ["xarray", "xarray"]:
        from isfdb.comparing.labelled import compare_labelled

        return compare_labelled(a, b, where, context)
    if libraries == ["scipy", "scipy"] and hasattr(a, "tocoo") and hasattr(b, "tocoo"):
        return compare_sparse(a, b, where, context)
    if blocks_of(a) is not None and blocks_of(b) is not None:
        return compare_arrays(a, b, where, context)
    if libraries == ["matplotlib", "matplotlib"]:
        from isfdb.comparing.pictures import compare_figures

        return compare_figures(a, b, where, context)
    return None


def _computed(a: Any, b: Any, where: str, context: Context) -> Comparison:
    """Compare bags, partition by partition where both have as many, and what delayed values become."""
    parts = Parts()
    if type(a).__name__ == type(b).__name__ == "Bag" and a.npartitions == b.npartitions:
        for place, pair in enumerate(zip(a.to_delayed(), b.to_delayed(), strict=True)):
            one, other = (list(side.compute(scheduler="synchronous")) for side in pair)
            parts.add(context.compare(one, other, f"partition {place}", context))
    else:
        one, other = (side.compute(scheduler="synchronous") for side in (a, b))
        parts.add(context.compare(one, other, "what it computes", context))
    return of_members(parts, where, "partitions")
