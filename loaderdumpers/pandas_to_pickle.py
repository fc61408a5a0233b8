"""Keeps a DataFrame or Series by pickle when named, and reads what ISF's pandas_to_pickle kept. Loading it runs code."""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any, Final

from isfdb.hashing import open_hashed
from loaderdumpers._isf_pickle import unpickle

priority: Final = 96
runs_code: Final = True
explicit_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.values:read_pickle"
about: Final = {
    "types": ("pandas.DataFrame", "pandas.Series"),
    "keeps": "frames and series, object columns too",
    "format": "pickle",
    "files": "`data.pickle`; ISF's `pandas_to_pickle.pickle`",
    "exact": True,
    "lazy": "",
    "append": False,
}


def check(obj: Any) -> bool:
    """Say whether `obj` is a DataFrame or Series itself."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and type(obj) in (getattr(pandas, "DataFrame", None), getattr(pandas, "Series", None))


def describe(obj: Any) -> dict[str, Any]:
    """Return type and shape."""
    return {"type": type(obj).__name__, "shape": list(obj.shape)}


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Write `obj` to ``data.pickle``.

    Raises
    ------
    TypeError
        `obj` is no DataFrame or Series.
    """
    if not check(obj):
        raise TypeError(f"pandas_to_pickle keeps a DataFrame or Series, not {type(obj).__qualname__}; use to_pickle")
    with open_hashed(os.path.join(savedir, "data.pickle")) as file:
        pickle.dump(obj, file, protocol=5)
    return {"file": "data.pickle"}


class Loader:
    """Unpickles the frame: runs whatever code the file holds.

    Parameters
    ----------
    file : str, optional
        Its file; without it that of ISF.
    """

    def __init__(self, *, file: str = "pandas_to_pickle.pickle") -> None:
        if file not in ("data.pickle", "pandas_to_pickle.pickle"):
            raise ValueError(f"{file!r} is no file of pandas_to_pickle; Loader.json was changed")
        self._file = file

    def get(self, savedir: str) -> Any:
        """Return the frame or series."""
        return unpickle(os.path.join(savedir, self._file), encoding="latin1")
