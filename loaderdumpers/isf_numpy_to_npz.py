"""Reads the array that ISF's numpy_to_npz kept in ``np.npz``, compressed. Only reads: numpy_to_npz writes."""

from __future__ import annotations

import os
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import refusing

priority: Final = 79
explicit_only: Final = True
reads_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.isf:read_npz"
about: Final = {
    "types": ("numpy.ndarray",),
    "keeps": "nothing new: reads what ISF's `numpy_to_npz` wrote",
    "format": "npz",
    "files": "`np.npz`",
    "exact": True,
    "lazy": "",
    "append": False,
}

dump = refusing("isf_numpy_to_npz", "numpy_to_npz")


class Loader:
    """Reads the array."""

    def get(self, savedir: str) -> Any:
        """Return the array.

        Raises
        ------
        ValueError
            The file is damaged, holds no array of the name ISF gives, or Python objects.
        """
        return read_npz(os.path.join(savedir, "np.npz"))


def read_npz(path: str) -> Any:
    """Return the array that ISF put into an npz file under numpy's own name."""
    import zipfile

    import numpy

    try:
        with open(path, "rb") as file, numpy.load(file, allow_pickle=False) as found:
            return found["arr_0"]
    except (KeyError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{os.path.basename(path)} is damaged or none of ISF's ({error}); restore it from a copy") from error
