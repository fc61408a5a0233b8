"""Loads ISF's pickles, written by Python 2 or 3 and by pandas long past. Runs code: only loaderdumpers that say so use it."""

from __future__ import annotations

import os
import pickle
from typing import Any

from loaderdumpers._isf import refuse_import


def unpickle(path: str, *, encoding: str) -> Any:
    """Return what a pickle holds.

    Parameters
    ----------
    path : str
    encoding : str
        Of the texts that Python 2 wrote.

    Raises
    ------
    MissingDependencyError, LoadError
        It names a library, or something in one, that is not there.
    ValueError
        It is damaged.
    """
    try:
        with open(path, "rb") as file:
            return pickle.load(file, encoding=encoding)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  any of these may be an old pandas, which pandas itself can still read
        return _by_pandas(path, error)


def _by_pandas(path: str, first: Exception) -> Any:
    """Try as ISF did: by pandas, which knows where its classes have moved."""
    import pandas

    try:
        return pandas.read_pickle(path, compression=None)
    except Exception:  # noqa: BLE001  the first failure says more: it names what ISF's own environment had
        if isinstance(first, (ImportError, AttributeError)):
            refuse_import(first, path)
        name = os.path.basename(path)
        raise ValueError(f"{name} is damaged or no pickle: {type(first).__name__}: {first}; restore it from a copy") from first
