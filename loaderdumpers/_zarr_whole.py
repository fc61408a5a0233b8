"""Opens stored Zarr arrays so that a missing chunk is an error. Zarr itself takes it for one that holds nothing but the fill value.

Imports zarr, so it is imported where an array is opened, not before.
"""

from __future__ import annotations

import math
import os
from typing import Any, Final

import zarr
from zarr.storage import LocalStore

from isfdb.errors import TooLargeError, VersionGoneError
from isfdb.memory import allowed_bytes, require

_DESCRIPTION: Final = "zarr.json"

#: Codecs whose chunks begin with what they unpack to, or that pack nothing.
_TELLING: Final = frozenset({"zstd", "blosc", "crc32c"})


class WholeStore(LocalStore):
    """A folder with a Zarr array of which every chunk was written.

    Attributes
    ----------
    most_bytes : int or None
        What a chunk unpacks to, where that is known: one that claims more was changed, and is not unpacked.
    may_lack_chunks : bool
        Not every chunk was written, after all.
    codec : str
        The name of what packs a chunk last.
    """

    most_bytes: int | None = None
    may_lack_chunks: bool = False
    codec: str = ""

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        """Return the bytes of a chunk, or of the array's description."""
        found = await super().get(key, prototype, byte_range)
        if found is None and key.rpartition("/")[2] != _DESCRIPTION:
            missing = self._missing(key)
            if not self.may_lack_chunks or isinstance(missing, VersionGoneError):
                raise missing
        if found is not None and self.most_bytes is not None:
            self._check_claim(_claimed_bytes(found.to_bytes()[:_MOST_HEADER], self.codec), self.most_bytes, key)
        return found

    def _check_claim(self, claimed: int | None, most: int, key: str) -> None:
        if claimed is not None and claimed > most + _OVERHEAD:
            path = os.path.join(str(self.root), key)
            raise ValueError(f"the chunk {path} claims to unpack to {claimed:,} bytes where {most:,} were stored; restore it from a copy")

    def _missing(self, key: str) -> Exception:
        path = str(self.root)
        if os.path.isfile(os.path.join(path, _DESCRIPTION)):
            return ValueError(f"the chunk {os.path.join(path, key)} is missing; restore it from a copy")
        return VersionGoneError(f"{path} was reclaimed or moved away after the lazy value was read. Read the key again.")


_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_MOST_HEADER: Final = 18
_OVERHEAD: Final = 2**16  # of what other codecs put around a chunk


def _claimed_bytes(head: bytes, codec: str) -> int | None:
    """Return what a packed chunk says it unpacks to, for memory is taken for that at once; None of what does not say."""
    if codec == "blosc":
        return int.from_bytes(head[4:8], "little")
    if head[:4] != _MAGIC or len(head) < 5:
        return None
    form = head[4]
    is_one_segment = form >> 5 & 1
    start = 5 + (not is_one_segment) + (0, 1, 2, 4)[form & 3]
    n_bytes = (is_one_segment, 2, 4, 8)[form >> 6]
    claimed = int.from_bytes(head[start : start + n_bytes], "little") + (256 if n_bytes == 2 else 0)
    return claimed if n_bytes else None


def open_whole(path: str, *, may_lack_chunks: bool = False) -> Any:
    """Open the Zarr array in the folder `path` for reading.

    Parameters
    ----------
    path : str
    may_lack_chunks : bool
        It was stored without some: they hold the fill value.

    Raises
    ------
    TooLargeError
        A single chunk is said to be larger than what memory is left.
    """
    store = WholeStore(path, read_only=True)
    stored = zarr.open_array(store, mode="r", zarr_format=3)
    chunk_bytes = math.prod(stored.chunks) * stored.dtype.itemsize
    require(chunk_bytes, f"a chunk of shape {stored.chunks} in {path}")
    store.may_lack_chunks = may_lack_chunks
    store.most_bytes = None if stored.dtype.kind in "TO" else chunk_bytes
    store.codec = _packed_by(stored, path)
    return stored


def _packed_by(stored: Any, path: str) -> str:
    """Return the codec that packs chunks; where somebody only looks, one that does not tell what it unpacks to is refused."""
    names = [str(codec.to_dict()["name"]) for codec in stored.compressors]
    if allowed_bytes() is not None and (len(names) > 1 or not set(names) <= _TELLING):
        raise TooLargeError(f"{path} is packed by {', '.join(names)}, which does not tell what a chunk unpacks to. Read it to see it.")
    return names[-1] if names else ""


def check_files(stored: Any) -> None:
    """Refuse an array that claims more chunks than there are files, or more memory than is left, before that is taken.

    Raises
    ------
    ValueError, TooLargeError
    """
    path = str(stored.store.root)
    part = stored.shards or stored.chunks
    n_needed = math.prod(-(-side // step) for side, step in zip(stored.shape, part, strict=True))
    n_there = sum(len(names) for _, _, names in os.walk(path)) - 1  # its description is no chunk
    if n_there < n_needed:
        raise ValueError(f"{path} has {n_there:,} files with chunks where its zarr.json asks for {n_needed:,}; restore it from a copy")
    require(stored.nbytes, f"the array of shape {stored.shape} in {path}")
