"""Puts records that are named by their digest into a database, once, and makes whatever was learned readable. It learns nothing itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from isfdb.exact_json import compact, dumps, loads
from isfdb.layout.current import CODE_FOLDER
from isfdb.provenance.redaction import redact
from isfdb.storage.base import Storage

_BLOB: Final = re.compile(r"[0-9a-f]{32}(\.[A-Za-z0-9_.]+)?")


def store(storage: Storage, stored: set[str], path: str, content: Callable[[], bytes]) -> None:
    """Store a record that is named by its digest, unless it is among those `stored`."""
    if path not in stored:
        data = content()
        if not storage.put(path, data) and storage.read(path) != data:
            storage.replace(path, data)  # a power cut left the name with less than the whole
        stored.add(path)


def stored_code(storage: Storage, stored: set[str], snapshot: Any) -> dict[str, Any]:
    """Store a snapshot of the sources, and return what refers to it."""
    for name, blob in snapshot.blobs.items():
        store(storage, stored, f"{CODE_FOLDER}/{name}", partial(bytes, blob))
    store(storage, stored, f"{CODE_FOLDER}/{snapshot.digest}.json", lambda: dumps(snapshot.record).encode())
    return {**snapshot.summary, "snapshot": snapshot.digest}


def blobs_of(member: Any) -> Iterator[str]:
    """Give the names of the files that a record of sources refers to."""
    if isinstance(member, dict):
        for name, value in member.items():
            if name in ("blob", "patch") and isinstance(value, str) and _BLOB.fullmatch(value):
                yield value
            else:
                yield from blobs_of(value)
    elif isinstance(member, list):
        for one in member:
            yield from blobs_of(one)


def reason(error: BaseException) -> str:
    """Return why something is not known, as it may stand in a record."""
    return redact(f"{type(error).__name__}: {error}"[:2000])[0][:200]


def readable(members: dict[str, Any]) -> dict[str, Any]:
    """Replace what is no text: a user or branch named in bytes that are no UTF-8 must not fail the save."""
    text: dict[str, Any] = loads(compact(members).encode("utf-8", "replace"))
    return text
