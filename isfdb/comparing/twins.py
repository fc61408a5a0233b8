"""Compares instances of two classes of one name: a class of a notebook comes along with each pickle, and no two of them are one."""

from __future__ import annotations

from typing import Any, Final

from isfdb.comparing.comparison import NOT_COMPARED, Comparison
from isfdb.comparing.containers import code_of, compare_parts, fields_of
from isfdb.comparing.context import Context, kind

#: What Python adds to every class.
_ADDED: Final = frozenset(
    "__module__ __dict__ __weakref__ __doc__ __annotations__ __firstlineno__ __static_attributes__ __abstractmethods__ _abc_impl "
    "__slotnames__ __dataclass_fields__ __dataclass_params__ __match_args__ __replace__".split()
)


def are_twins(a: type, b: type) -> bool:
    """Say whether two classes that are not one bear one name and lie in one module."""
    return a is not b and (a.__module__, a.__qualname__) == (b.__module__, b.__qualname__) and a.__module__ != "builtins"


def compare_twins(a: Any, b: Any, where: str, context: Context) -> Comparison:
    """Compare instances of twins by what their classes do, and by their attributes: their own ``==`` knows only its own class."""
    parts, others = fields_of(a), fields_of(b)
    if parts is None or others is None:
        return Comparison(NOT_COMPARED, where, f"objects of type {kind(a)}, whose class came with each of them, cannot be looked into")
    does, other_does = ({f"{kind(one)}.{name}": part for name, part in _does(type(one)).items()} for one in (a, b))
    return compare_parts(does | parts, other_does | others, where, context)


def _does(cls: type) -> dict[str, Any]:
    """Return the methods of a class as plain values, without what they hold on to: that would lead back to the class."""
    found: dict[str, Any] = {}
    for name, member in vars(cls).items():
        method = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
        code = code_of(method)
        if code is not None:
            found[name] = {part: code[part] for part in ("code", "constants", "names", "defaults", "kwdefaults")}
        elif name not in _ADDED and isinstance(member, (bool, int, float, complex, str, bytes, tuple, list, dict, set, type(None))):
            found[name] = member
    return found
