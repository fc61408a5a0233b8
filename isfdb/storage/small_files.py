"""The small files of a database in folders: records, notes, identities. Each is created whole or not at all; values are no affair of it.

What waits for a flush is remembered here, and joins the first wait of the next value that is stored.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Sequence

from isfdb.errors import StorageError
from isfdb.failures import reading_failure
from isfdb.layout.current import (
    ATTRIBUTES_FOLDER,
    KEY_SUFFIX,
    MAX_LOG_BYTES,
    MAX_RECORD_BYTES,
    PRIVATE_FOLDER,
    STAGING_FOLDER,
)
from isfdb.manifest import is_strange_link
from isfdb.storage.base import Storage
from isfdb.storage.file_calls import FileCalls
from isfdb.storage.flushing import unflushed_in
from isfdb.storage.reclaiming import remove_tree
from isfdb.storage.staging import new_nonce, stage_name

#: Renaming onto a folder that holds something: ENOTEMPTY on ext4, Btrfs, tmpfs and NFS, EEXIST on XFS.
TAKEN = frozenset({errno.ENOTEMPTY, errno.EEXIST})
# A named pipe in a file's place must not stop us, and a link must not lead us elsewhere.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_NEVER = frozenset({errno.ELOOP, errno.ENAMETOOLONG})
_STILL_SO_S = 0.01  # one value is read by several calls: the folder need not be looked at in each
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})


def inode(path: str) -> tuple[int, int] | None:
    """Return what tells a file or folder from all others, whatever its name; None where there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def stands(path: str, kind: Callable[[int], bool] | None = None) -> bool:
    """Say whether there is something at `path`: as ``os.path.exists`` does, which says no as well where it cannot know.

    Parameters
    ----------
    kind : callable, optional
        ``stat.S_ISDIR``: only a folder counts.

    Raises
    ------
    OSError
        The system does not let us see.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        if error.errno in _NEVER or os.path.islink(path):  # where a link leads may be closed to us: what it names is not ours to list
            return False
        raise
    return kind is None or kind(found.st_mode)


class SmallFiles(Storage):
    """Lists, reads, creates and replaces single files below a folder.

    Parameters
    ----------
    path : str
        Absolute path of the database folder.
    read_only : bool
        Refuse every write.
    calls : FileCalls
        Where the file-system calls go.
    links_into : str
        Links into this folder are isfdb's own; empty where all links are strangers'.
    """

    def __init__(self, path: str, *, read_only: bool, calls: FileCalls, links_into: str = "") -> None:
        self.path = path
        self.read_only = read_only
        self.calls = calls
        self._unflushed = unflushed_in(path)
        self.links_into = links_into
        self._no_link = ("", 0.0)  # the folder that was last seen to lie behind no link, and when

    @property
    def location(self) -> str:
        """The folder."""
        return self.path

    def _at(self, path: str) -> str:
        if "\0" in path or (".." in path and ".." in path.split("/")):  # from a forged record: no file of the database is called so
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return f"{self.path}/{path}" if path else self.path

    def list(self, folder: str) -> list[str]:
        """Return the names inside `folder`; an empty list where there is none."""
        try:
            return os.listdir(self._at(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:  # an empty list would say that there is nothing
            raise reading_failure(error, self._at(folder), self.path) from error

    def watched_folder(self, folder: str) -> str:
        """Return the folder itself."""
        return self._at(folder)

    def is_folder(self, path: str) -> bool:
        """Say whether `path` is a folder; a link back to a folder above it is none, for it would have no end."""
        try:
            target = self._at(path)
        except FileNotFoundError:
            return False
        try:
            return stands(target, stat.S_ISDIR) and not (os.path.islink(target) and self._leads_back(target))
        except OSError as error:
            raise reading_failure(error, target, self.path) from error

    def _leads_back(self, link: str) -> bool:
        real, folder = os.path.realpath(link), os.path.dirname(link)
        while len(folder) >= len(self.path):
            if f"{os.path.realpath(folder)}/".startswith(f"{real}/"):
                return True
            folder = os.path.dirname(folder)
        return False

    def read(self, path: str) -> bytes:
        """Return a file's content.

        Raises
        ------
        FileNotFoundError
            There is none.
        StorageError
            It is no file, or a link, or lies behind one, or is larger than such a file ever is; or the system refuses to read it.
        """
        target = self._at(path)
        self.refuse_links(path)
        try:
            return self._read(path, target)
        except (FileNotFoundError, NotADirectoryError, StorageError):
            raise
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise self._refusal(path, "it is a link") from error
            raise reading_failure(error, path, self.path) from error

    def _read(self, path: str, target: str) -> bytes:
        descriptor = os.open(target, _READ)
        try:
            size = self._checked_size(path, os.fstat(descriptor))
            data = os.read(descriptor, size + 1)
            while len(data) < size and (more := os.read(descriptor, size - len(data))):
                data += more
            return data
        finally:
            os.close(descriptor)

    def _checked_size(self, path: str, found: os.stat_result) -> int:
        if not stat.S_ISREG(found.st_mode):
            raise self._refusal(path, "it is no file")
        most = MAX_LOG_BYTES if path.endswith(".jsonl") else MAX_RECORD_BYTES
        if found.st_size > most:
            raise self._refusal(path, f"it has {found.st_size:,} bytes, and such a file has {most:,} at most")
        return found.st_size

    def refuse_links(self, *paths: str) -> None:
        """Refuse paths that lead through a link. The folders of sub-databases may be links, to another disk say; nothing else may be.

        Raises
        ------
        StorageError
            One of a stranger's would lead to files of yours: an export took them along, a collect deleted them.
        """
        for path in paths:
            folder, now = path.rpartition("/")[0], time.monotonic()
            known, since = self._no_link
            if folder != known or now - since > _STILL_SO_S:
                self._look_for_links(path)
                self._no_link = folder, now

    def _look_for_links(self, path: str) -> None:
        end = len(PRIVATE_FOLDER) if path.startswith(f"{PRIVATE_FOLDER}/") else path.find(f"{KEY_SUFFIX}/") + len(KEY_SUFFIX)
        while end >= len(KEY_SUFFIX):
            if is_strange_link(f"{self.path}/{path[:end]}", self.links_into):
                raise self._refusal(path, f"{path[:end]} is a link")
            end = path.find("/", end + 1)

    def _refusal(self, path: str, why: str) -> StorageError:
        message = f"{path} of {self.path} is not used: {why}. isfdb did not write that. See isfdb.verify(db)."
        return StorageError(message, path=path, database=self.path)

    def put(self, path: str, data: bytes, *, flushed: bool = False) -> bool:
        """Create a file, whole, unless it exists."""
        self.refuse_links(path, f"{STAGING_FOLDER}/")
        target, nonce = self._at(path), new_nonce()
        aside = self._write_aside(target, data, nonce, flushed=flushed)
        try:
            self.calls.link(aside, target)
            is_new = True
        except FileExistsError:
            is_new = False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            is_new = self._create(target, data)
        finally:
            remove_tree(aside, self.calls)
        # If it was there, another process may have written and not yet flushed it: what we publish may rely on it all the same.
        self._unflushed.note(target, os.path.dirname(target))
        return is_new

    def _create(self, target: str, data: bytes) -> bool:
        """Create in place, for file systems without hard links: exclusive, though a crash can leave it short."""
        try:
            self.calls.create(target, data)
        except FileExistsError:
            return False
        return True

    def put_folder(self, folder: str, name: str, data: bytes, *, flushed: bool = False) -> bool:
        """Create a folder with one file in it: nobody sees it without."""
        self.refuse_links(f"{STAGING_FOLDER}/")
        target, nonce = self._at(folder), new_nonce()
        aside = f"{self._staging_for(os.path.dirname(target))}/{stage_name(nonce)}"
        self._make_folders(os.path.dirname(aside))
        try:
            self.calls.make_folder(aside)
            self.calls.create(f"{aside}/{name}", data)
            if flushed:
                self.calls.flush([f"{aside}/{name}"], [aside])
            is_new = self._rename(aside, target, inode(aside))
        finally:
            remove_tree(aside, self.calls)
        self._unflushed.note(f"{target}/{name}", target, os.path.dirname(target))
        return is_new

    def _rename(self, source: str, target: str, identity: tuple[int, int] | None) -> bool:
        """Rename a folder unless its new name is taken; `identity` tells whether it arrived although the reply was lost."""
        try:
            self.calls.rename(source, target)
        except OSError as error:
            if identity is not None and inode(target) == identity:
                return True
            if error.errno in TAKEN:
                return False
            raise
        return True

    def _write_aside(self, target: str, data: bytes, nonce: str, *, flushed: bool) -> str:
        """Write a file where stages are, so that collect finds what a killed writer leaves of it."""
        self._make_folders(os.path.dirname(target))
        aside = f"{self._staging_for(os.path.dirname(target))}/{stage_name(nonce)}"
        try:
            self._create_in_staging(aside, data)
            if flushed:
                self.calls.flush([aside], [])
        except BaseException:
            remove_tree(aside, self.calls)
            raise
        return aside

    def _create_in_staging(self, aside: str, data: bytes) -> None:
        try:
            self.calls.create(aside, data)
        except FileNotFoundError:
            self._make_folders(os.path.dirname(aside))
            self.calls.create(aside, data)

    def make(self) -> None:
        """Make the database's own folder, and those above it, and make their names survive a power cut."""
        missing, folder = [], self.path
        while not os.path.isdir(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        self._make_all(missing)

    def _make_folders(self, folder: str) -> None:
        """Make a folder and the missing ones above it, up to the database's own, which must exist.

        Raises
        ------
        FileNotFoundError
            A key's or version's folder is missing: those only ever appear whole, so somebody moved the key away.
        """
        missing = []
        while folder != self.path and not os.path.isdir(folder):
            parent, name = os.path.split(folder)
            if name.endswith(KEY_SUFFIX) or (parent.endswith(KEY_SUFFIX) and name != ATTRIBUTES_FOLDER):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
            missing.append(folder)
            folder = parent
        self._make_all(missing)

    def _make_all(self, missing: Sequence[str]) -> None:
        for path in reversed(missing):
            try:
                self.calls.make_folder(path)
            except FileExistsError:
                continue  # another process made it between our look and our call
        if missing:
            self.calls.flush([], [os.path.dirname(path) for path in missing])

    def _staging_for(self, parent: str) -> str:
        while parent != self.path and not os.path.isdir(parent):
            parent = os.path.dirname(parent)
        # A sub-database may be a link to another disk, where a rename from our staging folder cannot reach.
        if parent != self.path and os.stat(parent).st_dev != os.stat(self.path).st_dev:
            return parent
        return f"{self.path}/{STAGING_FOLDER}"

    def replace(self, path: str, data: bytes, *, flushed: bool = True) -> None:
        """Create or replace a file, atomically."""
        self.refuse_links(path, f"{STAGING_FOLDER}/")
        target, nonce = self._at(path), new_nonce()
        aside = self._write_aside(target, data, nonce, flushed=flushed)
        try:
            self.calls.replace(aside, target)
        except BaseException:
            remove_tree(aside, self.calls)
            raise
        self._unflushed.note(None, os.path.dirname(target))

    def append(self, path: str, data: bytes) -> None:
        """Add to the end of a file, which its one writer makes."""
        self.refuse_links(path)
        target = self._at(path)
        try:
            self.calls.append(target, data)
        except FileNotFoundError:
            self._make_folders(os.path.dirname(target))
            self.calls.create(target, data)
            self._unflushed.note(None, os.path.dirname(target))
        self._unflushed.note(target)

    def rely_on(self, path: str) -> None:
        """Flush a file that another process writes along with our own records, and its name."""
        target = self._at(path)
        self._unflushed.note(target, os.path.dirname(target))

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        self.refuse_links(path)
        try:
            self.calls.unlink(self._at(path))
        except FileNotFoundError:
            return
