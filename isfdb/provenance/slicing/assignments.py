"""Statements that bind names, and store into what is there."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from isfdb.provenance.slicing.hidden_state import touch_library
from isfdb.provenance.slicing.instances import call_method_of_instance
from isfdb.provenance.slicing.names import bind, load, members_of
from isfdb.provenance.slicing.operators import operated
from isfdb.provenance.slicing.world import Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def assign(run: Interpreter, target: ast.expr, value: Value, scope: Scope | None, *, certain: bool) -> None:
    """Bind a target, or store into it."""
    if isinstance(target, ast.Name):
        bind(run, target.id, value, scope, certain=certain)
    elif isinstance(target, (ast.Tuple, ast.List)):
        members = members_of(run, value)
        for one in target.elts:
            assign(run, one, members, scope, certain=certain)
    elif isinstance(target, ast.Starred):
        container = run.world.new("list")
        run.world.put_into(container, value)
        assign(run, target.value, container, scope, certain=certain)
    elif isinstance(target, ast.Attribute):
        store_into(run, run.value(target.value, scope), value, scope, "__setattr__", target.attr)
    elif isinstance(target, ast.Subscript):
        container = run.value(target.value, scope)
        run.use(run.value(target.slice, scope))
        store_into(run, container, value, scope, "__setitem__")


def store_into(run: Interpreter, container: Value, value: Value, scope: Scope | None, method: str, attribute: str = "") -> None:
    """Note that a container, or an object's attribute, now holds a value, with what its class does then."""
    run.change(container)
    run.world.put_into(container, value)
    for one in container:
        thing = run.world.things[one]
        if thing.kind == "instance":
            call_method_of_instance(run, one, method, [value], scope)
            call_method_of_instance(run, one, attribute, [value], scope)
        elif thing.kind == "library":
            touch_library(run, thing.name, is_set=True)


def _assign(run: Interpreter, node: ast.Assign, scope: Scope | None, certain: bool) -> None:
    value = run.value(node.value, scope)
    for target in node.targets:
        _assign_matching(run, target, node.value, value, scope, certain)


def _assign_matching(run: Interpreter, target: ast.expr, source: ast.expr, value: Value, scope: Scope | None, certain: bool) -> None:
    """Assign; a tuple to a tuple of as many, each to its own."""
    if (
        isinstance(target, (ast.Tuple, ast.List))
        and isinstance(source, (ast.Tuple, ast.List))
        and len(target.elts) == len(source.elts)
        and not any(isinstance(one, ast.Starred) for one in [*target.elts, *source.elts])
    ):
        values = [run.value(one, scope) for one in source.elts]
        for one, part in zip(target.elts, values, strict=True):
            assign(run, one, part, scope, certain=certain)
    else:
        assign(run, target, value, scope, certain=certain)


def _ann_assign(run: Interpreter, node: ast.AnnAssign, scope: Scope | None, certain: bool) -> None:
    run.use(run.value(node.annotation, scope))
    if node.value is not None:
        assign(run, node.target, run.value(node.value, scope), scope, certain=certain)


def _aug_assign(run: Interpreter, node: ast.AugAssign, scope: Scope | None, certain: bool) -> None:
    value = run.use(run.value(node.value, scope))
    if isinstance(node.target, ast.Name):
        before = run.use(load(run, node.target.id, scope))
        run.change(before)
        run.world.put_into(before, members_of(run, value))
        bind(run, node.target.id, before | operated(run, before, value), scope, certain=certain)
    else:
        before = run.use(run.value(node.target, scope))
        run.change(before)
        assign(run, node.target, before | value, scope, certain=certain)


def _delete(run: Interpreter, node: ast.Delete, scope: Scope | None, certain: bool) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            load(run, target.id, scope)
        else:
            run.change(run.value(target.value, scope))  # type: ignore[attr-defined]  # an attribute or a subscript
            for child in ast.iter_child_nodes(target):
                if isinstance(child, ast.expr):
                    run.use(run.value(child, scope))


#: Kind of statement -> what follows it.
ASSIGNMENTS: Final[dict[str, Any]] = {
    "Assign": _assign,
    "AnnAssign": _ann_assign,
    "AugAssign": _aug_assign,
    "Delete": _delete,
}
