"""Keeps pyarrow tables, batches, readers and arrays in Arrow's own file format, read back by memory map. No types defined in Python.

``data.arrow`` is what Arrow calls the IPC file format, or Feather 2. Where a column changes its dictionary on the way, and for readers,
of which that cannot be known beforehand, it is ``data.arrows``, the stream format. ``Loader.json`` says what was stored; where columns
of a table are chunked differently, ``chunks.json`` has the lengths.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from isfdb.memory import allowed_bytes, require
from loaderdumpers._arrow_claims import claimed_bytes
from loaderdumpers._arrow_exactness import complaint_about, is_foreign, schema_of
from loaderdumpers._growing_tables import extent as extent  # db.append looks for these three here
from loaderdumpers._growing_tables import fits as fits
from loaderdumpers._growing_tables import join as join
from loaderdumpers._numpy_facts import plain_number

if TYPE_CHECKING:
    import pyarrow as pa

priority: Final = 26
requires: Final = {"pyarrow": "15"}
load_plainly: Final = "loaderdumpers.plainly.frames:read_arrow"
about: Final = {
    "types": ("pyarrow.Table", "pyarrow.RecordBatch", "pyarrow.RecordBatchReader", "pyarrow.Array", "pyarrow.ChunkedArray"),
    "keeps": "pyarrow tables, batches, readers and arrays",
    "format": "Arrow",
    "files": "`data.arrow` or `data.arrows`, sometimes `chunks.json`",
    "exact": True,
    "lazy": "memory map",
    "append": True,
}

_FILE: Final = "data.arrow"
_STREAM: Final = "data.arrows"
_CHUNKS: Final = "chunks.json"
_SUMMARISED: Final = 100


def check(obj: Any) -> bool:
    """Say whether `obj` is of pyarrow and its schema comes back as it is."""
    kind = _kind(obj)
    if kind is None:
        return False
    try:
        return complaint_about(obj, kind) is None
    except Exception:  # noqa: BLE001  a schema that pyarrow itself cannot write
        return False


def _kind(obj: Any) -> str | None:
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is None or not hasattr(pyarrow, "Table"):
        return None
    for name in ("Table", "RecordBatch", "ChunkedArray", "RecordBatchReader"):
        if type(obj) is getattr(pyarrow, name):
            return name
    ipc = sys.modules.get("pyarrow.ipc")
    if ipc is not None and type(obj) is ipc.RecordBatchStreamReader:
        return "RecordBatchReader"
    return "Array" if issubclass(type(obj), pyarrow.Array) else None


def describe(obj: Any) -> dict[str, Any]:
    """Return type, shape, size, and the first columns with their types; reads nothing of a reader."""
    kind = _kind(obj) or ""
    facts: dict[str, Any] = {"type": f"pyarrow {type(obj).__name__ if kind == 'Array' else kind}"}
    if kind in ("Array", "ChunkedArray"):
        return {**facts, "shape": [len(obj)], "dtype": str(obj.type)[:60], "nbytes": _size(obj)}
    if kind != "RecordBatchReader":
        facts |= {"shape": [obj.num_rows, obj.num_columns], "nbytes": _size(obj)}
    facts["columns"] = [[field.name[:60], str(field.type)[:60]] for field in list(obj.schema)[:20]]
    return facts


def _size(obj: Any) -> int:
    import pyarrow

    try:
        return int(obj.nbytes)
    except pyarrow.ArrowException:  # not told for every type; then with what lies before and after a slice
        return int(obj.get_total_buffer_size())


def summarise(obj: Any) -> dict[str, Any]:
    """Return, for each of the first hundred columns, how many values are missing, and least, largest and mean; nothing of a reader."""
    kind = _kind(obj)
    if kind in ("Array", "ChunkedArray"):
        return _summarise_column(obj)
    if kind == "RecordBatchReader":
        return {}
    columns = zip(obj.schema.names[:_SUMMARISED], obj.columns[:_SUMMARISED], strict=True)
    return {"columns": [[name[:60], _summarise_column(column)] for name, column in columns]}


def _summarise_column(column: Any) -> dict[str, Any]:
    import pyarrow.compute
    from pyarrow import types

    facts: dict[str, Any] = {"n_missing": int(column.null_count)}
    is_number = types.is_integer(column.type) or types.is_floating(column.type)
    if facts["n_missing"] == len(column) or not (is_number or types.is_timestamp(column.type) or types.is_date(column.type)):
        return facts
    if types.is_float16(column.type):  # with which Arrow does not compute
        column = column.cast(pyarrow.float32())
    ends = pyarrow.compute.min_max(column)
    if not is_number:
        return facts | {name: str(ends[name]) for name in ("min", "max")}
    numbers = {"min": ends["min"].as_py(), "max": ends["max"].as_py(), "mean": pyarrow.compute.mean(column).as_py()}
    return facts | {name: plain_number(value) for name, value in numbers.items()}


def dump(obj: Any, savedir: str, *, compression: str | None = None) -> dict[str, Any]:
    """Write `obj`, batch by batch.

    Parameters
    ----------
    obj : pyarrow.Table, RecordBatch, RecordBatchReader, Array or ChunkedArray
        The value. A reader is read to its end, holding one batch at a time, and is empty afterwards.
    savedir : str
        Empty folder.
    compression : {None, 'lz4', 'zstd'}
        How the buffers are compressed. Uncompressed ones, the default, are memory-mapped when read.

    Raises
    ------
    TypeError
        Something would not come back as it is.
    """
    import pyarrow

    kind = _kind(obj)
    if kind is None:
        raise TypeError(
            f"arrow_to_ipc keeps tables, batches, readers and arrays of pyarrow, not {type(obj).__qualname__}; convert it first"
        )
    schema, complaint = schema_of(obj, kind), complaint_about(obj, kind)
    if complaint:
        raise TypeError(f"arrow_to_ipc cannot keep this {kind} exactly: {complaint}")
    options = pyarrow.ipc.IpcWriteOptions(compression=compression)
    if kind == "RecordBatchReader":
        rows, count = _write(_STREAM, savedir, schema, obj, options)
        return {"kind": kind, "rows": rows, "batches": count, "stream": True}
    batches = _batches(obj, kind)
    try:
        stream = False
        rows, count = _write(_FILE, savedir, schema, batches, options)
    except pyarrow.ArrowInvalid as error:
        if "ictionary" not in str(error):
            raise
        os.remove(os.path.join(savedir, _FILE))  # one dictionary a column is all that this format has
        stream = True
        rows, count = _write(_STREAM, savedir, schema, batches, options)
    if kind == "Table":
        _write_chunks(obj, [len(batch) for batch in batches], savedir)
    return {"kind": kind, "rows": rows, "batches": count, "stream": stream}


def _batches(obj: Any, kind: str) -> list[pa.RecordBatch]:
    import pyarrow

    if kind == "Table":
        return obj.to_batches()
    if kind == "RecordBatch":
        return [obj]
    chunks = obj.chunks if kind == "ChunkedArray" else [obj]
    return [pyarrow.record_batch([chunk], schema=schema_of(obj, kind)) for chunk in chunks]


def _write(name: str, savedir: str, schema: pa.Schema, batches: Any, options: Any) -> tuple[int, int]:
    import pyarrow

    open_writer = pyarrow.ipc.new_stream if name == _STREAM else pyarrow.ipc.new_file
    rows = count = 0
    with pyarrow.OSFile(os.path.join(savedir, name), "wb") as file, open_writer(file, schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows, count = rows + batch.num_rows, count + 1
    return rows, count


def _write_chunks(table: pa.Table, batches: list[int], savedir: str) -> None:
    """Note how the columns are chunked, where the batches do not say it."""
    chunks = [[len(chunk) for chunk in column.chunks] for column in table.columns]
    if any(lengths != batches for lengths in chunks):
        with open(os.path.join(savedir, _CHUNKS), "w", encoding="utf-8", newline="") as file:
            json.dump(chunks, file)


class Loader:
    """Reads or maps what was stored.

    Parameters
    ----------
    kind : {'Table', 'RecordBatch', 'RecordBatchReader', 'Array', 'ChunkedArray'}
        What was stored.
    rows : int
        Number of its rows.
    batches : int
        Number of batches in the file.
    stream : bool
        Whether the file is ``data.arrows``, in the stream format.
    """

    def __init__(self, *, kind: str, rows: int, batches: int, stream: bool) -> None:
        self._kind, self._rows, self._batches, self._file = kind, rows, batches, _STREAM if stream else _FILE

    def get(self, savedir: str, *, columns: Sequence[str | int] | None = None, select: slice | None = None, mmap: bool = True) -> Any:
        """Return the value; a reader comes back as a reader.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        columns : list of names or positions, optional
            Only these columns, in this order.
        select : slice, optional
            Only these rows, as ``slice(10, 20)``; without a step. Not of a reader.
        mmap : bool
            Map the file, which takes no memory and, uncompressed, no time. False: read it.

        Raises
        ------
        ValueError
            A column asked for does not exist, or the file is not what was stored.
        """
        if columns is not None and self._kind in ("Array", "ChunkedArray"):
            raise ValueError(f"columns= is for tables; this is a {self._kind}. Leave it out.")
        path = os.path.join(os.path.abspath(savedir), self._file)
        schema, batches = _opened(path, columns, mmap)
        if self._kind == "RecordBatchReader":
            if select is not None:
                raise ValueError("a reader has no rows to choose from yet; leave select= out, or call read_all() and slice the table")
            return self._reader(schema, batches, path)
        return _sliced(self._whole(schema, list(batches), savedir, columns), select)

    def _reader(self, schema: pa.Schema, batches: Iterator[Any], path: str) -> pa.RecordBatchReader:
        import pyarrow

        return pyarrow.RecordBatchReader.from_batches(schema, self._counted(batches, path))

    def _counted(self, batches: Iterator[Any], path: str) -> Iterator[Any]:
        rows = count = 0
        for batch in batches:
            rows, count = rows + batch.num_rows, count + 1
            yield batch
        self._compare(rows, count, path)

    def _whole(self, schema: pa.Schema, batches: list[Any], savedir: str, columns: Sequence[str | int] | None) -> Any:
        import pyarrow

        self._compare(sum(batch.num_rows for batch in batches), len(batches), self._file)
        if self._kind in ("RecordBatch", "Array"):
            return batches[0] if self._kind == "RecordBatch" else batches[0].column(0)
        if self._kind == "ChunkedArray":
            return pyarrow.chunked_array([batch.column(0) for batch in batches], schema.field(0).type)
        table = pyarrow.Table.from_batches(batches, schema)
        return _rechunked(table, os.path.join(savedir, _CHUNKS), columns)

    def _compare(self, rows: int, batches: int, path: str) -> None:
        if (rows, batches) != (self._rows, self._batches):
            stored = f"{self._rows} rows in {self._batches} batches were stored"
            raise ValueError(f"{path} has {rows} rows in {batches} batches where {stored}; restore it from a copy")


def _opened(path: str, columns: Sequence[str | int] | None, mmap: bool) -> tuple[pa.Schema, Iterator[Any]]:
    """Return the schema and, lazily, the batches, with the columns asked for."""
    import pyarrow

    try:
        source = pyarrow.memory_map(path) if mmap else pyarrow.OSFile(path)
        if not path.endswith(_STREAM) or allowed_bytes() is not None:  # a stream is read batch by batch
            with pyarrow.memory_map(path) as whole:
                require(claimed_bytes(whole.read_buffer()), path)
        reader = pyarrow.ipc.open_stream(source) if path.endswith(_STREAM) else pyarrow.ipc.open_file(source)
        _refuse_foreign(reader.schema, path)
        if columns is None:
            return reader.schema, _read(reader, path)
        places = _places(reader.schema, columns)
        schema = pyarrow.schema([reader.schema.field(place) for place in places], reader.schema.metadata)
        return schema, (batch.select(places) for batch in _read(reader, path))
    except FileNotFoundError:
        raise
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise _damaged(path, error) from error


def _refuse_foreign(schema: pa.Schema, path: str) -> None:
    # In old versions of pyarrow such a type is a pickle in the metadata.
    if any(is_foreign(field.type) for field in schema):
        raise ValueError(f"{path} has a column of a type defined in Python, which is never stored; it was changed")


def _damaged(path: str, error: Exception) -> ValueError:
    return ValueError(f"{path} is not whole Arrow data ({error}); restore it from a copy")


def _read(reader: Any, path: str) -> Iterator[Any]:
    import pyarrow

    try:
        if hasattr(reader, "num_record_batches"):
            yield from (_valid(reader.get_batch(place)) for place in range(reader.num_record_batches))
        else:
            yield from map(_valid, reader)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise _damaged(path, error) from error


def _valid(batch: Any) -> Any:
    batch.validate()
    return batch


def _places(schema: pa.Schema, columns: Sequence[str | int]) -> list[int]:
    if isinstance(columns, str):
        raise ValueError(f"columns= takes a list of names, not a text; write columns=[{columns!r}]")
    places: list[int] = []
    for column in columns:
        found = [column] if type(column) is int and 0 <= column < len(schema) else schema.get_all_field_indices(str(column))
        if len(found) != 1:
            what = "several columns have that name; ask by position" if found else f"stored are {', '.join(schema.names[:20])}"
            raise ValueError(f"the column {column!r} was asked for; {what}")
        places += found
    return places


def _rechunked(table: pa.Table, path: str, columns: Sequence[str | int] | None) -> pa.Table:
    """Give the columns their own chunks, where those were noted; a part of a table keeps the chunks of the file."""
    import pyarrow

    if columns is not None:
        return table
    try:
        with open(path, encoding="utf-8") as file:
            chunks = json.load(file)
    except FileNotFoundError:  # any other refusal comes out: the table would have other chunks
        return table
    if len(chunks) != table.num_columns or any(sum(lengths) != table.num_rows for lengths in chunks):
        raise ValueError(f"{path} does not fit the table beside it; one of the files was changed")
    made = [_with_lengths(column, lengths) for column, lengths in zip(table.columns, chunks, strict=True)]
    return pyarrow.Table.from_arrays(made, schema=table.schema)


def _with_lengths(column: pa.ChunkedArray, lengths: list[int]) -> pa.ChunkedArray:
    import pyarrow

    chunks, start = [], 0
    for length in lengths:
        part = column.slice(start, length)
        pieces = [piece for piece in part.chunks if len(piece)] or part.chunks or [column.slice(0, 0).combine_chunks()]
        chunks.append(pieces[0] if len(pieces) == 1 or not length else pyarrow.concat_arrays(pieces))
        start += length
    return pyarrow.chunked_array(chunks, column.type)


def _sliced(value: Any, select: slice | None) -> Any:
    if select is None:
        return value
    if not isinstance(select, slice) or select.step not in (None, 1):
        raise ValueError(f"select is {select!r}; it takes a slice without a step, as slice(10, 20). For other rows use value.take(rows).")
    start, stop, _ = select.indices(len(value))
    return value.slice(start, max(0, stop - start))
