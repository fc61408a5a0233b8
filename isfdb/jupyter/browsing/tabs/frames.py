"""Tables of any size, a page at a time: so many rows and columns are read, never the whole table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from isfdb.display import html
from isfdb.jupyter.browsing.tabs.pieces import Notice, Pager, column, note, piece, show, told

N_ROWS: Final = 20
N_COLUMNS: Final = 12
_CELL: Final = 60


@dataclass(frozen=True)
class FrameSource:
    """A table of which parts can be read.

    Attributes
    ----------
    label : str
        What it is, for the words.
    n_rows : int
    columns : tuple
        Their labels, as the table has them; empty for one that is read with all of them.
    read : callable
        Is given the first row, the row after the last, and the labels of columns or None for all; returns that part.
    n_parts : int
        Partitions, of a table that is read by them; else 0.
    part : callable, optional
        Is given the number of a partition, counted from 0, and returns it as a table in memory.
    """

    label: str
    n_rows: int
    columns: tuple[Any, ...]
    read: Callable[[int, int, list[Any] | None], Any]
    n_parts: int = 0
    part: Callable[[int], Any] | None = None

    def of_part(self, number: int) -> FrameSource:
        """Return one partition as a table of its own."""
        if self.part is None:
            return self
        frame = self.part(number)
        frame = frame.to_frame() if not hasattr(frame, "columns") else frame

        def read(first: int, last: int, columns: list[Any] | None) -> Any:
            return (frame if columns is None else frame[columns]).iloc[first:last]

        return FrameSource(self.label, len(frame), tuple(frame.columns), read)

    @property
    def n_pages(self) -> int:
        """How many pages the rows fill."""
        return max(1, -(-self.n_rows // N_ROWS))

    @property
    def n_column_pages(self) -> int:
        """How many pages the columns fill."""
        return max(1, -(-len(self.columns) // N_COLUMNS))


def frame_html(source: FrameSource, page: int, column_page: int = 1) -> str:
    """Return a page of a table as HTML."""
    source = source.of_part(0)
    first = (page - 1) * N_ROWS
    last = min(first + N_ROWS, source.n_rows)
    begin = (column_page - 1) * N_COLUMNS
    columns = list(source.columns[begin : begin + N_COLUMNS]) if source.n_column_pages > 1 else []
    names, rows = table_of(source.read(first, last, columns or None))
    where = f"rows {first:,} to {last - 1:,} of {source.n_rows:,}" if last > first else "no rows"
    wide = f", columns {begin + 1:,} to {begin + len(columns):,} of {len(source.columns):,}" if columns else ""
    return html.table(names, rows, limit=_CELL) + note(where + wide)


def table_of(part: Any) -> tuple[list[str], list[Sequence[str]]]:
    """Return names and rows of a small table, the types first: of pandas, polars or pyarrow."""
    if hasattr(part, "iloc"):
        return _of_pandas(part)
    if hasattr(part, "column_names"):  # pyarrow
        columns = [part.column(number).to_pylist() for number in range(min(part.num_columns, N_COLUMNS))]
        names, types = part.column_names[:N_COLUMNS], [str(kind) for kind in part.schema.types[:N_COLUMNS]]
        return list(map(str, names)), [types, *[tuple(map(_cell, one)) for one in zip(*columns, strict=True)]]
    frame = part if hasattr(part, "columns") else part.to_frame()
    rows = [tuple(map(_cell, one)) for one in frame[:, :N_COLUMNS].rows()]
    return [str(name) for name in frame.columns[:N_COLUMNS]], [[str(kind) for kind in frame.dtypes[:N_COLUMNS]], *rows]


def _of_pandas(part: Any) -> tuple[list[str], list[Sequence[str]]]:
    if not hasattr(part, "columns"):  # a Series, or an Index, which has no rows but its members
        part = part.to_frame() if hasattr(part, "to_frame") else part
    head = part.iloc[:, :N_COLUMNS]
    index = str(head.index.name) if head.index.name is not None else "index"
    rows = [tuple(map(_cell, one)) for one in head.itertuples(index=True, name=None)]
    types = ["", *[str(kind) for kind in head.dtypes]]
    return [index, *[str(name) for name in head.columns]], [types, *rows]


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)[: _CELL + 1]


class FrameView:
    """Shows a table: pages of rows, pages of columns where there are many.

    Parameters
    ----------
    source : FrameSource
    notice : Notice
        Where it is told if a part cannot be read.
    """

    def __init__(self, source: FrameSource, notice: Notice) -> None:
        self._whole, self._notice = source, notice
        self.source = source.of_part(0)
        self.parts = Pager(source.n_parts, "partitions", self._other_part, notice, words="partition")
        self.rows = Pager(self.source.n_pages, "rows", self.draw, notice)
        self.columns = Pager(self.source.n_column_pages, "columns", self.draw, notice, words="columns")
        self.table = piece()
        by_parts = self.parts.widget if source.n_parts > 1 else None
        by_columns = self.columns.widget if self.source.n_column_pages > 1 else None
        self.widget = column(by_parts, self.rows.widget, by_columns, self.table)
        self.draw()

    def _other_part(self) -> None:
        self.source = self._whole.of_part(self.parts.number.value - 1)
        self.rows.resize(self.source.n_pages)
        self.columns.resize(self.source.n_column_pages)
        self.rows.number.value = 1
        self.draw()

    def draw(self) -> None:
        """Read the page, and show it."""
        with told(self._notice):
            show(self.table, frame_html(self.source, self.rows.number.value, self.columns.number.value))
            self._notice.say("")
