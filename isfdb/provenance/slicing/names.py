"""What names stand for: looking them up, binding them, and what indexing or unpacking their values may give."""

from __future__ import annotations

import builtins
import re
from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

_BUILTINS: Final = frozenset(dir(builtins)) | {"display", "exit", "quit"}
#: Stands among the names for all that a star import may bind.
STAR: Final = "*"
#: Kinds of things whose members are told apart from them.
CONTAINERS: Final = frozenset({"list", "dict", "set", "tuple"})
_OF_IPYTHON: Final = re.compile(r"In|Out|_ih|_oh|_dh|_i{1,3}|_i\d+")


def load(run: Interpreter, name: str, scope: Scope | None) -> Value:
    """Return what a name stands for."""
    found = scope.find(name) if scope is not None else None
    if found is not None:
        run.look_at_scope(found)
        return found.names[name]
    world = run.world
    if name in world.names:
        value = world.value_of(name)
        if world.kinds(value) == {"database"}:
            run.step.databases.setdefault(name, set()).update(world.definers.get(name, NOTHING))
        else:
            run.need(name)
        return run.look(value)
    return _load_unbound(run, name)


def _load_unbound(run: Interpreter, name: str) -> Value:
    """Return what a name stands for that no statement has bound: a builtin, or what something unread has bound."""
    world = run.world
    if name == "__name__":
        return world.plain("text")
    if name == "get_ipython":
        return world.library(name)
    if _OF_IPYTHON.fullmatch(name):
        run.widen(f"it uses IPython's {name}")
        return world.new("foreign")
    if name in world.patched:
        run.see(f"<attribute>{name}")
        return world.patched[name] | world.library(name)
    if name in _BUILTINS and not world.definers_of(STAR):
        return world.library(name)
    run.need(STAR)
    unknown = frozenset((world.anything,)) if world.barrier >= 0 else world.new("foreign")
    return world.library(name) if name in _BUILTINS else unknown


def bind(run: Interpreter, name: str, value: Value, scope: Scope | None) -> None:
    """Bind a name, in a function's own scope or in the session."""
    while scope is not None and scope.kind == "comprehension" and name not in scope.names:
        scope = scope.parent  # as a walrus does
    if scope is not None and name not in scope.declared_global:
        if name in scope.declared_nonlocal:
            around = scope.enclosing()
            owner = (around.find(name) if around is not None else None) or scope
            run.change_scope(owner)
            owner.names[name] = owner.names.get(name, NOTHING) | value
        else:
            scope.names[name] = scope.names.get(name, NOTHING) | value if run.weak else value
        return
    run.world.own_underscore |= name == "_"
    run.deleted.discard(name)
    if run.weak or run.inner_branches:
        run.maybe_bound.add(name)
        run.world.names[name] = run.world.names.get(name, NOTHING) | value
    else:
        run.surely_bound.add(name)
        run.bound.add(name)
        run.world.names[name] = value


def unbind(run: Interpreter, name: str, scope: Scope | None, *, is_certain: bool) -> None:
    """Take a name away."""
    if scope is not None and name not in scope.declared_global:
        return
    if is_certain and name not in run.surely_bound | run.maybe_bound:
        run.world.names.pop(name, None)
        run.deleted.add(name)
    else:
        run.maybe_bound.add(name)


def members_of(run: Interpreter, value: Value) -> Value:
    """Return what iterating, indexing or unpacking a value may give."""
    world = run.world
    used_up = value & world.special
    given = consume(run, used_up) if used_up else NOTHING
    own = {one for one in value if world.things[one].kind not in CONTAINERS}
    return frozenset(own) | world.held(value) | given


def consume(run: Interpreter, value: Value) -> Value:
    """Note that iterators, files and random generators in a value are used, and follow what was put off; return what that gave."""
    world, found = run.world, NOTHING
    if not world.special:
        return found
    for one in sorted(world.reachable(value) & world.special):
        run.change(frozenset((one,)))
        found |= run_deferred(run, one)
    return found


def run_deferred(run: Interpreter, one: int) -> Value:
    """Follow code that was put off; it may run as a whole, in part, or not at all."""
    thing = run.world.things[one]
    if thing.deferred is None or one in run.running:
        return NOTHING
    run.running.add(one)
    run.weak += 1
    found: Value = thing.deferred(run)
    run.weak -= 1
    run.running.discard(one)
    run.world.put_into(frozenset((one,)), found)
    return found


def restore(run: Interpreter, scope: Scope | None, names: dict[str, Value]) -> None:
    """Set the names of a scope, or of the session, to what they were."""
    if scope is not None:
        scope.names = dict(names)
    else:
        run.world.names = dict(names)
