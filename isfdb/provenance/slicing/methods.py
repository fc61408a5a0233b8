"""What a method call on anything but a module needs, changes and gives."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing import effects
from isfdb.provenance.slicing.call_arguments import all_given, is_true, path_of
from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.functions import run_function
from isfdb.provenance.slicing.hidden_state import may_draw, use_files
from isfdb.provenance.slicing.instances import call_method_of_instance, classes_of, may_call
from isfdb.provenance.slicing.names import CONTAINERS, members_of
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

_ADDING_METHODS: Final = frozenset("append appendleft add insert extend extendleft update setdefault __setitem__".split())
_TAKING_METHODS: Final = frozenset("pop popitem popleft get setdefault values items copy __getitem__".split())


def called_method(
    run: Interpreter,
    owner: Value,
    name: str,
    arguments: Sequence[Value],
    named: dict[str, Value],
    scope: Scope | None,
    node: ast.Call,
    is_statement: bool,
) -> Value:
    """Return what a method call on anything but a module may give."""
    world = run.world
    given = all_given(arguments, named)
    found: Value = NOTHING
    instances = frozenset(one for one in owner if world.things[one].kind == "instance" and classes_of(run, one))
    for one in sorted(instances):
        functions = [cls for cls in classes_of(run, one) if name in world.things[cls].scope.names]
        if functions:
            found |= call_method_of_instance(run, one, name, arguments, scope, named=named)
        else:
            found |= _unknown_method(run, frozenset((one,)), name, arguments, named, scope, node, is_statement)
    classes = frozenset(one for one in owner if world.things[one].kind == "class")
    for one in sorted(classes):
        for function in world.things[one].scope.names.get(name, NOTHING):
            if world.things[function].kind == "function":
                marks = [mark.id for mark in getattr(world.things[function].node, "decorator_list", ()) if isinstance(mark, ast.Name)]
                receiver = frozenset((one,)) if "classmethod" in marks else None
                found |= run_function(run, function, arguments, named, receiver)
    rest = owner - instances - classes
    if "database" in world.kinds(rest):
        run.use(given)
        return found | (world.new("database") if name in ("create_sub_db", "batch") else world.new())
    held_functions = frozenset(one for one in world.held(rest) if world.things[one].kind == "function")
    if held_functions:
        found |= run.called(held_functions, arguments, named, scope)
    if rest or not owner:
        found |= _unknown_method(run, rest, name, arguments, named, scope, node, is_statement)
    return found


def _unknown_method(
    run: Interpreter,
    owner: Value,
    name: str,
    arguments: Sequence[Value],
    named: dict[str, Value],
    scope: Scope | None,
    node: ast.Call,
    is_statement: bool,
) -> Value:
    """Judge a method by its name, and by the kind of its object where that is known."""
    world = run.world
    kinds, given = world.kinds(owner), all_given(arguments, named)
    if name in effects.WRITING_METHODS or name in effects.READING_METHODS:
        paths = {world.things[one].name for one in owner if world.things[one].kind == "file"}
        path = paths.pop() if len(paths) == 1 else path_of(node)
        use_files(run, path or None, writes=name in effects.WRITING_METHODS)
        if name in effects.WRITING_METHODS and name not in effects.CHANGING_METHODS:
            run.use(owner | given)
            return world.new()
    if kinds <= UNCHANGING and kinds:
        run.use(given)
        return world.new("list") if "split" in name else world.plain("text" if "text" in kinds else "number")
    if name in _ADDING_METHODS and kinds <= CONTAINERS and kinds:
        run.change(owner)
        for value in [*arguments, *named.values()]:
            world.put_into(owner, (members_of(run, value) if name in ("extend", "extendleft", "update") else NOTHING) | value)
        return world.held(owner) if name == "setdefault" else world.plain("none")
    if "generator" in kinds:
        run.change(owner)
        run.use(given)
        if name in ("shuffle",):
            run.change(given)
        return world.new("array") if kinds == {"generator"} else world.new()
    if "inplace" in named and is_true(node, "inplace"):
        run.change(owner)
        run.use(given)
        world.put_into(owner, given)
        return world.plain("none")
    run.use(given)
    run.change(named.get("out", NOTHING))
    is_changing = name in effects.CHANGING_METHODS and not (kinds and kinds <= {"table", "array"} and name in ("add", "eval"))
    is_quiet = name in effects.QUIET_METHODS and not is_changing
    may_draw(run, owner, name, named)
    if name in ("plot", "hist", "boxplot", "imshow", "scatter", "bar", "set_title", "legend"):
        run.touch("<plot>")
    result = may_call(run, given, [owner, given], scope)
    if is_quiet or (kinds <= {"array", "table"} and kinds and not is_changing):
        run.use(owner)
        if name in effects.FRESH_METHODS:
            fresh = world.new("array" if "array" in kinds else "list" if name == "copy" and kinds <= CONTAINERS else "object")
            if name == "copy":
                world.put_into(fresh, world.held(owner))  # a copy holds what the original holds
            return fresh
        if kinds and kinds <= CONTAINERS:
            return (world.held(owner) | result | given) if name in _TAKING_METHODS else world.plain("number")
        return owner | world.held(owner) | given | result | world.new()
    run.use(owner)
    run.change(owner)
    world.put_into(owner, given)
    if not is_changing:
        run.change_deeply(owner)
        run.change_deeply(given)
    if name in ("pop", "popitem", "popleft"):
        return world.held(owner) | (owner if not kinds <= CONTAINERS else NOTHING) or world.new()
    return owner | world.held(owner) | given | result | world.new()
