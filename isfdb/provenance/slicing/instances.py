"""Follows methods, properties and operators of instances of the session's own classes, and what a library may call back."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from isfdb.provenance.slicing.call_arguments import Given
from isfdb.provenance.slicing.functions import run_function
from isfdb.provenance.slicing.names import members_of
from isfdb.provenance.slicing.world import NOTHING, Thing, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

#: Special methods that no operator calls.
_NOT_OPERATORS: Final = frozenset(
    "__init__ __new__ __setattr__ __module__ __qualname__ __del__ __class__ __init_subclass__ __set_name__ __get__ __set__".split()
)
_PROPERTIES: Final = frozenset({"property", "cached_property", "setter", "getter", "deleter"})


def classes_of(run: Interpreter, one: int) -> list[int]:
    """Return the classes of an instance with those they are derived from, as far as the session defines them."""
    return bases_of(run, run.world.things[one].made_by)


def bases_of(run: Interpreter, classes: Value) -> list[int]:
    """Return classes with those they are derived from, in the order in which Python looks into them."""
    found: list[int] = []
    for cls in sorted(classes):
        _add_bases(run, cls, found, ())
    return list(dict.fromkeys(reversed(found)))[::-1]  # what several are derived from comes behind all of them


def _add_bases(run: Interpreter, cls: int, found: list[int], derived: tuple[int, ...]) -> None:
    thing = run.world.things[cls]
    if thing.kind != "class" or cls in derived:
        return
    found.append(cls)
    members = NOTHING.union(*thing.scope.names.values())
    others = [held for held in sorted(run.world.holds.get(cls, ())) if held not in members and held not in thing.bases]
    for base in [*thing.bases, *others]:
        _add_bases(run, base, found, (*derived, cls))


def has_library_base(run: Interpreter, one: int) -> bool:
    """Say whether a library's code may call methods of an instance because it is derived from the library's class."""
    for cls in classes_of(run, one):
        for base in run.world.holds.get(cls, ()):
            thing = run.world.things[base]
            is_plain = thing.name.rpartition(".")[2] in ("object", "ABC", "ABCMeta", "Generic", "Protocol", "Exception", "type")
            if thing.kind == "library" and not is_plain and base not in NOTHING.union(*run.world.things[cls].scope.names.values()):
                return True
    return False


def members_named(run: Interpreter, classes: list[int], name: str) -> Value:
    """Return what classes have under a name: of the first that has it for certain.

    A method that is being followed may have asked for the next one, by ``super()``.
    """
    found: Value = NOTHING
    for cls in classes:
        run.look(frozenset((cls,)))
        found |= run.world.things[cls].scope.names.get(name, NOTHING)
        if found.difference(run.calling):
            break
    return found


def call_method_of_instance(run: Interpreter, one: int, name: str, given: Given) -> Value:
    """Follow a method where the session's own classes define it."""
    found: Value = NOTHING
    for member in sorted(members_named(run, classes_of(run, one), name)):
        found |= _call_bound(run, member, frozenset((one,)), given)
    return found


def _call_bound(run: Interpreter, member: int, receiver: Value, given: Given) -> Value:
    """Follow a call of a class's member through an instance, or the class."""
    thing = run.world.things[member]
    if thing.kind == "function":
        return run_function(run, member, given, _receiver(run, thing, receiver))
    if thing.kind == "method":
        return run.called(
            frozenset((member,)), Given((receiver, *given.arguments), given.named, given.scope, given.node, given.is_statement)
        )
    return run.called(frozenset((member,)), given)


def _receiver(run: Interpreter, thing: Thing, receiver: Value) -> Value | None:
    marks = marks_of(thing)
    if "staticmethod" in marks:
        return None
    if "classmethod" in marks:
        classes = NOTHING.union(*[run.world.things[one].made_by for one in receiver])
        return classes | run.world.of_kind(receiver, "class")
    return receiver


def marks_of(thing: Thing) -> set[str]:
    """Return the names of a function's decorators."""
    marks = [getattr(one, "func", one) for one in getattr(thing.node, "decorator_list", ())]
    return {str(getattr(one, "attr", getattr(one, "id", ""))) for one in marks}


def bound(run: Interpreter, member: int, receiver: Value) -> Value:
    """Return a method that was taken from its instance, to be called later."""
    made = run.world.new("method", calls=lambda later, given: _call_bound(later, member, receiver, given))
    run.world.put_into(made, receiver | {member})
    return made


def attribute_of_instance(run: Interpreter, one: int, name: str) -> Value:
    """Return what an attribute of an instance may give: what lies in it, in its class, or what a property or descriptor returns."""
    world, receiver = run.world, frozenset((one,))
    if name == "__class__":
        return world.things[one].made_by
    found: Value = NOTHING
    for member in sorted(members_named(run, classes_of(run, one), name)):
        thing = world.things[member]
        if thing.kind == "function" and marks_of(thing) & _PROPERTIES:
            if "cached_property" in marks_of(thing):
                run.change(receiver)
            found |= run_function(run, member, Given(), receiver)
        elif thing.kind in ("function", "method"):
            found |= bound(run, member, receiver)
        elif thing.kind == "instance" and members_named(run, classes_of(run, member), "__get__"):
            found |= call_method_of_instance(run, member, "__get__", Given((receiver, world.things[one].made_by)))
        elif thing.name != "dataclasses.field":
            found |= {member}
    if not found:
        found |= call_method_of_instance(run, one, "__getattr__", Given((world.plain("text"),)))
    found |= call_method_of_instance(run, one, "__getattribute__", Given((world.plain("text"),)))
    return found | world.held(receiver) | receiver


def set_attribute_of_instance(run: Interpreter, one: int, name: str, value: Value) -> None:
    """Follow what storing into an attribute of an instance calls."""
    given = Given((value,))
    call_method_of_instance(run, one, "__setattr__", Given((run.world.plain("text"), value)))
    for member in sorted(members_named(run, classes_of(run, one), name)) if name else ():
        thing = run.world.things[member]
        if thing.kind == "function" and marks_of(thing) & _PROPERTIES:
            run_function(run, member, given, frozenset((one,)))
        elif thing.kind == "instance":
            call_method_of_instance(run, member, "__set__", Given((frozenset((one,)), value)))


def operate_on(run: Interpreter, value: Value) -> Value:
    """Follow what operators, printing and the like may call: the special methods of the session's own classes."""
    found: Value = NOTHING
    for one in value:
        if run.world.things[one].kind == "instance":
            names = {name for cls in classes_of(run, one) for name in run.world.things[cls].scope.names}
            for name in sorted(names):
                if name.startswith("__") and name not in _NOT_OPERATORS:
                    found |= call_method_of_instance(run, one, name, Given((value, value)))
    return found


def may_call(run: Interpreter, value: Value, arguments: Value) -> Value:
    """Follow the session's functions among what a library has: it may call them, with anything else it has."""
    callers: list[Any] = [one for one in sorted(run.world.reachable(value)) if run.world.things[one].kind in _CALLED]
    if not callers:
        return NOTHING
    found: Value = NOTHING
    run.weak += 1
    members = arguments | members_of(run, arguments)
    for one in callers:
        found |= _call_back(run, one, members - {one})
    run.weak -= 1
    return found


_CALLED: Final = frozenset({"function", "method", "instance", "class"})


def _call_back(run: Interpreter, one: int, members: Value) -> Value:
    thing = run.world.things[one]
    if thing.kind == "function":
        parameters = thing.node.args
        return run_function(run, one, Given((members,) * (len(parameters.posonlyargs) + len(parameters.args))))
    if thing.kind == "method":
        return run.called(frozenset((one,)), Given((members,)))
    if thing.kind == "class":
        if not has_library_base_of_class(run, one):
            return NOTHING
        instance = run.called(frozenset((one,)), Given((members,)))
        return NOTHING.union(*[all_methods(run, made, members) for made in instance])
    found = operate_on(run, frozenset((one,)))
    return found | all_methods(run, one, members) if has_library_base(run, one) else found


def has_library_base_of_class(run: Interpreter, cls: int) -> bool:
    """Say whether a class is derived from a library's."""
    (one,) = run.world.new("instance", made_by=frozenset((cls,)))
    return has_library_base(run, one)


def all_methods(run: Interpreter, one: int, arguments: Value) -> Value:
    """Follow all methods of an instance: a library may call any of them."""
    found: Value = NOTHING
    for cls in classes_of(run, one):
        for name, members in list(run.world.things[cls].scope.names.items()):
            for member in run.world.of_kind(members, "function", "method") if name not in ("__init__", "__new__", "__class__") else ():
                node: Any = run.world.things[member].node
                count = len(node.args.args) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else 1
                found |= _call_bound(run, member, frozenset((one,)), Given((arguments,) * count))
    return found
