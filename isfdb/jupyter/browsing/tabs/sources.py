"""How a stored array or table is read in parts, by what is noted about it and the format it is stored in. It shows nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from isfdb.jupyter.browsing.tabs.arrays import ArraySource, described_source
from isfdb.jupyter.browsing.tabs.frames import FrameSource

#: Called with options of the loaderdumper, it returns the value or a part of it, in memory.
Load = Callable[..., Any]

#: What cannot be read in part is read whole up to this size.
MAX_BYTES: Final = 64 * 10**6

_ARRAYS: Final = frozenset({"ndarray", "MaskedArray", "dask Array", "zarr Array", "recarray", "memmap", "matrix"})
_TABLES: Final = frozenset({"DataFrame", "Series", "Index", "polars DataFrame", "polars Series", "pyarrow Table", "Table"})
_IN_PARTS: Final = frozenset(
    {
        "appended",
        "arrow_to_ipc",
        "astropy_quantity_to_parts",
        "dask_to_zarr",
        "numpy_masked_to_npy",
        "numpy_strings_to_arrow",
        "numpy_to_npy",
        "numpy_to_zarr",
        "pandas_to_arrow",
        "pandas_to_parquet",
        "pint_to_parts",
        "polars_to_parquet",
        "zarr_to_zarr",
    }
)
_PARTITIONED: Final = frozenset({"dask_to_arrow", "dask_to_parquet"})
#: Formats that are read in parts, or partition by partition.
READ_IN_PARTS: Final = _IN_PARTS | _PARTITIONED


def source_of(describe: Mapping[str, Any], dumper: str, label: str, nbytes: int, load: Load) -> ArraySource | FrameSource | None:
    """Return what reads a value in parts; None where that is not possible.

    Parameters
    ----------
    describe : Mapping
        What the loaderdumper noted; nothing in it is relied upon but to know what may be asked for.
    dumper : str
        The loaderdumper; empty for a part of a container, of which the type alone is known.
    label : str
        What it is, for the words.
    nbytes : int
        Of its files.
    load : callable
    """
    if dumper == "xarray_to_zarr":
        return _labelled(describe, label, load)
    if dumper in _PARTITIONED:
        return _partitioned(describe, label, nbytes, load)
    if dumper == "scipy_sparse_to_npz":
        return described_source(describe, label, lambda index: _dense(load(select=index))) if nbytes <= MAX_BYTES else None
    if dumper and dumper not in _IN_PARTS:
        return None
    kind = str(describe.get("type"))
    if kind in _TABLES or "columns" in describe:
        return _table(describe, label, load)
    if not dumper and kind not in _ARRAYS:
        return None
    return described_source(describe, label, lambda index: _numbers(load(select=index)))


def _numbers(part: Any) -> Any:
    """Return numbers without their unit."""
    if hasattr(part, "magnitude"):
        return part.magnitude
    return part.value if hasattr(part, "unit") and hasattr(part, "value") else part


def _dense(part: Any) -> Any:
    return part.toarray() if hasattr(part, "toarray") else part


def _table(describe: Mapping[str, Any], label: str, load: Load) -> FrameSource | None:
    n_rows = _n_rows(describe)
    if n_rows is None:
        return None
    empty = load(select=slice(0, 0))
    labels = tuple(getattr(empty, "column_names", getattr(empty, "columns", ())))

    def read(first: int, last: int, columns: list[Any] | None) -> Any:
        return load(select=slice(first, last), **({} if columns is None else {"columns": columns}))

    return FrameSource(label, n_rows, labels, read)


def _n_rows(describe: Mapping[str, Any]) -> int | None:
    shape = describe.get("shape")
    noted = shape[0] if isinstance(shape, list) and shape else describe.get("length")
    return noted if type(noted) is int and noted >= 0 else None


def _partitioned(describe: Mapping[str, Any], label: str, nbytes: int, load: Load) -> FrameSource | None:
    """Read a partition at a time; the one that is looked at is kept in memory, for its pages."""
    n_parts = describe.get("npartitions")
    if type(n_parts) is not int or n_parts < 1 or nbytes // n_parts > MAX_BYTES:
        return None
    kept: dict[int, Any] = {}

    def partition(number: int) -> Any:
        if number not in kept:
            kept.clear()
            kept[number] = load(partitions=[number])
        return kept[number]

    return FrameSource(label, 0, (), lambda first, last, columns: None, n_parts, partition)


def _labelled(describe: Mapping[str, Any], label: str, load: Load) -> ArraySource | None:
    """Read from a DataArray, whose axes have names."""
    shape = describe.get("shape")
    if str(describe.get("type")) != "xarray DataArray" or not isinstance(shape, list):
        return None
    names = tuple(map(str, load(select=(slice(0, 0),) * len(shape)).dims))
    return described_source(describe, label, lambda index: load(select=index).values, names)


def variable_source(describe: Mapping[str, Any], name: str, load: Load) -> ArraySource | None:
    """Return what reads one variable of a Dataset; None where nothing is noted of it.

    Parameters
    ----------
    describe : Mapping
        Of the Dataset.
    name : str
        Of the variable.
    load : callable
    """
    noted, sizes = describe.get("variables"), describe.get("sizes")
    known = {one[0]: one[2] for one in noted if isinstance(one, list) and len(one) > 2} if isinstance(noted, list) else {}
    dims = known.get(name)
    if not isinstance(dims, list) or not isinstance(sizes, dict) or not all(type(sizes.get(str(one))) is int for one in dims):
        return None

    def read(index: tuple[Any, ...]) -> Any:
        return load(variables=[name], select=dict(zip(dims, index, strict=True)))[name].values

    return described_source({"shape": [sizes[str(one)] for one in dims]}, name, read, tuple(map(str, dims)))


def variables_of(describe: Mapping[str, Any]) -> list[str]:
    """Return the names of a Dataset's variables, as they are noted."""
    noted = describe.get("variables")
    return [one[0] for one in noted if isinstance(one, list) and one and isinstance(one[0], str)] if isinstance(noted, list) else []


def value_source(value: Any, label: str) -> ArraySource | FrameSource | None:
    """Return what shows a value that is in memory; None where it is neither an array nor a table.

    Parameters
    ----------
    value : object
    label : str
    """
    if hasattr(value, "__array_interface__") and hasattr(value, "shape") and hasattr(value, "dtype"):
        return described_source({"shape": list(value.shape), "dtype": str(value.dtype)}, label, lambda index: value[index])
    if not hasattr(value, "iloc") or not hasattr(value, "index"):
        return None
    frame = value.to_frame() if not hasattr(value, "columns") else value

    def read(first: int, last: int, columns: list[Any] | None) -> Any:
        return (frame if columns is None else frame[columns]).iloc[first:last]

    return FrameSource(label, len(frame), tuple(frame.columns), read)
