"""Walks, sizes and removes folders. Knows no database layout."""

from __future__ import annotations

import os
import stat

from isfdb.storage.file_calls import FileCalls


def tree_size(path: str) -> int:
    """Return the bytes of a file, or of all files below a folder; links count for nothing, what vanishes meanwhile neither."""
    try:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode):
            return found.st_size if stat.S_ISREG(found.st_mode) else 0
        with os.scandir(path) as entries:
            return sum([tree_size(entry.path) for entry in entries])
    except FileNotFoundError:
        return 0


def newest_change(path: str) -> float:
    """Return the newest time of change below `path`, in seconds since 1970: a writer at work moves it."""
    try:
        newest = os.lstat(path).st_mtime
        if os.path.isdir(path) and not os.path.islink(path):
            with os.scandir(path) as entries:
                newest = max([newest, *[newest_change(entry.path) for entry in entries]])
    except FileNotFoundError:
        return 0.0
    return newest


def remove_tree(path: str, calls: FileCalls) -> None:
    """Remove a folder and all below it, following no link; what refuses (an open file on NFS) stays for the next time."""
    try:
        if os.path.islink(path) or not os.path.isdir(path):
            calls.unlink(path)
            return
        with os.scandir(path) as entries:
            names = [entry.path for entry in entries]
    except OSError:
        return
    for name in names:
        remove_tree(name, calls)
    try:
        calls.remove_folder(path)
    except OSError:
        return
