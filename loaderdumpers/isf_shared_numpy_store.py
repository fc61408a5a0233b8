"""Reads the arrays in a shared numpy store of ISF: raw files whose names say shape and dtype. Only reads."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import refusing

priority: Final = 79
mutable: Final = True
explicit_only: Final = True
reads_only: Final = True
about: Final = {
    "types": ("object",),
    "keeps": "nothing new: reads what ISF's `shared_numpy_store` wrote",
    "format": "raw bytes",
    "files": "`<name>__<shape>__<dtype>`",
    "exact": True,
    "lazy": "memory map",
    "append": False,
}

dump = refusing("isf_shared_numpy_store", "shared_numpy_store, or db.create_shared_numpy_store")

# An append writes beyond the length that the name speaks of, then renames: what is longer than its name is a torn append.
_NAME: Final = re.compile(r"(.+?)__((?:\d+(?:_\d+)*)?)__([A-Za-z0-9<>=|]+)")


class IsfSharedNumpyStore(Mapping[str, Any]):
    """The arrays of a store, by name; each a read-only memory map.

    Parameters
    ----------
    path : str
        Its folder.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def _files(self) -> dict[str, tuple[str, tuple[int, ...], str]]:
        found: dict[str, tuple[str, tuple[int, ...], str]] = {}
        for name in sorted(os.listdir(self.path)):
            match = _NAME.fullmatch(name)
            if match:
                found[match[1]] = name, tuple(int(side) for side in match[2].split("_") if side), match[3]
        return found

    def load(self, name: str, *, start_row: int | None = None, end_row: int | None = None) -> Any:
        """Return an array, or rows of it, as a read-only memory map.

        Raises
        ------
        KeyError
            There is no array of that name.
        ValueError
            Its file is shorter than its name says.
        """
        import numpy

        file, shape, dtype = self._files()[name]
        kind = numpy.dtype(dtype)
        if kind.hasobject:
            raise ValueError(f"{file} is said to hold Python objects, which no such store does")
        count = math.prod(shape)
        path = os.path.join(self.path, file)
        if os.path.getsize(path) < count * kind.itemsize:
            raise ValueError(f"{file} has {os.path.getsize(path)} bytes where its name speaks of {count * kind.itemsize}; restore it")
        if count == 0:
            return numpy.empty(shape, kind)[start_row:end_row]
        return numpy.memmap(path, kind, mode="r", shape=shape).view(numpy.ndarray)[start_row:end_row]

    def __getitem__(self, name: str) -> Any:
        return self.load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files())

    def __len__(self) -> int:
        return len(self._files())

    def __repr__(self) -> str:
        return f"<IsfSharedNumpyStore of {len(self)} arrays in {self.path}>"


class Loader:
    """Finds the store."""

    def get(self, savedir: str) -> IsfSharedNumpyStore:
        """Return the store, a mapping from name to array."""
        return IsfSharedNumpyStore(os.path.abspath(savedir))
