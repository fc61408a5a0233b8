"""Keeps a pandas DataFrame, Series or Index in Parquet, exactly, or refuses it. Small on disk, and read by any program.

``data.parquet`` has the columns under their own names where those are texts that differ, else as c0, c1 ...; the index follows as
columns named ``index``. Columns of Arrow types that Parquet does not have lie beside it in ``data.arrow``. What neither can say
(labels, categories, frequency, attributes) stands in ``Loader.json`` or, where that would grow long, in ``frame.json``, with long
lists of labels, and sparse columns, in ``labels.parquet``. ``pandas_to_arrow`` keeps the same, larger and faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loaderdumpers._frame_reading import read_with_options
from loaderdumpers._frame_writing import Staged, Watch, describe, is_kept, read_plan, summarise
from loaderdumpers._growing_frames import extent as extent  # db.append and reading what grew look for these here
from loaderdumpers._growing_frames import fits as fits
from loaderdumpers._growing_frames import join as join
from loaderdumpers._growing_frames import join_lazily as join_lazily

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Loader", "check", "describe", "dump", "read", "summarise", "write"]

priority: Final = 25
has_parts: Final = True
requires: Final = {"pandas": "2.2", "pyarrow": "15"}
load_plainly: Final = "loaderdumpers.plainly.frames:read_parquet"
about: Final = {
    "types": ("pandas.DataFrame", "pandas.Series", "pandas.Index"),
    "keeps": "tables, series and indexes of any dtype of pandas; cells of plain Python values",
    "format": "Parquet",
    "files": "`data.parquet`, sometimes `labels.parquet`, `frame.json`, `data.arrow`, `attrs-0` ...",
    "exact": True,
    "lazy": "dask, with `lazy=True`; some columns, some rows",
    "append": True,
}

#: A filter, or a selection of rows, reads whole groups.
_ROWS_IN_A_GROUP: Final = 2**18


def check(obj: Any) -> bool:
    """Say whether `obj` comes back equal in every respect; looks at types and labels, and at each value of object columns."""
    return is_kept(obj)


def dump(obj: Any, savedir: str, *, compression: str = "zstd", row_group_size: int | None = None) -> dict[str, Any]:
    """Write `obj` as Parquet; never changes it.

    Parameters
    ----------
    obj : pandas.DataFrame, pandas.Series or pandas.Index
        The value.
    savedir : str
        Empty folder.
    compression : {'zstd', 'snappy', 'gzip', 'brotli', 'lz4', 'none'}
        How the columns are compressed.
    row_group_size : int, optional
        Rows in one group; filters and selections skip whole groups. Default: 262,144.

    Raises
    ------
    TypeError
        Something would not come back as it is; the message names it.
    """
    return write(obj, savedir, "", compression=compression, row_group_size=row_group_size)


def write(
    obj: Any, savedir: str, prefix: str, *, compression: str = "zstd", row_group_size: int | None = None, inline: bool = False
) -> dict[str, Any]:
    """Write `obj` to files whose names begin with `prefix` and return the arguments of :class:`Loader`; `inline`: never ``frame.json``."""
    from loaderdumpers._parquet_files import write_files

    staged = Staged(obj, "pandas_to_parquet")
    watch = Watch(staged.writer.sources)
    write_files(staged, savedir, prefix, compression=compression, row_group_size=row_group_size or _ROWS_IN_A_GROUP)
    watch.check()
    return staged.arguments(savedir, prefix, inline=inline)


class Loader:
    """Reads a frame, series or index.

    Parameters
    ----------
    plan : dict, optional
        What Parquet cannot say. Without it, it stands in ``frame.json``.
    parts : list of dict, optional
        The specs of attributes that lie in folders of their own.
    """

    def __init__(self, *, plan: dict[str, Any] | None = None, parts: list[dict[str, Any]] | None = None) -> None:
        self._plan, self._parts = plan, parts

    def get(
        self, savedir: str, *, columns: list[Any] | None = None, filters: Any = None, select: Any = None, lazy: bool = False
    ) -> pd.DataFrame | pd.Series | pd.Index:
        """Return the value.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        columns : list of labels, optional
            Only these columns, in this order; only they are read.
        filters : list of tuples, optional
            Only rows for which these hold, as ``[("rate", ">", 5.0)]``, in pyarrow's words; row groups that cannot match are not
            read. Missing values match nothing. An expression of pyarrow is taken too, with the names in the file.
        select : slice, integers, or (rows, columns), optional
            Only these positions, as ``numpy.s_[10:20, 3]``: what ``iloc`` gives. Row groups without them are not read.
        lazy : bool
            Return a dask DataFrame or Series that reads a row group at a time.

        Raises
        ------
        ValueError
            A column asked for does not exist, or the files contradict each other.
        """
        return read(savedir, "", self._plan, columns=columns, filters=filters, select=select, lazy=lazy, parts=self._parts)


def read(
    savedir: str,
    prefix: str,
    plan: dict[str, Any] | None,
    *,
    columns: list[Any] | None = None,
    filters: Any = None,
    select: Any = None,
    lazy: bool = False,
    parts: list[dict[str, Any]] | None = None,
) -> Any:
    """Read what :func:`write` wrote."""
    from loaderdumpers._parquet_files import ParquetFiles

    plan = read_plan(savedir, prefix, plan)
    files = ParquetFiles(savedir, prefix, plan["rows"])
    return read_with_options(plan, files, __name__, savedir, columns=columns, filters=filters, select=select, lazy=lazy, parts=parts)
