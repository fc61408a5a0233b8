"""A wall where namespaces are not allowed: the Linux kernel refuses this process and all it starts to write outside some folders.

Any user may put it up, in most containers too, from Linux 5.19 on. Reading stays allowed. It does not cover modes, times and owners of
files, ends no process, and knows no network: see `wall.py` for the better one.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
from collections.abc import Iterator, Sequence
from typing import Final

from isfdb.explaining import kernel

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_BENEATH: Final = 1

_WRITE_FILE: Final = 1 << 1
#: Removing and making all kinds of entries, moving them between folders.
_OF_FOLDERS: Final = sum([1 << bit for bit in range(4, 14)])
_TRUNCATE, _SIGNALS = 1 << 14, 1 << 1


def go_behind_landlock(own: Sequence[str]) -> None:
    """From now on refuse changes outside some folders, to this process and all it starts. It cannot be undone.

    Raises
    ------
    OSError
        It is not possible here.
    """
    version = kernel.system_call(_CREATE, None, 0, 1, what="landlock")
    if version < 2:
        raise OSError("this version of landlock lets nothing move between folders")
    of_files = _WRITE_FILE | (_TRUNCATE if version >= 3 else 0)
    rules = struct.pack("=3Q", of_files | _OF_FOLDERS, 0, _SIGNALS) if version >= 6 else struct.pack("=Q", of_files | _OF_FOLDERS)
    handle = kernel.system_call(_CREATE, rules, len(rules), 0, what="landlock")
    try:
        for folder in (*own, "/dev/shm"):  # noqa: S108 - the system's own place
            _allow(handle, folder, of_files | _OF_FOLDERS)
        for device in _devices():
            _allow(handle, device, of_files)
        kernel.keep_capabilities(kernel.PRIVILEGES_OVER_FILES & kernel.capabilities())
        kernel.gain_no_privileges()
        kernel.system_call(_RESTRICT, handle, 0, what="landlock")
    finally:
        os.close(handle)


def _allow(handle: int, path: str, rights: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            kernel.system_call(_ADD, handle, _BENEATH, struct.pack("=Qi", rights, place), 0, what=f"landlock at {path}")
        finally:
            os.close(place)


def _devices() -> Iterator[str]:
    """Yield what may be written to and keeps nothing: ``/dev/null``, terminals, graphics cards; no disks."""
    for entry in os.scandir("/dev"):
        with contextlib.suppress(OSError):
            if stat.S_ISCHR(entry.stat().st_mode) or entry.name in ("dri", "pts", "infiniband"):
                yield entry.path
