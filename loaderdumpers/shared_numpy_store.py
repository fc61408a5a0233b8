"""Keeps a store to which many processes append arrays at once, each found again by name, memory-mapped. ISF's name and methods.

The store changes in place, so isfdb cannot vouch for it as a whole, though each array in it has a digest (``store.verify()``);
``db.snapshot(key)`` freezes a version.
"""

from __future__ import annotations

import os
import shutil
from typing import Any, Final

from isfdb.hashing import LARGE_BYTES, open_hashed
from loaderdumpers._store import SharedNumpyStore
from loaderdumpers._store_segments import INDEX, complete_lines, writers_in

__all__ = ["Loader", "SharedNumpyStore", "check", "describe", "dump", "snapshot"]

priority: Final = 80
explicit_only: Final = True
mutable: Final = True
load_plainly: Final = "loaderdumpers.plainly.folders:read_store"
about: Final = {
    "types": ("loaderdumpers.shared_numpy_store.SharedNumpyStore",),
    "keeps": "named arrays that many processes add at once (`db.create_shared_numpy_store`)",
    "format": "raw arrays, JSON lines",
    "files": "`store/`",
    "exact": True,
    "lazy": "memory map",
    "append": False,
}

_FOLDER: Final = "store"
_README: Final = "README.txt"
_TEXT: Final = """\
Arrays that many processes added, each process in a folder of its own.

index.jsonl has one line of JSON for each array: its name, and the file beside it that holds its bytes from byte "offset" on, in
the npy format's words for "dtype", with "shape" and "order" (C: the last index changes fastest). "digest" is BLAKE3 of the bytes.
"op" is "put" for a new array. It is "rows" where rows are added to the array of that name: order all lines of a name, of all
processes, by "clock", and begin with the last "put". An array with Python's standard library and numpy:

    line = json.loads(open("index.jsonl").readline())
    flat = numpy.fromfile(line["file"], line["dtype"], math.prod(line["shape"]), offset=line["offset"])
    array = flat.reshape(line["shape"], order=line["order"])

What no line names is not part of the store. A line without its newline at the end of an index was cut short: ignore it.
"""


def check(obj: Any) -> bool:
    """Say whether `obj` is None (a new, empty store) or a store to copy."""
    return obj is None or type(obj) is SharedNumpyStore


def describe(obj: Any) -> dict[str, Any]:
    """Return the type and, for a store that is there, how many arrays it holds."""
    return {"type": "SharedNumpyStore", **({} if obj is None else {"length": len(obj)})}


def dump(obj: SharedNumpyStore | None, savedir: str) -> None:
    """Make an empty store, or a copy of one.

    Parameters
    ----------
    obj : None or SharedNumpyStore
        None: the store begins empty.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        It is neither.
    """
    if not check(obj):
        raise TypeError(f"shared_numpy_store keeps a store, not {type(obj).__qualname__}; pass None, and add arrays to db[key]")
    if obj is None:
        os.mkdir(os.path.join(savedir, _FOLDER))
        with open(os.path.join(savedir, _FOLDER, _README), "x", encoding="utf-8") as file:
            file.write(_TEXT)
    else:
        obj.flush()
        _copy(obj.path, os.path.join(savedir, _FOLDER))


def snapshot(savedir: str, target: str) -> dict[str, Any]:
    """Copy the store of a version, as it is at one moment, while others go on adding to it.

    Parameters
    ----------
    savedir : str
        Folder of the version.
    target : str
        Empty folder.
    """
    SharedNumpyStore(os.path.join(savedir, _FOLDER)).flush()
    _copy(os.path.join(savedir, _FOLDER), os.path.join(target, _FOLDER))
    return {"frozen": True}


def _copy(source: str, target: str) -> None:
    # All indexes first: what they name is there already, and nothing in it changes.
    indexes = {writer: complete_lines(source, writer, 0) for writer in writers_in(source)}
    os.mkdir(target)
    shutil.copyfile(os.path.join(source, _README), os.path.join(target, _README))
    for writer, index in indexes.items():
        os.mkdir(os.path.join(target, writer))
        with open_hashed(os.path.join(target, writer, INDEX)) as file:
            file.write(index)
        for name in sorted(set(os.listdir(os.path.join(source, writer))) - {INDEX}):
            _copy_file(os.path.join(source, writer, name), os.path.join(target, writer, name))


def _copy_file(source: str, target: str) -> None:
    with open(source, "rb") as original, open_hashed(target) as copy:
        while piece := original.read(LARGE_BYTES // 2):
            copy.write(piece)


class Loader:
    """Finds the store again.

    Parameters
    ----------
    frozen : bool
        It is a snapshot.
    """

    def __init__(self, *, frozen: bool = False) -> None:
        self._frozen = frozen

    def get(self, savedir: str, *, durability: str | None = None) -> SharedNumpyStore:
        """Return the store.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        durability : {'full', 'process', None}
            What an array that was added survives: loss of power, or only a killed process. None: as the database does.

        Raises
        ------
        FileNotFoundError
            The store is missing.
        """
        path = os.path.join(os.path.abspath(savedir), _FOLDER)
        if not os.path.isdir(path):
            raise FileNotFoundError(f"the shared numpy store {path} is missing; restore it from a copy")
        return SharedNumpyStore(path, durability=durability, read_only=self._frozen)
