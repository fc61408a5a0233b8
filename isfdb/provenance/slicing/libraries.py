"""What calling a library's or a builtin function needs, changes and gives, by its full name."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing import effects
from isfdb.provenance.slicing.builtin_calls import called_anything, called_with_care
from isfdb.provenance.slicing.call_arguments import all_given, is_true
from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.hidden_state import note_hidden_state, read_library
from isfdb.provenance.slicing.instances import may_call, operate_on
from isfdb.provenance.slicing.names import CONTAINERS, members_of
from isfdb.provenance.slicing.world import NOTHING, Scope, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

_SETTING_PREFIXES: Final = ("set_", "register", "use", "enable", "disable", "seed")
_BINARY_UFUNCS: Final = frozenset(
    "add subtract multiply divide true_divide floor_divide power mod remainder maximum minimum dot matmul logical_and logical_or fmod "
    "arctan2 hypot bitwise_and bitwise_or bitwise_xor left_shift right_shift greater less equal".split()
)
_ITERATORS: Final = frozenset("zip iter enumerate reversed map filter csv.reader csv.DictReader".split())


def called_library(
    run: Interpreter,
    name: str,
    arguments: Sequence[Value],
    named: dict[str, Value],
    scope: Scope | None,
    node: ast.Call | None,
    is_statement: bool,
) -> Value:
    """Judge a library's or a builtin function by its full name."""
    world, given = run.world, all_given(arguments, named)
    package = name.partition(".")[0]
    if name in effects.ANYTHING or name.rpartition(".")[2] in ("run_line_magic", "run_cell_magic", "run_cell", "system", "ex", "ev"):
        return called_anything(run, name, arguments, named, scope, node)
    read_library(run, name)
    note_hidden_state(run, name, arguments, named, node)
    special = called_with_care(run, name, arguments, named, scope, node)
    if special is not None:
        return special
    if package in effects.QUIET_PACKAGES or name in effects.PURE_BUILTINS or name in effects.ALIASING_BUILTINS or _is_exception(name):
        return _quiet(run, name, arguments, named, scope, node, is_statement)
    # A module of the user's own, or a library nobody here knows: it may change what it is given, and itself where nothing comes back.
    run.use(given)
    run.look(world.library(package))
    result = may_call(run, given, [given], scope)
    run.change_deeply(given)
    if is_statement:
        run.change(world.library(package) | world.library(name))
    fresh = world.new()
    world.put_into(fresh, given)
    return fresh | given | result


def _is_exception(name: str) -> bool:
    import builtins

    return isinstance(getattr(builtins, name, None), type)


def _quiet(
    run: Interpreter,
    name: str,
    arguments: Sequence[Value],
    named: dict[str, Value],
    scope: Scope | None,
    node: ast.Call | None,
    is_statement: bool,
) -> Value:
    """Judge a function that leaves alone what it is given, but for what the tables name."""
    world, given = run.world, all_given(arguments, named)
    run.use(given)
    for value in [*arguments, *named.values()]:
        operate_on(run, value, scope)
    if "out" in named:
        run.change(named["out"])
    ufunc_out = name.startswith("numpy.") and len(arguments) == 3 and name.rpartition(".")[2] in _BINARY_UFUNCS
    if ufunc_out:
        run.change(arguments[2])
    if "copy" in named and not is_true(node, "copy"):
        run.change(arguments[0] if name == "numpy.nan_to_num" and arguments else NOTHING)
    if is_true(node, "inplace") or is_true(node, "overwrite_a") or is_true(node, "overwrite_x"):
        run.change(given)
    for prefix in (name, name.rpartition(".")[0]):
        for place in effects.CHANGES.get(prefix, ()):
            changed = given if place < 0 else arguments[place] if place < len(arguments) else NOTHING
            run.change(changed)
            world.put_into(changed, given - changed)
    if _is_in_place_of_torch(name):
        run.change(given)
    result = may_call(run, given, arguments, scope)
    if is_statement and (name in effects.SETTERS or name.rpartition(".")[2].startswith(_SETTING_PREFIXES)):
        run.change(world.library(name.partition(".")[0]))
        run.change(world.library(name.rpartition(".")[0]))
    kind = effects.GIVES.get(name)
    if kind in UNCHANGING:
        return world.plain(kind)
    if name in effects.GENERATORS:
        return world.new("generator")
    if name == "isfdb.open":
        return world.new("database")
    made = world.new(kind or ("list" if name in CONTAINERS else "iterator" if _gives_iterator(name) else "object"))
    if name in effects.ALIASING_FUNCTIONS or name in effects.ALIASING_BUILTINS:
        holds_members = name in ("list", "dict", "tuple", "set", "frozenset", "sorted", "reversed", "enumerate", "zip", "filter", "map")
        for value in arguments:
            world.put_into(made, (members_of(run, value) if holds_members else value) | world.held(value))
            if world.kinds(made) == {"iterator"}:
                world.put_into(made, value)  # what is changed before an iterator comes to it, it gives changed
        for value in named.values():
            world.put_into(made, value | world.held(value))
        if holds_members or name in ("sum",):
            world.put_into(made, result)
            return made
        return made | given | result if name not in ("numpy.array",) or "copy" in named else made
    if name in effects.PURE_BUILTINS or (kind is not None):
        return made
    world.put_into(made, result)
    if name[:1].isupper() or name.rpartition(".")[2][:1].isupper():  # a class: its instance may hold what it was made from
        world.put_into(made, given)
    return made | result


def _gives_iterator(name: str) -> bool:
    return name.startswith("itertools.") or name in _ITERATORS


def _is_in_place_of_torch(name: str) -> bool:
    """Say whether a function of torch changes its argument, as those do whose name ends with an underscore."""
    return name.startswith("torch.") and name.endswith("_") and not name.endswith("__")
