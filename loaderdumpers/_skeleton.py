"""Writes the skeleton of a value: JSON that says what it is made of, with places where parts belong that JSON does not keep.

It knows single values, containers and the user's own classes. What is none of these is a leaf, and the caller's business.
``_skeleton_reading`` is the way back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from isfdb import plugins
from isfdb.exact_json import MAX_DEPTH, are_plain, compact
from loaderdumpers import _python_classes as classes
from loaderdumpers import _python_containers as containers
from loaderdumpers._library_scalars import of_library
from loaderdumpers._places import Attribute, Place, shown
from loaderdumpers._python_scalars import ALWAYS, Node, encoders, is_text, tag_of

#: Loaderdumpers with a lower priority know a class of the user better than its fields do.
PRIORITY: Final = 60

_WEB: Final = "it refers to the same containers again and again, so that writing it out would take for ever"
_MOST_COPIED: Final = 1_000_000
_RING: Final = f"it contains itself, or is nested deeper than {MAX_DEPTH} levels"


class _Way:
    """Where a walk stands: notices containers that contain themselves, and webs of references that lead to the same ones for ever."""

    def __init__(self) -> None:
        self._on_the_way: set[int] = set()
        self._seen: set[int] = set()
        self._sized: set[int] = set()
        self._visits = self._written = self._unique = 0

    def has_room(self, container: Any, n_members: int) -> bool:
        """Say whether a container may be written out, once more perhaps: not if references multiply what there really is."""
        self._written += n_members
        if id(container) not in self._sized:
            self._sized.add(id(container))
            self._unique += n_members
        return self._written <= 16 * self._unique + _MOST_COPIED

    def enter(self, container: Any, depth: int) -> str | None:
        """Step into a container; return the reason where that must not be."""
        self._visits += 1
        self._seen.add(id(container))
        if depth >= MAX_DEPTH or id(container) in self._on_the_way:
            return _RING
        if self._visits > 16 * len(self._seen) + 1000:
            return _WEB
        self._on_the_way.add(id(container))
        return None

    def leave(self, container: Any) -> None:
        self._on_the_way.discard(id(container))


class _Classes:
    """The classes met during one walk, looked at once each."""

    def __init__(self) -> None:
        self._facts: dict[type, classes.ClassFacts | None] = {}
        self._before = [module for _, module in plugins.asked(before=PRIORITY)]

    def of(self, kind: type) -> classes.ClassFacts | None:
        """Return the facts of a class of the user's whose instances are plain data, else None."""
        if kind not in self._facts:
            self._facts[kind] = classes.facts_of(kind)
        return self._facts[kind]

    def is_claimed(self, value: Any) -> bool:
        """Say whether another loaderdumper, asked earlier, keeps `value`."""
        return any(_accepts(module, value) for module in self._before)


def _accepts(module: Any, value: Any) -> bool:
    try:
        return module.check(value) is True
    except Exception:  # noqa: BLE001 - a check that is not total loses its turn, as everywhere
        return False


# Looking ---------------------------------------------------------------------------------------------------------------------------


def is_kept(value: Any, *, leaves: bool) -> bool:
    """Say whether `value` can be written as a skeleton; looks at types only where it can, and copies nothing.

    Parameters
    ----------
    value : object
        Anything.
    leaves : bool
        Whether containers and instances of the user's own classes are meant, which may hold anything, or plain values.
    """
    try:
        if leaves and not (containers.is_container(type(value)) or _is_instance(value)):
            return False
        return _Look(leaves).at(value, 0)
    except Exception:  # noqa: BLE001 - another thread changes a dict that is looked at, or a metaclass refuses to be looked up
        return False


class _Look:
    def __init__(self, leaves: bool) -> None:
        self._leaves = leaves
        self._way, self._encoders = _Way(), encoders()
        self._classes = _Classes() if leaves else None

    def at(self, value: Any, depth: int) -> bool:
        taken = containers.take_apart(value) if containers.is_container(type(value)) else self._instance(value)
        if taken is None:
            return self._leaves or self._is_scalar(value)
        if not self._way.has_room(value, len(taken.members)):
            return False
        foreign = [set(map(type, members)) - ALWAYS for members in (taken.members, taken.keys or ())]
        if not any(foreign) and depth < MAX_DEPTH:
            return True
        if self._way.enter(value, depth) is not None:
            return False
        for members, kinds in zip((taken.members, taken.keys or ()), foreign, strict=True):
            if kinds and not all(self.at(member, depth + 1) for member in members if type(member) in kinds):
                return False
        self._way.leave(value)
        return True

    def _is_scalar(self, value: Any) -> bool:
        encode = self._encoders.get(type(value))
        return value is None or (encode(value) if encode is not None else of_library(value)) is not None

    def _instance(self, value: Any) -> containers.Taken | None:
        facts = self._classes.of(type(value)) if self._classes else None
        if facts is None or facts.kind == "enum":
            return None
        values = classes.values_of(value, facts)
        return None if values is None else containers.Taken(None, values.values())


def _is_instance(value: Any) -> bool:
    """Say whether `value` is an enum member, named tuple, dataclass or attrs instance that is nothing but its fields."""
    facts = classes.facts_of(type(value))
    if facts is None:
        return False
    if facts.kind == "enum":
        return Encoder(lambda *_: None).encode_member(value, facts) is not None
    return classes.values_of(value, facts) is not None


# Writing ---------------------------------------------------------------------------------------------------------------------------


class Encoder:
    """Makes the skeleton of a value.

    Parameters
    ----------
    leaf : callable
        ``leaf(value, place)`` returns the node of what is neither plain nor a container, or None where it has none.
    sort : bool
        The JSON will be sorted when written; keep the order of names in another way.
    is_chosen : callable, optional
        ``is_chosen(place)`` says whether what lies there goes to `leaf` whatever it is.
    """

    def __init__(self, leaf: Callable[[Any, Place], Node], *, sort: bool = False, is_chosen: Callable[[Place], bool] | None = None) -> None:
        self._leaf, self._sort, self._is_chosen = leaf, sort, is_chosen
        self._way, self._encoders, self._classes = _Way(), encoders(), _Classes()
        self.classes: dict[str, None] = {}

    def encode(self, value: Any, place: Place = None, depth: int = 0, *, hashed: bool = False) -> Node:
        """Return the node of a value.

        Raises
        ------
        TypeError
            It cannot be kept; the message names the place.
        """
        if self._is_chosen is not None and self._is_chosen(place):
            return self._node_of_leaf(value, place)
        encode = self._encoders.get(type(value))
        if encode is not None:
            node = encode(value)
            return node if node is not None or value is None else self._node_of_leaf(value, place)
        taken = containers.take_apart(value)
        if taken is not None:
            return self._container(value, taken, place, depth, hashed)
        node = self._instance(value, place, depth, hashed)
        if node is None:
            node = of_library(value)
        return self._node_of_leaf(value, place) if node is None else node

    def _node_of_leaf(self, value: Any, place: Place) -> Node:
        node = self._leaf(value, place)
        if node is None:
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            where = f"at {shown(place)} is" if place else "is"
            raise TypeError(
                f"the value {where} a {kind} that JSON cannot keep exactly; store it with containers_to_parts or to_cloudpickle"
            )
        return node

    def _container(self, value: Any, taken: containers.Taken, place: Place, depth: int, hashed: bool) -> Node:
        # Keys and members are read in one go: another thread may be changing the dict.
        pairs = None if taken.keys is None else list(zip(taken.keys, taken.members, strict=True))
        members = list(taken.members) if pairs is None else [member for _, member in pairs]
        if not self._way.has_room(value, len(members)):
            raise TypeError(f"the value cannot be written out at {shown(place) or 'its top'}: {_WEB}. Store it with to_cloudpickle.")
        is_simple = depth < MAX_DEPTH and self._is_chosen is None and are_plain(members)
        if is_simple and pairs is None:  # nothing in it leads further, so it need not be watched
            return self._sequence(taken, members)
        self._enter(value, place, depth)
        if pairs is not None:
            node = self._mapping(taken, [key for key, _ in pairs], members, place, depth + 1)
        else:
            inside = hashed or taken.tag in containers.UNORDERED
            node = self._sequence(taken, [self.encode(one, (place, n), depth + 1, hashed=inside) for n, one in enumerate(members)])
        self._way.leave(value)
        return node

    def _enter(self, value: Any, place: Place, depth: int) -> None:
        reason = self._way.enter(value, depth)
        if reason:
            raise TypeError(f"the value cannot be written out at {shown(place) or 'its top'}: {reason}. Store it with to_cloudpickle.")

    def _sequence(self, taken: containers.Taken, nodes: list[Node]) -> Node:
        if taken.tag in containers.UNORDERED:
            nodes.sort(key=None if set(map(type, nodes)) in ({int}, {str}) else compact)
        return nodes if taken.tag is None else {taken.tag: nodes, **(taken.facts or {})}

    def _mapping(self, taken: containers.Taken, keys: list[Any], members: list[Any], place: Place, depth: int) -> Node:
        content = self._content(keys, keys, members, place, depth, hashed=False)
        if taken.tag is None:
            return content if type(content) is dict else {"$dict": content}
        return {taken.tag: content, **(taken.facts or {})}

    def _content(self, keys: list[Any], steps: list[Any], members: list[Any], place: Place, depth: int, *, hashed: bool) -> Node:
        """Return an object where all keys are ordinary names, else pairs."""
        if self._is_chosen is None and are_plain(members):
            nodes = members
        else:
            nodes = [self.encode(member, (place, step), depth, hashed=hashed) for step, member in zip(steps, members, strict=True)]
        if all(type(key) is str and key[:1] != "$" and is_text(key) for key in keys) and not (self._sort and keys != sorted(keys)):
            return dict(zip(keys, nodes, strict=True))
        return [[self.encode(key, (place, key), depth, hashed=True), node] for key, node in zip(keys, nodes, strict=True)]

    def _instance(self, value: Any, place: Place, depth: int, hashed: bool) -> Node:
        facts = self._classes.of(type(value))
        if facts is None or self._classes.is_claimed(value) or (hashed and not classes.hashes_by_fields(facts)):
            return None
        if facts.kind == "enum":
            return self.encode_member(value, facts)
        values = classes.values_of(value, facts)
        if values is None:
            return None
        self._enter(value, place, depth)
        names = list(values)
        content = self._content(names, [Attribute(name) for name in names], list(values.values()), place, depth + 1, hashed=hashed)
        self._way.leave(value)
        self.classes[facts.name] = None
        return {f"${facts.kind}": facts.name, "fields": content}

    def encode_member(self, member: Any, facts: classes.ClassFacts) -> Node:
        """Return the node of an enum member; None where looking it up by name and value would not find it."""
        name, value = classes.member_facts(member)
        plain = plain_node(value)
        if plain is _NOT_PLAIN or not (name is None or (type(name) is str and is_text(name))):
            return None
        if find_member(facts, name, plain) is not member:
            return None
        self.classes[facts.name] = None
        return {"$enum": facts.name, "name": name, "value": plain}


_NOT_PLAIN: Final = object()


def plain_node(value: Any) -> Node:
    """Return the node of a value without leaves, or ``_NOT_PLAIN``."""
    if not is_kept(value, leaves=False):
        return _NOT_PLAIN
    return Encoder(lambda *_: None, sort=True).encode(value)


def find_member(facts: classes.ClassFacts, name: str | None, node: Node) -> Any:
    """Return the member of an enum with this name and the node of its value; None where there is none."""
    text = compact(node)

    def is_value(value: Any) -> bool:
        found = plain_node(value)
        return found is not _NOT_PLAIN and compact(found) == text

    member = classes.find_member(facts, name, is_value)
    return classes.combined(facts, node) if member is None and type(node) is int else member


_MOST_LINES: Final = 10_000


def to_text(node: Node) -> str:
    """Write a skeleton as JSON: one line for each member of the whole, on one line what lies deeper."""
    tag = tag_of(node)
    if tag is not None and len(node) == 1 and type(node[tag]) is list:
        return f"{{{_json(tag)}: {_lines(node[tag])}}}\n"
    return f"{_lines(node) if tag is None else _json(node)}\n"


def _lines(node: Node) -> str:
    if type(node) is dict and node:
        return "{\n" + ",\n".join([f"{_json(name)}: {_json(member)}" for name, member in node.items()]) + "\n}"
    if type(node) is list and len(node) <= _MOST_LINES and not {dict, list}.isdisjoint(map(type, node)):
        return "[\n" + ",\n".join(map(_json, node)) + "\n]"
    return _json(node)


def _json(node: Node) -> str:
    return json.dumps(node, ensure_ascii=False, allow_nan=False, check_circular=False)
