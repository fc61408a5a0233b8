"""Takes what git ignores and Python imports from the checkout of today: built extensions, generated modules. None of it is recorded."""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import shutil
from collections.abc import Iterator
from typing import Final

from isfdb.replaying.git_calls import GitFailedError, safe_git
from isfdb.replaying.recorded_code import RecordedRepository, is_safe_path
from isfdb.replaying.uncommitted import Told
from isfdb.replaying.worktrees import WorkTree

_IMPORTABLE: Final = (".py", *importlib.machinery.EXTENSION_SUFFIXES)
_MOST_FILES: Final = 500
_MOST_BYTES: Final = 500_000_000
_NEVER: Final = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "venv", "env"})


def lay_ignored(recorded: RecordedRepository, tree: WorkTree, told: Told) -> None:
    """Copy ignored files that belong to an imported module, and tell which.

    They are as they are now; how they were, nobody knows.
    """
    if tree.source is None or tree.source.is_bare or not recorded.modules:
        return
    taken: list[str] = []
    n_bytes = 0
    for path in _ignored(recorded, tree):
        source, target = os.path.join(tree.source.root, path), os.path.join(tree.folder, path)
        with contextlib.suppress(OSError):  # what cannot be read now could not be imported now either
            n_bytes += os.stat(source).st_size
            if len(taken) >= _MOST_FILES or n_bytes > _MOST_BYTES:
                break
            if _may_be_laid(source, target, tree.folder):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)
                taken.append(path)
    if taken:
        more = f" and {len(taken) - 5} more" if len(taken) > 5 else ""
        told.notes.append(f"{recorded.name}: git ignores {', '.join(taken[:5])}{more}: not recorded, taken as they are now")


def _may_be_laid(source: str, target: str, root: str) -> bool:
    inside = os.path.realpath(os.path.dirname(target)).startswith(os.path.realpath(root))
    return inside and not os.path.lexists(target) and os.path.isfile(source) and not os.path.islink(source)


def _ignored(recorded: RecordedRepository, tree: WorkTree) -> Iterator[str]:
    root = tree.source.root if tree.source is not None else ""
    try:
        git = tree.owner if tree.owner is not None and tree.owner.folder == root else safe_git(root)
        listed = git.ask("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", "--", ".")
    except GitFailedError:
        return
    for path in [os.fsdecode(one) for one in listed.split(b"\0") if one]:
        parts = path.rstrip("/").split("/")
        if not _NEVER.isdisjoint(parts) or any(part.startswith(".") for part in parts):
            continue
        if path.endswith("/"):
            if not set(parts).isdisjoint(recorded.modules):
                yield from _files_below(root, path.rstrip("/"))
        elif path.endswith(_IMPORTABLE) and is_safe_path(path) and _belongs(path, recorded):
            yield path


def _belongs(path: str, recorded: RecordedRepository) -> bool:
    names = {part.partition(".")[0] for part in path.split("/")}
    return not names.isdisjoint(recorded.modules)


def _files_below(root: str, folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(os.path.join(root, folder)):
        folders[:] = sorted([one for one in folders if one not in _NEVER and not one.startswith(".")])
        for name in sorted(names):
            if name.endswith(_IMPORTABLE):
                yield os.path.relpath(os.path.join(place, name), root)
