"""Reads the frame or series that ISF's pandas_to_msgpack kept, in one file or several. Only reads: pandas_to_parquet writes."""

from __future__ import annotations

import os
import re
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import numbered, refusing
from loaderdumpers._pandas_msgpack import read_msgpack

priority: Final = 79
extra: Final = "isf"
explicit_only: Final = True
reads_only: Final = True
about: Final = {
    "types": ("pandas.DataFrame", "pandas.Series"),
    "keeps": "nothing new: reads what ISF's `pandas_to_msgpack` wrote",
    "format": "pandas msgpack",
    "files": "`pandas_to_msgpack` or `pandas_to_msgpack_0` ...",
    "exact": True,
    "lazy": "",
    "append": False,
}

dump = refusing("pandas_to_msgpack", "pandas_to_parquet")

_PART: Final = re.compile(r"pandas_to_msgpack_(\d+)")


class Loader:
    """Reads the frame or series."""

    def get(self, savedir: str) -> Any:
        """Return the frame or series.

        Raises
        ------
        ValueError
            A file is missing or damaged.
        """
        import pandas

        whole = os.path.join(savedir, "pandas_to_msgpack")
        if os.path.exists(whole):
            return read_msgpack(whole)
        found = {int(match[1]): name for name in os.listdir(savedir) if (match := _PART.fullmatch(name))}
        parts = [read_msgpack(path) for path in numbered(savedir, found, "the files pandas_to_msgpack_0 ...")]
        whole_value = pandas.concat(parts)
        if all(part.index.dtype == object for part in parts):  # pandas 3 would make a dtype of its own of texts
            labels = [label for part in parts for label in part.index]
            whole_value.index = pandas.Index(labels, dtype=object, name=parts[0].index.name)
        return whole_value
