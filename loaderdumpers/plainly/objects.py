"""Plain readers of what other libraries bring: xarray, AnnData, images, graphs, figures, quantities, models."""

from __future__ import annotations

from typing import Any

from loaderdumpers.plainly.values import json_file, json_value, label_value


def read_xarray(spec: Any, folder: Any, load: Any) -> Any:
    """Return a Dataset, DataArray or DataTree, in memory."""
    import xarray

    if spec["kind"] == "DataArray":
        node = spec["nodes"][0]
        data, coords, _ = xarray_variables(node, folder, load)
        if "index" in node["variables"][0]:
            return xarray.Dataset(coords=coords)[label_value(spec["name"])]
        return xarray.DataArray(data[None], coords=coords, name=label_value(spec["name"]))
    made = {}
    for node in spec["nodes"]:
        data, coords, order = xarray_variables(node, folder, load)
        dataset = xarray.Dataset(data, coords=coords, attrs=json_value(node["attrs"]))
        dataset.encoding = xarray_encoding(node["encoding"])
        made[f"/{node['path']}"] = dataset if list(dataset.variables) == order else dataset[order]
    return made["/"] if spec["kind"] == "Dataset" else xarray.DataTree.from_dict(made, name=label_value(spec["name"]))


def xarray_variables(node: Any, folder: Any, load: Any) -> Any:
    """Return the data variables of a node, its coordinates with their indexes, and the order of all."""
    import os

    import xarray

    indexes = []
    for place, entry in enumerate(node["indexes"]):
        values = load(entry["part"], os.path.join(folder, "parts", f"{node['folder']}index-{place}"))
        indexes.append(xarray_index(entry, values))
    variables = [index.create_variables() for index in indexes]
    data: Any = {}
    coords: Any = {}
    of_index: Any = {}
    order = []
    for entry in node["variables"]:
        name = None if entry.get("own") else label_value(entry["name"])
        if "index" in entry:
            variable = variables[entry["index"]][label_value(entry["of"])].copy(deep=False)
            if entry["coord"]:
                of_index[name] = indexes[entry["index"]]
        else:
            variable = xarray.Variable(tuple(label_value(dim) for dim in entry["dims"]), xarray_values(node, entry, folder, load))
        variable.attrs, variable.encoding = json_value(entry["attrs"]), xarray_encoding(entry["encoding"])
        (coords if entry["coord"] else data)[name] = variable
        order.append(name)
    return data, xarray.Coordinates(coords, indexes=of_index), order


def xarray_index(entry: Any, index: Any) -> Any:
    """Return an index of xarray."""
    import numpy
    import xarray

    dim = label_value(entry["dim"])
    if entry["kind"] == "PandasIndex":
        dtype = index.dtype if entry["dtype"] is None else numpy.dtype(entry["dtype"])
        return xarray.indexes.PandasIndex(index, dim, coord_dtype=dtype)
    found = [level.dtype if one is None else numpy.dtype(one) for level, one in zip(index.levels, entry["dtypes"], strict=True)]
    return xarray.indexes.PandasMultiIndex(index, dim, level_coords_dtype=dict(zip(index.names, found, strict=True)))


def xarray_values(node: Any, entry: Any, folder: Any, load: Any) -> Any:
    """Return the values of a variable: from Zarr, or from a part with what Zarr has no place for."""
    import os

    import numpy
    import zarr

    if "part" in entry:
        value = load(entry["part"], os.path.join(folder, "parts", node["folder"] + entry["in"]))
        if entry["part"]["Loader"].endswith("npy"):
            return value
        return value.to_numpy().reshape(entry["shape"]) if isinstance(value.dtype, numpy.dtype) else value.array
    facts, kind = entry["array"], entry["array"]["kind"]
    stored = zarr.open_array(os.path.join(folder, "data.zarr", *[one for one in node["group"].split("/") if one], entry["in"]), mode="r")
    values = numpy.asarray(stored[...] if stored.size else numpy.empty(stored.shape, stored.dtype))
    if kind.get("text") == "object":
        values = values.astype(object)
    elif "text" in kind:
        values = values.astype(numpy.dtypes.StringDType())
    else:
        dtype = numpy.dtype(kind["numpy"])
        native = dtype.newbyteorder("=")
        values = (values.view(native) if dtype.kind in "mM" else values.astype(native, copy=False)).astype(dtype, copy=False)
    values = values.reshape(facts["shape"])
    return numpy.asfortranarray(values) if facts.get("fortran") else values


def xarray_encoding(pairs: Any) -> Any:
    """Return how a file was, or is to be, written."""
    import numpy

    return {json_value(name): numpy.dtype(one["dtype"]) if "dtype" in one else json_value(one["value"]) for name, one in pairs}


def read_anndata(spec: Any, folder: Any, load: Any) -> Any:
    """Return an AnnData object."""
    import os

    import anndata

    def member(node: Any) -> Any:
        if "spec" in node:
            return load(node["spec"], os.path.join(folder, node["in"]))
        return {label_value(name): member(one) for name, one in zip(node["names"], node["members"], strict=True)}

    return anndata.AnnData(**member(spec["members"]))


def read_altair(spec: Any, folder: Any, load: Any) -> Any:
    """Return a chart of altair."""
    import altair

    return getattr(altair, spec["kind"]).from_dict(json_file(folder, "data.json"))


def read_plotly(spec: Any, folder: Any, load: Any) -> Any:
    """Return a figure of plotly."""
    import plotly.graph_objects

    record = json_file(folder, "data.json")
    for path, kind, detail in json_file(folder, "types.json") if spec["typed"] else []:
        place = record
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = plotly_value(place[path[-1]], kind, detail)
    has_template = "template" in record["layout"]
    if spec.get("grid"):
        record["_grid_ref"], record["_grid_str"] = plotly_grid(spec["grid"]), spec.get("grid_text")
    figure = getattr(plotly.graph_objects, spec["kind"])(record)
    if not has_template:
        figure.layout.template = None
    return figure


def plotly_value(found: Any, kind: Any, detail: Any) -> Any:
    """Return what stood in a figure where JSON says less."""
    import numpy

    if kind == "value":
        return json_value(detail)
    if kind == "tuple":
        return tuple(found)
    if kind == "array":
        return json_value({"$array": {"dtype": detail[0], "shape": detail[1], "bdata": found["bdata"]}})
    array = numpy.empty(tuple(detail), object)
    for place in numpy.ndindex(*detail):
        member = found
        for step in place:
            member = member[step]
        array[place] = member
    return array


def plotly_grid(grid: Any) -> Any:
    """Return what make_subplots noted of rows and columns."""
    from plotly._subplots import SubplotRef

    def cell(found: Any) -> Any:
        return found and tuple(SubplotRef(kind, tuple(keys), options) for kind, keys, options in found)

    return [[cell(found) for found in row] for row in grid]


def read_figure(spec: Any, folder: Any, load: Any) -> Any:
    """Return the paths of the two pictures of a figure; the figure itself is a pickle, live/data.pickle."""
    import os

    return {"svg": os.path.join(folder, "figure.svg"), "png": os.path.join(folder, "figure.png")}


def read_networkx(spec: Any, folder: Any, load: Any) -> Any:
    """Return a graph of networkx."""
    import networkx

    record = json_file(folder, "data.json")
    graph = getattr(networkx, spec["kind"])()
    graph.graph.update(json_value(record["graph"]))
    names = spec["names"]
    for entry in record["nodes"]:
        node = json_value(entry.pop(names["id"]))
        graph.add_nodes_from([(node, {name: json_value(one) for name, one in entry.items()})])
    roles = ("source", "target", "key") if spec["kind"].startswith("Multi") else ("source", "target")
    for entry in record["edges"]:
        ends = [json_value(entry.pop(names[role])) for role in roles]
        graph.add_edges_from([(*ends, {name: json_value(one) for name, one in entry.items()})])
    return graph


def read_image(spec: Any, folder: Any, load: Any) -> Any:
    """Return an image of Pillow."""
    import io
    import os

    import numpy
    from PIL import Image

    path, size, palette = os.path.join(folder, spec["file"]), tuple(spec["size"]), spec.get("palette")
    if spec.get("kind"):
        with open(path, "rb") as file:
            image: Any = Image.open(io.BytesIO(file.read()))
        if spec.get("frame"):
            image.seek(spec["frame"])
        image.load()
        return image
    if spec["file"] == "data.npy":
        array = numpy.load(path, allow_pickle=False)
        image = Image.frombytes(spec["mode"], size, (numpy.packbits(array, axis=1) if spec["mode"] == "1" else array).tobytes())
    else:
        image = Image.open(path)
        image.load()
        image = Image.frombytes("P", size, image.tobytes()) if spec["mode"] == "P" else image.copy()
    if palette:
        image.putpalette(bytes.fromhex(palette["colours"]), palette["mode"])
        image.load()
    info = json_file(folder, "info.json") if spec.get("info_in_file") else spec.get("info") or [{}]
    image.info = image_info(json_value(info))
    return image


def image_info(parts: Any) -> Any:
    """Return what is noted of an image, values of Pillow's own types included."""
    from PIL import PngImagePlugin, TiffImagePlugin

    info, forms = parts[0], parts[1] if len(parts) > 1 else {}

    def rational(one: Any) -> Any:
        return TiffImagePlugin.IFDRational(*one)

    for name, form in forms.items():
        if form == "text":
            info[name] = PngImagePlugin.iTXt(*info[name])
        else:
            info[name] = rational(info[name]) if form == "rational" else tuple(rational(one) for one in info[name])
    return info


def read_pint(spec: Any, folder: Any, load: Any) -> Any:
    """Return a quantity or unit, in pint's application registry."""
    import os

    import pint

    registry: Any = pint.get_application_registry()
    units = registry.UnitsContainer({})
    for name, exponent, _ in spec["units"]:
        units = units * registry.UnitsContainer({name: 1}) ** json_value(exponent)
    if spec.get("magnitude") is None:
        return registry.Unit(units)
    return registry.Quantity(load(spec["magnitude"], os.path.join(folder, "magnitude")), units)


def read_astropy_quantity(spec: Any, folder: Any, load: Any) -> Any:
    """Return a quantity, angle or unit of astropy."""
    import os

    import astropy.coordinates
    import astropy.units

    def unit_of(text: Any) -> Any:
        from astropy.units import imperial

        with astropy.units.add_enabled_units(imperial):
            return astropy.units.Unit(text)

    kind = spec["kind"]
    if kind == "Unit":
        return unit_of(spec["unit"])
    value = load(spec["value"], os.path.join(folder, "value"))
    options: Any = {"unit": unit_of(spec["unit"]), "dtype": value.dtype, "copy": False}
    if kind == "Longitude" and spec.get("wrap_angle") is not None:
        options["wrap_angle"] = astropy.coordinates.Angle(spec["wrap_angle"][0], unit_of(spec["wrap_angle"][1]))
    if kind == "Distance":
        options["allow_negative"] = True
    found = getattr(astropy.units if hasattr(astropy.units, kind) else astropy.coordinates, kind)(value, **options)
    for name, note in json_value(spec.get("info") or {}).items():
        setattr(found.info, name, note)
    return found


def read_astropy_table(spec: Any, folder: Any, load: Any) -> Any:
    """Return a table, times or coordinates of astropy."""
    import os
    import warnings

    import astropy.table
    from astropy.table import serialize

    with open(os.path.join(folder, "table.yaml"), encoding="utf-8") as file:
        facts = astropy.table.meta.get_header_from_yaml(file.read().splitlines())
    arrays = load(spec["columns"], os.path.join(folder, "columns"))
    plain = astropy.table.Table(meta=facts.get("meta", {}))
    for note in facts["datatype"]:
        kept = {word: note[word] for word in ("description", "format", "unit", "meta") if word in note}
        name = str(note["name"])
        plain[name] = astropy.table.Column(arrays[name], name=name, copy=False, **kept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = serialize._construct_mixins_from_columns(plain)
    if spec["kind"] not in ("Table", "QTable"):
        found = table["value"].reshape(tuple(spec.get("shape") or ()))
        found.info.name = None
        return found
    kind = getattr(astropy.table, spec["kind"])
    if type(table) is kind and not spec.get("masked"):
        return table
    return kind(list(table.itercols()), names=table.colnames, meta=table.meta, masked=spec.get("masked", False), copy=False)


def read_sklearn(spec: Any, folder: Any, load: Any) -> Any:
    """Return an estimator of scikit-learn. Types that skops does not call harmless are loaded too: they can run code."""
    import os

    if spec.get("pickled") is not None:
        return load(spec["pickled"], os.path.join(folder, "pickled"))
    import skops.io

    return skops.io.load(os.path.join(folder, "data.skops"), trusted=spec.get("untrusted") or [])
