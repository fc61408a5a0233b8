"""Reads the dict in which ISF kept a neuron's Cell; the Cell itself needs ISF and NEURON. Loading it runs code. Only reads."""

from __future__ import annotations

import os
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import refusing
from loaderdumpers._isf_pickle import unpickle

priority: Final = 99
runs_code: Final = True
explicit_only: Final = True
reads_only: Final = True
about: Final = {
    "types": ("object",),
    "keeps": "nothing new: reads the dict that ISF's `cell` wrote",
    "format": "pickle",
    "files": "`cell`",
    "exact": True,
    "lazy": "",
    "append": False,
}

dump = refusing("cell", "to_cloudpickle where ISF is installed")


class Loader:
    """Unpickles the dict: runs whatever code the file holds."""

    def get(self, savedir: str) -> Any:
        """Return the dict of plain values and arrays from which ISF makes a Cell.

        Raises
        ------
        MissingDependencyError, LoadError
            As for any pickle of ISF.
        """
        found = unpickle(os.path.join(savedir, "cell"), encoding="latin1")
        return found.iloc[0] if type(found).__name__ == "Series" and len(found) == 1 else found
