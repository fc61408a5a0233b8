"""Puts the clean process behind a wall of Linux namespaces: all is read-only but its own folders, and all it starts ends with it.

Everything can still be read. Only namespaces of the child are changed: nothing is mounted where others see it. Where the kernel, or
who looks after the computer, does not allow this, `landlock.py` is asked.

Three processes stand where one was: the one that the parent started waits; the first process of the namespace sets up and collects
what ends; the third goes on to run the script.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from isfdb.explaining import kernel

_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - the system's own place
_RAW: Final = ("mem", "kmem", "port", "kmsg", "nvram")
#: Services that would write for whoever asks them: what starts containers, and what starts programs for a user.
_SERVICES: Final = (
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/dbus/system_bus_socket",
    "/run/systemd/private",
)
_OF_USERS: Final = "/run/user"


def go_behind_namespaces(own: Sequence[str], directory: str, *, offline: bool) -> None:
    """Go on in a new process that can change nothing but its own folders; this process waits for it, and ends as it ends.

    Parameters
    ----------
    own : sequence of str
        The folders that may be changed.
    directory : str
        Where to go on.
    offline : bool
        Whether to leave all networks but this computer's own.

    Raises
    ------
    OSError
        It is not possible here. What can be tried next has to be tried in another process: this one may be half way.
    """
    privileges = kernel.capabilities()
    _leave(offline)
    reading, writing = os.pipe()
    first = os.fork()
    if first:
        os.close(writing)
        _wait_outside(first, reading)
    os.close(reading)
    _be_first(own, directory, writing, privileges, offline=offline)


def _leave(offline: bool) -> None:
    """Leave the namespaces: as root at once, else as somebody who is root in a namespace of his own."""
    flags = kernel.NEW_MOUNTS | kernel.NEW_IPC | kernel.NEW_PIDS | (kernel.NEW_NETWORK if offline else 0)
    if os.geteuid() == 0:
        with contextlib.suppress(PermissionError):  # root in a container is often not allowed to
            kernel.unshare(flags)
            return
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(flags | kernel.NEW_USER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


# The process that the parent started ------------------------------------------------------------------------------------------------


def _wait_outside(first: int, reading: int) -> NoReturn:
    """Wait until the namespace has ended, and end as the script did."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGKILL))
    with open(reading, "rb") as pipe:
        told = pipe.read().decode()
    _, status = os.waitpid(first, 0)  # the kernel has ended all other processes of the namespace by then
    kind, _, rest = told.partition(" ")
    if kind == "impossible":
        raise OSError(rest)
    status = int(rest) if kind == "ended" else status
    if os.WIFSIGNALED(status):
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


# The first process of the namespace ---------------------------------------------------------------------------------------------------


def _be_first(own: Sequence[str], directory: str, writing: int, privileges: int, *, offline: bool) -> None:
    """Set up the namespace and start the process that runs the script; return only in that one."""
    try:
        kernel.end_with_parent(signal.SIGKILL)
        _mount(own)
        os.chdir(directory)  # what it stood in lies below the mount
        if offline:
            kernel.start_loopback()
        kernel.gain_no_privileges()
        script = os.fork()
    except OSError as error:
        os.write(writing, f"impossible {error}".encode())
        os._exit(1)
    if script:
        _collect(script, writing)
    os.close(writing)
    kernel.keep_capabilities(kernel.PRIVILEGES_OVER_FILES & privileges)


def _collect(script: int, writing: int) -> NoReturn:
    """Collect the processes that end, until the script has ended; the kernel then ends those that are left."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    for other in (0, 1, 2):
        os.close(other)
    while True:
        ended, status = os.wait()
        if ended == script:
            os.write(writing, f"ended {status}".encode())
            os._exit(0)


# Mounts -----------------------------------------------------------------------------------------------------------------------------


def _mount(own: Sequence[str]) -> None:
    kernel.mount(None, "/", None, kernel.RECURSIVE | kernel.PRIVATE)
    for folder in own:
        kernel.mount(folder, folder, None, kernel.BIND | kernel.RECURSIVE)
    kernel.mount("proc", "/proc", "proc", kernel.NO_SETUID_FILES | kernel.NO_DEVICES | kernel.NO_PROGRAMS)
    if os.path.isdir(_SHARED_MEMORY):
        kernel.mount("tmpfs", _SHARED_MEMORY, "tmpfs", kernel.NO_SETUID_FILES | kernel.NO_DEVICES)
    if os.path.isdir(_OF_USERS):
        kernel.mount("tmpfs", _OF_USERS, "tmpfs", kernel.NO_SETUID_FILES | kernel.NO_DEVICES)
    for hidden in (*_raw_devices(), *filter(os.path.exists, _SERVICES)):
        kernel.mount("/dev/null", hidden, None, kernel.BIND)
    writable = [os.path.realpath(one) for one in (*own, _SHARED_MEMORY) if os.path.isdir(one)]
    try:
        kernel.set_read_only("/", True, whole_tree=True)
        for folder in writable:
            kernel.set_read_only(folder, False)
    except OSError as error:
        if error.errno != 38:  # it is there since Linux 5.12
            raise
        make_each_read_only(writable)


def _raw_devices() -> Iterator[str]:
    """Yield the devices through which root could write past all files: a read-only mount does not stop that."""
    for entry in os.scandir("/dev"):
        with contextlib.suppress(OSError):
            if entry.name in _RAW or (not entry.is_symlink() and stat.S_ISBLK(entry.stat().st_mode)):
                yield entry.path


def make_each_read_only(writable: Sequence[str]) -> None:
    """Make every mount read-only but those at some places, one by one.

    Raises
    ------
    OSError
        One could not be changed.
    """
    for place, options in _mounts():
        if place in writable or "ro" in options:
            continue
        kept = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024, "nodiratime": 2048, "relatime": 1 << 21}
        flags = sum([flag for name, flag in kept.items() if name in options])
        kernel.mount(None, place, None, kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY | flags)


def _mounts() -> list[tuple[str, list[str]]]:
    """Return where something is mounted, and how; of several at one place the one that is seen."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.split() for line in file]
    return list({_unescaped(row[4]): row[5].split(",") for row in rows}.items())


def _unescaped(place: str) -> str:
    for code in (" ", "\t", "\n", "\\"):
        place = place.replace(f"\\{ord(code):03o}", code)
    return place
