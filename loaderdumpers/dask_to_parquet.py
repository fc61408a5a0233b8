"""Keeps a dask DataFrame, Series or Index in Parquet, a file a partition; read back lazily, partitions and divisions as they were.

Each partition is computed and written by itself, so a frame larger than memory is fine. What lies in the partitions must be what the
frame's meta and divisions promise, or nothing is kept. Takes less room than dask_to_arrow, and more time.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Final

from loaderdumpers import _dask_frames
from loaderdumpers._arrow_columns import Own, own_copy

priority: Final = 40
explicit_only: Final = True
requires: Final = {"dask": "2024.12", "pyarrow": "15"}
load_plainly: Final = "loaderdumpers.plainly.frames:read_dask_frame"
about: Final = {
    "types": ("dask.dataframe.DataFrame", "dask.dataframe.Series", "dask.dataframe.Index"),
    "keeps": "dask frames, series and indexes of any length, compressed",
    "format": "Parquet",
    "files": "`part-00000.data.parquet` ..., `meta.data.parquet`, `partitions.json`",
    "exact": True,
    "lazy": "dask frame",
    "append": False,
}

check = _dask_frames.check
describe = _dask_frames.describe


def dump(obj: Any, savedir: str, *, compression: str = "zstd", progress: bool | None = None, client: Any = None) -> dict[str, Any]:
    """Compute and write each partition by the active client, or by threads of this process.

    Parameters
    ----------
    obj : dask.dataframe.DataFrame, Series or Index
        The value; it may read, lazily, the version before the one that is written.
    savedir : str
        Empty folder. Where a cluster computes, its workers must reach it under the same path.
    compression : {'zstd', 'snappy', 'gzip', 'brotli', 'lz4', 'none'}
        How the columns are compressed.
    progress : bool, optional
        Show a progress bar. Default: on a terminal or in a notebook, once the work takes a second.
    client : distributed.Client, optional
        Let this one compute, as users of ISF say it. Default: the active one.

    Raises
    ------
    TypeError
        Something is not kept exactly.
    ValueError
        A partition is not what the frame's meta and divisions promise.
    """
    import dask

    with dask.config.set(scheduler=client) if client is not None else nullcontext():
        return _dask_frames.dump(obj, savedir, _form(compression), progress=progress, name="dask_to_parquet")


def _form(compression: str = "zstd") -> _dask_frames.FileFormat:
    return _dask_frames.FileFormat("parquet", partial(_write, compression=compression), _rows, _read)


def _write(table: Any, path: str, *, compression: str) -> None:
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, path, compression=compression)


def _rows(path: str) -> int:
    import pyarrow.parquet

    return int(pyarrow.parquet.read_metadata(path).num_rows)


def _read(path: str, names: Sequence[str] | None) -> tuple[Any, Own]:
    import pyarrow.parquet

    from loaderdumpers._parquet_files import first_rows, is_looked_at

    if is_looked_at():
        file = pyarrow.parquet.ParquetFile(path)
        names = file.schema_arrow.names if names is None else list(names)
        return first_rows(file, list(range(file.num_row_groups)), names, file.metadata.num_rows), own_copy
    return pyarrow.parquet.read_table(path, columns=names, partitioning=None), own_copy


class Loader:
    """Makes the lazy frame again.

    Parameters
    ----------
    npartitions : int
        How many partitions there are.
    width : int
        Digits of the number in a file's name.
    digest : str, optional
        Digest of ``partitions.json``.
    """

    def __init__(self, *, npartitions: int, width: int, digest: str | None = None) -> None:
        self._arguments = {"npartitions": npartitions, "width": width, "digest": digest}

    def get(self, savedir: str, *, columns: list[Any] | None = None, filters: Any = None, partitions: Any = None) -> Any:
        """Return the lazy frame; nothing but ``partitions.json`` is read yet.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        columns : list of labels, optional
            Only these columns, in this order. Columns that nothing uses are not read in any case.
        filters : list of tuples, optional
            Only rows for which these hold, as ``[("rate", ">", 5.0)]``, in pyarrow's words and with the names in the files.
        partitions : slice, int or list of int, optional
            Only these partitions.

        Raises
        ------
        ValueError
            The files contradict each other, or something asked for does not exist.
        """
        return _dask_frames.load(savedir, _form(), self._arguments, columns=columns, filters=filters, partitions=partitions)
