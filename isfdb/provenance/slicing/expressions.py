"""What each kind of expression may stand for, and what evaluating it needs and changes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from isfdb.provenance.slicing.assignments import assign
from isfdb.provenance.slicing.attributes import attribute_of
from isfdb.provenance.slicing.functions import function_from
from isfdb.provenance.slicing.hidden_state import read_library
from isfdb.provenance.slicing.instances import operate_on
from isfdb.provenance.slicing.names import CONTAINERS, bind, consume, load, members_of
from isfdb.provenance.slicing.operators import bin_op, bool_op, compare, unary_op
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

#: Longer texts name no file.
_LONGEST_PATH: Final = 200


def _name(run: Interpreter, node: ast.Name, scope: Scope | None) -> Value:
    return load(run, node.id, scope)


def _constant(run: Interpreter, node: ast.Constant, scope: Scope | None) -> Value:
    if isinstance(node.value, str):
        return run.world.plain("text", node.value if len(node.value) < _LONGEST_PATH else "")
    return run.world.plain({bytes: "bytes", type(None): "none"}.get(type(node.value), "number"))


def _joined_str(run: Interpreter, node: ast.JoinedStr, scope: Scope | None) -> Value:
    run.see("<display>")
    for part in ast.walk(node):
        if isinstance(part, ast.FormattedValue):
            operate_on(run, run.use(run.value(part.value, scope)))
    last = node.values[-1] if node.values else None
    end = last.value if isinstance(last, ast.Constant) and isinstance(last.value, str) else ""
    # Of a path whose folder is only known when it runs, the file's name may still be known.
    return run.world.plain("text", f"?/{end.rpartition('/')[2]}" if "/" in end and not end.endswith("/") else "")


def _attribute(run: Interpreter, node: ast.Attribute, scope: Scope | None) -> Value:
    return attribute_of(run, run.value(node.value, scope), node.attr)


def _subscript(run: Interpreter, node: ast.Subscript, scope: Scope | None) -> Value:
    if isinstance(node.value, ast.Name) and node.value.id in ("Out", "_oh") and isinstance(node.slice, ast.Constant):
        return load(run, f"_{node.slice.value!s}", scope)
    container = run.value(node.value, scope)
    key = run.use(run.value(node.slice, scope))
    kinds = run.world.kinds(container)
    if kinds == {"database"}:
        return run.world.new("foreign")
    run.look(container)
    from_methods = operate_on(run, container)
    for one in run.world.of_kind(container, "library"):
        read_library(run, run.world.things[one].name, key)
    for one in run.world.of_kind(container, "object", "foreign"):
        from_methods |= _factory_called(run, one)
    if isinstance(node.slice, ast.Slice) and kinds <= CONTAINERS:
        fresh = run.world.new("list")
        run.world.put_into(fresh, run.world.held(container))
        return fresh
    return members_of(run, container) | from_methods or run.world.plain("number")


def _factory_called(run: Interpreter, one: int) -> Value:
    """Follow what looking for an item may call, as a defaultdict's factory."""
    if run.world.things[one].name != "collections.defaultdict":
        return NOTHING
    factories = run.world.of_kind(run.world.held(frozenset((one,))), "function", "method", "class")
    found = run.called(factories) if factories else NOTHING
    run.change(frozenset((one,)))  # looking for a key makes it
    run.world.put_into(frozenset((one,)), found)
    return found


def _slice(run: Interpreter, node: ast.Slice, scope: Scope | None) -> Value:
    for part in (node.lower, node.upper, node.step):
        if part is not None:
            run.use(run.value(part, scope))
    return run.world.plain("number")


def _if_exp(run: Interpreter, node: ast.IfExp, scope: Scope | None) -> Value:
    operate_on(run, run.use(run.value(node.test, scope)))
    run.weak += 1
    found = run.value(node.body, scope) | run.value(node.orelse, scope)
    run.weak -= 1
    return found


def _named_expr(run: Interpreter, node: ast.NamedExpr, scope: Scope | None) -> Value:
    value = run.value(node.value, scope)
    bind(run, node.target.id, value, scope)
    return value


def _starred(run: Interpreter, node: ast.Starred, scope: Scope | None) -> Value:
    return members_of(run, run.use(run.value(node.value, scope)))


def _await(run: Interpreter, node: ast.Await, scope: Scope | None) -> Value:
    value = run.use(run.value(node.value, scope))
    given = consume(run, value)
    rest = frozenset(one for one in value if run.world.things[one].deferred is None)
    return given | rest | run.world.held(rest) or run.world.plain("none")


def _yield(run: Interpreter, node: Any, scope: Scope | None) -> Value:
    value = run.value(node.value, scope) if node.value is not None else NOTHING
    if isinstance(node, ast.YieldFrom):
        value = members_of(run, run.use(value))
    if run.returned:
        run.returned[-1] |= value
    return run.world.new("foreign") | value


def _lambda(run: Interpreter, node: ast.Lambda, scope: Scope | None) -> Value:
    return function_from(run, node, scope)


def _collection(run: Interpreter, kind: str, members: Sequence[ast.expr | None], scope: Scope | None) -> Value:
    fresh = run.world.new(kind)
    for member in members:
        if member is not None:
            run.world.put_into(fresh, run.value(member, scope))
    return fresh


def _list(run: Interpreter, node: Any, scope: Scope | None) -> Value:
    return _collection(run, "set" if isinstance(node, ast.Set) else "list", node.elts, scope)


def _tuple(run: Interpreter, node: ast.Tuple, scope: Scope | None) -> Value:
    return _collection(run, "tuple", node.elts, scope)


def _dict(run: Interpreter, node: ast.Dict, scope: Scope | None) -> Value:
    fresh = _collection(run, "dict", [*node.keys, *[value for key, value in zip(node.keys, node.values, strict=True) if key]], scope)
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            run.world.put_into(fresh, members_of(run, run.use(run.value(value, scope))))
    return fresh


def _comprehension(run: Interpreter, node: Any, scope: Scope | None) -> Value:
    first = run.use(run.value(node.generators[0].iter, scope))
    if isinstance(node, ast.GeneratorExp):
        made = run.world.new("iterator", deferred=lambda later: _rounds(later, node, first, scope))
        run.world.put_into(made, first)
        return made
    fresh = run.world.new("list")
    run.world.put_into(fresh, _rounds(run, node, first, scope))
    return fresh


def _rounds(run: Interpreter, node: Any, first: Value, scope: Scope | None) -> Value:
    """Return what a comprehension gives, having followed one of its rounds."""
    targets = [part.id for one in node.generators for part in ast.walk(one.target) if isinstance(part, ast.Name)]
    inner = Scope(dict.fromkeys(targets, NOTHING), parent=scope, kind="comprehension")
    found: Value = NOTHING
    run.weak += 1
    for number, generator in enumerate(node.generators):
        iterable = run.use(run.value(generator.iter, inner)) if number else first
        assign(run, generator.target, members_of(run, iterable) | operate_on(run, iterable), inner)
        for condition in generator.ifs:
            run.use(run.value(condition, inner))
    for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
        found |= run.use(run.value(part, inner))
    run.weak -= 1
    return found


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
    "ListComp": _comprehension,
    "YieldFrom": _yield,
    "Set": _list,
    "SetComp": _comprehension,
    "DictComp": _comprehension,
    "GeneratorExp": _comprehension,
    "BinOp": bin_op,
    "UnaryOp": unary_op,
    "Compare": compare,
    "BoolOp": bool_op,
    "TemplateStr": _joined_str,
}
