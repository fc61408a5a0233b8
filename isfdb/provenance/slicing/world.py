"""What is known, at one moment of a session, about its variables: which things they may stand for, and which steps made those.

A *thing* is an object, as far as reading the code can tell objects apart. A name may stand for several; what a thing holds (the members
of a list, the attributes of an instance) are things again. A view shares its thing with what it is a view of.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.provenance.slicing.effects import UNCHANGING

#: What an expression may stand for: numbers of things.
Value = frozenset[int]
NOTHING: Value = frozenset()
#: The hidden state that pyplot's current figure is, and the name under which it is known.
PLOT: Final = "<plot>"
#: Kinds of things that looking at their members, or giving them to a function, uses up.
USED_UP: Final = frozenset({"iterator", "file", "stateful", "generator"})
#: So few things are looked up one by one.
_FEW: Final = 20
_COPIED_AS_THEMSELVES: Final = UNCHANGING | {"function", "method", "class", "library", "database"}
_HOLD_NOTHING_UNKNOWN: Final = _COPIED_AS_THEMSELVES | {"array"}


@dataclass(slots=True)
class Thing:
    """One object.

    Attributes
    ----------
    kind : str
        ``"object"`` where a well-known library made it, ``"foreign"`` where nobody knows; ``"library"`` (with its dotted name),
        ``"function"``, ``"method"`` (whatever else can be called), ``"class"``, ``"instance"``, ``"database"``, ``"generator"`` of random
        numbers, ``"iterator"``, ``"file"``, ``"stateful"``, ``"plot"``, ``"estimator"``, ``"list"``, ``"array"``, ``"table"``, ``"path"``,
        ``"number"``, ``"text"`` ...
    name : str
        Of a library's module or function: its full name. Of a text, a path or a file: what it says, empty where nobody knows.
    node : ast node
        Of the user's functions and classes: their code.
    scope : Scope
        Where that code looks for names that are not its own.
    made_by : frozenset of int
        Of an instance: its classes.
    bases : tuple of int
        Of a class: those it is derived from, in order.
    writes : bool
        Of a file: it may be written to.
    calls : callable
        Of a method: follows a call of it.
    deferred : callable
        Of what runs later, as a generator's body: follows what then runs, and returns what it may give.
    born : int
        Step that made it.
    """

    kind: str = "object"
    name: str = ""
    node: Any = None
    scope: Any = None
    made_by: Value = NOTHING
    bases: tuple[int, ...] = ()
    writes: bool = False
    calls: Any = None
    deferred: Any = None
    born: int = -1


@dataclass(slots=True)
class Scope:
    """The names of a function that runs, and where it looks for others; None as parent means the variables of the session.

    Attributes
    ----------
    kind : str
        ``"function"``, ``"class"`` (whose names its functions do not see) or ``"comprehension"`` (whose walruses bind outside).
    cell : int or None
        A thing that stands for the variables themselves, once an inner function has bound one of them.
    """

    names: dict[str, Value] = field(default_factory=dict)
    parent: Scope | None = None
    kind: str = "function"
    cell: int | None = None
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
            scope = scope.enclosing()
        return None

    def enclosing(self) -> Scope | None:
        """Return the scope in which this one looks next; a class is none to what lies in it."""
        scope = self.parent
        while scope is not None and scope.kind == "class":
            scope = scope.parent
        return scope


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
    touched : set of str
        Hidden states it uses or changes: ``"<files>"``, ``"<random>"``, ``"<clock>"``, ``"<network>"``, ``"<environ>"``, ``"<plot>"`` ...
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
    touched: set[str] = field(default_factory=set)
    may_have_failed: bool = False
    databases: dict[str, set[int]] = field(default_factory=dict)


class World:
    """The variables of a session after some of its statements.

    Attributes
    ----------
    things : list of Thing
    holds : dict
        Thing -> things it may hold.
    names : dict
        Name -> what it may stand for.
    definers : dict
        Name, or hidden state as ``"<random>"`` -> steps that may have bound it last.
    changers : dict
        Thing -> steps that changed it last; these need those that changed it before.
    now : int
        The step that is read.
    barrier : int
        The last step that may have done anything; -1 where there is none. It needs all steps before it, so that it stands for them.
    anything : int
        The thing that stands for all that such a step may have put anywhere.
    special : set of int
        Things that are used up, or whose code runs later.
    patched : dict
        Attribute -> what the session has put under that name into classes of libraries.
    settings : set of str
        Hidden states that are settings of libraries.
    paths : dict
        Hidden state of a file -> paths under which it was written.
    own_underscore : bool
        The session has bound ``_`` itself; then IPython leaves it alone.
    """

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self.holds: dict[int, set[int]] = {}
        self.names: dict[str, Value] = {}
        self.definers: dict[str, set[int]] = {}
        self.changers: dict[int, set[int]] = {}
        self.now = -1
        self.barrier = -1
        self.work = 0  # things and expressions looked at so far
        self.special: set[int] = set()
        self.patched: dict[str, Value] = {}
        self.settings: set[str] = set()
        self.paths: dict[str, set[str]] = {}
        self.own_underscore = False
        self._libraries: dict[str, int] = {}
        self._fixed: dict[tuple[str, str], int] = {}
        (self.anything,) = self.new("foreign")

    def new(self, kind: str = "object", **facts: Any) -> Value:
        """Return a new thing."""
        number = len(self.things)
        thing = Thing(kind, born=self.now, **facts)
        self.things.append(thing)
        if kind in USED_UP or thing.deferred is not None:
            self.special.add(number)
        return frozenset((number,))

    def plain(self, kind: str, name: str = "") -> Value:
        """Return the one thing that stands for all numbers, or for all texts that say `name`: nothing can change them."""
        key = (kind, name)
        if key not in self._fixed:
            (self._fixed[key],) = self.new(kind, name=name)
        return frozenset((self._fixed[key],))

    def library(self, name: str) -> Value:
        """Return the thing that a module, or something in it, is."""
        if name not in self._libraries:
            (self._libraries[name],) = self.new("library", name=name)
        return frozenset((self._libraries[name],))

    def libraries_of(self, package: str) -> Value:
        """Return a package with all in it that the session has named."""
        named = [one for name, one in self._libraries.items() if name.startswith(f"{package}.")]
        return self.library(package) | frozenset(named)

    def knows_library(self, part: str) -> bool:
        """Say whether the session has named anything of a library that has `part` in its name."""
        return any(part in name for name in self._libraries)

    def kinds(self, value: Value) -> set[str]:
        """Return of which kinds a value may be."""
        return {self.things[one].kind for one in value}

    def of_kind(self, value: Iterable[int], *kinds: str) -> Value:
        """Return those things of a value that are of some kinds."""
        return frozenset(one for one in value if self.things[one].kind in kinds)

    def value_of(self, name: str) -> Value:
        """Return what a name of the session may stand for."""
        value = self.names[name]
        if not self._is_before_barrier(self.definers.get(name)) or self.kinds(value) == {"library"}:
            return value
        return value | {self.anything}

    def definers_of(self, name: str) -> set[int]:
        """Return the steps that may have bound a name, or set a hidden state, last."""
        found = self.definers.get(name, set())
        return {*found, self.barrier} if self._is_before_barrier(found) else found

    def _is_before_barrier(self, steps: set[int] | None) -> bool:
        return self.barrier >= 0 and (not steps or min(steps) < self.barrier)

    def changers_of(self, things: Collection[int]) -> set[int]:
        """Return the steps that changed any of some things last."""
        changers = self.changers
        found: set[int] = set()
        for one in things if len(things) < _FEW else changers.keys() & things:
            if one in changers:
                found |= changers[one]
        if self.barrier >= 0 and any(self._was_before_barrier(one) for one in things):
            found |= {self.barrier, *changers.get(self.anything, ())}
        return found

    def _was_before_barrier(self, one: int) -> bool:
        thing = self.things[one]
        return thing.born < self.barrier and thing.kind not in UNCHANGING

    def members(self, one: int) -> Iterable[int]:
        """Return what one thing holds."""
        found = self.holds.get(one, NOTHING)
        if self.barrier > self.things[one].born and self.things[one].kind not in _HOLD_NOTHING_UNKNOWN and one != self.anything:
            return {*found, self.anything}
        return found

    def held(self, value: Value) -> Value:
        """Return what the things of a value hold, one level down."""
        found: set[int] = set()
        for one in value:
            found.update(self.members(one))
        return frozenset(found)

    def put_into(self, container: Value, member: Value) -> None:
        """Note that the things of `container` may hold those of `member`."""
        member = frozenset(one for one in member if self.things[one].kind not in UNCHANGING)
        if self.anything in container and self.barrier >= 0:
            for one in self.reachable(member):
                self.things[one].born = min(self.things[one].born, self.barrier - 1)  # it may lie in what was there before
        for one in container if member else ():
            if one != self.anything and self.things[one].kind not in UNCHANGING:
                self.holds.setdefault(one, set()).update(member)

    def reachable(self, value: Iterable[int]) -> set[int]:
        """Return the things of a value and all that they hold."""
        found: set[int] = set()
        to_do = list(value)
        holds, things, is_behind_barrier = self.holds, self.things, self.barrier < 0
        while to_do:
            one = to_do.pop()
            if one in found:
                continue
            found.add(one)
            self.work += 1
            if one in holds:
                to_do += holds[one] - found
                self.work += len(holds[one]) // 20  # looked through, if quickly
            if things[one].made_by:
                to_do += things[one].made_by  # an instance shows what is changed in its class
            if not is_behind_barrier and self.anything not in found and self.anything in self.members(one):
                found.add(self.anything)
        return found

    def copied(self, value: Value, *, deeply: bool) -> Value:
        """Return new things like those of a value; what they hold is shared, or copied too."""
        known: dict[int, int] = {}

        def copy(one: int) -> int:
            thing = self.things[one]
            if thing.kind in _COPIED_AS_THEMSELVES:
                return one
            if one not in known:
                (known[one],) = self.new(thing.kind, name=thing.name, made_by=thing.made_by, writes=thing.writes, deferred=thing.deferred)
                held = self.members(one)
                self.holds[known[one]] = {copy(member) for member in held} if deeply else set(held)
            return known[one]

        return frozenset(copy(one) for one in value)
