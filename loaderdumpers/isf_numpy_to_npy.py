"""Reads the array that ISF's numpy_to_npy kept in ``np.npy``; read whole or memory-mapped. Only reads: numpy_to_npy writes."""

from __future__ import annotations

import os
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import refusing

priority: Final = 79
explicit_only: Final = True
reads_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.isf:read_npy"
about: Final = {
    "types": ("numpy.ndarray",),
    "keeps": "nothing new: reads what ISF's `numpy_to_npy` wrote",
    "format": "npy",
    "files": "`np.npy`",
    "exact": True,
    "lazy": "memory map",
    "append": False,
}

dump = refusing("isf_numpy_to_npy", "numpy_to_npy")


class Loader:
    """Reads or maps the array."""

    def get(self, savedir: str, *, mmap: str | None = None) -> Any:
        """Return the array.

        Parameters
        ----------
        savedir : str
            ISF's folder of the key.
        mmap : {'r', 'c', None}
            Read-only memory map, memory map whose changes stay in memory, or read whole.

        Raises
        ------
        ValueError
            The file is damaged, or holds Python objects, which ISF itself could not read back.
        """
        import numpy

        if mmap not in ("r", "c", None):
            raise ValueError(f"mmap is {mmap!r}; use 'r' (read-only), 'c' (copy on write) or None (read whole)")
        array = numpy.load(os.path.join(savedir, "np.npy"), mmap_mode=mmap, allow_pickle=False)
        return array.view(numpy.ndarray) if mmap else array
