"""Follows the session's own functions and classes: where they are defined, and their bodies with what each call gives them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from isfdb.provenance.slicing.call_arguments import Given, Starred
from isfdb.provenance.slicing.names import bind
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

#: Calls of the user's functions are followed so deep.
MAX_CALL_DEPTH: Final = 12
#: And so many in one statement; then all that could be called is taken to be.
MAX_CALLS: Final = 300
#: Decorators that leave the function what it is, as far as a call of it can tell.
_LEAVE_AS_IS: Final = frozenset(
    "abstractmethod cached_property classmethod contextmanager asynccontextmanager deleter final getter jit njit no_type_check override "
    "property setter staticmethod total_ordering dataclass wraps unique runtime_checkable delayed".split()
)
_REMEMBER: Final = frozenset({"cache", "lru_cache"})


def define_function(run: Interpreter, node: Any, scope: Scope | None) -> None:
    """Follow a ``def``, decorators included."""
    value = function_from(run, node, scope)
    for decorator in reversed(node.decorator_list):
        value = _decorated(run, decorator, value, scope)
        if isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "getter", "deleter"):
            value |= run.value(decorator.value, scope)
    bind(run, node.name, value, scope)


def function_from(run: Interpreter, node: Any, scope: Scope | None) -> Value:
    """Return the thing that a function is; its defaults are evaluated now."""
    around = scope.enclosing() if scope is not None and scope.kind == "class" else scope
    value = run.world.new("function", node=node, scope=around)
    for default in [*node.args.defaults, *[one for one in node.args.kw_defaults if one is not None]]:
        run.world.put_into(value, run.value(default, scope))
    if not isinstance(node, ast.Lambda):
        for annotation in [one.annotation for one in _parameters(node.args) if one.annotation] + ([node.returns] if node.returns else []):
            run.value(annotation, scope)
    return value


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    many = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *many]


def _decorated(run: Interpreter, decorator: ast.expr, value: Value, scope: Scope | None) -> Value:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = getattr(function, "attr", getattr(function, "id", ""))
    callee = run.value(decorator, scope)
    if (
        name in _LEAVE_AS_IS
        and run.world.kinds(run.value(function, scope)) <= {"library", "function"}
        and not _is_own(run, function, scope)
    ):
        return value
    if name in _REMEMBER and not _is_own(run, function, scope):
        return _remembering(run, value)
    if isinstance(function, ast.Attribute) and "library" not in run.world.kinds(run.value(function.value, scope)):
        _handed_over(run, run.value(function.value, scope), value)
    result = run.called(callee, Given((value,), scope=scope))
    is_followed = bool(result) and run.world.kinds(callee) <= {"function"} and run.world.kinds(result) <= {"function", "method", "class"}
    return result if is_followed else result | value


def _handed_over(run: Interpreter, owner: Value, value: Value) -> None:
    """Note that a decorator gave a function to the object it belongs to, as ``@f.register`` does."""
    run.change(owner)
    run.changed |= run.world.of_kind(owner, "function")
    run.world.put_into(owner, value)


def _is_own(run: Interpreter, node: ast.expr, scope: Scope | None) -> bool:
    """Say whether a name stands for a function of the session's, not a property of that name."""
    return isinstance(node, ast.Name) and "function" in run.world.kinds(run.value(node, scope))


def _remembering(run: Interpreter, value: Value) -> Value:
    """Return a function that remembers its results: a call may need those before it, unless it sees nothing but what it is given."""
    world = run.world
    made = world.new("method")
    world.put_into(made, value)

    def calls(run: Interpreter, given: Given) -> Value:
        variables = _variables_seen(run, value)
        if variables:
            run.change(made)
        return run.called(value, given)

    (one,) = made
    world.things[one].calls = calls
    return made


def _variables_seen(run: Interpreter, value: Value) -> set[str]:
    """Return the variables of the session that some functions read, but for functions, classes and modules."""
    found: set[str] = set()
    for one in value:
        node = run.world.things[one].node
        for part in ast.walk(node) if node is not None else ():
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and part.id in run.world.names:
                kinds = run.world.kinds(run.world.names[part.id])
                if not kinds <= {"function", "class", "library", "method"}:
                    found.add(part.id)
    return found


def define_class(run: Interpreter, node: ast.ClassDef, scope: Scope | None) -> None:
    """Follow a ``class``: its body runs now."""
    world, inner = run.world, Scope(parent=scope, kind="class")
    value = world.new("class", node=node, scope=inner)
    bases = [run.use(run.value(base, scope)) for base in [*node.bases, *[keyword.value for keyword in node.keywords]]]
    world.put_into(value, NOTHING.union(*bases))
    (cls,) = value
    world.things[cls].bases = tuple(one for base in bases for one in sorted(base))
    inner.names["__class__"] = value
    run.block(node.body, inner)
    for member in inner.names.values():
        world.put_into(value, member)
    _follow_hooks(run, value, NOTHING.union(*bases), inner)
    for decorator in reversed(node.decorator_list):
        value = _decorated(run, decorator, value, scope)
    bind(run, node.name, value, scope)


def _follow_hooks(run: Interpreter, made: Value, bases: Value, inner: Scope) -> None:
    """Follow what runs when a class is made: of its bases, its metaclass, and what lies in it."""
    for one in run.world.of_kind(run.world.reachable(bases), "class") if run.world.of_kind(bases, "class") else ():
        names = run.world.things[one].scope.names
        for hook in ("__init_subclass__", "__new__", "__init__", "__prepare__") if _is_metaclass(run, one) else ("__init_subclass__",):
            run.called(names.get(hook, NOTHING), Given((made,))) if names.get(hook) else None
    for member in list(inner.names.values()):
        for one in run.world.of_kind(member, "instance"):
            for cls in run.world.things[one].made_by:
                hook_of_member = run.world.things[cls].scope.names.get("__set_name__", NOTHING) if run.world.things[cls].scope else NOTHING
                for function in run.world.of_kind(hook_of_member, "function"):
                    run_function(run, function, Given((made, run.world.plain("text"))), frozenset((one,)))


def _is_metaclass(run: Interpreter, one: int) -> bool:
    return any(run.world.things[base].name == "type" for base in run.world.reachable(frozenset((one,))))


def run_function(run: Interpreter, one: int, given: Given, receiver: Value | None = None) -> Value:
    """Return what a call of one of the session's functions gives; a generator's or a coroutine's body is read when that runs."""
    thing, world = run.world.things[one], run.world
    run.use(frozenset((one,)))
    everything = given.everything | (receiver or NOTHING)
    if not _runs_later(thing.node):
        return _run_body(run, one, given, receiver)
    made = world.new("iterator", deferred=lambda later: _run_body(later, one, given, receiver))
    world.put_into(made, everything | world.held(frozenset((one,))))
    return made


def _run_body(run: Interpreter, one: int, given: Given, receiver: Value | None) -> Value:
    """Follow the body of one of the session's functions with what it is given."""
    thing, everything = run.world.things[one], given.everything | (receiver or NOTHING)
    if one in run.calling or len(run.calling) >= MAX_CALL_DEPTH or run.n_calls >= MAX_CALLS:
        if one not in run.calling:
            run.widen("its functions call each other too often, or too deep, to follow")
        run.change_deeply(everything)
        return everything | run.world.new("foreign")
    run.calling.append(one)
    run.n_calls += 1
    run.returned.append(NOTHING)
    node, inner = thing.node, Scope(parent=thing.scope)
    defaults = run.world.held(frozenset((one,)))
    _give_arguments(run, node.args, inner, ([receiver] if receiver is not None else []) + list(given.arguments), given.named, defaults)
    if isinstance(node, ast.Lambda):
        run.returned[-1] |= run.value(node.body, inner)
    else:
        _declare_locals(node, inner)
        run.block(node.body, inner)
        if not isinstance(node.body[-1], (ast.Return, ast.Raise)):
            run.returned[-1] |= run.world.plain("none")
    run.calling.pop()
    return run.returned.pop()


def _runs_later(node: Any) -> bool:
    """Say whether a function is a generator, or a coroutine."""
    known: bool | None = getattr(node, "runs_later", None)
    if known is None:
        known = isinstance(node, ast.AsyncFunctionDef) or (isinstance(node, ast.FunctionDef) and _yields(node.body))
        node.runs_later = known
    return known


def _yields(parts: Any) -> bool:
    to_do = list(parts)
    while to_do:
        part = to_do.pop()
        if isinstance(part, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            to_do += ast.iter_child_nodes(part)
    return False


def _declare_locals(node: Any, inner: Scope) -> None:
    """Learn, before the body is read, which names are global or the enclosing function's."""
    to_do = list(node.body)
    while to_do:
        part = to_do.pop()
        if isinstance(part, ast.Global):
            inner.declared_global |= set(part.names)
        elif isinstance(part, ast.Nonlocal):
            inner.declared_nonlocal |= set(part.names)
        elif not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            to_do += ast.iter_child_nodes(part)


def _give_arguments(
    run: Interpreter, parameters: ast.arguments, inner: Scope, arguments: list[Value], named: dict[str, Value], defaults: Value
) -> None:
    """Bind the parameters. What stands behind ``*`` may be any of the rest, what stands behind ``**`` too."""
    everything = NOTHING.union(*arguments, *named.values())
    positional = [*parameters.posonlyargs, *parameters.args]
    unknown = run.world.held(named["**"]) | named["**"] if "**" in named else NOTHING
    starred = [place for place, value in enumerate(arguments) if isinstance(value, Starred)]
    for place, parameter in enumerate(positional):
        if place < len(arguments) and not (starred and place >= starred[0]):
            inner.names[parameter.arg] = arguments[place]
        elif starred and parameter.arg not in named:
            inner.names[parameter.arg] = NOTHING.union(*arguments[starred[0] :]) | defaults
        else:
            inner.names[parameter.arg] = named.get(parameter.arg, unknown | defaults)
    for parameter in parameters.kwonlyargs:
        inner.names[parameter.arg] = named.get(parameter.arg, unknown | defaults)
    for many in (parameters.vararg, parameters.kwarg):
        if many is not None:
            rest = run.world.new("list" if many is parameters.vararg else "dict")
            run.world.put_into(rest, everything | unknown)
            inner.names[many.arg] = rest
