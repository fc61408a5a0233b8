"""Keeps a folder that the user fills: reading the key returns its path. Not for files to be frozen as they are (attachment).

What lies in a managed folder may change at any time, so isfdb cannot vouch for it; ``db.snapshot(key)`` freezes a version.
"""

from __future__ import annotations

import os
import shutil
from typing import Any, Final

priority: Final = 80
explicit_only: Final = True
mutable: Final = True
load_plainly: Final = "loaderdumpers.plainly.folders:read_folder"
about: Final = {
    "types": ("loaderdumpers.folder.ManagedFolder",),
    "keeps": "a folder that you fill (`db.create_managed_folder`); reading gives its path",
    "format": "as it is",
    "files": "`files/`",
    "exact": True,
    "lazy": "path",
    "append": False,
}

_FOLDER: Final = "files"


class ManagedFolder(str):
    """The path of a folder that belongs to the user; a text, usable wherever a path is.

    Examples
    --------
    >>> import os, tempfile
    >>> folder = ManagedFolder(tempfile.mkdtemp())
    >>> with open(folder.join("notes.txt"), "w") as file:
    ...     _ = file.write("42")
    >>> folder.listdir()
    ['notes.txt']
    """

    __slots__ = ()

    def __fspath__(self) -> str:
        return str.__str__(self)

    def __truediv__(self, name: str) -> str:
        return self.join(name)

    def join(self, *names: str) -> str:  # type: ignore[override]
        """Return the path of something inside the folder, as ``os.path.join`` does; ISF's name for it."""
        return os.path.join(str.__str__(self), *names)

    def listdir(self) -> list[str]:
        """Return the names in the folder, sorted."""
        return sorted(os.listdir(self))

    def get_file(self, ending: str) -> str:
        """Return the path of the one file whose name ends with `ending`.

        Raises
        ------
        ValueError
            None does, or several do.
        """
        found = [name for name in self.listdir() if name.endswith(ending)]
        if len(found) != 1:
            what = ", ".join(found) if found else "no such file"
            where = str.__str__(self)
            raise ValueError(f"one file ending with {ending!r} was asked for in {where}; there is {what}. Use listdir() and join().")
        return self.join(found[0])


def check(obj: Any) -> bool:
    """Say whether `obj` is None (a new, empty folder) or a managed folder to copy."""
    return obj is None or type(obj) is ManagedFolder


def describe(obj: Any) -> dict[str, Any]:
    """Return the type."""
    return {"type": "ManagedFolder"}


def dump(obj: Any, savedir: str) -> None:
    """Make the folder, and copy `obj` into it if it is the path of one.

    Parameters
    ----------
    obj : None or path
        None: the folder begins empty. A path: what lies there is copied; symbolic links are kept as links.
    savedir : str
        Empty folder.

    Raises
    ------
    NotADirectoryError
        `obj` is not the path of a folder.
    """
    target = os.path.join(savedir, _FOLDER)
    if obj is None:
        os.mkdir(target)
        return
    source = os.fspath(obj)
    if not os.path.isdir(source):
        raise NotADirectoryError(f"{source!r} is no folder; pass None for an empty one, or use the loaderdumper 'attachment' for a file")
    shutil.copytree(source, target, symlinks=True)


class Loader:
    """Finds the folder again."""

    def get(self, savedir: str) -> ManagedFolder:
        """Return the folder's path."""
        path = os.path.join(os.path.abspath(savedir), _FOLDER)
        if not os.path.isdir(path):  # archives and git drop empty folders
            if not os.access(savedir, os.W_OK):
                raise FileNotFoundError(f"the managed folder {path} is missing; restore it from a copy")
            os.makedirs(path, exist_ok=True)
        return ManagedFolder(path)
