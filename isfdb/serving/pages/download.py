"""One file of a version, sent as it is, to be saved: a browser never shows it, whatever it holds. Only what the manifest names."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

from isfdb.blocks import checked_earlier
from isfdb.layout.current import CODE_FILE, LOADER_FILE, METADATA_FILE, TOMBSTONE_FILE
from isfdb.manifest import checked_files
from isfdb.serving import frame
from isfdb.serving.answers import Answer
from isfdb.serving.versions_meant import version_asked
from isfdb.serving.visit import Visit

if TYPE_CHECKING:
    from isfdb.entry import Version

_OURS = (LOADER_FILE, METADATA_FILE, CODE_FILE)


def show(visit: Visit) -> Answer:
    """Return the file."""
    version, name = version_asked(visit), visit.asked("name")
    if name not in files_of(version):
        return _refused(visit, f"Version {version.number} has no file {name!r}.")
    # Earlier files are named from the key's folder, others from that of the version.
    folder = os.path.dirname(version.path) if name in _earlier(version) else str(version.path)
    try:
        file = _open(folder, name.split("/"))
    except OSError as error:
        return _refused(visit, f"{name!r} cannot be sent: {error.strerror}.")
    size = os.fstat(file.fileno()).st_size
    disposition = f"attachment; filename=\"{_ascii(name)}\"; filename*=UTF-8''{quote(name.rpartition('/')[2], safe='')}"
    return Answer(200, kind="application/octet-stream", headers=(("Content-Disposition", disposition),), file=file, size_bytes=size)


def files_of(version: Version) -> dict[str, tuple[int | None, str]]:
    """Return the files that a version consists of, with size and digest, and those that isfdb wrote beside them."""
    if version.deleted:
        return {TOMBSTONE_FILE: (None, "")}
    folder = version.path
    ours = {name: (os.path.getsize(f"{folder}/{name}"), "") for name in _OURS if os.path.isfile(f"{folder}/{name}")}
    data = {} if version.reclaimed else {**checked_files(version.record, version._folder), **_earlier(version)}
    return ours | {name: (size, digest) for name, (size, digest) in data.items()}


def _earlier(version: Version) -> dict[str, list[object]]:
    return {} if version.deleted or version.reclaimed else dict(checked_earlier(version.record, version._folder))


def _open(folder: str, names: list[str]) -> BinaryIO:
    """Open a file below a folder without following a link anywhere on the way, and without waiting for a pipe."""
    no_link = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    at = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        for name in names[:-1]:
            below = os.open(name, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | no_link, dir_fd=at)
            os.close(at)
            at = below
        descriptor = os.open(names[-1], os.O_RDONLY | no_link, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(None, "it is no plain file")
    return open(descriptor, "rb")


def _ascii(name: str) -> str:
    kept = [one if one.isascii() and (one.isalnum() or one in "._-+ ") else "_" for one in name.rpartition("/")[2]]
    return "".join(kept)[:150].strip(". ") or "file"


def _refused(visit: Visit, because: str) -> Answer:
    return frame.page(visit, "No such file", f"<h1>No such file</h1>{frame.problem(because)}", status=404)
