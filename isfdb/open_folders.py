"""Which folders let anybody on this computer put files of his in the place of others'. Knows nothing of databases."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence


def writable_by_anybody(path: str, within: Sequence[str] = ()) -> str | None:
    """Return the first file or folder by which anybody could change what is read from a folder, or None.

    That is one into which everybody may write; or a folder above, where everybody may rename what is not his (as nobody may in one with
    the sticky bit, such as the folder for temporary files).

    Parameters
    ----------
    path : str
        An absolute path without links.
    within : sequence of str
        What is read, relative to it: these, and the folders on the way to them, count as well.
    """
    if os.name != "posix":
        return None
    above = os.path.dirname(path)
    while above != os.path.dirname(above):
        if _mode(above) & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
            return above
        above = os.path.dirname(above)
    return next((one for one in (path, *_inside(path, within)) if _mode(one) & stat.S_IWOTH), None)


def _inside(path: str, within: Sequence[str]) -> list[str]:
    """Return what lies on the way to each, and each itself, once."""
    found: dict[str, None] = {}
    for one in within:
        parts = one.split("/")
        for depth in range(1, len(parts) + 1):
            found[f"{path}/{'/'.join(parts[:depth])}"] = None
    return list(found)


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0  # what is not there is not loaded from either
