"""Finds a managed folder of ISF: the folder of the key itself, which belongs to the user. Only reads: folder makes one."""

from __future__ import annotations

import os
from typing import Final

from loaderdumpers._isf import accepts_nothing as check  # noqa: F401 - what isfdb asks
from loaderdumpers._isf import refusing
from loaderdumpers.folder import ManagedFolder

priority: Final = 79
mutable: Final = True
explicit_only: Final = True
reads_only: Final = True
load_plainly: Final = "loaderdumpers.plainly.isf:read_folder"
about: Final = {
    "types": ("object",),
    "keeps": "nothing new: reads what ISF's `folder` wrote",
    "format": "a folder",
    "files": "the user's files",
    "exact": True,
    "lazy": "",
    "append": False,
}

dump = refusing("isf_folder", "folder, or db.create_managed_folder")

_OWN_FILES: Final = frozenset({"Loader.json", "Loader.pickle", "metadata.json"})


class IsfManagedFolder(ManagedFolder):
    """The path of a managed folder that ISF made; its listing leaves out what ISF itself laid there."""

    __slots__ = ()

    def listdir(self) -> list[str]:
        """Return the names of the user's files, sorted."""
        return [name for name in super().listdir() if name not in _OWN_FILES]


class Loader:
    """Finds the folder."""

    def get(self, savedir: str) -> IsfManagedFolder:
        """Return the folder's path. Do not change what lies there: it is a database of ISF's."""
        return IsfManagedFolder(os.path.abspath(savedir))
