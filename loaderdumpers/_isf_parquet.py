"""Reads ISF's Parquet files as the frames they were: texts as Python objects, labels and index as ``object_meta`` says. Writes nothing."""

from __future__ import annotations

import json
import os
from typing import Any

from loaderdumpers._isf import ObjectMeta, restore


def read_frame(path: str, meta: ObjectMeta | None, columns: list[Any] | None, *, rows: bool = True) -> Any:
    """Return a frame, or with ``rows=False`` an empty one of its kind.

    Raises
    ------
    ValueError
        A column asked for does not exist, or the file is damaged or contradicts `meta`.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(path)
        names = _column_names(schema)
        places = _places(names, meta, columns)
        wanted = None if places is None else [names[place] for place in places]
        table = pyarrow.parquet.read_table(path, columns=_with_index(schema, wanted), partitioning=None) if rows else schema.empty_table()
    except (pyarrow.ArrowInvalid, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{os.path.basename(path)} is no whole Parquet file ({error}); restore it from a copy") from error
    if wanted is not None and not rows:
        table = table.select(_with_index(schema, wanted))
    frame = _to_pandas(table, meta, names if wanted is None else wanted)
    return restore(frame, meta, places)


def _pandas_facts(schema: Any) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    return facts


def _index_columns(schema: Any) -> list[str]:
    return [name for name in _pandas_facts(schema).get("index_columns", []) if isinstance(name, str)]


def _column_names(schema: Any) -> list[str]:
    index = set(_index_columns(schema))
    return [name for name in schema.names if name not in index]


def _with_index(schema: Any, wanted: list[str] | None) -> list[str] | None:
    return None if wanted is None else [*wanted, *_index_columns(schema)]


def _places(names: list[str], meta: ObjectMeta | None, columns: list[Any] | None) -> list[int] | None:
    """Return where the columns asked for stand, by the label they had or by its text."""
    if columns is None:
        return None
    if isinstance(columns, str):
        raise ValueError(f"columns= takes a list of labels, not a text; write columns=[{columns!r}]")
    labels = meta.labels if meta is not None and len(meta.labels) == len(names) else names
    places = []
    for column in columns:
        if column in labels:
            places.append(labels.index(column))
        elif column in names:
            places.append(names.index(column))
        else:
            shown = ", ".join(repr(label) for label in labels[:20])
            raise ValueError(f"the column {column!r} was asked for; stored are {shown}{' ...' if len(labels) > 20 else ''}")
    return places


def _to_pandas(table: Any, meta: ObjectMeta | None, names: list[str]) -> Any:
    """Convert, and give back as Python objects the texts that were Python objects: pandas 3 would make a dtype of its own of them."""
    import pandas

    frame = table.to_pandas()
    facts = {fact.get("field_name") or fact.get("name"): fact.get("numpy_type") for fact in _pandas_facts(table.schema).get("columns", [])}
    series = {}
    for place, name in enumerate(names):
        column = frame[name]
        if facts.get(name) == "object" and column.dtype != object:
            column = pandas.Series(_objects(table, name), index=frame.index, dtype=object)
        series[place] = column
    frame = pandas.DataFrame(series, index=frame.index, copy=True)
    frame.columns = pandas.Index(names, dtype=object)
    index = _index_columns(table.schema)
    if len(index) == 1 and facts.get(index[0]) == "object" and frame.index.dtype != object:
        frame.index = pandas.Index(_objects(table, index[0]), dtype=object, name=frame.index.name)
    elif len(index) == 1 and facts.get(index[0]) == "string":
        frame.index = frame.index.astype("string")
    return frame


def _objects(table: Any, name: str) -> Any:
    import numpy

    values = numpy.empty(len(table), dtype=object)
    values[:] = table.column(name).to_pylist()
    return values


def index_bounds(paths: list[str]) -> tuple[Any, ...] | None:
    """Return divisions from the least and greatest index that Parquet noted for each file; None where that is not known for sure."""
    bounds: list[tuple[Any, Any]] = []
    for path in paths:
        found = _bounds(path)
        if found is None or (bounds and not bounds[-1][1] < found[0]):
            return None
        bounds.append(found)
    return (*[least for least, _ in bounds], bounds[-1][1])


def _bounds(path: str) -> tuple[Any, Any] | None:
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    index = _index_columns(file.schema_arrow)
    if len(index) != 1 or file.metadata.num_rows == 0:
        return None
    place = file.schema_arrow.names.index(index[0])
    noted = [file.metadata.row_group(group).column(place).statistics for group in range(file.metadata.num_row_groups)]
    if not all(one is not None and one.has_min_max and not one.null_count for one in noted):
        return None
    least, greatest = min(one.min for one in noted), max(one.max for one in noted)
    if not isinstance(least, (int, float)) or least != least or greatest != greatest:
        return None  # texts may be noted cut off, dates come in another type
    return least, greatest
