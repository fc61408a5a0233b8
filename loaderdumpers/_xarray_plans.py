"""Takes datasets of xarray apart into arrays, indexes and a JSON-ready plan, and puts them together again. Reads and writes no arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from loaderdumpers import numpy_to_npy, pandas_to_parquet
from loaderdumpers._labels import NotExactError, pack_label, unpack_label
from loaderdumpers._places import inside
from loaderdumpers._typed_json import decode, encode
from loaderdumpers._zarr_variables import is_lazy, kind_of, refuse_other_objects

_FIT: Final = re.compile(r"[^\W_](?:[\w -]|\.(?!$))*(?<! )")
_WINDOWS: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_LONGEST: Final = 80
_READ_AT_ONCE: Final = 64 * 2**20


@dataclass
class Node:
    """What a Dataset, a DataArray or one node of a DataTree consists of; a DataArray's own values are the variable without a name."""

    path: str
    variables: dict[Any, Any]
    coords: frozenset[Any]
    indexes: list[tuple[Any, list[Any]]]
    attrs: Mapping[Any, Any]
    encoding: Mapping[Any, Any]
    own: Any = None
    name: Any = None
    group: str = ""  # the path again, of names that every file system takes
    taken: set[str] = field(default_factory=set)
    record: dict[str, Any] = field(default_factory=dict)


def nodes_of(value: Any, kind: str) -> list[Node]:
    """Take a Dataset, DataArray or DataTree apart."""
    if kind == "DataTree":
        found = [(path, node.to_dataset(inherit=path == ".")) for path, node in value.subtree_with_keys]
        nodes = [_node_of("" if path == "." else path, dataset) for path, dataset in found]
        _name_groups(nodes)
        return nodes
    if kind == "Dataset":
        return [_node_of("", value)]
    coords = {name: coord.variable for name, coord in value.coords.items()}
    return [Node("", coords, frozenset(coords), _indexes_of(value), {}, {}, own=value.variable, name=value.name)]


def _name_groups(nodes: list[Node]) -> None:
    by_path = {node.path: node for node in nodes}
    for node in nodes[1:]:  # a parent comes before its children
        above, _, name = node.path.rpartition("/")
        parent = by_path[above]
        node.group = "/".join(filter(None, [parent.group, _path_name(name, parent.taken)]))


def _node_of(path: str, dataset: Any) -> Node:
    coords = frozenset(dataset.coords)
    return Node(path, dict(dataset.variables), coords, _indexes_of(dataset), dataset.attrs, dataset.encoding)


def _indexes_of(value: Any) -> list[tuple[Any, list[Any]]]:
    return [(index, list(variables)) for index, variables in value.xindexes.group_by_index()]


def plan(node: Node) -> Iterator[tuple[dict[str, Any], Any, Any]]:
    """Fill ``node.record``, giving each entry of a variable or index with what is to be written for it, and how.

    Raises
    ------
    NotExactError
        Something would not come back as it is.
    """
    record = node.record
    record |= {"path": node.path, "group": node.group, "attrs": _pack_attributes(node.attrs), "encoding": _pack_encoding(node.encoding)}
    record["indexes"], record["variables"] = [], []
    of_index: dict[Any, int] = {}
    for place, (index, names) in enumerate(node.indexes):
        entry = _index_entry(index, names)
        record["indexes"].append(entry)
        of_index |= dict.fromkeys(names, place)
        yield entry, index.index, "index"
    if node.own is not None:
        entry = _variable_entry("values", node.own, node.taken) | {"own": True, "coord": False}
        yield from _entered(record, entry, node.own, of_index, node.name)
    for name, variable in node.variables.items():
        entry = _variable_entry(name, variable, node.taken) | {"name": pack_label(name), "coord": name in node.coords}
        yield from _entered(record, entry, variable, of_index, name)


def _entered(
    record: dict[str, Any], entry: dict[str, Any], variable: Any, of_index: dict[Any, int], name: Any
) -> Iterator[tuple[dict[str, Any], Any, str]]:
    record["variables"].append(entry)
    if type(variable).__name__ == "IndexVariable" and name in of_index:
        entry |= {"index": of_index[name], "of": pack_label(name)}
        yield entry, variable, "copy"
        return
    data, how = _values(variable)
    if how in ("npy", "series", "file"):
        entry["shape"] = list(variable.shape)
    yield entry, data, how


def _variable_entry(name: Any, variable: Any, taken: set[str]) -> dict[str, Any]:
    entry = {"in": _path_name(name, taken), "dims": [pack_label(dim) for dim in variable.dims]}
    return {**entry, "attrs": _pack_attributes(variable.attrs), "encoding": _pack_encoding(variable.encoding)}


def _path_name(name: Any, taken: set[str]) -> str:
    """Return a name for a folder: the variable's own, if every file system takes it."""
    is_fit = type(name) is str and len(name) <= _LONGEST and name.isascii() and _FIT.fullmatch(name) and not _WINDOWS.fullmatch(name)
    chosen = name if is_fit else f"variable-{len(taken)}"
    while chosen.lower() in taken or chosen.lower() == "zarr.json":
        chosen += "-"  # Temperature beside temperature
        chosen = f"{chosen}{len(taken)}"
    taken.add(chosen.lower())
    return chosen


def _values(variable: Any) -> tuple[Any, str]:
    """Return the values of a variable and how they are stored: in zarr, as a part by another loaderdumper, or to be read from a file."""
    import numpy

    data = variable._data
    if type(data).__module__.startswith("xarray.") and type(data).__name__ != "PandasExtensionArray":
        return variable, "file"
    if is_lazy(data):
        if type(data._meta) is not numpy.ndarray:
            raise NotExactError(f"a lazy array computes to {type(data._meta).__qualname__}, not to numpy arrays; convert it first")
        kind_of(data.dtype)
        return data, "zarr"
    return _in_memory(variable.data)


def values_from_file(variable: Any) -> tuple[Any, str]:
    """Read what xarray has left in a file so far, large arrays chunk by chunk; the variable itself goes on having it there."""
    import numpy

    is_number = isinstance(variable.dtype, numpy.dtype) and variable.dtype.kind in "biufcmM"
    if is_number and variable.nbytes > _READ_AT_ONCE:
        return variable.chunk("auto").data, "zarr"
    return _in_memory(variable[...].data)


def _in_memory(data: Any) -> tuple[Any, str]:
    import numpy
    import pandas

    if isinstance(data, pandas.api.extensions.ExtensionArray):
        return _series(data), "series"
    if type(data) is not numpy.ndarray:
        raise NotExactError(f"values are a {type(data).__module__}.{type(data).__qualname__}, not a numpy or dask array; convert them")
    try:
        if kind_of(data.dtype) == {"text": "object"}:
            refuse_other_objects(data)
    except NotExactError:
        return _part(data)
    return data, "zarr"


def _part(data: Any) -> tuple[Any, str]:
    if numpy_to_npy.check(data):
        return data, "npy"
    if data.dtype.kind != "O":
        raise NotExactError(f"values of dtype {data.dtype} are not kept exactly; convert them with astype")
    return _series(data.reshape(-1)), "series"


def _series(values: Any) -> Any:
    import pandas

    series = pandas.Series(values, dtype=values.dtype, copy=False)
    if not pandas_to_parquet.check(series):
        raise NotExactError(f"values of dtype {values.dtype} are not kept exactly; convert them with astype, or store with to_cloudpickle")
    return series


def _index_entry(index: Any, names: list[Any]) -> dict[str, Any]:
    import xarray.indexes

    kinds = {xarray.indexes.PandasIndex: "PandasIndex", xarray.indexes.PandasMultiIndex: "PandasMultiIndex"}
    if type(index) not in kinds:
        advice = "drop it with drop_indexes, or store with to_cloudpickle"
        raise NotExactError(f"the index of {names!r} is a {type(index).__qualname__}, which is not kept; {advice}")
    if not pandas_to_parquet.check(index.index):
        raise NotExactError(f"the index of {names!r}, of dtype {index.index.dtype}, is not kept exactly; convert it with astype")
    entry: dict[str, Any] = {"kind": kinds[type(index)], "dim": pack_label(index.dim), "names": [pack_label(name) for name in names]}
    if entry["kind"] == "PandasIndex":
        return {**entry, "dtype": _pack_dtype(index.coord_dtype, index.index.dtype)}
    levels = zip(index.index.names, index.index.levels, strict=True)
    return {**entry, "dtypes": [_pack_dtype(index.level_coords_dtype[name], level.dtype) for name, level in levels]}


def _pack_dtype(dtype: Any, own: Any) -> Any:
    """Return the dtype in which xarray shows an index, which pandas may keep in another."""
    import numpy

    if isinstance(dtype, numpy.dtype) and dtype.kind in "biufcmMSUO" and not dtype.metadata:
        return dtype.str
    if dtype == own:
        return None
    raise NotExactError(f"an index of dtype {own} is shown as {dtype}, which is not kept; convert the coordinate with astype")


def _pack_attributes(attrs: Mapping[Any, Any]) -> Any:
    try:
        return encode(dict(attrs), in_order=True)
    except (TypeError, ValueError) as error:
        raise NotExactError(f"an attribute is not kept exactly ({error}); convert it, or store with to_cloudpickle") from error


def _pack_encoding(encoding: Mapping[Any, Any]) -> list[Any]:
    """Keep of the encoding, which says how a file is to be written, what is plain; codecs of libraries are left out."""
    import numpy

    kept = []
    for name, value in encoding.items():
        try:
            kept.append([encode(name), {"dtype": value.str} if isinstance(value, numpy.dtype) else {"value": encode(value, in_order=True)}])
        except (TypeError, ValueError):
            continue
    return kept


def _unpack_encoding(parts: list[Any]) -> dict[Any, Any]:
    import numpy

    return {decode(name): numpy.dtype(one["dtype"]) if "dtype" in one else decode(one["value"]) for name, one in parts}


def chosen(record: dict[str, Any], names: list[Any] | None) -> list[dict[str, Any]]:
    """Return the entries of the variables asked for, and of the coordinates that belong to them.

    Raises
    ------
    ValueError
        There is no such variable.
    """
    entries: list[dict[str, Any]] = record["variables"]
    if names is None:
        return entries
    known = [unpack_label(entry["name"]) for entry in entries]
    absent = [name for name in names if name not in known]
    if isinstance(names, str) or absent:
        raise ValueError(f"variables={names!r} was asked for; stored are {', '.join(map(repr, known[:20]))}. It takes a list of names.")
    wanted = [entry for entry, name in zip(entries, known, strict=True) if name in names]
    dims = [dim for entry in wanted for dim in entry["dims"]]
    return [entry for entry in entries if entry in wanted or (entry["coord"] and all(dim in dims for dim in entry["dims"]))]


def assemble(
    record: dict[str, Any], entries: list[dict[str, Any]], load: Callable[[dict[str, Any]], Any]
) -> tuple[dict[Any, Any], Any, list[Any]]:
    """Put variables together again.

    Parameters
    ----------
    record : dict
        Of the node.
    entries : list of dict
        Which variables.
    load : callable
        Returns the values of a variable's entry, or the pandas Index of an index's.

    Returns
    -------
    data : dict
        The data variables by name; the one of a DataArray under the name None.
    coords : xarray.Coordinates
        The coordinates, with their indexes.
    order : list
        All names in their order.
    """
    import xarray

    needed = sorted({entry["index"] for entry in entries if "index" in entry})
    indexes = {place: _index(record["indexes"][place], load) for place in needed}
    made = {place: index.create_variables() for place, index in indexes.items()}
    data: dict[Any, Any] = {}
    coords: dict[Any, Any] = {}
    of_index: dict[Any, Any] = {}
    order = []
    for entry in entries:
        name = None if entry.get("own") else unpack_label(entry["name"])
        if "index" in entry:
            variable = made[entry["index"]][unpack_label(entry["of"])].copy(deep=False)
            of_index |= {name: indexes[entry["index"]]} if entry["coord"] else {}
        else:
            variable = xarray.Variable(tuple(unpack_label(dim) for dim in entry["dims"]), load(entry))
        variable.attrs, variable.encoding = decode(entry["attrs"]), _unpack_encoding(entry["encoding"])
        (coords if entry["coord"] else data)[name] = variable
        order.append(name)
    return data, xarray.Coordinates(coords, indexes=of_index), order


def _index(entry: dict[str, Any], load: Callable[[dict[str, Any]], Any]) -> Any:
    import numpy
    import xarray.indexes

    index, dim = load(entry), unpack_label(entry["dim"])
    if entry["kind"] == "PandasIndex":
        return xarray.indexes.PandasIndex(index, dim, coord_dtype=index.dtype if entry["dtype"] is None else numpy.dtype(entry["dtype"]))
    found = [level.dtype if dtype is None else numpy.dtype(dtype) for level, dtype in zip(index.levels, entry["dtypes"], strict=True)]
    return xarray.indexes.PandasMultiIndex(index, dim, level_coords_dtype=dict(zip(index.names, found, strict=True)))


def dataset(record: dict[str, Any], entries: list[dict[str, Any]], load: Callable[[dict[str, Any]], Any]) -> Any:
    """Return the Dataset of a node, with variables in their order."""
    import xarray

    data, coords, order = assemble(record, entries, load)
    made = xarray.Dataset(data, coords=coords, attrs=decode(record["attrs"]))
    made.encoding = _unpack_encoding(record["encoding"])
    return made if list(made.variables) == order else made[order]


def data_array(record: dict[str, Any], name: Any, load: Callable[[dict[str, Any]], Any]) -> Any:
    """Return the DataArray of a node."""
    import xarray

    data, coords, _ = assemble(record, record["variables"], load)
    if "index" in record["variables"][0]:  # a coordinate by itself, as dataset["time"] is one
        return xarray.Dataset(coords=coords)[name]
    return xarray.DataArray(data[None], coords=coords, name=name)


def part_folder(savedir: str, record: dict[str, Any], entry: dict[str, Any]) -> str:
    """Return where an entry's part lies."""
    name = entry["in"] if "in" in entry else f"index-{record['indexes'].index(entry)}"
    return inside(savedir, "parts", f"{record['folder']}{name}")
