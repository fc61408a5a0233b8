"""Follows methods of instances of the session's own classes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing.functions import run_function
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

#: Special methods that no operator calls.
_NOT_OPERATORS: Final = frozenset({"__init__", "__new__", "__setattr__", "__module__", "__qualname__", "__del__"})


def classes_of(run: Interpreter, one: int) -> list[int]:
    """Return the classes of an instance with those they are derived from, as far as the session defines them."""
    found, to_do = [], list(run.world.things[one].made_by)
    while to_do:
        cls = to_do.pop()
        if cls not in found and run.world.things[cls].kind == "class":
            found.append(cls)
            to_do += [held for held in run.world.holds.get(cls, ()) if run.world.things[held].kind == "class"]
    return found


def call_method_of_instance(
    run: Interpreter,
    one: int,
    name: str,
    arguments: Sequence[Value],
    scope: Scope | None,
    *,
    named: dict[str, Value] | None = None,
    only_properties: bool = False,
) -> Value:
    """Follow a method, or a property, where the session's own classes define it."""
    found: Value = NOTHING
    for cls in classes_of(run, one):
        run.look(frozenset((cls,)))
        for function in run.world.things[cls].scope.names.get(name, NOTHING):
            thing = run.world.things[function]
            if thing.kind != "function" or isinstance(thing.node, ast.Lambda):
                continue
            if only_properties and not thing.node.decorator_list:
                found |= frozenset((function,))  # a bound method that is handed on
                continue
            is_static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in thing.node.decorator_list)
            found |= run_function(run, function, arguments, named or {}, None if is_static else frozenset((one,)))
    return found


def operate_on(run: Interpreter, value: Value, scope: Scope | None) -> None:
    """Follow what operators, printing and the like may call: the special methods of the session's own classes."""
    for one in value:
        if run.world.things[one].kind == "instance":
            for cls in classes_of(run, one):
                for name in list(run.world.things[cls].scope.names):
                    if name.startswith("__") and name not in _NOT_OPERATORS:
                        call_method_of_instance(run, one, name, [frozenset((one,))], scope)


def may_call(run: Interpreter, value: Value, arguments: Sequence[Value], scope: Scope | None) -> Value:
    """Follow the session's functions among what a library is given: it may call them, with anything else it is given."""
    found: Value = NOTHING
    everything = frozenset().union(NOTHING, *arguments)
    members = everything | run.world.held(everything)
    for one in sorted(run.world.reachable(value)):
        kind = run.world.things[one].kind
        if kind == "function":
            parameters = run.world.things[one].node.args
            count = len(parameters.posonlyargs) + len(parameters.args)
            found |= run_function(run, one, [members - {one}] * count, {})
        elif kind == "instance":
            operate_on(run, frozenset((one,)), scope)
    return found
