"""Puts the content of files that Git LFS keeps in their place, from the store of a repository on this computer. It asks no server."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from typing import Final

from isfdb.provenance.collectors.git_repository import read_text
from isfdb.replaying.git_calls import GitFailedError
from isfdb.replaying.recorded_code import RecordedRepository
from isfdb.replaying.uncommitted import Told
from isfdb.replaying.worktrees import WorkTree

_POINTER: Final = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:[^\n]+\n)*?oid sha256:([0-9a-f]{64})\nsize (\d+)\n")
_MOST_BYTES_OF_A_POINTER: Final = 1024
_CHUNK: Final = 1 << 20


def lay_lfs_files(recorded: RecordedRepository, tree: WorkTree, told: Told) -> None:
    """Replace pointers of Git LFS by what they point to; tell which stay pointers."""
    store = os.path.join(tree.source.common_dir, "lfs", "objects") if tree.source is not None else ""
    if "lfs" not in read_text(os.path.join(tree.folder, ".gitattributes")) and not os.path.isdir(store):
        return
    try:
        listed = tree.git.ask("ls-files", "-z", "--", ":(attr:filter=lfs)")
    except GitFailedError as error:
        told.notes.append(f"{recorded.name}: which files Git LFS keeps is not known: {error}")
        return
    lacking = [name for name in map(os.fsdecode, listed.split(b"\0")) if name and not _laid(os.path.join(tree.folder, name), store)]
    if lacking:
        more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
        told.notes.append(f"{recorded.name}: only the pointers of Git LFS are there of {', '.join(lacking[:5])}{more}: git lfs fetch --all")


def _laid(path: str, store: str) -> bool:
    """Put the content in the place of a pointer; say whether there is no pointer any more."""
    pointer = _pointer(path)
    if pointer is None:
        return True
    digest = pointer[1].decode()
    source = os.path.join(store, digest[:2], digest[2:4], digest)
    if not os.path.isfile(source) or os.path.getsize(source) != int(pointer[2]):
        return False
    whole = f"{path}.isfdb-part"
    try:
        shutil.copyfile(source, whole)  # no link: a script may write to it
        if _sha256(whole) != digest:
            os.unlink(whole)
            return False
        os.chmod(whole, os.stat(path).st_mode)
        os.replace(whole, path)
    except OSError:
        return False
    return True


def _pointer(path: str) -> re.Match[bytes] | None:
    try:
        if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > _MOST_BYTES_OF_A_POINTER:
            return None
        with open(path, "rb") as file:
            return _POINTER.match(file.read())
    except OSError:
        return None


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
