"""Copies the files of an ISF value as they are: a managed folder for the user to go on filling, or what nothing can read here.

Where one of our readers knows ISF's files, the copy names it, so that the value can be read later: with trust, or with the library
that was missing. Where none does, it is an attachment. What a stranger pickled is not signed.
"""

from __future__ import annotations

import os
import shutil
from typing import Any, Final

from isfdb import plugins
from isfdb.errors import ChecksumMismatchError, DumpError
from isfdb.failures import storage_failure
from isfdb.layout.current import FORMAT, RESERVED_FILES
from isfdb.layout.isf_legacy import OWN_FILES, READERS
from isfdb.loader_spec import NAMESPACE, LoaderSpec
from isfdb.migration.isf_comparison import changed_file
from isfdb.name_clashes import check_new_key
from isfdb.provenance.capture import capture
from isfdb.publishing import Pending, Target
from isfdb.storage.base import Stage
from isfdb.storage.isf_folders import IsfKey
from isfdb.storage.isf_records import describe, loader_text
from isfdb.versions import numbers_of
from isfdb.writing import checksums

_MANAGED_FOLDER: Final = "files"
_ATTACHED_FOLDER: Final = "attached"


def stage_files(target: Target, key: IsfKey, source: str) -> tuple[Pending, list[str]]:
    """Stage a copy of a value's files, compared byte by byte with the originals.

    Parameters
    ----------
    target : Target
        Where it goes.
    key : IsfKey
    source : str
        The folder of its files.

    Returns
    -------
    pending : Pending
    left_out : list of str
        Links and the like, which no version can hold.

    Raises
    ------
    ChecksumMismatchError
        A file changed while it was copied.
    StorageError, KeyCollisionError
    """
    storage = target.storage
    numbers = numbers_of(storage, target.key_folder)
    if not numbers:
        check_new_key(storage, target.folder, target.name, target.key)
    try:
        stage = storage.stage(target.key_folder, is_new=not numbers)
    except OSError as error:
        raise storage_failure(error, f"write {target.key!r}", storage.location) from error
    try:
        spec, left_out = _fill(stage, key, source)
        record: dict[str, Any] = {"describe": describe(key), "dumper": spec.name, "format": FORMAT, "key": target.key, "nonce": stage.nonce}
        if getattr(plugins.loaderdumper(spec.name), "mutable", False):
            record["mutable"] = True
        return Pending(target, stage, record | checksums(storage, stage, spec) | capture(storage), numbers), left_out
    except OSError as error:
        storage.discard(stage)
        raise storage_failure(error, f"write {target.key!r}", storage.location) from error
    except BaseException:
        storage.discard(stage)
        raise


def _fill(stage: Stage, key: IsfKey, source: str) -> tuple[LoaderSpec, list[str]]:
    spec, inside = _form(key, source)
    names, folders, left_out = contents(source, frozenset() if spec.name == "attachment" else OWN_FILES)
    root = os.path.join(stage.path, inside)
    for folder in ("", *folders):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    for name in names:
        shutil.copyfile(os.path.join(source, name), os.path.join(root, name))
        shutil.copymode(os.path.join(source, name), os.path.join(root, name))
    changed = changed_file(source, root, names)
    if changed:
        raise ChecksumMismatchError(f"{changed} of {key.path} changed while it was copied. Copy it again.", key=key.name, file=changed)
    prefix = f"{inside}/" if inside else ""
    stage.files = [prefix + name for name in names]
    above = [inside[: place + 1].rstrip("/") for place in range(len(inside)) if place + 1 == len(inside) or inside[place + 1] == "/"]
    stage.folders = [*(prefix + folder for folder in reversed(folders)), *reversed(above)]
    return spec, left_out


def _form(key: IsfKey, source: str) -> tuple[LoaderSpec, str]:
    """Return the spec of the copy, and the folder inside the version in which it lies."""
    if key.word == "just_create_folder":
        return LoaderSpec(f"{NAMESPACE}.folder", {}), _MANAGED_FOLDER
    top = set(os.listdir(source)) - OWN_FILES
    if key.word in READERS and (top or key.word == "shared_numpy_store") and RESERVED_FILES.isdisjoint(top):
        return LoaderSpec.from_json(loader_text(key), key.path), ""
    name = os.path.basename(key.path) or "value"
    return LoaderSpec(f"{NAMESPACE}.attachment", {"name": name}), f"{_ATTACHED_FOLDER}/{name}"


def contents(folder: str, left: frozenset[str]) -> tuple[list[str], list[str], list[str]]:
    """List what lies below a folder: files, folders with outer ones first, and what is neither; `left` names files on top to pass over."""
    if not os.path.isdir(folder):
        raise DumpError(f"there is no folder {folder}, so nothing can be copied from it.", path=folder)
    names: list[str] = []
    folders: list[str] = []
    others: list[str] = []
    for path, below, files in os.walk(folder):
        relative = "" if path == folder else os.path.relpath(path, folder).replace(os.sep, "/") + "/"
        for name in sorted(below):
            (others if os.path.islink(f"{path}/{name}") else folders).append(relative + name)
        below[:] = sorted(name for name in below if not os.path.islink(f"{path}/{name}"))
        for name in sorted(files):
            if not (not relative and name in left):
                (names if os.path.isfile(f"{path}/{name}") and not os.path.islink(f"{path}/{name}") else others).append(relative + name)
    return names, folders, others
