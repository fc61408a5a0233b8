"""Keeps ``bytes`` and ``bytearray`` in ``data.bin``, as they are. Not memoryview, which would come back as another type."""

from __future__ import annotations

import os
from typing import Any, Final

from isfdb.hashing import open_hashed

priority: Final = 12
load_plainly: Final = "loaderdumpers.plainly.values:read_bytes"
about: Final = {
    "types": ("bytes", "bytearray"),
    "keeps": "bytes, bytearray",
    "format": "the bytes",
    "files": "`data.bin`",
    "exact": True,
    "lazy": "",
    "append": False,
}


def check(obj: Any) -> bool:
    """Say whether `obj` is exactly ``bytes`` or ``bytearray``."""
    return type(obj) is bytes or type(obj) is bytearray


def describe(obj: bytes | bytearray) -> dict[str, Any]:
    """Return type and size."""
    return {"type": type(obj).__name__, "nbytes": len(obj)}


def dump(obj: bytes | bytearray, savedir: str) -> dict[str, Any]:
    """Write `obj` to ``data.bin``.

    Raises
    ------
    TypeError
        `obj` is not exactly ``bytes`` or ``bytearray``.
    """
    if not check(obj):
        raise TypeError(f"to_bytes keeps bytes and bytearray, not {type(obj).__qualname__}; convert with bytes(value)")
    with open_hashed(os.path.join(savedir, "data.bin")) as file:
        file.write(obj)
    return {} if type(obj) is bytes else {"type": "bytearray"}


class Loader:
    """Reads the bytes back.

    Parameters
    ----------
    type : {'bytes', 'bytearray'}
        What they were.
    """

    def __init__(self, *, type: str = "bytes") -> None:
        if type not in ("bytes", "bytearray"):
            raise ValueError(f"to_bytes does not know the type {type!r}; a newer isfdb may have written it")
        self._is_mutable = type == "bytearray"

    def get(self, savedir: str) -> bytes | bytearray:
        """Return the bytes."""
        with open(os.path.join(savedir, "data.bin"), "rb") as file:
            return bytearray(file.read()) if self._is_mutable else file.read()
