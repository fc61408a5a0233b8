"""Reads the record of the code of a version: repositories, files and modules, as far as they can be believed. It restores nothing.

A record may be damaged or forged. So commits must look like commits, paths must stay inside their repository, and the text of a blob
must have the digest that its name says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from isfdb.layout.current import CODE_FOLDER
from isfdb.provenance.collectors.git_repository import is_commit
from isfdb.storage.base import Storage

#: isfdb's own code: what replays a value is the isfdb at hand.
OURS: Final = frozenset({"isfdb", "loaderdumpers", "initializers"})

_BLOB: Final = re.compile(r"([0-9a-f]{32})\.[A-Za-z0-9_+-]{1,16}")


class BlobError(Exception):
    """A text of the record cannot be had. The message says why."""


@dataclass(frozen=True)
class RecordedFile:
    """One text: a file of a repository that is not in its commit, or a module outside any.

    Attributes
    ----------
    path : str
        Relative to the root of its repository; of a module outside any, the whole path.
    blob : str
        Under which name its text is kept; empty: it was left out.
    state : str
        ``"untracked"``, ``"changed"``, or of a module its name.
    redacted : int
        How many secrets were removed from it.
    outputs_removed : bool
        It is a notebook without its outputs.
    why : str
        Why it was left out.
    is_executable : bool
    """

    path: str
    blob: str = ""
    state: str = ""
    redacted: int = 0
    outputs_removed: bool = False
    why: str = ""
    is_executable: bool = False


@dataclass(frozen=True)
class RecordedRepository:
    """One repository, as the record has it.

    Attributes
    ----------
    name, root : str
        `root` with the home folder of today.
    commit : str
        Empty: it had none yet, or the record names none that looks like one.
    is_bare, is_dirty : bool
    remotes : mapping
        Name to address.
    patch : str
        Blob of the uncommitted changes; empty where there are none, or they are not known.
    patch_redacted : int
    changed : tuple of str
        Paths that differed from the commit, as far as they are named.
    files, left_out : tuple of RecordedFile
    not_in_patch : tuple of str
        Tracked files whose changes were too large to keep.
    modules : tuple of str
        Top-level modules that were imported from it.
    unknown : mapping
        What could not be learned, and why.
    is_working_directory : bool
        The session ran in it.
    """

    name: str
    root: str
    commit: str
    is_bare: bool
    is_dirty: bool
    remotes: Mapping[str, str]
    patch: str
    patch_redacted: int
    changed: tuple[str, ...]
    files: tuple[RecordedFile, ...]
    left_out: tuple[RecordedFile, ...]
    not_in_patch: tuple[str, ...]
    modules: tuple[str, ...]
    unknown: Mapping[str, str]
    is_working_directory: bool

    @property
    def is_ours(self) -> bool:
        """Whether it is isfdb's own and nothing else of it was used."""
        return not self.is_working_directory and bool(self.modules) and OURS.issuperset(self.modules)

    def is_used(self, path: str) -> bool:
        """Say whether a path is source of a module that was imported."""
        names = [*path.split("/")[:-1], os.path.splitext(os.path.basename(path))[0]]
        return path.endswith((".py", ".pyx", ".ipynb")) and not set(names).isdisjoint(self.modules)


def repositories_of(snapshot: Mapping[str, Any]) -> list[RecordedRepository]:
    """Return the repositories that are to be restored, outermost first: those that lie in others, submodules too, come after them."""
    found = [_repository(one) for one in _mappings(snapshot.get("repositories"))]
    ours = [one.root for one in found if one.is_ours]
    kept = [
        one
        for one in found
        if os.path.isabs(one.root)
        and "\0" not in one.root
        and not one.is_ours
        and (one.modules or one.is_working_directory or not inside_any(one.root, ours))
    ]
    return sorted(kept, key=lambda one: (one.root.count(os.sep), one.root))


def modules_of(snapshot: Mapping[str, Any]) -> list[RecordedFile]:
    """Return the modules outside any repository."""
    found = [_file(one, name="name") for one in _mappings(snapshot.get("local_modules"))]
    return [
        one for one in found if os.path.isabs(one.path) and ".." not in one.path.split(os.sep) and one.state.partition(".")[0] not in OURS
    ]


def read_blob(storage: Storage, name: str) -> bytes:
    """Return a kept text, checked against the digest in its name.

    Raises
    ------
    BlobError
        It is not there, or is not what its name says.
    """
    from blake3 import blake3

    match = _BLOB.fullmatch(name)
    if match is None:
        raise BlobError(f"the record names a text {name[:60]!r}, which is no name of one")
    try:
        content = storage.read(f"{CODE_FOLDER}/{name}")
    except OSError as error:
        raise BlobError(f"its text {CODE_FOLDER}/{name} is not in this database") from error
    if blake3(content).hexdigest()[:32] != match[1]:
        raise BlobError(f"its text {CODE_FOLDER}/{name} was changed since: it no longer has the digest in its name")
    return content


def inside_any(path: str, roots: list[str]) -> bool:
    """Say whether a path is one of the folders or lies in one."""
    return any(path == root or path.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


def is_safe_path(path: str) -> bool:
    """Say whether a path that a record names stays inside its repository, and out of git's own files."""
    if not path or os.path.isabs(path) or "\0" in path:
        return False
    return not any(part in ("", ".", "..") or _is_gits(part) for part in path.split("/"))


def _is_gits(part: str) -> bool:
    return part.lower().rstrip(". ") in (".git", "git~1")


def _repository(members: Mapping[str, Any]) -> RecordedRepository:
    commit = _text(members.get("commit"))
    files = tuple([_file(one) for one in _mappings(members.get("files"))])
    unknown = {str(name): _text(why) for name, why in _mapping(members.get("unknown")).items()}
    if commit and not is_commit(commit):
        unknown["commit"] = f"its record names a commit {commit[:70]!r}, which is none"
    return RecordedRepository(
        name=_text(members.get("name")) or "?",
        root=os.path.normpath(os.path.expanduser(_text(members.get("root")))),
        commit=commit if is_commit(commit) else "",
        is_bare=members.get("bare") is True,
        is_dirty=members.get("dirty") is True,
        remotes={str(name): _text(address) for name, address in _mapping(members.get("remotes")).items()},
        patch=_text(members.get("patch")),
        patch_redacted=_count(members.get("patch_redacted")),
        changed=tuple([_text(one) for one in _list(members.get("changed"))]),
        files=files,
        left_out=tuple([_file(one) for one in _mappings(members.get("left_out"))]),
        not_in_patch=tuple([_text(one.get("path")) for one in _mappings(members.get("not_in_patch"))]),
        modules=tuple([_text(one) for one in _list(members.get("modules"))]),
        unknown=unknown,
        is_working_directory="working_directory" in members,
    )


def _file(members: Mapping[str, Any], name: str = "state") -> RecordedFile:
    path = _text(members.get("path"))
    return RecordedFile(
        path if name == "state" else os.path.expanduser(path),
        _text(members.get("blob")),
        _text(members.get(name)),
        _count(members.get("redacted")),
        members.get("outputs_removed") is True,
        _text(members.get("why") or members.get("left_out")),
        members.get("executable") is True,
    )


def _mappings(member: Any) -> list[Mapping[str, Any]]:
    return [one for one in _list(member) if isinstance(one, Mapping)]


def _mapping(member: Any) -> Mapping[str, Any]:
    return member if isinstance(member, Mapping) else {}


def _list(member: Any) -> list[Any]:
    return member if isinstance(member, list) else []


def _text(member: Any) -> str:
    return member if isinstance(member, str) else ""


def _count(member: Any) -> int:
    return member if type(member) is int else 0
