"""Lays over a work tree what was not committed when a value was made: the patch, changed notebooks, untracked sources.

Every text is checked against its digest before it is used, and nothing is written outside the work tree, whatever the record says.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from isfdb.replaying.git_calls import GitFailedError, SafeGit
from isfdb.replaying.recorded_code import BlobError, RecordedFile, RecordedRepository, is_safe_path, read_blob
from isfdb.replaying.redacted_patches import healed
from isfdb.replaying.worktrees import WorkTree
from isfdb.storage.base import Storage

_FAILED: Final = re.compile(r"error: (?:patch failed: (.+):(\d+)|(.+?): (.+))")
_MOST_NAMED: Final = 5


@dataclass
class Told:
    """What is not as it was.

    Attributes
    ----------
    problems : list of (str, str)
        The obstacle, as a verdict names it, and a sentence: what is needed cannot be had.
    notes : list of str
        What may not matter.
    """

    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def lay_uncommitted(storage: Storage, recorded: RecordedRepository, tree: WorkTree, scratch: str, told: Told) -> None:
    """Bring a work tree from its commit to the recorded state."""
    _apply_patch(storage, recorded, tree, scratch, told)
    _remove_notebooks(recorded, tree.folder)
    for one in recorded.files:
        try:
            write_inside(tree.folder, one.path, read_blob(storage, one.blob), is_executable=one.is_executable)
        except (BlobError, OSError) as error:
            told.problems.append(("source missing", f"{recorded.name}: {one.path}: {error}"))
    _tell_what_lacks(recorded, told)


def write_inside(root: str, path: str, content: bytes, *, is_executable: bool = False) -> None:
    """Write a file below a folder, and nowhere else: no link on the way is followed.

    Raises
    ------
    OSError
        The path leads elsewhere, or cannot be written.
    """
    if not is_safe_path(path):
        raise OSError(f"the record names a path {path[:80]!r} that leads out of its folder")
    target = os.path.join(root, path)
    parent = os.path.dirname(target)
    os.makedirs(_existing_inside(root, parent), exist_ok=True)
    if os.path.islink(target):
        os.unlink(target)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(target, flags, 0o777 if is_executable else 0o666), "wb") as file:
        file.write(content)


def _existing_inside(root: str, parent: str) -> str:
    """Return a folder that is to be made, if what there is of it lies inside the root."""
    above = parent
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    real = os.path.realpath(above)
    if real != os.path.realpath(root) and not real.startswith(os.path.realpath(root) + os.sep):
        raise OSError(f"{parent} is a link that leads out of its folder")
    return parent


# The patch -------------------------------------------------------------------------------------------------------------------------


def _apply_patch(storage: Storage, recorded: RecordedRepository, tree: WorkTree, scratch: str, told: Told) -> None:
    if not recorded.patch:
        return
    try:
        patch = read_blob(storage, recorded.patch)
    except BlobError as error:
        told.problems.append(("source missing", f"{recorded.name}: its uncommitted changes: {error}"))
        return
    if recorded.patch_redacted:
        patch = healed(patch, tree.folder)
        secrets_of = "a secret" if recorded.patch_redacted == 1 else f"{recorded.patch_redacted} secrets"
        told.notes.append(f"{recorded.name}: {secrets_of} had been removed from its uncommitted changes before they were stored")
    problem = _apply(tree.git, patch, scratch)
    if problem:
        removed = "; secrets had been removed from the patch before it was stored" if recorded.patch_redacted else ""
        told.problems.append(("patch does not apply", f"{recorded.name}: its uncommitted changes do not apply to {problem}{removed}"))


def _apply(git: SafeGit, patch: bytes, scratch: str) -> str:
    """Apply a patch; return where it does not apply."""
    path = f"{scratch}/{secrets.token_hex(4)}.patch"
    with open(path, "wb") as file:
        file.write(patch)
    # A patch without lines of context is made where diff.context is 0; it applies to the very commit that it was made from.
    command = ["apply", "--whitespace=nowarn", "--unidiff-zero", "--", path]
    try:
        git.ask(*command)
        return ""
    except GitFailedError as error:
        places = [_place(match) for line in error.errors.splitlines() if (match := _FAILED.fullmatch(line.strip()))]
        return "; ".join(list(dict.fromkeys(places))[:_MOST_NAMED]) or f"its commit: {error}"


def _place(match: re.Match[str]) -> str:
    if match[1]:
        return f"{match[1]}, at its line {match[2]}"
    return f"{match[3]} ({match[4]})"


# Notebooks and what was left out ---------------------------------------------------------------------------------------------------


def _remove_notebooks(recorded: RecordedRepository, root: str) -> None:
    """Remove tracked notebooks that had been removed: their changes are in no patch, and what was removed has no text."""
    there = {one.path for one in (*recorded.files, *recorded.left_out)}
    for path in recorded.changed:
        target = os.path.join(root, path)
        if path.endswith(".ipynb") and path not in there and is_safe_path(path) and os.path.isfile(target):
            os.unlink(target)


def _tell_what_lacks(recorded: RecordedRepository, told: Told) -> None:
    name = recorded.name
    for one in recorded.left_out:
        _tell(recorded, told, one.path, f"{name}: {one.path} was not kept: it {_is(one.why)}")
    for path in recorded.not_in_patch:
        _tell(recorded, told, path, f"{name}: the changes of {path} were too large to keep; it is as in the commit")
    if recorded.is_dirty and not recorded.patch and (why := recorded.unknown.get("patch")):
        used = [path for path in recorded.changed if recorded.is_used(path)]
        _tell(recorded, told, (used or [""])[0], f"{name}: its uncommitted changes were not kept: {why}")
    told.notes += [f"{name}: when it was recorded, {_UNKNOWN[what]}: {why}" for what, why in recorded.unknown.items() if what in _UNKNOWN]
    told.notes += [note for note in _notes_on_texts(name, recorded.files) if note]


_UNKNOWN: Final = {
    "dirty": "it was not known whether files differed from the commit",
    "snapshot": "its state could not be fixed",
    "untracked": "untracked files were not kept",
}


def _is(why: str) -> str:
    return why if why.startswith(("is ", "cannot ")) else f"is {why}"


def _tell(recorded: RecordedRepository, told: Told, path: str, sentence: str) -> None:
    """Tell it as a problem where an imported module is made of it; the rest may not be needed."""
    if recorded.is_used(path):
        told.problems.append(("source missing", sentence))
    else:
        told.notes.append(sentence)


def _notes_on_texts(name: str, files: tuple[RecordedFile, ...]) -> list[str]:
    redacted = [one.path for one in files if one.redacted]
    stripped = [one.path for one in files if one.outputs_removed]
    return [
        f"{name}: secrets had been removed before they were stored from {_named(redacted)}" if redacted else "",
        f"{name}: stored without outputs: {_named(stripped)}" if stripped else "",
    ]


def _named(paths: list[str]) -> str:
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return ", ".join(paths[:_MOST_NAMED]) + more
