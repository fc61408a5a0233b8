"""What a few functions need, change and give for which a table would not do: ``map``, ``getattr``, ``exec`` and their like."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from isfdb.provenance.slicing.assignments import store_into
from isfdb.provenance.slicing.call_arguments import all_given, path_of
from isfdb.provenance.slicing.hidden_state import FILES
from isfdb.provenance.slicing.instances import call_method_of_instance, classes_of, may_call
from isfdb.provenance.slicing.names import members_of
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def called_with_care(
    run: Interpreter, name: str, arguments: Sequence[Value], named: dict[str, Value], scope: Scope | None, node: ast.Call | None
) -> Value | None:
    """Builtins that deserve more care than a table gives."""
    world, given = run.world, all_given(arguments, named)
    if name in ("setattr", "delattr") and arguments:
        run.use(given)
        store_into(run, arguments[0], frozenset().union(NOTHING, *arguments[2:]), scope, "__setattr__")
        return world.plain("none")
    if name in ("open", "io.open", "pathlib.Path"):
        run.use(given)
        return world.new("file", name=path_of(node) or "")
    if name == "super":
        found = scope.find("self") if scope is not None else None
        return found.names["self"] if found is not None else world.new()
    if name in ("map", "filter", "functools.reduce", "sorted", "min", "max") and arguments:
        run.use(given)
        functions = frozenset(one for value in [*arguments, *named.values()] for one in value if world.things[one].kind == "function")
        members = frozenset().union(NOTHING, *[members_of(run, value) for value in arguments])
        from_calls = may_call(run, functions, [members], scope)
        made = world.new("list" if name == "sorted" else "iterator")
        world.put_into(made, members - functions)
        if name != "sorted":
            world.put_into(made, given - functions)
        world.put_into(made, from_calls)
        return (members - functions) | from_calls if name in ("min", "max", "functools.reduce") else made
    if name in ("getattr",) and arguments:
        run.use(given)
        owner = arguments[0]
        for one in owner:
            if world.things[one].kind == "instance":
                for cls in classes_of(run, one):
                    for attribute in list(world.things[cls].scope.names):
                        call_method_of_instance(run, one, attribute, [], scope, only_properties=True)
        return owner | world.held(owner) | world.new()
    if name in ("next",) and arguments:
        run.use(given)
        run.change(arguments[0])
        return members_of(run, arguments[0]) | frozenset().union(NOTHING, *arguments[1:])
    if name in ("copy.deepcopy",):
        run.use(given)
        return world.new()
    if name in ("importlib.reload",) and arguments:
        run.use(given)
        run.change(arguments[0])
        for state in [*[one for one in world.definers if one.startswith(FILES)], FILES]:
            run.need(state)
        return arguments[0]
    return None


def called_anything(
    run: Interpreter, name: str, arguments: Sequence[Value], named: dict[str, Value], scope: Scope | None, node: ast.Call | None
) -> Value:
    """Follow code given as text; where it is not known, everything before may matter and everything may be changed."""
    run.use(all_given(arguments, named))
    if name == "input":
        run.widen("it asks the person at the keyboard")
        return run.world.plain("text")
    if name == "__import__" and node is not None and node.args and isinstance(node.args[0], ast.Constant):
        return run.world.library(str(node.args[0].value).partition(".")[0])
    if name in ("compile", "get_ipython", "breakpoint"):
        return run.world.library(name) if name == "get_ipython" else run.world.new()
    code = node.args[0] if node is not None and node.args else None
    if name in ("exec", "eval") and isinstance(code, ast.Constant) and isinstance(code.value, str) and len(arguments) == 1:
        try:
            tree = ast.parse(code.value)
        except SyntaxError:
            return run.world.new()
        run.block(tree.body[:-1], scope, certain=True)
        last = tree.body[-1:]
        if last and isinstance(last[0], ast.Expr):
            return run.value(last[0].value, scope)
        run.block(last, scope, certain=True)
        return run.world.plain("none")
    run.widen(f"it calls {name}, which may do anything")
    return run.world.new()
