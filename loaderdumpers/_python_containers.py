"""What each container of Python is made of, and how it is made again. Knows no values but containers, and no files.

A container is taken apart into its tag (what its node says it is), facts beside the members, the members, and, where it has them, keys.
"""

from __future__ import annotations

import gc
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final, NamedTuple

from loaderdumpers._python_scalars import BUILTIN_TYPES


class Taken(NamedTuple):
    """A container taken apart; `keys` is None for what has no keys."""

    tag: str | None
    members: Collection[Any]
    keys: Collection[Any] | None = None
    facts: dict[str, Any] | None = None


def _dict(value: dict[Any, Any]) -> Taken:
    return Taken(None, value.values(), value.keys())


def _defaultdict(value: defaultdict[Any, Any]) -> Taken | None:
    factory = value.default_factory
    name = None if factory is None else next((name for name, kind in BUILTIN_TYPES.items() if kind is factory), "")
    return None if name == "" else Taken("$defaultdict", value.values(), value.keys(), {"factory": name})


def _without_attributes(tag: str) -> Callable[[Any], Taken | None]:
    """Make a function for a subclass of dict whose instances may have attributes, with which it is not kept."""
    return lambda value: None if vars(value) else Taken(tag, value.values(), value.keys())


def _mappingproxy(value: MappingProxyType[Any, Any]) -> Taken | None:
    (behind,) = gc.get_referents(value)
    return Taken("$mappingproxy", behind.values(), behind.keys()) if type(behind) is dict else None


def _namespace(value: SimpleNamespace) -> Taken:
    names = vars(value)
    return Taken("$namespace", names.values(), names.keys())


_TAKE_APART: Final[dict[type, Callable[[Any], Taken | None]]] = {
    list: lambda value: Taken(None, value),
    dict: _dict,
    tuple: lambda value: Taken("$tuple", value),
    set: lambda value: Taken("$set", value),
    frozenset: lambda value: Taken("$frozenset", value),
    deque: lambda value: Taken("$deque", value, None, {} if value.maxlen is None else {"maxlen": value.maxlen}),
    slice: lambda value: Taken("$slice", (value.start, value.stop, value.step)),
    defaultdict: _defaultdict,
    OrderedDict: _without_attributes("$OrderedDict"),
    Counter: _without_attributes("$Counter"),
    MappingProxyType: _mappingproxy,
    SimpleNamespace: _namespace,
}

#: Tags of containers whose order means nothing.
UNORDERED: Final = frozenset({"$set", "$frozenset"})


def is_container(kind: type) -> bool:
    """Say whether values of exactly this type may be containers."""
    return kind in _TAKE_APART


def take_apart(value: Any) -> Taken | None:
    """Return what a container is made of; None where `value` is no container, or one that cannot be made again exactly."""
    take = _TAKE_APART.get(type(value))
    return None if take is None else take(value)


def _make_defaultdict(pairs: Sequence[tuple[Any, Any]], facts: dict[str, Any]) -> Any:
    factory = facts["factory"]
    return defaultdict(None if factory is None else BUILTIN_TYPES[factory], pairs)


def _make_counter(pairs: Sequence[tuple[Any, Any]], _: dict[str, Any]) -> Any:
    return Counter(dict(pairs))


def _make_namespace(pairs: Sequence[tuple[Any, Any]], _: dict[str, Any]) -> Any:
    namespace = SimpleNamespace()
    vars(namespace).update(pairs)
    return namespace


#: Tag to (whether it has keys, function of members or pairs and facts).
_MAKE: Final[dict[str, tuple[bool, Callable[[Any, dict[str, Any]], Any]]]] = {
    "$tuple": (False, lambda members, _: tuple(members)),
    "$set": (False, lambda members, _: set(members)),
    "$frozenset": (False, lambda members, _: frozenset(members)),
    "$deque": (False, lambda members, facts: deque(members, facts.get("maxlen"))),
    "$slice": (False, lambda members, _: slice(*members)),
    "$dict": (True, lambda pairs, _: dict(pairs)),
    "$defaultdict": (True, _make_defaultdict),
    "$OrderedDict": (True, lambda pairs, _: OrderedDict(pairs)),
    "$Counter": (True, _make_counter),
    "$mappingproxy": (True, lambda pairs, _: MappingProxyType(dict(pairs))),
    "$namespace": (True, _make_namespace),
}

_MAY_SHRINK: Final = frozenset({"$deque", "$namespace", "$slice"})  # or have no length


def has_keys(tag: str) -> bool | None:
    """Say whether containers of this tag have keys; None where it is no tag of a container."""
    return _MAKE[tag][0] if tag in _MAKE else None


def make(tag: str, content: Sequence[Any], facts: dict[str, Any]) -> Any:
    """Return the container of this tag with these members, or pairs of key and member.

    Raises
    ------
    ValueError
        There is no such container.
    """
    try:
        made = _MAKE[tag][1](content, facts)
    except (TypeError, KeyError) as error:
        raise ValueError(f"no {tag} can be made of what is stored ({type(error).__name__}: {error}); the file was changed") from error
    if tag not in _MAY_SHRINK and len(made) != len(content):
        raise ValueError(f"a {tag} holds a key or member twice: the file was changed, or plain=True makes two of them equal")
    return made
