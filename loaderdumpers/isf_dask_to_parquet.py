"""Reads, lazily, the frame that ISF's dask_to_parquet kept, one file a partition. Only reads: dask_to_parquet writes."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import divisions_of, lazy_frame, numbered, read_object_meta, refusing
from loaderdumpers._isf_parquet import index_bounds, read_frame

priority: Final = 79
explicit_only: Final = True
reads_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.isf:read_parquet"
about: Final = {
    "types": ("dask.dataframe.DataFrame",),
    "keeps": "nothing new: reads what ISF's `dask_to_parquet` wrote",
    "format": "Parquet",
    "files": "`pandas_to_parquet.2.0.parquet` ..., `divisions.json`, `object_meta.json`",
    "exact": True,
    "lazy": "yes",
    "append": False,
}

dump = refusing("isf_dask_to_parquet", "dask_to_parquet")

_NAME: Final = re.compile(r"pandas_to_parquet\.(\d+)\.(\d+)\.parquet")


class Loader:
    """Makes the lazy frame again."""

    def get(self, savedir: str, *, columns: list[Any] | None = None) -> Any:
        """Return the lazy frame.

        ISF's divisions are used where they can be believed; else they are taken from what Parquet noted about the index, or are unknown.

        Parameters
        ----------
        savedir : str
            ISF's folder of the key.
        columns : list of labels, optional
            Only these columns, in this order. Columns that nothing uses are not read in any case.

        Raises
        ------
        ValueError
            A partition is missing, or the files contradict each other.
        """
        folder = os.path.abspath(savedir)
        paths, meta = _partitions(folder), read_object_meta(folder)
        empty = read_frame(paths[0], meta, None, rows=False)
        divisions = divisions_of(_said(folder), len(paths), empty.index.dtype) or index_bounds(paths)
        parts = [(path, meta) for path in paths]
        frame = lazy_frame(_read_partition, parts, empty, divisions)
        return frame if columns is None else frame[list(columns)]


def _partitions(folder: str) -> list[str]:
    """Return the files in order: their names say how many there are."""
    found: dict[int, str] = {}
    totals = set()
    for name in os.listdir(folder):
        match = _NAME.fullmatch(name)
        if match:
            totals.add(int(match[1]))
            found[int(match[2])] = name
    paths = numbered(folder, found, "the Parquet files")
    if totals != {len(paths)}:
        raise ValueError(f"there are {len(paths)} Parquet files in {folder} where their names speak of {sorted(totals)}; restore them")
    return paths


def _said(folder: str) -> Any:
    path = os.path.join(folder, "divisions.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _read_partition(part: tuple[str, Any], columns: list[Any] | None = None) -> Any:
    return read_frame(part[0], part[1], columns)
