"""Databases whose records name inputs as a session would have recorded them, and more crooked ones."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from blake3 import blake3

from isfdb.manifest import seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isfdb.database import Database


def rewrite(db: Database, key: str, **members: Any) -> str:
    """Replace members of the newest version's record, whatever they are; return the version's link."""
    version = db.entry(key).newest
    path = version.path / "metadata.json"
    record = json.loads(path.read_text()) | members
    path.write_text(seal(record))
    return version.link


def of_file(path: Path, **facts: Any) -> dict[str, Any]:
    """Return what is recorded of a file that was read."""
    found = os.stat(path)
    digest = blake3(path.read_bytes()).hexdigest()
    return {"file": str(path), "size": found.st_size, "mtime": found.st_mtime, "digest": digest, "cell": 1, **facts}


@pytest.fixture
def made(db: Database) -> Callable[..., str]:
    """Return a function that stores a value made from others (links) and from files (paths), and returns its link."""

    def make(key: str, value: Any, *inputs: str | Path, into: Database | None = None, **members: Any) -> str:
        target = db if into is None else into
        target[key] = value
        used = [{"value": one, "digest": None, "cell": 1} if isinstance(one, str) else of_file(one) for one in inputs]
        return rewrite(target, key, used=used, **members)

    return make
