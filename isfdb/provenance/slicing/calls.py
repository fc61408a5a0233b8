"""What a call needs, changes and gives: of a method, a library's function, one of the session's own, or something nobody knows."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from isfdb.provenance.slicing.call_arguments import Given, Starred
from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.functions import run_function
from isfdb.provenance.slicing.hidden_state import draw
from isfdb.provenance.slicing.instances import bases_of, call_method_of_instance, classes_of, has_library_base, may_call, members_named
from isfdb.provenance.slicing.libraries import called_library
from isfdb.provenance.slicing.methods import called_method
from isfdb.provenance.slicing.names import CONTAINERS, consume, members_of
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def call(run: Interpreter, node: ast.Call, scope: Scope | None, *, is_statement: bool) -> Value:
    """Return what a call may give."""
    function = node.func
    owner = run.value(function.value, scope) if isinstance(function, ast.Attribute) else NOTHING
    callee = run.value(function, scope) if not isinstance(function, ast.Attribute) else NOTHING
    given = Given(
        tuple(_argument(run, one, scope) for one in node.args),
        {keyword.arg or "**": run.value(keyword.value, scope) for keyword in node.keywords},
        scope,
        node,
        is_statement,
    )
    if not isinstance(function, ast.Attribute):
        return run.called(callee, given)
    libraries = run.world.of_kind(owner, "library")
    found: Value = NOTHING
    if owner - libraries or not owner:
        found |= called_method(run, owner - libraries, function.attr, given)
    if libraries:
        run.look(libraries)
        names = [run.world.things[one].name for one in libraries]
        patched = run.world.of_kind(run.world.held(libraries), "function", "method", "class")
        run.weak += bool(patched)
        found |= run.called(patched.union(*[run.world.library(f"{name}.{function.attr}") for name in names]), given)
        run.weak -= bool(patched)
    return found


def _argument(run: Interpreter, node: ast.expr, scope: Scope | None) -> Value:
    if isinstance(node, ast.Starred):
        return Starred(members_of(run, run.use(run.value(node.value, scope))))
    return run.value(node, scope)


def called_thing(run: Interpreter, one: int, given: Given) -> Value:
    """Return what calling one thing may give."""
    thing = run.world.things[one]
    if thing.kind == "function":
        return run_function(run, one, given)
    if thing.calls is not None:
        run.look(frozenset((one,)))
        found: Value = thing.calls(run, given)
        return found
    if thing.kind == "class":
        return _made(run, one, given)
    if thing.kind == "instance" and classes_of(run, one):
        from_call = call_method_of_instance(run, one, "__call__", given)
        return from_call or called_unknown(run, frozenset((one,)), given)
    if thing.kind == "library":
        return called_library(run, thing.name, given)
    if thing.kind in UNCHANGING or thing.kind in CONTAINERS:
        return NOTHING
    if thing.kind in ("object", "estimator", "table", "array", "plot"):
        return _called_object(run, frozenset((one,)), given)
    return called_unknown(run, frozenset((one,)), given)


def called_unknown(run: Interpreter, known: Value, given: Given) -> Value:
    """Return what calling something that nobody knows may give: it may change all that it is given."""
    world, everything = run.world, given.everything
    run.use(everything)
    consume(run, everything)
    result = may_call(run, everything | known, everything)
    run.change_deeply(everything | known)
    for value in given.arguments:
        world.put_into(value, everything)
    world.put_into(known, everything)
    made = known if known == {world.anything} else world.new("foreign")
    return everything | known | world.held(known) | result | made


def _called_object(run: Interpreter, known: Value, given: Given) -> Value:
    """Return what calling a library's object may give, as a layer of a network, or a function that it has wrapped."""
    everything = given.everything
    run.use(everything | known)
    consume(run, everything | known)
    if "out" in given.named:
        run.change(given.named["out"])
    is_put_off = {run.world.things[one].name for one in known} == {"dask.delayed"}
    result = NOTHING if is_put_off else may_call(run, everything | known, everything)
    if run.world.knows_library("ropout"):
        draw(run, "<torch random>")
    fresh = run.world.new("object")
    run.world.put_into(fresh, everything | known | result)
    return fresh | result | frozenset(one for one in everything if run.world.things[one].kind not in CONTAINERS)


def _made(run: Interpreter, cls: int, given: Given) -> Value:
    """Make an instance of one of the session's classes."""
    world = run.world
    run.look(frozenset(bases_of(run, frozenset((cls,)))))
    instance = world.new("instance", made_by=frozenset((cls,)))
    (one,) = instance
    world.put_into(instance, given.everything)
    found: Value = NOTHING
    for name in ("__new__", "__init__", "__post_init__"):
        receiver_is_class = name == "__new__"
        for member in sorted(members_named(run, bases_of(run, frozenset((cls,))), name)):
            if world.things[member].kind == "function":
                found |= run_function(
                    run, member, given if name != "__post_init__" else Given(), frozenset((cls,)) if receiver_is_class else instance
                )
    if has_library_base(run, one):
        run.use(given.everything)
        consume(run, given.everything)
    _run_factories(run, cls, instance)
    return instance | world.of_kind(found, "instance")


def _run_factories(run: Interpreter, cls: int, instance: Value) -> None:
    """Follow the session's functions that a dataclass's fields are made by."""
    fields = run.world.of_kind(NOTHING.union(*run.world.things[cls].scope.names.values()), "object")
    factories = run.world.of_kind(run.world.held(fields), "function")
    if factories:
        run.world.put_into(instance, run.called(factories, Given()))
