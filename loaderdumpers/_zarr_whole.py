"""Opens stored Zarr arrays so that a missing chunk is an error. Zarr itself takes it for one that holds nothing but the fill value.

Imports zarr, so it is imported where an array is opened, not before.
"""

from __future__ import annotations

import math
import os
from typing import Any, Final

import zarr
from zarr.storage import LocalStore

from isfdb.errors import VersionGoneError

_DESCRIPTION: Final = "zarr.json"


class WholeStore(LocalStore):
    """A folder with a Zarr array of which every chunk was written."""

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        """Return the bytes of a chunk, or of the array's description."""
        found = await super().get(key, prototype, byte_range)
        if found is None and key.rpartition("/")[2] != _DESCRIPTION:
            raise self._missing(key)
        return found

    def _missing(self, key: str) -> Exception:
        path = str(self.root)
        if os.path.isfile(os.path.join(path, _DESCRIPTION)):
            return ValueError(f"the chunk {os.path.join(path, key)} is missing; restore it from a copy")
        return VersionGoneError(f"{path} was reclaimed or moved away after the lazy value was read. Read the key again.")


def open_whole(path: str) -> Any:
    """Open the Zarr array in the folder `path` for reading."""
    return zarr.open_array(WholeStore(path, read_only=True), mode="r", zarr_format=3)


def check_files(stored: Any) -> None:
    """Refuse an array that claims more chunks than there are files, before memory is taken for all that it claims.

    Raises
    ------
    ValueError
    """
    path = str(stored.store.root)
    part = stored.shards or stored.chunks
    n_needed = math.prod(-(-side // step) for side, step in zip(stored.shape, part, strict=True))
    n_there = sum(len(names) for _, _, names in os.walk(path)) - 1  # its description is no chunk
    if n_there < n_needed:
        raise ValueError(f"{path} has {n_there:,} files with chunks where its zarr.json asks for {n_needed:,}; restore it from a copy")
