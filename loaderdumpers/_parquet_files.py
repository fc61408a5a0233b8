"""The Parquet files of a frame: which there are, and how columns and rows come out of them. Knows nothing of pandas."""

from __future__ import annotations

import os
from itertools import accumulate, pairwise
from typing import Any, Final

from isfdb.memory import allowed_bytes, require
from loaderdumpers._arrow_columns import fits_parquet, from_parquet_names, own_copy
from loaderdumpers._arrow_files import ArrowFile, list_in, write_ipc
from loaderdumpers._frame_writing import Staged

#: Of a value that is looked at.
_ROWS_AT_ONCE: Final = 256


def write_files(staged: Staged, savedir: str, prefix: str, *, compression: str, row_group_size: int) -> None:
    """Write the columns and labels of a staged value; notes in its plan which columns lie in ``data.arrow``."""
    import pyarrow

    path = os.path.join(savedir, prefix)
    columns, others = part_columns(staged.writer.columns, staged.plan)
    if others:
        write_ipc(pyarrow.table(others), f"{path}data.arrow")
        for spec in _specs(staged.plan):
            if spec.get("in") in others:
                spec["file"] = "arrow"
    if columns:
        _write(pyarrow.table(columns), f"{path}data.parquet", compression, row_group_size)
    labels = staged.label_lists()
    if labels is not None:
        _write(labels, f"{path}labels.parquet", compression, None)


def part_columns(columns: dict[str, Any], plan: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns that Parquet keeps, in the form in which it does, and the others."""
    of_arrow = {spec["in"] for spec in _specs(plan) if "arrow" in spec}
    fitting = {name: array if name in of_arrow else _fitting(array) for name, array in columns.items()}
    others = {name for name, array in fitting.items() if not fits_parquet(array.type) and not _is_category(array.type)}
    return {name: array for name, array in fitting.items() if name not in others}, {name: columns[name] for name in sorted(others)}


def _fitting(array: Any) -> Any:
    """Return times in whole seconds, which Parquet does not have, as their count."""
    import pyarrow.types as known

    return array.view("int64") if known.is_timestamp(array.type) and array.type.unit == "s" else array


def _specs(plan: dict[str, Any]) -> list[dict[str, Any]]:
    values = plan.get("values", [])
    index = plan["index"]
    return [*(values if isinstance(values, list) else [values]), *index.get("levels", [index.get("values", {})])]


def _is_category(kind: Any) -> bool:
    """Say whether this is how categories of text are stored, which lists them as pandas has them."""
    import pyarrow.types as known

    return known.is_dictionary(kind) and str(kind.value_type) in ("string", "large_string")


def _write(table: Any, path: str, compression: str, row_group_size: int | None) -> None:
    import pyarrow.parquet
    import pyarrow.types as known

    # Numbers seldom repeat enough for a dictionary, and trying costs time.
    repetitive = [field.name for field in table.schema if not (known.is_primitive(field.type) or known.is_nested(field.type))]
    pyarrow.parquet.write_table(table, path, compression=compression, row_group_size=row_group_size, use_dictionary=repetitive or False)


class ParquetFiles:
    """The stored columns of one value.

    Parameters
    ----------
    savedir, prefix : str
        Folder, and what the files' names begin with.
    rows : int
        How many rows there must be.
    """

    def __init__(self, savedir: str, prefix: str, rows: int) -> None:
        self.where = f"{prefix}data.parquet"
        self._path, self._rows = os.path.join(savedir, prefix), rows
        self._file: Any = None
        self._labels: Any = None

    def own(self, view: Any, /) -> Any:
        """Return the array, or a copy where it may not be written to."""
        return own_copy(view)

    def _opened(self) -> Any:
        if self._file is None:
            self._file = _open(f"{self._path}data.parquet", self._rows)
        return self._file

    def table(self, specs: list[dict[str, Any]], start: int, stop: int) -> Any:
        """Return the columns of these specs, rows `start` to `stop`."""
        names = [spec["in"] for spec in specs if not spec.get("file")]
        table = self._read_window(names, start, stop) if names else None
        others = [spec["in"] for spec in specs if spec.get("file")]
        return _joined(table, self._others().table(others).slice(start, stop - start) if others else None)

    def _others(self) -> ArrowFile:
        return ArrowFile(f"{self._path}data.arrow", self._rows)

    def _read_window(self, names: list[str], start: int, stop: int) -> Any:
        file = self._opened()
        require((stop - start) * _row_bytes(file, names), f"{self.where} with {stop - start:,} rows")
        if (start, stop) == (0, self._rows) and not is_looked_at():
            return renamed(file.read(columns=names))
        first = 0
        groups = []
        for group, n_rows in enumerate(_group_sizes(file)):
            if first < stop and first + n_rows > start:
                groups.append((group, first))
            first += n_rows
        offset = start - groups[0][1] if groups else 0
        numbers = [group for group, _ in groups]
        require(_packed_bytes(file, numbers, names), f"{self.where}, unpacked,")
        table = first_rows(file, numbers, names, offset + stop - start) if is_looked_at() else file.read_row_groups(numbers, columns=names)
        return renamed(table.slice(offset, stop - start))

    def rows(self, specs: list[dict[str, Any]], places: Any) -> Any:
        """Return the columns of these specs and the rows at `places`, from the groups that have such."""
        import numpy

        names = [spec["in"] for spec in specs if not spec.get("file")]
        others = [spec["in"] for spec in specs if spec.get("file")]
        table = None
        if names:
            file = self._opened()
            ends = numpy.cumsum(_group_sizes(file))
            groups = numpy.unique(numpy.searchsorted(ends, places, side="right"))
            sizes = numpy.diff(ends, prepend=0)
            kept = numpy.concatenate([[0], numpy.cumsum(sizes[groups])])  # where each group begins in what is read
            of_row = numpy.searchsorted(groups, numpy.searchsorted(ends, places, side="right"))
            within = places - (ends - sizes)[groups][of_row] + kept[of_row] if len(places) else places
            table = renamed(file.read_row_groups(groups.tolist(), columns=names).take(within))
        return _joined(table, self._others().table(others).take(places) if others else None)

    def label(self, name: str) -> Any:
        """Return the one list that stands in the column `name` of the labels."""
        if self._labels is None:
            file = _open(f"{self._path}labels.parquet", 1)
            if is_looked_at():
                require(_unfolded_bytes(f"{self._path}labels.parquet"), f"{self.where} with its labels")
            self._labels = renamed(file.read())
        return list_in(self._labels, name, f"{self.where.removesuffix('data.parquet')}labels.parquet")

    def may_match(self, expression: Any) -> list[tuple[int, int]] | None:
        """Return the windows of the row groups in which a filter may hold, by their statistics."""
        import pyarrow.dataset
        import pyarrow.fs

        file = self._opened()
        ends = _ends(file)
        fragment = pyarrow.dataset.ParquetFileFormat().make_fragment(f"{self._path}data.parquet", pyarrow.fs.LocalFileSystem())
        pieces = fragment.split_by_row_group(expression, schema=file.schema_arrow)
        return [(ends[group.id], ends[group.id + 1]) for piece in pieces for group in piece.row_groups]

    def chunks(self) -> list[tuple[int, int]]:
        """Return the windows that are read at once: the row groups."""
        if not os.path.exists(f"{self._path}data.parquet"):
            return [(0, self._rows)]
        return list(pairwise(_ends(self._opened()))) or [(0, 0)]


def _open(path: str, rows: int) -> Any:
    import pyarrow.parquet

    name = os.path.basename(path)
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise ValueError(f"{name} is no whole Parquet file: {error}") from error
    if file.metadata.num_rows != rows:
        raise ValueError(f"{name} has {file.metadata.num_rows} rows where {rows} were stored; one of the files was changed")
    return file


def is_looked_at() -> bool:
    """Say whether a value is only looked at, and what it takes in memory is limited."""
    return allowed_bytes() is not None


def _packed_bytes(file: Any, groups: list[int], names: list[str]) -> int:
    """Return what the pages of these columns unpack to, before texts that repeat are written out."""
    chosen, total = set(names), 0
    for group in groups:
        facts = file.metadata.row_group(group)
        columns = [facts.column(place) for place in range(facts.num_columns)]
        total += sum([one.total_uncompressed_size for one in columns if one.path_in_schema.partition(".")[0] in chosen])
    return total


def _unfolded_bytes(path: str) -> int:
    """Return what the texts of a file take once those that repeat are written out, from their places in its dictionaries."""
    import pyarrow.compute
    import pyarrow.parquet

    schema = pyarrow.parquet.ParquetFile(path).schema
    texts = [schema.column(place).path for place in range(len(schema.names)) if schema.column(place).physical_type == "BYTE_ARRAY"]
    total = 0
    for column in pyarrow.parquet.ParquetFile(path, read_dictionary=texts).read().columns:
        for chunk in column.chunks:
            while not hasattr(chunk, "dictionary") and hasattr(chunk, "flatten") and chunk.type.num_fields == 1:
                chunk = chunk.flatten()
            if hasattr(chunk, "dictionary"):
                lengths = pyarrow.compute.binary_length(chunk.dictionary)
                total += pyarrow.compute.sum(lengths.take(chunk.indices)).as_py() or 0
    return total


def first_rows(file: Any, groups: list[int], names: list[str], n_rows: int) -> Any:
    """Read no more rows than that: a text of one megabyte that stands in each of a million rows is in the file once."""
    import pyarrow

    batches, n_read, n_bytes = [], 0, 0
    for batch in file.iter_batches(min(max(n_rows, 1), _ROWS_AT_ONCE), row_groups=groups, columns=names):
        batches.append(batch)
        n_read, n_bytes = n_read + len(batch), n_bytes + batch.nbytes
        require(n_bytes, f"{n_read:,} rows of a Parquet file")
        if n_read >= n_rows:
            break
    schema = batches[0].schema if batches else file.read_row_groups([], columns=names).schema
    return pyarrow.Table.from_batches(batches, schema)


def _row_bytes(file: Any, names: list[str]) -> int:
    """Return the least that a row takes in memory: a file of equal values takes next to nothing for any number of rows."""
    chosen = set(names)
    return sum(_bits(field.type) for field in file.schema_arrow if field.name in chosen) // 8


def _bits(kind: Any) -> int:
    try:
        return int(kind.bit_width)
    except ValueError:  # it has none, as a text; where one ends is known of each
        return 32


def _group_sizes(file: Any) -> list[int]:
    return [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]


def _ends(file: Any) -> list[int]:
    """Return 0 and the row after the last of each group."""
    return [0, *accumulate(_group_sizes(file))]


def renamed(table: Any) -> Any:
    """Return the table with the names that Arrow gives to the members of lists."""
    import pyarrow

    return pyarrow.table({name: from_parquet_names(table.column(name)) for name in table.column_names})


def _joined(table: Any, other: Any) -> Any:
    if table is None or other is None:
        return table if other is None else other
    for name in other.column_names:
        table = table.append_column(name, other.column(name))
    return table
