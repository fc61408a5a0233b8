"""Holds back what Python code of a script would change elsewhere, and notes what it reads and that it asks for the network.

It sees what Python's audit events tell, in this process and those it forks. Programs and C libraries are not seen: see `wall.py`.
"""

from __future__ import annotations

import errno
import importlib.machinery
import os
import stat
import sys
from collections.abc import Sequence
from typing import Any, Final

from isfdb.provenance.file_events import is_data
from isfdb.provenance.whose_code import folders_left_out

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MOST_NOTED: Final = 20
_MOST_READ: Final = 2_000
_SOURCES: Final = tuple(importlib.machinery.SOURCE_SUFFIXES)

#: Audit events that name what is changed -> which of their arguments are paths, and which the folder these are relative to.
_CHANGES: Final = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "os.setxattr": ((0, None),),
    "os.removexattr": ((0, None),),
}
_FOLLOWED: Final = frozenset({"os.truncate", "os.chmod", "os.chown", "os.utime", "os.setxattr", "os.removexattr"})


def hold_back(own: Sequence[str], refused: list[str], asked_for: list[str], read: list[str], *, offline: bool) -> None:
    """From now on refuse changes outside some folders, and, where `offline`, connections to other computers. It cannot be undone.

    Parameters
    ----------
    own : sequence of str
        The folders that may be changed.
    refused : list of str
        Receives the paths that were refused.
    asked_for : list of str
        Receives the hosts that were asked for.
    read : list of str
        Receives the files of data that were opened to be read, each once.
    offline : bool
    """
    allowed = tuple([os.path.realpath(one) + os.sep for one in (*own, "/dev", "/proc/self")])
    no_data, seen = folders_left_out(), set[str]()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING:
                _refuse_outside(path, None, allowed, refused, follow=True)
            elif len(read) < _MOST_READ and (found := _data_file(path, no_data)) and found not in seen:
                seen.add(found)
                read.append(found)
        elif event in _CHANGES:
            for place, relative_to in _CHANGES[event]:
                base = arguments[relative_to] if relative_to is not None and relative_to < len(arguments) else None
                _refuse_outside(arguments[place], base, allowed, refused, follow=event in _FOLLOWED)
        elif event.startswith("socket.") and (host := _other_host(event, arguments)):
            _note(asked_for, host)
            if offline:
                raise PermissionError(errno.EACCES, f"it asks for the network ({host}), which it has not: it runs offline")

    sys.addaudithook(watch)


def _data_file(path: Any, no_data: tuple[str, ...]) -> str:
    """Return the whole path of what is opened; empty where it is no file of data, as far as its name tells."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return ""
    whole = os.path.abspath(os.fsdecode(path))
    return "" if whole.startswith(no_data) or not is_data(whole) or whole.endswith(_SOURCES) else whole


def _refuse_outside(path: Any, base: Any, allowed: tuple[str, ...], refused: list[str], *, follow: bool) -> None:
    """Raise where a path lies outside the folders that may be changed; of a link to be removed, its own place counts."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return  # a file that is open already
    text = os.fsdecode(path)
    if isinstance(base, int) and base >= 0:
        text = os.path.join(f"/proc/self/fd/{base}", text)
    folder, name = os.path.split(os.path.abspath(text))
    real = os.path.realpath(text) if follow else os.path.join(os.path.realpath(folder), name)
    if not f"{real}{os.sep}".startswith(allowed) and not (follow and _holds_nothing(text)):
        _note(refused, real)
        raise PermissionError(errno.EACCES, "a check changes nothing outside its own folder", real)


def _holds_nothing(path: str) -> bool:
    """Say whether a path leads to a pipe or the like, as ``/dev/stdout`` may: writing there changes no file."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def _note(noted: list[str], text: str) -> None:
    if len(noted) < _MOST_NOTED and text not in noted:
        noted.append(text)


# The network -------------------------------------------------------------------------------------------------------------------------


def _other_host(event: str, arguments: tuple[Any, ...]) -> str:
    """Return which other computer an event asks for; nothing for this one."""
    import socket

    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        return _named(arguments[0])
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        one, address = arguments[0], arguments[1]
        is_question = event == "socket.connect" and getattr(one, "type", None) == socket.SOCK_DGRAM  # it sends nothing
        return _named(address[0]) if isinstance(address, tuple) and address and not is_question else ""
    return ""


def _named(host: Any) -> str:
    import socket

    text = os.fsdecode(host) if isinstance(host, (str, bytes)) else ""
    if text in ("", "localhost", "::1", "::", "0.0.0.0", "<broadcast>") or text.startswith(("127.", "::ffff:127.")):  # noqa: S104
        return ""
    return "" if text.casefold() in (socket.gethostname().casefold(), "localhost.localdomain") else text[:200]
