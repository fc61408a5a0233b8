"""What calling a library's or a builtin function needs, changes and gives, by its full name."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing import effects, state_tables
from isfdb.provenance.slicing.builtin_calls import called_anything, called_with_care
from isfdb.provenance.slicing.call_arguments import Given
from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.hidden_state import note_hidden_state, parts_of_class, plotted, see_all_settings
from isfdb.provenance.slicing.instances import may_call, operate_on
from isfdb.provenance.slicing.methods import see_names_in_text
from isfdb.provenance.slicing.names import CONTAINERS, consume, members_of
from isfdb.provenance.slicing.world import NOTHING, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

_ITERATORS: Final = frozenset("zip iter enumerate reversed csv.reader csv.DictReader".split())
#: Functions that give what their arguments hold, not the arguments themselves.
_OF_MEMBERS: Final = frozenset("list dict tuple set frozenset sorted reversed enumerate zip sum".split())


def called_library(run: Interpreter, name: str, given: Given) -> Value:
    """Judge a library's or a builtin function by its full name."""
    world, everything = run.world, given.everything
    name = name.removeprefix("builtins.")
    package = name.partition(".")[0]
    if name in effects.ANYTHING or name.rpartition(".")[2] in ("run_line_magic", "run_cell_magic", "run_cell", "system", "ex", "ev"):
        return called_anything(run, name, given)
    note_hidden_state(run, name, given)
    see_names_in_text(run, name, given)
    special = called_with_care(run, name, given)
    if special is not None:
        return special
    drawn = plotted(run, name, given)
    if drawn is not None:
        return drawn
    if package in effects.QUIET_PACKAGES or name in effects.PURE_BUILTINS or name in effects.ALIASING_BUILTINS or _is_class(name):
        return _quiet(run, name, given)
    # A module of the user's own, or a library nobody here knows: it may change what it is given, and itself.
    run.use(everything)
    consume(run, everything)
    see_all_settings(run)
    result = may_call(run, everything, everything)
    run.change_deeply(everything)
    run.change(world.libraries_of(package))
    fresh = world.new("foreign")
    world.put_into(fresh, everything)
    return fresh | everything | result


def _is_class(name: str) -> bool:
    return isinstance(getattr(builtins, name, None), type)


def _quiet(run: Interpreter, name: str, given: Given) -> Value:
    """Judge a function that leaves alone what it is given, but for what the tables name."""
    everything = given.everything
    run.use(everything)
    run.look(run.world.library(name.partition(".")[0]))
    from_methods = NOTHING if name in effects.LOOKS_AT_NO_MEMBER else operate_on(run, everything)
    if name not in effects.LOOKS_AT_NO_MEMBER and name not in _ITERATORS and not name.startswith("itertools."):
        consume(run, everything)
    _note_changes(run, name, given)
    result = NOTHING if name in effects.PURE_BUILTINS else may_call(run, everything, everything)
    return _given_back(run, name, given, result | from_methods)


def _note_changes(run: Interpreter, name: str, given: Given) -> None:
    """Note which arguments a function changes."""
    everything, last = given.everything, name.rpartition(".")[2]
    run.change(given.named.get("out", NOTHING))
    for place in effects.OUT_PLACES.get(last, ()) if name.startswith("numpy.") else ():
        run.change(given.arguments[place] if place < len(given.arguments) else NOTHING)
    if name == "numpy.nan_to_num" and "copy" in given.named and not given.is_true("copy"):
        run.change(given.first())
    if any(given.is_true(one) for one in ("inplace", "overwrite_a", "overwrite_b", "overwrite_x")):
        run.change(everything)
    if name.startswith("numpy.") and last == "at":
        run.change(given.first())
    for prefix in (name, name.rpartition(".")[0]):
        for place in effects.CHANGES.get(prefix, ()):
            changed = everything if place < 0 else given.arguments[place] if place < len(given.arguments) else NOTHING
            run.change(changed)
            run.world.put_into(changed, everything - changed)
    if name.startswith("torch.") and last.endswith("_") and not last.endswith("__"):
        run.change(everything)


def _given_back(run: Interpreter, name: str, given: Given, result: Value) -> Value:
    """Return what a quiet function may give."""
    world, everything, kind = run.world, given.everything, effects.GIVES.get(name)
    if kind in UNCHANGING:
        return world.plain(kind)
    if name in state_tables.GENERATORS:
        return world.new("generator")
    if name == "isfdb.open":
        return world.new("database")
    if name.startswith(effects.ESTIMATOR_PACKAGES) and parts_of_class(name):
        return _estimator(run, name, given)
    if name in effects.GIVES_ITSELF:
        return everything | world.library(name)
    made = world.new(kind or ("list" if name in CONTAINERS else "iterator" if _gives_iterator(name) else "object"), name=name)
    if name in effects.ALIASING_FUNCTIONS or name in effects.ALIASING_BUILTINS:
        return _aliasing(run, name, given, made, result)
    if name in effects.PURE_BUILTINS or kind is not None:
        return made
    world.put_into(made, result)
    if parts_of_class(name) or name.startswith(("dask.", "distributed.")):  # its instance may hold what it was made from
        world.put_into(made, everything)
    return made | result


def _aliasing(run: Interpreter, name: str, given: Given, made: Value, result: Value) -> Value:
    """Return what a function gives that may hold, or be, what it is given."""
    world = run.world
    for value in given.named.values():
        world.put_into(made, value | world.held(value))
    for value in given.arguments:
        world.put_into(
            made, value if name not in _OF_MEMBERS else members_of(run, value) if world.kinds(made) != {"iterator"} else world.held(value)
        )
        world.put_into(made, world.held(value))
        if world.kinds(made) == {"iterator"}:
            world.put_into(made, value)  # what is changed before an iterator comes to it, it gives changed
    if name in _OF_MEMBERS or name.startswith("itertools."):
        world.put_into(made, result)
        return made
    if name in effects.HOLDING_FUNCTIONS:
        return made | result
    return made | given.everything | result


def _estimator(run: Interpreter, name: str, given: Given) -> Value:
    """Return a model; whether it draws from numpy's global state when it is fitted is known from its class, or its ``random_state``."""
    last = name.rpartition(".")[2]
    has_state = "random_state" in given.named and given.constant("random_state") is not None
    made = run.world.new("estimator", name="settled" if has_state or last in effects.DETERMINISTIC_ESTIMATORS else "")
    run.world.put_into(made, given.everything)
    run.world.put_into(made, run.world.held(run.world.held(given.everything)) | run.world.held(given.everything))
    return made


def _gives_iterator(name: str) -> bool:
    return name.startswith("itertools.") or name in _ITERATORS
