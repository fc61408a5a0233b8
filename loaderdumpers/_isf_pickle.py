"""Loads ISF's pickles, written by Python 2 or 3 and by pandas long past. Runs code: only loaderdumpers that say so use it."""

from __future__ import annotations

import mmap
import os
import pickle
from collections.abc import Callable
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
    # What pandas wrote long ago may be misread by Python's own unpickler without an error: a Timestamp then loses its zone.
    ways = (_by_pandas, pickle.load) if _names_pandas(path) else (pickle.load, _by_pandas)
    errors = []
    for load in ways:
        try:
            return _load(path, load, encoding)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  a pickle may raise anything; the next way may know better
            errors.append(error)
    _refuse(path, errors[0])
    return None


def _load(path: str, load: Callable[..., Any], encoding: str) -> Any:
    with open(path, "rb") as file:
        return load(file, encoding=encoding)


def _by_pandas(file: Any, *, encoding: str) -> Any:
    """Unpickle as pandas does, which knows where its classes have moved."""
    import warnings

    from pandas.compat.pickle_compat import Unpickler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of modules that moved
        return Unpickler(file, encoding=encoding).load()


def _names_pandas(path: str) -> bool:
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(b"pandas") >= 0


def _refuse(path: str, error: Exception) -> None:
    if isinstance(error, (ImportError, AttributeError)):
        refuse_import(error, path)
    name = os.path.basename(path)
    raise ValueError(f"{name} is damaged or no pickle: {type(error).__name__}: {error}; restore it from a copy") from error
