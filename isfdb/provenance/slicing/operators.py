"""What operators need, change and give."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.instances import operate_on
from isfdb.provenance.slicing.names import CONTAINERS
from isfdb.provenance.slicing.world import Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def operated(run: Interpreter, left: Value, right: Value) -> Value:
    """Return what an operator makes of two values: something new, which may hold what they hold."""
    kinds = run.world.kinds(left) | run.world.kinds(right)
    if kinds <= {"number"}:
        return run.world.plain("number")
    if "text" in kinds and kinds <= UNCHANGING:
        return run.world.plain("text")
    kind = "array" if "array" in kinds else "table" if "table" in kinds else "list" if kinds & CONTAINERS else "object"
    fresh = run.world.new(kind)
    if kind in ("list", "object"):
        run.world.put_into(fresh, run.world.held(left) | run.world.held(right))
        if kind == "object":
            run.world.put_into(fresh, left | right)
    return fresh


def bin_op(run: Interpreter, node: ast.BinOp, scope: Scope | None) -> Value:
    """Follow an operator between two values."""
    left, right = run.use(run.value(node.left, scope)), run.use(run.value(node.right, scope))
    operate_on(run, left | right, scope)
    return operated(run, left, right)


def unary_op(run: Interpreter, node: ast.UnaryOp, scope: Scope | None) -> Value:
    """Follow an operator before one value."""
    value = run.use(run.value(node.operand, scope))
    operate_on(run, value, scope)
    return operated(run, value, value)


def compare(run: Interpreter, node: ast.Compare, scope: Scope | None) -> Value:
    """Follow a comparison."""
    values = [run.use(run.value(one, scope)) for one in [node.left, *node.comparators]]
    for value in values:
        operate_on(run, value, scope)
    kinds = set().union(*[run.world.kinds(value) for value in values])
    return run.world.new("array") if kinds & {"array", "table", "object"} else run.world.plain("number")


def bool_op(run: Interpreter, node: ast.BoolOp, scope: Scope | None) -> Value:
    """Follow ``and`` and ``or``."""
    return frozenset().union(*[run.use(run.value(one, scope)) for one in node.values])
