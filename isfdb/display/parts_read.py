"""Reads as much of a stored value as a preview needs, one way for each format. It knows formats by name and is given what loads them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from isfdb.display.glimpses import COLUMNS, MOST_IN_MEMORY, ROWS, Glimpse, of_array, of_bytes, of_frame, of_text
from isfdb.display.words import count_text, size_text
from isfdb.errors import TooLargeError as MemoryRefusedError
from isfdb.memory import require

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Loads the value, or the part of it that the options name.
    Load = Callable[..., Any]

#: So many pieces are taken from all over an array that is too long to be read.
_STRETCHES: Final = 256


class TooLargeError(Exception):
    """There is no way to read only a part, and the whole is too large."""


def way_to_read(dumper: str) -> Callable[[Any, Load, int], Glimpse] | None:
    """Return the function that shows what this loaderdumper stored, called with version, load and bytes; None where there is none."""
    return _WAYS.get(dumper)


def _plain(version: Any, load: Load, max_bytes: int) -> Glimpse:
    _refuse_above(version.nbytes, max_bytes)
    return of_text(version.key, load())


def _bytes(version: Any, load: Load, max_bytes: int) -> Glimpse:
    _refuse_above(version.nbytes, max_bytes)
    value = load()
    return of_bytes(version.key, bytes(value)) if isinstance(value, (bytes, bytearray)) else of_text(version.key, value)


def _refuse_above(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise TooLargeError


# Arrays --------------------------------------------------------------------------------------------------------------------------


def _npy(version: Any, load: Load, max_bytes: int) -> Glimpse:
    """Take pieces from all over a memory map, which costs nothing."""
    if version.nbytes <= max_bytes:
        return of_array(version.key, load())
    values = load(mmap="r")
    row_bytes = values.nbytes // max(len(values), 1)
    n_rows = max_bytes // max(row_bytes, 1)
    if n_rows < _STRETCHES:
        return _first_part(version, load, max_bytes, values.nbytes)
    import numpy as np

    long = n_rows // _STRETCHES
    starts = np.linspace(0, len(values) - long, _STRETCHES).astype(int)
    some = np.concatenate([values[start : start + long] for start in starts])
    return of_array(version.key, some, more=f"from {size_text(some.nbytes)} of {size_text(values.nbytes)}, in {_STRETCHES} stretches")


def _sliced(version: Any, load: Load, max_bytes: int) -> Glimpse:
    """Read the whole of a small array, the beginning of a large one."""
    nbytes = _bytes_in_memory(version)
    if nbytes <= max_bytes:
        try:
            return of_array(version.key, _computed(load()))
        except MemoryRefusedError as error:
            nbytes = getattr(error, "needed", MOST_IN_MEMORY)  # what is noted of it is not so
    return _first_part(version, load, max_bytes, nbytes)


def _first_part(version: Any, load: Load, max_bytes: int, nbytes: int) -> Glimpse:
    shape = _shape(version)
    if shape is None:
        raise TooLargeError
    part = first_part(shape, nbytes, max_bytes)
    values = _computed(load(select=part))
    told = " × ".join([f"{one.stop:,}" for one in part])
    whole = " × ".join([f"{side:,}" for side in shape])
    return of_array(version.key, values, more=f"the first {told} of {whole}")


def first_part(shape: tuple[int, ...], nbytes: int, max_bytes: int) -> tuple[slice, ...]:
    """Return slices from the beginning of an array that hold at most so many bytes of it, whole rows where one fits."""
    left = max_bytes
    inner = nbytes / max(shape[0], 1)
    part = []
    for axis, side in enumerate(shape):
        taken = min(side, max(1, int(left // max(inner, 1))))
        part.append(slice(0, taken))
        inner /= max(shape[axis + 1], 1) if axis + 1 < len(shape) else 1
    return tuple(part)


def _computed(values: Any) -> Any:
    """Return numbers: of a labelled array those in it, of a lazy one those that it computes, here and in this thread."""
    values = getattr(values, "data", values) if hasattr(values, "dims") else values
    require(getattr(values, "nbytes", 0), "it")
    return values.compute(scheduler="synchronous") if hasattr(values, "__dask_graph__") else values


def _labelled(version: Any, load: Load, max_bytes: int) -> Glimpse:
    """Show a DataArray as an array; of a Dataset, what is noted of it says most."""
    if _type(version) != "DataArray":
        return Glimpse("facts")
    return _sliced(version, load, max_bytes)


def _type(version: Any) -> str:
    """Return the name of the type, without that of its library."""
    return str(version.describe.get("type")).rpartition(" ")[2]


def _bytes_in_memory(version: Any) -> int:
    noted = version.describe.get("nbytes")
    return max(noted, version.nbytes) if type(noted) is int else int(version.nbytes)


def _shape(version: Any) -> tuple[int, ...] | None:
    shape = version.describe.get("shape")
    is_one = isinstance(shape, list) and shape and all(type(side) is int and side >= 0 for side in shape)
    return tuple(shape) if is_one else None


# Tables --------------------------------------------------------------------------------------------------------------------------


def _frame(version: Any, load: Load, max_bytes: int) -> Glimpse:
    """Read the first rows, and of a wide table the first columns."""
    shape = _table_shape(version)
    if shape is None:
        _refuse_above(version.nbytes, max_bytes)
        return of_frame(load())
    is_wide = shape[1] > COLUMNS
    if shape[0] > 0 and is_wide:
        _refuse_above(version.nbytes // shape[1] * COLUMNS, MOST_IN_MEMORY)
    columns = slice(0, COLUMNS)
    return of_frame(load(select=(slice(0, ROWS), columns) if is_wide else slice(0, ROWS)), shape)


def _polars(version: Any, load: Load, max_bytes: int) -> Glimpse:
    if _type(version) == "LazyFrame":
        return of_frame(load().head(ROWS).collect(), _table_shape(version))
    return of_frame(load(select=slice(0, ROWS)), _table_shape(version))


def _lazy_frame(version: Any, load: Load, max_bytes: int) -> Glimpse:
    """Compute the first partition of a dask table, where it is not too large."""
    value = load()
    n_parts = max(int(value.npartitions), 1)
    _refuse_above(version.nbytes // n_parts, max_bytes)
    first = value.partitions[0].compute(scheduler="synchronous")
    shown = of_frame(first)
    rest = f"the first of {count_text(n_parts, 'partition')}"
    return Glimpse(shown.kind, shown.html, shown.text, f"{shown.note}, of {rest}" if shown.note else rest if n_parts > 1 else "")


def _grown(version: Any, load: Load, max_bytes: int) -> Glimpse:
    """Show what ``db.append`` made longer: an array or a table, as its description tells."""
    if "columns" in version.describe or _type(version) in ("DataFrame", "Series", "Table"):
        shape = _table_shape(version)
        return of_frame(load(select=slice(0, ROWS)), shape)
    return _sliced(version, load, max_bytes)


def _table_shape(version: Any) -> tuple[int, int] | None:
    """Return rows and columns, as they are noted."""
    shape = _shape(version)
    if shape is not None and len(shape) == 2:
        return shape[0], shape[1]
    length = version.describe.get("length", shape[0] if shape else None)
    return (length, 1) if type(length) is int and 0 <= length < math.inf else None


_WAYS: Final[dict[str, Callable[[Any, Load, int], Glimpse]]] = {
    "to_json": _plain,
    "python_to_json": _plain,
    "to_numpy_scalar": _plain,
    "to_bytes": _bytes,
    "numpy_to_npy": _npy,
    "numpy_to_zarr": _sliced,
    "dask_to_zarr": _sliced,
    "zarr_to_zarr": _sliced,
    "xarray_to_zarr": _labelled,
    "pandas_to_parquet": _frame,
    "pandas_to_arrow": _frame,
    "polars_to_parquet": _polars,
    "dask_to_parquet": _lazy_frame,
    "dask_to_arrow": _lazy_frame,
    "appended": _grown,
}
