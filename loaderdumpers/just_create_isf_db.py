"""Keeps a database of its own as the value of a key: ISF's name, for programs that use it. ``db.create_sub_db(key)`` does it better.

A sub-database shares records, listing and verify with the database that holds it; what is kept here is an island.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from isfdb.database import Database

priority: Final = 80
explicit_only: Final = True
mutable: Final = True
load_plainly: Final = "loaderdumpers.plainly.folders:read_database"
about: Final = {
    "types": ("isfdb.Database",),
    "keeps": "a new, empty database; ISF's name, `db.create_sub_db` does it better",
    "format": "isfdb",
    "files": "`db/`",
    "exact": True,
    "lazy": "database",
    "append": False,
}

_FOLDER: Final = "db"


def check(obj: Any) -> bool:
    """Say whether `obj` is None: a new database."""
    return obj is None


def describe(obj: Any) -> dict[str, Any]:
    """Return the type."""
    return {"type": "Database"}


def dump(obj: None, savedir: str) -> None:
    """Make an empty database.

    Parameters
    ----------
    obj : None
        The database begins empty.
    savedir : str
        Empty folder.

    Raises
    ------
    TypeError
        It is something else.
    """
    import isfdb

    if not check(obj):
        raise TypeError(f"just_create_isf_db makes an empty database and keeps no {type(obj).__qualname__}; pass None, then fill db[key]")
    with isfdb.set_options(register=False):  # it is about to move to its place
        isfdb.open(os.path.join(savedir, _FOLDER), mode="w-")


class Loader:
    """Opens the database."""

    def get(self, savedir: str, *, mode: str = "a") -> Database:
        """Return the database.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        mode : {'a', 'r', 'r+'}
            As for :func:`isfdb.open`: whether it may be written to.
        """
        import isfdb

        return isfdb.open(os.path.join(os.path.abspath(savedir), _FOLDER), mode="r+" if mode == "a" else mode)
