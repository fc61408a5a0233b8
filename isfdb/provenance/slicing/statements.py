"""Follows each kind of statement that is no assignment."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from isfdb.provenance.slicing import effects
from isfdb.provenance.slicing.assignments import ASSIGNMENTS, assign
from isfdb.provenance.slicing.functions import define_class, define_function
from isfdb.provenance.slicing.hidden_state import FILES
from isfdb.provenance.slicing.instances import call_method_of_instance
from isfdb.provenance.slicing.names import STAR, bind, members_of, restore
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter


def _expr(run: Interpreter, node: ast.Expr, scope: Scope | None, certain: bool) -> Value:
    return run.use(run.value(node.value, scope, is_statement=True))


def _if(run: Interpreter, node: ast.If, scope: Scope | None, certain: bool) -> None:
    run.use(run.value(node.test, scope))
    _branches(run, [node.body, node.orelse], scope, certain)


def _branches(run: Interpreter, bodies: Sequence[Sequence[ast.stmt]], scope: Scope | None, certain: bool) -> None:
    """Follow alternatives: what each of them binds for certain, all bind for certain."""
    before, surely = set(run.bound), set(run.surely_bound)
    names_before = dict(scope.names) if scope is not None else dict(run.world.names)
    bound, bindings = [], []
    for body in bodies:
        run.bound, run.surely_bound = set(before), set(surely)
        restore(run, scope, names_before)
        run.block(body, scope, certain=certain)
        bound.append(run.surely_bound)
        bindings.append(dict(scope.names if scope is not None else run.world.names))
    in_all = set.intersection(*bound)
    run.maybe_bound |= set.union(*bound) - in_all
    run.surely_bound, run.bound = in_all | surely, before | in_all
    merged: dict[str, Value] = {}
    for one in bindings:
        for name, value in one.items():
            merged[name] = merged.get(name, NOTHING) | value
    restore(run, scope, merged)


def _follow_for(run: Interpreter, node: ast.For | ast.AsyncFor, scope: Scope | None, certain: bool) -> None:
    members = members_of(run, run.use(run.value(node.iter, scope)))
    _loop(run, [lambda: assign(run, node.target, members, scope, certain=True)], node.body, node.orelse, scope, certain)


def _while(run: Interpreter, node: ast.While, scope: Scope | None, certain: bool) -> None:
    run.use(run.value(node.test, scope))
    _loop(run, [lambda: run.use(run.value(node.test, scope))], node.body, node.orelse, scope, certain)


def _loop(
    run: Interpreter, before_round: Any, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt], scope: Scope | None, certain: bool
) -> None:
    """Follow a loop: twice, for what one round leaves the next may see; and perhaps it ran no round at all."""
    bound, surely = set(run.bound), set(run.surely_bound)
    names_before = dict(scope.names) if scope is not None else dict(run.world.names)
    for _ in range(2):
        run.bound = set(bound)
        for act in before_round:
            act()
        run.block(body, scope, certain=certain)
        run.maybe_bound |= run.surely_bound - surely
        current = scope.names if scope is not None else run.world.names
        restore(run, scope, {name: value | names_before.get(name, NOTHING) for name, value in current.items()})
    run.bound, run.surely_bound = bound, surely
    run.block(orelse, scope, certain=False)


def _with(run: Interpreter, node: ast.With | ast.AsyncWith, scope: Scope | None, certain: bool) -> None:
    for item in node.items:
        value = run.use(run.value(item.context_expr, scope))
        run.change(value)
        for one in value:
            if run.world.things[one].kind == "instance":
                for method in ("__enter__", "__exit__", "__aenter__", "__aexit__"):
                    value |= call_method_of_instance(run, one, method, [], scope)
        if item.optional_vars is not None:
            assign(run, item.optional_vars, value, scope, certain=certain)
    run.block(node.body, scope, certain=certain)


def _try(run: Interpreter, node: Any, scope: Scope | None, certain: bool) -> None:
    bound, surely = set(run.bound), set(run.surely_bound)
    run.block(node.body, scope, certain=False)
    for handler in node.handlers:
        if handler.type is not None:
            run.use(run.value(handler.type, scope))
        if handler.name:
            bind(run, handler.name, run.world.new(), scope, certain=False)
        run.block(handler.body, scope, certain=False)
    run.block(node.orelse, scope, certain=False)
    run.bound, run.surely_bound = bound, surely
    run.block(node.finalbody, scope, certain=certain)


def _match(run: Interpreter, node: ast.Match, scope: Scope | None, certain: bool) -> None:
    subject = run.use(run.value(node.subject, scope))
    for case in node.cases:
        for pattern in ast.walk(case.pattern):
            name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
            if isinstance(name, str):
                bind(run, name, frozenset(run.world.reachable(subject)), scope, certain=False)
            elif isinstance(pattern, ast.expr):
                run.use(run.value(pattern, scope))
        if case.guard is not None:
            run.use(run.value(case.guard, scope))
        run.block(case.body, scope, certain=False)


def _return(run: Interpreter, node: ast.Return, scope: Scope | None, certain: bool) -> None:
    if node.value is not None:
        value = run.value(node.value, scope)
        if run.returned:
            run.returned[-1] |= value


def _global(run: Interpreter, node: ast.Global, scope: Scope | None, certain: bool) -> None:
    if scope is not None:
        scope.declared_global |= set(node.names)


def _nonlocal(run: Interpreter, node: ast.Nonlocal, scope: Scope | None, certain: bool) -> None:
    if scope is not None:
        scope.declared_nonlocal |= set(node.names)


def _import(run: Interpreter, node: ast.Import, scope: Scope | None, certain: bool) -> None:
    for alias in node.names:
        top = alias.name.partition(".")[0]
        _need_module(run, alias.name)
        bind(run, alias.asname or top, run.world.library(alias.name if alias.asname else top), scope, certain=certain)


def _import_from(run: Interpreter, node: ast.ImportFrom, scope: Scope | None, certain: bool) -> None:
    module = node.module or ""
    _need_module(run, module)
    for alias in node.names:
        if alias.name == "*":
            run.maybe_bound.add(STAR)
            run.world.names.setdefault(STAR, NOTHING)
        else:
            bind(run, alias.asname or alias.name, run.world.library(f"{module}.{alias.name}"), scope, certain=certain)


def _need_module(run: Interpreter, name: str) -> None:
    """Note that importing a module of the user's own sees what was written to disk and put on the path; a library's does not."""
    if name.partition(".")[0] not in effects.QUIET_PACKAGES:
        for state in ("<sys.path>", "<working directory>", FILES, f"{FILES}{name.partition('.')[0]}.py"):
            run.need(state)


#: Kind of statement -> what follows it.
STATEMENTS: Final[dict[str, Any]] = {
    **ASSIGNMENTS,
    "Expr": _expr,
    "If": _if,
    "For": _follow_for,
    "While": _while,
    "With": _with,
    "Try": _try,
    "Match": _match,
    "Return": _return,
    "Global": _global,
    "Nonlocal": _nonlocal,
    "Import": _import,
    "ImportFrom": _import_from,
    "AsyncFor": _follow_for,
    "AsyncWith": _with,
    "TryStar": _try,
    "FunctionDef": define_function,
    "AsyncFunctionDef": define_function,
    "ClassDef": define_class,
}
