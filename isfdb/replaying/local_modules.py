"""Writes modules that lay in no repository, from their stored text, where the same names import them. It changes no path of import."""

from __future__ import annotations

import os
from collections.abc import Iterable

from isfdb.replaying.recorded_code import BlobError, RecordedFile, read_blob
from isfdb.replaying.uncommitted import Told, write_inside
from isfdb.storage.base import Storage

_SCRIPTS = ("__main__", "__mp_main__")


def write_modules(storage: Storage, modules: Iterable[RecordedFile], folder: str, scratch: str, told: Told) -> list[tuple[str, str]]:
    """Write modules below `folder` under their whole paths.

    Returns
    -------
    list of (str, str)
        The folders that imports start from, as they were and as they are now; the script's first.
    """
    roots: dict[str, str] = {}
    for module in sorted(modules, key=lambda one: one.state not in _SCRIPTS):
        if not module.blob:
            _tell_left_out(module, told)
            continue
        try:
            content = read_blob(storage, module.blob)
            write_inside(folder, module.path.lstrip(os.sep), content)
            root = root_of(module)
            if root:
                roots[root] = folder + root
            else:  # it was loaded under another name than its file has
                name = f"modules/{module.state.replace('.', '/')}{os.path.splitext(module.path)[1]}"
                write_inside(scratch, name, content)
                roots[f"{scratch}/modules"] = f"{scratch}/modules"
        except (BlobError, OSError) as error:
            told.problems.append(("source missing", f"the module {module.state} ({module.path}): {error}"))
        if module.redacted:
            told.notes.append(f"the module {module.state}: secrets had been removed from its text before it was stored")
    return list(roots.items())


def root_of(module: RecordedFile) -> str:
    """Return the folder from which a module is imported by its name; empty where its path has another name."""
    if module.state in _SCRIPTS:
        return os.path.dirname(module.path)
    tail = os.sep + module.state.replace(".", os.sep)
    stem = os.path.splitext(module.path)[0]
    for end in (tail, f"{tail}{os.sep}__init__"):
        if stem.endswith(end):
            return stem.removesuffix(end) or os.sep
    return ""


def _tell_left_out(module: RecordedFile, told: Told) -> None:
    sentence = f"the module {module.state} ({module.path}) was not kept: it {module.why or 'has no text'}"
    if module.why == "is no source file":
        told.notes.append(f"{sentence}; it is taken as it is now")
    else:
        told.problems.append(("source missing", sentence))
