"""What is known, at one moment of a session, about its variables: which things they may stand for, and which steps made those.

A *thing* is an object, as far as reading the code can tell objects apart. A name may stand for several; what a thing holds (the members
of a list, the attributes of an instance) are things again. A view shares its thing with what it is a view of.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from isfdb.provenance.slicing.effects import UNCHANGING

#: What an expression may stand for: numbers of things.
Value = frozenset[int]
NOTHING: Value = frozenset()


@dataclass(slots=True)
class Thing:
    """One object.

    Attributes
    ----------
    kind : str
        ``"object"`` where nobody knows; ``"library"`` (with its dotted name), ``"function"``, ``"class"``, ``"instance"``, ``"database"``,
        ``"generator"``, ``"list"``, ``"array"``, ``"table"``, ``"number"``, ``"text"`` ...
    name : str
        Of a library's module or function: its full name.
    node : ast node
        Of the user's functions and classes: their code.
    scope : Scope
        Where that code looks for names that are not its own.
    made_by : frozenset of int
        Of an instance: its classes.
    """

    kind: str = "object"
    name: str = ""
    node: Any = None
    scope: Any = None
    made_by: Value = NOTHING


@dataclass(slots=True)
class Scope:
    """The names of a function that runs, and where it looks for others; None as parent means the variables of the session."""

    names: dict[str, Value] = field(default_factory=dict)
    parent: Scope | None = None
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)

    def find(self, name: str) -> Scope | None:
        """Return the scope in which a name is a function's own; None where it is the session's."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.declared_global:
                return None
            if name in scope.names:
                return scope
            scope = scope.parent
        return None


@dataclass(slots=True)
class Step:
    """One statement that was executed.

    Attributes
    ----------
    number : int
        Counted through the session.
    cell : int
        Which of the cells, by its place.
    node : ast.stmt
    needs : set of int
        Steps whose effect it sees.
    widened : list of str
        Why it was taken to need, or change, more than what can be seen.
    draws : set of str
        Random states it draws from.
    may_have_failed : bool
        Its cell ended with an error, perhaps in this statement.
    databases : dict
        Names that stood for databases when it looked -> steps that bound them. A value needs these only if its code must open databases
        itself.
    """

    number: int
    cell: int
    node: ast.stmt
    needs: set[int] = field(default_factory=set)
    widened: list[str] = field(default_factory=list)
    draws: set[str] = field(default_factory=set)
    may_have_failed: bool = False
    databases: dict[str, set[int]] = field(default_factory=dict)


class World:
    """The variables of a session after some of its statements."""

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self.holds: dict[int, set[int]] = {}
        self.names: dict[str, Value] = {}
        self.definers: dict[str, set[int]] = {}  # name, or hidden state as "<random>" -> steps that may have bound it last
        self.changers: dict[int, set[int]] = {}  # thing -> steps that changed it last; these need those that changed it before
        self._libraries: dict[str, int] = {}
        self._fixed: dict[str, int] = {}

    def new(self, kind: str = "object", **facts: Any) -> Value:
        """Return a new thing."""
        self.things.append(Thing(kind, **facts))
        return frozenset((len(self.things) - 1,))

    def plain(self, kind: str) -> Value:
        """Return the one thing that stands for all numbers, or texts: nothing can change them."""
        if kind not in self._fixed:
            (self._fixed[kind],) = self.new(kind)
        return frozenset((self._fixed[kind],))

    def library(self, name: str) -> Value:
        """Return the thing that a module, or something in it, is."""
        if name not in self._libraries:
            (self._libraries[name],) = self.new("library", name=name)
        return frozenset((self._libraries[name],))

    def kinds(self, value: Value) -> set[str]:
        """Return of which kinds a value may be."""
        return {self.things[one].kind for one in value}

    def held(self, value: Value) -> Value:
        """Return what the things of a value hold, one level down."""
        found: set[int] = set()
        for one in value:
            found |= self.holds.get(one, NOTHING)
        return frozenset(found)

    def put_into(self, container: Value, member: Value) -> None:
        """Note that the things of `container` may hold those of `member`."""
        member = frozenset(one for one in member if self.things[one].kind not in UNCHANGING)
        for one in container if member else ():
            if self.things[one].kind not in UNCHANGING | {"database"}:
                self.holds.setdefault(one, set()).update(member)

    def reachable(self, value: Iterable[int]) -> set[int]:
        """Return the things of a value and all that they hold."""
        found, to_do = set(), list(value)
        while to_do:
            one = to_do.pop()
            if one not in found:
                found.add(one)
                to_do += self.holds.get(one, ())
                to_do += self.things[one].made_by  # an instance shows what is changed in its class
        return found
