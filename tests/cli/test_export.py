"""``isfdb export`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isfdb.cli.main import main


@pytest.fixture
def results(db) -> str:
    db["rates"] = [1.5, 2.5]
    db["cells/L5PT"] = {"model": "hay"}
    return db.path


def test_a_bundle_is_written_and_told_of(results: str, tmp_path: Path, capsys):
    target = tmp_path / "rates.zip"
    assert main(["export", results, "rates", "-o", str(target), "--bundle"]) == 0
    assert capsys.readouterr().out.startswith(f"{target}: 1 key, 1 version, ")
    assert target.is_file()


def test_json_says_what_was_written(results: str, tmp_path: Path, capsys):
    assert main(["export", results, "-o", str(tmp_path / "crate"), "--format", "ro-crate", "--no-data", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["n_keys"], told["is_complete"]) == ("ro-crate", 2, True)
    assert (tmp_path / "crate" / "ro-crate-metadata.json").is_file()


def test_prov_is_printed_where_no_file_is_named(results: str, capsys):
    assert main(["export", results, "cells", "--format", "prov"]) == 0
    assert "db:L5PT@1" in json.loads(capsys.readouterr().out)["entity"]


def test_a_file_is_needed_for_a_bundle(results: str, capsys):
    assert main(["export", results]) == 2
    assert "say where to write" in capsys.readouterr().err


def test_what_is_left_out_is_a_finding(results: str, db, tmp_path: Path, capsys):
    (db.entry("rates").path / "metadata.json").write_text("{")
    assert main(["export", results, "-o", str(tmp_path / "x.zip")]) == 1
    assert "left out: rates v1 cannot be read" in capsys.readouterr().out


def test_a_taken_name_is_misuse(results: str, tmp_path: Path, capsys):
    target = tmp_path / "x.json"
    target.write_text("mine")
    assert main(["export", results, "-o", str(target)]) == 2
    assert "there is something at" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert main(["export", results, "-o", str(target), "--overwrite"]) == 0


def test_every_member_of_the_json_is_in_the_reference(results: str, tmp_path: Path, capsys):
    main(["export", results, "-o", str(tmp_path / "x.zip"), "--json"])
    page = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `export` |")]  # one tells of statuses, one of members
    members = set(json.loads(capsys.readouterr().out)) - {"database"}
    assert any(all(f"`{name}`" in row for name in members) for row in rows)
