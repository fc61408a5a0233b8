"""Reads the pickle in which ISF kept nearly everything, as it came from cloudpickle. Loading it runs code. Only reads."""

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
load_plainly: Final = "loaderdumpers.plainly.isf:read_pickle"
about: Final = {
    "types": ("object",),
    "keeps": "nothing new: reads what ISF's `to_cloudpickle` wrote",
    "format": "pickle",
    "files": "`to_pickle_dump`",
    "exact": True,
    "lazy": "",
    "append": False,
}

dump = refusing("isf_to_cloudpickle", "to_cloudpickle, or leave the choice to isfdb")


class Loader:
    """Unpickles the value: runs whatever code the file holds."""

    def get(self, savedir: str) -> Any:
        """Return the value.

        Raises
        ------
        MissingDependencyError
            The pickle names a library that is not installed, or ISF itself.
        LoadError
            It names what the installed versions of its libraries no longer have.
        """
        return unpickle(os.path.join(savedir, "to_pickle_dump"), encoding="ASCII")
