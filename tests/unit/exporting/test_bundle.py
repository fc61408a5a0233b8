"""Bundles: whole or not there, true to what was stored, and a database of their own."""

from __future__ import annotations

import errno
import json
import os
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import isfdb
from isfdb.errors import ExportError, ExportExistsError, OptionError
from isfdb.exporting import archives
from isfdb.exporting.contents import input_path
from isfdb.provenance.records import UsedFile

if TYPE_CHECKING:
    from isfdb.database import Database

HOSTILE = [
    "50% of max",
    "Größe: 日本",
    "..\\x",
    ".hidden",
    "a.key",
    "NUL",
    "x" * 240,
    "é" * 40,
    "line\nbreak",
    '"""',
    "{key}",
    "json",
    "a/b/numpy",
]


@pytest.fixture(autouse=True)
def no_registering():
    with isfdb.set_options(register=False):
        yield


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_bundle_is_a_database_of_its_own(results: Database, tmp_path: Path):
    found = isfdb.export(results, tmp_path / "bundle")
    assert found.is_complete
    copy = isfdb.open(tmp_path / "bundle" / "database", mode="r")
    assert copy.keys(recurse=True) == results.keys(recurse=True)
    assert not isfdb.verify(copy)
    assert (copy["cells/Größe: 50%"] == results["cells/Größe: 50%"]).all()
    assert (copy["trace"] == results["trace"]).all()
    assert copy["table"].equals(results["table"])
    assert copy.attributes["mean"]["unit"] == "Hz"
    assert copy["raw"].listdir() == ["note.txt"]
    assert copy.entry("mean").cell.kind == "test"
    assert copy.entry("mean").inputs == results.entry("mean").inputs


def test_all_versions_and_deleted_keys_come_along_when_asked_for(results: Database, tmp_path: Path):
    isfdb.export(results, tmp_path / "bundle", versions="all")
    copy = isfdb.open(tmp_path / "bundle" / "database", mode="r")
    assert copy.get("mean", version=1) == 1.0
    assert copy.get("gone", version=1) == 1
    assert "gone" not in copy
    assert not isfdb.verify(copy)


def test_without_data_records_and_code_remain(results: Database, tmp_path: Path):
    isfdb.export(results, tmp_path / "bundle", data=False)
    names = files_of(tmp_path / "bundle")
    assert not [name for name in names if name.endswith((".npy", ".parquet", "load.py", "note.txt"))]
    assert "keys/mean/code.py" in names
    copy = isfdb.open(tmp_path / "bundle" / "database", mode="r")
    assert copy.entry("cells/Größe: 50%").describe["shape"] == [2, 3]
    assert not isfdb.verify(copy)


def test_a_zip_and_a_folder_hold_the_same(results: Database, tmp_path: Path):
    isfdb.export(results, tmp_path / "bundle")
    isfdb.export(results, tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        assert archive.testzip() is None
        packed = {name: archive.read(name) for name in archive.namelist()}
    whole = files_of(tmp_path / "bundle")
    dated = "ro-crate-metadata.json"
    assert packed.keys() == whole.keys()
    assert {name: data for name, data in packed.items() if name != dated} == {name: data for name, data in whole.items() if name != dated}


def test_the_same_database_gives_the_same_archive(results: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("a", "b"):
        isfdb.export(results, tmp_path / f"{name}.zip")
    first, second = (zipfile.ZipFile(tmp_path / f"{name}.zip") for name in ("a", "b"))
    with first, second:
        told = [[(info.filename, info.date_time, info.CRC) for info in archive.infolist()][:-1] for archive in (first, second)]
    assert told[0] == told[1]


def test_one_key_brings_what_it_needs_and_no_more(results: Database, tmp_path: Path):
    isfdb.export(results, tmp_path / "bundle", key="trace")
    copy = isfdb.open(tmp_path / "bundle" / "database", mode="r")
    assert copy.keys() == ("trace",)
    assert copy["trace"].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]  # a block of it lies in the folder of version 1
    assert not isfdb.verify(copy)


def test_a_sub_database_stands_alone(results: Database, tmp_path: Path):
    isfdb.export(results, tmp_path / "by key", key="cells")
    isfdb.export(results["cells"], tmp_path / "by handle")
    for name in ("by key", "by handle"):
        copy = isfdb.open(tmp_path / name / "database", mode="r")
        assert (copy.id, copy.keys()) == (results["cells"].id, ("Größe: 50%",))
        assert copy.entry("Größe: 50%").cell is not None
        assert not isfdb.verify(copy)


def test_a_key_in_a_sub_database_keeps_its_place(results: Database, tmp_path: Path):
    isfdb.export(results, tmp_path / "bundle", key="cells/Größe: 50%")
    assert (tmp_path / "bundle" / "keys" / "cells" / "Größe%3A 50%25" / "load.py").is_file()
    assert isfdb.open(tmp_path / "bundle" / "database", mode="r").keys(recurse=True) == ("cells/Größe: 50%",)


def test_reclaimed_versions_are_records(results: Database, tmp_path: Path):
    results["big"] = np.zeros(1000)
    results["big"] = np.ones(1000)
    results.collect(grace_s=0)
    found = isfdb.export(results, tmp_path / "bundle", key="big", versions="all")
    assert found.is_complete
    assert (tmp_path / "bundle" / "database" / "big.key" / "v000001" / "RECLAIMED").is_file()
    assert not isfdb.verify(isfdb.open(tmp_path / "bundle" / "database", mode="r"))


def test_a_frozen_folder_brings_the_folder_too(results: Database, tmp_path: Path):
    results.snapshot("raw")
    Path(results["raw"].join("later.txt")).write_text("later")
    isfdb.export(results, tmp_path / "bundle", key="raw")
    copy = isfdb.open(tmp_path / "bundle" / "database", mode="r")
    assert sorted(copy["raw"].listdir()) == ["later.txt", "note.txt"]
    assert copy.get("raw", version=2).listdir() == ["note.txt"]


def test_links_in_a_folder_of_the_user_are_left_out_and_named(results: Database, tmp_path: Path):
    os.symlink("/etc/hostname", results["raw"].join("link"))
    found = isfdb.export(results, tmp_path / "bundle", key="raw")
    assert found.left_out == ("raw v1: files/link is a link or no file",)
    assert not (tmp_path / "bundle" / "database" / "raw.key" / "v000001" / "files" / "link").exists()


def test_what_is_not_as_it_was_stored_is_named(results: Database, tmp_path: Path):
    path = results.entry("cells/Größe: 50%").path / "data.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    (results.entry("table").path / "data.parquet").unlink()
    found = isfdb.export(results, tmp_path / "bundle")
    assert found.damaged == ("database/cells/Größe%3A 50%25.key/v000001/data.npy has another digest than its record says",)
    assert found.left_out == ("database/table.key/v000001/data.parquet is missing",)
    assert "is not as it was stored" in (tmp_path / "bundle" / "README.txt").read_text()


def test_inputs_come_along_if_they_still_are_what_was_read(results: Database, tmp_path: Path):
    found = isfdb.export(results, tmp_path / "bundle", key="mean", inputs=True)
    (copy,) = (tmp_path / "bundle" / "inputs").rglob("*.csv")
    assert copy.read_text() == "rate\n1.5\n"
    assert {one.partition(": ")[2] for one in found.left_out} == {
        "it has changed since it was read",
        "its content was not recorded (too large), so nobody can tell whether it is the same",
    }
    assert not any((tmp_path / "without").rglob("*.csv"))


@pytest.mark.parametrize("name", ["..", "README.txt", "a?b*.csv", "é" * 300, "", "con"])
def test_no_name_of_an_input_leads_elsewhere(name: str):
    path = input_path(UsedFile(f"/data/{name}", digest="0" * 64))
    assert re.fullmatch(r"inputs/[0-9a-f]{16}/[^/?*]{1,60}", path)
    assert path.rpartition("/")[2] not in (".", "..")


def test_the_readme_and_the_session_tell_people(results: Database, tmp_path: Path):
    isfdb.export(results, tmp_path / "bundle")
    readme = (tmp_path / "bundle" / "README.txt").read_text(encoding="utf-8")
    for words in ("Results: results", "mean v2: float 1.5", "load.py", "raw v1 belongs to its user", results.id):
        assert words in readme
    (session,) = (tmp_path / "bundle" / "sessions").iterdir()
    assert "no_registering" in session.read_text(encoding="utf-8")
    assert "numpy==" in next((tmp_path / "bundle" / "environments").iterdir()).read_text()
    assert json.loads((tmp_path / "bundle" / "prov.json").read_text())["entity"]


def test_no_place_of_this_computer_is_added(results: Database, tmp_path: Path):
    isfdb.export(results, tmp_path / "bundle", key="table")
    recorded = {name for name in files_of(tmp_path / "bundle") if name.startswith(("database/.isfdb", "sessions/"))}
    for name, data in files_of(tmp_path / "bundle").items():
        if name not in {*recorded, "prov.json"}:  # what was recorded says where the session's files lay
            assert str(tmp_path).encode() not in data, name


@pytest.mark.parametrize("target", ["bundle.zip", "bundle"])
def test_hostile_keys_survive(db: Database, tmp_path: Path, target: str):
    for number, key in enumerate(HOSTILE):
        db[key] = number
    isfdb.export(db, tmp_path / target)
    if target.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / target) as archive:
            archive.extractall(tmp_path / "bundle")
    copy = isfdb.open(tmp_path / "bundle" / "database", mode="r")
    assert {key: copy[key] for key in copy.keys(recurse=True)} == {key: number for number, key in enumerate(HOSTILE)}
    scripts = list((tmp_path / "bundle" / "keys").rglob("load.py"))
    assert len(scripts) == len(HOSTILE)
    for script in scripts:
        compile(script.read_text(encoding="utf-8"), script.name, "exec")


def test_a_thousand_keys_are_told_once_each(db: Database, tmp_path: Path):
    with db.batch():
        for number in range(1000):
            db[f"cells/{number:04}"] = number
    found = isfdb.export(db, tmp_path / "bundle.zip")
    assert (found.n_keys, found.n_versions) == (1000, 1000)
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        names = archive.namelist()
        graph = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
    assert len(set(names)) == len(names)
    assert len([entity for entity in graph if entity["@type"] == "CreateAction"]) == 1000


@pytest.mark.parametrize("name", ["bundle.zip", "bundle", "prov.json"])
def test_nothing_is_overwritten_unless_told(results: Database, tmp_path: Path, name: str):
    isfdb.export(results, tmp_path / name)
    before = files_of(tmp_path)
    with pytest.raises(ExportExistsError, match="there is something at"):
        isfdb.export(results, tmp_path / name)
    assert files_of(tmp_path) == before
    results["new"] = 1
    isfdb.export(results, tmp_path / name, overwrite=True)
    assert files_of(tmp_path) != before


def test_a_folder_that_is_no_export_is_never_replaced(results: Database, tmp_path: Path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(ExportExistsError, match="no export"):
        isfdb.export(results, tmp_path / "thesis", overwrite=True)
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


@pytest.mark.parametrize("name", ["bundle.zip", "bundle", "prov.json"])
def test_what_cannot_be_finished_leaves_nothing(results: Database, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "out" / name
    target.parent.mkdir()

    def full(path: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archives, "_flush", full)
    with pytest.raises(ExportError, match="No space left on device"):
        isfdb.export(results, target)
    assert not list(target.parent.iterdir())


def test_a_target_whose_folder_is_missing_is_an_error(results: Database, tmp_path: Path):
    for name in ("bundle", "bundle.zip", "prov.json"):
        with pytest.raises(ExportError, match="No such file or directory"):
            isfdb.export(results, tmp_path / "missing" / name)
    assert not (tmp_path / "missing").exists()


def test_exporting_into_the_database_is_refused(results: Database, tmp_path: Path):
    with pytest.raises(OptionError, match="inside the database"):
        isfdb.export(results["cells"], Path(results.path) / "export.zip")


@pytest.mark.parametrize(
    ("options", "message"), [({"format": "pdf"}, "none of"), ({"versions": 3}, "newest"), ({"db": "results"}, "an open database")]
)
def test_misuse_is_refused(results: Database, tmp_path: Path, options: dict[str, Any], message: str):
    db = options.pop("db", results)
    with pytest.raises(OptionError, match=message):
        isfdb.export(db, tmp_path / "x.zip", **options)


@pytest.mark.parametrize(("name", "format"), [("x.json", "ro-crate"), ("x.json", "bundle"), ("x.zip", "prov")])
def test_a_name_that_says_another_format_is_refused(results: Database, tmp_path: Path, name: str, format: str):
    with pytest.raises(OptionError, match="the name ends with"):
        isfdb.export(results, tmp_path / name, format=format)


def test_the_answer_says_what_was_written(results: Database, tmp_path: Path):
    found = isfdb.export(results, tmp_path / "bundle.zip", key="mean")
    assert str(found).startswith(f"{tmp_path / 'bundle.zip'}: 1 key, 1 version, ")
    assert found.to_json()["is_complete"] is True
    assert (found.format, found.n_keys) == ("bundle", 1)
