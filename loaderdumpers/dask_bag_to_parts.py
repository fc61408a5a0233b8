"""Keeps a dask bag, partition by partition: as JSON lines where a partition holds plain values, else part by part, in fitting formats.

Each partition is computed and written by itself, so a bag larger than memory is fine. What only pickle keeps makes the version one that
must be trusted.
"""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from typing import Any, Final
from zlib import crc32

from isfdb.exact_json import decode, encode, loads
from isfdb.parts import dump_part
from loaderdumpers import to_json
from loaderdumpers._dask_parts import LazyPart, numbered, see_folder, warn_of_pickle
from loaderdumpers._dask_tasks import laid_down, write_parts

priority: Final = 40
has_parts: Final = True
requires: Final = {"dask": "2024.12"}
load_plainly: Final = "loaderdumpers.plainly.folders:read_bag"
about: Final = {
    "types": ("dask.bag.Bag",),
    "keeps": "bags of anything",
    "format": "JSON lines, or that of each value",
    "files": "`part-00000.jsonl` or `part-00000/` ...",
    "exact": True,
    "lazy": "dask bag",
    "append": False,
}


def check(obj: Any) -> bool:
    """Say whether `obj` is a dask bag."""
    module = sys.modules.get("dask.bag")
    return module is not None and type(obj) is getattr(module, "Bag", None)


def describe(obj: Any) -> dict[str, Any]:
    """Return type and number of partitions; computes nothing."""
    return {"type": "dask Bag", "npartitions": int(obj.npartitions)}


def dump(obj: Any, savedir: str, *, progress: bool | None = None) -> dict[str, Any]:
    """Compute and write each partition by the active client, or by threads of this process.

    Parameters
    ----------
    obj : dask.bag.Bag
        The value; it may read, lazily, the version before the one that is written.
    savedir : str
        Empty folder. Where a cluster computes, its workers must reach it under the same path.
    progress : bool, optional
        Show a progress bar. Default: on a terminal or in a notebook, once the work takes a second.
    """
    if not check(obj):
        raise TypeError(f"dask_bag_to_parts keeps dask bags, not {type(obj).__qualname__}")
    width = max(5, len(str(obj.npartitions)))
    parts = write_parts(partial(_write, width=width), obj.to_delayed(), savedir, progress=progress, title="store a dask Bag")
    warn_of_pickle("what a partition of this bag holds", [part["spec"] for part in parts if "spec" in part])
    return {"partitions": parts, "width": width}


def _write(part: Any, place: int, start: str, *, width: int) -> tuple[list[str], dict[str, Any]]:
    members = list(part)
    name = numbered(place, width)
    if to_json.check(members):
        return _write_lines(members, name, start)
    spec = dump_part(members, start + name)
    return laid_down(start, name), {"members": len(members), "spec": spec}


def _write_lines(members: list[Any], name: str, start: str) -> tuple[list[str], dict[str, Any]]:
    check_sum = 0
    with open(f"{start}{name}.jsonl", "wb") as file:
        for member in members:
            line = json.dumps(encode(member), ensure_ascii=False, allow_nan=False).encode() + b"\n"
            check_sum = crc32(line, check_sum)
            file.write(line)
    return [f"{name}.jsonl"], {"members": len(members), "crc32": check_sum}


def _read_lines(path: str, described: dict[str, Any]) -> list[Any]:
    see_folder(os.path.dirname(path))
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing; restore it from a copy") from error
    if crc32(text) != described["crc32"]:
        raise ValueError(f"{path} is not what was stored: it was changed, cut short or exchanged. Restore it from a copy.")
    return [decode(loads(line)) for line in text.split(b"\n")[:-1]]


def _read_part(part: LazyPart, n_members: int) -> list[Any]:
    members: list[Any] = part.load()
    if type(members) is not list or len(members) != n_members:
        raise ValueError(f"{part!r} does not hold the {n_members} members that were stored; restore it from a copy")
    return members


class Loader:
    """Makes the lazy bag again.

    Parameters
    ----------
    partitions : list of dict
        For each the number of members, and the check sum of its lines or the spec of its part.
    width : int
        Digits of the number in a file's name.
    """

    def __init__(self, *, partitions: list[dict[str, Any]], width: int) -> None:
        self._partitions, self._width = partitions, width

    def get(self, savedir: str) -> Any:
        """Return the lazy bag: nothing is loaded yet.

        Whether the files may run code is decided now. Computing it, here or on workers, then loads what was stored, or refuses.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        """
        import dask.bag
        from dask.base import tokenize

        folder = os.path.abspath(savedir)
        found = os.stat(folder)
        name = f"isfdb-{tokenize(folder, found.st_dev, found.st_ino, found.st_mtime_ns)}"
        tasks = {(name, place): self._task(folder, place, described) for place, described in enumerate(self._partitions)}
        return dask.bag.Bag(tasks, name, len(tasks))

    def _task(self, folder: str, place: int, described: dict[str, Any]) -> tuple[Any, ...]:
        name = numbered(place, self._width)
        if "spec" in described:
            return (_read_part, LazyPart.within(folder, name, described["spec"]), described["members"])
        return (partial(_read_lines, os.path.join(folder, f"{name}.jsonl"), described),)
