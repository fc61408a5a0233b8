"""Makes a work tree of a recorded commit in another folder, and takes it away again. What was uncommitted is not its matter.

It is a linked worktree of the user's repository: there is nothing but an entry below ``.git/worktrees``, locked while it is in use.
A process that was killed leaves that entry behind, and the next replay sweeps it. Where the repository cannot be used so, because it
may not be written, lacks the commit or belongs to somebody else, a repository of our own borrows the objects that are on this computer.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from isfdb.provenance.collectors.git_repository import Repository, read_text
from isfdb.replaying.git_calls import GitFailedError, SafeGit, safe_git
from isfdb.replaying.recorded_code import RecordedRepository
from isfdb.replaying.source_places import checkouts, object_folders, settings_of
from isfdb.storage.staging import host, writer_is_alive

#: A checkout of a large repository over a slow file server.
_CHECKOUT_TIMEOUT_S: Final = 1800.0
_LOCKED_FOR: Final = re.compile(r"isfdb replay (isfdb-replay-\S+)")
_ABANDONED_AFTER_S: Final = 7 * 86_400.0

#: Settings that decide which bytes a file has in a work tree.
_CONVERSIONS: Final = ("core.autocrlf", "core.eol", "core.symlinks", "core.filemode", "core.ignorecase")


class NotRestoredError(Exception):
    """A repository cannot be brought back: the obstacle, as a verdict names it, and a sentence."""

    def __init__(self, obstacle: str, sentence: str) -> None:
        super().__init__(sentence)
        self.obstacle = obstacle


@dataclass(frozen=True)
class WorkTree:
    """A work tree of ours.

    Attributes
    ----------
    folder : str
    git : SafeGit
        Git in it.
    owner : SafeGit or None
        Git in the repository it is linked to; None: it is a repository of its own.
    admin : str
        The entry in that repository.
    source : Repository or None
        The checkout that it was made from.
    """

    folder: str
    git: SafeGit
    owner: SafeGit | None = None
    admin: str = ""
    source: Repository | None = None


def make_worktree(recorded: RecordedRepository, folder: str, *, scratch: str, near: Iterable[str] = ()) -> WorkTree:
    """Make a work tree of a repository at its recorded commit.

    Parameters
    ----------
    recorded : RecordedRepository
    folder : str
        Where; it does not exist, or is empty.
    scratch : str
        A folder for a repository of our own, if one is needed.
    near : iterable of str
        Where to look for a checkout besides the recorded place.

    Raises
    ------
    NotRestoredError
        The commit is not on this computer, or git cannot lay out its files.
    """
    if not recorded.commit:
        return _without_commit(recorded, folder)
    found: list[Repository] = []
    reasons: list[str] = []
    for repository in checkouts(recorded, near):
        found.append(repository)
        try:
            git = safe_git(repository.root)
            sweep(repository, git)
            if git.succeeds("cat-file", "-e", f"{recorded.commit}^{{commit}}"):
                return _linked(git, recorded.commit, folder, repository)
        except GitFailedError as error:
            reasons.append(str(error))
            clear(folder)
    return _borrowed(recorded, folder, scratch, found, reasons)


def _without_commit(recorded: RecordedRepository, folder: str) -> WorkTree:
    if "commit" in recorded.unknown:
        raise NotRestoredError("commit missing", f"{recorded.name}: {recorded.unknown['commit']}")
    try:
        git = SafeGit(os.path.dirname(folder))
        os.makedirs(folder, exist_ok=True)
        git.ask("init", "--quiet", "--template=", "--", folder)
        return WorkTree(folder, safe_git(folder))
    except GitFailedError as error:
        raise NotRestoredError("source missing", f"{recorded.name}: {error}") from error


def _linked(git: SafeGit, commit: str, folder: str, source: Repository | None) -> WorkTree:
    reason = f"isfdb replay isfdb-replay-{host()}-{os.getpid()}-{secrets.token_hex(4)}"
    for attempt in (1, 2, 3):
        try:
            git.ask("worktree", "add", "--detach", "--no-checkout", "--", folder, commit)
            git.ask("worktree", "lock", "--reason", reason, "--", folder)
            # Asked anew: settings may hold for linked worktrees only (includeIf), and name programs that the repository's own do not.
            inside = replace(safe_git(folder), settings=git.settings)
            inside.ask("reset", "--hard", "--quiet", "--no-recurse-submodules", timeout_s=_CHECKOUT_TIMEOUT_S)
            break
        except GitFailedError as error:
            _drop_entry(git, folder)
            # Another replay may have taken away the folder of entries, empty, just when this one was to be laid in it.
            if attempt == 3 or "could not create" not in error.errors:
                raise
    return WorkTree(folder, inside, git, _admin_of(folder), source)


def _borrowed(recorded: RecordedRepository, folder: str, scratch: str, found: list[Repository], reasons: list[str]) -> WorkTree:
    """Make a work tree of a repository of our own, which reads the objects where they lie."""
    objects = object_folders(recorded, found)
    if objects:
        try:
            git = _borrowing_repository(f"{scratch}/{secrets.token_hex(4)}.git", recorded.commit, objects, found[0] if found else None)
            if git.succeeds("cat-file", "-e", f"{recorded.commit}^{{commit}}"):
                return _linked(git, recorded.commit, folder, found[0] if found else None)
        except (GitFailedError, OSError) as error:
            reasons.append(str(error))
            clear(folder)
    raise _missing(recorded, found, list(dict.fromkeys(reasons)))


def _borrowing_repository(folder: str, commit: str, objects: list[str], like: Repository | None) -> SafeGit:
    os.makedirs(folder)
    longer = ["--object-format=sha256"] if len(commit) == 64 else []
    SafeGit(folder).ask("init", "--quiet", "--bare", "--template=", *longer, "--", folder)
    os.makedirs(f"{folder}/objects/info", exist_ok=True)
    with open(f"{folder}/objects/info/alternates", "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write("".join([f"{one}\n" for one in objects]))
    settings = dict(settings_of(like)) if like is not None else {}
    if like is not None and (attributes := read_text(os.path.join(like.common_dir, "info", "attributes"))):
        os.makedirs(f"{folder}/info", exist_ok=True)
        with open(f"{folder}/info/attributes", "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(attributes)
    git = safe_git(folder)
    return SafeGit(folder, git.variables, {name: settings[name] for name in _CONVERSIONS if name in settings})


def _missing(recorded: RecordedRepository, found: list[Repository], reasons: list[str]) -> NotRestoredError:
    commit, remotes = recorded.commit, recorded.remotes
    at = next((one.root for one in found if one.root == recorded.root), "")
    named = f" Its remotes: {', '.join([f'{name} ({address})' for name, address in remotes.items()])}." if remotes else " It had no remote."
    first = next(iter(remotes.items()), None)
    if at:
        step = f" Fetch it: git -C {at} fetch {first[0]} {commit}" if first else " Bring it back from a copy of the repository."
        why = f" ({'; '.join(reasons)[:300]})" if reasons else ""
        return NotRestoredError("commit missing", f"{recorded.name}: commit {commit} is not in {at}{why}.{named}{step}")
    step = f" Clone it: git clone {first[1]} {recorded.root}" if first else " Put the repository back there."
    sentence = f"{recorded.name}: there is no repository at {recorded.root} any more, and none here holds commit {commit}.{named}{step}"
    return NotRestoredError("source missing", sentence)


# Taking away -----------------------------------------------------------------------------------------------------------------------


def remove_worktree(tree: WorkTree) -> None:
    """Take a work tree away, whatever was done in it. Never raises: what stays behind, the next replay sweeps."""
    if tree.owner is None:
        return  # it is a folder like others
    if not tree.owner.succeeds("worktree", "remove", "--force", "--force", "--", tree.folder):
        _drop_entry(tree.owner, tree.folder, tree.admin)
    clear(tree.folder)


def sweep(repository: Repository, git: SafeGit) -> None:
    """Take away the entries of replays whose process was killed. Entries of others are left alone, so this is no ``git worktree prune``."""
    entries = os.path.join(repository.common_dir, "worktrees")
    with contextlib.suppress(OSError):
        for name in os.listdir(entries):
            admin = os.path.join(entries, name)
            match = _LOCKED_FOR.fullmatch(read_text(os.path.join(admin, "locked")).strip())
            if match and not writer_is_alive(match[1], host(), functools.partial(_age_s, admin), _ABANDONED_AFTER_S):
                folder = os.path.dirname(read_text(os.path.join(admin, "gitdir")).strip())
                if not git.succeeds("worktree", "remove", "--force", "--force", "--", folder):
                    _drop_entry(git, folder, admin)


def clear(folder: str) -> None:
    """Remove what is left of a work tree that was not made, or was taken away."""
    shutil.rmtree(folder, ignore_errors=True)


def _age_s(path: str) -> float:
    try:
        return time.time() - os.stat(path).st_mtime
    except OSError:
        return 0.0


def _admin_of(folder: str) -> str:
    return read_text(os.path.join(folder, ".git")).removeprefix("gitdir:").strip()


def _drop_entry(git: SafeGit, folder: str, admin: str = "") -> None:
    """Remove the entry of a work tree where git does not: because the tree was tampered with, say."""
    with contextlib.suppress(GitFailedError):
        common = os.fsdecode(git.ask("rev-parse", "--git-common-dir")).rstrip("\n")
        entries = os.path.realpath(os.path.join(git.folder, common, "worktrees"))
        ours = [admin] if admin else [os.path.join(entries, name) for name in _names(entries)]
        for entry in ours:
            is_entry = os.path.realpath(os.path.dirname(entry)) == entries and not os.path.islink(entry)
            if is_entry and read_text(os.path.join(entry, "gitdir")).strip() == os.path.join(folder, ".git"):
                shutil.rmtree(entry, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.rmdir(entries)  # only if it is empty


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # there is none
        return []
