"""What each kind of expression may stand for, and what evaluating it needs and changes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from isfdb.provenance.slicing.assignments import assign
from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.functions import function_from
from isfdb.provenance.slicing.hidden_state import read_library
from isfdb.provenance.slicing.instances import call_method_of_instance, operate_on
from isfdb.provenance.slicing.names import CONTAINERS, bind, load, members_of
from isfdb.provenance.slicing.operators import bin_op, bool_op, compare, unary_op
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def _name(run: Interpreter, node: ast.Name, scope: Scope | None) -> Value:
    return load(run, node.id, scope)


def _constant(run: Interpreter, node: ast.Constant, scope: Scope | None) -> Value:
    kind = {str: "text", bytes: "bytes", type(None): "none"}.get(type(node.value), "number")
    return run.world.plain(kind)


def _joined_str(run: Interpreter, node: ast.JoinedStr, scope: Scope | None) -> Value:
    for part in ast.walk(node):
        if isinstance(part, ast.FormattedValue):
            operate_on(run, run.use(run.value(part.value, scope)), scope)
    return run.world.plain("text")


def _attribute(run: Interpreter, node: ast.Attribute, scope: Scope | None) -> Value:
    owner = run.value(node.value, scope)
    found: set[int] = set()
    for one in owner:
        thing = run.world.things[one]
        if thing.kind == "library":
            name = f"{thing.name}.{node.attr}"
            read_library(run, name)
            found |= run.world.library(name)
            found |= run.world.holds.get(one, NOTHING)
        elif thing.kind == "instance":
            found |= run.world.holds.get(one, NOTHING) | {one}
            found |= call_method_of_instance(run, one, node.attr, [], scope, only_properties=True)
            found |= call_method_of_instance(run, one, "__getattr__", [], scope)
        elif thing.kind not in UNCHANGING:
            found |= {one} | run.world.holds.get(one, set())
    return run.look(frozenset(found)) if found else run.world.plain("number")


def _subscript(run: Interpreter, node: ast.Subscript, scope: Scope | None) -> Value:
    container = run.value(node.value, scope)
    run.use(run.value(node.slice, scope))
    kinds = run.world.kinds(container)
    if kinds == {"database"}:
        return run.world.new()
    run.look(container)
    operate_on(run, container, scope)
    if isinstance(node.value, ast.Name) and node.value.id == "Out" and isinstance(node.slice, ast.Constant):
        return load(run, f"Out[{node.slice.value!r}]", scope)
    if isinstance(node.slice, ast.Slice) and kinds <= CONTAINERS:
        fresh = run.world.new("list")
        run.world.put_into(fresh, run.world.held(container))
        return fresh
    return members_of(run, container) or run.world.plain("number")


def _slice(run: Interpreter, node: ast.Slice, scope: Scope | None) -> Value:
    for part in (node.lower, node.upper, node.step):
        if part is not None:
            run.use(run.value(part, scope))
    return run.world.plain("number")


def _if_exp(run: Interpreter, node: ast.IfExp, scope: Scope | None) -> Value:
    run.use(run.value(node.test, scope))
    return run.value(node.body, scope) | run.value(node.orelse, scope)


def _named_expr(run: Interpreter, node: ast.NamedExpr, scope: Scope | None) -> Value:
    value = run.value(node.value, scope)
    bind(run, node.target.id, value, scope, certain=False)
    return value


def _starred(run: Interpreter, node: ast.Starred, scope: Scope | None) -> Value:
    return members_of(run, run.value(node.value, scope))


def _await(run: Interpreter, node: ast.Await, scope: Scope | None) -> Value:
    return run.value(node.value, scope)


def _yield(run: Interpreter, node: Any, scope: Scope | None) -> Value:
    value = run.value(node.value, scope) if node.value is not None else NOTHING
    if run.returned:
        run.returned[-1] |= value
    return run.world.new()


def _lambda(run: Interpreter, node: ast.Lambda, scope: Scope | None) -> Value:
    return function_from(run, node, scope)


def _collection(run: Interpreter, kind: str, members: Sequence[ast.expr | None], scope: Scope | None) -> Value:
    fresh = run.world.new(kind)
    for member in members:
        if member is not None:
            run.world.put_into(fresh, run.value(member, scope))
    return fresh


def _list(run: Interpreter, node: Any, scope: Scope | None) -> Value:
    return _collection(run, "list", node.elts, scope)


def _tuple(run: Interpreter, node: ast.Tuple, scope: Scope | None) -> Value:
    return _collection(run, "tuple", node.elts, scope)


def _dict(run: Interpreter, node: ast.Dict, scope: Scope | None) -> Value:
    fresh = _collection(run, "dict", [*node.keys, *node.values], scope)
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            run.world.put_into(fresh, members_of(run, run.value(value, scope)))
    return fresh


def _list_comp(run: Interpreter, node: Any, scope: Scope | None) -> Value:
    inner = Scope(parent=scope)
    for generator in node.generators:
        members = members_of(run, run.use(run.value(generator.iter, inner)))
        assign(run, generator.target, members, inner, certain=True)
        for condition in generator.ifs:
            run.use(run.value(condition, inner))
    fresh = run.world.new("iterator" if isinstance(node, ast.GeneratorExp) else "list")
    for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
        run.world.put_into(fresh, run.use(run.value(part, inner)))
    return fresh


#: Kind of expression -> what follows it.
EXPRESSIONS: Final[dict[str, Any]] = {
    "Name": _name,
    "Constant": _constant,
    "JoinedStr": _joined_str,
    "Attribute": _attribute,
    "Subscript": _subscript,
    "Slice": _slice,
    "IfExp": _if_exp,
    "NamedExpr": _named_expr,
    "Starred": _starred,
    "Await": _await,
    "Yield": _yield,
    "Lambda": _lambda,
    "List": _list,
    "Tuple": _tuple,
    "Dict": _dict,
    "ListComp": _list_comp,
    "YieldFrom": _yield,
    "Set": _list,
    "SetComp": _list_comp,
    "DictComp": _list_comp,
    "GeneratorExp": _list_comp,
    "BinOp": bin_op,
    "UnaryOp": unary_op,
    "Compare": compare,
    "BoolOp": bool_op,
    "TemplateStr": _joined_str,
}
