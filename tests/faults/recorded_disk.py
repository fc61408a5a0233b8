"""A file system (FUSE) that writes down every call, whoever makes it: numpy, SQLite, several processes at once.

What is stored lies in an ordinary folder. ``os.setxattr(mounted, "user.mark", b"stored")`` notes that a caller reached a point.
What a power cut may leave of what was written down, `isfdb.testing.crash_states` says.
"""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from isfdb.testing.faults import Call

MARK = "user.mark"


def mark(mounted: str | Path, text: str) -> None:
    """Note in the trace that the caller reached a point."""
    os.setxattr(mounted, MARK, text.encode())


def serve(folder: str, mounted: str, trace: str) -> None:
    """Mount, and answer until somebody unmounts. Runs in a process of its own."""
    import mfusepy

    class Disk(_Calls, mfusepy.Operations):  # type: ignore[misc]
        use_ns = True

    options = {"big_writes": True} if mfusepy.fuse_version_major < 3 else {}  # later ones do so anyway
    with open(trace, "wb", buffering=0) as file:
        mfusepy.FUSE(Disk(folder, file), mounted, foreground=True, nothreads=True, use_ino=True, attr_timeout=0, entry_timeout=0, **options)


class _Calls:
    """Passes calls on to a folder, and writes down those that changed something."""

    def __init__(self, folder: str, trace: BinaryIO) -> None:
        self.folder = folder
        self._trace = trace
        self._paths: dict[int, str] = {}  # inode -> one path it has now: a file that is open may have been renamed

    def _record(self, name: str, *paths: str, data: bytes = b"", offset: int = 0) -> None:
        pickle.dump(Call(name, tuple(path.lstrip("/") for path in paths), data, offset), self._trace)

    def _at(self, path: str) -> str:
        return self.folder + path

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        found = os.lstat(self._at(path)) if fh is None else os.fstat(fh)
        names = ("st_ino", "st_mode", "st_nlink", "st_uid", "st_gid", "st_size", "st_blocks")
        return {name: getattr(found, name) for name in names} | {
            f"st_{name}": getattr(found, f"st_{name}_ns") for name in ("atime", "mtime", "ctime")
        }

    def readdir(self, path: str, fh: int) -> list[tuple[str, dict[str, int], int]]:
        """List names with their inodes: the C library takes a name without one for a deleted one."""
        with os.scandir(self._at(path)) as entries:
            return [(entry.name, {"st_ino": entry.inode(), "st_mode": entry.stat(follow_symlinks=False).st_mode}, 0) for entry in entries]

    def statfs(self, path: str) -> dict[str, Any]:
        found = os.statvfs(self._at(path))
        return {name: getattr(found, name) for name in dir(found) if name.startswith("f_") and name not in ("f_fsid",)}

    def setxattr(self, path: str, name: str, value: bytes, options: int, position: int = 0) -> int:
        if name != MARK:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        self._record("mark", value.decode())
        return 0

    # Files

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        descriptor = os.open(self._at(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        self._record("rewrite", path)
        self._paths[os.fstat(descriptor).st_ino] = path
        return descriptor

    def open(self, path: str, flags: int) -> int:
        descriptor = os.open(self._at(path), flags & (os.O_ACCMODE | os.O_TRUNC))
        self._paths[os.fstat(descriptor).st_ino] = path
        if flags & os.O_TRUNC:
            self._record("truncate", path)
        return descriptor

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        written = os.pwrite(fh, data, offset)
        if now := self._paths.get(os.fstat(fh).st_ino):
            self._record("write", now, data=bytes(data[:written]), offset=offset)
        return written

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        os.truncate(self._at(path), length)
        self._record("truncate", path, offset=length)
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        if now := self._paths.get(os.fstat(fh).st_ino):
            self._record("flush", now)
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        self._record("flush", path)
        return 0

    def release(self, path: str, fh: int) -> int:
        os.close(fh)
        return 0

    # Names

    def mkdir(self, path: str, mode: int) -> int:
        os.mkdir(self._at(path), mode)
        self._record("make_folder", path)
        return 0

    def rmdir(self, path: str) -> int:
        os.rmdir(self._at(path))
        self._record("remove_folder", path)
        return 0

    def unlink(self, path: str) -> int:
        found = os.lstat(self._at(path))
        os.unlink(self._at(path))
        self._record("unlink", path)
        if found.st_nlink == 1:
            self._paths.pop(found.st_ino, None)
        return 0

    def rename(self, old: str, new: str) -> int:
        os.rename(self._at(old), self._at(new))
        self._record("rename", old, new)
        for inode, path in self._paths.items():
            if path == old or path.startswith(f"{old}/"):
                self._paths[inode] = new + path[len(old) :]
        return 0

    def link(self, target: str, source: str) -> int:
        os.link(self._at(source), self._at(target))
        self._record("link", source, target)
        self._paths[os.lstat(self._at(target)).st_ino] = target
        return 0

    def chmod(self, path: str, mode: int) -> int:
        os.chmod(self._at(path), mode)
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        os.chown(self._at(path), uid, gid)
        return 0

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        os.utime(self._at(path), ns=times)
        return 0


def why_not() -> str | None:
    """Say why no such disk can be had here; None where it can."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse that may be used"
    try:
        import mfusepy  # noqa: F401
    except (ImportError, OSError) as error:
        return f"mfusepy cannot be used: {error}"
    return None


@contextmanager
def recorded_disk(folder: Path) -> Iterator[Path]:
    """Mount one below `folder` for a ``with`` block; skip the test, with the reason, where that cannot be done."""
    if reason := why_not():
        pytest.skip(f"{reason}: calls of other programs were not recorded")
    mounted = folder / "mounted"
    for name in ("stored", "mounted"):
        (folder / name).mkdir()
    code = f"from tests.faults.recorded_disk import serve; serve({str(folder / 'stored')!r}, {str(mounted)!r}, {str(folder / 'trace')!r})"
    server = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2], stderr=subprocess.PIPE)
    try:
        while not os.path.ismount(mounted):
            if server.poll() is not None:
                pytest.skip(f"FUSE mounts nothing here ({server.communicate()[1].decode()[-200:]}): no calls were recorded")
            time.sleep(0.02)
        yield mounted
    finally:
        if os.path.ismount(mounted):
            subprocess.run(["umount", "-l", str(mounted)], check=True)  # lazy: a reader that was killed may not be gone yet
        server.communicate(timeout=60)


def trace_of(folder: Path) -> list[Call]:
    """Return what was written down so far on the disk below `folder`."""
    found = []
    with open(folder / "trace", "rb") as file:
        try:
            while True:
                found.append(pickle.load(file))
        except EOFError:
            return found
