"""The calls to the Linux kernel that Python does not offer: namespaces, mounts, privileges. Each raises OSError; none decides anything."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from typing import Any, Final

NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NETWORK = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
NO_SETUID_FILES, NO_DEVICES, NO_PROGRAMS, READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 2, 4, 8, 1, 32, 4096, 16384, 1 << 18

#: Of the privileges of root: change owner and mode, read and write whatever the modes say.
PRIVILEGES_OVER_FILES: Final = 0b111011

_MOUNT_SETATTR: Final = 442  # these numbers are the same on all processors
_HERE: Final = -100
_WHOLE_TREE: Final = 0x8000
_PARENT_DEATH_SIGNAL, _DROP_FROM_BOUNDS, _NO_NEW_PRIVILEGES, _AMBIENT = 1, 24, 38, 47
_CAPABILITY_VERSION: Final = 0x20080522
_SET_FLAGS, _UP = 0x8914, 1

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)


def _done(status: int, what: str) -> int:
    if status < 0:
        raise OSError(number := ctypes.get_errno(), f"{what}: {os.strerror(number)}")
    return status


def system_call(number: int, *arguments: Any, what: str) -> int:
    """Call the kernel by number; whole numbers are passed as long ones."""
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return _done(_libc.syscall(ctypes.c_long(number), *passed), what)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones; a new one for processes holds those that are started from now on."""
    _done(_libc.unshare(flags), "new namespaces")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount something in the namespace of this process."""
    passed = [None if one is None else os.fsencode(one) for one in (source, target, kind)]
    _done(_libc.mount(*passed, flags, os.fsencode(options)), f"mount at {target}")


def set_read_only(target: str, read_only: bool, *, whole_tree: bool = False) -> None:
    """Make a mount, or all below it, read-only, or one writable again."""
    wanted = struct.pack("=4Q", READ_ONLY if read_only else 0, 0 if read_only else READ_ONLY, 0, 0)
    flags = _WHOLE_TREE if whole_tree else 0
    what = f"{'read-only' if read_only else 'writable'} mount at {target}"
    system_call(_MOUNT_SETATTR, _HERE, os.fsencode(target), flags, wanted, len(wanted), what=what)


def end_with_parent(signal_number: int) -> None:
    """Have the kernel send a signal to this process when the one that started it ends."""
    _done(_libc.prctl(_PARENT_DEATH_SIGNAL, signal_number, 0, 0, 0), "end with the parent")


def gain_no_privileges() -> None:
    """Let no program that is started from here have more rights than its caller: no sudo."""
    _done(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")


def capabilities() -> int:
    """Return the privileges that are in force, as a set of bits."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next((int(line.split()[1], 16) for line in file if line.startswith("CapEff:")), 0)


def keep_capabilities(kept: int) -> None:
    """Give up all privileges but these, for good."""
    for one in range(64):
        if not kept >> one & 1 and _libc.prctl(_DROP_FROM_BOUNDS, one, 0, 0, 0) < 0:
            break  # past the last one that this kernel knows
    _libc.prctl(_AMBIENT, 4, 0, 0, 0)  # unknown before Linux 4.3
    low, high = kept & 0xFFFFFFFF, kept >> 32
    head, sets = struct.pack("=Ii", _CAPABILITY_VERSION, 0), struct.pack("=6I", low, low, 0, high, high, 0)
    _done(_libc.capset(head, sets), "give up privileges")


def start_loopback() -> None:
    """Let a new network namespace reach itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
