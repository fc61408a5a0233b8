"""Keeps plotly figures in ``data.json``, the JSON that every plotly reads. No picture: drawing one takes a browser.

JSON has no arrays with a dtype, no dates and no nan. Where plotly's JSON says less than the figure holds, ``types.json`` says what it was.
"""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any, Final

from isfdb.exact_json import loads
from loaderdumpers import _typed_json

priority: Final = 30
extra: Final = "plotly"
requires: Final = {"plotly": "6.0"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_plotly"
about: Final = {
    "types": ("plotly.graph_objects.Figure",),
    "keeps": "Figure and FigureWidget, with the dtypes of their arrays and the grid of their subplots",
    "format": "plotly JSON",
    "files": "`data.json`, sometimes `types.json`, `figure.html`",
    "exact": True,
    "lazy": "",
    "append": False,
}

_KINDS: Final = {"Figure": "plotly.graph_objs._figure", "FigureWidget": "plotly.graph_objs._figurewidget"}
#: dtypes that plotly.js reads from bytes, and their names there.
_PACKED: Final = {f"<{code}" if size > 1 else f"|{code}": code for size in (1, 2, 4, 8) for code in (f"i{size}", f"u{size}")} | {
    "<f4": "f4",
    "<f8": "f8",
}
_SIMPLE: Final = frozenset({int, str, bool, type(None)})
Path = tuple[str | int, ...]


def check(obj: Any) -> bool:
    """Say whether `obj` is a plotly Figure or FigureWidget; no subclass."""
    kind = type(obj)
    module = sys.modules.get(_KINDS.get(kind.__name__, ""))
    if module is None:
        return False
    known = getattr(module, kind.__name__, None)
    # A widget with traits of its own is of a class of its own, made at run time under the same name.
    return known is not None and (kind is known or (kind.__name__ == "FigureWidget" and kind.__mro__[1] is known))


def describe(obj: Any) -> dict[str, Any]:
    """Return the kinds of traces and the title."""
    facts: dict[str, Any] = {"type": type(obj).__name__, "traces": [trace.type for trace in obj.data[:50]], "n_traces": len(obj.data)}
    title = obj.layout.title.text
    return {**facts, "title": str(title)[:80]} if title else facts


def dump(obj: Any, savedir: str, *, html: bool = False) -> dict[str, Any]:
    """Write the figure as plotly JSON.

    Parameters
    ----------
    obj : plotly.graph_objects.Figure or FigureWidget
        The figure.
    savedir : str
        Empty folder.
    html : bool
        Write ``figure.html`` as well: the interactive figure for any browser, without network; about 5 MB.

    Raises
    ------
    TypeError
        Something in the figure cannot be kept exactly.
    """
    if not check(obj):
        raise TypeError(f"plotly_to_json keeps plotly figures, not {type(obj).__qualname__}; pass the Figure it belongs to")
    types: list[list[Any]] = []
    parts = {
        "data": [trace.to_plotly_json() for trace in obj.data],
        "layout": obj.layout.to_plotly_json(),
        "frames": [frame.to_plotly_json() for frame in obj.frames],
    }
    record = _plain(parts, (), types)
    _write(os.path.join(savedir, "data.json"), record)
    if types:
        _write(os.path.join(savedir, "types.json"), types)
    if html:
        obj.write_html(os.path.join(savedir, "figure.html"), include_plotlyjs=True, div_id="figure")
    arguments = {"kind": type(obj).__name__, "typed": len(types)}
    return {**arguments, "grid": _grid(obj._grid_ref), "grid_text": obj._grid_str} if obj._grid_ref else arguments


def _write(path: str, value: Any) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(json.dumps(value, ensure_ascii=False, allow_nan=False))
        file.write("\n")


def _grid(rows: Any) -> list[Any]:
    """Turn what make_subplots noted, so that traces can be added by row and column, into lists."""
    return [[cell and [[one.subplot_type, list(one.layout_keys), one.trace_kwargs] for one in cell] for cell in row] for row in rows]


def _plain(value: Any, path: Path, types: list[list[Any]]) -> Any:
    """Return what plotly's JSON says of a value, and add to `types` what it does not say: members before what they are in."""
    kind = type(value)
    if kind in _SIMPLE or (kind is float and math.isfinite(value)):
        return value
    if kind is dict:
        return {_name(name, path): _plain(member, (*path, name), types) for name, member in value.items()}
    if kind is list or kind is tuple:
        members = [_plain(member, (*path, place), types) for place, member in enumerate(value)]
        if kind is tuple:
            types.append([list(path), "tuple", None])
        return members
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray:
        return _plain_array(value, path, types)
    types.append([list(path), "value", _encoded(value, path)])
    return None if kind is float else _nearly(value)


def _nearly(value: Any) -> Any:
    """Return what stands for a value in plain JSON: a number for a number, text for anything else."""
    number = value.item() if hasattr(value, "item") else value
    if type(number) is float:
        return number if math.isfinite(number) else None
    return number if type(number) in _SIMPLE else str(value)


def _name(name: Any, path: Path) -> str:
    if type(name) is not str:
        raise TypeError(f"the figure has a name that is no text at {_shown(path)}: {name!r}; use text for names")
    return name


def _encoded(value: Any, path: Path) -> Any:
    try:
        return _typed_json.encode(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"the figure holds something at {_shown(path)} that cannot be kept: {error}; use plain values and arrays"
        ) from error


def _shown(path: Path) -> str:
    return ".".join(str(step) for step in path) or "its root"


def _plain_array(value: Any, path: Path, types: list[list[Any]]) -> Any:
    """Write numbers as plotly.js reads them, from bytes; other arrays as lists, with their dtype noted."""
    if value.dtype.str in _PACKED and value.size and value.flags.c_contiguous:
        types.append([list(path), "array", [value.dtype.str, list(value.shape)]])
        found = {"dtype": _PACKED[value.dtype.str], "bdata": _typed_json.encode(value)["$array"]["bdata"]}
        return {**found, "shape": ", ".join(map(str, value.shape))} if value.ndim != 1 else found
    if value.dtype == object:
        listed = _plain_objects(value.tolist(), value.ndim, path, types)
        types.append([list(path), "objects", list(value.shape)])
        return listed
    types.append([list(path), "value", _encoded(value, path)])
    flat = [_nearly(member) for member in value.ravel()]
    return _nested(flat, value.shape)


def _plain_objects(members: Any, depth: int, path: Path, types: list[list[Any]]) -> Any:
    if depth == 0:
        return _plain(members, path, types)
    return [_plain_objects(member, depth - 1, (*path, place), types) for place, member in enumerate(members)]


def _nested(flat: list[Any], shape: tuple[int, ...]) -> Any:
    import numpy

    array = numpy.empty(len(flat), dtype=object)
    array[:] = flat
    return array.reshape(shape).tolist()


class Loader:
    """Reads a figure.

    Parameters
    ----------
    kind : {'Figure', 'FigureWidget'}
        Its type.
    typed : int
        How many entries ``types.json`` has; without any there is no file.
    grid : list, optional
        What make_subplots noted of the rows and columns.
    grid_text : str, optional
        The same as plotly prints it.
    """

    def __init__(self, *, kind: str, typed: int, grid: list[Any] | None = None, grid_text: str | None = None) -> None:
        if kind not in _KINDS:
            raise ValueError(f"{kind!r} is no figure of plotly; Loader.json was changed, or a newer isfdb wrote it")
        self._kind, self._typed, self._grid, self._grid_text = kind, typed, grid, grid_text

    def get(self, savedir: str) -> Any:
        """Return the figure.

        Raises
        ------
        ValueError
            A file is damaged, or the two do not belong together.
        """
        import plotly.graph_objects

        record = self._record(savedir)
        layout = record["layout"]
        has_template = "template" in layout
        if self._grid:
            record |= {"_grid_ref": _read_grid(self._grid), "_grid_str": self._grid_text}
        figure = getattr(plotly.graph_objects, self._kind)(record)
        if not has_template:
            figure.layout.template = None  # a figure made now would have gained the default one
        return figure

    def _record(self, savedir: str) -> dict[str, Any]:
        record: dict[str, Any] = _read(savedir, "data.json")
        types = _read(savedir, "types.json") if self._typed else []
        missing = {"data", "layout", "frames"} - set(record)
        if missing or len(types) != self._typed:
            what = (
                f"data.json has no member {', '.join(sorted(missing))}" if missing else "types.json has fewer or more entries than stored"
            )
            raise ValueError(f"{what}; restore the file from a copy")
        for path, kind, detail in types:
            try:
                _restore(record, path, kind, detail)
            except (KeyError, IndexError, TypeError) as error:
                raise ValueError(f"types.json names {_shown(path)}, which data.json lacks; they do not belong together") from error
        return record


def _read(savedir: str, name: str) -> Any:
    with open(os.path.join(savedir, name), "rb") as file:
        text = file.read()
    try:
        return loads(text)
    except ValueError as error:
        raise ValueError(f"{name} is no whole JSON ({error}); restore the file from a copy") from error


def _read_grid(grid: list[Any]) -> list[Any]:
    from plotly._subplots import SubplotRef

    def cell(found: Any) -> Any:
        return found and tuple(SubplotRef(kind, tuple(keys), options) for kind, keys, options in found)

    return [[cell(found) for found in row] for row in grid]


def _restore(record: Any, path: list[str | int], kind: str, detail: Any) -> None:
    """Put the value that was there in the place of what plain JSON made of it."""
    for step in path[:-1]:
        record = record[step]
    found = record[path[-1]]
    if kind == "value":
        value = _typed_json.decode(detail)
    elif kind == "tuple":
        value = tuple(found)
    elif kind == "array":
        value = _typed_json.decode({"$array": {"dtype": detail[0], "shape": detail[1], "bdata": found["bdata"]}})
    elif kind == "objects":
        value = _objects(found, tuple(detail))
    else:
        raise ValueError(f"types.json has the unknown entry {kind!r}; a newer isfdb may have written it")
    record[path[-1]] = value


def _objects(found: Any, shape: tuple[int, ...]) -> Any:
    import numpy

    array = numpy.empty(shape, dtype=object)
    for place in numpy.ndindex(shape):
        member = found
        for step in place:
            member = member[step]
        array[place] = member
    return array
