"""Whether the code that made values is still what it was: repositories and modules, each state looked at once.

Commits are compared by reading git's files. Git itself is asked only where the user wants it: then contents are compared, so that
committing what was changed before does not count, nor does a change in files that no value was made with.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from isfdb.layout.current import CODE_FOLDER
from isfdb.provenance.collectors import git_repository
from isfdb.provenance.collectors.git_process import GitUnavailableError
from isfdb.provenance.collectors.git_state import WorkTreeWatch
from isfdb.provenance.collectors.sources import Budget, SourceReader, is_source
from isfdb.storage.base import Storage
from isfdb.tracing.places import UNREADABLE
from isfdb.tracing.surroundings import modules_of

if TYPE_CHECKING:
    from isfdb.provenance.collectors.git_repository import Repository

#: Git's answers about one repository may take so long, and those about all of them together.
TIMEOUT_S: Final = 5.0
TIMEOUT_OF_ALL_S: Final = 30.0


class CodeChanges:
    """Compares repositories and modules with what is recorded of them.

    Parameters
    ----------
    ask_git : bool
        Start git and compare contents.
    """

    def __init__(self, *, ask_git: bool) -> None:
        self._ask_git = ask_git
        self._answers: dict[tuple[Any, ...], str] = {}
        self._watches: dict[str, WorkTreeWatch | None] = {}
        self._sources = SourceReader()
        self._blobs: dict[str, str | None] = {}
        self._until = time.monotonic() + TIMEOUT_OF_ALL_S

    def of_repository(self, recorded: Mapping[str, Any], storage: Storage) -> str:
        """Say in a few words how a repository differs from what is recorded; empty where it does not, or where nobody can tell."""
        root, commit, patch = recorded.get("root"), recorded.get("commit"), recorded.get("patch")
        modules = tuple(modules_of(recorded))
        if not isinstance(root, str) or not modules:
            return ""  # nothing was imported from it: the cells themselves are on record
        if not isinstance(commit, str):
            return self._compare_files(recorded, os.path.expanduser(root), modules)  # before the first commit all files are untracked
        place = (root, commit, repr(patch), modules, repr(recorded.get("files")))
        if place not in self._answers:
            self._answers[place] = self._compare(recorded, storage, os.path.expanduser(root), commit, modules)
        return self._answers[place]

    def _compare(self, recorded: Mapping[str, Any], storage: Storage, root: str, commit: str, modules: tuple[str, ...]) -> str:
        watch = self._watch(root)
        if watch is None:
            return ""  # it may lie on another computer
        now, _ = git_repository.head(watch.repository)
        if not self._ask_git:
            moved = now is not None and now != commit
            return f"was at commit {commit[:12]} and is at {now[:12]}; with git=True, contents are compared" if moved and now else ""
        try:
            deadline = min(self._until, time.monotonic() + TIMEOUT_S)
            sections = _sections(watch.difference_from(commit, deadline))
        except GitUnavailableError:
            return ""
        before = _sections(_patch(storage, recorded.get("patch")))
        files = recorded.get("files")
        named = [file for file in files if isinstance(file, dict)] if isinstance(files, list) else []
        known = {file["path"]: file.get("blob") for file in named if isinstance(file.get("path"), str)}
        differ = {path for path in {*sections, *before} if sections.get(path) != before.get(path) and path not in known}
        differ |= {path for path, blob in known.items() if self._blob(os.path.join(root, path)) != blob}
        return _told(sorted(path for path in differ if is_source(path) and _is_of(path, modules)))

    def _compare_files(self, recorded: Mapping[str, Any], root: str, modules: tuple[str, ...]) -> str:
        kept = [file for file in recorded.get("files") or () if isinstance(file, dict) and isinstance(file.get("path"), str)]
        known = {file["path"]: file["blob"] for file in kept if isinstance(file.get("blob"), str)}
        if not os.path.isabs(root) or "\0" in root:
            return ""
        now = {
            path: self._blob(os.path.join(root, path)) for path in known if is_source(path) and _is_of(path, modules) and "\0" not in path
        }
        return _told(sorted(path for path, blob in now.items() if blob not in (known[path], None)))

    def _watch(self, root: str) -> WorkTreeWatch | None:
        if root not in self._watches:
            found: Repository | None = git_repository.find_repository(root) if os.path.isabs(root) and "\0" not in root else None
            is_there = found is not None and found.root == os.path.abspath(root)
            self._watches[root] = WorkTreeWatch(found) if found is not None and is_there else None
        return self._watches[root]

    def of_module(self, recorded: Mapping[str, Any]) -> str:
        """Say how the file of a module outside git differs from what is recorded."""
        path, blob = os.path.expanduser(str(recorded.get("path"))), recorded.get("blob")
        if not isinstance(blob, str) or not os.path.isabs(path) or "\0" in path or not os.path.exists(path):
            return ""  # its text was not kept, or it lies on another computer
        return "has other content" if self._blob(path) not in (blob, None) else ""

    def _blob(self, path: str) -> str | None:
        if path not in self._blobs:
            kept = self._sources.read(path, Budget())
            self._blobs[path] = None if isinstance(kept, str) else kept.blob
        return self._blobs[path]


def _patch(storage: Storage, name: Any) -> bytes:
    if not isinstance(name, str) or not re.fullmatch(r"[0-9a-f]{1,64}\.patch", name):
        return b""
    try:
        return storage.read(f"{CODE_FOLDER}/{name}")
    except UNREADABLE:
        return b""


def _sections(patch: bytes) -> dict[str, bytes]:
    """Return a patch by file: its path, and what is said about it. Which line begins what does not matter where the content is equal."""
    found = {}
    for section in re.split(rb"^(?=diff --git )", patch, flags=re.MULTILINE):
        head = re.match(rb'diff --git "?a/(.+?)"? "?b/', section)
        if head:
            # The digest of the new content, and the mode, stand in the index line; the rest repeats that.
            found[os.fsdecode(head[1])] = section
    return found


def _is_of(path: str, modules: tuple[str, ...]) -> bool:
    """Say whether a file belongs to one of the imported modules, as far as its name tells; the script itself counts as one."""
    parts = {*path.split("/")[:-1], os.path.splitext(path.rpartition("/")[2])[0]}
    return "__main__" in modules or not parts.isdisjoint(modules)


def _told(paths: list[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"differs in {', '.join(paths[:3])}{more}" if paths else ""
