"""Keeps a dask DataFrame, Series or Index as Arrow files, one a partition; read back lazily, partitions and divisions as they were.

Each partition is computed and written by itself, so a frame larger than memory is fine. What lies in the partitions must be what the
frame's meta and divisions promise, or nothing is kept. Uncompressed, so that reading maps the file; dask_to_parquet takes less room.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from isfdb.memory import require
from loaderdumpers import _dask_frames
from loaderdumpers._arrow_columns import Own, own_copy

priority: Final = 39
requires: Final = {"dask": "2024.12", "pyarrow": "15"}
load_plainly: Final = "loaderdumpers.plainly.frames:read_dask_frame"
about: Final = {
    "types": ("dask.dataframe.DataFrame", "dask.dataframe.Series", "dask.dataframe.Index"),
    "keeps": "dask frames, series and indexes of any length",
    "format": "Arrow",
    "files": "`part-00000.data.arrow` ..., `meta.data.arrow`, `partitions.json`",
    "exact": True,
    "lazy": "dask frame",
    "append": False,
}

check = _dask_frames.check
describe = _dask_frames.describe


def dump(obj: Any, savedir: str, *, compression: str = "none", progress: bool | None = None) -> dict[str, Any]:
    """Compute and write each partition by the active client, or by threads of this process.

    Parameters
    ----------
    obj : dask.dataframe.DataFrame, Series or Index
        The value; it may read, lazily, the version before the one that is written.
    savedir : str
        Empty folder. Where a cluster computes, its workers must reach it under the same path.
    compression : {'none', 'lz4', 'zstd'}
        How the columns are compressed. Compressed files are not mapped.
    progress : bool, optional
        Show a progress bar. Default: on a terminal or in a notebook, once the work takes a second.

    Raises
    ------
    TypeError
        Something is not kept exactly.
    ValueError
        A partition is not what the frame's meta and divisions promise.
    """
    if compression not in ("none", "lz4", "zstd"):
        raise TypeError(f"dask_to_arrow has no compression {compression!r}; use 'none', 'lz4' or 'zstd'")
    return _dask_frames.dump(obj, savedir, _form(compression), progress=progress, name="dask_to_arrow")


def _form(compression: str = "none") -> _dask_frames.FileFormat:
    return _dask_frames.FileFormat("arrow", partial(_write, compression=compression), _rows, _read)


def _write(table: Any, path: str, *, compression: str) -> None:
    from loaderdumpers._arrow_files import write_ipc

    write_ipc(table, path, compression=None if compression == "none" else compression)


def _rows(path: str) -> int:
    return len(_read(path, [])[0])


def _read(path: str, names: Sequence[str] | None) -> tuple[Any, Own]:
    """Map the file: all columns so that changes stay in memory, some for reading only, for then they are copied."""
    import pyarrow

    from loaderdumpers._arrow_claims import claimed_bytes
    from loaderdumpers._arrow_files import Memory

    # Threads of pyarrow would only make tasks of dask wait for each other.
    options = pyarrow.ipc.IpcReadOptions(use_threads=False)
    memory = Memory(path, "r")
    schema = pyarrow.ipc.open_file(pyarrow.py_buffer(memory.bytes), options=options).schema
    is_some = names is not None and len(names) < len(schema)
    if is_some:
        options.included_fields = [schema.get_field_index(name) for name in names or ()]
    else:
        memory = Memory(path, "c")
    require(claimed_bytes(memory.bytes), path)
    table = pyarrow.ipc.open_file(pyarrow.py_buffer(memory.bytes), options=options).read_all()
    return table, own_copy if is_some else memory.own


class Loader:
    """Makes the lazy frame again.

    Parameters
    ----------
    npartitions : int
        How many partitions there are.
    width : int
        Digits of the number in a file's name.
    digest : str
        Digest of ``partitions.json``.
    """

    def __init__(self, *, npartitions: int, width: int, digest: str) -> None:
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
