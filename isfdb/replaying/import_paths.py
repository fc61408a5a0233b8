"""Says which folders must stand first on ``sys.path`` so that what is imported is what was restored. It changes no path itself."""

from __future__ import annotations

import importlib.machinery
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from isfdb.replaying.git_calls import GitFailedError, SafeGit
from isfdb.replaying.recorded_code import OURS, inside_any
from isfdb.replaying.source_places import place_of_module

_USUAL: Final = ("", "src", "lib", "python", "source")
_SUFFIXES: Final = tuple(importlib.machinery.all_suffixes())


@dataclass(frozen=True)
class Place:
    """Where a recorded folder was, and where it is.

    Attributes
    ----------
    old, new : str
    modules : tuple of str
        Top-level modules that were imported from it.
    git : SafeGit or None
        Git in `new`, which says where modules lie in it.
    source : str
        The checkout of today that it was made from.
    """

    old: str
    new: str
    modules: tuple[str, ...] = ()
    git: SafeGit | None = None
    source: str = ""


def counterpart(path: str, places: Iterable[Place]) -> str:
    """Return where a path of then lies now; empty where it was not restored. Of nested places the innermost counts."""
    best = ""
    for place in sorted(places, key=lambda one: len(one.old)):
        for old in dict.fromkeys([place.old, os.path.realpath(place.old), place.source, os.path.realpath(place.source)]):
            for one in dict.fromkeys([path, os.path.realpath(path)]):
                if old and os.path.isabs(old) and inside_any(one, [old]):
                    best = os.path.normpath(os.path.join(place.new, os.path.relpath(one, old)))
    return best


def import_path(places: Sequence[Place], starts: Sequence[str], now: Iterable[str] | None = None) -> list[str]:
    """Return the folders, first to last.

    Parameters
    ----------
    places : sequence of Place
        Repositories, and the folders of modules outside any.
    starts : sequence of str
        Folders of then from which imports start before all others: the script's, the session's.
    now : iterable of str, optional
        ``sys.path``, whose counterparts are taken.
    """
    now = [os.path.abspath(one) for one in (sys.path if now is None else now) if one]
    found = [counterpart(one, places) for one in (*starts, *now)]
    found += [place.new for place in places if place.git is None]
    path = list(dict.fromkeys([one for one in found if one and os.path.isdir(one)]))
    for place in places:
        for name in place.modules:
            if not any(holds(folder, name) for folder in path if inside_any(folder, [place.new])):
                path += [one for one in [_folder_of(place, name)] if one and one not in path]
    return path


def holds(folder: str, name: str) -> bool:
    """Say whether a top-level module is imported from a folder: a file, or a folder with something to import in it."""
    if any(os.path.isfile(os.path.join(folder, name + suffix)) for suffix in _SUFFIXES):
        return True
    try:
        package = os.path.join(folder, name)
        return any(one.endswith(_SUFFIXES) or os.path.isdir(os.path.join(package, one)) for one in os.listdir(package))
    except OSError:  # there is none
        return False


def unfound(places: Iterable[Place], path: Sequence[str]) -> list[str]:
    """Return the modules that were imported from the places and are in no folder of the path."""
    names = dict.fromkeys([name for place in places for name in place.modules if name.isidentifier() and not name.startswith("__")])
    return [name for name in names if name not in OURS and not any(holds(folder, name) for folder in path)]


def _folder_of(place: Place, name: str) -> str:
    """Return the folder of a place that a module is imported from: as it is imported now, else the likeliest."""
    if not name.isidentifier() or name.startswith("__") or name in OURS:
        return ""
    today = counterpart(place_of_module(name) or os.sep, [place])
    if today and holds(today, name):
        return today
    ranked = sorted(_candidates(place, name))
    return os.path.normpath(os.path.join(place.new, ranked[0][-1])) if ranked else ""


def _candidates(place: Place, name: str) -> Iterator[tuple[bool, bool, int, int, str]]:
    if place.git is None:
        return
    try:
        listed = place.git.ask("ls-files", "-z", "--cached", "--others", "--", f":(glob)**/{name}.*", f":(glob)**/{name}/**")
    except GitFailedError:
        return
    for path in [os.fsdecode(one) for one in listed.split(b"\0") if one]:
        parts = path.split("/")
        if not path.endswith(_SUFFIXES) or not os.path.exists(os.path.join(place.new, path)):
            continue
        at = parts.index(name) if name in parts[:-1] else len(parts) - 1
        is_module = at == len(parts) - 1 or parts[at + 1].startswith("__init__.")
        folder = "/".join(parts[:at])
        in_package = os.path.exists(os.path.join(place.new, folder, "__init__.py"))
        yield not is_module, in_package, _USUAL.index(folder) if folder in _USUAL else len(_USUAL), at, folder


def isfdb_first(path: Sequence[str], scratch: str) -> list[str]:
    """Return a folder that leads to the isfdb at hand, where the path would lead to another one."""
    if not any(holds(folder, name) for folder in path for name in OURS):
        return []
    folder = f"{scratch}/isfdb_at_hand"
    os.makedirs(folder, exist_ok=True)
    for name in sorted(OURS):
        place = place_of_module(name)
        if place and not os.path.lexists(f"{folder}/{name}"):
            os.symlink(os.path.join(place, name), f"{folder}/{name}")
    return [folder]
