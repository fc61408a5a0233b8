"""Keeps a numpy array of text of any length (``StringDType``) in ``data.arrow``. Not fixed-width text, which is kept as npy.

numpy's own format would pickle it. The file has one column, the texts in order, the last index changing fastest; what is missing is
null there, and ``Loader.json`` says what stands for it in the array.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from typing import Any, Final

from isfdb.memory import require
from loaderdumpers._arrow_claims import claimed_bytes
from loaderdumpers._numpy_facts import CHANGED, describe
from loaderdumpers._selections import box, checked

__all__ = ["Loader", "check", "describe", "dump", "summarise"]

priority: Final = 22
load_plainly: Final = "loaderdumpers.plainly.arrays:read_strings"
about: Final = {
    "types": ("numpy.ndarray",),
    "keeps": "arrays of text of any length (`StringDType`), with None, nan, pandas.NA or a text for what is missing",
    "format": "Arrow",
    "files": "`data.arrow`",
    "exact": True,
    "lazy": "",
    "append": False,
}

_FILE: Final = "data.arrow"
_ROWS: Final = 65_536


def check(obj: Any) -> bool:
    """Say whether `obj` is a plain array of ``StringDType`` whose missing values are known."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(obj) is not getattr(numpy, "ndarray", None) or obj.dtype.kind != "T":
        return False
    return obj.dtype.metadata is None and _missing(obj.dtype) is not None


def _missing(dtype: Any) -> list[Any] | None:
    """Return in JSON what stands for a missing text: ``[]`` where nothing does; None where it is something else than what we know."""
    if not hasattr(dtype, "na_object"):
        return []
    value = dtype.na_object
    if type(value) is str:
        return ["text", value]
    if value is None or (type(value) is float and math.isnan(value)):
        return [str(value)]
    pandas = sys.modules.get("pandas")
    return ["pandas.NA"] if pandas is not None and value is getattr(pandas, "NA", None) else None


def summarise(obj: Any) -> dict[str, Any]:
    """Return how many texts are missing and how long the longest is."""
    import numpy

    if not obj.size:
        return {}
    texts = numpy.array(["" if is_missing else text for text, is_missing in _texts(obj.reshape(-1))], dtype=numpy.dtypes.StringDType())
    n_missing = sum(is_missing for _, is_missing in _texts(obj.reshape(-1)))
    return {"n_missing": n_missing, "longest": int(numpy.strings.str_len(texts).max())}


def _texts(flat: Any) -> Iterator[tuple[Any, bool]]:
    marker = getattr(flat.dtype, "na_object", "")
    never = type(marker) is str  # a text that stands for what is missing is that text
    return ((text, not never and text is marker) for text in flat.tolist())


def dump(obj: Any, savedir: str, *, compression: str | None = None) -> dict[str, Any]:
    """Write the texts to ``data.arrow``.

    Parameters
    ----------
    obj : numpy.ndarray
        Of dtype ``numpy.dtypes.StringDType``.
    savedir : str
        Empty folder.
    compression : {'zstd', 'lz4', None}
        Of the texts.

    Raises
    ------
    TypeError
        The array cannot be kept exactly.
    ValueError
        Another thread changed it meanwhile.
    """
    import pyarrow as pa

    if not check(obj):
        kind = f"{type(obj).__qualname__} of dtype {str(getattr(obj, 'dtype', None))[:200]}"
        raise TypeError(f"numpy_strings_to_arrow cannot keep {kind} exactly; leave the choice to isfdb, or use to_cloudpickle")
    path = os.path.join(savedir, _FILE)
    schema = pa.schema([("values", pa.large_string())])
    with pa.ipc.new_file(path, schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as file:
        for batch in _batches(obj, schema):
            file.write_batch(batch)
    _compare(path, obj, schema)
    fortran = bool(obj.flags.f_contiguous and not obj.flags.c_contiguous)
    return {"shape": list(obj.shape), "fortran_order": fortran, "missing": _missing(obj.dtype), "coerce": bool(obj.dtype.coerce)}


def _batches(obj: Any, schema: Any) -> Iterator[Any]:
    import pyarrow as pa

    flat = obj.reshape(-1)  # not obj.flat: numpy 2.4 frees the texts of its slices twice
    for start in range(0, obj.size, _ROWS):
        texts = [None if is_missing else text for text, is_missing in _texts(flat[start : start + _ROWS])]
        yield pa.record_batch([pa.array(texts, pa.large_string())], schema=schema)


def _compare(path: str, obj: Any, schema: Any) -> None:
    import pyarrow as pa

    with pa.memory_map(path) as source:
        file = pa.ipc.open_file(source)
        for place, batch in enumerate(_batches(obj, schema)):
            if not file.get_batch(place).equals(batch):
                raise ValueError(CHANGED)


class Loader:
    """Reads an array of texts.

    Parameters
    ----------
    shape : list of int
        Its shape.
    fortran_order : bool
        Whether the first index changes fastest in memory; in the file the last one does.
    missing : list
        What stands for a missing text: ``["None"]``, ``["nan"]``, ``["pandas.NA"]``, ``["text", "..."]``; empty where none can be missing.
    coerce : bool
        Whether the array takes other values than text and turns them into text.
    """

    def __init__(self, *, shape: list[int], fortran_order: bool, missing: list[Any], coerce: bool) -> None:
        self._shape, self._fortran, self._missing, self._coerce = tuple(shape), fortran_order, missing, coerce

    def get(self, savedir: str, *, select: Any = None) -> Any:
        """Return the array, or a part of it.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        select : int, slice, Ellipsis, None or a tuple of them
            Read only the rows this needs, and return this part, as ``array[select]`` would give it.

        Raises
        ------
        ValueError
            The file is not what was stored, or the installed numpy has no such type: it came with numpy 2.
        """
        import pyarrow as pa

        dtype = self._dtype()
        with pa.memory_map(os.path.join(savedir, _FILE)) as source:
            try:
                require(claimed_bytes(source.read_buffer(), at_once=select is not None), _FILE)
                source.seek(0)
                file = pa.ipc.open_file(source)
                if file.schema.names != ["values"] or file.schema.field(0).type != pa.large_string():
                    raise ValueError(f"it holds {file.schema.to_string()[:100]!r}, not one column of texts")
                if select is None:
                    return self._array(file, dtype, 0, self._shape)
                return self._part(file, dtype, checked(select))
            except pa.ArrowException as error:
                raise ValueError(f"{_FILE} cannot be read ({error}); restore it from a copy") from error

    def _part(self, file: Any, dtype: Any, select: tuple[Any, ...]) -> Any:
        """Read the rows from the first to the last that is asked for, and take the part from them."""
        if not self._shape:
            return self._array(file, dtype, 0, self._shape)[select]
        forward, then = box(select, self._shape)
        first = forward[0]
        rows = self._array(file, dtype, first.start, (first.stop - first.start, *self._shape[1:]))
        found = rows[(slice(None, None, first.step), *forward[1:])][then]
        return found.copy() if hasattr(found, "copy") else found

    def _array(self, file: Any, dtype: Any, first_row: int, shape: tuple[int, ...]) -> Any:
        import numpy

        per_row = math.prod(self._shape[1:])
        texts = _read(file, first_row * per_row, math.prod(shape), math.prod(self._shape))
        if None in texts and (not self._missing or self._missing[0] == "text"):
            raise ValueError(f"{_FILE} lacks texts, and no text was missing when it was stored; restore it from a copy")
        marker = self._marker() if self._missing else None
        flat = numpy.array([marker if text is None else text for text in texts], dtype=dtype) if texts else numpy.empty(0, dtype)
        array = flat.reshape(shape)
        return numpy.asfortranarray(array) if self._fortran else array

    def _marker(self) -> Any:
        if self._missing == ["pandas.NA"]:
            import pandas

            return pandas.NA
        known = {"None": None, "nan": float("nan"), "text": self._missing[-1]}
        if self._missing[0] not in known:
            raise ValueError(f"Loader.json says that {str(self._missing)[:100]} stands for a missing text; isfdb knows no such thing")
        return known[self._missing[0]]

    def _dtype(self) -> Any:
        import numpy

        kind = getattr(getattr(numpy, "dtypes", None), "StringDType", None)
        if kind is None:
            raise ValueError(f"text of any length came with numpy 2, and this is numpy {numpy.__version__}; install a newer numpy")
        return kind(na_object=self._marker(), coerce=self._coerce) if self._missing else kind(coerce=self._coerce)


def _read(file: Any, start: int, count: int, expected: int) -> list[Any]:
    """Read so many texts from `start` on, having seen that the file has as many as were stored."""
    sizes = [file.get_batch(place).num_rows for place in range(file.num_record_batches)]
    if sum(sizes) != expected:
        raise ValueError(f"{_FILE} has {sum(sizes)} texts where {expected} were stored; restore it from a copy")
    texts: list[Any] = []
    for place, size in enumerate(sizes):
        low, high = max(start, 0), min(start + count, size)
        if low < high:
            batch = file.get_batch(place)
            batch.validate(full=True)  # else places that lie outside the file would be read
            texts += batch.column(0).slice(low, high - low).to_pylist()
        start, count = start - size if start >= size else 0, count - max(0, high - low)
    return texts
