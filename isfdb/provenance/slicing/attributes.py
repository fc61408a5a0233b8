"""What an attribute of a value may stand for: of a module, an instance, a class, or anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.hidden_state import read_library, see_all_settings
from isfdb.provenance.slicing.instances import attribute_of_instance, bases_of, bound, marks_of, members_named
from isfdb.provenance.slicing.names import CONTAINERS
from isfdb.provenance.slicing.world import NOTHING, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

#: Attributes of arrays and tables that share nothing with them, and that nothing can change.
_FACTS: Final = frozenset("shape size ndim dtype nbytes itemsize empty".split())


def attribute_of(run: Interpreter, owner: Value, name: str) -> Value:
    """Return what ``owner.name`` may stand for."""
    world, found = run.world, NOTHING
    for one in sorted(owner):
        kind = world.things[one].kind
        if kind == "library":
            found |= _of_library(run, one, name)
        elif kind == "instance":
            found |= attribute_of_instance(run, one, name)
        elif kind == "class":
            found |= _of_class(run, one, name)
        elif kind in CONTAINERS:
            found |= _bound_to_anything(run, frozenset((one,)), name)
        elif kind == "path":
            found |= world.plain("path")
        elif kind in ("array", "table") and name in _FACTS:
            run.look(frozenset((one,)))
            found |= world.plain("number")
        elif kind not in UNCHANGING:
            found |= {one} | world.held(frozenset((one,)))
    if name in world.patched:
        run.see(f"<attribute>{name}")
        found |= NOTHING.union(*[bound(run, member, owner) for member in world.patched[name]])
    if name == "grad":
        run.see("<gradients>")
    if world.settings and not world.kinds(owner) <= UNCHANGING | {"instance", "class"} | CONTAINERS:
        see_all_settings(run)
    return run.look(found) if found else world.plain("number")


def _of_library(run: Interpreter, one: int, name: str) -> Value:
    thing = run.world.things[one]
    whole = f"{thing.name}.{name}"
    if whole != "os.environ":  # which is looked at where it is used
        read_library(run, whole)
    return run.world.library(whole) | run.world.held(frozenset((one,)))


def _of_class(run: Interpreter, one: int, name: str) -> Value:
    """Return a class's attribute; a classmethod comes bound to it."""
    found: Value = NOTHING
    for member in sorted(members_named(run, bases_of(run, frozenset((one,))), name)):
        thing = run.world.things[member]
        is_bound = thing.kind == "function" and "classmethod" in marks_of(thing)
        found |= bound(run, member, frozenset((one,))) if is_bound else frozenset((member,))
    return found | {one}


def _bound_to_anything(run: Interpreter, owner: Value, name: str) -> Value:
    """Return a list's or dict's method, to be called later."""
    made = run.world.new("method", calls=lambda later, given: later.called_method(owner, name, given))
    run.world.put_into(made, owner)
    return made
