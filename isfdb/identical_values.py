"""Compares values of Python's own types and of the user's classes of plain fields for :func:`isfdb.testing.assert_identical`.

Each comparison gets `same`, which is ``assert_identical``, for what lies inside.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import Any, Final

Same = Callable[[Any, Any, str], None]
Comparison = Callable[[Any, Any, str, Same], None]


def comparison(kind: type) -> Comparison | None:
    """Return the function that compares two values of this very type; None where it is none of ours."""
    name = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
    if name in _COMPARISONS:
        return _COMPARISONS[name]
    if hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__attrs_attrs__"):
        return _instances
    if issubclass(kind, tuple):
        return _sequences
    return None


def _differ(found: Any, expected: Any, where: str) -> None:
    raise AssertionError(f"{where} is {_short(found)}, not {_short(expected)}")


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer in it is too long to be written
        text = f"a {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:199]}…"


def _floats(found: float, expected: float, where: str, same: Same) -> None:
    if struct.pack(">d", found) != struct.pack(">d", expected):
        raise AssertionError(f"{where} is {found!r} ({found.hex()}), not {expected!r}, or has other bits")


def _complex(found: complex, expected: complex, where: str, same: Same) -> None:
    same(found.real, expected.real, f"the real part of {where}")
    same(found.imag, expected.imag, f"the imaginary part of {where}")


def _sequences(found: Any, expected: Any, where: str, same: Same) -> None:
    same(list(found), list(expected), where)
    if getattr(found, "maxlen", None) != getattr(expected, "maxlen", None):
        _differ(found.maxlen, expected.maxlen, f"maxlen of {where}")


def _mappings(found: Any, expected: Any, where: str, same: Same) -> None:
    same(dict(found.items()), dict(expected.items()), where)
    same(list(found), list(expected), f"the order of {where}")
    if getattr(found, "default_factory", None) is not getattr(expected, "default_factory", None):
        _differ(found.default_factory, expected.default_factory, f"default_factory of {where}")


def _sets(found: Any, expected: Any, where: str, same: Same) -> None:
    left = list(found)
    for member in expected:
        for place, one in enumerate(left):
            if type(one) is type(member) and (one == member or one != one) and _are_identical(one, member, same):
                del left[place]
                break
        else:
            raise AssertionError(f"{where} lacks {_short(member)}")
    if left:
        raise AssertionError(f"{where} has {_short(left[0])}, which does not belong there")


def _are_identical(one: Any, other: Any, same: Same) -> bool:
    try:
        same(one, other, "member")
    except AssertionError:
        return False
    return True


def _parts(*names: str) -> Comparison:
    """Make a comparison of attributes."""

    def compare(found: Any, expected: Any, where: str, same: Same) -> None:
        for name in names:
            same(getattr(found, name), getattr(expected, name), f"{where}.{name}")

    return compare


def _decimals(found: Any, expected: Any, where: str, same: Same) -> None:
    if found.as_tuple() != expected.as_tuple():
        _differ(found, expected, where)


def _times(found: Any, expected: Any, where: str, same: Same) -> None:
    if found.isoformat() != expected.isoformat() or found.fold != expected.fold:
        _differ(found, expected, where)
    same(found.tzinfo, expected.tzinfo, f"the time zone of {where}")


def _zones(found: Any, expected: Any, where: str, same: Same) -> None:
    for facts in ("key",) if hasattr(expected, "key") else ():
        same(getattr(found, facts), getattr(expected, facts), f"the name of {where}")
    if not hasattr(expected, "key") and (found.utcoffset(None), found.tzname(None)) != (expected.utcoffset(None), expected.tzname(None)):
        _differ(found, expected, where)


def _instances(found: Any, expected: Any, where: str, same: Same) -> None:
    same(_fields(found), _fields(expected), where)


def _fields(value: Any) -> dict[str, Any]:
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None:
        names = [field.name for field in sys.modules["dataclasses"].fields(value)]
    else:
        names = [field.name for field in type(value).__attrs_attrs__]
    missing = object()
    return {name: getattr(value, name) for name in names if getattr(value, name, missing) is not missing}


def _namespaces(found: Any, expected: Any, where: str, same: Same) -> None:
    same(vars(found), vars(expected), where)


_COMPARISONS: Final[dict[str, Comparison]] = {
    "builtins.complex": _complex,
    "builtins.float": _floats,
    "builtins.frozenset": _sets,
    "builtins.mappingproxy": _mappings,
    "builtins.range": _parts("start", "stop", "step"),
    "builtins.set": _sets,
    "builtins.slice": _parts("start", "stop", "step"),
    "collections.Counter": _mappings,
    "collections.OrderedDict": _mappings,
    "collections.defaultdict": _mappings,
    "collections.deque": _sequences,
    "datetime.datetime": _times,
    "datetime.time": _times,
    "datetime.timezone": _zones,
    "decimal.Decimal": _decimals,
    "fractions.Fraction": _parts("numerator", "denominator"),
    "types.SimpleNamespace": _namespaces,
    "uuid.UUID": _parts("int", "is_safe"),
    "zoneinfo.ZoneInfo": _zones,
}
