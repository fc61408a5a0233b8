"""Reads the array that ISF's numpy_to_zarr kept in ``obj.zarr``, a folder of Zarr's format 2. Only reads: numpy_to_zarr writes."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import refusing

priority: Final = 79
explicit_only: Final = True
reads_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.isf:read_zarr"
about: Final = {
    "types": ("numpy.ndarray",),
    "keeps": "nothing new: reads what ISF's `numpy_to_zarr` wrote",
    "format": "zarr 2",
    "files": "`obj.zarr`",
    "exact": True,
    "lazy": "zarr array",
    "append": False,
}

dump = refusing("isf_numpy_to_zarr", "numpy_to_zarr")

_FOLDER: Final = "obj.zarr"
#: Codecs that only compute; "pickle" and its like would run code.
_CODECS: Final = frozenset(
    "adler32 blosc bytes bz2 crc32 crc32c delta fletcher32 gzip lz4 lzma packbits shuffle transpose zlib zstd".split()
)


class Loader:
    """Reads the array, or opens it."""

    def get(self, savedir: str, *, lazy: bool = False) -> Any:
        """Return the array.

        Parameters
        ----------
        savedir : str
            ISF's folder of the key.
        lazy : bool
            Return the read-only ``zarr.Array``, which reads a chunk when it is indexed.

        Raises
        ------
        ValueError
            A chunk is missing, or a codec is named that may run code.
        """
        import numpy
        import zarr

        path = os.path.join(os.path.abspath(savedir), _FOLDER)
        _check(path)
        stored = zarr.open_array(path, mode="r")
        return stored if lazy else numpy.asarray(stored[...])


def _check(path: str) -> None:
    """Refuse what may run code, and what lost a chunk, which Zarr would fill with zeros."""
    is_new = os.path.exists(os.path.join(path, "zarr.json"))  # an ISF with zarr 3: such an array may leave out empty chunks
    with open(os.path.join(path, "zarr.json" if is_new else ".zarray"), encoding="utf-8") as file:
        facts = json.load(file)
    if _has_objects(facts["data_type" if is_new else "dtype"]):
        raise ValueError(f"{_FOLDER} holds Python objects, which cannot be read without running code")
    for codec in facts["codecs"] if is_new else [facts.get("compressor"), *(facts.get("filters") or ())]:
        name = codec and codec.get("name" if is_new else "id")
        if codec is not None and name not in _CODECS:
            raise ValueError(f"{_FOLDER} asks for the codec {name!r}, which may run code; do not open it unless you know why")
    if not is_new:
        _check_chunks(path, facts)


def _has_objects(dtype: Any) -> bool:
    if isinstance(dtype, list):  # fields: name, dtype, perhaps a shape
        return any(_has_objects(field[1]) for field in dtype)
    return isinstance(dtype, str) and dtype[1:2] == "O"


def _check_chunks(path: str, facts: dict[str, Any]) -> None:
    separator = facts.get("dimension_separator", ".")
    if separator != ".":
        return  # nested folders, which ISF never made
    counts = [-(-side // chunk) for side, chunk in zip(facts["shape"], facts["chunks"], strict=True)]
    expected = 1
    for count in counts:
        expected *= count
    found = sum(not name.startswith(".") for name in os.listdir(path))
    if found < expected:
        raise ValueError(f"{_FOLDER} has {found} of its {expected} chunks; restore it from a copy")
