"""Attributes: typed, atomic, with a history, never touching the data."""

from __future__ import annotations

import datetime
import json
import os

import numpy as np
import pytest

from isfdb.errors import CorruptVersionError, KeyNotFoundError, OptionError


@pytest.fixture
def noted(db):
    db["rates"] = np.arange(10)
    return db.attributes["rates"]


def test_values_keep_their_type(noted):
    values = {
        "bool": True,
        "int": 2**70,
        "float": float("inf"),
        "text": "Hz",
        "none": None,
        "list": [1, [2.5]],
        "dict": {"a": {"b": None}},
        "numpy": np.float32(0.1),
        "when": datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC),
    }
    noted.update(values)
    assert dict(noted) == values
    assert type(noted["numpy"]) is np.float32


def test_every_state_is_kept(db, noted):
    noted["unit"] = "Hz"
    noted["unit"] = "1/s"
    del noted["unit"]
    noted.update(a=1, b=2)
    assert [dict(revision.values) for revision in noted.history()] == [{"unit": "Hz"}, {"unit": "1/s"}, {}, {"a": 1, "b": 2}]
    shown = json.loads((db.entry("rates").path.parent / "attributes.json").read_text())
    assert shown["attributes"] == {"a": 1, "b": 2} and shown["revision"] == 4


def test_they_touch_no_version(db, noted):
    folder = db.entry("rates").path
    before = {name: os.stat(folder / name).st_mtime_ns for name in os.listdir(folder)}
    noted["unit"] = "Hz"
    assert {name: os.stat(folder / name).st_mtime_ns for name in os.listdir(folder)} == before
    assert len(db.versions("rates")) == 1


def test_they_outlive_an_overwrite(db, noted):
    noted["unit"] = "Hz"
    db["rates"] = np.arange(3)
    assert db.attributes["rates"]["unit"] == "Hz"


@pytest.mark.parametrize("value", [object(), (1, 2), {1, 2}, b"x", {1: 2}])
def test_what_cannot_be_kept_is_refused_and_nothing_changes(noted, value):
    noted["unit"] = "Hz"
    with pytest.raises(OptionError, match="cannot note 'bad'"):
        noted.update(good=1, bad=value)
    assert dict(noted) == {"unit": "Hz"} and len(noted.history()) == 1


def test_a_name_that_is_not_there_is_a_key_error(noted):
    with pytest.raises(KeyError):
        noted["unit"]
    with pytest.raises(KeyError):
        del noted["unit"]
    assert noted.history() == ()


def test_a_deleted_key_takes_no_notes(db, noted):
    del db["rates"]
    with pytest.raises(KeyNotFoundError, match="no such key"):
        noted["unit"] = "Hz"


def test_a_damaged_revision_is_named(db, noted):
    noted["unit"] = "Hz"
    path = db.entry("rates").path.parent / "attributes" / "000001.json"
    path.write_text("{")
    with pytest.raises(CorruptVersionError, match="cannot read the attributes"):
        noted["unit"]


def test_a_changed_byte_is_found(db, noted):
    import isfdb

    noted["unit"] = "Hz"
    path = db.entry("rates").path.parent / "attributes" / "000001.json"
    path.write_text(path.read_text().replace("Hz", "mV"))
    assert {finding.kind for finding in isfdb.verify(db)} == {"changed record"}
