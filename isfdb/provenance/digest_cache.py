"""Digests of files, kept in the user's cache folder for the next process. It may be deleted at any time; nothing depends on it."""

from __future__ import annotations

import logging
import os
from typing import Final

from isfdb.exact_json import compact, loads
from isfdb.options import option

_log = logging.getLogger(__name__)

#: Beyond this size the older half is dropped.
MOST_BYTES: Final = 8 * 2**20

Identity = tuple[int, ...]


class DigestCache:
    """What this user's processes found out. Reads the file once; writes what is new at the end of it."""

    def __init__(self) -> None:
        self._known: dict[Identity, str] | None = None
        self._new: dict[Identity, str] = {}

    def get(self, identity: Identity) -> str | None:
        """Return the digest of a file with this device, inode, size and times; None where nobody has computed it."""
        if self._known is None:
            self._known = _read(_path())
        return self._known.get(identity)

    def put(self, identity: Identity, digest: str) -> None:
        """Keep a digest."""
        self._new[identity] = digest
        if self._known is not None:
            self._known[identity] = digest

    def save(self) -> None:
        """Write what is new. A line is short, so those of several processes do not mix."""
        new, self._new = self._new, {}
        path = _path()
        if not new or path is None:
            return
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            if os.path.exists(path) and os.path.getsize(path) > MOST_BYTES:
                _drop_older_half(path)
            with open(path, "ab", buffering=0) as file:
                for identity, digest in new.items():
                    file.write(compact([*identity, digest]).encode() + b"\n")
        except OSError:
            _log.debug("digests of files could not be kept", exc_info=True)


def _path() -> str | None:
    folder = option("cache_folder")
    return None if folder is None else f"{folder}/digests-of-files.jsonl"


def _read(path: str | None) -> dict[Identity, str]:
    known: dict[Identity, str] = {}
    try:
        with open(path or os.devnull, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return known
    for line in lines:
        try:
            *identity, digest = loads(line)
            known[tuple(identity)] = str(digest)
        except (ValueError, TypeError):  # torn by a full disk
            continue
    return known


def _drop_older_half(path: str) -> None:
    with open(path, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    with open(f"{path}.{os.getpid()}", "wb") as file:
        file.writelines(lines[len(lines) // 2 :])
    os.replace(f"{path}.{os.getpid()}", path)
