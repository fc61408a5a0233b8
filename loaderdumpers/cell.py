"""Reads the dict in which ISF kept a neuron's Cell; the Cell itself needs ISF and NEURON. Loading it runs code. Only reads."""

from __future__ import annotations

import os
from typing import Any, Final

from loaderdumpers._isf import refuse_to_write
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
    refuse_to_write("cell", "to_cloudpickle where ISF is installed")


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
