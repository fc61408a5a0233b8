"""ISF's name for ``folder``: ``db.set(key, None, dumper="just_create_folder")`` makes a folder that the user fills."""

from __future__ import annotations

from typing import Final

from loaderdumpers import folder
from loaderdumpers.folder import Loader, ManagedFolder, check, describe, dump

__all__ = ["Loader", "ManagedFolder", "check", "describe", "dump"]

priority: Final = folder.priority
explicit_only: Final = True
mutable: Final = True
load_plainly: Final = "loaderdumpers.plainly.folders:read_folder"
about: Final = {**folder.about, "keeps": "as `folder`, under ISF's name"}
