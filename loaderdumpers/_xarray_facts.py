"""What is shown of xarray's values without loading them. Stores nothing."""

from __future__ import annotations

import sys
from typing import Any, Final

from loaderdumpers import _numpy_facts

_SHOWN: Final = 20
_SUMMARISED: Final = 100


def kind_of(obj: Any) -> str | None:
    """Return the name of xarray's class, or None for what is of none, or of a subclass."""
    xarray = sys.modules.get("xarray")
    if xarray is None:
        return None
    return next((name for name in ("Dataset", "DataArray", "DataTree") if type(obj) is getattr(xarray, name, None)), None)


def describe(obj: Any) -> dict[str, Any]:
    """Return type, sizes, the first variables with dtype and dimensions, and the size if computed; computes nothing."""
    kind = kind_of(obj)
    facts: dict[str, Any] = {"type": f"xarray {kind}"}
    if kind == "DataTree":
        return {**facts, "groups": [str(path)[:60] for path in obj.groups[:_SHOWN]], "nbytes": int(obj.nbytes)}
    facts |= {"sizes": {str(dim)[:60]: int(size) for dim, size in list(obj.sizes.items())[:_SHOWN]}, "nbytes": int(obj.nbytes)}
    facts["coords"] = [str(name)[:60] for name in list(obj.coords)[:_SHOWN]]
    if kind == "DataArray":
        return {**facts, "shape": list(obj.shape), "dtype": str(obj.dtype)[:60], "lazy": obj.chunks is not None}
    shown = list(obj.data_vars.items())[:_SHOWN]
    facts["variables"] = [[str(name)[:60], str(one.dtype)[:60], [str(dim)[:60] for dim in one.dims]] for name, one in shown]
    return {**facts, "lazy": any(variable.chunks is not None for variable in obj.variables.values())}


def summarise(obj: Any) -> dict[str, Any]:
    """Return minimum, maximum, mean and missing values of what is in memory; nothing is computed for it."""
    kind = kind_of(obj)
    if kind == "DataArray":
        return _of_variable(obj.variable)
    if kind == "DataTree":
        return {}
    shown = [(name, _of_variable(one.variable)) for name, one in list(obj.data_vars.items())[:_SUMMARISED]]
    return {"columns": [[str(name)[:60], facts] for name, facts in shown if facts]}


def _of_variable(variable: Any) -> dict[str, Any]:
    import numpy

    return _numpy_facts.summarise(variable._data) if type(variable._data) is numpy.ndarray else {}
