"""Brings back the source code that a value was made with, in a folder of its own. It runs none of it, and changes no checkout.

Everything lies in that folder below its whole path of then: ``/home/jo/project`` is at ``<folder>/home/jo/project``. So what lay beside
each other still does, submodules are where they were, and relative paths lead from one to the other.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isfdb.replaying.ignored_sources import lay_ignored
from isfdb.replaying.import_paths import Place, counterpart, import_path, isfdb_first, unfound
from isfdb.replaying.lfs_files import lay_lfs_files
from isfdb.replaying.local_modules import write_modules
from isfdb.replaying.recorded_code import RecordedRepository, modules_of, repositories_of
from isfdb.replaying.sources_now import current_sources, source_differences
from isfdb.replaying.uncommitted import Told, lay_uncommitted
from isfdb.replaying.worktrees import NotRestoredError, WorkTree, make_worktree, remove_worktree
from isfdb.storage.base import Storage

__all__ = ["Restored", "current_sources", "restored", "source_differences"]

#: What lies in the folder besides; no path of then begins so.
_SCRATCH = ".isfdb-sources"


@dataclass(frozen=True)
class Restored:
    """Source code as it was.

    Attributes
    ----------
    path : tuple of str
        Folders that must stand first on ``sys.path``, in this order.
    directory : str or None
        Where the session's working directory lies now. It exists, and holds what was restored of it.
    moved : tuple of (str, str)
        Old root and new root of each repository, and of each folder with modules outside any. Outermost first.
    problems : tuple of (str, str)
        The obstacle, as a verdict names it, and a sentence: what is needed and cannot be had.
    notes : tuple of str
        What is not as it was, though it may not matter.
    """

    path: tuple[str, ...] = ()
    directory: str | None = None
    moved: tuple[tuple[str, str], ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@contextlib.contextmanager
def restored(
    storage: Storage, snapshot: Mapping[str, Any], folder: str, *, directory: str | None, script: str | None = None
) -> Iterator[Restored]:
    """Bring back the source code of a version, and take it away in the end.

    Parameters
    ----------
    storage : Storage
        Holds the texts that the record names.
    snapshot : mapping
        The record: ``.isfdb/code/<snapshot>.json``.
    folder : str
        An empty folder of the caller's, who removes it.
    directory : str or None
        In which the session ran.
    script : str, optional
        The file that it ran, if it was a script: imports start in its folder.
    """
    folder = os.path.realpath(folder)
    scratch = f"{folder}/{_SCRATCH}"
    os.makedirs(scratch, exist_ok=True)
    told, trees = Told(), list[WorkTree]()
    try:
        yield _restore(storage, snapshot, folder, scratch, (directory, script), told, trees)
    finally:
        for tree in reversed(trees):
            remove_worktree(tree)


def _restore(
    storage: Storage,
    snapshot: Mapping[str, Any],
    folder: str,
    scratch: str,
    started: tuple[str | None, str | None],
    told: Told,
    trees: list[WorkTree],
) -> Restored:
    directory, script = started
    near = [storage.location] if os.path.isabs(storage.location) else []
    places = []
    for recorded in repositories_of(snapshot):
        with _told(told):
            tree = _repository(storage, recorded, folder, scratch, near, told, trees)
            if tree is not None:
                source = tree.source.root if tree.source is not None else ""
                places.append(Place(recorded.root, tree.folder, recorded.modules, tree.git, source))
    places += [Place(old, new) for old, new in write_modules(storage, modules_of(snapshot), folder, scratch, told)]
    starts = [os.path.dirname(script)] if script and os.path.isabs(script) else []
    path = import_path(places, [*starts, *([directory] if directory else [])])
    lacking = unfound([place for place in places if place.git is not None], path)
    told.notes += [f"the module {name} is not in its repository at that commit" for name in lacking]
    return Restored(
        (*isfdb_first(path, scratch), *path),
        _directory(directory, places, folder),
        tuple([(place.old, place.new) for place in places]),
        tuple(told.problems),
        (*_notes(snapshot), *told.notes),
    )


@contextlib.contextmanager
def _told(told: Told) -> Iterator[None]:
    try:
        yield
    except NotRestoredError as error:
        told.problems.append((error.obstacle, str(error)))


def _repository(
    storage: Storage, recorded: RecordedRepository, folder: str, scratch: str, near: list[str], told: Told, trees: list[WorkTree]
) -> WorkTree | None:
    if recorded.is_bare:
        told.notes.append(f"{recorded.name}: a bare repository, of which there were no files to restore")
        return None
    tree = make_worktree(recorded, folder + recorded.root, scratch=scratch, near=near)
    trees.append(tree)
    if tree.source is not None and tree.source.root != recorded.root:
        told.notes.append(f"{recorded.name}: taken from {tree.source.root}; it was at {recorded.root}")
    lay_uncommitted(storage, recorded, tree, scratch, told)
    lay_lfs_files(recorded, tree, told)
    lay_ignored(recorded, tree, told)
    return tree


def _directory(directory: str | None, places: list[Place], folder: str) -> str | None:
    """Return where the session's directory lies now, and make it where it is not there: what was restored need not lie in it."""
    if directory is None or not os.path.isabs(directory):
        return None
    now = counterpart(directory, places) or folder + os.path.normpath(directory)
    os.makedirs(now, exist_ok=True)
    return now


def _notes(snapshot: Mapping[str, Any]) -> list[str]:
    """Return what the record says about itself."""
    unknown = snapshot.get("unknown")
    notes = [f"not all of the code is known: {why}" for why in unknown.values()] if isinstance(unknown, Mapping) else []
    if isinstance(changed := snapshot.get("changed_after_import"), list) and changed:
        notes.append(f"the files of {', '.join(map(str, changed[:5]))} were changed after they had been imported: what ran may be older")
    if isinstance(skipped := snapshot.get("not_looked_at"), list) and skipped:
        notes.append(f"too many repositories: not looked at were {', '.join(map(str, skipped[:5]))}")
    return notes
