"""Says whether two values are the same in every way that matters to whoever stored one of them. Exact: both were made on one computer."""

from __future__ import annotations

import dataclasses
import math
import os
from pathlib import Path
from typing import Any


def difference(one: Any, other: Any, where: str = "value") -> str | None:
    """Return how two values differ, in words, or None where they are the same."""
    one, other = _plain(one), _plain(other)
    if one is other:
        return None
    if type(one) is not type(other) and _class_name(one) != _class_name(other):
        return f"{where}: {type(one).__name__} {_short(one)}, and {type(other).__name__} {_short(other)}"
    for kinds, compare in _COMPARISONS:
        if any(base.__name__ in kinds and _is_theirs(base, kinds[base.__name__]) for base in type(one).__mro__):
            return compare(one, other, where)
    return _objects(one, other, where)


def _is_theirs(base: type, module: str) -> bool:
    return base.__module__.split(".")[0] == module


def _class_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 120 else text[:117] + "..."


def _plain(value: Any) -> Any:
    """Compute what is lazy, and read the pixels of a figure."""
    if type(value).__module__.startswith("dask") and hasattr(value, "compute"):
        return value.compute(scheduler="synchronous")
    if type(value).__name__ == "StoredFigure":
        import matplotlib.image

        return matplotlib.image.imread(value.png)
    return value


def _arrays(one: Any, other: Any, where: str) -> str | None:
    import numpy as np

    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return f"{where}: {one.dtype}{one.shape}, and {other.dtype}{other.shape}"
    if one.dtype == object:
        return difference(one.tolist(), other.tolist(), where)
    if isinstance(one, np.ma.MaskedArray):
        return _arrays(np.ma.getmaskarray(one), np.ma.getmaskarray(other), where) or _arrays(one.filled(0), other.filled(0), where)
    if one.dtype.kind in "fc":
        same = np.array_equal(one, other, equal_nan=True)
    else:
        same = one.tobytes() == other.tobytes() or np.array_equal(one, other)
    return None if same else f"{where}: {_short(one)}, and {_short(other)}"


def _frames(one: Any, other: Any, where: str) -> str | None:
    from pandas import testing

    compare = {"DataFrame": testing.assert_frame_equal, "Series": testing.assert_series_equal}.get(
        type(one).__name__, testing.assert_index_equal
    )
    try:
        compare(one, other, **({} if compare is testing.assert_index_equal else {"check_freq": False}), check_exact=True)
    except AssertionError as error:
        return f"{where}: {' '.join(str(error).split())}"
    return difference(getattr(one, "attrs", {}), getattr(other, "attrs", {}), f"{where}.attrs")


def _xarrays(one: Any, other: Any, where: str) -> str | None:
    return None if one.identical(other) else f"{where}: {_short(one)}, and {_short(other)}"


def _numbers(one: Any, other: Any, where: str) -> str | None:
    same = one == other or (one != one and other != other)  # nan is no equal of its own
    if same and isinstance(one, float) and math.copysign(1, one) != math.copysign(1, other):
        same = False
    return None if same else f"{where}: {one!r}, and {other!r}"


def _mappings(one: Any, other: Any, where: str) -> str | None:
    if list(one) != list(other):
        return f"{where}: keys {_short(list(one))}, and {_short(list(other))}"
    return next((found for key in one if (found := difference(one[key], other[key], f"{where}[{key!r}]"))), None)


def _rows(one: Any, other: Any, where: str) -> str | None:
    if len(one) != len(other):
        return f"{where}: {len(one)} parts {_short(one)}, and {len(other)} {_short(other)}"
    pairs = enumerate(zip(one, other, strict=True))
    return next((found for index, (a, b) in pairs if (found := difference(a, b, f"{where}[{index}]"))), None)


def _by_equality(one: Any, other: Any, where: str) -> str | None:
    return None if one == other else f"{where}: {_short(one)}, and {_short(other)}"


def _sparse(one: Any, other: Any, where: str) -> str | None:
    return _arrays(one.toarray(), other.toarray(), where)


def _tensors(one: Any, other: Any, where: str) -> str | None:
    return _arrays(one.detach().cpu().numpy(), other.detach().cpu().numpy(), where)


def _polars(one: Any, other: Any, where: str) -> str | None:
    return None if one.equals(other) else f"{where}: {_short(one)}, and {_short(other)}"


def _figures(one: Any, other: Any, where: str) -> str | None:
    return _arrays(_pixels(one), _pixels(other), where)


def _pixels(figure: Any) -> Any:
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).copy()


def _graphs(one: Any, other: Any, where: str) -> str | None:
    nodes = difference(dict(one.nodes(data=True)), dict(other.nodes(data=True)), f"{where}.nodes")
    return nodes or difference(list(one.edges(data=True)), list(other.edges(data=True)), f"{where}.edges")


def _functions(one: Any, other: Any, where: str) -> str | None:
    if one.__code__.co_code != other.__code__.co_code:
        return f"{where}: two different functions"
    cells = [[cell.cell_contents for cell in function.__closure__ or ()] for function in (one, other)]
    return difference(*cells, f"{where}.__closure__") or difference(one.__defaults__, other.__defaults__, f"{where}.__defaults__")


def _folders(one: Path, other: Path, where: str) -> str | None:
    if not one.is_dir():
        return None if one.is_file() and one.read_bytes() == other.read_bytes() else _by_equality(one, other, where)
    names = [sorted(os.path.relpath(path, top) for path in top.rglob("*") if path.name != "Loader.json") for top in (one, other)]
    if names[0] != names[1]:
        return f"{where}: files {names[0]}, and {names[1]}"
    different = [name for name in names[0] if (one / name).is_file() and (one / name).read_bytes() != (other / name).read_bytes()]
    return f"{where}: other content in {different}" if different else None


def _objects(one: Any, other: Any, where: str) -> str | None:
    """Compare by what an object holds, since most classes of a notebook define no equality."""
    if dataclasses.is_dataclass(one) or hasattr(one, "__dict__"):
        found = _mappings(_held(one), _held(other), where)
        if found or not isinstance(one, list | dict | set | str):
            return found
    return _by_equality(one, other, where)


def _held(value: Any) -> dict[str, Any]:
    return dict(sorted(vars(value).items()))


_NUMBERS = {"int": "builtins", "float": "builtins", "complex": "builtins", "bool": "builtins"}
_COMPARISONS: tuple[tuple[dict[str, str], Any], ...] = (
    ({"ndarray": "numpy", "generic": "numpy"}, _arrays),
    ({"DataFrame": "pandas", "Series": "pandas", "Index": "pandas"}, _frames),
    ({"DataFrame": "polars", "Series": "polars"}, _polars),
    ({"Dataset": "xarray", "DataArray": "xarray"}, _xarrays),
    ({"Table": "pyarrow"}, _by_equality),
    ({"sparray": "scipy", "spmatrix": "scipy", "_spbase": "scipy"}, _sparse),
    ({"Tensor": "torch"}, _tensors),
    ({"Figure": "matplotlib"}, _figures),
    ({"Graph": "networkx"}, _graphs),
    ({"Path": "pathlib"}, _folders),
    (_NUMBERS, _numbers),
    ({"dict": "builtins", "OrderedDict": "collections"}, _mappings),
    ({"list": "builtins", "tuple": "builtins", "deque": "collections"}, _rows),
    ({"function": "builtins"}, _functions),
    ({"str": "builtins", "bytes": "builtins", "set": "builtins", "frozenset": "builtins", "bytearray": "builtins"}, _by_equality),
)
