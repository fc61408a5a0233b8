"""Follows each kind of statement that is no assignment."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from isfdb.provenance.slicing.assignments import ASSIGNMENTS, assign
from isfdb.provenance.slicing.branching import branches, maybe_run
from isfdb.provenance.slicing.call_arguments import Given
from isfdb.provenance.slicing.functions import define_class, define_function
from isfdb.provenance.slicing.imports import follow_import, follow_import_from
from isfdb.provenance.slicing.instances import call_method_of_instance, classes_of, members_named, operate_on
from isfdb.provenance.slicing.names import bind, consume, members_of
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

_SUPPRESSING: Final = frozenset("contextlib.suppress contextlib.ExitStack pytest.raises contextlib.AsyncExitStack".split())


def _expr(run: Interpreter, node: ast.Expr, scope: Scope | None) -> Value:
    return run.use(run.value(node.value, scope, is_statement=True))


def _if(run: Interpreter, node: ast.If, scope: Scope | None) -> None:
    operate_on(run, run.use(run.value(node.test, scope)))
    branches(run, [lambda: run.block(node.body, scope), lambda: run.block(node.orelse, scope)], scope)


def _follow_for(run: Interpreter, node: ast.For | ast.AsyncFor, scope: Scope | None) -> None:
    iterable = run.use(run.value(node.iter, scope))
    members = members_of(run, iterable) | operate_on(run, iterable)

    def begin_round() -> None:
        assign(run, node.target, members, scope)

    _loop(run, begin_round, node.body, scope, runs_surely=_has_members(node.iter) and not _leaves(node.body))
    _after_loop(run, node, scope)


def _while(run: Interpreter, node: ast.While, scope: Scope | None) -> None:
    def begin_round() -> None:
        operate_on(run, run.use(run.value(node.test, scope)))

    begin_round()
    is_endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
    _loop(run, begin_round, node.body, scope, runs_surely=is_endless and not _leaves(node.body))
    _after_loop(run, node, scope)


def _after_loop(run: Interpreter, node: ast.For | ast.AsyncFor | ast.While, scope: Scope | None) -> None:
    if node.orelse and any(isinstance(part, ast.Break) for one in node.body for part in ast.walk(one)):
        maybe_run(run, lambda: run.block(node.orelse, scope), scope)
    else:
        run.block(node.orelse, scope)


def _has_members(node: ast.expr) -> bool:
    """Say whether a loop over an expression surely runs a round."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return any(not isinstance(one, ast.Starred) for one in node.elts)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes)) and bool(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        if node.func.id in ("enumerate", "list", "tuple", "reversed", "sorted") and node.args:
            return _has_members(node.args[0])
        stops = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, int)]
        if node.func.id == "range" and len(stops) == len(node.args):
            return len(range(*stops)) > 0 if 1 <= len(stops) <= 3 and stops[2:] != [0] else False
    return False


def _leaves(body: Sequence[ast.stmt]) -> bool:
    return any(isinstance(part, (ast.Break, ast.Continue)) for one in body for part in ast.walk(one))


def _loop(run: Interpreter, begin_round: Callable[[], None], body: Sequence[ast.stmt], scope: Scope | None, *, runs_surely: bool) -> None:
    """Follow a loop: for some rounds, for what one leaves the next may see; and perhaps it ran no round at all."""

    def rounds() -> None:
        before = dict(scope.names) if scope is not None else dict(run.world.names)
        run.loops += 1
        for number in range(_rounds(body) if run.loops == 1 else 2):
            if number:
                _join_names(run, scope, before)
            begin_round()
            run.block(body, scope)
        run.loops -= 1

    if runs_surely:
        rounds()
    else:
        maybe_run(run, rounds, scope)


def _rounds(body: Sequence[ast.stmt]) -> int:
    """Return how many rounds it takes until all names that stand for each other's values are seen to."""
    aliases = [
        part for one in body for part in ast.walk(one) if isinstance(part, ast.Assign) and isinstance(part.value, (ast.Name, ast.Tuple))
    ]
    return min(2 + len(aliases), 5)


def _join_names(run: Interpreter, scope: Scope | None, before: dict[str, Value]) -> None:
    names = (
        scope.names
        if scope is not None
        else {name: run.world.names[name] for name in run.surely_bound | run.maybe_bound if name in run.world.names}
    )
    for name, value in list(names.items()):
        joined = value | before.get(name, NOTHING)
        if scope is not None:
            scope.names[name] = joined
        else:
            run.world.names[name] = joined


def _with(run: Interpreter, node: ast.With | ast.AsyncWith, scope: Scope | None) -> None:
    contexts: list[Value] = []
    may_suppress = False
    for item in node.items:
        value = run.use(run.value(item.context_expr, scope))
        run.change(value)
        entered = value | _enter_or_exit(run, value)
        contexts.append(value)
        may_suppress |= any(_may_suppress(run, one, item.context_expr) for one in value)
        if item.optional_vars is not None:
            assign(run, item.optional_vars, entered, scope)
    if may_suppress:
        weakly(run, lambda: run.block(node.body, scope))
    else:
        run.block(node.body, scope)
    for value in contexts:
        _enter_or_exit(run, value, leaves=True)


def _enter_or_exit(run: Interpreter, value: Value, *, leaves: bool = False) -> Value:
    """Follow what a context does when it begins, or ends: what it holds may change, as the text that a redirection writes into."""
    given = consume(run, value)
    held = run.world.of_kind(run.world.reachable(value), "stateful", "file")
    run.change(value | held)
    names = ("__exit__", "__aexit__") if leaves else ("__enter__", "__aenter__")
    for one in run.world.of_kind(value, "instance"):
        for name in names:
            entered = call_method_of_instance(run, one, name, Given((run.world.plain("none"),) * (3 if leaves else 0)))
            given |= entered | consume(run, entered)
    return given | run.world.of_kind(run.world.held(given), "instance", "object", "foreign", "list", "dict")


def _may_suppress(run: Interpreter, one: int, node: ast.expr) -> bool:
    """Say whether a context may let what fails in it go by."""
    thing = run.world.things[one]
    if isinstance(node, ast.Call):
        callee = run.value(node.func, None) if isinstance(node.func, (ast.Name, ast.Attribute)) else NOTHING
        if any(run.world.things[function].name in _SUPPRESSING for function in callee):
            return True
        if any(isinstance(part, ast.Try) for function in callee for part in ast.walk(run.world.things[function].node or ast.Pass())):
            return True
    functions = [member for name in ("__exit__", "__aexit__") for member in members_named(run, classes_of(run, one), name)]
    nodes: list[Any] = [run.world.things[member].node for member in functions]
    return any(isinstance(part, ast.Return) and part.value for node in nodes if node for part in ast.walk(node)) or thing.kind == "foreign"


def weakly(run: Interpreter, act: Callable[[], None]) -> None:
    """Follow what may stop anywhere."""
    run.weak += 1
    act()
    run.weak -= 1


def _try(run: Interpreter, node: Any, scope: Scope | None) -> None:
    if node.handlers:
        run.see("<what raises>")
    surely = _bound_whatever_happens(node) if not run.weak and scope is None else set()
    if node.handlers:
        weakly(run, lambda: run.block(node.body, scope))
        for handler in node.handlers:
            weakly(run, partial(_handle, run, handler, scope))
        weakly(run, lambda: run.block(node.orelse, scope))
    else:
        run.block(node.body, scope)
    run.block(node.finalbody, scope)
    run.maybe_bound -= surely
    run.surely_bound |= surely


def _handle(run: Interpreter, handler: ast.ExceptHandler, scope: Scope | None) -> None:
    if handler.type is not None:
        run.use(run.value(handler.type, scope))
    if handler.name:
        bind(run, handler.name, run.world.new("object"), scope)
    run.block(handler.body, scope)


def _bound_whatever_happens(node: ast.Try) -> set[str]:
    """Return the names that a ``try`` binds whether it fails or not."""
    whole = _plainly_bound(node.body) | _plainly_bound(node.orelse)
    for handler in node.handlers:
        if not isinstance(handler.body[-1], ast.Raise):
            whole &= _plainly_bound(handler.body)
    return whole


def _plainly_bound(body: Sequence[ast.stmt]) -> set[str]:
    found: set[str] = set()
    for one in body:
        targets = one.targets if isinstance(one, ast.Assign) else []
        found |= {
            part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }
        if isinstance(one, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name.partition(".")[0]) for alias in one.names if alias.name != "*"}
        elif isinstance(one, (ast.FunctionDef, ast.ClassDef)):
            found.add(one.name)
    return found


def _match(run: Interpreter, node: ast.Match, scope: Scope | None) -> None:
    subject = run.use(run.value(node.subject, scope))
    operate_on(run, subject)
    cases: list[Callable[[], None]] = [partial(_case, run, case, subject, scope) for case in node.cases]
    last = node.cases[-1]
    takes_all = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
    branches(run, cases if takes_all else [*cases, lambda: None], scope)


def _case(run: Interpreter, case: ast.match_case, subject: Value, scope: Scope | None) -> None:
    for pattern in ast.walk(case.pattern):
        name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
        if isinstance(name, str):
            bind(run, name, frozenset(run.world.reachable(subject)), scope)
        elif isinstance(pattern, ast.expr):
            run.use(run.value(pattern, scope))
    if case.guard is not None:
        run.use(run.value(case.guard, scope))
    run.block(case.body, scope)


def _return(run: Interpreter, node: ast.Return, scope: Scope | None) -> None:
    value = run.value(node.value, scope) if node.value is not None else run.world.plain("none")
    if run.returned:
        run.returned[-1] |= value


def _global(run: Interpreter, node: ast.Global, scope: Scope | None) -> None:
    if scope is not None:
        scope.declared_global |= set(node.names)


def _nonlocal(run: Interpreter, node: ast.Nonlocal, scope: Scope | None) -> None:
    if scope is not None:
        scope.declared_nonlocal |= set(node.names)


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
    "Import": follow_import,
    "ImportFrom": follow_import_from,
    "AsyncFor": _follow_for,
    "AsyncWith": _with,
    "TryStar": _try,
    "FunctionDef": define_function,
    "AsyncFunctionDef": define_function,
    "ClassDef": define_class,
}
