"""What a call needs, changes and gives: of a method, a library's function, one of the session's own, or something nobody knows."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from isfdb.provenance.slicing.call_arguments import all_given
from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.functions import run_function
from isfdb.provenance.slicing.instances import call_method_of_instance, classes_of, may_call
from isfdb.provenance.slicing.libraries import called_library
from isfdb.provenance.slicing.methods import called_method
from isfdb.provenance.slicing.names import CONTAINERS
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def call(run: Interpreter, node: ast.Call, scope: Scope | None, *, is_statement: bool) -> Value:
    """Return what a call may give."""
    arguments = [run.value(one, scope) for one in node.args]
    named = {keyword.arg or "**": run.value(keyword.value, scope) for keyword in node.keywords}
    function = node.func
    if isinstance(function, ast.Attribute):
        owner = run.value(function.value, scope)
        libraries = frozenset(one for one in owner if run.world.things[one].kind == "library")
        found: Value = NOTHING
        if owner - libraries or not owner:
            found |= called_method(run, owner - libraries, function.attr, arguments, named, scope, node, is_statement)
        if libraries:
            callee = frozenset().union(*[run.world.library(f"{run.world.things[one].name}.{function.attr}") for one in libraries])
            callee |= run.world.held(libraries)
            run.look(libraries)
            found |= run.called(callee, arguments, named, scope, node, is_statement=is_statement)
        return found
    return run.called(run.value(function, scope), arguments, named, scope, node, is_statement=is_statement)


def called_thing(
    run: Interpreter,
    one: int | None,
    arguments: Sequence[Value],
    named: dict[str, Value],
    scope: Scope | None,
    node: ast.Call | None,
    is_statement: bool,
) -> Value:
    """Return what calling one thing may give."""
    world, given = run.world, all_given(arguments, named)
    thing = world.things[one] if one is not None else None
    if one is not None and thing is not None:
        if thing.kind == "function":
            return run_function(run, one, arguments, named)
        if thing.kind == "class":
            return _made(run, one, arguments, named, scope)
        if thing.kind == "instance" and classes_of(run, one):
            return call_method_of_instance(run, one, "__call__", arguments, scope, named=named) | world.new()
        if thing.kind == "library":
            return called_library(run, thing.name, arguments, named, scope, node, is_statement)
        if thing.kind in UNCHANGING or thing.kind in CONTAINERS:
            return NOTHING
    run.use(given)
    known = frozenset((one,)) if one is not None else NOTHING
    result = may_call(run, given | known, [given], scope)
    run.change_deeply(given | known)
    for value in arguments:
        world.put_into(value, given)
    world.put_into(known, given)
    return given | known | world.held(known) | result | world.new()


def _made(run: Interpreter, cls: int, arguments: Sequence[Value], named: dict[str, Value], scope: Scope | None) -> Value:
    """Make an instance of one of the session's classes."""
    world = run.world
    run.look(frozenset((cls,)))
    instance = world.new("instance", made_by=frozenset((cls,)))
    (one,) = instance
    world.put_into(instance, all_given(arguments, named))
    for name in ("__new__", "__init__", "__post_init__"):
        call_method_of_instance(run, one, name, arguments, scope, named=named)
    for base in world.held(frozenset((cls,))):
        if world.things[base].kind == "library":
            run.use(all_given(arguments, named))
    return instance
