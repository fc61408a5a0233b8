"""What a value of a scientific library is made of, as plain values to compare: libraries' own ``==`` forgive too much. Compares nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final


def facets(value: Any) -> dict[str, Any] | None:
    """Return the parts that two identical values have alike, or None for a type that is not known here."""
    for base in type(value).__mro__:
        take_apart = _KNOWN.get((base.__module__.partition(".")[0], base.__name__))
        if take_apart is not None:
            return take_apart(value)
    return _state(value) if type(value).__module__.partition(".")[0] == "sklearn" else None


def _state(value: Any) -> dict[str, Any]:
    """Return what pickle would keep of an object: parameters and what was fitted."""
    inherited: Any = object.__getstate__
    if type(value).__getstate__ is not inherited:
        state = value.__getstate__()
    else:
        state = vars(value) if hasattr(value, "__dict__") else list(value.__reduce__()[1:])
    return {**state} if isinstance(state, dict) else {"state": state}


def _image(value: Any) -> dict[str, Any]:
    pixels = value.tobytes()  # decodes what is not decoded yet
    palette = value.im.getpalette("RGBA", "RGBA") if value.mode in ("P", "PA") else None
    facts = {"mode": value.mode, "size": value.size, "info": value.info, "palette": palette}
    return {**facts, "frame": value.tell(), "file": hasattr(value, "filename"), "pixels": pixels}


def _graph(value: Any) -> dict[str, Any]:
    parallel = value.is_multigraph()
    found: dict[str, Any] = {"attributes": value.graph, "nodes": list(value.nodes(data=True))}
    found["edges"] = list(value.edges(keys=True, data=True)) if parallel else list(value.edges(data=True))
    rows = {"adj": value.adj} if not value.is_directed() else {"succ": value.succ, "pred": value.pred}
    for name, row in rows.items():
        found[name] = [[node, [[other, list(data) if parallel else 0] for other, data in near.items()]] for node, near in row.items()]
    return found


def _plotly(value: Any) -> dict[str, Any]:
    parts = {"traces": value.data, "frames": value.frames}
    found = {name: [_sorted(one.to_plotly_json()) for one in members] for name, members in parts.items()}
    return {**found, "layout": _sorted(value.layout.to_plotly_json()), "grid": value._grid_ref}


def _sorted(value: Any) -> Any:
    """Return a structure whose names have no order, as in plotly, which sorts them now and then."""
    if type(value) is dict:
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(member) for member in value] if type(value) is list else value


def _tensor(value: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"shape": tuple(value.shape), "dtype": str(value.dtype), "layout": str(value.layout)}
    facts |= {"requires_grad": value.requires_grad, "gradient": value.grad if value.is_leaf else None, "device": str(value.device)}
    plain = value.detach()
    if facts["layout"] == "torch.sparse_coo":
        return {**facts, "coalesced": value.is_coalesced(), "indices": plain._indices(), "values": plain._values()}
    if facts["layout"] != "torch.strided":
        rows = "crow_indices" if facts["layout"].endswith("sr") else "ccol_indices"
        columns = "col_indices" if rows == "crow_indices" else "row_indices"
        return {**facts, "rows": getattr(plain, rows)(), "columns": getattr(plain, columns)(), "values": plain.values()}
    reach = 1 + sum((size - 1) * step for size, step in zip(value.shape, value.stride(), strict=True))
    # Memory with gaps between the values is nobody's intention; how dense memory is ordered may be (channels last).
    strides = value.stride() if reach <= value.numel() and not value.is_contiguous() else None
    flat = plain.resolve_conj().resolve_neg().reshape(-1).clone().cpu()
    return {**facts, "strides": strides, "bytes": bytes(flat.untyped_storage())}


def _astropy_quantity(value: Any) -> dict[str, Any]:
    import numpy

    found = {"value": numpy.array(value.view(numpy.ndarray)), "unit": value.unit, "wrap_angle": getattr(value, "wrap_angle", None)}
    return {**found, "notes": _notes(value) if "info" in vars(value) else _notes(None)}


def _notes(value: Any) -> list[Any]:
    info = getattr(value, "info", None)
    return [getattr(info, name, None) for name in ("format", "description")] + [dict(getattr(info, "meta", None) or {})]


def _astropy_column(value: Any) -> dict[str, Any]:
    import numpy

    mask = getattr(value, "mask", None)
    facts = {"unit": value.unit, "notes": _notes(value)}
    if mask is None:
        return {**facts, "values": numpy.array(value.data)}
    return {**facts, "values": numpy.array(value.data.data), "mask": numpy.array(mask), "fill": str(value.fill_value)}


def _astropy_table(value: Any) -> dict[str, Any]:
    columns = [(name, value[name]) for name in value.colnames]
    return {"notes": dict(value.meta), "masked": value.masked, "columns": columns}


def _astropy_time(value: Any) -> dict[str, Any]:
    import numpy

    words = ("format", "scale", "precision", "in_subfmt", "out_subfmt", "location", "masked")
    mask = numpy.array(getattr(value.mask, "unmasked", value.mask)) if value.masked else numpy.zeros(value.shape, bool)
    # What lies under a mask is nobody's time.
    days = [numpy.where(mask, 0.0, getattr(part, "unmasked", part)) for part in (value.jd1, value.jd2)]
    return {"days": days, "mask": mask, **{word: getattr(value, word, None) for word in words}, "notes": _notes(value)}


def _astropy_coordinates(value: Any) -> dict[str, Any]:
    frame = value.frame
    parts = {name: getattr(frame.data, name) for name in frame.data.components}
    motion = {f"{key}.{name}": getattr(one, name) for key, one in frame.data.differentials.items() for name in one.components}
    attributes = {name: getattr(value, name) for name in sorted({*frame.frame_attributes, *value._extra_frameattr_names})}
    kinds = [type(frame).__name__, type(frame.data).__name__, frame.representation_type.__name__, value.shape]
    return {"kinds": kinds, "components": parts, "motion": motion, "attributes": attributes, "notes": _notes(value)}


def _zarr_array(value: Any) -> dict[str, Any]:
    """Take the description, and the chunks that were written, decoded; those that were not are as the description says."""
    import numpy
    from zarr.core.sync import sync

    part = value.shards or value.chunks
    prefix = f"{value.path}/" if value.path else ""
    names = sync(_keys(value.store, prefix))
    chunks = {}
    for name in sorted(names - {"zarr.json", ".zarray", ".zattrs"}):
        place = [int(word) for word in re.findall("[0-9]+", name)]
        box = tuple([slice(at * step, (at + 1) * step) for at, step in zip(place, part, strict=True)])
        chunks[name] = numpy.asarray(value[box])
    return {"description": value.metadata.to_dict(), "chunks": chunks}


async def _keys(store: Any, prefix: str) -> set[str]:
    return {key.removeprefix(prefix) async for key in store.list_prefix(prefix)}


_KNOWN: Final[dict[tuple[str, str], Callable[[Any], dict[str, Any]]]] = {
    ("PIL", "IFDRational"): lambda value: {"parts": [value.numerator, value.denominator]},
    ("PIL", "Image"): _image,
    ("PIL", "iTXt"): lambda value: {"text": str(value), "language": value.lang, "keyword": value.tkey},
    ("altair", "TopLevelMixin"): lambda value: {"specification": value.to_dict()},
    ("astropy", "Column"): _astropy_column,
    ("astropy", "FunctionUnitBase"): lambda value: {"unit": value.to_string()},
    ("astropy", "MaskedColumn"): _astropy_column,
    ("astropy", "Quantity"): _astropy_quantity,
    ("astropy", "SkyCoord"): _astropy_coordinates,
    ("astropy", "Table"): _astropy_table,
    ("astropy", "TimeBase"): _astropy_time,
    ("astropy", "UnitBase"): lambda value: {"unit": value.to_string(), "scale": getattr(value, "scale", 1)},
    ("networkx", "Graph"): _graph,
    ("numpy", "Generator"): lambda value: dict(value.bit_generator.state),
    ("numpy", "RandomState"): lambda value: {"state": value.get_state()},
    ("pint", "PlainQuantity"): lambda value: {"magnitude": value.magnitude, "units": sorted(value._units.items())},
    ("pint", "PlainUnit"): lambda value: {"units": sorted(value._units.items())},
    ("plotly", "BaseFigure"): _plotly,
    ("torch", "Tensor"): _tensor,
    ("zarr", "Array"): _zarr_array,
}
