"""A database that has everything an export has to deal with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from isfdb.hashing import digest_of
from isfdb.manifest import digest_of_files, seal

if TYPE_CHECKING:
    from isfdb.database import Database

CODE = 'import isfdb\n\ntable = isfdb.load("isfdb://...")\nvalue = table["rate"].mean()\n'


def _amend(db: Database, key: str, **members: Any) -> None:
    path = db.entry(key).path / "metadata.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    if "slice" in members:
        (path.parent / "code.py").write_text(CODE)
        record["files"]["code.py"] = [len(CODE), digest_of(CODE.encode())]
        record["digest"] = digest_of_files(record["files"])
    record.pop("logged", None)  # as such a release writes it; what a log tells of could not be amended unseen
    path.write_text(seal(record | members), encoding="utf-8")


@pytest.fixture
def amend() -> Callable[..., None]:
    """Add to a record what a release that notes inputs and slices writes: ``amend(db, key, used=[...])``."""
    return _amend


@pytest.fixture
def results(db: Database, tmp_path: Path) -> Database:
    """Keys of several kinds, versions, a tombstone, a value that grew, and one made from others and from files."""
    source = tmp_path / "raw data.csv"
    source.write_text("rate\n1.5\n")
    changed = tmp_path / "changed.csv"
    changed.write_text("old\n")
    db["table"] = pd.DataFrame({"rate": [1.0, 2.0]})
    db["mean"] = 1.0
    db["mean"] = 1.5
    db["cells/Größe: 50%"] = np.arange(6.0).reshape(2, 3)
    db["gone"] = 1
    del db["gone"]
    db.append("trace", np.zeros(3))
    db.append("trace", np.ones(2))
    folder = db.create_managed_folder("raw")
    Path(folder.join("note.txt")).write_text("by hand")
    db.attributes["mean"]["unit"] = "Hz"
    line = db.entry("mean").newest.record["activity"]["line"]
    used = [
        {"value": db.entry("table").link, "digest": db.entry("table").newest.digest, "cell": line},
        {"value": f"isfdb://{'0' * 32}/elsewhere@3", "digest": None, "cell": line},
        {"file": str(source), "size": 9, "mtime": 1.0, "digest": digest_of(source.read_bytes()), "cell": line},
        {"file": str(changed), "size": 4, "mtime": 1.0, "digest": digest_of(b"new\n"), "cell": line},
        {"file": "/nowhere/large.bin", "size": 10, "mtime": 1.0, "digest": None, "because": "too large", "cell": line},
    ]
    risks = [{"risk": "unseeded random numbers", "cell": line, "line": "np.random.rand(3)"}]
    facts = {"at": 1, "code": [len(CODE), digest_of(CODE.encode())], "labels": [["out of order", "cell [2] before cell [1]"]]}
    _amend(db, "mean", used=used, risks=risks, slice=facts)
    return db
