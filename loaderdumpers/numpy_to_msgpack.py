"""Reads the array that ISF's numpy_to_msgpack kept as a frame; what had one dimension has two. Only reads: numpy_to_npy writes."""

from __future__ import annotations

import os
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import refusing
from loaderdumpers._pandas_msgpack import read_msgpack

priority: Final = 79
extra: Final = "isf"
explicit_only: Final = True
reads_only: Final = True
about: Final = {
    "types": ("numpy.ndarray",),
    "keeps": "nothing new: reads what ISF's `numpy_to_msgpack` wrote",
    "format": "pandas msgpack",
    "files": "`pandas_to_msgpack`",
    "exact": False,
    "lazy": "",
    "append": False,
}

dump = refusing("numpy_to_msgpack", "numpy_to_npy, or numpy_to_npz to compress")


class Loader:
    """Reads the array."""

    def get(self, savedir: str) -> Any:
        """Return the array, with two dimensions: ISF itself changed one dimension to a single column.

        Raises
        ------
        ValueError
            The file is damaged, or holds no frame.
        """
        import numpy

        found = read_msgpack(os.path.join(savedir, "pandas_to_msgpack"))
        if type(found).__name__ != "DataFrame":
            raise ValueError(f"pandas_to_msgpack holds a {type(found).__name__}, not the frame that ISF made of an array")
        return numpy.ascontiguousarray(found.to_numpy())
