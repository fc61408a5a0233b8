"""Reads, lazily, the frame that ISF's dask_to_msgpack kept as it was, one file a partition. Only reads: dask_to_parquet writes."""

from __future__ import annotations

from typing import Final

from loaderdumpers._isf import accepts_nothing as check
from loaderdumpers._isf import refusing
from loaderdumpers._isf_dask_msgpack import Loader

priority: Final = 79
extra: Final = "isf"
explicit_only: Final = True
reads_only: Final = True
__all__ = ["Loader", "about", "check", "dump"]
about: Final = {
    "types": ("dask.dataframe.DataFrame",),
    "keeps": "nothing new: reads what ISF's `dask_to_msgpack` wrote",
    "format": "pandas msgpack",
    "files": "`dask_to_msgpack.0.csv` ...",
    "exact": True,
    "lazy": "yes",
    "append": False,
}

dump = refusing("dask_to_msgpack", "dask_to_parquet")
