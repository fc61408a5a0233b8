"""Reads plain values that ISF's to_msgpack kept; ISF could hardly write them. Only reads: to_json writes."""

from __future__ import annotations

import os
from typing import Any, Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import refusing

priority: Final = 79
extra: Final = "isf"
explicit_only: Final = True
reads_only: Final = True
about: Final = {
    "types": ("object",),
    "keeps": "nothing new: reads what ISF's `to_msgpack` wrote",
    "format": "msgpack",
    "files": "`to_pickle_dump`",
    "exact": True,
    "lazy": "",
    "append": False,
}

dump = refusing("to_msgpack", "to_json, or leave the choice to isfdb")


class Loader:
    """Reads the value."""

    def get(self, savedir: str) -> Any:
        """Return the value: None, numbers, texts, bytes, lists and dicts.

        Raises
        ------
        ValueError
            The file is damaged.
        """
        import msgpack

        try:
            with open(os.path.join(savedir, "to_pickle_dump"), "rb") as file:
                return msgpack.unpack(file, raw=False, strict_map_key=False)
        except (ValueError, msgpack.exceptions.UnpackException) as error:
            raise ValueError(f"to_pickle_dump is no whole msgpack file: {error!r}; restore it from a copy") from error
