"""Reads a generation of ISF's optimiser: objectives and parameters of each individual, as one frame. Only reads."""

from __future__ import annotations

import os
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import refusing
from loaderdumpers.isf_numpy_to_npz import read_npz

priority: Final = 79
explicit_only: Final = True
reads_only: Final = True
about: Final = {
    "types": ("pandas.DataFrame",),
    "keeps": "nothing new: reads what ISF's `genetic_algorithm_generation` wrote",
    "format": "npz",
    "files": "`objectives.npz`, `parameters.npz`",
    "exact": True,
    "lazy": "",
    "append": False,
}

dump = refusing("genetic_algorithm_generation", "pandas_to_parquet")


class Loader:
    """Reads the generation.

    Parameters
    ----------
    generation : int, optional
        Its number.
    parameters, objectives : list of str, optional
        The names of the columns.
    """

    def __init__(self, *, generation: int | None = None, parameters: list[str] | None = None, objectives: list[str] | None = None) -> None:
        self._parameters, self._objectives = parameters, objectives

    def get(self, savedir: str) -> Any:
        """Return a frame with a row for each individual: first its objectives, then its parameters.

        Raises
        ------
        ValueError
            A file is damaged, or has another number of columns than there are names.
        """
        import pandas

        found = [
            pandas.DataFrame(read_npz(os.path.join(savedir, f"{name}.npz")), columns=labels)
            for name, labels in (("objectives", self._objectives), ("parameters", self._parameters))
        ]
        return pandas.concat(found, axis=1)
