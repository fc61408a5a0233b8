"""Temporary folders that say whose they are, and the removal of those whose process was killed. What lies in them is not its matter.

A folder is removed only if it is this user's, bears one of our names, and says that it was made by a process of this computer that is no
more. What says nothing, or cannot be told, is left alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import tempfile
from typing import Final

#: In each folder: who made it.
_OWNER_FILE: Final = ".isfdb-owner.json"
_OURS: Final = re.compile(r"isfdb-(?:check|pins)-[a-z0-9_]{8}")

#: No more are removed at once: nobody is to wait long for it.
_MOST_AT_ONCE: Final = 20


def make_folder(prefix: str) -> str:
    """Make a temporary folder that says who made it; remove a few that killed processes left beside it.

    Parameters
    ----------
    prefix : str
        ``"isfdb-check-"`` or ``"isfdb-pins-"``.

    Raises
    ------
    OSError
    """
    folder = os.path.realpath(tempfile.mkdtemp(prefix=prefix))
    sweep(os.path.dirname(folder))
    with open(f"{folder}/{_OWNER_FILE}", "w", encoding="utf-8") as file:
        json.dump({"process": os.getpid(), "where": _where()}, file)
    return folder


def sweep(place: str) -> int:
    """Remove folders in `place` whose processes were killed; return how many. Never raises.

    Parameters
    ----------
    place : str
        A folder for temporary files.
    """
    n_removed = 0
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name) and _is_left(entry.path):
                shutil.rmtree(entry.path, ignore_errors=True)
                n_removed += 1
            if n_removed >= _MOST_AT_ONCE:
                break
    return n_removed


def _is_left(folder: str) -> bool:
    """Say whether a folder is this user's, and of a process of this computer that is no more."""
    if os.name != "posix":
        return False  # there nobody can be asked after a process without harm
    try:
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return False
        with open(f"{folder}/{_OWNER_FILE}", encoding="utf-8") as file:
            owner = json.load(file)
        process = owner["process"]
        return type(process) is int and process > 1 and owner["where"] == _where() and not _is_alive(process)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _where() -> str:
    """Return in which numbering of processes this one has its number: containers may share a folder for temporary files."""
    numbering = ""
    with contextlib.suppress(OSError):
        numbering = os.readlink("/proc/self/ns/pid")
    return f"{os.uname().nodename if hasattr(os, 'uname') else os.environ.get('COMPUTERNAME', '')} {numbering}"
