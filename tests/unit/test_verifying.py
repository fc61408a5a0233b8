"""Verify finds every changed, missing or added byte, and says which; on a sound database it finds nothing."""

from __future__ import annotations

import importlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb.errors import KeyNotFoundError, OptionError
from isfdb.exact_json import dumps


@pytest.fixture
def full(db):
    """A database with a bit of everything."""
    db["small"], db["array"], db["cells/deep/inner"] = 1, np.arange(100), {"a": 1}
    for number in range(3):
        db["often"] = number
    db["gone"] = 1
    del db["gone"]
    db.rename("small", "renamed")
    db.attributes["array"]["unit"] = "mV"
    return db


def kinds(db) -> list[str]:
    return sorted({finding.kind for finding in isfdb.verify(db)})


def test_a_sound_database_has_no_findings(full):
    found = isfdb.verify(full)
    assert not found and len(found) == 0
    assert (found.n_keys, found.n_versions) == (6, 9)  # the renamed key's old name is a key with a tombstone
    assert "sound" in str(found) and found.to_json()["findings"] == []


def test_every_changed_byte_of_every_file_is_found(full):
    files = [path for path in Path(full.path).rglob("*") if path.is_file()]
    for path in files:
        if path.name.endswith((".deleted", ".jsonl")):
            continue
        original = path.read_bytes()
        if not original:
            continue  # an empty source file has no byte to change
        position = len(original) // 2
        path.write_bytes(original[:position] + bytes([original[position] ^ 1]) + original[position + 1 :])
        assert isfdb.verify(full).serious, f"a changed byte of {path} was not found"
        path.write_bytes(original + b" ")
        assert isfdb.verify(full).serious, f"a byte added to {path} was not found"
        path.write_bytes(original)
    assert not isfdb.verify(full)


def test_every_missing_file_is_found(full):
    for path in sorted(Path(full.path).rglob("*")):
        if path.is_file() and path.name != "attributes.json" and not path.name.endswith(".deleted"):
            aside = path.with_name(".aside")
            path.rename(aside)
            try:
                if path == Path(full.path, "isfdb.json"):
                    continue  # then it is no database at all; opening says so
                assert isfdb.verify(full), f"that {path} is missing was not found"
            finally:
                aside.rename(path)


def test_a_version_taken_out_of_the_middle_is_found(full):
    shutil.rmtree(f"{full.path}/often.key/v000002")
    assert kinds(full) == ["missing version"]


def test_a_version_replaced_by_another_is_found_by_the_chain(full):
    shutil.rmtree(f"{full.path}/often.key/v000002")
    shutil.copytree(f"{full.path}/often.key/v000001", f"{full.path}/often.key/v000002")
    assert kinds(full) == ["broken chain", "missing version", "moved"]


def test_surplus_files_links_and_strays_are_told_apart(full):
    version = full.entry("array").path
    (version / "extra.txt").write_text("x")
    (version / "link").symlink_to("/etc")
    Path(full.path, "notes.txt").write_text("mine")
    Path(full.path, "cells", "%zz.key").mkdir()
    found = isfdb.verify(full)
    assert sorted(finding.kind for finding in found) == ["stray", "stray", "surplus file", "surplus file"]
    assert {finding.file for finding in found.serious} == {"extra.txt", "link"}


def test_a_file_replaced_by_a_fifo_does_not_block(full):
    path = next(full.entry("array").path.glob("*.npy"))
    path.unlink()
    os.mkfifo(path)
    assert "changed file" in kinds(full)


def test_a_moved_out_sub_database_names_what_stayed_behind(full, tmp_path):
    shutil.copytree(f"{full.path}/cells", tmp_path / "alone")
    assert kinds(isfdb.open(tmp_path / "alone")) == ["missing record"]


def test_one_key_can_be_verified_alone(full):
    (full.entry("array").path / "extra.txt").write_text("x")
    assert not isfdb.verify(full, key="often")
    assert [finding.key for finding in isfdb.verify(full, key="array")] == ["array"]


def test_findings_are_data(full):
    (full.entry("array").path / "extra\x1b[31m.txt").write_text("x")
    found = isfdb.verify(full)
    assert json.loads(json.dumps(found.to_json()))["findings"][0]["kind"] == "surplus file"
    assert "\x1b" not in str(found)


def test_a_path_in_place_of_a_database_is_refused_with_the_way(db):
    with pytest.raises(OptionError, match=r"takes an open database, not .*isfdb\.verify\(isfdb\.open"):
        isfdb.verify(db.path)


def test_a_source_file_that_is_json_is_what_its_name_says(db):
    from isfdb.hashing import digest_of

    db["a"] = 1
    text = b'{"settings": [1, 2,   3]}'
    Path(db.path, ".isfdb", "code").mkdir(exist_ok=True)
    blob = Path(db.path, ".isfdb", "code", f"{digest_of(text)[:32]}.json")
    blob.write_bytes(text)
    assert not isfdb.verify(db)
    blob.write_bytes(text + b" ")
    assert isfdb.verify(db)


def test_one_sub_database_can_be_verified_alone(full):
    for key in ("cells", ("cells", "deep"), "cells/deep"):
        assert isfdb.verify(full, key=key).n_keys == 1
    (full.entry("array").path / "extra.txt").write_text("x")
    (full.entry("cells/deep/inner").path / "extra.txt").write_text("x")
    assert [finding.key for finding in isfdb.verify(full, key="cells")] == ["cells/deep/inner"]
    assert [finding.key for finding in isfdb.verify(full["cells"], key="deep")] == ["deep/inner"]
    Path(full.path, "cells", "isfdb.json").write_text("{")
    assert kinds_of(isfdb.verify(full, key="cells")) == ["surplus file", "unreadable"]


def test_a_name_that_is_neither_key_nor_sub_database_is_refused(full):
    with pytest.raises(KeyNotFoundError, match="no key 'cell'"):
        isfdb.verify(full, key="cell")


def kinds_of(found) -> list[str]:
    return sorted(finding.kind for finding in found)


@pytest.mark.parametrize("folder", ["", "cells/"])
def test_whatever_is_changed_in_the_identity_of_a_database_is_found(full, folder):
    path = Path(full.path, folder, "isfdb.json")
    members = json.loads(path.read_bytes())
    for name in members:
        path.write_text(dumps(members | {name: members[name][:-1] if isinstance(members[name], (str, list)) else 0}))
        assert isfdb.verify(full).serious, f"a changed {name} was not found"
    for name in {*members} - {"parent"}:
        path.write_text(dumps({one: fact for one, fact in members.items() if one != name}))
        assert isfdb.verify(full).serious or (folder and name == "record"), f"that {name} is missing was not found"


def test_an_identity_restored_by_hand_or_of_an_older_isfdb_is_sound(full):
    path = Path(full.path, "isfdb.json")
    path.write_text(json.dumps({"format": 1, "id": full.id}))
    assert not isfdb.verify(full)


def test_a_text_of_the_users_own_in_place_of_the_readme_is_theirs(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.txt").write_text("what I keep here")
    db = isfdb.open(tmp_path / "mine")
    assert "readme" not in json.loads((tmp_path / "mine" / "isfdb.json").read_bytes())
    (tmp_path / "mine" / "README.txt").write_text("what I keep here now")
    assert not isfdb.verify(db)


def test_a_source_file_and_a_list_of_requirements_that_are_missing_are_told(db, tmp_path, monkeypatch):
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "own_rates.py").write_text("rate = 3\n")
    monkeypatch.syspath_prepend(tmp_path / "sources")
    db["rate"] = importlib.import_module("own_rates").rate
    (kept,) = [path for path in Path(db.path, ".isfdb", "code").iterdir() if path.read_bytes() == b"rate = 3\n"]
    (requirements,) = Path(db.path, ".isfdb", "environments").glob("*.requirements.txt")
    assert not isfdb.verify(db)
    kept.unlink()
    requirements.unlink()
    assert {(finding.kind, finding.file) for finding in isfdb.verify(db)} == {
        ("missing record", f".isfdb/code/{kept.name}"),
        ("missing record", f".isfdb/environments/{requirements.name}"),
    }


def test_a_forged_list_of_requirements_is_found(full):
    (path,) = Path(full.path, ".isfdb", "environments").glob("*.requirements.txt")
    path.write_text(path.read_text() + "--index-url https://elsewhere.example/simple\n")
    assert kinds(full) == ["changed record"]
