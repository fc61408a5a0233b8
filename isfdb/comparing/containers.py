"""Compares what holds other values: dicts, lists, sets, instances of classes, each member by its path."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from isfdb.comparing.arrays import compare_blocks, of_members
from isfdb.comparing.blocks import Blocks
from isfdb.comparing.comparison import DIFFERENT, EQUAL, IDENTICAL, NOT_COMPARED, Comparison, Parts, at, worst
from isfdb.comparing.context import Context, kind, label, short, shortened, why_not_identical

#: Longer lists of nothing but floats, or nothing but integers, are compared as arrays.
_LONG: Final = 16

#: So many names are written out that only one side has.
_MOST_NAMES: Final = 8


def compare_mappings(a: Mapping[Any, Any], b: Mapping[Any, Any], where: str, context: Context) -> Comparison:
    """Compare two mappings, name by name."""
    a_names, b_names = ({label(name): name for name in side} for side in (a, b))
    removed, added = [name for name in a_names if name not in b_names], [name for name in b_names if name not in a_names]
    parts = Parts()
    for name, own in a_names.items():
        if name in b_names:
            part = context.compare(a[own], b[b_names[name]], "", context)
            parts.add(part if part.status == IDENTICAL else at(part, f"[{short(name, 60)}]"))
    found = of_members(parts, where, "members")
    found = _with_names(found, removed, added, "name")
    order = [name for name in a_names if name in b_names] != [name for name in b_names if name in a_names]
    notes = ["the names are in another order"] if order else []
    if getattr(a, "default_factory", None) is not getattr(b, "default_factory", None):
        notes.append("another default_factory")
    return with_notes(found, [*notes, *_types_note(a, b)])


def _with_names(found: Comparison, removed: Sequence[Any], added: Sequence[Any], what: str) -> Comparison:
    """Add what only one side has."""
    if not removed and not added:
        return found
    lines = []
    for side, names in (("first", removed), ("second", added)):
        if names:
            more = f" … and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
            lines.append(f"only in the {side}: {', '.join([short(name, 60) for name in names[:_MOST_NAMES]])}{more}")
    counts = [
        f"{len(names):,} {what}{'s' if len(names) != 1 else ''} {word}" for names, word in ((removed, "removed"), (added, "added")) if names
    ]
    because = ", ".join([*counts, *([found.because] if found.because else [])])
    measures = {**found.measures, "n_removed": len(removed), "n_added": len(added)}
    return replace(found, status=DIFFERENT, because=because, lines=(*lines, *found.lines), measures=measures)


def with_notes(found: Comparison, notes: Sequence[str]) -> Comparison:
    """Add what is other in form, which makes "identical" no more than "equal"."""
    return replace(found, status=worst([found.status, EQUAL]), notes=(*found.notes, *notes)) if notes else found


def _types_note(a: Any, b: Any) -> list[str]:
    return [] if type(a) is type(b) else [f"{kind(a)} → {kind(b)}"]


def compare_sequences(a: Sequence[Any], b: Sequence[Any], where: str, context: Context) -> Comparison:
    """Compare lists, tuples, deques and ranges, place by place."""
    as_arrays = _as_arrays(a, b, where, context)
    if as_arrays is not None:
        found = as_arrays
    else:
        parts = Parts()
        for place, (one, other) in enumerate(zip(a, b, strict=False)):
            part = context.compare(one, other, "", context)
            parts.add(part if part.status == IDENTICAL else at(part, f"[{place}]"))
        found = of_members(parts, where, "members")
        if len(a) != len(b):
            because = ", ".join(
                [f"length {len(a):,} → {len(b):,}", *([found.because] if found.because else ["those that both have are the same"])]
            )
            found = replace(found, status=DIFFERENT, because=because)
    if getattr(a, "maxlen", None) != getattr(b, "maxlen", None):
        found = with_notes(found, [f"maxlen {a.maxlen} → {b.maxlen}"])  # type: ignore[attr-defined]  # of deques
    return found


def _as_arrays(a: Sequence[Any], b: Sequence[Any], where: str, context: Context) -> Comparison | None:
    """Compare long lists of plain numbers as arrays; None for anything else."""
    if min(len(a), len(b)) < _LONG or not (set(map(type, a)) == set(map(type, b)) in ({float}, {int})):
        return None
    import numpy

    arrays = [numpy.asarray(side) for side in (a, b)]
    if any(array.dtype.kind not in "if" for array in arrays):
        return None  # integers beyond 64 bits
    readers = [Blocks(array.shape, array.dtype, array.__getitem__) for array in arrays]
    return compare_blocks(readers[0], readers[1], where, context)


def compare_sets(a: Any, b: Any, where: str) -> Comparison:
    """Compare two sets."""
    removed, added = ([one for one in side if one not in others] for side, others in ((a, b), (b, a)))
    found = Comparison(IDENTICAL, where, measures={"n": len(a)})
    if removed or added:
        return _with_names(found, _sorted(removed), _sorted(added), "member")
    why = why_not_identical(a, b)
    return with_notes(found, [] if why is None else [why])


def _sorted(members: list[Any]) -> list[Any]:
    """Return members in an order that does not depend on their hashes."""
    try:
        return sorted(members)
    except TypeError:
        return sorted(members, key=short)


def compare_parts(a: Mapping[str, Any], b: Mapping[str, Any], where: str, context: Context) -> Comparison:
    """Compare what two objects are made of; each part is named as an attribute is."""
    parts = Parts()
    for name in a:
        if name in b:
            parts.add(context.compare(a[name], b[name], f".{shortened(str(name), 60)}", context))
    removed, added = [name for name in a if name not in b], [name for name in b if name not in a]
    return _with_names(of_members(parts, where, "attributes"), removed, added, "attribute")


def fields_of(value: Any) -> dict[str, Any] | None:
    """Return the fields of a dataclass, attrs class or namespace, or the attributes of a plain object; None where there are none."""
    of = type(value)
    if hasattr(of, "__dataclass_fields__"):
        names = [field.name for field in sys.modules["dataclasses"].fields(value)]
    elif hasattr(of, "__attrs_attrs__"):
        names = [field.name for field in of.__attrs_attrs__]
    elif isinstance(value, BaseException):
        return {"args": value.args, **vars(value)}
    elif of.__module__ == "builtins" or isinstance(value, type) or not isinstance(getattr(value, "__dict__", None), dict):
        return None
    else:
        return dict(vars(value))
    missing = object()
    return {name: part for name in names if (part := getattr(value, name, missing)) is not missing}


def code_of(value: Any) -> dict[str, Any] | None:
    """Return what a function does, as plain values; None for anything else."""
    code = getattr(value, "__code__", None) if type(value).__name__ == "function" else None
    if code is None:
        return None
    cells = [_content(cell) for cell in value.__closure__ or ()]
    return {**_instructions(code), "defaults": value.__defaults__, "kwdefaults": value.__kwdefaults__, "closure": cells}


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty
        return None


def _instructions(code: Any) -> dict[str, Any]:
    constants = [_instructions(one) if hasattr(one, "co_code") else one for one in code.co_consts]
    return {"name": code.co_name, "code": code.co_code, "constants": constants, "names": code.co_names, "variables": code.co_varnames}


def compare_objects(a: Any, b: Any, where: str, context: Context) -> Comparison:
    """Compare two objects of one class that nothing more is known of: by their own ``==``, then by their attributes."""
    says = _own_verdict(a, b)
    parts, others = fields_of(a), fields_of(b)
    if says is not True and parts is not None and others is not None and (parts or others):
        found = compare_parts(parts, others, where, context)
        if found.same and says is False:
            return replace(found, status=DIFFERENT, because=f"{kind(a)} says that they differ; their attributes do not")
        return found
    if says is None:
        because = f"objects of type {kind(a)} do not say whether they are equal, and cannot be looked into further"
        return Comparison(NOT_COMPARED, where, because)
    if says:
        why = why_not_identical(a, b)
        return Comparison(IDENTICAL if why is None else EQUAL, where, notes=() if why is None else (why,))
    return Comparison(DIFFERENT, where, f"{short(a)} → {short(b)}")


def _own_verdict(a: Any, b: Any) -> bool | None:
    """Return what the class's own ``==`` says; None where it has none but "the same object", or none that can be used."""
    if isinstance(a, type):
        return False  # a class is itself and no other
    own: Any = type(a).__eq__
    if own is object.__eq__:
        return None
    try:
        return bool(a == b)
    except Exception:  # noqa: BLE001 - somebody's `==` that raises, or that gives no yes or no, tells nothing
        return None
