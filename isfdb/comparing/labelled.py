"""Compares values of xarray by variable: dimensions, coordinates, data, attributes. Data are read block by block."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from isfdb.comparing.arrays import compare_blocks, of_members
from isfdb.comparing.blocks import Blocks
from isfdb.comparing.comparison import DIFFERENT, IDENTICAL, Comparison, Parts
from isfdb.comparing.containers import compare_mappings, with_notes
from isfdb.comparing.context import Context, kinds_differ, short


def compare_labelled(a: Any, b: Any, where: str, context: Context) -> Comparison:
    """Compare two Datasets, DataArrays, Variables or DataTrees."""
    if type(a) is not type(b):
        return kinds_differ(a, b, where)
    if type(a).__name__ == "DataTree":
        nodes = [{node.path: node.to_dataset(inherit=False) for node in tree.subtree} for tree in (a, b)]
        return compare_mappings(nodes[0], nodes[1], where, context)
    parts = Parts()
    _add(parts, _sizes(a), _sizes(b), "dimensions", context)
    _add(parts, dict(a.attrs), dict(b.attrs), "attributes", context)
    if getattr(a, "name", None) != getattr(b, "name", None):
        parts.add(Comparison(DIFFERENT, "name", f"{short(a.name)} → {short(b.name)}"))
    variables = _variables(a), _variables(b)
    for name in variables[0]:
        if name in variables[1]:
            parts.add(_variable(variables[0][name], variables[1][name], name, context))
    found = of_members(parts, where, "parts")
    removed, added = ([name for name in one if name not in other] for one, other in (variables, variables[::-1]))
    lines = [f"only in the {side}: {', '.join(names)}" for side, names in (("first", removed), ("second", added)) if names]
    if lines:
        found = replace(found, status=DIFFERENT, because=f"{len(removed):,} variables removed, {len(added):,} added", lines=tuple(lines))
    order = [name for name in variables[0] if name in variables[1]] != [name for name in variables[1] if name in variables[0]]
    return with_notes(found, ["the variables are in another order"] if order else [])


def _add(parts: Parts, a: dict[Any, Any], b: dict[Any, Any], what: str, context: Context) -> None:
    parts.add(context.compare(a, b, what, context))


def _sizes(value: Any) -> dict[Any, int]:
    return dict(value.sizes)


def _variables(value: Any) -> dict[str, Any]:
    """Return the variables by the names that a message gives them."""
    coordinates = {f"coordinate {short(name, 60)}": one.variable for name, one in getattr(value, "coords", {}).items()}
    if hasattr(value, "data_vars"):
        return coordinates | {f"[{short(name, 60)}]": one.variable for name, one in value.data_vars.items()}
    return coordinates | {"data": getattr(value, "variable", value)}


def _variable(a: Any, b: Any, where: str, context: Context) -> Comparison:
    if a.dims != b.dims:
        return Comparison(DIFFERENT, where, f"dimensions {', '.join(map(str, a.dims))} → {', '.join(map(str, b.dims))}")
    attributes = compare_mappings(dict(a.attrs), dict(b.attrs), "attributes", context)
    found = compare_blocks(_blocks(a), _blocks(b), where, context)
    if attributes.status == IDENTICAL:
        return found
    parts = Parts()
    parts.add(attributes)
    whole = parts.whole(
        found.status, where, found.because or "its attributes", lines=found.lines, notes=found.notes, measures=found.measures
    )
    return replace(whole, parts=(*whole.parts, *found.parts))


def _blocks(variable: Any) -> Blocks:
    chunks = tuple([max(sizes) for sizes in variable.chunks]) if variable.chunks else None
    preferred = variable.encoding.get("preferred_chunks") if chunks is None else None
    if isinstance(preferred, dict) and set(preferred) == set(variable.dims):
        chunks = tuple([max(one) if isinstance(one := preferred[name], tuple) else int(one) for name in variable.dims])
    return Blocks(tuple(variable.shape), _numpy_dtype(variable), lambda slices: _values(variable[slices]), chunks)


def _numpy_dtype(variable: Any) -> Any:
    import numpy

    return variable.dtype if isinstance(variable.dtype, numpy.dtype) else numpy.dtype(object)


def _values(variable: Any) -> Any:
    import numpy

    return numpy.asarray(variable.values)
