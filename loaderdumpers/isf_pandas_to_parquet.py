"""Reads the frame that ISF's pandas_to_parquet kept, with the labels and dtypes it had. Only reads: pandas_to_parquet writes."""

from __future__ import annotations

import os
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import read_object_meta, refusing
from loaderdumpers._isf_parquet import read_frame

priority: Final = 79
explicit_only: Final = True
reads_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.isf:read_parquet"
about: Final = {
    "types": ("pandas.DataFrame",),
    "keeps": "nothing new: reads what ISF's `pandas_to_parquet` wrote",
    "format": "Parquet",
    "files": "`pandas_to_parquet.parquet`, `object_meta.json`",
    "exact": True,
    "lazy": "some columns",
    "append": False,
}

dump = refusing("isf_pandas_to_parquet", "pandas_to_parquet")


class Loader:
    """Reads the frame."""

    def get(self, savedir: str, *, columns: list[Any] | None = None) -> Any:
        """Return the frame.

        Parameters
        ----------
        savedir : str
            ISF's folder of the key.
        columns : list of labels, optional
            Only these columns, in this order; only they are read.

        Raises
        ------
        ValueError
            A column asked for does not exist, or the files contradict each other.
        """
        return read_frame(os.path.join(savedir, "pandas_to_parquet.parquet"), read_object_meta(savedir), columns)
