"""Keeps a value by the standard library's pickle, protocol 5, when named; to_cloudpickle is what isfdb chooses by itself.

The file needs no cloudpickle to load, but classes and functions must be importable. Loading it runs code.
"""

from __future__ import annotations

import os
import pickle
from typing import Any, Final

from isfdb.hashing import open_hashed

priority: Final = 95
runs_code: Final = True
explicit_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.values:read_pickle"
about: Final = {
    "types": ("object",),
    "keeps": "anything that the standard library pickles",
    "format": "pickle",
    "files": "`data.pickle`",
    "exact": True,
    "lazy": "",
    "append": False,
}


def check(obj: Any) -> bool:
    """Accept everything; what cannot be pickled fails in :func:`dump` with pickle's own words."""
    return True


def describe(obj: Any) -> dict[str, Any]:
    """Return the full name of the type."""
    kind = type(obj)
    return {"type": f"{kind.__module__}.{kind.__qualname__}"[:200]}


def dump(obj: Any, savedir: str) -> None:
    """Write `obj` to ``data.pickle``.

    Raises
    ------
    TypeError, AttributeError, pickle.PicklingError
        `obj` contains something that cannot be pickled.
    """
    with open_hashed(os.path.join(savedir, "data.pickle")) as file:
        pickle.dump(obj, file, protocol=5)


class Loader:
    """Unpickles the value: runs whatever code the file holds."""

    def get(self, savedir: str) -> Any:
        """Return the value."""
        with open(os.path.join(savedir, "data.pickle"), "rb") as file:
            return pickle.load(file)
