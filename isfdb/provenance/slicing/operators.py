"""What operators need, change and give."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.instances import operate_on
from isfdb.provenance.slicing.names import CONTAINERS, consume
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def bin_op(run: Interpreter, node: ast.BinOp, scope: Scope | None) -> Value:
    """Follow an operator between two values."""
    left, right = run.use(run.value(node.left, scope)), run.use(run.value(node.right, scope))
    if isinstance(node.op, ast.Mod) and "text" in run.world.kinds(left):
        run.see("<display>")
    joined = _joined(run, node, left, right)
    return joined if joined is not None else operated(run, left, right)


def _joined(run: Interpreter, node: ast.BinOp, left: Value, right: Value) -> Value | None:
    """Return the path or text that two of them make, as far as it is known; None where they make something else."""
    kinds = run.world.kinds(left) | run.world.kinds(right)
    names = [[run.world.things[one].name for one in side] for side in (left, right)]
    whole = (
        "".join([names[0][0], "/" if isinstance(node.op, ast.Div) else "", names[1][0]]) if [len(one) for one in names] == [1, 1] else ""
    )
    if not kinds <= {"text", "path"}:
        return None
    if isinstance(node.op, ast.Div):
        return run.world.plain("path", whole if names[1][0] else "") if whole else run.world.plain("path")
    if isinstance(node.op, ast.Add) and kinds == {"text"}:
        return (
            run.world.plain("text", whole if all(one[0] for one in names) and len(whole) < 200 else "")
            if whole
            else run.world.plain("text")
        )
    return None


def operated(run: Interpreter, left: Value, right: Value) -> Value:
    """Return what an operator makes of two values: something new, which may hold what they hold."""
    kinds = run.world.kinds(left) | run.world.kinds(right)
    if kinds <= {"number"}:
        return run.world.plain("number")
    if "text" in kinds and kinds <= UNCHANGING:
        return run.world.plain("text")
    from_methods = operate_on(run, left | right) if "instance" in kinds else NOTHING
    if not kinds <= UNCHANGING | CONTAINERS | {"array"}:
        _see_settings(run)
    kind = "array" if "array" in kinds else "table" if "table" in kinds else "list" if kinds & CONTAINERS else "object"
    fresh = run.world.new(kind)
    if kind in ("list", "object"):
        run.world.put_into(fresh, run.world.held(left) | run.world.held(right))
        if kind == "object":
            run.world.put_into(fresh, left | right)
    return fresh | from_methods


def _see_settings(run: Interpreter) -> None:
    """Note that an operator of a library's object may see the settings of that library."""
    for state in run.world.settings:
        run.see(state)


def unary_op(run: Interpreter, node: ast.UnaryOp, scope: Scope | None) -> Value:
    """Follow an operator before one value."""
    value = run.use(run.value(node.operand, scope))
    if isinstance(node.op, ast.Not):
        operate_on(run, value)
        return run.world.plain("number")
    return operated(run, value, value)


def compare(run: Interpreter, node: ast.Compare, scope: Scope | None) -> Value:
    """Follow a comparison."""
    values = [run.use(run.value(one, scope)) for one in [node.left, *node.comparators]]
    for operator, value in zip(node.ops, values[1:], strict=True):
        if isinstance(operator, (ast.In, ast.NotIn)):
            consume(run, value)
    everything = NOTHING.union(*values)
    kinds = run.world.kinds(everything)
    found = operate_on(run, everything) if "instance" in kinds else NOTHING
    return (run.world.new("array") if kinds & {"array", "table", "object", "foreign"} else run.world.plain("number")) | found


def bool_op(run: Interpreter, node: ast.BoolOp, scope: Scope | None) -> Value:
    """Follow ``and`` and ``or``: what stands behind the first may not be evaluated."""
    found = run.use(run.value(node.values[0], scope))
    run.weak += 1
    for one in node.values[1:]:
        found |= run.use(run.value(one, scope))
    run.weak -= 1
    operate_on(run, found)
    return found
