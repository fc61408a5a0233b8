"""Freezes what may change in place, a managed folder or a shared store, as an ordinary version of its key: ``db.snapshot(key)``.

Reading the key goes on giving what the user fills; the snapshot is read by its number, date or digest.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from typing import Any, Final

from isfdb import plugins
from isfdb.errors import ConflictError, DumpError
from isfdb.failures import storage_failure
from isfdb.hashing import LARGE_BYTES, digest_of_file, open_hashed
from isfdb.layout.current import FORMAT, RESERVED_FILES
from isfdb.loader_spec import LoaderSpec
from isfdb.manifest import walk
from isfdb.parts import needs_of
from isfdb.provenance.capture import capture
from isfdb.publishing import Pending, Target
from isfdb.reading import Found, find
from isfdb.storage.base import Stage
from isfdb.versions import numbers_of
from isfdb.writing import checksums, now, signature_of

#: A file changed so lately may change again without its time showing it: clocks of file systems are coarse, and not ours.
_YOUNG_S: Final = 5.0

#: What tells that a file is as it was: size, time of change, inode.
_Facts = tuple[int, int, int]


def stage_snapshot(target: Target, carried: Any) -> Pending | None:
    """Stage a frozen copy of what a key holds; None where that cannot change anyway.

    Raises
    ------
    KeyNotFoundError
    ConflictError
        Something changed while it was copied.
    DumpError
        There is something that no version can hold: a link, a device.
    StorageError
    """
    storage, key = target.storage, target.key
    found = find(storage, target.key_folder, key)
    if not found.record.get("mutable"):
        return None
    numbers = numbers_of(storage, target.key_folder)
    try:
        stage = storage.stage(target.key_folder, is_new=False)
    except OSError as error:
        raise storage_failure(error, f"freeze {key!r}", storage.location) from error
    try:
        spec = _copy(found, storage.fetch(found.folder), stage, key)
        record = {"created": now(), "dumper": found.spec.name, "format": FORMAT, "key": key, "nonce": stage.nonce}
        record["describe"] = {**found.record.get("describe", {}), "frozen": True, "files": len(stage.files)}
        record["snapshot_of"] = found.number
        record |= checksums(storage, stage, spec)
        record |= capture(storage, carried)
        if any(needs_of(spec.name, spec.arguments)):
            record |= signature_of(record)
        return Pending(target, stage, record, numbers)
    except OSError as error:
        storage.discard(stage)
        raise storage_failure(error, f"freeze {key!r}", storage.location) from error
    except BaseException:
        storage.discard(stage)
        raise


def _copy(found: Found, source: str, stage: Stage, key: str) -> LoaderSpec:
    """Copy the content, by the loaderdumper where it knows how to do that while others go on writing."""
    module = plugins.loaderdumper(found.spec.name)
    arguments = found.spec.arguments
    if hasattr(module, "snapshot"):
        arguments = module.snapshot(source, stage.path) or {}
    else:
        _copy_unchanged(source, stage.path, key)
    stage.files, stage.folders = walk(stage.path)
    return LoaderSpec(found.spec.loader, arguments)


def _copy_unchanged(source: str, target: str, key: str) -> None:
    """Copy a folder in which nothing changes meanwhile; complain if something does."""
    before = _inventory(source, key)
    for name, facts in before.items():
        if facts is None:
            os.mkdir(f"{target}/{name}")
        else:
            _copy_file(f"{source}/{name}", f"{target}/{name}", facts, key)
    after = _inventory(source, key)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name, ()) != after.get(name, ()))
    if changed:
        raise _changed(key, changed[0])


def _changed(key: str, name: str) -> ConflictError:
    return ConflictError(
        f"cannot freeze {key!r}: {name} changed while it was copied. Wait until nothing is written there, then try again.", key=key
    )


def _inventory(folder: str, key: str, prefix: str = "") -> dict[str, _Facts | None]:
    """Return what lies below a folder, relative to it, outer folders first: facts of a file, None for a folder."""
    found: dict[str, _Facts | None] = {}
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = f"{prefix}{entry.name}"
        if name in RESERVED_FILES:
            continue
        facts = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(facts.st_mode):
            found[name] = None
            found |= _inventory(entry.path, key, f"{name}/")
        elif stat.S_ISREG(facts.st_mode):
            found[name] = (facts.st_size, facts.st_mtime_ns, facts.st_ino)
        else:
            kind = "a link" if entry.is_symlink() else "neither a file nor a folder"
            raise DumpError(f"cannot freeze {key!r}: {name} is {kind}. Replace it by what it stands for, or remove it.", key=key)
    return found


def _copy_file(source: str, target: str, facts: _Facts, key: str) -> None:
    try:
        with open(source, "rb") as original, open_hashed(target) as copy:
            while piece := original.read(LARGE_BYTES // 2):
                copy.write(piece)
        shutil.copymode(source, target)
        is_young = time.time() - facts[1] / 1e9 < _YOUNG_S
        if is_young and digest_of_file(source) != digest_of_file(target):
            raise _changed(key, os.path.basename(source))
    except FileNotFoundError as error:
        raise _changed(key, os.path.basename(source)) from error
