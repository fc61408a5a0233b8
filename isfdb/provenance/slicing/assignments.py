"""Statements that bind names, and store into what is there."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from isfdb.provenance.slicing.call_arguments import Given
from isfdb.provenance.slicing.hidden_state import store_into_library
from isfdb.provenance.slicing.instances import call_method_of_instance, may_call, operate_on, set_attribute_of_instance
from isfdb.provenance.slicing.names import bind, consume, load, members_of, unbind
from isfdb.provenance.slicing.operators import operated
from isfdb.provenance.slicing.stored_keys import note_stored
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def assign(run: Interpreter, target: ast.expr, value: Value, scope: Scope | None) -> None:
    """Bind a target, or store into it."""
    if isinstance(target, ast.Name):
        bind(run, target.id, value, scope)
    elif isinstance(target, (ast.Tuple, ast.List)):
        run.use(value)
        members = members_of(run, value)
        for one in target.elts:
            assign(run, one, members, scope)
    elif isinstance(target, ast.Starred):
        container = run.world.new("list")
        run.world.put_into(container, value)
        assign(run, target.value, container, scope)
    elif isinstance(target, ast.Attribute):
        store_attribute(run, run.value(target.value, scope), target.attr, value)
    elif isinstance(target, ast.Subscript):
        container = run.value(target.value, scope)
        key = run.use(run.value(target.slice, scope))
        store_item(run, container, key, value)


def store_item(run: Interpreter, container: Value, key: Value, value: Value) -> None:
    """Note that a container now holds a value, with what its class does then."""
    _store(run, container, value)
    for one in container:
        thing = run.world.things[one]
        if thing.kind == "instance":
            call_method_of_instance(run, one, "__setitem__", Given((key, value)))
        elif thing.kind == "library":
            store_into_library(run, thing.name, "", key, value)
        elif thing.kind == "database":
            note_stored(run, Given((key,)).path(run.world))


def store_attribute(run: Interpreter, container: Value, name: str, value: Value) -> None:
    """Note that an object's attribute now is a value, with what its class does then; an empty name may be any."""
    _store(run, container, value)
    for one in container:
        thing = run.world.things[one]
        if thing.kind == "instance":
            set_attribute_of_instance(run, one, name, value)
        elif thing.kind == "class":
            for known in [name] if name else list(thing.scope.names):
                thing.scope.names[known] = thing.scope.names.get(known, NOTHING) | value
        elif thing.kind == "function":
            run.changed.add(one)
        elif thing.kind == "library":
            store_into_library(run, thing.name, name, NOTHING, value)


def _store(run: Interpreter, container: Value, value: Value) -> None:
    run.change(container)
    run.world.put_into(container, value)
    if run.world.kinds(container) & {"database", "library"}:
        run.use(value)
        consume(run, value)
        may_call(run, run.world.of_kind(value, "function", "method"), NOTHING)


def _assign(run: Interpreter, node: ast.Assign, scope: Scope | None) -> None:
    value = run.value(node.value, scope)
    for target in node.targets:
        _assign_matching(run, target, node.value, value, scope)


def _assign_matching(run: Interpreter, target: ast.expr, source: ast.expr, value: Value, scope: Scope | None) -> None:
    """Assign; a tuple to a tuple of as many, each to its own."""
    if (
        isinstance(target, (ast.Tuple, ast.List))
        and isinstance(source, (ast.Tuple, ast.List))
        and len(target.elts) == len(source.elts)
        and not any(isinstance(one, ast.Starred) for one in [*target.elts, *source.elts])
        and not any(isinstance(one, (ast.Call, ast.Await, ast.Yield, ast.NamedExpr)) for one in ast.walk(source))  # evaluated once
    ):
        values = [run.value(one, scope) for one in source.elts]
        for one, part in zip(target.elts, values, strict=True):
            assign(run, one, part, scope)
    else:
        assign(run, target, value, scope)


def _ann_assign(run: Interpreter, node: ast.AnnAssign, scope: Scope | None) -> None:
    run.use(run.value(node.annotation, scope))
    if node.value is not None:
        assign(run, node.target, run.value(node.value, scope), scope)


def _aug_assign(run: Interpreter, node: ast.AugAssign, scope: Scope | None) -> None:
    value = run.use(run.value(node.value, scope))
    consume(run, value)
    before = run.use(load(run, node.target.id, scope) if isinstance(node.target, ast.Name) else run.value(node.target, scope))
    run.change(before)
    run.world.put_into(before, members_of(run, value))
    from_methods = operate_on(run, before | value)
    after = before | operated(run, before, value) | from_methods
    assign(run, node.target, after if isinstance(node.target, ast.Name) else after | value, scope)


def _delete(run: Interpreter, node: ast.Delete, scope: Scope | None) -> None:
    for target in node.targets:
        _delete_target(run, target, scope)


def _delete_target(run: Interpreter, target: ast.expr, scope: Scope | None) -> None:
    if isinstance(target, ast.Name):
        if scope is not None and target.id not in scope.declared_global:
            return
        is_certain = not run.weak and run.step.node.__class__ is ast.Delete
        if not is_certain:
            load(run, target.id, scope)
        unbind(run, target.id, scope, is_certain=is_certain)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for one in target.elts:
            _delete_target(run, one, scope)
    elif isinstance(target, (ast.Attribute, ast.Subscript)):
        owner = run.value(target.value, scope)
        run.change(owner)
        operate_on(run, owner)
        key = run.use(run.value(target.slice, scope)) if isinstance(target, ast.Subscript) else NOTHING
        for library in run.world.of_kind(owner, "library"):
            store_into_library(run, run.world.things[library].name, getattr(target, "attr", ""), key, NOTHING)


#: Kind of statement -> what follows it.
ASSIGNMENTS: Final[dict[str, Any]] = {
    "Assign": _assign,
    "AnnAssign": _ann_assign,
    "AugAssign": _aug_assign,
    "Delete": _delete,
}
