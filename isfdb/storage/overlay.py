"""A storage over another that is only read: writes go to a folder of their own, and reading sees both. For trying something out.

The upper half is an ordinary database folder. The unit is the key: the first write to a key makes its folder in the upper half, whole,
with links to the versions below, and from then on nothing below is asked about it. What changes in place (a managed folder) is copied
before anybody gets its path. What is removed below is only noted as removed. Several processes may share an upper half.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from isfdb.errors import CorruptVersionError, FormatVersionError
from isfdb.hashing import digest_of
from isfdb.layout.current import (
    ATTRIBUTES_FOLDER,
    DELETED_SUFFIX,
    KEY_SUFFIX,
    METADATA_FILE,
    STAGING_FOLDER,
    join,
    version_number,
)
from isfdb.manifest import read_record
from isfdb.storage.base import Stage, Storage, TakenError
from isfdb.storage.local import LocalStorage
from isfdb.storage.past import PastView, split_at_key
from isfdb.storage.reclaiming import remove_tree
from isfdb.storage.staging import new_nonce, stage_name


class OverlayStorage(Storage):
    """An upper storage, which is written to, over a lower one, which never is.

    Parameters
    ----------
    upper : LocalStorage
    lower : PastView or None
        None: there is nothing below; the database is made here.
    notes : str
        A local folder for what the overlay itself must remember.
    place : str
        Where the database below lies, or would lie.
    is_copied : callable
        Says of a version's record whether its files are copied before anybody gets their path.
    """

    def __init__(
        self,
        upper: LocalStorage,
        lower: PastView | None,
        *,
        notes: str,
        place: str,
        is_copied: Callable[[dict[str, Any]], bool],
        read_only: bool = False,
    ) -> None:
        self.read_only = read_only
        self._upper = upper
        self._lower = lower
        self._removed = f"{notes}/removed"
        self._lock_file = f"{notes}/lock"
        self.place = self.links_into = place
        self._is_copied = is_copied
        self._known: dict[str, bool] = {}  # folder of a version -> whether it is copied

    @property
    def location(self) -> str:
        """The upper folder: what is recorded about the database below must not be taken for what is recorded here."""
        return self._upper.path

    @property
    def has_below(self) -> bool:
        """Whether there is a database below, be it removed."""
        return self._lower is not None

    # Small records ---------------------------------------------------------------------------------------------------------------

    def list(self, folder: str) -> list[str]:
        """Return the names inside `folder` in both halves."""
        names = self._upper.list(folder)
        below = self._below(folder)
        if below is None:
            return names
        found = below.names(folder)
        if not split_at_key(folder)[0]:
            found = [name for name in found if self._shows(join(folder, name), name, names)]
        return list({*names, *found})

    def _shows(self, path: str, name: str, above: Sequence[str]) -> bool:
        """Say whether a name below is to be listed: not where it was removed, nor a hint about a key that lies above."""
        if name.endswith(DELETED_SUFFIX) and name.removesuffix(DELETED_SUFFIX) + KEY_SUFFIX in above:
            return False
        return not self._is_noted_removed(path)

    def is_folder(self, path: str) -> bool:
        """Say whether `path` is a folder in either half."""
        below = self._below(path)
        return self._upper.is_folder(path) or (below is not None and below.is_folder(path))

    def holds(self, path: str) -> bool:
        """Say whether there is a file with something in it in either half."""
        return self.size(path) > 0

    def read(self, path: str) -> bytes:
        """Return a record of the upper half, else of the lower."""
        try:
            return self._upper.read(path)
        except (FileNotFoundError, NotADirectoryError):
            below = self._below(path)
            if below is None:
                raise
            return below.read(path)

    def put(self, path: str, data: bytes, *, flushed: bool = False) -> bool:
        """Create a record above unless either half has it."""
        below = self._below(path)
        if below is not None and not path.endswith(DELETED_SUFFIX) and below.holds(path):
            return False
        self._own_for(path)
        return self._upper.put(path, data, flushed=flushed)

    def put_folder(self, folder: str, name: str, data: bytes, *, flushed: bool = False) -> bool:
        """Create a folder with a record above unless either half has that folder."""
        below = self._below(folder)
        if below is not None and below.is_folder(folder):
            return False
        self._own_for(folder)
        return self._upper.put_folder(folder, name, data, flushed=flushed)

    def replace(self, path: str, data: bytes, *, flushed: bool = True) -> None:
        """Create or replace a record above."""
        self._own_for(path)
        self._upper.replace(path, data, flushed=flushed)

    def append(self, path: str, data: bytes) -> None:
        """Add to the end of a record, brought up before."""
        self._own_for(path)
        below = self._below(path)
        if below is not None and not os.path.exists(self._above(path)) and below.holds(path):
            self._upper.put(path, below.read(path))
        self._upper.append(path, data)

    def remove(self, path: str) -> None:
        """Remove a record above, and note that what lies below is gone."""
        self._own_for(path)
        self._upper.remove(path)
        folder, _, name = path.rpartition("/")
        below = self._below(path)
        if below is not None and name in below.names(folder):
            self._note_removed(path)

    # Versions --------------------------------------------------------------------------------------------------------------------

    def stage(self, key_folder: str, *, is_new: bool, first: int = 1) -> Stage:
        """Make a stage above."""
        if not is_new:
            self._own_key(key_folder)
        return self._upper.stage(key_folder, is_new=is_new, first=first)

    def write(self, stage: Stage, name: str, data: bytes) -> None:
        """Write into a stage."""
        self._upper.write(stage, name, data)

    def prepare(self, stages: Sequence[Stage]) -> None:
        """Flush stages."""
        self._upper.prepare(stages)

    def publish(self, stage: Stage, number: int) -> None:
        """Make a stage visible above."""
        self._raise_folder(stage.key_folder.rpartition("/")[0])
        self._upper.publish(stage, number)

    def settle(self, stages: Sequence[Stage]) -> None:
        """Flush the names of what was published."""
        self._upper.settle(stages)

    def discard(self, stage: Stage) -> None:
        """Remove a stage."""
        self._upper.discard(stage)

    def fetch(self, folder: str) -> str:
        """Return a local folder: of a version that never changes, where it lies below; of anything else, one above."""
        key_folder, inside = split_at_key(folder)
        if not key_folder:
            if self.is_folder(folder):
                self._raise_folder(folder)
            return self._above(folder)
        version = inside.partition("/")[0]
        if version_number(version) is None:
            self._own_key(key_folder)
            return self._above(folder)
        if self._must_copy(f"{key_folder}/{version}"):
            self._own_version(f"{key_folder}/{version}")
        below = self._below(folder)
        return self._above(folder) if below is None else below.fetch(folder)

    def _must_copy(self, version: str) -> bool:
        if version not in self._known:
            try:
                self._known[version] = self._is_copied(read_record(self.read(f"{version}/{METADATA_FILE}"), version))
            except (OSError, CorruptVersionError, FormatVersionError):
                return False  # whoever loads it learns why
        return self._known[version]

    # Moving and reclaiming -------------------------------------------------------------------------------------------------------

    def move(self, old: str, new: str) -> None:
        """Move a key or a sub-database above, brought up before."""
        if self.is_folder(new):
            raise TakenError(new)
        if not self.is_folder(old):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), old)
        if split_at_key(old)[0]:
            self._own_key(old)
        else:
            self._own_tree(old)
        self._raise_folder(new.rpartition("/")[0])
        self._upper.move(old, new)
        self._note_removed(old)
        self._known.clear()

    def to_trash(self, path: str, *, durable: bool = False) -> None:
        """Take what lies above out of sight, and note that what lies below is gone."""
        if self.is_folder(path) or self.size(path):
            key_folder, inside = split_at_key(path)
            if inside:
                self._own_for(path)
            self._upper.to_trash(path, durable=durable)
            if not (key_folder and inside):
                self._note_removed(path)

    def erase(self) -> None:
        """Delete all that lies above; below, nothing is seen any more."""
        self._note_removed("")
        self._upper.erase()

    def empty_trash(self, older_than_s: float, *, dry_run: bool) -> int:
        """Delete what was trashed above."""
        return self._upper.empty_trash(older_than_s, dry_run=dry_run)

    def sweep(self, folder: str, names: Iterable[str], older_than_s: float, *, dry_run: bool) -> int:
        """Remove dead stages above; those below belong to others."""
        return self._upper.sweep(folder, names, older_than_s, dry_run=dry_run)

    def size(self, path: str) -> int:
        """Return the bytes in both halves."""
        below = self._below(path)
        return self._upper.size(path) + (below.size(path) if below is not None else 0)

    def age_s(self, path: str) -> float:
        """Return the seconds since `path` changed in the half that has it."""
        below = self._below(path)
        return self._upper.age_s(path) if below is None or os.path.lexists(self._above(path)) else below.age_s(path)

    # The two halves --------------------------------------------------------------------------------------------------------------

    def make(self) -> None:
        """Make the folders that it writes to."""
        os.makedirs(self._removed, exist_ok=True)
        os.makedirs(self._upper.path, exist_ok=True)

    def _above(self, path: str) -> str:
        return join(self._upper.path, path)

    def _below(self, path: str) -> PastView | None:
        """Return the lower half where it is to be asked about `path`: neither removed, nor in a key that lies above."""
        key_folder, _ = split_at_key(path)
        if self._lower is None or (key_folder and os.path.isdir(self._above(key_folder))) or self._is_removed(path):
            return None
        return self._lower

    def _is_removed(self, path: str) -> bool:
        try:
            if not os.listdir(self._removed):  # as nearly always
                return False
        except FileNotFoundError:
            return False
        names = path.split("/") if path else []
        return any(self._is_noted_removed("/".join(names[:depth])) for depth in range(len(names) + 1))

    def _note(self, path: str) -> str:
        return f"{self._removed}/{digest_of(path.encode())}"

    def _is_noted_removed(self, path: str) -> bool:
        return os.path.exists(self._note(path))

    def _note_removed(self, path: str) -> None:
        with open(self._note(path), "w", encoding="utf-8") as file:
            file.write(path)

    def _raise_folder(self, folder: str) -> None:
        """Make a database folder above that lies below."""
        if not os.path.isdir(self._above(folder)) and self.is_folder(folder):
            os.makedirs(self._above(folder), exist_ok=True)

    def _own_for(self, path: str) -> None:
        """Bring up what a write to `path` changes: its database folder, key or version."""
        key_folder, inside = split_at_key(path)
        if not key_folder:
            self._raise_folder(path.rpartition("/")[0])
            return
        self._own_key(key_folder)
        version, _, name = inside.partition("/")
        if name and version_number(version) is not None:
            self._own_version(f"{key_folder}/{version}")

    def _own_key(self, key_folder: str) -> None:
        """Make a key's folder above, whole, as it lies below: links to its versions, copies of its notes."""
        below = self._below(key_folder)
        if below is None or not below.is_folder(key_folder):
            return
        nonce = new_nonce()
        aside = self._above(f"{STAGING_FOLDER}/{stage_name(nonce)}")
        os.makedirs(aside)
        for name in below.names(key_folder):
            if version_number(name) is not None:
                _link_or_copy(below.fetch(f"{key_folder}/{name}"), f"{aside}/{name}")
            elif name == ATTRIBUTES_FOLDER:
                os.mkdir(f"{aside}/{name}")
                for revision in below.names(f"{key_folder}/{name}"):
                    _write(f"{aside}/{name}/{revision}", below.read(f"{key_folder}/{name}/{revision}"))
            elif not below.is_folder(f"{key_folder}/{name}"):
                _write(f"{aside}/{name}", below.read(f"{key_folder}/{name}"))
        self._raise_folder(key_folder.rpartition("/")[0])
        if below.is_deleted(key_folder):
            self._upper.put(key_folder.removesuffix(KEY_SUFFIX) + DELETED_SUFFIX, b"")
        try:
            os.rename(aside, self._above(key_folder))
        except OSError as error:
            remove_tree(aside, self._upper.calls)
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise  # else another process came first, with the same

    def _own_version(self, version: str) -> None:
        """Copy a version, so that it may be written to."""
        self._own_key(split_at_key(version)[0])
        path = self._above(version)
        if not os.path.islink(path):
            return
        with _locked(self._lock_file):
            if os.path.islink(path):
                nonce = new_nonce()
                aside = self._above(f"{STAGING_FOLDER}/{stage_name(nonce)}")
                shutil.copytree(path, aside, symlinks=True)
                os.unlink(path)
                os.rename(aside, path)

    def _own_tree(self, folder: str) -> None:
        """Bring up a sub-database with all it holds, for it is to be moved."""
        names = self.list(folder)
        self._raise_folder(folder)
        for name in names:
            path = join(folder, name)
            if name.endswith(KEY_SUFFIX):
                self._own_key(path)
            elif self.is_folder(path):
                self._own_tree(path)
            elif not os.path.exists(self._above(path)) and not name.endswith(DELETED_SUFFIX):
                self._upper.put(path, self.read(path))


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.symlink(source, target, target_is_directory=True)
    except OSError:  # a file system, or a Windows user, without links
        shutil.copytree(source, target, symlinks=True)


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Keep other processes that share the upper half out; the system frees the lock of a process that dies."""
    with open(path, "w", encoding="utf-8") as file:
        try:
            import fcntl
        except ImportError:  # Windows, where copies took the place of links, and nothing is exchanged
            yield
            return
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
