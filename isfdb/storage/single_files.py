"""Single files outside databases that survive a power cut whole: a user's key, a list, a report. Knows no database and no storage.

The content is flushed before the name leads to it, and the name before the caller goes on.
"""

from __future__ import annotations

import os

from isfdb.layout.current import STAGE_PREFIX
from isfdb.storage.file_calls import flush_one
from isfdb.storage.staging import new_nonce


def replace_file(path: str, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file, or write it anew: others see the old content or the new one.

    Parameters
    ----------
    mode : int
        Of the file, less what the umask takes away.
    """
    staged = _stage(path, content, mode)
    try:
        os.replace(staged, path)
    except BaseException:
        os.unlink(staged)
        raise
    flush_names(os.path.dirname(path))


def put_file(path: str, content: bytes, *, mode: int = 0o666) -> bool:
    """Write a file unless there is one: a link, unlike a rename, never replaces what another process just made."""
    staged = _stage(path, content, mode)
    try:
        os.link(staged, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(staged)
        flush_names(os.path.dirname(path))  # also of another process's file, on which the caller will rely
    return True


def make_folders(folder: str, *, mode: int = 0o777) -> None:
    """Make a folder and those above it that are missing."""
    missing, there = [], folder
    while there and not os.path.isdir(there):
        missing.append(there)
        there = os.path.dirname(there)
    os.makedirs(folder, mode=mode, exist_ok=True)
    for one in missing:
        flush_names(os.path.dirname(one))


def flush_names(folder: str) -> None:
    """Wait until the names in a folder are on the disk."""
    if os.name != "posix":
        return  # Windows cannot flush a folder
    try:
        flush_one(folder or ".")
    except PermissionError:
        return  # a folder may be open for writing, and closed for reading; then its names cannot be flushed


def _stage(path: str, content: bytes, mode: int) -> str:
    staged = f"{os.path.dirname(path) or '.'}/{STAGE_PREFIX}{new_nonce()}"
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(staged)
        raise
    return staged
