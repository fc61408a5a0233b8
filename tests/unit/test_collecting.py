"""Collect: two steps, records kept for ever, nothing needed is lost."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb.errors import OptionError, VersionGoneError


def bytes_of_arrays(db) -> int:
    return sum(path.stat().st_size for path in Path(db.path).rglob("*.npy"))


@pytest.fixture
def three(db):
    for size in (1000, 2000, 3000):
        db["a"] = np.arange(size)
    return db


def test_a_dry_run_changes_nothing_and_counts_the_bytes(three):
    before = bytes_of_arrays(three)
    report = three.collect(dry_run=True, grace_s=0)
    assert (report.n_versions, report.dry_run) == (2, True)
    assert 24_000 <= report.trashed_bytes <= 26_000
    assert bytes_of_arrays(three) == before


def test_replaced_data_goes_to_the_trash_and_later_off_the_disk(three):
    assert three.collect(grace_s=0).n_versions == 2
    assert three.collect(grace_s=0, trash_s=3600).freed_bytes == 0
    assert three.collect(grace_s=0, trash_s=0).freed_bytes >= 24_000
    assert bytes_of_arrays(three) < 25_000
    assert three["a"].size == 3000


def test_records_and_history_stay(three):
    three.collect(grace_s=0, trash_s=0)
    assert [(version.number, version.reclaimed) for version in three.versions("a")] == [(1, True), (2, True), (3, False)]
    assert three.versions("a")[0].describe["shape"] == [1000]
    assert not isfdb.verify(three)
    with pytest.raises(VersionGoneError, match="reclaimed"):
        three.get("a", version=1)


def test_the_grace_period_protects_what_was_just_replaced(three):
    assert three.collect().n_versions == 0
    assert three.get("a", version=1).size == 1000


def test_keep_protects_the_newest(three):
    assert three.collect(grace_s=0, keep="all").n_versions == 0
    assert three.collect(grace_s=0, keep={"a": 2}).n_versions == 1
    assert three.get("a", version=2).size == 2000
    with pytest.raises(OptionError):
        three.collect(keep=0)


def test_a_deleted_value_is_reclaimed_too(db):
    db["a"] = np.arange(1000)
    del db["a"]
    assert db.collect(grace_s=0).n_versions == 1
    assert db.versions("a")[0].reclaimed
    assert not isfdb.verify(db)


def test_a_mapped_array_lives_on_after_collect(three):
    old = three.get("a", version=1, mmap="r")
    three.collect(grace_s=0)
    assert old.sum() == 499_500
    three.collect(grace_s=0, trash_s=0)
    assert old.sum() == 499_500


def test_what_a_dead_writer_left_is_swept_and_a_living_one_spared(db):
    db["a"] = 1
    from isfdb.storage.staging import stage_name

    dead = stage_name("0" * 16).replace(f"-{os.getpid()}-", "-4194999-")
    for folder in (f"{db.path}/.isfdb/staging", f"{db.path}/a.key"):
        os.makedirs(f"{folder}/{dead}")
        os.makedirs(f"{folder}/{stage_name('1' * 16)}")
    assert [finding.kind for finding in isfdb.verify(db)] == ["leftover"] * 2  # of the dead one
    db.collect()
    assert not isfdb.verify(db)
    assert os.path.isdir(f"{db.path}/a.key/{stage_name('1' * 16)}")


def test_managed_folders_are_left_alone(db):
    Path(db.create_managed_folder("raw"), "mine").write_text("x")
    db["raw"] = 1
    db.collect(grace_s=0, trash_s=0)
    assert Path(db.get("raw", version=1), "mine").read_text() == "x"


def test_asking_for_more_versions_than_there_are_keeps_all(three):
    three.collect(keep=4, grace_s=0, trash_s=0)
    three.collect(keep=5, grace_s=0, trash_s=0)
    assert not any(version.reclaimed for version in three.versions("a"))


def test_keep_names_keys_as_the_user_does(db):
    for number in range(3):
        db["50%"] = db["cells/a: b"] = np.arange(100) + number
    assert db["cells"].collect(keep={"a: b": "all"}, grace_s=0, dry_run=True).n_versions == 0
    assert db.collect(keep={"50%": 3, ("cells", "a: b"): "all"}, grace_s=0).n_versions == 0
    assert db.collect(keep={"50%": 2}, grace_s=0).n_versions == 3
