"""Keeps a copy of a file or a folder under its own name, frozen like any version; reading the key returns the copy's path."""

from __future__ import annotations

import os
import shutil
from pathlib import PosixPath, WindowsPath
from typing import Any, Final

from isfdb.hashing import LARGE_BYTES, open_hashed

priority: Final = 80
explicit_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.folders:read_attachment"
about: Final = {
    "types": ("pathlib.Path",),
    "keeps": "a copy of a file or folder, under its name (`db.attach`); reading gives the path of the copy",
    "format": "as it is",
    "files": "`attached/`",
    "exact": True,
    "lazy": "path",
    "append": False,
}

#: Names the database itself uses in a version's folder, and what may not be a file name; such an attachment is kept in a folder.
_FOLDER: Final = "attached"


def check(obj: Any) -> bool:
    """Say whether `obj` is a path of something that exists. Used only when named: a text is a text otherwise."""
    if type(obj) is not str and type(obj) not in (PosixPath, WindowsPath):
        return False
    try:
        return os.path.exists(obj)
    except (OSError, ValueError):
        return False


def describe(obj: Any) -> dict[str, Any]:
    """Return the name, and whether it is a file or a folder."""
    path = os.path.abspath(os.fspath(obj))
    return {"type": "folder" if os.path.isdir(path) else "file", "name": os.path.basename(path)}


def dump(obj: Any, savedir: str) -> dict[str, Any]:
    """Copy the file or folder.

    Parameters
    ----------
    obj : str or path
        What to copy. Symbolic links inside a folder are kept as links; a link given here is followed.
    savedir : str
        Empty folder.

    Raises
    ------
    FileNotFoundError
        There is nothing at that path.
    """
    source = os.path.realpath(os.fspath(obj))
    name = os.path.basename(os.path.abspath(os.fspath(obj)))
    if not os.path.exists(source):
        raise FileNotFoundError(f"there is no file or folder {source!r} to attach; check the path, relative ones start at {os.getcwd()!r}")
    if not name:
        raise ValueError(f"{source!r} has no name of its own; attach a folder inside it")
    target = os.path.join(savedir, _FOLDER, name)
    os.mkdir(os.path.dirname(target))
    if os.path.isdir(source):
        shutil.copytree(source, target, symlinks=True)
    else:
        _copy_file(source, target)
    return {"name": name}


def _copy_file(source: str, target: str) -> None:
    with open(source, "rb") as original, open_hashed(target) as copy:
        while piece := original.read(LARGE_BYTES // 2):
            copy.write(piece)
    shutil.copymode(source, target)


class Loader:
    """Finds the copy again.

    Parameters
    ----------
    name : str
        Name of the attached file or folder.
    """

    def __init__(self, *, name: str) -> None:
        if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
            raise ValueError(f"the name {name!r} of the attachment leads out of its folder; Loader.json was changed")
        self._name = name

    def get(self, savedir: str) -> str:
        """Return the path of the copy. Do not change it: copy it elsewhere first.

        Raises
        ------
        FileNotFoundError
            The copy is gone.
        """
        path = os.path.join(os.path.abspath(savedir), _FOLDER, self._name)
        if not os.path.exists(path):
            raise FileNotFoundError(f"the attachment {path} is missing; restore it from a copy")
        return path
