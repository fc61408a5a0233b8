"""Keeps what a delayed value becomes: it is computed while it is stored, and kept in the format that fits. Read, it is delayed again.

Keeps the value, not the plan of its computation, which is code and names files of the day. A bag's Item comes back as an Item.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from isfdb.parts import dump_part
from loaderdumpers._dask_parts import LazyPart, warn_of_pickle
from loaderdumpers._dask_tasks import laid_down, write_parts

priority: Final = 41
has_parts: Final = True
requires: Final = {"dask": "2024.12"}
load_plainly: Final = "loaderdumpers.plainly.folders:read_delayed"
about: Final = {
    "types": ("dask.delayed.Delayed",),
    "keeps": "what a delayed value becomes, computed while it is stored",
    "format": "that of the value",
    "files": "`value/`",
    "exact": True,
    "lazy": "delayed",
    "append": False,
}

_FOLDER: Final = "value"
_KINDS: Final = {
    "dask.delayed": ("Delayed", "DelayedLeaf", "DelayedAttr"),
    "dask.bag.core": ("Item",),
    "dask.dataframe": ("Scalar",),
}


def check(obj: Any) -> bool:
    """Say whether `obj` is delayed. dask's Scalar is, too, and refused by :func:`dump`: pickled, it would be a plan and no value."""
    for name, kinds in _KINDS.items():
        module = sys.modules.get(name)
        if module is not None and any(type(obj) is getattr(module, kind, None) for kind in kinds):
            return True
    return False


def describe(obj: Any) -> dict[str, Any]:
    """Return the type; what the value is, only computing it would tell."""
    return {"type": f"dask {type(obj).__name__}"}


def dump(obj: Any, savedir: str, *, progress: bool | None = None) -> dict[str, Any]:
    """Compute `obj` by the active client, or in this process, and store what it is.

    Parameters
    ----------
    obj : dask.delayed.Delayed or dask.bag.Item
        The value; it may read, lazily, the version before the one that is written.
    savedir : str
        Empty folder. Where a cluster computes, its workers must reach it under the same path.
    progress : bool, optional
        Show a progress bar. Default: no, for there is only one part.

    Raises
    ------
    TypeError
        It is a Scalar of a dask frame.
    """
    if not check(obj):
        raise TypeError(f"dask_delayed_to_parts keeps Delayed and Item, not {type(obj).__qualname__}")
    if type(obj).__name__ == "Scalar":
        raise TypeError("a Scalar of a dask frame cannot be made again from its value. Store its value, scalar.compute(), or to_delayed()")
    is_item = type(obj).__name__ == "Item"
    (spec,) = write_parts(_write, [_delayed_item(obj) if is_item else obj], savedir, progress=progress, title="store a delayed value")
    warn_of_pickle("what this delayed value becomes", [spec])
    optional = {"item": is_item, "length": None if is_item else obj._length}
    return {"value": spec} | {name: fact for name, fact in optional.items() if fact not in (None, False)}


def _delayed_item(item: Any) -> Any:
    """Return an Item as Delayed; its own to_delayed fails once it has been pickled, which loses the name of its layer."""
    from dask.delayed import Delayed

    return Delayed(item.key, item.__dask_graph__(), layer=vars(item).get("_layer", item.key))


def _write(value: Any, place: int, start: str) -> tuple[list[str], dict[str, Any]]:
    spec = dump_part(value, start + _FOLDER)
    return laid_down(start, _FOLDER), spec


class Loader:
    """Makes the delayed value again.

    Parameters
    ----------
    value : dict
        The spec of the value.
    length : int, optional
        How many members it has, where it was made with ``nout=``.
    item : bool
        Whether it was a bag's Item.
    """

    def __init__(self, *, value: dict[str, Any], length: int | None = None, item: bool = False) -> None:
        self._value, self._length, self._is_item = value, length, item

    def get(self, savedir: str) -> Any:
        """Return the value, delayed: nothing is loaded yet.

        Whether the files may run code is decided now. Computing it, here or on a worker, then loads what was stored, or refuses.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        """
        import dask
        from dask.base import tokenize

        part = LazyPart.within(os.path.abspath(savedir), _FOLDER, self._value)
        delayed = dask.delayed(LazyPart.load, nout=self._length)(part, dask_key_name=f"isfdb-{tokenize(part)}")
        if not self._is_item:
            return delayed
        from dask.bag.core import Item

        return Item.from_delayed(delayed)
