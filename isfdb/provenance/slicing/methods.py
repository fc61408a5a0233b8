"""What a method call on anything but a module needs, changes and gives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing import effects, state_tables
from isfdb.provenance.slicing.call_arguments import Given
from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.hidden_state import draw, drawn_by_method, see_all_settings
from isfdb.provenance.slicing.instances import (
    all_methods,
    bases_of,
    bound,
    call_method_of_instance,
    classes_of,
    has_library_base,
    marks_of,
    may_call,
    members_named,
    operate_on,
)
from isfdb.provenance.slicing.names import CONTAINERS, consume, load, members_of
from isfdb.provenance.slicing.stored_keys import APPENDING, STORING, note_appended, note_stored
from isfdb.provenance.slicing.world import NOTHING, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

_ADDING: Final = frozenset("append appendleft add insert extend extendleft update setdefault __setitem__".split())
_ADDING_MEMBERS: Final = frozenset({"extend", "extendleft", "update"})
_TAKING: Final = frozenset("pop popitem popleft get setdefault __getitem__".split())
_VIEWS: Final = frozenset({"keys", "values", "items"})
_MAY_DRAW: Final = frozenset("sample fit fit_transform fit_predict rvs permutation".split())
_FITS: Final = frozenset("fit fit_transform fit_predict partial_fit set_params".split())
_WORDS: Final = re.compile(r"[A-Za-z_]\w*")
_GETS: Final = ("get_", "savefig", "to_", "__")


def called_method(run: Interpreter, owner: Value, name: str, given: Given) -> Value:
    """Return what a method call on anything but a module may give."""
    world, found = run.world, NOTHING
    instances, classes = world.of_kind(owner, "instance"), world.of_kind(owner, "class")
    for one in sorted(instances):
        if members_named(run, classes_of(run, one), name):
            found |= call_method_of_instance(run, one, name, given)
        else:
            found |= _inherited_method(run, one, name, given)
    for one in sorted(classes):
        found |= _method_of_class(run, one, name, given)
    rest = owner - instances - classes
    if "database" in world.kinds(rest):
        run.use(given.everything)
        consume(run, given.everything)
        found |= may_call(run, given.everything, NOTHING)  # as maybe_calculate does
        if name in APPENDING:
            note_appended(run, given.path(world))
        elif name == STORING:
            note_stored(run, given.path(world))
        return found | (world.new("database") if name in ("create_sub_db", "batch") else world.new("foreign"))
    held = (
        world.of_kind(world.held(world.of_kind(rest, "object", "foreign")), "function", "method")
        if name not in effects.QUIET_METHODS
        else NOTHING
    )
    if held:
        found |= run.called(held, given)
    if name in world.patched:
        run.see(f"<attribute>{name}")
        found |= run.called(NOTHING.union(*[bound(run, member, owner) for member in world.patched[name]]), given)
    if rest or not owner:
        found |= _method_by_name(run, rest, name, given)
    return found


def _method_of_class(run: Interpreter, one: int, name: str, given: Given) -> Value:
    found: Value = NOTHING
    for member in sorted(members_named(run, bases_of(run, frozenset((one,))), name)):
        thing = run.world.things[member]
        if thing.kind == "function" and "classmethod" in marks_of(thing):
            found |= run.called(bound(run, member, frozenset((one,))), given)
        else:
            found |= run.called(frozenset((member,)), given)
    if not found:
        run.use(given.everything)
        found = run.world.new("instance", made_by=frozenset((one,)))
    return found


def _inherited_method(run: Interpreter, one: int, name: str, given: Given) -> Value:
    """Return what a method gives that is a library's, or that was put into the instance."""
    receiver = frozenset((one,))
    kept = run.world.of_kind(run.world.held(receiver), "function", "method", "class")
    found = run.called(kept, given) if kept else NOTHING
    found |= call_method_of_instance(run, one, "__getattr__", Given((run.world.plain("text"),)))
    if has_library_base(run, one):
        found |= all_methods(run, one, given.everything)
    return found | _method_by_name(run, receiver, name, given)


def _method_by_name(run: Interpreter, owner: Value, name: str, given: Given) -> Value:
    """Judge a method by its name, and by the kind of its object where that is known."""
    world = run.world
    kinds, everything = world.kinds(owner), given.everything
    run.use(everything)
    consume(run, everything)
    if kinds and kinds <= UNCHANGING:
        return _of_unchanging(run, owner, name, given)
    if kinds and kinds <= CONTAINERS:
        return _of_container(run, owner, name, given)
    _note_files(run, owner, name, given)
    see_names_in_text(run, name, given)
    _note_draws(run, owner, name, given)
    if not kinds <= {"array"}:
        see_all_settings(run)
    if name in effects.SHOWING_METHODS:
        run.see("<display>")
    if kinds == {"plot"}:
        return _of_plot(run, owner, name, everything)
    if name in effects.PLOTTING_METHODS and (name == "plot" or kinds & {"table"} or given.is_statement):
        return _drawn(run, owner, given)
    if kinds & {"generator"}:
        return _of_generator(run, owner, name, given)
    if kinds == {"estimator"}:
        return _of_estimator(run, owner, name, everything)
    return _of_object(run, owner, name, given)


def _of_unchanging(run: Interpreter, owner: Value, name: str, given: Given) -> Value:
    world, kinds = run.world, run.world.kinds(owner)
    operate_on(run, given.everything)
    may_call(run, given.everything, given.everything)
    if kinds & {"path"}:
        _note_files(run, owner, name, given)
        if name == "open":
            path = given_path(run, owner)
            return world.new("file", name=path or "", writes=_opens_for_writing(given))
        return world.new("list") if name in ("iterdir", "glob", "rglob") else world.plain("text" if "read" in name else "path")
    if name == "format":
        run.see("<display>")
    if name == "join" and world.kinds(given.everything):
        members_of(run, given.everything)
    return world.new("list") if "split" in name else world.plain("text" if "text" in kinds else "number")


def _of_container(run: Interpreter, owner: Value, name: str, given: Given) -> Value:
    """Follow a method of a list, dict, set or tuple."""
    world, everything = run.world, given.everything
    result = may_call(run, given.named.get("key", NOTHING), world.held(owner))
    run.look(owner)
    if name in _ADDING:
        run.change(owner)
        for value in [*given.arguments, *given.named.values()]:
            world.put_into(owner, (members_of(run, value) if name in _ADDING_MEMBERS else NOTHING) | value)
        return world.held(owner) | everything if name == "setdefault" else world.plain("none")
    if name == "items":
        return _items(run, owner)
    if name in _VIEWS:
        return owner
    if name == "copy" or name in ("union", "intersection", "difference", "symmetric_difference"):
        return world.copied(owner, deeply=False) | world.held(everything)
    if name in effects.CHANGING_METHODS:
        run.use(owner) if name == "sort" else None
        run.change(owner)
        for one in world.of_kind(world.held(owner), "instance") if name == "sort" else ():
            operate_on(run, frozenset((one,)))
    if name in _TAKING:
        return world.held(owner) | everything | result | world.plain("none")
    return world.plain("none") if name in effects.CHANGING_METHODS else world.plain("number")


def _items(run: Interpreter, owner: Value) -> Value:
    """Return a dict's view of pairs: it shows what is put into the dict later."""
    view, pair = run.world.new("list"), run.world.new("tuple")
    for one in pair:
        run.world.holds[one] = run.world.holds.setdefault(next(iter(owner)), set())  # shared, not copied
    run.world.put_into(pair, run.world.held(owner))
    run.world.put_into(view, pair | owner)
    return view


def _of_plot(run: Interpreter, owner: Value, name: str, everything: Value) -> Value:
    """Follow a method of a figure or of axes, which stand for the same drawing."""
    run.see("<plot settings>")
    run.use(owner)
    may_call(run, everything, NOTHING)
    if not name.startswith(_GETS):
        run.change(owner)
    return owner


def _drawn(run: Interpreter, owner: Value, given: Given) -> Value:
    run.use(owner)
    return drawn_by_method(run, given)


def _of_generator(run: Interpreter, owner: Value, name: str, given: Given) -> Value:
    """Follow a method of a generator of random numbers: each changes it."""
    run.change(owner)
    run.change(given.named.get("out", NOTHING))
    if name == "shuffle":
        run.change(given.everything)
    if name == "seed":
        return run.world.plain("none")
    return run.world.new("array") if run.world.kinds(owner) == {"generator"} else run.world.new("foreign") | owner


def _of_estimator(run: Interpreter, owner: Value, name: str, everything: Value) -> Value:
    """Follow a method of a model that is fitted: it changes, and what it is made of; what it is fitted to does not."""
    result = may_call(run, owner, everything)
    run.use(owner)
    if name in _FITS:
        run.change_deeply(owner)
    if name in ("fit", "partial_fit", "set_params"):
        return owner
    return (
        result | run.world.new("array")
        if name not in effects.QUIET_METHODS or name in effects.FRESH_METHODS
        else owner | result | run.world.new()
    )


def _of_object(run: Interpreter, owner: Value, name: str, given: Given) -> Value:
    """Follow a method of something whose kind says little."""
    world, kinds, everything = run.world, run.world.kinds(owner), given.everything
    run.use(owner)
    if kinds & _USED_UP_HERE and name not in ("getvalue", "close"):
        consume(run, owner)
    if given.is_true("inplace"):
        run.change(owner)
        world.put_into(owner, everything)
        return world.plain("none")
    run.change(given.named.get("out", NOTHING))
    is_data = bool(kinds) and kinds <= {"table", "array"}
    is_changing = _changes(name) and not (is_data and name in ("add", "eval"))
    callable_parts = owner if kinds & {"object", "foreign", "iterator", "stateful"} else NOTHING
    result = may_call(run, everything | callable_parts, owner | everything)
    if name == "backward":
        run.touch("<gradients>")
        return world.plain("none")
    if name in ("step", "zero_grad"):
        run.touch("<gradients>")
    if not is_changing and (is_data or (name in effects.QUIET_METHODS | effects.FRESH_METHODS and not kinds & _NEVER_QUIET)):
        return _quiet_result(run, owner, name, everything, result)
    run.change(owner)
    if is_data or kinds <= {"array", "table", "iterator"}:
        world.put_into(owner, everything)
    else:
        run.change_deeply(owner)
        world.put_into(owner, everything)
    if not is_changing and not kinds <= {"iterator", "stateful", "file"}:
        run.change_deeply(everything)
    if name in ("close", "write", "writelines", "flush") and kinds <= {"file", "stateful"}:
        return world.plain("number")
    return owner | world.held(owner) | everything | result | world.new("foreign" if "foreign" in kinds or not kinds else "object")


#: Kinds whose methods may all change them.
_NEVER_QUIET: Final = frozenset({"foreign", "file", "stateful", "iterator"})
_USED_UP_HERE: Final = frozenset({"file", "stateful", "iterator"})


def _quiet_result(run: Interpreter, owner: Value, name: str, everything: Value, result: Value) -> Value:
    world, kinds = run.world, run.world.kinds(owner)
    if name == "copy":
        return world.copied(owner, deeply=False)
    if name in effects.FRESH_METHODS or (kinds == {"table"} and name in effects.FRESH_OF_TABLES):
        fresh = world.new("array" if kinds == {"array"} else "table" if kinds <= {"table", "array"} and kinds else "object")
        world.put_into(fresh, result)
        return fresh | result
    made = world.new("object")
    world.put_into(made, everything | result)
    return owner | world.held(owner) | everything | result | made


def _changes(name: str) -> bool:
    return name in effects.CHANGING_METHODS or (name.endswith("_") and not name.endswith("__"))


def _note_draws(run: Interpreter, owner: Value, name: str, given: Given) -> None:
    """Methods that draw from numpy's global state unless they, or the object, were given a state."""
    if name not in _MAY_DRAW or "random_state" in given.named:
        return
    world, kinds = run.world, run.world.kinds(owner)
    if kinds == {"estimator"}:
        parts = world.reachable(owner)
        if all(world.things[one].name == "settled" or world.things[one].kind not in ("estimator", "instance") for one in parts):
            return
        if any(world.things[one].kind == "generator" for one in parts):
            return
    if kinds <= CONTAINERS | UNCHANGING | {"array", "generator"} and kinds:
        return
    draw(run, "<numpy.random>")


def given_path(run: Interpreter, owner: Value) -> str | None:
    """Return the file that an object stands for."""
    paths = {run.world.things[one].name for one in owner if run.world.things[one].kind in ("file", "path")}
    return (paths.pop() or None) if len(paths) == 1 else None


def _opens_for_writing(given: Given) -> bool:
    mode = given.constant("mode", 0)
    return mode is ... or (isinstance(mode, str) and bool(set(mode) & set("wax+")))


def _note_files(run: Interpreter, owner: Value, name: str, given: Given) -> None:
    """Note which file a method reads or writes: the one that its object stands for, else the one it is given."""
    kinds = run.world.kinds(owner)
    own = kinds <= {"path", "file"} and bool(kinds)
    if name in ("rename", "replace") and kinds <= {"path"} and len(given.arguments) == 1 and not given.named:
        run.touch_file(given_path(run, owner))
        run.touch_file(given.path(run.world))
        return
    if name not in state_tables.WRITING_METHODS | state_tables.READING_METHODS | {"write", "add"}:
        return
    path = given_path(run, owner) if own else None if name in state_tables.WRITING_OF_PATHS else given.path(run.world)
    if name in state_tables.LISTING_METHODS and (own or kinds <= {"object", "foreign"}):
        run.see_file(None)
    elif name == "mkdir" and own:
        run.touch_named("<folders>", (path or "").rpartition("/")[2] or None)
    elif name in state_tables.WRITING_METHODS or (name == "open" and _opens_for_writing(given)):
        run.touch_file(path, whole=name in state_tables.WRITES_WHOLE or (name == "open" and given.constant("mode", 0) in ("w", "wb")))
    elif kinds == {"file"} and name in ("write", "add"):
        stored = given.path(run.world)
        run.see_file(stored) if stored and run.world.definers.get(f"<files>{stored.rpartition('/')[2]}") else None
    elif kinds != {"file"} and (own or not kinds or kinds & {"object", "foreign"}):
        run.see_file(path)


def see_names_in_text(run: Interpreter, name: str, given: Given) -> None:
    """Note the variables that an expression in a text names, as queries of tables do."""
    if name.rpartition(".")[2] not in ("eval", "query", "sql", "execute", "evaluate", "from_query"):
        return
    for value in given.everything:
        thing = run.world.things[value]
        for word in set(_WORDS.findall(thing.name)) if thing.kind == "text" else ():
            if word in run.world.names:
                run.use(load(run, word, given.scope))
