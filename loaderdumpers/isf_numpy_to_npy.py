"""Reads the array that ISF's numpy_to_npy kept in ``np.npy``; read whole or memory-mapped. Only reads: numpy_to_npy writes."""

from __future__ import annotations

import os
from typing import Any, Final

from loaderdumpers._isf import refuse_to_write

priority: Final = 79
explicit_only: Final = True
reads_only: Final = True
about: Final = {
    "types": ("numpy.ndarray",),
    "keeps": "nothing new: reads what ISF's `numpy_to_npy` wrote",
    "format": "npy",
    "files": "`np.npy`",
    "exact": True,
    "lazy": "memory map",
    "append": False,
}


def check(obj: Any) -> bool:
    """Accept nothing: this only reads."""
    return False


def dump(obj: Any, savedir: str, **options: Any) -> None:
    """Refuse, whatever options ISF took.

    Raises
    ------
    TypeError
        Always; it names the loaderdumper that writes.
    """
    refuse_to_write("isf_numpy_to_npy", "numpy_to_npy")


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
