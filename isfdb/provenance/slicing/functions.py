"""Follows the session's own functions: where they are defined, and their bodies with what each call gives them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from isfdb.provenance.slicing.names import bind
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

#: Calls of the user's functions are followed so deep.
MAX_CALL_DEPTH: Final = 12
#: And so many in one statement; then all that could be called is taken to be.
MAX_CALLS: Final = 2000


def define_function(run: Interpreter, node: Any, scope: Scope | None, certain: bool) -> None:
    """Follow a ``def``, decorators included."""
    value = function_from(run, node, scope)
    for decorator in reversed(node.decorator_list):
        value |= run.called(run.value(decorator, scope), [value], {}, scope)
    bind(run, node.name, value, scope, certain=certain)


def function_from(run: Interpreter, node: Any, scope: Scope | None) -> Value:
    """Return the thing that a function is; its defaults are evaluated now."""
    value = run.world.new("function", node=node, scope=scope)
    for default in [*node.args.defaults, *[one for one in node.args.kw_defaults if one is not None]]:
        run.world.put_into(value, run.value(default, scope))
    return value


def define_class(run: Interpreter, node: ast.ClassDef, scope: Scope | None, certain: bool) -> None:
    """Follow a ``class``: its body runs now."""
    inner = Scope(parent=scope)
    value = run.world.new("class", node=node, scope=inner)
    for base in [*node.bases, *[keyword.value for keyword in node.keywords]]:
        run.world.put_into(value, run.use(run.value(base, scope)))
    run.block(node.body, inner, certain=True)
    for member in inner.names.values():
        run.world.put_into(value, member)
    for decorator in reversed(node.decorator_list):
        value |= run.called(run.value(decorator, scope), [value], {}, scope)
    bind(run, node.name, value, scope, certain=certain)


def run_function(run: Interpreter, one: int, arguments: Sequence[Value], named: dict[str, Value], receiver: Value | None = None) -> Value:
    """Follow the body of one of the session's functions with what it is given."""
    thing = run.world.things[one]
    everything = frozenset().union(NOTHING, *arguments, *named.values(), receiver or NOTHING)
    run.use(frozenset((one,)))
    if one in run.calling or len(run.calling) >= MAX_CALL_DEPTH or run.n_calls >= MAX_CALLS:
        if one not in run.calling:
            run.widen("its functions call each other too deep to follow")
        run.change_deeply(everything)
        return everything | run.world.new()
    run.calling.append(one)
    run.n_calls += 1
    run.returned.append(NOTHING)
    node, inner = thing.node, Scope(parent=thing.scope)
    _give_arguments(
        run, node.args, inner, ([receiver] if receiver is not None else []) + list(arguments), named, run.world.held(frozenset((one,)))
    )
    surely, bound = set(run.surely_bound), set(run.bound)
    if isinstance(node, ast.Lambda):
        run.returned[-1] |= run.value(node.body, inner)
    else:
        _declare_locals(run, node, inner)
        run.block(node.body, inner, certain=True)
    run.surely_bound, run.bound = surely, bound
    run.calling.pop()
    result = run.returned.pop()
    if not isinstance(node, ast.Lambda) and any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in ast.walk(node)):
        generator = run.world.new("iterator")
        run.world.put_into(generator, result | everything)
        return generator
    return result or run.world.plain("none")


def _declare_locals(run: Interpreter, node: Any, inner: Scope) -> None:
    """Learn, before the body is read, which names are global or the enclosing function's."""
    for part in ast.walk(node):
        if isinstance(part, ast.Global):
            inner.declared_global |= set(part.names)
        elif isinstance(part, ast.Nonlocal):
            inner.declared_nonlocal |= set(part.names)


def _give_arguments(
    run: Interpreter, parameters: ast.arguments, inner: Scope, arguments: Sequence[Value], named: dict[str, Value], defaults: Value
) -> None:
    everything = frozenset().union(NOTHING, *arguments, *named.values())
    positional = [*parameters.posonlyargs, *parameters.args]
    has_star = "**" in named
    for place, parameter in enumerate(positional):
        value = arguments[place] if place < len(arguments) else named.get(parameter.arg)
        inner.names[parameter.arg] = (everything | defaults if has_star else defaults) if value is None else value
    for parameter in parameters.kwonlyargs:
        inner.names[parameter.arg] = named.get(parameter.arg, everything | defaults if has_star else defaults)
    for many in (parameters.vararg, parameters.kwarg):
        if many is not None:
            rest = run.world.new("list")
            run.world.put_into(rest, everything)
            inner.names[many.arg] = rest
