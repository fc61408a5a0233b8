"""Opening: by path, name, id and link; new ones made, wrong ones refused with a reason."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import isfdb
from isfdb.errors import (
    CorruptDatabaseError,
    DatabaseExistsError,
    DatabaseNotFoundError,
    FormatVersionError,
    KeyKindError,
    KeyNotFoundError,
    LinkError,
    NotADatabaseError,
    OptionError,
    VersionNotFoundError,
)


def test_a_new_database_explains_itself(db):
    assert {"README.txt", "isfdb.json"} <= set(os.listdir(db.path))
    members = json.loads(Path(db.path, "isfdb.json").read_text())
    assert members["format"] == 1 and members["id"] == db.id and len(db.id) == 32


def test_it_opens_by_path_id_name_and_link(db):
    db["cells/a b"] = [1]
    isfdb.registry.add(db.path, name="spikes-2026")
    for target in (db.path, db.id, "spikes-2026", f"isfdb://{db.id}", f"{db.path}/"):
        assert isfdb.open(target) == db
    assert isfdb.load(db.entry("cells/a b").link) == [1]
    assert isfdb.load(f"isfdb://{db.id}/cells/a%20b") == [1]


def test_links_to_keys_of_a_sub_database_name_the_database_that_the_registry_knows(db):
    db["cells", "L5", "x"] = 3
    for version in (db["cells"].entry("L5/x").newest, db["cells/L5"].versions("x")[0], db["cells"].set("L5/x", 3)):
        assert version.link.startswith(f"isfdb://{db.id}/cells/L5/x@")
        assert isfdb.load(version.link) == 3


def test_a_folder_of_the_same_name_elsewhere_is_not_opened_by_mistake(db, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert isfdb.open("results").path == str(tmp_path / "other" / "results") != db.path


def test_a_link_outlives_a_moved_folder(db, tmp_path):
    db["k"] = 1
    db["k"] = 2
    link = db.versions("k")[0].link
    os.rename(db.path, tmp_path / "elsewhere")
    isfdb.open(tmp_path / "elsewhere")
    assert isfdb.load(link) == 1


@pytest.mark.parametrize("link", ["", "http://x", "isfdb://", "isfdb://abc/k", "isfdb://" + "0" * 32, "isfdb://" + "g" * 32 + "/k"])
def test_what_is_no_link_is_refused(link):
    with pytest.raises(LinkError, match="isfdb://<database id>"):
        isfdb.load(link)


def test_a_link_to_what_is_not_there_says_what_is_missing(db):
    db["k"] = 1
    with pytest.raises(DatabaseNotFoundError):
        isfdb.load("isfdb://" + "0" * 32 + "/k")
    with pytest.raises(KeyNotFoundError):
        isfdb.load(f"isfdb://{db.id}/nope")
    with pytest.raises(VersionNotFoundError):
        isfdb.load(f"isfdb://{db.id}/k@7")


def test_modes_say_what_may_exist(tmp_path):
    for mode in ("r", "r+"):
        with pytest.raises(DatabaseNotFoundError, match="no database at"):
            isfdb.open(tmp_path / "new", mode)
    assert not (tmp_path / "new").exists()
    isfdb.open(tmp_path / "new", "w-")
    with pytest.raises(DatabaseExistsError, match="there is a database"):
        isfdb.open(tmp_path / "new", "w-")
    with pytest.raises(OptionError, match="mode='w'"):
        isfdb.open(tmp_path / "new", "w")
    with pytest.raises(OptionError):
        isfdb.open(tmp_path / "new", durability="sometimes")


def test_a_folder_with_other_things_is_not_taken_over(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(NotADatabaseError, match="other things in it"):
        isfdb.open(tmp_path)
    with pytest.raises(NotADatabaseError, match="is a file"):
        isfdb.open(tmp_path / "notes.txt")
    with pytest.raises(NotADatabaseError):
        isfdb.open(tmp_path, "r")
    assert os.listdir(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "1", "id": "x"}', '{"format": 1}', '{"format": 1, "id": "../x"}', "[" * 100_000]
)
def test_a_damaged_identity_is_told_with_its_cure(db, text):
    db["k"] = 1
    with open(f"{db.path}/isfdb.json", "w") as file:
        file.write(text)
    with pytest.raises(CorruptDatabaseError, match="keys are unharmed"):
        isfdb.open(db.path)


def test_a_newer_format_asks_for_an_upgrade(db):
    with open(f"{db.path}/isfdb.json", "w") as file:
        json.dump({"format": 2, "id": db.id}, file)
    with pytest.raises(FormatVersionError, match="Upgrade isfdb"):
        isfdb.open(db.path)


def test_a_folder_made_inside_a_database_follows_the_rules_for_keys(db):
    db["taken"] = 1
    assert isfdb.open(f"{db.path}/cells").prefix == "cells"
    assert db.keys() == ("cells", "taken")
    for name in ("a:b", "foo.key", "x.deleted"):
        with pytest.raises(NotADatabaseError, match="no key of the database"):
            isfdb.open(f"{db.path}/{name}")
    with pytest.raises(KeyKindError, match="value is, or was"):
        isfdb.open(f"{db.path}/taken")
    assert not isfdb.verify(db)


@pytest.mark.parametrize("name", ["audit", "code", "export", "lineage", "replay", "report", "seal", "verify"])
def test_a_path_in_place_of_a_database_is_refused_with_what_to_write(name, db, tmp_path):
    more = {"code": ["k"], "export": [tmp_path / "all.zip"], "lineage": ["k"], "replay": ["k"], "report": [tmp_path / "page.html"]}
    with pytest.raises(OptionError, match=rf"^{name} takes .*open database.*, not .*: isfdb\.{name}\(isfdb\.open\(path"):
        getattr(isfdb, name)(db.path, *more.get(name, ()))
