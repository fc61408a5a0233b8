"""Plain readers of tables: pandas from Parquet and Arrow files, dask, pyarrow, polars."""

from __future__ import annotations

from typing import Any

from loaderdumpers.plainly.values import inline_or_file, json_file, label_value, label_zone, node_value


def read_parquet(spec: Any, folder: Any, load: Any) -> Any:
    """Return a DataFrame, Series or Index of pandas."""
    return pandas_value(inline_or_file(spec, folder, "plan", "frame.json"), folder, "", spec.get("parts") or [], load)


def pandas_value(plan: Any, folder: Any, prefix: Any, parts: Any, load: Any) -> Any:
    """Return what a plan says; the columns lie in data.parquet or data.arrow, long lists of labels in a file of their own."""
    import os

    import pandas
    import pyarrow

    table = arrow_columns(folder, prefix, ("data.parquet", "data.arrow"))
    rows = arrow_columns(folder, prefix, ("labels.parquet", "labels.arrow"))
    lists = {name: pyarrow.chunked_array([row.combine_chunks().flatten()]) for name, row in rows.items()}
    index = pandas_index(plan["index"], table, lists)
    if plan["kind"] == "Index":
        return index
    if plan["kind"] == "Series":
        values = pandas_column(plan["values"], table, lists, plan["rows"])
        value: Any = pandas.Series(values, index=index, name=label_value(plan["name"]), dtype=values.dtype, copy=False)
    else:
        columns = [pandas_column(one, table, lists, plan["rows"]) for one in plan["values"]]
        kept = {place: pandas.Series(one, index=index, dtype=one.dtype, copy=False) for place, one in enumerate(columns)}
        value = pandas.DataFrame(kept, index=index, copy=len(kept) > 64)
        value.columns = pandas_index(plan["columns"], lists, lists)
    for label, content, *place in plan.get("attrs", []):
        name = f"attrs-{place[0]}" if place else ""
        value.attrs[label_value(label)] = load(parts[place[0]], os.path.join(folder, name)) if place else node_value(content, pandas_cell)
    if plan.get("unique_labels"):
        value.flags.allows_duplicate_labels = False
    return value


def arrow_columns(folder: Any, prefix: Any, names: Any) -> Any:
    """Return the columns of those of these files that are there."""
    import os

    import pyarrow
    import pyarrow.parquet

    columns: Any = {}
    for name in names:
        path = os.path.join(folder, prefix + name)
        if os.path.exists(path):
            is_parquet = name.endswith("parquet")
            table = pyarrow.parquet.ParquetFile(path).read() if is_parquet else pyarrow.ipc.open_file(pyarrow.OSFile(path)).read_all()
            columns.update(zip(table.column_names, table.columns, strict=True))
    return columns


def pandas_index(spec: Any, columns: Any, lists: Any) -> Any:
    """Return an index, or the labels of the columns."""
    import numpy
    import pandas

    if "range" in spec:
        return pandas.RangeIndex(*spec["range"], name=label_value(spec["name"]))
    if "levels" in spec:
        levels = [pandas_index(one["categories"], lists, lists) for one in spec["levels"]]
        codes = [pandas_codes(pandas_stored(one, columns), level) for one, level in zip(spec["levels"], levels, strict=True)]
        return pandas.MultiIndex(levels, codes, names=[label_value(one) for one in spec["names"]], sortorder=spec.get("sortorder"))
    name = label_value(spec["name"])
    if "labels" in spec:
        labels = numpy.empty(len(spec["labels"]), object)
        for place, one in enumerate(spec["labels"]):
            labels[place] = label_value(one)
        return pandas.Index(labels, dtype=object, name=name, tupleize_cols=False)
    values = pandas_column(spec["values"], columns, lists, 0)
    index: Any = pandas.Index(values, dtype=values.dtype, name=name, copy=False, tupleize_cols=False)
    freq = spec.get("freq")
    if isinstance(freq, dict):
        options = node_value(freq["kwds"], pandas_cell)
        index.freq = getattr(pandas.offsets, freq["offset"])(n=freq["n"], normalize=freq["normalize"], **options)
    elif freq:
        index.freq = pandas.tseries.frequencies.to_offset(freq)
    return index


def pandas_stored(spec: Any, columns: Any) -> Any:
    """Return the Arrow column that a spec names, or that stands in it."""
    import pyarrow

    if "here" in spec:
        return pyarrow.chunked_array([pyarrow.array(spec["here"], pyarrow.type_for_alias(spec["as"]))])
    return columns[spec["in"]]


def pandas_codes(column: Any, categories: Any) -> Any:
    """Return the places of categories, -1 for what is missing."""
    import numpy
    import pyarrow

    pieces = [numpy.empty(0, "int8")]
    for chunk in column.chunks:
        if pyarrow.types.is_dictionary(chunk.type):
            places = numpy.append(categories.get_indexer(chunk.dictionary.to_pylist()), -1)
            pieces.append(places[chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)])
        else:
            pieces.append(chunk.fill_null(-1).to_numpy(zero_copy_only=False))
    return numpy.concatenate(pieces)


def pandas_column(spec: Any, columns: Any, lists: Any, rows: Any) -> Any:
    """Return the values of a column: an array of numpy or pandas."""
    import pandas

    if "sparse" in spec:
        return pandas_sparse(spec, lists, rows)
    column = pandas_stored(spec, columns)
    if "categories" in spec:
        categories = pandas_index(spec["categories"], lists, lists)
        dtype = pandas.CategoricalDtype(categories, ordered=spec["ordered"])
        return pandas.Categorical.from_codes(pandas_codes(column, categories), dtype=dtype)
    if "numpy" in spec:
        return numpy_column(column, spec["numpy"])
    if "object" in spec:
        return object_column(column, spec)
    if "string" in spec:
        missing = float("nan") if spec["missing"] == "nan" else pandas.NA
        return pandas.StringDtype(spec["string"], na_value=missing).__from_arrow__(column)
    if "masked" in spec:
        return masked_column(column, spec["masked"])
    if "datetime" in spec:
        stamps = pandas.DatetimeIndex(numpy_column(column, f"<M8[{spec['datetime']}]"), copy=False)
        return stamps.tz_localize("UTC").tz_convert(label_zone(spec["zone"])).array
    if "period" in spec:
        ordinals = numpy_column(column.fill_null(-(2**63)), "<i8")
        return pandas.arrays.PeriodArray(ordinals, dtype=pandas.PeriodDtype(spec["period"]))
    if "interval" in spec:
        sides = {name: column_part(column, name) for name in ("left", "right")}
        left, right = (pandas_column({**spec[name], "in": name}, sides, lists, rows) for name in ("left", "right"))
        return pandas.arrays.IntervalArray.from_arrays(left, right, closed=spec["interval"])
    column = column.cast(arrow_names(column.type))
    return pandas.ArrowDtype(column.type).__from_arrow__(column)


def arrow_names(kind: Any) -> Any:
    """Return a type in which the members of lists have Arrow's name; Parquet calls them elements."""
    import pyarrow
    import pyarrow.types as known

    if known.is_list(kind) or known.is_large_list(kind) or known.is_fixed_size_list(kind):
        field = pyarrow.field("item", arrow_names(kind.value_type), nullable=kind.value_field.nullable)
        if known.is_fixed_size_list(kind):
            return pyarrow.list_(field, kind.list_size)
        return pyarrow.large_list(field) if known.is_large_list(kind) else pyarrow.list_(field)
    if known.is_struct(kind):
        return pyarrow.struct([pyarrow.field(one.name, arrow_names(one.type), nullable=one.nullable) for one in kind])
    return kind


def column_part(column: Any, name: Any) -> Any:
    """Return one member of a column of pairs."""
    import pyarrow

    return pyarrow.chunked_array([chunk.field(name) for chunk in column.chunks], column.type.field(name).type)


def numpy_column(column: Any, dtype: Any) -> Any:
    """Return numbers, dates or durations; a missing date is NaT."""
    import numpy

    kind = numpy.dtype(dtype)
    if kind.kind == "c":
        values = numpy.empty(len(column), kind.newbyteorder("="))
        for name in ("real", "imag"):
            setattr(values, name, column_part(column, name).to_numpy())
        return values.astype(kind)
    if kind.kind in "mM":
        return column.cast("int64").fill_null(-(2**63)).to_numpy().copy().view(kind)
    return column.to_numpy().astype(kind)


def masked_column(column: Any, dtype: Any) -> Any:
    """Return a column of pandas' own types with missing values."""
    import numpy
    import pandas

    mask = column.is_null().to_numpy()
    values = column.fill_null(False if dtype == "boolean" else 0).to_numpy().copy()
    kinds = {"b": pandas.arrays.BooleanArray, "f": pandas.arrays.FloatingArray}
    return kinds.get(values.dtype.kind, pandas.arrays.IntegerArray)(values, numpy.array(mask))


def object_column(column: Any, spec: Any) -> Any:
    """Return a column of Python objects."""
    import json

    import numpy
    import pandas

    values = numpy.empty(len(column), object)
    for place, cell in enumerate(column.to_pylist()):
        if spec["object"] == "json" and cell is not None:
            cell = node_value(json.loads(cell), pandas_cell)
        elif spec["object"] == "arrays" and cell is not None:
            cell = numpy.array(cell, spec["dtype"])
        values[place] = cell
    missing = {"nan": float("nan"), "NA": pandas.NA}
    if spec.get("missing") in missing and column.null_count:
        values[column.is_null().to_numpy()] = missing[spec["missing"]]
    return values


def pandas_cell(node: Any) -> Any:
    """Return a cell that is an array, a period or an interval."""
    import base64

    import numpy
    import pandas

    if node["$part"] == "period":
        return pandas.Period(ordinal=node["ordinal"], freq=node["freq"])
    if node["$part"] == "interval":
        return pandas.Interval(*[node_value(side, pandas_cell) for side in node["sides"]], node["closed"])
    kind = numpy.dtype(node["dtype"])
    if not kind.itemsize:
        return numpy.zeros(node["shape"], kind)
    return numpy.frombuffer(bytearray(base64.b64decode(node["base64"])), kind).reshape(node["shape"], order=node["order"])


def pandas_sparse(spec: Any, lists: Any, rows: Any) -> Any:
    """Return a sparse column, whose positions and values are a part of two long lists."""
    import pandas

    start, stop = spec["part"]
    positions = lists[f"positions {spec['sparse']}"].slice(start, stop - start).to_numpy().astype("i4")
    values = numpy_column(lists[f"values {spec['sparse']}"].slice(start, stop - start), spec["sparse"])
    fill = label_value(spec["fill"])
    index = pandas._libs.sparse.IntIndex(rows, positions, check_integrity=True)
    index = index if spec["kind"] == "integer" else index.to_block_index()
    return pandas.arrays.SparseArray(values, sparse_index=index, dtype=pandas.SparseDtype(values.dtype, fill))


def read_dask_frame(spec: Any, folder: Any, load: Any) -> Any:
    """Return, as a table in memory, what was a dask frame: its partitions one after the other."""
    import pandas

    record = json_file(folder, "partitions.json")
    found, plan = [], None
    for place, one in enumerate(record["partitions"]):
        plan = {**(plan or {}), "rows": one} if isinstance(one, int) else one
        found.append(pandas_value(plan, folder, f"part-{place:0{spec['width']}d}.", [], load))
    return joined(found) if found else pandas.DataFrame()


def joined(tables: Any) -> Any:
    """Return tables of pandas, polars or pyarrow, or arrays, as one."""
    first = tables[0]
    library = type(first).__module__.partition(".")[0]
    if len(tables) == 1:
        return first
    if library == "polars":
        import polars

        return polars.concat(tables)
    if library == "pyarrow":
        import pyarrow

        return pyarrow.concat_tables(tables)
    import pandas

    if isinstance(first, pandas.Index):
        return first.append(list(tables[1:]))
    bare = [table.copy(deep=False) for table in tables]
    for table in bare:
        table.attrs = {}
    whole = pandas.concat(bare)
    whole.attrs = first.attrs
    return whole


def read_appended(spec: Any, folder: Any, load: Any) -> Any:
    """Return a value that grew: its blocks, some of them in folders of earlier versions, as one."""
    import os

    blocks = [load(block[4], os.path.join(folder, *block[0].split("/"))) for block in spec["blocks"]]
    if len(blocks) == 1 or not type(blocks[0]).__module__.startswith("numpy"):
        return joined(blocks)
    import numpy

    axis, first = spec["axis"], blocks[0]
    shape = [*first.shape[:axis], sum(one.shape[axis] for one in blocks), *first.shape[axis + 1 :]]
    order = "F" if all(one.flags.f_contiguous and not one.flags.c_contiguous for one in blocks) else "C"
    return numpy.concatenate(blocks, axis=axis, out=numpy.empty(shape, first.dtype, order=order))


def read_arrow(spec: Any, folder: Any, load: Any) -> Any:
    """Return a table, batch, reader or array of pyarrow."""
    import json
    import os

    import pyarrow

    path = os.path.join(folder, "data.arrows" if spec["stream"] else "data.arrow")
    source = pyarrow.memory_map(path)
    reader = pyarrow.ipc.open_stream(source) if spec["stream"] else pyarrow.ipc.open_file(source)
    batches = list(reader) if spec["stream"] else [reader.get_batch(place) for place in range(reader.num_record_batches)]
    if spec["kind"] == "RecordBatchReader":
        return pyarrow.RecordBatchReader.from_batches(reader.schema, batches)
    if spec["kind"] in ("RecordBatch", "Array"):
        return batches[0] if spec["kind"] == "RecordBatch" else batches[0].column(0)
    if spec["kind"] == "ChunkedArray":
        return pyarrow.chunked_array([batch.column(0) for batch in batches], reader.schema.field(0).type)
    table = pyarrow.Table.from_batches(batches, reader.schema)
    if not os.path.exists(os.path.join(folder, "chunks.json")):
        return table
    with open(os.path.join(folder, "chunks.json"), encoding="utf-8") as file:
        chunks = json.load(file)
    columns = [arrow_chunks(column, lengths) for column, lengths in zip(table.columns, chunks, strict=True)]
    return pyarrow.Table.from_arrays(columns, schema=table.schema)


def arrow_chunks(column: Any, lengths: Any) -> Any:
    """Return a column in chunks of these lengths."""
    import pyarrow

    chunks, start = [], 0
    for length in lengths:
        pieces = [piece for piece in column.slice(start, length).chunks if len(piece)] or column.slice(0, 0).chunks
        chunks.append(pieces[0] if len(pieces) == 1 else pyarrow.concat_arrays(pieces) if pieces else pyarrow.array([], column.type))
        start += length
    return pyarrow.chunked_array(chunks, column.type)


def read_polars(spec: Any, folder: Any, load: Any) -> Any:
    """Return a frame, lazy frame or series of polars."""
    import os

    import polars

    path = os.path.join(folder, "data.parquet")
    if spec["kind"] == "LazyFrame":
        return polars.scan_parquet(path, glob=False, hive_partitioning=False)
    frame = polars.read_parquet(path, glob=False, hive_partitioning=False)
    for name, way in (spec.get("sorted") or {}).items():
        frame = frame.with_columns(polars.Series(frame[name]).set_sorted(descending=way == "descending"))
    return frame.to_series() if spec["kind"] == "Series" else frame
