"""A database that ISF wrote is exported as isfdb shows it, and stays as it is."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import isfdb
from tests.compatibility.isf_samples import copy_of_real, looks


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    real = copy_of_real(tmp_path)
    before = looks(real)
    db = isfdb.open(real, mode="r")
    isfdb.export(db, tmp_path / "bundle")
    isfdb.export(db, tmp_path / "prov.json")
    assert looks(real) == before
    return tmp_path / "bundle"


def test_its_values_are_read_without_isf_and_without_isfdb(bundle: Path, tmp_path: Path):
    db = isfdb.open(tmp_path / "isf", mode="r")
    read = 0
    for key in db.keys(recurse=True):
        script = bundle / "keys" / key / "load.py"
        if (db.entry(key).dumper or "").startswith("numpy") and "msgpack" not in str(db.entry(key).dumper):
            np.testing.assert_array_equal(runpy.run_path(str(script))["load"](), np.asarray(db[key]))
            read += 1
        elif db.entry(key).dumper == "pandas_to_parquet":
            done = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, text=True, timeout=100)
            assert done.returncode == 0, done.stderr
            read += 1
    assert read >= 3


def test_what_has_no_plain_way_is_named(bundle: Path):
    readme = (bundle / "README.txt").read_text(encoding="utf-8")
    assert "Beware" in "".join([path.read_text(encoding="utf-8") for path in (bundle / "keys").rglob("load.py")])
    assert "keys/<key>/load.py" in readme


def test_the_bundle_opens_as_a_database(bundle: Path, tmp_path: Path):
    db, copy = isfdb.open(tmp_path / "isf", mode="r"), isfdb.open(bundle / "database", mode="r")
    assert copy.keys(recurse=True) == db.keys(recurse=True)
    key = next(key for key in db.keys(recurse=True) if db.entry(key).dumper == "numpy_to_npy")
    np.testing.assert_array_equal(copy[key], db[key])
    assert copy.entry(key).cell is not None


def test_its_history_is_told_as_provenance(tmp_path: Path, bundle: Path):
    from prov.model import ProvDocument

    text = (tmp_path / "prov.json").read_text(encoding="utf-8")
    assert ProvDocument.deserialize(content=text, format="json").get_records()
    assert all("from data_base import DataBase" in record.get("isfdb:source", "") for record in json.loads(text)["activity"].values())
