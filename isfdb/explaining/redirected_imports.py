"""Lets imports in a clean process find what was restored, by whatever path a script asks for it. It restores nothing.

Folders that stand first on ``sys.path`` are not enough: scripts put whole paths before them, and some packages that are installed for
editing bring a finder of their own that comes before all paths.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable
from importlib import machinery
from typing import Any, Final

_LOADERS: Final = (
    (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
    (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES),
    (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
)


def redirect_imports(moved: Iterable[tuple[str, str]]) -> None:
    """From now on import from the new folder what a path inside the old one names, where the new one has that folder.

    Parameters
    ----------
    moved : iterable of (str, str)
        Old and new place of folders, as whole paths.
    """
    places = sorted({(old, new) for old, new in moved}, key=lambda one: -len(one[0]))
    if not places:
        return
    make, own = machinery.FileFinder.path_hook(*_LOADERS), _folders_of_isfdb()

    def hook(path: str) -> Any:
        new = "" if any(_is_inside(os.path.realpath(path), one) for one in own) else _new_place(path, places)
        if not new:
            raise ImportError(f"{path} was not moved", path=path)
        return make(new)

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()
    sys.meta_path.sort(key=_is_for_editing)


def _folders_of_isfdb() -> list[str]:
    """Return where the packages of isfdb lie: what runs a script is the isfdb at hand, also for a script that ran among its sources."""
    specs = [importlib.util.find_spec(name) for name in ("isfdb", "loaderdumpers", "initializers")]
    return [os.path.realpath(place) for spec in specs if spec is not None for place in spec.submodule_search_locations or ()]


def _new_place(path: str, places: list[tuple[str, str]]) -> str:
    if not isinstance(path, str) or not os.path.isabs(path):
        return ""
    if any(_is_inside(path, new) for _, new in places):
        return ""
    for one in dict.fromkeys([os.path.normpath(path), os.path.realpath(path)]):
        for old, new in places:
            if _is_inside(one, old):
                found = os.path.normpath(os.path.join(new, os.path.relpath(one, old)))
                return found if os.path.isdir(found) else ""
    return ""


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _is_for_editing(finder: Any) -> bool:
    """Say whether a finder leads to a checkout; setuptools, meson-python and scikit-build-core all name the modules of theirs so."""
    module = getattr(finder, "__module__", None) or type(finder).__module__
    return "editable" in str(module)
