"""What names stand for: looking them up, binding them, and what indexing or unpacking their values may give."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

_BUILTINS: Final = frozenset(dir(builtins))
#: Stands among the names for all that a star import may bind.
STAR: Final = "*"
#: Kinds of things whose members are told apart from them.
CONTAINERS: Final = frozenset({"list", "dict", "set", "tuple"})
#: Kinds of values that looking at their members uses up.
_USED_UP: Final = frozenset({"iterator", "file"})


def load(run: Interpreter, name: str, scope: Scope | None) -> Value:
    """Return what a name stands for."""
    found = scope.find(name) if scope is not None else None
    if found is not None:
        return found.names[name]
    world = run.world
    if name in world.names:
        value = world.names[name]
        if world.kinds(value) == {"database"}:
            run.step.databases.setdefault(name, set()).update(world.definers.get(name, NOTHING))
        else:
            run.need(name)
        return run.look(value)
    if name == "__name__":
        return world.plain("text")
    if name in ("In", "Out", "_ih", "_oh", "_dh", "get_ipython"):
        if name == "get_ipython":
            return world.library(name)
        run.widen(f"it uses IPython's {name}")
        return world.new()
    if name in _BUILTINS and not world.definers.get(STAR):
        return world.library(name)
    run.need(STAR)
    return world.library(name) if name in _BUILTINS else world.new()


def bind(run: Interpreter, name: str, value: Value, scope: Scope | None, *, certain: bool) -> None:
    """Bind a name, in a function's own scope or in the session."""
    if scope is not None and name not in scope.declared_global:
        if name in scope.declared_nonlocal:
            owner = scope.parent.find(name) if scope.parent else None
            owner = owner or scope
            owner.names[name] = owner.names.get(name, NOTHING) | value
        else:
            scope.names[name] = value if certain else scope.names.get(name, NOTHING) | value
        return
    inside_call = scope is not None
    if certain and not inside_call:
        run.surely_bound.add(name)
        run.bound.add(name)
        run.world.names[name] = value
    else:
        run.maybe_bound.add(name)
        run.world.names[name] = run.world.names.get(name, NOTHING) | value


def members_of(run: Interpreter, value: Value) -> Value:
    """Return what iterating, indexing or unpacking a value may give."""
    run.change(frozenset(one for one in value if run.world.things[one].kind in _USED_UP))
    own = {one for one in value if run.world.things[one].kind not in CONTAINERS}
    return frozenset(own) | run.world.held(value)


def restore(run: Interpreter, scope: Scope | None, names: dict[str, Value]) -> None:
    """Set the names of a scope, or of the session, to what they were."""
    if scope is not None:
        scope.names = dict(names)
    else:
        run.world.names = dict(names)
