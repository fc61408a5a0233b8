"""Finds the repository a folder lies in and reads what its files say: HEAD, refs, configuration, worktrees. It starts no process.

These facts need no git program, so they are there when git is missing, slow, or refuses the repository. Whether the files of the
work tree differ from the commit only git can say (:mod:`isfdb.provenance.collectors.git_state`).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from isfdb.provenance.redaction import redact_url

_MOST_BYTES = 1 << 20  # of a file of git's own; packed-refs of large projects are some hundred kB


@dataclass(frozen=True)
class Repository:
    """Where a repository lies.

    Parameters
    ----------
    root : str
        The top folder of the work tree; of a bare repository its own folder.
    git_dir : str
        HEAD and the index of this work tree.
    common_dir : str
        Refs, objects and configuration; differs from `git_dir` in a linked worktree.
    is_bare : bool
        There is no work tree.
    """

    root: str
    git_dir: str
    common_dir: str
    is_bare: bool = False

    @property
    def is_linked(self) -> bool:
        """Say whether this is a work tree added with ``git worktree add``."""
        return os.path.basename(os.path.dirname(self.git_dir)) == "worktrees"


def find_repository(folder: str) -> Repository | None:
    """Return the repository `folder` lies in."""
    current = os.path.abspath(folder)
    while (found := _repository_at(current)) is None:
        parent = os.path.dirname(current)
        if parent == current:
            return None
        current = parent
    return found


def _repository_at(folder: str) -> Repository | None:
    dot_git = os.path.join(folder, ".git")
    if os.path.isdir(dot_git):
        return Repository(folder, dot_git, dot_git) if os.path.exists(os.path.join(dot_git, "HEAD")) else None
    if os.path.isfile(dot_git):
        return _repository_elsewhere(folder, read_text(dot_git))
    is_bare = all(os.path.exists(os.path.join(folder, name)) for name in ("HEAD", "objects", "refs")) and os.path.basename(folder) != ".git"
    return Repository(folder, folder, folder, is_bare=True) if is_bare else None


def _repository_elsewhere(folder: str, text: str) -> Repository | None:
    """Follow the file ``.git`` of a submodule or a linked worktree."""
    found = re.match(r"gitdir: *(.+)", text)
    if found is None:
        return None
    git_dir = os.path.normpath(os.path.join(folder, found[1].strip()))
    common = read_text(os.path.join(git_dir, "commondir")).strip()
    return Repository(folder, git_dir, os.path.normpath(os.path.join(git_dir, common)) if common else git_dir)


def read_text(path: str) -> str:
    """Return the text of a small file of git's, or nothing where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_MOST_BYTES)
    except OSError:  # most of git's files are optional
        return ""


def head(repository: Repository) -> tuple[str | None, str | None]:
    """Return commit and branch as the files say; no branch when detached, no commit before the first."""
    text = read_text(os.path.join(repository.git_dir, "HEAD")).strip()
    if not text.startswith("ref:"):
        return (text if is_commit(text) else None), None
    ref = text[4:].strip()
    return _resolve(repository, ref), ref.removeprefix("refs/heads/")


def _resolve(repository: Repository, ref: str) -> str | None:
    if ".." in ref or not ref.startswith("refs/"):
        return None
    commit = read_text(os.path.join(repository.common_dir, ref)).strip()
    if is_commit(commit):
        return commit
    for line in read_text(os.path.join(repository.common_dir, "packed-refs")).splitlines():
        packed, _, name = line.partition(" ")
        if name == ref and is_commit(packed):
            return packed
    return None


def is_commit(text: str) -> bool:
    """Say whether a text is the full name of a commit."""
    return re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", text) is not None


def fingerprint(repository: Repository) -> tuple[int, ...]:
    """Return what four stats say: HEAD, its ref, packed-refs, index. Equal fingerprints: no commit, checkout or staging between."""
    text = read_text(os.path.join(repository.git_dir, "HEAD"))
    ref = text[4:].strip() if text.startswith("ref:") else "HEAD"
    paths = (
        os.path.join(repository.git_dir, "HEAD"),
        os.path.join(repository.common_dir, ref),
        os.path.join(repository.common_dir, "packed-refs"),
        os.path.join(repository.git_dir, "index"),
    )
    return tuple([number for path in paths for number in modified(path)])


def modified(path: str) -> tuple[int, int, int]:
    """Return modification time, size and inode of a path; zeros where there is nothing."""
    try:
        found = os.lstat(path)
    except OSError:  # absent is an answer too
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def has_tags(repository: Repository) -> bool:
    """Say whether ``git describe`` would have a tag to name."""
    try:
        if os.listdir(os.path.join(repository.common_dir, "refs", "tags")):
            return True
    except OSError:  # no such folder: no loose tags
        pass
    return " refs/tags/" in read_text(os.path.join(repository.common_dir, "packed-refs"))


def tags_fingerprint(repository: Repository) -> tuple[int, ...]:
    """Return what tells whether a tag was added or removed."""
    return (*modified(os.path.join(repository.common_dir, "refs", "tags")), *modified(os.path.join(repository.common_dir, "packed-refs")))


def config_paths(repository: Repository) -> tuple[str, ...]:
    """Return the files of the repository's own configuration."""
    return (os.path.join(repository.common_dir, "config"), os.path.join(repository.git_dir, "config.worktree"))


def read_config(text: str) -> list[tuple[str, str]]:
    """Return a configuration as ``[("remote.origin.url", "..."), ...]``; enough of git's grammar for what git itself writes."""
    settings, section = [], ""
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        line = line.strip()
        if found := re.match(r'\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]', line):
            section = _section(found)
            line = line[found.end() :].strip()
        if found := re.match(r"([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*))?$", line):
            settings.append((f"{section}.{found[1].lower()}", _unquoted(found[2] if found[2] is not None else "true")))
    return settings


def _section(found: re.Match[str]) -> str:
    name = found[1].lower()
    return name if found[2] is None else name + "." + re.sub(r"\\(.)", r"\1", found[2])


def _unquoted(value: str) -> str:
    quoted = re.match(r'"((?:[^"\\]|\\.)*)"', value.strip())
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted[1])
    return re.split(r"\s[#;]", value, maxsplit=1)[0].strip()


def remotes(settings: list[tuple[str, str]]) -> dict[str, str]:
    """Return the addresses of the remotes, without credentials."""
    found: dict[str, str] = {}
    for name, value in settings:
        if match := re.fullmatch(r"remote\.(.+)\.url", name):
            found.setdefault(match[1], redact_url(value))
    return found


def own_programs(settings: list[tuple[str, str]]) -> list[str]:
    """Return the names of filters and diff drivers that a configuration defines."""
    found = {match[1] for name, _ in settings if (match := re.fullmatch(r"(?:filter|diff)\.(.+)\.[^.]+", name))}
    return sorted(found)


def submodule_paths(repository: Repository) -> list[str]:
    """Return where the submodules of a work tree lie, relative to its root; never outside it."""
    settings = read_config(read_text(os.path.join(repository.root, ".gitmodules")))
    paths = [value for name, value in settings if re.fullmatch(r"submodule\..+\.path", name)]
    return [path for path in paths if path and not os.path.isabs(path) and ".." not in path.split("/")]


def worktrees(repository: Repository) -> dict[str, Any] | None:
    """Return the names of the linked worktrees and which of them this is; None where there are none."""
    try:
        names = sorted(os.listdir(os.path.join(repository.common_dir, "worktrees")))
    except OSError:  # none was ever added
        return None
    this = os.path.basename(repository.git_dir) if repository.is_linked else None
    return {"linked": names, "this": this} if names else None
