"""Walks, sizes and removes folders. Knows no database layout."""

from __future__ import annotations

import contextlib
import os
import stat

from isfdb.storage.file_calls import FileCalls


def _all_of(path: str) -> list[tuple[str, os.stat_result]]:
    """Return a file or folder and all below it, folders before what they hold; links are not followed, what vanishes is left out."""
    found: list[tuple[str, os.stat_result]] = []
    waiting = [path]
    while waiting:  # no recursion: folders may lie deeper than Python's stack
        path = waiting.pop()
        try:
            facts = os.lstat(path)
            if stat.S_ISDIR(facts.st_mode):
                with os.scandir(path) as entries:
                    waiting += [entry.path for entry in entries]
        except FileNotFoundError:
            continue
        found.append((path, facts))
    return found


def tree_size(path: str) -> int:
    """Return the bytes of a file, or of all files below a folder; links count for nothing, what vanishes meanwhile neither."""
    return sum([facts.st_size for _, facts in _all_of(path) if stat.S_ISREG(facts.st_mode)])


def newest_change(path: str) -> float:
    """Return the newest time of change below `path`, in seconds since 1970: a writer at work moves it."""
    return max([facts.st_mtime for _, facts in _all_of(path)], default=0.0)


def remove_tree(path: str, calls: FileCalls) -> None:
    """Remove a folder and all below it, following no link; what refuses (an open file on NFS) stays for the next time."""
    waiting, folders = [path], []
    while waiting:  # no recursion: folders may lie deeper than Python's stack
        path = waiting.pop()
        with contextlib.suppress(OSError):
            if os.path.islink(path) or not os.path.isdir(path):
                calls.unlink(path)
                continue
            with os.scandir(path) as entries:
                waiting += [entry.path for entry in entries]
            folders.append(path)
    for folder in reversed(folders):
        with contextlib.suppress(OSError):
            calls.remove_folder(folder)
