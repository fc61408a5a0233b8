"""Keeps a pandas DataFrame, Series or Index in an Arrow file, exactly, or refuses it. Fast: columns are mapped, not read.

``data.arrow`` is an uncompressed Arrow file (Feather, version 2) with the columns under their own names where those are texts that
differ, else as c0, c1 ...; the index follows as columns named ``index``. What it cannot say stands in ``Loader.json`` or
``frame.json``, long lists of labels and sparse columns in ``labels.arrow``. ``pandas_to_parquet`` keeps the same in a third of the
space; which of the two ``db[key] = frame`` takes is the setting ``frame_format``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from isfdb.options import option
from loaderdumpers._frame_reading import read_with_options
from loaderdumpers._frame_writing import Staged, Watch, changed, describe, is_kept, is_pandas, read_plan, summarise
from loaderdumpers._growing_frames import extent as extent  # db.append and reading what grew look for these here
from loaderdumpers._growing_frames import fits as fits
from loaderdumpers._growing_frames import join as join
from loaderdumpers._growing_frames import join_lazily as join_lazily

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Loader", "check", "describe", "dump", "summarise"]

priority: Final = 24
has_parts: Final = True
requires: Final = {"pandas": "2.2", "pyarrow": "15"}
load_plainly: Final = "loaderdumpers.plainly.frames:read_parquet"
about: Final = {
    "types": ("pandas.DataFrame", "pandas.Series", "pandas.Index"),
    "keeps": 'what `pandas_to_parquet` keeps; chosen when `frame_format` is "arrow"',
    "format": "Arrow IPC",
    "files": "`data.arrow`, sometimes `labels.arrow`, `frame.json`, `attrs-0` ...",
    "exact": True,
    "lazy": "memory map; dask, with `lazy=True`; some columns, some rows",
    "append": True,
}

_ROWS_OF_A_PARTITION: Final = 2**18


def check(obj: Any) -> bool:
    """Say whether the setting ``frame_format`` asks for Arrow files, and `obj` comes back equal in every respect."""
    return is_pandas(obj) and option("frame_format") == "arrow" and is_kept(obj)


def dump(obj: Any, savedir: str, *, compression: str | None = None) -> dict[str, Any]:
    """Write `obj` as an Arrow file; never changes it.

    Parameters
    ----------
    obj : pandas.DataFrame, pandas.Series or pandas.Index
        The value.
    savedir : str
        Empty folder.
    compression : {'lz4', 'zstd'}, optional
        How columns are compressed. They are then unpacked when read, not mapped. Default: not at all.

    Raises
    ------
    TypeError
        Something would not come back as it is; the message names it.
    """
    import pyarrow

    from loaderdumpers._arrow_files import write_ipc

    staged = Staged(obj, "pandas_to_arrow")
    shared, copied = _shared_and_copied(staged, may_share=compression is None)
    watch = Watch(copied)
    path = os.path.join(savedir, "data.arrow")
    if staged.writer.columns:
        write_ipc(pyarrow.table(staged.writer.columns), path, compression=compression)
    labels = staged.label_lists()
    if labels is not None:
        write_ipc(labels, os.path.join(savedir, "labels.arrow"), compression=compression)
    watch.check()
    _compare_with_file(shared, path, staged.plan["rows"])
    return staged.arguments(savedir, "", inline=False)


def _shared_and_copied(staged: Staged, *, may_share: bool) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """Part the columns whose own memory is written from those that were turned into something else first."""
    shared: list[tuple[str, Any]] = []
    copied: list[tuple[str, Any]] = []
    for name, source in staged.writer.sources:
        array = staged.writer.columns.get(name)
        buffers = array.buffers() if array is not None and hasattr(array, "buffers") else []
        is_same = may_share and len(buffers) == 2 and buffers[1] is not None and source.flags.c_contiguous
        is_same = is_same and buffers[1].address == source.__array_interface__["data"][0]
        (shared if is_same else copied).append((name, source))
    return shared, copied


def _compare_with_file(shared: list[tuple[str, Any]], path: str, rows: int) -> None:
    """Compare what the file has with what memory has now: cheaper than two digests, and what differs was changed meanwhile."""
    import pyarrow

    from loaderdumpers._arrow_files import ArrowFile

    if not shared:
        return
    table = ArrowFile(path, rows, "r").table([name for name, _ in shared])
    for name, source in shared:
        written = table.column(name).chunk(0).buffers()[1] if source.nbytes else None
        if written is not None and not written.slice(0, source.nbytes).equals(pyarrow.py_buffer(source.view("u1"))):
            raise changed(name)


class Loader:
    """Reads a frame, series or index.

    Parameters
    ----------
    plan : dict, optional
        What the Arrow file cannot say. Without it, it stands in ``frame.json``.
    parts : list of dict, optional
        The specs of attributes that lie in folders of their own.
    """

    def __init__(self, *, plan: dict[str, Any] | None = None, parts: list[dict[str, Any]] | None = None) -> None:
        self._plan, self._parts = plan, parts

    def get(
        self,
        savedir: str,
        *,
        columns: list[Any] | None = None,
        filters: Any = None,
        select: Any = None,
        lazy: bool = False,
        mmap: str | None = "c",
    ) -> pd.DataFrame | pd.Series | pd.Index:
        """Return the value.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        columns : list of labels, optional
            Only these columns, in this order; only they are read.
        filters : list of tuples, optional
            Only rows for which these hold, as ``[("rate", ">", 5.0)]``, in pyarrow's words. Missing values match nothing. An
            expression of pyarrow is taken too, with the names in the file.
        select : slice, integers, or (rows, columns), optional
            Only these positions, as ``numpy.s_[10:20, 3]``: what ``iloc`` gives.
        lazy : bool
            Return a dask DataFrame or Series that reads a stretch of rows at a time.
        mmap : {'c', 'r', None}
            'c': the file is mapped; what is changed stays in memory, and is read when it is first used. 'r': mapped, and numeric
            columns cannot be changed. None: read at once.

        Raises
        ------
        ValueError
            A column asked for does not exist, or the files contradict each other.
        """
        plan = read_plan(savedir, "", self._plan)
        files = _Files(savedir, plan["rows"], mmap)
        return read_with_options(
            plan, files, __name__, savedir, columns=columns, filters=filters, select=select, lazy=lazy, parts=self._parts
        )


class _Files:
    """The stored columns of one value, in the form that ``_frame_reading`` wants."""

    where = "data.arrow"

    def __init__(self, savedir: str, rows: int, mmap: str | None) -> None:
        self._savedir, self._rows, self._mmap = savedir, rows, mmap
        self._file: Any = None
        self._labels: Any = None

    def _opened(self) -> Any:
        from loaderdumpers._arrow_files import ArrowFile

        if self._file is None:
            self._file = ArrowFile(os.path.join(self._savedir, "data.arrow"), self._rows, self._mmap)
        return self._file

    def own(self, view: Any, /) -> Any:
        return view.copy() if self._file is None else self._file.memory.own(view)

    def table(self, specs: list[dict[str, Any]], start: int, stop: int) -> Any:
        if not specs:
            return None
        table = self._opened().table([spec["in"] for spec in specs])
        return table if (start, stop) == (0, self._rows) else table.slice(start, stop - start)

    def rows(self, specs: list[dict[str, Any]], places: Any) -> Any:
        return self.table(specs, 0, self._rows).take(places) if specs else None

    def label(self, name: str) -> Any:
        from loaderdumpers._arrow_files import ArrowFile, list_in

        if self._labels is None:
            self._labels = ArrowFile(os.path.join(self._savedir, "labels.arrow"), 1).everything()
        return list_in(self._labels, name, "labels.arrow")

    def may_match(self, expression: Any) -> None:
        return None  # an Arrow file has no statistics

    def chunks(self) -> list[tuple[int, int]]:
        starts = range(0, max(self._rows, 1), _ROWS_OF_A_PARTITION)
        return [(start, min(start + _ROWS_OF_A_PARTITION, self._rows)) for start in starts]
