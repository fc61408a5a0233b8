"""A database in folders on this computer or an NFS mount: how versions come and go. Every write follows the commit protocol.

``docs/explanation/commit_protocol.md`` gives the reasons; the order of the calls in :meth:`LocalStorage.prepare`,
:meth:`~LocalStorage.publish` and :meth:`~LocalStorage.settle` is the promise. Single files are `small_files.py`'s affair.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence

from isfdb.layout.current import (
    DATABASE_FILE,
    METADATA_FILE,
    PRIVATE_FOLDER,
    STAGE_PREFIX,
    STAGING_FOLDER,
    TOMBSTONE_FILE,
    TRASH_FOLDER,
    version_name,
    version_number,
)
from isfdb.storage.base import Stage, TakenError
from isfdb.storage.file_calls import FileCalls
from isfdb.storage.reclaiming import newest_change, remove_tree, tree_size
from isfdb.storage.small_files import TAKEN, SmallFiles, inode, stands
from isfdb.storage.staging import host, new_nonce, stage_name, writer_is_alive

#: Gives the calls of every storage that is given none; see `isfdb.testing.faults.calls_go_to`.
make_calls: Callable[[], FileCalls] = FileCalls


class LocalStorage(SmallFiles):
    """Folders on a POSIX file system.

    Parameters
    ----------
    path : str
        Absolute path of the database folder.
    read_only : bool
        Refuse every write.
    calls : FileCalls, optional
        Where the file-system calls go; tests put a recorder here.
    """

    def __init__(self, path: str, *, read_only: bool = False, calls: FileCalls | None = None, links_into: str = "") -> None:
        super().__init__(path, read_only=read_only, calls=calls or make_calls(), links_into=links_into)

    # Versions --------------------------------------------------------------------------------------------------------------------

    def stage(self, key_folder: str, *, is_new: bool, first: int = 1) -> Stage:
        """Make a stage: beside the versions of a key that exists, else as a whole key folder in the staging folder.

        Staging and target share a parent, or at least a file system, so that publishing is one rename.
        """
        nonce = new_nonce()
        self.refuse_links(f"{STAGING_FOLDER}/" if is_new else f"{key_folder}/")
        if not is_new:
            path = f"{self.path}/{key_folder}/{stage_name(nonce)}"
            self.calls.make_folder(path)
            return Stage(path, key_folder, nonce)
        container = f"{self._staging_for(os.path.dirname(self._at(key_folder)))}/{stage_name(nonce)}"
        try:
            self.calls.make_folder(container)
        except FileNotFoundError:
            self._make_folders(os.path.dirname(container))
            self.calls.make_folder(container)
        path = f"{container}/{version_name(first)}"
        self.calls.make_folder(path)
        return Stage(path, key_folder, nonce, container, first)

    def write(self, stage: Stage, name: str, data: bytes) -> None:
        """Write a small file into the stage."""
        self.calls.rewrite(f"{stage.path}/{name}", data)
        if name not in stage.files:
            stage.files.append(name)

    def prepare(self, stages: Sequence[Stage]) -> None:
        """Flush every file and folder of the stages, and new records with the folders that name them, in one wait."""
        files, folders = [], []
        for stage in stages:
            files += [f"{stage.path}/{name}" for name in stage.files]
            folders += [f"{stage.path}/{name}" for name in stage.folders]
            folders += [stage.path, stage.container] if stage.container else [stage.path]
        records, named_in = dict(self._unflushed.files), dict(self._unflushed.folders)
        leads_there, certain = self._not_flushed_by_us([self._at(stage.key_folder) for stage in stages] + list(named_in))
        # What was deleted or moved since needs no flush, and must not fail those that do.
        there = [path for path in dict.fromkeys([*records, *leads_there]) if stands(path, stat.S_ISREG)]
        above = [path for path in dict.fromkeys([*named_in, *leads_there]) if stands(path, stat.S_ISDIR) and path not in folders]
        try:
            self.calls.flush(files + there, folders + above)
        except FileNotFoundError:
            if not all(os.path.exists(path) for path in files + folders):
                raise
            # Another process took a record away between our look and our flush; all else was flushed, or worse had been raised.
        self._unflushed.forget(records, named_in)
        self._unflushed.know(certain)

    def _not_flushed_by_us(self, folders: Sequence[str]) -> tuple[list[str], dict[str, tuple[int, int]]]:
        """Return what leads to folders and was perhaps made by a process that flushes nothing, and the folders it makes certain.

        Whoever made a key, or the database, may store with durability "process", or still be on the way to its own flush.
        """
        paths: list[str] = []
        certain: dict[str, tuple[int, int]] = {}
        for start in folders:
            folder = start if os.path.isdir(start) else os.path.dirname(start)
            while folder not in certain and (identity := inode(folder)) and self._unflushed.certain.get(folder) != identity:
                identity_file = f"{folder}/{DATABASE_FILE}"
                is_database = os.path.exists(identity_file)
                if len(folder) < len(self.path) and not is_database:
                    break
                certain[folder] = identity
                parent = os.path.dirname(folder)
                paths += [identity_file, folder] if is_database else []
                paths += [parent] if os.access(parent, os.R_OK) else []  # above the database we may have no right to look
                folder = parent
        return paths, certain

    def publish(self, stage: Stage, number: int) -> None:
        """Rename the stage into place: put-if-absent, because a version folder is never empty."""
        if stage.container and number == stage.first and not self._is_shell(stage.key_folder):
            source, target = stage.container, self._at(stage.key_folder)
        else:
            source, target = stage.path, f"{self.path}/{stage.key_folder}/{version_name(number)}"
        stage.named_in = os.path.dirname(target)
        try:
            self.calls.rename(source, target)
        except OSError as error:
            if not self._is_ours(stage, number):  # else the reply was lost, the rename was not
                if error.errno in TAKEN:
                    raise TakenError(target) from error
                raise
        if stage.container and source == stage.path:  # another writer's first version came before ours: the container is empty now
            remove_tree(stage.container, self.calls)

    def _is_shell(self, key_folder: str) -> bool:
        """Say whether there is a key folder without a version in it, as only a copy cut short, or a stranger, leaves one."""
        return stands(self._at(key_folder), stat.S_ISDIR) and not any(version_number(name) for name in self.list(key_folder))

    def _is_ours(self, stage: Stage, number: int) -> bool:
        """Look, by listing, whether version `number` is what we staged."""
        folder = f"{stage.key_folder}/{version_name(number)}"
        for name in self.list(folder):
            if name in (METADATA_FILE, TOMBSTONE_FILE):
                return f'"nonce": "{stage.nonce}"'.encode() in self.read(f"{folder}/{name}")
        return False

    def settle(self, stages: Sequence[Stage]) -> None:
        """Flush the folders in which the new names stand; one that was renamed since is flushed by whoever renamed it."""
        folders = sorted({stage.named_in for stage in stages if stage.named_in})
        try:
            self.calls.flush([], folders)
        except FileNotFoundError:
            if all(os.path.isdir(folder) for folder in folders):
                raise
        made = {f"{stage.named_in}/{os.path.basename(stage.key_folder)}" for stage in stages if stage.container}
        self._unflushed.know({folder: identity for folder in made if (identity := inode(folder))})

    def discard(self, stage: Stage) -> None:
        """Remove a stage, as far as it can be removed."""
        remove_tree(stage.container or stage.path, self.calls)

    def fetch(self, folder: str) -> str:
        """Return the folder itself, or a file in it, unless it is a link or lies behind one."""
        self.refuse_links(f"{folder}/")
        return self._at(folder)

    # Moving and reclaiming -------------------------------------------------------------------------------------------------------

    def move(self, old: str, new: str) -> None:
        """Rename a folder, unless something stands at its new name."""
        source, target = self._at(old), self._at(new)
        self._make_folders(os.path.dirname(target))
        if not self._rename(source, target, inode(source)):
            raise TakenError(target)
        # The folder itself, too: what another process has just published in it could not be flushed under its old name.
        self.calls.flush([], sorted({os.path.dirname(source), os.path.dirname(target), target}))

    def to_trash(self, path: str, *, durable: bool = False) -> None:
        """Rename into the trash, under a name that says where it came from; the folder's own time says when."""
        self.refuse_links(path, f"{TRASH_FOLDER}/")
        trash = self._at(TRASH_FOLDER)
        self._make_folders(trash)
        origin = path.replace("/", "~").encode()[-200:].decode(errors="ignore")  # a name has 255 bytes
        target = f"{trash}/{origin}~{new_nonce()}"
        self.calls.make_folder(target)  # a folder of its own: its time of change is the time of trashing, by the server's clock
        try:
            self.calls.rename(self._at(path), f"{target}/{os.path.basename(path)}")
        except FileNotFoundError:
            remove_tree(target, self.calls)
            return
        if durable:
            self.calls.flush([], [trash, target, os.path.dirname(self._at(path))])

    def erase(self) -> None:
        """Rename the folder out of sight, then delete it: killed in between, no half database is left under the old name."""
        path = os.path.realpath(self.path)  # a link to the database must not be all that goes
        nonce = new_nonce()
        aside = f"{os.path.dirname(path)}/{stage_name(nonce)}"
        self.calls.rename(path, aside)
        self.calls.flush([], [os.path.dirname(path)])
        remove_tree(aside, self.calls)
        if os.path.islink(self.path):
            self.calls.unlink(self.path)

    def empty_trash(self, older_than_s: float, *, dry_run: bool) -> int:
        """Delete what was trashed that long ago."""
        self.refuse_links(f"{TRASH_FOLDER}/")
        reclaimed = 0
        for name in self.list(TRASH_FOLDER):
            path = f"{TRASH_FOLDER}/{name}"
            if self.age_s(path) >= older_than_s:
                reclaimed += self.size(path)
                if not dry_run:
                    remove_tree(self._at(path), self.calls)
        return reclaimed

    def sweep(self, folder: str, names: Iterable[str], older_than_s: float, *, dry_run: bool) -> int:
        """Remove the stages of dead writers."""
        self.refuse_links(f"{folder}/")
        reclaimed = 0
        for name in names:
            path = self._at(f"{folder}/{name}" if folder else name)
            if not name.startswith(STAGE_PREFIX) or self._is_being_written(path, older_than_s):
                continue
            reclaimed += tree_size(path)
            if not dry_run:
                remove_tree(path, self.calls)
        return reclaimed

    def _is_being_written(self, path: str, older_than_s: float) -> bool:
        return writer_is_alive(os.path.basename(path), host(), lambda: self._age_s(newest_change(path)), older_than_s)

    def size(self, path: str) -> int:
        """Return the bytes of a file or of all files in a folder."""
        try:
            return tree_size(self._at(path))
        except FileNotFoundError:
            return 0

    def age_s(self, path: str) -> float:
        """Return the seconds since `path` changed; 0 where there is none."""
        try:
            return self._age_s(os.lstat(self._at(path)).st_mtime)
        except FileNotFoundError:
            return 0.0

    def _age_s(self, changed: float) -> float:
        return self._now() - changed

    def _now(self) -> float:
        """Ask the file server for the time, for its clock and ours may differ by hours."""
        if self.read_only:
            return os.stat(self.path).st_atime  # the newest time the server told us
        nonce = new_nonce()
        probe = self._at(f"{PRIVATE_FOLDER}/{stage_name(nonce)}")
        try:
            self._make_folders(os.path.dirname(probe))
            self.calls.create(probe, b"")
            now = os.stat(probe).st_mtime
            self.calls.unlink(probe)
        except OSError:
            return os.stat(self.path).st_atime  # a dry run on a read-only file system
        return now
