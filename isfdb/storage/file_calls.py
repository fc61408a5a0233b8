"""The file-system calls that local storage makes, one method each, so that a test can record them, fail them or lose them.

No policy lives here: which calls are made, and in which order, is the affair of `local.py` and `small_files.py`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
# Whoever else may write into the database could put a link in a file's place, and have us write into a file of ours elsewhere.
_REWRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_APPEND = os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_FLUSH = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)  # a named pipe in a file's place must not stop us


class FileCalls:
    """Plain calls to the operating system."""

    def make_folder(self, path: str) -> None:
        """Create one folder; its parent exists."""
        os.mkdir(path)

    def create(self, path: str, data: bytes) -> None:
        """Create a file that must not exist yet."""
        _write_all(os.open(path, _CREATE, 0o666), data)

    def rewrite(self, path: str, data: bytes) -> None:
        """Create a file, or write it anew from its start."""
        _write_all(os.open(path, _REWRITE, 0o666), data)

    def append(self, path: str, data: bytes) -> None:
        """Add to the end of a file that exists."""
        _write_all(os.open(path, _APPEND, 0o666), data)

    def rename(self, old: str, new: str) -> None:
        """Rename; onto a folder that holds something this fails."""
        os.rename(old, new)

    def replace(self, old: str, new: str) -> None:
        """Rename a file over another one."""
        os.replace(old, new)

    def link(self, old: str, new: str) -> None:
        """Give a file a second name, unless that name exists."""
        os.link(old, new)

    def unlink(self, path: str) -> None:
        """Remove a file's name."""
        os.unlink(path)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        os.rmdir(path)

    def flush(self, files: Sequence[str], folders: Sequence[str]) -> None:
        """Wait until files and folders are on the disk: at once, so that the disk merges the flushes into one wait."""
        targets = [*files, *folders]
        if len(targets) > 1:
            from isfdb.storage.flushing import flush_together

            flush_together(targets)
        elif targets:
            flush_one(targets[0])


def flush_one(path: str) -> None:
    """Flush one file or folder."""
    descriptor = os.open(path, _FLUSH)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        written = os.write(descriptor, data)
        while written < len(data):  # a short write is legal: a signal, or the last bytes of a full disk
            written += os.write(descriptor, memoryview(data)[written:])
    finally:
        os.close(descriptor)
