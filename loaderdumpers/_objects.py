"""Turns one column of Python objects into an Arrow array and back, exactly. Knows nothing of other dtypes.

Where all objects are of one simple type, Arrow has a type for them, which any program reads: text, bytes, booleans, integers, floats,
dates, times without zone, one-dimensional arrays of numbers. Any other mixture is written cell by cell as JSON text
(:mod:`loaderdumpers._cells`).
"""

from __future__ import annotations

import datetime
import json
from typing import Any, Final

from loaderdumpers._labels import NotExactError

#: Joined piece by piece, text is tested for what UTF-8 cannot hold without a copy of the whole column.
_PIECE: Final = 10_000
_WORDS: Final[dict[type, str]] = {
    str: "text", bytes: "bytes", bool: "bool", int: "int", float: "float", datetime.date: "date", datetime.datetime: "datetime"
}  # fmt: skip
_ARROW: Final = {
    "text": "string", "bytes": "binary", "bool": "bool", "int": "int64", "float": "float64", "date": "date32", "datetime": "timestamp[us]"
}  # fmt: skip
_LARGE: Final = {"text": "large_string", "bytes": "large_binary"}
_MOST_BYTES: Final = 2**31 - 1


def describe_objects(values: Any) -> dict[str, Any]:
    """Return the spec of an object column: its word under ``object``, and which missing value it has.

    Raises
    ------
    NotExactError
        A cell holds something that is not kept.
    """
    types = {id(kind): kind for kind in map(type, values)}.values()  # by id: a type may be unhashable
    missing = {name for kind in types if (name := _marker(kind)) is not None}
    content = [kind for kind in types if _marker(kind) is None]
    if len(missing) <= 1 and len(content) <= 1:
        spec = _describe_alike(values, content[0] if content else str, missing.pop() if missing else None)
    elif not missing and float in content and len(content) == 2:
        spec = _describe_alike(values, content[content[0] is float], "nan")
    else:
        spec = None
    return spec or _describe_cells(values)


def _marker(kind: type) -> str | None:
    import pandas

    return "None" if kind is type(None) else "NA" if kind is type(pandas.NA) else None


def _describe_alike(values: Any, kind: type, missing: str | None) -> dict[str, Any] | None:
    """Return the spec if Arrow has a type for cells of this type, besides the one missing value."""
    if kind is _numpy_array():
        return _describe_arrays(values, missing)
    word = _WORDS.get(kind)
    if word is None or (missing == "nan" and not all(value != value for value in values if type(value) is float)):
        return None
    fits = _FITS.get(word)
    if fits is not None and not fits([value for value in values if type(value) is kind] if missing else values):
        return None
    return {"object": word, "missing": missing}


def _numpy_array() -> Any:
    import numpy

    return numpy.ndarray


def is_utf8(texts: Any) -> bool:
    """Say whether UTF-8 holds all of these texts: half a surrogate pair it does not."""
    try:
        for start in range(0, len(texts), _PIECE):
            "".join(texts[start : start + _PIECE]).encode()
    except UnicodeEncodeError:
        return False
    return True


def _have_plain_bits(numbers: Any) -> bool:
    """Say whether what is not a number has the usual bits; pyarrow may make one of another."""
    import math

    return all(value == value or math.copysign(1.0, value) > 0 for value in numbers)


_FITS: Final[dict[str, Any]] = {
    "text": is_utf8,
    "int": lambda numbers: all(-(2**63) <= number < 2**63 for number in numbers),
    "float": _have_plain_bits,
    "datetime": lambda moments: all(moment.tzinfo is None and not moment.fold for moment in moments),
}


def _describe_arrays(values: Any, missing: str | None) -> dict[str, Any] | None:
    """Accept one-dimensional arrays of one dtype: spike times, one array a row."""
    import numpy

    first = next(value for value in values if type(value) is numpy.ndarray)
    dtype = first.dtype
    if missing not in (None, "None") or dtype.kind not in "iuf" or dtype.itemsize > 8 or not dtype.isnative or dtype.metadata:
        return None
    if all(value is None or (value.ndim == 1 and value.dtype == dtype and not value.dtype.metadata) for value in values):
        return {"object": "arrays", "missing": missing, "dtype": dtype.str}
    return None


def _describe_cells(values: Any) -> dict[str, Any]:
    from loaderdumpers._cells import CellEncoder

    encoder = CellEncoder()
    easy = {id(kind) for kind in (type(None), bool, bytes)}
    for place, value in enumerate(values):
        if id(type(value)) not in easy:
            try:
                encoder.encode(value)
            except NotExactError as error:
                raise NotExactError(f"row {place} of an object column: {error}") from error
    return {"object": "json"}


def objects_to_arrow(values: Any, spec: dict[str, Any]) -> Any:
    """Return the column as a ``pyarrow.Array``."""
    import pyarrow

    word = spec["object"]
    if word == "json":
        return pyarrow.array(_cell_texts(values), pyarrow.large_string())
    if word == "arrays":
        return _arrays_to_arrow(values, spec)
    if spec["missing"] in ("nan", "NA"):  # not left to Arrow, which would take every nan among floats for missing
        values = [
            None if _marker(type(value)) == "NA" or (spec["missing"] == "nan" and type(value) is float) else value for value in values
        ]
    kind = pyarrow.type_for_alias(_ARROW[word])
    try:
        array = pyarrow.array(values, kind)
    except pyarrow.ArrowCapacityError:
        array = pyarrow.array(values, pyarrow.type_for_alias(_LARGE[word]))
    if hasattr(array, "num_chunks"):  # more text than offsets of 32 bits can reach
        array = array.cast(pyarrow.type_for_alias(_LARGE[word])).combine_chunks()
    return array


def _cell_texts(values: Any) -> list[str | None]:
    from loaderdumpers._cells import CellEncoder

    encoder = CellEncoder()
    nodes = [None if value is None else encoder.encode(value) for value in values]
    return [None if node is None else json.dumps(node, ensure_ascii=False, allow_nan=False) for node in nodes]


def _arrays_to_arrow(values: Any, spec: dict[str, Any]) -> Any:
    import numpy
    import pyarrow

    dtype = numpy.dtype(spec["dtype"])
    lengths = numpy.fromiter((0 if value is None else len(value) for value in values), "int64", len(values))
    offsets = numpy.concatenate([[0], numpy.cumsum(lengths)])
    flat = numpy.concatenate([numpy.empty(0, dtype), *(value for value in values if value is not None)])
    is_missing = numpy.fromiter((value is None for value in values), bool, len(values))
    kind, width = (pyarrow.ListArray, "int32") if len(flat) < _MOST_BYTES else (pyarrow.LargeListArray, "int64")
    places = pyarrow.array(offsets.astype(width), mask=numpy.append(is_missing, False) if is_missing.any() else None)
    return kind.from_arrays(places, pyarrow.array(flat))


def objects_from_arrow(column: Any, spec: dict[str, Any]) -> Any:
    """Return the objects of a chunked Arrow column, as :func:`objects_to_arrow` got them."""
    import numpy
    import pandas
    import pyarrow

    word, missing = spec["object"], spec.get("missing")
    if word == "arrays":
        return _arrays_from_arrow(column, spec)
    wanted = {"string", "large_string"} if word == "json" else {str(pyarrow.type_for_alias(_ARROW[word])), _LARGE.get(word)}
    if str(column.type) not in wanted:
        raise ValueError(f"the file has a column of type {column.type} where {word} was stored; one of the files was changed")
    cells = column.to_pylist()
    if word == "json":
        cells = _cells_from_texts(cells)
    values = numpy.empty(len(column), dtype=object)
    if word in ("json", "date", "datetime"):
        for place, cell in enumerate(cells):  # numpy would look into lists and arrays
            values[place] = cell
    else:
        values[:] = cells
    if missing in ("nan", "NA") and column.null_count:
        values[column.is_null().to_numpy()] = float("nan") if missing == "nan" else pandas.NA
    return values


def _cells_from_texts(texts: list[str | None]) -> list[Any]:
    from loaderdumpers._cells import decode_cell

    try:
        cells = json.loads(f"[{','.join(['null' if text is None else text for text in texts])}]")
    except json.JSONDecodeError as error:
        raise ValueError(f"a cell is no JSON ({error}); the file was changed") from error
    if len(cells) != len(texts):
        raise ValueError(f"{len(texts)} cells hold {len(cells)} values; the file was changed")
    return [decode_cell(cell) if type(cell) in (dict, list) else cell for cell in cells]


def _arrays_from_arrow(column: Any, spec: dict[str, Any]) -> Any:
    import numpy

    cells = numpy.empty(len(column), dtype=object)
    start = 0
    for chunk in column.chunks:
        if str(chunk.type).partition("<")[0] not in ("list", "large_list"):
            raise ValueError(f"the file has a column of type {chunk.type} where arrays were stored; one of the files was changed")
        flat = chunk.values.to_numpy(zero_copy_only=False)
        if flat.dtype != numpy.dtype(spec["dtype"]):
            raise ValueError(f"the file has arrays of {flat.dtype} where {spec['dtype']} was stored; one of the files was changed")
        flat = flat if flat.flags.writeable else flat.copy()
        places = chunk.offsets.to_numpy()
        present = chunk.is_valid().to_numpy(zero_copy_only=False)
        for place in numpy.flatnonzero(present).tolist():
            cells[start + place] = flat[places[place] : places[place + 1]]
        start += len(chunk)
    return cells
