"""Makes values of skeletons, the JSON that ``_skeleton`` writes. Imports no module on behalf of a file unless it is told that it may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from isfdb.parts import code_may_run
from loaderdumpers import _python_classes as classes
from loaderdumpers import _python_containers as containers
from loaderdumpers._python_scalars import Node, decode, tag_of
from loaderdumpers._skeleton import find_member

_PLAIN: Final = "read fields and values without it: db.get(key, plain=True)"
_OR_PLAIN: Final = f"load with the class as it was, or {_PLAIN}"


class Decoder:
    """Makes values of skeletons.

    Parameters
    ----------
    part : callable
        ``part(node)`` returns the value that belongs where a ``$part`` stands.
    plain : bool
        Give dicts, tuples and values in place of instances of the user's classes.
    may_import : callable
        ``may_import(name)`` says whether the module of the class ``module:qualname`` may be imported.
    """

    def __init__(self, part: Callable[[Node], Any], *, plain: bool = False, may_import: Callable[[str], bool] = lambda name: False) -> None:
        self._part, self._plain, self._may_import = part, plain, may_import
        self._facts: dict[str, classes.ClassFacts] = {}

    def decode(self, node: Node, *, hashed: bool = False) -> Any:
        """Return the value of a node.

        Raises
        ------
        ValueError
            isfdb writes no such node, or a class is not there.
        """
        if type(node) is list:
            return self._all(node, hashed=hashed)
        tag = tag_of(node)
        if tag is None:
            return dict(zip(node, self._all(list(node.values())), strict=True)) if type(node) is dict else node
        if tag == "$part":
            if hashed and not code_may_run():
                raise ValueError("a key is a part of its own, which may run code when it is looked up, and this version is not trusted")
            return self._part(node)
        has_keys = containers.has_keys(tag)
        if has_keys is not None:
            facts = {name: fact for name, fact in node.items() if name != tag}
            return containers.make(tag, self._pairs(node[tag]) if has_keys else self._list(node[tag], tag, hashed), facts)
        if tag in ("$namedtuple", "$dataclass", "$attrs", "$enum"):
            return self._instance(tag[1:], node, hashed)
        if tag == "$path" and self._plain:
            node = {**node, "type": f"Pure{str(node.get('type')).removeprefix('Pure')}"}
        return decode(node)

    def _list(self, content: Node, tag: str, hashed: bool) -> list[Any]:
        if type(content) is not list:
            raise ValueError(f"{str(content)[:60]} stands where the members of a {tag} belong; the file was changed")
        return self._all(content, hashed=hashed or tag in containers.UNORDERED)

    def _all(self, nodes: list[Node], *, hashed: bool = False) -> list[Any]:
        if {list, dict}.isdisjoint(map(type, nodes)):
            return nodes[:]
        return [self.decode(node, hashed=hashed) for node in nodes]

    def _pairs(self, content: Node, *, hashed: bool = False) -> list[tuple[Any, Any]]:
        if type(content) is dict:
            return list(zip(content, self._all(list(content.values()), hashed=hashed), strict=True))
        return [(self.decode(key, hashed=True), self.decode(member, hashed=hashed)) for key, member in _checked_pairs(content)]

    def pairs_lazily(self, content: Node) -> dict[Any, Node]:
        """Return the keys of a dict's content, and the nodes of their members."""
        if type(content) is dict:
            return content
        try:
            return {self.decode(key, hashed=True): member for key, member in _checked_pairs(content)}
        except TypeError as error:  # a list as a key
            raise ValueError(f"no dict can be made of what is stored ({error}); the file was changed") from error

    def _instance(self, kind: str, node: Node, hashed: bool) -> Any:
        if kind == "enum":
            return self.decode(node.get("value")) if self._plain else self._member(node)
        pairs = self._pairs(node.get("fields"), hashed=hashed)
        if not all(type(name) is str for name, _ in pairs):
            raise ValueError(f"{str(node)[:80]} has fields without names; the file was changed")
        fields = dict(pairs)
        if self._plain:
            if hashed or kind == "namedtuple":
                return tuple(fields.values())
            return fields
        facts = self._find(kind, node)
        if set(fields) != set(facts.fields):
            found, stored = ", ".join(facts.fields), ", ".join(map(str, fields))
            raise ValueError(f"the {kind} {facts.name} has the fields {found} now, and had {stored}; {_OR_PLAIN}")
        if hashed and not classes.hashes_by_fields(facts):
            raise ValueError(f"the {kind} {facts.name} has an __eq__ or __hash__ of its own, which isfdb does not call; {_OR_PLAIN}")
        return classes.make(facts, fields)

    def _member(self, node: Node) -> Any:
        facts = self._find("enum", node)
        name, value = node.get("name"), node.get("value")
        member = find_member(facts, name, value) if name is None or type(name) is str else None
        if member is None:
            raise ValueError(f"the enum {facts.name} has no member {name!r} of the value {str(value)[:60]} now; {_OR_PLAIN}")
        return member

    def _find(self, kind: str, node: Node) -> classes.ClassFacts:
        name = node[f"${kind}"]
        if type(name) is not str or name.count(":") != 1:
            raise ValueError(f"{name!r:.80} names no class; the file was changed")
        if name in self._facts:
            return self._facts[name]
        module, _, qualname = name.partition(":")
        found = classes.find(name)
        if found is None and module != "__main__" and self._may_import(name):
            found = _imported(name, f"it holds the {kind} {qualname} of {module}")
        if found is None:
            first = f"define {qualname}" if module == "__main__" else f"import {module}"
            raise ValueError(f"it holds the {kind} {qualname} of {module}, which is not there: {first} first, or {_PLAIN}")
        facts = classes.facts_of(found)
        if facts is None or facts.kind != kind or facts.name != name:
            raise ValueError(f"{qualname} of {module} is no {kind} of plain fields, as it was when stored; {_OR_PLAIN}")
        self._facts[name] = facts
        return facts


def _imported(name: str, what: str) -> type | None:
    import importlib

    module = name.partition(":")[0]
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise ValueError(f"{what}, which cannot be imported here ({error}): make it importable, or {_PLAIN}") from error
    return classes.find(name)


def _checked_pairs(content: Node) -> list[tuple[Node, Node]]:
    if type(content) is not list or not all(type(pair) is list and len(pair) == 2 for pair in content):
        raise ValueError(f"{str(content)[:60]} stands where pairs belong; the file was changed")
    return content


_INSTANCES: Final = frozenset({"$namedtuple", "$dataclass", "$attrs"})


def step_into(node: Node, step: Any) -> Node:
    """Return the node of what lies one step inside: a key of a dict, a number in a list or tuple, an attribute of an instance.

    Raises
    ------
    ValueError
        There is nothing.
    """
    tag = tag_of(node)
    content = node if tag is None else node["fields"] if tag in _INSTANCES else node[tag] if containers.has_keys(tag) is not None else None
    if type(content) is list and (tag is None or not (containers.has_keys(tag) or tag in _INSTANCES)):
        if type(step) is int and tag not in containers.UNORDERED and -len(content) <= step < len(content):
            return content[step]
    elif type(content) is dict and step in content:
        return content[step]
    elif type(content) is list:
        reader = Decoder(_refuse_part, plain=True)
        for key, member in _checked_pairs(content):
            if _is_same(reader, key, step):
                return member
    names = list(content)[:10] if type(content) is dict else f"{len(content)} members" if type(content) is list else "no parts"
    raise ValueError(f"there is no part {step!r:.80}; at this place there are {names}")


def narrow(node: Node, part: Any, select: Any) -> tuple[Node, Any]:
    """Return the node of a part of a value, and what of a selection is left for the loaderdumper of the part.

    Parameters
    ----------
    node : object
        The skeleton.
    part : object
        A step, or a list of steps; None for the whole.
    select : object
        A slice, or steps that end in one or more, as a tuple; None for all.

    Raises
    ------
    ValueError
        There is nothing at that place.
    """
    for step in [] if part is None else part if type(part) is list else [part]:
        node = step_into(node, step)
    steps = list(select) if type(select) is tuple else [] if select is None else [select]
    while steps:
        if tag_of(node) == "$part":
            return node, steps[0] if len(steps) == 1 else tuple(steps)
        step = steps.pop(0)
        node = _slice_of(node, step) if type(step) is slice else step_into(node, step)
    return node, None


def _slice_of(node: Node, chosen: slice) -> Node:
    tag = tag_of(node)
    if type(node) is list:
        return node[chosen]
    if tag in ("$tuple", "$deque") and type(node[tag]) is list:
        return {**node, tag: node[tag][chosen]}
    raise ValueError("only lists, tuples, deques and what is stored as a part have slices; name what lies inside with part=")


def _is_same(reader: Decoder, node: Node, step: Any) -> bool:
    try:
        key = reader.decode(node, hashed=True)
    except ValueError:
        return False
    return type(key) is type(step) and bool(key == step)


def _refuse_part(node: Node) -> Any:
    raise ValueError("a key that is a part of its own names no place")
