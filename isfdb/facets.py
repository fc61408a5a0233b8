"""What a value of a scientific library is made of, as plain values to compare: libraries' own ``==`` forgive too much. Compares nothing."""

from __future__ import annotations

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
    if type(value).__getstate__ is not object.__getstate__:
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
    facts = {"shape": tuple(value.shape), "dtype": str(value.dtype), "layout": str(value.layout)}
    facts |= {"requires_grad": value.requires_grad, "gradient": value.grad, "device": str(value.device)}
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


_KNOWN: Final[dict[tuple[str, str], Callable[[Any], dict[str, Any]]]] = {
    ("PIL", "Image"): _image,
    ("altair", "TopLevelMixin"): lambda value: {"specification": value.to_dict()},
    ("networkx", "Graph"): _graph,
    ("numpy", "Generator"): lambda value: dict(value.bit_generator.state),
    ("numpy", "RandomState"): lambda value: {"state": value.get_state()},
    ("plotly", "BaseFigure"): _plotly,
    ("torch", "Tensor"): _tensor,
}
