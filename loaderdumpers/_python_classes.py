"""Enums, named tuples, dataclasses and attrs classes as data: a name, fields and their values. Runs none of a class's own code.

A class is named ``module:qualname`` and found again by looking, not by importing; what is found must be a class of the same kind with
the same fields. Instances are made without ``__new__``, ``__init__``, ``__setattr__`` or any descriptor but those of ``__slots__``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import EnumMeta, Flag
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any, Final

#: Methods by which a class says that its fields are not all there is to it.
_HOOKS: Final = frozenset(
    "__reduce__ __reduce_ex__ __getstate__ __setstate__ __getnewargs__ __getnewargs_ex__ __del__".split(),
)
_MISSING: Final = object()
_GENERATORS: Final = ("attr._make", "dataclasses")


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What is known about a class whose instances are plain data.

    Attributes
    ----------
    kind : str
        ``enum``, ``namedtuple``, ``dataclass`` or ``attrs``.
    name : str
        ``module:qualname``.
    fields : tuple of str
        In order; empty for enums.
    slots : Mapping
        The descriptors of ``__slots__``.
    """

    cls: type
    kind: str
    name: str
    fields: tuple[str, ...]
    slots: Mapping[str, Any]


def _mro(cls: type) -> tuple[type, ...]:
    return type.__getattribute__(cls, "__mro__")  # type: ignore[no-any-return]  # past a metaclass that answers for its classes


def _namespace(cls: type) -> Mapping[str, Any]:
    return type.__getattribute__(cls, "__dict__")  # type: ignore[no-any-return]


def _inherited(mro: tuple[type, ...], name: str, missing: Any = None) -> Any:
    return next((_namespace(cls)[name] for cls in mro if name in _namespace(cls)), missing)


def facts_of(cls: type) -> ClassFacts | None:
    """Return the facts of a class whose instances are plain data and which others can find; None for any other class."""
    mro = _mro(cls)
    kind, fields = _kind(cls, mro)
    if kind is None:
        return None
    names = _namespace(cls)
    module, qualname = names.get("__module__"), type.__getattribute__(cls, "__qualname__")
    if type(module) is not str or ":" in module or find(f"{module}:{qualname}") is not cls:
        return None
    if kind != "enum" and not _is_plain(cls, mro, kind):
        return None
    slots = {name: one for base in reversed(mro) for name, one in _namespace(base).items() if type(one) is MemberDescriptorType}
    return ClassFacts(cls, kind, f"{module}:{qualname}", fields, slots)


def _kind(cls: type, mro: tuple[type, ...]) -> tuple[str | None, tuple[str, ...]]:
    if issubclass(type(cls), EnumMeta):
        return "enum", ()
    if tuple in mro:
        fields = _inherited(mro, "_fields")
        is_named = type(fields) is tuple and len(mro) > 2 and all(type(name) is str for name in fields)
        return ("namedtuple", fields) if is_named else (None, ())
    if type(_inherited(mro, "__dataclass_fields__")) is dict:
        fields = _inherited(mro, "__dataclass_fields__")
        return "dataclass", tuple(name for name, one in fields.items() if getattr(one, "_field_type", None) is _plain_field())
    fields = _inherited(mro, "__attrs_attrs__")
    if isinstance(fields, tuple):
        return "attrs", tuple(str(one.name) for one in fields)
    return None, ()


def _plain_field() -> Any:
    import dataclasses

    return dataclasses._FIELD  # type: ignore[attr-defined]  # tells fields from ClassVar and InitVar, as dataclasses.fields does


def _is_plain(cls: type, mro: tuple[type, ...], kind: str) -> bool:
    """Say whether fields are all there is to an instance, and making one runs no code."""
    base = tuple if kind == "namedtuple" else object
    for one in mro:
        if one is base or one is object:
            continue
        names = _namespace(one)
        if type(names.get("__dict__")) not in (type(None), GetSetDescriptorType):
            return False
        if any(not _is_generated(names[hook], kind) for hook in _HOOKS & set(names)):
            return False
    try:
        tuple.__new__(cls, ()) if kind == "namedtuple" else object.__new__(cls)
    except TypeError:  # it derives from a type that is more than a namespace: an exception, a dict ...
        return False
    return True


def _is_generated(hook: Any, kind: str) -> bool:
    if kind == "namedtuple":
        return type(hook) is FunctionType and hook.__name__ == "__getnewargs__"
    return type(hook) is FunctionType and hook.__module__ in _GENERATORS


def find(name: str) -> type | None:
    """Look a class up in the modules that are loaded; imports nothing and runs no module's ``__getattr__``."""
    module_name, _, qualname = name.partition(":")
    found: Any = sys.modules.get(module_name)
    if not isinstance(found, ModuleType):
        return None
    for step in qualname.split("."):
        names = vars(found) if isinstance(found, ModuleType) else _namespace(found)
        found = names.get(step)
        if not issubclass(type(found), type):
            return None
    return found  # type: ignore[no-any-return]


def values_of(obj: Any, facts: ClassFacts) -> dict[str, Any] | None:
    """Return the fields of an instance; None where it has others as well, or lacks one."""
    state = _state(obj, facts)
    if facts.kind == "namedtuple":
        if state or tuple.__len__(obj) != len(facts.fields):
            return None
        return dict(zip(facts.fields, tuple.__iter__(obj), strict=True))
    for name in set(facts.fields) - set(state):
        default = _inherited(_mro(facts.cls), name, _MISSING)  # field(init=False, default=...) leaves the value with the class
        if default is _MISSING or hasattr(type(default), "__get__"):
            return None
        state[name] = default
    return {name: state[name] for name in facts.fields} if len(state) == len(facts.fields) else None


def _state(obj: Any, facts: ClassFacts) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for name, slot in facts.slots.items():
        try:
            state[name] = slot.__get__(obj)
        except AttributeError:
            continue  # never set
    try:
        state.update(object.__getattribute__(obj, "__dict__"))
    except AttributeError:
        pass  # it has slots only
    return state


def make(facts: ClassFacts, values: Mapping[str, Any]) -> Any:
    """Return an instance with these values of its fields."""
    if facts.kind == "namedtuple":
        return tuple.__new__(facts.cls, [values[name] for name in facts.fields])
    obj: Any = object.__new__(facts.cls)
    for name in facts.fields:
        if name in facts.slots:
            facts.slots[name].__set__(obj, values[name])
        else:
            object.__getattribute__(obj, "__dict__")[name] = values[name]
    return obj


def member_facts(member: Any) -> tuple[str | None, Any]:
    """Return name and value of an enum member."""
    return object.__getattribute__(member, "_name_"), object.__getattribute__(member, "_value_")


def find_member(facts: ClassFacts, name: str | None, is_value: Any) -> Any:
    """Return the member of an enum called `name`, if ``is_value(its value)``; None where there is no such member."""
    members = _namespace(facts.cls)["_member_map_"]
    member = members.get(name)
    return member if member is not None and is_value(member_facts(member)[1]) else None


def combined(facts: ClassFacts, value: Any) -> Any:
    """Return the combination of flags that has this value; None where the class forbids it, or code of its own would make it."""
    cls: Any = facts.cls
    mro = _mro(cls)
    if (
        type(value) is not int
        or Flag not in mro
        or type(cls) is not EnumMeta
        or _namespace(cls).get("_new_member_") not in (object.__new__, int.__new__)
    ):
        return None
    if _inherited(mro, "_missing_") is not _namespace(Flag)["_missing_"]:
        return None
    try:
        return cls(value)
    except ValueError:
        return None


def hashes_by_fields(facts: ClassFacts) -> bool:
    """Say whether putting an instance into a set runs no code that somebody wrote."""
    mro = _mro(facts.cls)
    for name in ("__hash__", "__eq__"):
        method = _inherited(mro, name)
        if type(method) is FunctionType:
            source = method.__code__.co_filename
            if not (source == "<string>" or source.startswith("<attrs generated") or method.__module__ == "enum"):
                return False
        elif type(method) is not WrapperDescriptorType:  # None: it cannot be hashed
            return False
    return True
