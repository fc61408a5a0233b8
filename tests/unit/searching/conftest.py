"""Databases of many hands: values that are really stored, whose records then tell of other people, computers and days."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.hashing import digest_of
from isfdb.manifest import seal
from isfdb.options import set_options
from isfdb.searching.kept import wait_until_kept


def retell(db: Any, key: str, **members: Any) -> None:
    """Change what the record of a key's newest version says."""
    file = db.entry(key).path / "metadata.json"
    record = json.loads(file.read_bytes())
    code = members.pop("code_py", None)
    if code is not None:
        (file.parent / "code.py").write_text(code)
        labels = members.pop("labels", [])
        record["slice"] = {"at": 0, "code": [len(code), digest_of(code.encode())], "labels": labels}
    record |= {"activity": None, "code": None, "environment": None} | members  # the cell is this test, which holds every word
    file.write_text(seal(record))


def environment(db: Any, **packages: str) -> str:
    """Lay down the record of an environment, and return its name."""
    name = digest_of(json.dumps(packages).encode())[:32]
    Path(db.root.path, ".isfdb", "environments", f"{name}.json").write_text(json.dumps({"packages": packages, "python": "3.12.4"}))
    return name


@pytest.fixture
def cache(tmp_path: Path):
    with set_options(cache_folder=tmp_path / "cache"):
        yield tmp_path / "cache" / "search"
        wait_until_kept()


@pytest.fixture
def lab(tmp_path: Path, cache: Path) -> Any:
    """What Ann, Bob and Eve stored."""
    db = isfdb.open(tmp_path / "lab")
    db["plain"] = 1
    old, new = environment(db, numpy="1.26.4", Scikit_Learn="1.4"), environment(db, numpy="2.4.1")
    db["spikes"] = [1.5, 2.5]
    db["cells/L5/rates"] = {"trial": "first"}
    db["cells/L4"] = "text of some length, so that this value takes more bytes than the others do"
    db.attributes["spikes"].update({"unit": "Hz", "depth": 120.5, "checked": True, "tags": ["slow", "good"]})
    retell(
        db, "spikes", by={"user": "ann", "host": "gpu01.lab.org"}, created="2026-11-03T10:00:00+00:00", environment=old,
        code={"commit": "a1b2c3d4e5f6", "branch": "main", "dirty": True}, code_py="b, a = Butter(4)\n", labels=[["out of order", "x"]],
        used=[{"file": "/data/trials.csv"}, {"value": f"isfdb://{db.id}/plain@1"}],
        risks=[{"risk": "unseeded random numbers", "line": "r()"}],
    )  # fmt: skip
    retell(
        db, "cells/L5/rates", by={"user": "joann", "host": "laptop"}, created="2026-11-05T10:00:00+00:00", environment=new,
        code={"commit": "ffff00001111", "branch": "main", "dirty": False}, used={"stored": stored_inputs(db, "/raw/a.nwb")},
    )  # fmt: skip
    retell(
        db,
        "cells/L4",
        by={"user": "eve", "host": "gpu02"},
        created="2025-06-01T00:00:00+00:00",
        describe={"type": "array", "shape": [3, 4]},
    )
    retell(db, "plain", by={"user": "max", "host": "desk"})
    return db


def stored_inputs(db: Any, path: str) -> str:
    text = json.dumps([{"file": path}])
    name = digest_of(text.encode())
    folder = Path(db.path, ".isfdb", "inputs")
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(text)
    return name
