"""Plain readers of arrays: npy, npz, Zarr, Arrow, and what is made of them."""

from __future__ import annotations

from typing import Any

from loaderdumpers.plainly.values import dtype_of, inline_or_file, json_value


def read_npy(spec: Any, folder: Any, load: Any) -> Any:
    """Return an array."""
    import os

    return npy_array(os.path.join(folder, "data.npy"), spec)


def npy_array(path: Any, facts: Any) -> Any:
    """Return the array in an npy file, as what its spec says it was."""
    import numpy

    array = numpy.load(path, allow_pickle=False)
    return array_as(array, facts)


def array_as(array: Any, facts: Any) -> Any:
    """Return an array with the dtype that the header of its file has no words for, as the class of numpy's that it was."""
    import numpy

    exact = facts.get("exact")
    if exact is not None:
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        array = numpy.ndarray(array.shape, dtype_of(exact), array.tobytes(order), order=order).copy(order)
    name = str(facts.get("subclass") or "").removesuffix(", read-only")
    kind = _class(name) if name in ("recarray", "matrix", "chararray") else None
    return array if kind is None else array.view(kind)


def _class(name: str) -> Any:
    """Return a class of numpy's; None where this numpy has it no longer. That numpy 2.5 warns of one helps nobody who reads it back."""
    import warnings

    import numpy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return getattr(numpy.char if name == "chararray" else numpy, name, None)


def read_masked(spec: Any, folder: Any, load: Any) -> Any:
    """Return a masked array."""
    import os

    import numpy

    if spec.get("constant"):
        return numpy.ma.masked
    is_text = "dtype" not in spec["data"]
    data = read_strings(spec["data"], folder, load) if is_text else npy_array(os.path.join(folder, "data.npy"), spec["data"])
    mask = npy_array(os.path.join(folder, "mask.npy"), spec["mask"]) if spec.get("mask") else numpy.ma.nomask
    array = numpy.ma.MaskedArray(data, mask=mask, hard_mask=spec.get("hard_mask", False), keep_mask=False, copy=False)
    fill = spec.get("fill_value")
    if fill is not None:
        raw = b"" if is_text else bytes.fromhex(fill)
        made = numpy.array(fill, data.dtype) if is_text else numpy.zeros((), data.dtype)
        if raw:
            made = numpy.frombuffer(bytearray(raw), f"V{len(raw)}").view(data.dtype).reshape(())
        array._fill_value = made
    return array


def read_strings(spec: Any, folder: Any, load: Any) -> Any:
    """Return an array of texts of any length."""
    import os

    import numpy
    import pyarrow

    with pyarrow.OSFile(os.path.join(folder, "data.arrow")) as source:
        texts = pyarrow.ipc.open_file(source).read_all().column("values").to_pylist()
    missing = spec["missing"]
    marker = None
    if missing and missing[0] == "pandas.NA":
        import pandas

        marker = pandas.NA
    elif missing and missing[0] != "None":
        marker = float("nan") if missing[0] == "nan" else missing[1]
    options = {"na_object": marker} if missing else {}
    dtype = numpy.dtypes.StringDType(coerce=spec["coerce"], **options)
    array = numpy.array([marker if text is None else text for text in texts], dtype).reshape(spec["shape"])
    return numpy.asfortranarray(array) if spec["fortran_order"] else array


def read_npz(spec: Any, folder: Any, load: Any) -> Any:
    """Return a dict of arrays, or one that was stored alone."""
    import os

    import numpy

    extras = spec.get("extras") or {}
    with numpy.load(os.path.join(folder, "data.npz"), allow_pickle=False) as file:
        arrays = {name: array_as(file[name], extras.get(name, {})) for name in file.files}
    return arrays["arr_0"] if spec.get("alone") else arrays


def read_zarr(spec: Any, folder: Any, load: Any) -> Any:
    """Return an array that lies in Zarr's chunks."""
    import os

    import numpy
    import zarr

    stored = zarr.open_array(os.path.join(folder, "data.zarr"), mode="r")
    array = numpy.asarray(stored[...]).reshape(stored.shape).view(numpy.dtype(spec["dtype"]))
    return numpy.asfortranarray(array) if spec.get("fortran_order") else array


def read_zarr_array(spec: Any, folder: Any, load: Any) -> Any:
    """Return a Zarr array, which reads a chunk when it is indexed."""
    import os

    import zarr

    return zarr.open_array(os.path.join(folder, "data.zarr"), mode="r")


def read_dask_zarr(spec: Any, folder: Any, load: Any) -> Any:
    """Return, as an array in memory, what was a dask array."""
    import os

    import numpy
    import zarr

    dtype = dtype_of(spec["dtype"])
    stored = zarr.open_array(os.path.join(folder, "data.zarr"), mode="r")
    if not stored.size:
        return numpy.zeros(spec["shape"], dtype)
    array = numpy.ascontiguousarray(stored[...]).reshape(stored.shape)
    array = array.view(dtype).reshape(spec["shape"])
    return array[()] if spec.get("scalar") else array


def read_sparse(spec: Any, folder: Any, load: Any) -> Any:
    """Return a sparse matrix of scipy."""
    import scipy.sparse

    members = read_npz(spec["npz"], folder, load)
    shape, layout = tuple(spec["shape"]), spec["layout"]
    value = getattr(scipy.sparse, f"{layout}_{spec['kind']}")(shape, dtype=members["data"].dtype.newbyteorder("="))
    if layout == "coo":
        names = ("row", "col") if len(shape) == 2 else [f"coords_{axis}" for axis in range(len(shape))]
        value.data, value.coords = members["data"], tuple(members[name] for name in names)
    elif layout == "dia":
        value.data, value.offsets = members["data"], members["offsets"]
    elif layout == "lil":
        ends, places, values = (members[name].tolist() for name in ("indptr", "indices", "data"))
        for row in range(shape[0]):
            value.rows[row], value.data[row] = places[ends[row] : ends[row + 1]], values[ends[row] : ends[row + 1]]
    elif layout == "dok":
        for key, one in zip(members["coords"].tolist(), members["data"], strict=True):
            value.setdefault(tuple(key) if len(shape) == 2 else key[0], one)
    else:
        value.data, value.indices, value.indptr = members["data"], members["indices"], members["indptr"]
    for name, known in spec["flags"].items():
        setattr(value, name, known)
    if spec.get("maxprint") is not None:
        value.maxprint = spec["maxprint"]
    return value


def read_torch(spec: Any, folder: Any, load: Any) -> Any:
    """Return tensors, nested as they were."""
    import os

    from safetensors import safe_open

    structure = inline_or_file(spec, folder, "structure", "structure.json")
    made: Any = {}
    with safe_open(os.path.join(folder, "data.safetensors"), framework="pt") as file:
        return torch_value(structure, file.get_tensor, made)


def torch_value(node: Any, piece: Any, made: Any) -> Any:
    """Return tensors as they are nested."""
    import collections

    if "tensor" in node:
        return torch_tensor(node["tensor"], piece, made)
    if "value" in node:
        return json_value(node["value"])
    if "list" in node or "tuple" in node:
        members = [torch_value(one, piece, made) for one in node.get("list", node.get("tuple"))]
        return members if "list" in node else tuple(members)
    pairs = [(json_value(name), torch_value(one, piece, made)) for name, one in node.get("dict", node.get("ordered"))]
    if "dict" in node:
        return dict(pairs)
    found: Any = collections.OrderedDict(pairs)
    if "metadata" in node:
        found._metadata = torch_value(node["metadata"], piece, made)
    return found


def torch_tensor(entry: Any, piece: Any, made: Any) -> Any:
    """Return one tensor; two that shared their memory share it again."""
    import torch

    number = ("tensor", entry["number"]) if "number" in entry else None
    if number in made:
        return made[number]
    found = torch_numbers(entry, piece, made)
    if entry.get("parameter"):
        found = torch.nn.Parameter(found, requires_grad=bool(entry.get("requires_grad")))
    elif entry.get("requires_grad"):
        found.requires_grad_()
    if number is not None:
        made[number] = found
    if "grad" in entry:
        found.grad = torch_tensor(entry["grad"], piece, made)
    return found


def torch_numbers(entry: Any, piece: Any, made: Any) -> Any:
    """Return the values of a tensor."""
    import torch

    if "layout" in entry:
        parts = {name: torch_numbers(part, piece, made) for name, part in entry["parts"].items()}
        if entry["layout"] == "sparse_coo":
            return torch.sparse_coo_tensor(parts["indices"], parts["values"], tuple(entry["shape"]), is_coalesced=entry["coalesced"])
        layout = getattr(torch, entry["layout"])
        return torch.sparse_compressed_tensor(parts["compressed"], parts["plain"], parts["values"], tuple(entry["shape"]), layout=layout)
    name = entry["in"]
    if name not in made:
        found = piece(name)
        is_pair = entry["dtype"].startswith("complex") and not found.is_complex()
        made[name] = torch.view_as_complex(found.clone(memory_format=torch.contiguous_format)) if is_pair else found
    if "view" in entry:
        return made[name].as_strided(entry["shape"], *entry["view"])
    return made[name].detach()
