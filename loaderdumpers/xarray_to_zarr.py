"""Keeps an xarray Dataset, DataArray or DataTree in Zarr (format 3); what was lazy stays lazy. No conventions are applied to the values.

Values lie in ``data.zarr`` as they are, under the names of the variables, so that xarray and zarr read them by themselves. Indexes, and
values for which Zarr has no place, lie in ``parts``. Names, order, attributes and types stand in ``Loader.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from isfdb.identical import assert_identical
from isfdb.parts import dump_part, load_part
from loaderdumpers import _xarray_plans as plans
from loaderdumpers._labels import NotExactError, pack_label, unpack_label
from loaderdumpers._places import inside
from loaderdumpers._typed_json import decode
from loaderdumpers._xarray_facts import describe, kind_of, summarise
from loaderdumpers._zarr_variables import Writer, read

if TYPE_CHECKING:
    from loaderdumpers._xarray_plans import Node

__all__ = ["Loader", "check", "describe", "dump", "summarise"]

priority: Final = 31
has_parts: Final = True
extra: Final = "xarray"
requires: Final = {"xarray": "2024.10", "zarr": "3"}
load_plainly: Final = "loaderdumpers.plainly.objects:read_xarray"
about: Final = {
    "types": ("xarray.Dataset", "xarray.DataArray", "xarray.DataTree"),
    "keeps": "datasets of numpy and dask arrays, with coordinates, indexes and attributes",
    "format": "Zarr",
    "files": "`data.zarr`, `parts`",
    "exact": True,
    "lazy": "dask arrays",
    "append": False,
}

_FOLDER: Final = "data.zarr"
_DUMPERS: Final = {"index": "pandas_to_parquet", "series": "pandas_to_parquet", "npy": "numpy_to_npy"}
#: How xarray finds dates again when it opens the Zarr group by itself.
_UNITS: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def check(obj: Any) -> bool:
    """Say whether `obj` is of xarray and made of arrays, indexes and attributes that are kept; computes nothing."""
    kind = kind_of(obj)
    if kind is None:
        return False
    try:
        for node in plans.nodes_of(obj, kind):
            for _ in plans.plan(node):
                pass
        _pack_name(obj, kind)
    except Exception:  # noqa: BLE001  a half-made object, or one whose file is gone, fails in many ways
        return False
    return True


def _pack_name(obj: Any, kind: str) -> Any:
    return None if kind == "Dataset" else pack_label(obj.name)


def dump(obj: Any, savedir: str, *, compressors: Any = "auto") -> dict[str, Any]:
    """Write `obj`; what is lazy is computed chunk by chunk, by the active client or by threads of this process.

    Parameters
    ----------
    obj : xarray.Dataset, DataArray or DataTree
        The value; it may read, lazily, the version before the one that is written.
    savedir : str
        Empty folder. Where a cluster computes, its workers must reach it under the same path.
    compressors : zarr codec or list of them, None, or 'auto'
        As ``zarr.create_array`` takes them. Default: zarr's own choice.

    Raises
    ------
    TypeError
        Something would not come back as it is.
    ValueError
        The sizes of the chunks of a lazy array are unknown; or what was written is not what an array in memory holds, because a codec
        loses something or another thread changed it.
    """
    kind = kind_of(obj)
    if kind is None:
        raise TypeError(f"xarray_to_zarr keeps Dataset, DataArray and DataTree themselves, not {type(obj).__qualname__}; convert it first")
    writer, nodes = Writer(compressors), plans.nodes_of(obj, kind)
    shared: dict[int, Any] = {}
    for place, node in enumerate(nodes):
        node.record["folder"] = "" if place == 0 else f"group-{place}-"
        _write_node(node, os.path.join(savedir, _FOLDER), writer, savedir, shared)
    arguments = {"kind": kind, "name": _pack_name(obj, kind), "nodes": [node.record for node in nodes]}
    _compare(obj, arguments, shared)
    writer.finish()
    return arguments


def _write_node(node: Node, root: str, writer: Writer, savedir: str, shared: dict[int, Any]) -> None:
    import zarr

    group = zarr.open_group(root, path=node.group, mode="a", zarr_format=3)
    group.attrs.update(_group_attributes(node))
    for entry, data, how in plans.plan(node):
        if how == "copy":
            _write_copy(group, entry, data, writer)
            continue
        is_in_file = how == "file"
        shared[id(entry)] = data._data if is_in_file else data
        values, way = plans.values_from_file(data) if is_in_file else (data, how)
        if way == "zarr":
            entry["array"] = writer.write(group, entry["in"], values, _texts(entry["dims"]), _shown_attributes(values, entry["attrs"]))
            if is_in_file:
                entry["array"].pop("chunks", None)  # it was no lazy array of dask's, and becomes none
        else:
            entry["part"] = dump_part(values, plans.part_folder(savedir, node.record, entry), dumper=_DUMPERS[way])


def _write_copy(group: Any, entry: dict[str, Any], variable: Any, writer: Writer) -> None:
    """Write the values of an index once more for programs that are not isfdb, which reads the index itself."""
    import numpy

    if not isinstance(variable.dtype, numpy.dtype):
        return
    try:
        values = variable.values
        writer.write(group, entry["in"], values, _texts(entry["dims"]), _shown_attributes(values, entry["attrs"]))
    except NotExactError:
        return  # an index of tuples, for example, has no place in Zarr


def _texts(dims: list[Any]) -> list[str]:
    return [str(unpack_label(dim)) for dim in dims]


def _group_attributes(node: Node) -> dict[str, Any]:
    coords = [str(name) for name in node.variables if name in node.coords and " " not in str(name)]
    return {**_shown(dict(node.attrs)), **({"coordinates": " ".join(coords)} if coords else {})}


def _shown_attributes(data: Any, attrs: Any) -> dict[str, Any]:
    """Return what other programs may like to know of an array; isfdb does not read it."""
    import numpy

    unit = numpy.datetime_data(data.dtype)[0] if data.dtype.kind in "mM" else None
    times = {}
    if unit in _UNITS:
        since = " since 1970-01-01" if data.dtype.kind == "M" else ""
        times = {"units": f"{_UNITS[unit]}{since}", **({"calendar": "proleptic_gregorian"} if since else {"dtype": str(data.dtype)})}
    return _shown(decode(attrs)) | times


def _shown(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    import numpy

    plain = {name: one.tolist() if isinstance(one, (numpy.ndarray, numpy.generic)) else one for name, one in attrs.items()}
    return {name: one for name, one in plain.items() if type(name) is str and _is_json(one) and name != "_FillValue"}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _compare(obj: Any, arguments: dict[str, Any], shared: dict[int, Any]) -> None:
    """Put the value together from its plan and its own arrays, and see that it is the same: what nobody thought of is refused here."""
    try:
        again = _together(arguments, lambda _, entry: _own_values(entry, shared))
        assert_identical(again, obj)
    except (AssertionError, ValueError, KeyError) as error:
        raise TypeError(f"xarray_to_zarr cannot keep this {arguments['kind']} exactly: {error}. Store it with to_cloudpickle.") from error


def _own_values(entry: dict[str, Any], shared: dict[int, Any]) -> Any:
    import pandas

    data = shared[id(entry)]
    return _from_series(data, entry) if isinstance(data, pandas.Series) else data


def _from_series(series: Any, entry: dict[str, Any]) -> Any:
    import numpy

    return series.to_numpy().reshape(entry["shape"]) if isinstance(series.dtype, numpy.dtype) else series.array


def _together(arguments: dict[str, Any], load: Any, variables: list[Any] | None = None) -> Any:
    nodes = arguments["nodes"]
    if arguments["kind"] == "DataArray":
        return plans.data_array(nodes[0], unpack_label(arguments["name"]), partial(load, nodes[0]))
    made = {f"/{node['path']}": plans.dataset(node, plans.chosen(node, variables), partial(load, node)) for node in nodes}
    if arguments["kind"] == "Dataset":
        return made["/"]
    import xarray

    return xarray.DataTree.from_dict(made, name=unpack_label(arguments["name"]))


class Loader:
    """Puts a dataset together again.

    Parameters
    ----------
    kind : {'Dataset', 'DataArray', 'DataTree'}
        What was stored.
    name : label
        Of the DataArray or DataTree.
    nodes : list of dict
        Variables, indexes and attributes, of one Dataset or of each node of a tree.
    """

    def __init__(self, *, kind: str, name: Any, nodes: list[dict[str, Any]]) -> None:
        self._arguments = {"kind": kind, "name": name, "nodes": nodes}

    def get(self, savedir: str, *, variables: list[Any] | None = None, select: Any = None, lazy: bool = False) -> Any:
        """Return the value: what was in memory is in memory, what was lazy is lazy.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        variables : list of names, optional
            Of a Dataset only these, with their coordinates; only they are read.
        select : dict, slice or tuple, optional
            Only a part, by position: ``{"time": slice(0, 10)}``, or for a DataArray also ``numpy.s_[0:10, 3]``. Only it is read.
        lazy : bool
            Make dask arrays of all variables that are not coordinates.

        Raises
        ------
        ValueError
            A variable or dimension asked for does not exist, or the files are not what was stored.
        """
        kind = self._arguments["kind"]
        if variables is not None and kind != "Dataset":
            raise ValueError(f"variables= is for a Dataset; this is a {kind}. Leave it out.")
        folder = os.path.abspath(savedir)
        value = _together(self._arguments, _Reader(folder, lazily=lazy, partly=select is not None), variables)
        if select is None:
            return value
        part = _selected(value, select, kind)
        for node in part.subtree if kind == "DataTree" else [part]:
            _load(node, self._stored_lazily(node, kind), lazily=lazy, kind=kind)
        return part

    def _stored_lazily(self, node: Any, kind: str) -> set[Any]:
        path = node.path.strip("/") if kind == "DataTree" else ""
        entries = next(one for one in self._arguments["nodes"] if one["path"] == path)["variables"]
        return {None if entry.get("own") else unpack_label(entry["name"]) for entry in entries if "chunks" in entry.get("array", {})}


class _Reader:
    """Loads the values of an entry."""

    def __init__(self, savedir: str, *, lazily: bool, partly: bool) -> None:
        self._savedir, self._lazily, self._partly = savedir, lazily, partly

    def __call__(self, node: dict[str, Any], entry: dict[str, Any]) -> Any:
        if "part" in entry:
            value = load_part(entry["part"], plans.part_folder(self._savedir, node, entry))
            return value if "in" not in entry or entry["part"]["Loader"].endswith("npy") else _from_series(value, entry)
        path = inside(self._savedir, _FOLDER, *filter(None, node["group"].split("/")), entry["in"])
        return read(path, entry["array"], lazy=True if self._partly or (self._lazily and not entry["coord"]) else None)


def _selected(value: Any, select: Any, kind: str) -> Any:
    if isinstance(select, Mapping):
        absent = [dim for dim in select if dim not in (value.dims if kind != "DataTree" else _all_dims(value))]
        if absent:
            raise ValueError(f"select= names the dimensions {absent!r}; there are {', '.join(map(repr, value.dims))}")
        return value.isel(select)
    if kind != "DataArray":
        raise ValueError(f"select= of a {kind} takes positions by dimension, as {{'time': slice(0, 10)}}, not {select!r}")
    return value[select]


def _all_dims(tree: Any) -> set[Any]:
    return {dim for node in tree.subtree for dim in node.dims}


def _load(part: Any, stored_lazily: set[Any], *, lazily: bool, kind: str) -> None:
    """Read, of the part that was asked for, what is to be in memory."""
    own = {None: part.variable} if kind == "DataArray" else {name: part.variables[name] for name in part.data_vars}
    coords = {name: coord.variable for name, coord in part.coords.items()}
    for name, variable in [*([] if lazily else own.items()), *coords.items()]:
        if name not in stored_lazily:
            variable.load()
