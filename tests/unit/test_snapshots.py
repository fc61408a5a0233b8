"""A snapshot freezes what the user fills; the key goes on giving that, and the snapshot is a version like any other."""

from __future__ import annotations

import datetime
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.errors import ConflictError, DumpError, IncompleteVersionError, KeyKindError, KeyNotFoundError, ReadOnlyError


@pytest.fixture
def folder(db: Any) -> Any:
    found = db.create_managed_folder("raw")
    Path(found.join("sub")).mkdir()
    Path(found.join("sub", "é.txt")).write_text("first")
    Path(found.join("empty")).mkdir()
    return found


def test_the_snapshot_stays_as_it_was_and_the_folder_goes_on(db: Any, folder: Any) -> None:
    frozen = db.snapshot("raw")
    Path(folder.join("sub", "é.txt")).write_text("second")
    assert (frozen.number, db["raw"] == folder, Path(db["raw"].join("sub", "é.txt")).read_text()) == (2, True, "second")
    copy = db.get("raw", version=2)
    assert (copy.listdir(), Path(copy.join("sub", "é.txt")).read_text()) == (["empty", "sub"], "first")
    assert [version.number for version in db.versions("raw")] == [1, 2]
    assert (db.entry("raw").newest.number, db.entry("raw").path.name) == (1, "v000001")


def test_verify_vouches_for_the_snapshot_alone(db: Any, folder: Any) -> None:
    db.snapshot("raw")
    Path(folder.join("new.txt")).write_text("x")
    findings = isfdb.verify(db)
    assert (list(findings), findings.unvouched) == ([], ("raw v1",))
    Path(db.get("raw", version=2).join("sub", "é.txt")).write_text("chang")
    assert [finding.kind for finding in isfdb.verify(db)] == ["changed file"]


def test_a_damaged_snapshot_is_not_given_out(db: Any, folder: Any) -> None:
    db.snapshot("raw")
    os.unlink(db.get("raw", version=2).join("sub", "é.txt"))
    with pytest.raises(IncompleteVersionError, match="is missing"):
        db.get("raw", version=2)
    assert db["raw"] == folder


def test_equal_content_has_an_equal_digest_and_a_date_finds_it(db: Any, folder: Any) -> None:
    first, second = db.snapshot("raw"), db.snapshot("raw")
    assert first.digest == second.digest
    assert db.get("raw", version=datetime.datetime.now(datetime.UTC)) == db.get("raw", version=3)
    assert first.describe["frozen"] is True


def test_a_snapshot_of_a_store_is_taken_while_others_write(db: Any) -> None:
    store = db.create_shared_numpy_store("stack")
    store["a"] = np.arange(3)
    store.save(np.arange(4), "held back", autoflush=False)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            store.append_save(np.full((1, 100), number), "rows")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        numbers = [db.snapshot("stack").number for _ in range(5)]
    finally:
        stop.set()
        writer.join()
    for number in numbers:
        frozen = db.get("stack", version=number)
        assert frozen["a"].tolist() == [0, 1, 2] and frozen["held back"].tolist() == [0, 1, 2, 3]
        assert frozen.verify() == []
        if "rows" in frozen:
            assert frozen["rows"][:, 0].tolist() == list(range(len(frozen["rows"])))
        with pytest.raises(ReadOnlyError, match="it is a snapshot"):
            frozen["b"] = np.zeros(1)
    assert list(isfdb.verify(db)) == []
    db["stack"]["b"] = np.zeros(1)


def test_a_value_that_cannot_change_is_its_own_snapshot(db: Any) -> None:
    db["rates"] = 1
    assert db.snapshot("rates").number == 1
    assert len(db.versions("rates")) == 1


def test_what_is_no_value_cannot_be_frozen(db: Any, folder: Any) -> None:
    db["cells/L5PT"] = 1
    with pytest.raises(KeyKindError, match="sub-database"):
        db.snapshot("cells")
    with pytest.raises(KeyNotFoundError, match="no key 'nothing'"):
        db.snapshot("nothing")
    with pytest.raises(ReadOnlyError, match="freeze 'raw'"):
        isfdb.open(db.path, mode="r").snapshot("raw")


def test_a_link_is_refused_and_nothing_is_left(db: Any, folder: Any) -> None:
    os.symlink("nowhere", folder.join("link"))
    with pytest.raises(DumpError, match="files/link is a link"):
        db.snapshot("raw")
    assert len(db.versions("raw")) == 1
    assert list(isfdb.verify(db)) == []


@pytest.mark.parametrize("change", ["grow", "rewrite", "remove", "add"])
def test_a_change_while_it_is_copied_is_told(db: Any, folder: Any, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copying of the last file is the moment at which somebody else changes one."""
    from isfdb import snapshots

    victim = Path(folder.join("a.txt"))
    victim.write_text("12345")
    real = snapshots.open_hashed

    def disturbed(path: str) -> Any:
        if path.endswith("a.txt") and change != "add":
            {"grow": lambda: victim.write_text("123456"), "rewrite": lambda: victim.write_text("54321"), "remove": victim.unlink}[change]()
        elif change == "add":
            Path(folder.join("new.txt")).write_text("x")
        return real(path)

    monkeypatch.setattr(snapshots, "open_hashed", disturbed)
    with pytest.raises(ConflictError, match="changed while it was copied"):
        db.snapshot("raw")
    monkeypatch.undo()
    assert len(db.versions("raw")) == 1
    assert db.snapshot("raw").number == 2


def test_collect_keeps_snapshots_of_what_the_key_holds(db: Any, folder: Any) -> None:
    for _ in range(3):
        db.snapshot("raw")
    db.collect(grace_s=0)
    assert [version.reclaimed for version in db.versions("raw")] == [False] * 4
    db.collect(grace_s=0, keep={"raw": 2})
    assert [version.reclaimed for version in db.versions("raw")] == [False, True, False, False]
    assert db["raw"] == folder
    db["raw"] = 1
    db.collect(grace_s=0)
    assert [version.reclaimed for version in db.versions("raw")] == [False, True, True, True, False]


def test_a_key_with_snapshots_is_renamed_copied_and_deleted(db: Any, folder: Any) -> None:
    db.snapshot("raw")
    db.copy("raw", "copied")
    assert Path(db["copied"].join("sub", "é.txt")).read_text() == "first"
    db.rename("raw", "moved")
    assert [version.number for version in db.versions("moved")] == [1, 2]
    del db["moved"]
    assert "moved" not in db
    db.rename("copied", "moved")
    db.snapshot("moved")
    db.rename("moved", "copied")  # a name that was used before
    assert Path(db["copied"].join("sub", "é.txt")).read_text() == "first"
    assert list(isfdb.verify(db)) == []


def test_a_snapshot_whose_original_is_gone_is_the_value(db: Any, folder: Any, tmp_path: Path) -> None:
    db.snapshot("raw")
    import shutil

    shutil.rmtree(Path(db.path) / "raw.key" / "v000001")
    assert db["raw"].listdir() == ["empty", "sub"]
    assert db["raw"] == db.get("raw", version=2)
