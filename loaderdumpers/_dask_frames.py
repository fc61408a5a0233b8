"""Keeps dask DataFrames, Series and indexes, a file a partition, and makes them again, lazily. The files' format is given (`FileFormat`).

``partitions.json`` has the divisions, the meta and the plan of each partition: what the file cannot say. Each file carries the number of
its partition, so files that were exchanged are noticed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from isfdb.errors import VersionGoneError
from isfdb.hashing import digest_of
from loaderdumpers._arrow_columns import Own, own_copy
from loaderdumpers._arrow_frames import Writer
from loaderdumpers._attributes import pack_attributes
from loaderdumpers._dask_parts import numbered
from loaderdumpers._dask_promises import Promise
from loaderdumpers._dask_tasks import write_parts
from loaderdumpers._dask_text import as_read
from loaderdumpers._labels import NotExactError, pack_label, unpack_label

RECORD_FILE: Final = "partitions.json"
_KINDS: Final = ("DataFrame", "Series", "Index")
_NUMBER: Final = b"isfdb.partition"


@dataclass(frozen=True)
class FileFormat:
    """A format that keeps one Arrow table a file.

    Attributes
    ----------
    suffix : str
        Of the files' names.
    write : callable
        ``write(table, path)``.
    rows : callable
        ``rows(path)``: how many rows the file says it has.
    read : callable
        ``read(path, names)``: a table of these columns, None for all, and what makes of a view of its memory an array of the user's own.
    """

    suffix: str
    write: Callable[[Any, str], None]
    rows: Callable[[str], int]
    read: Callable[[str, Sequence[str] | None], tuple[Any, Own]]


def check(obj: Any) -> bool:
    """Say whether `obj` is a dask DataFrame, Series or Index."""
    module = sys.modules.get("dask.dataframe")
    return module is not None and any(type(obj) is getattr(module, kind, None) for kind in _KINDS)


def describe(obj: Any) -> dict[str, Any]:
    """Return type, number of partitions, divisions, and the first columns with their dtypes; computes nothing."""
    facts: dict[str, Any] = {"type": f"dask {type(obj).__name__}", "npartitions": int(obj.npartitions)}
    facts["known_divisions"] = bool(obj.known_divisions)
    if obj.known_divisions:
        facts["from"], facts["to"] = (str(obj.divisions[place])[:60] for place in (0, -1))
    if type(obj).__name__ == "DataFrame":
        dtypes = obj._meta.dtypes.iloc[:20]
        facts["n_columns"] = len(obj._meta.columns)
        facts["columns"] = [[str(label)[:60], str(dtype)[:60]] for label, dtype in zip(obj._meta.columns[:20], dtypes, strict=True)]
    else:
        facts["dtype"] = str(obj._meta.dtype)[:60]
    return facts


def dump(obj: Any, savedir: str, form: FileFormat, *, progress: bool | None, name: str) -> dict[str, Any]:
    """Compute and write each partition and return the arguments of :class:`Frame`.

    Raises
    ------
    TypeError
        Something is not kept exactly.
    ValueError
        A partition is not what the frame's meta and divisions promise.
    """
    if not check(obj):
        raise TypeError(f"{name} keeps dask DataFrames, Series and indexes, not {type(obj).__qualname__}")
    try:
        divisions = [pack_label(division) for division in obj.divisions]
        Writer(convert=False).plan(obj._meta)
    except NotExactError as error:
        raise TypeError(f"{_first_sentence(error)}. {_ADVICE}") from error
    width = max(5, len(str(obj.npartitions)))
    write = partial(_write_partition, promise=Promise.of(obj), form=form, width=width)
    plans = write_parts(write, obj.to_delayed(), savedir, progress=progress, title=f"store a dask {type(obj).__name__}")
    _, meta = _write_value(obj._meta, os.path.join(savedir, "meta."), form, b"meta")
    text = json.dumps({"divisions": divisions, "meta": meta, "partitions": _unrepeated(plans)}, ensure_ascii=False, allow_nan=False)
    with open(os.path.join(savedir, RECORD_FILE), "wb") as file:
        file.write(text.encode())
    return {"npartitions": int(obj.npartitions), "width": width, "digest": digest_of(text.encode())}


_ADVICE: Final = "Convert with astype or map_partitions, or compute the value and store it with to_cloudpickle"


def _first_sentence(error: Exception) -> str:
    """Leave out what the message advises for a frame in memory: pickled, a lazy one would be its graph, not its values."""
    return str(error).split(";")[0].split(". ")[0].rstrip(".")


def _write_partition(part: Any, place: int, start: str, *, promise: Promise, form: FileFormat, width: int) -> tuple[list[str], Any]:
    promise.check(part, place)
    prefix = f"part-{place:0{width}d}."
    try:
        names, plan = _write_value(part, start + prefix, form, str(place).encode())
    except NotExactError as error:
        raise TypeError(f"partition {place} is not kept exactly: {_first_sentence(error)}. {_ADVICE}") from error
    return [prefix + name for name in names], plan


def _write_value(value: Any, start: str, form: FileFormat, number: bytes) -> tuple[list[str], dict[str, Any]]:
    """Write one pandas value to files whose paths begin with `start`; return the rest of their names, and the plan."""
    import pyarrow

    writer = Writer()
    try:
        plan = writer.plan(value)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise NotExactError(f"Arrow cannot keep this {type(value).__name__}: {error}") from error
    if getattr(value, "attrs", None):
        plan["attrs"], _ = pack_attributes(value.attrs, None, "pandas_to_arrow")
    lists = {name: pyarrow.LargeListArray.from_arrays([0, len(array)], array) for name, array in writer.labels.items()}
    tables = {name: columns for name, columns in (("data", _fitting(writer.columns, plan, form)), ("labels", lists)) if columns}
    names = []
    for name, columns in tables.items():
        table = pyarrow.table(columns).replace_schema_metadata({_NUMBER: number})
        names.append(f"{name}.{form.suffix}")
        form.write(table, start + names[-1])
        found = form.rows(start + names[-1])
        if found != len(table):
            raise ValueError(f"{start + names[-1]} has {found} rows after {len(table)} were written; the disk or its driver is at fault")
    return names, plan


def _fitting(columns: dict[str, Any], plan: dict[str, Any], form: FileFormat) -> dict[str, Any]:
    """Return the columns as the format keeps them."""
    if form.suffix != "parquet":
        return columns
    from loaderdumpers._parquet_files import part_columns

    columns, others = part_columns(columns, plan)
    if others:
        raise NotExactError(f"Parquet has no type for the column {next(iter(others))!r}, and dask_to_arrow keeps it")
    return columns


def _unrepeated(plans: Sequence[dict[str, Any]]) -> list[Any]:
    """Write a plan once where the next partitions have the same one but for the number of rows."""
    kept: list[Any] = []
    last = None
    for plan in plans:
        rest = {name: part for name, part in plan.items() if name != "rows"}
        kept.append(plan["rows"] if rest == last else plan)
        last = rest
    return kept


def _repeated(kept: list[Any]) -> list[dict[str, Any]]:
    plans: list[dict[str, Any]] = []
    for plan in kept:
        plans.append({**plans[-1], "rows": plan} if isinstance(plan, int) else plan)
    return plans


@dataclass(frozen=True, repr=False)
class Partition:
    """Where a partition lies and how it is read; what a task of the lazy frame holds."""

    folder: str
    prefix: str
    number: bytes
    plan: dict[str, Any]
    form: FileFormat
    token: tuple[Any, ...]
    filters: Any = None

    def __repr__(self) -> str:
        return f"{self.folder}/{self.prefix}*"

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return (*self.token, self.prefix, repr(self.filters))


def _read(part: Partition, columns: list[Any] | None = None) -> Any:
    """Return one partition, as pandas."""
    from loaderdumpers._frame_reading import read_with_options

    options = {"columns": columns, "filters": part.filters, "select": None}
    return read_with_options(part.plan, _Files(part), __name__, part.folder, parts=None, lazy=False, **options)


class _Files:
    """The files of a partition, in the form that ``_frame_reading`` wants."""

    def __init__(self, part: Partition) -> None:
        self.where = f"{part.prefix}data.{part.form.suffix}"
        self._data, self._labels = _Table(part, "data"), _Table(part, "labels")
        self._rows = part.plan["rows"]

    def own(self, view: Any, /) -> Any:
        return self._data.own(view)

    def table(self, specs: list[dict[str, Any]], start: int, stop: int) -> Any:
        return self._data.read([spec["in"] for spec in specs]).slice(start, stop - start) if specs else None

    def rows(self, specs: list[dict[str, Any]], places: Any) -> Any:
        return self.table(specs, 0, self._rows).take(places) if specs else None

    def label(self, name: str) -> Any:
        return self._labels.single(name)

    def may_match(self, expression: Any) -> None:
        return None

    def chunks(self) -> list[tuple[int, int]]:
        return [(0, self._rows)]


class _Table:
    """One file of a partition, read when something is asked of it."""

    def __init__(self, part: Partition, name: str) -> None:
        self._part = part
        self._path = os.path.join(part.folder, f"{part.prefix}{name}.{part.form.suffix}")
        self._table: Any = None
        self.own: Own = own_copy

    def read(self, names: Sequence[str]) -> Any:
        """Return these columns."""
        from loaderdumpers._parquet_files import renamed

        self._open(names)
        return renamed(self._table)

    def _open(self, names: Sequence[str] | None) -> None:
        import pyarrow

        try:
            table, own = self._part.form.read(self._path, names)
        except FileNotFoundError as error:
            raise self._missing() from error
        except (pyarrow.ArrowException, OSError, KeyError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # no room, no rights: the file may be as it was
                raise
            raise ValueError(f"{self._path} cannot be read: {error}. It is damaged; restore it from a copy.") from error
        found = (table.schema.metadata or {}).get(_NUMBER, self._part.number)
        if found != self._part.number:
            raise ValueError(f"{self._path} holds partition {found.decode()}: files were exchanged. Restore them from a copy.")
        if self._path.endswith(f"data.{self._part.form.suffix}") and len(table) != self._part.plan["rows"]:
            raise ValueError(f"{self._path} has {len(table)} rows where {self._part.plan['rows']} were stored; restore it from a copy")
        self._table, self.own = table, own

    def _missing(self) -> Exception:
        if os.path.isdir(self._part.folder):
            return ValueError(f"{self._path} is missing; restore it from a copy")
        return VersionGoneError(f"{self._part.folder} was reclaimed or moved away after the lazy value was read. Read the key again.")

    def single(self, name: str) -> Any:
        """Return the one list that stands in the column `name`."""
        import pyarrow

        if self._table is None:
            self._open(None)
        return pyarrow.chunked_array([self._table.column(name).combine_chunks().flatten()])


def load(
    savedir: str,
    form: FileFormat,
    arguments: dict[str, Any],
    *,
    columns: list[Any] | None,
    filters: Any,
    partitions: Any,
) -> Any:
    """Return the lazy frame, series or index; nothing but ``partitions.json`` and the files' names are read.

    Raises
    ------
    ValueError
        The files contradict each other, or a column or partition asked for does not exist.
    """
    import dask.dataframe

    folder = os.path.abspath(savedir)
    record, token = _read_record(folder, arguments)
    plans = _repeated(record["partitions"])
    make = partial(Partition, folder=folder, form=form, token=token)
    meta = _read(make(prefix="meta.", number=b"meta", plan=record["meta"]))
    if (columns is not None or filters is not None) and record["meta"]["kind"] != "DataFrame":
        raise ValueError(f"columns= and filters= are for a DataFrame; this is a {record['meta']['kind']}. Leave them out.")
    _see_all_files(folder, form, plans, arguments["width"])
    parts = [
        make(prefix=f"{numbered(place, arguments['width'])}.", number=str(place).encode(), plan=plan, filters=filters)
        for place, plan in enumerate(plans)
    ]
    divisions = tuple([unpack_label(division) for division in record["divisions"]])
    if partitions is not None:
        parts, divisions = _chosen(parts, divisions, partitions)
    frame = as_read(dask.dataframe.from_map(_read, parts, meta=meta, divisions=divisions, label="isfdb"))
    return frame if columns is None else frame[_existing(meta, columns)]


def _read_record(folder: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Return what ``partitions.json`` says, and what tells this folder from any that lay there before or will."""
    path = os.path.join(folder, RECORD_FILE)
    try:
        with open(path, "rb") as file:
            text, found = file.read(), os.fstat(file.fileno())
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing; restore it from a copy") from error
    if arguments["digest"] is not None and digest_of(text) != arguments["digest"]:
        raise ValueError(f"{path} is not what was stored; restore it from a copy")
    record = json.loads(text)
    n_found = len(record["partitions"])
    if not n_found == arguments["npartitions"] == len(record["divisions"]) - 1:
        raise ValueError(f"{path} has {n_found} partitions where {arguments['npartitions']} were stored; restore it from a copy")
    return record, (path, found.st_dev, found.st_ino, found.st_mtime_ns)


def _see_all_files(folder: str, form: FileFormat, plans: list[dict[str, Any]], width: int) -> None:
    there = set(os.listdir(folder))
    for place, plan in enumerate(plans):
        name = f"{numbered(place, width)}.data.{form.suffix}"
        if name not in there and _has_columns(plan):
            raise ValueError(f"{os.path.join(folder, name)} is missing; restore it from a copy")


def _has_columns(plan: dict[str, Any]) -> bool:
    return "range" not in plan["index"] or plan["kind"] == "Series" or (plan["kind"] == "DataFrame" and bool(plan["values"]))


def _chosen(parts: list[Partition], divisions: tuple[Any, ...], wanted: Any) -> tuple[list[Partition], tuple[Any, ...]]:
    """Return some partitions, and their divisions where they follow each other."""
    places = list(range(len(parts)))
    chosen = places[wanted] if isinstance(wanted, slice) else [wanted] if isinstance(wanted, int) else list(wanted)
    if not chosen or not all(isinstance(place, int) and 0 <= place < len(parts) for place in chosen):
        raise ValueError(f"partitions={wanted!r} was asked for; there are 0 to {len(parts) - 1}. Pass a slice, a number or a list of them.")
    if chosen == list(range(chosen[0], chosen[-1] + 1)):
        return [parts[place] for place in chosen], divisions[chosen[0] : chosen[-1] + 2]
    return [parts[place] for place in chosen], (None,) * (len(chosen) + 1)


def _existing(meta: Any, columns: list[Any]) -> list[Any]:
    from loaderdumpers._frame_reading import find_columns

    find_columns(meta.columns, columns)  # refuses what is not there
    return list(columns)
