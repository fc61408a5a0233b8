"""Keeps ``bytes`` in ``data.bin``, as they are. Not bytearray or memoryview, which would come back as another type."""

from __future__ import annotations

import os
from typing import Any, Final

from isfdb.hashing import open_hashed

priority: Final = 12


def check(obj: Any) -> bool:
    """Say whether `obj` is exactly ``bytes``."""
    return type(obj) is bytes


def describe(obj: bytes) -> dict[str, Any]:
    """Return type and size."""
    return {"type": "bytes", "nbytes": len(obj)}


def dump(obj: bytes, savedir: str) -> None:
    """Write `obj` to ``data.bin``.

    Raises
    ------
    TypeError
        `obj` is not exactly ``bytes``.
    """
    if not check(obj):
        raise TypeError(f"to_bytes keeps bytes, not {type(obj).__qualname__}; convert with bytes(value)")
    with open_hashed(os.path.join(savedir, "data.bin")) as file:
        file.write(obj)


class Loader:
    """Reads the bytes back."""

    def get(self, savedir: str) -> bytes:
        """Return the bytes."""
        with open(os.path.join(savedir, "data.bin"), "rb") as file:
            return file.read()
