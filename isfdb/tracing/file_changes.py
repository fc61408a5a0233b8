"""Whether files that values were made from are still what they were: each is looked at once, and read only where its time alone moved."""

from __future__ import annotations

import os
import platform
import stat
import time
from typing import Final

from isfdb.display.words import size_text
from isfdb.hashing import digest_of
from isfdb.provenance.records import UsedFile

#: Files that were touched but have their old size are digested, to be fair to those who copied them; so many bytes of one, and of all.
MOST_BYTES_OF_A_FILE: Final = 256 << 20
MOST_BYTES: Final = 1 << 30

#: All folders together are listed for so long: a record may name the whole disk, and each folder on it.
MOST_S_OF_FOLDERS: Final = 20.0

#: The digest of an empty file.
EMPTY: Final = digest_of(b"")

#: Copying a file may round its time.
_SAME_TIME_S: Final = 0.01


class FileChanges:
    """Compares files with what is recorded of them."""

    def __init__(self) -> None:
        self._looks: dict[str, os.stat_result | None] = {}
        self._digests: dict[str, str | None] = {}
        self._bytes_left = MOST_BYTES
        self._seconds_left = MOST_S_OF_FOLDERS

    def change(self, used: UsedFile, host: str | None) -> str:
        """Say in a few words how a file differs from what was used; empty where it does not, or where nobody can tell.

        Parameters
        ----------
        host : str, optional
            The computer on which it was used: what is missing on another one may never have been there.
        """
        if "://" in used.path or not os.path.isabs(used.path) or "\0" in used.path:
            return ""  # a URL is not asked for behind the user's back
        if used.written_here:
            return ""  # a step on the way, made anew with the value: what counts is what it was made from
        found = self._look(used.path)
        if found is None:
            return "is gone" if host == platform.node() else ""
        if stat.S_ISDIR(found.st_mode):
            return self._compare_folder(used)
        if not stat.S_ISREG(found.st_mode):
            return ""
        if used.size is not None and found.st_size != used.size:
            return f"has {size_text(found.st_size)} now, and had {size_text(used.size)}"
        if used.mtime is None or abs(found.st_mtime - used.mtime) < _SAME_TIME_S:
            return ""
        return self._compare(used, found)

    def _look(self, path: str) -> os.stat_result | None:
        """Return what the file system says of a path; None where there is nothing, or nothing that we may see."""
        if path not in self._looks:
            try:
                self._looks[path] = os.stat(path)
            except OSError:
                self._looks[path] = None
        return self._looks[path]

    def _compare_folder(self, used: UsedFile) -> str:
        """Compare a folder that was read as one thing, by the names, sizes and times in it; its own size and time say little."""
        if used.digest is None:
            return ""
        if used.path not in self._digests:
            began = time.monotonic()
            self._digests[used.path] = _digest_of_folder(used.path, self._seconds_left)
            self._seconds_left -= time.monotonic() - began
        return "has other files, or files of other sizes or times" if self._digests[used.path] not in (used.digest, None) else ""

    def _compare(self, used: UsedFile, found: os.stat_result) -> str:
        if used.digest is None:
            return "was written since; it was not digested, so its content cannot be compared"
        if not found.st_size and used.digest != EMPTY:
            return ""  # one of the kernel's, which says that it is empty, and may never end
        digest = self._digest(used.path, found.st_size)
        if digest is None:
            return "was written since; it is too large to compare its content"
        return "has other content" if digest != used.digest else ""

    def _digest(self, path: str, size: int) -> str | None:
        """Return the digest of a file, None where that would take too long."""
        if path not in self._digests:
            if size > min(MOST_BYTES_OF_A_FILE, self._bytes_left):
                return None
            self._bytes_left -= size
            self._digests[path] = _digest(path)
        return self._digests[path]


def _digest(path: str) -> str | None:
    from isfdb.hashing import digest_of_file

    try:
        return digest_of_file(path)[1]
    except OSError:
        return None


def _digest_of_folder(path: str, max_s: float) -> str | None:
    from isfdb.provenance.file_digests import FileFacts, digest_of_folder

    try:
        return digest_of_folder(FileFacts(path), max_s).digest
    except OSError:
        return None
