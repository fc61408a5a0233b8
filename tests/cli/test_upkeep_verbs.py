"""What changes a database from a shell: attributes, rename, copy, delete, attach, snapshot, seal."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_attributes_are_noted_shown_and_forgotten(db, capsys):
    db["rates"] = 1
    assert run(capsys, "attributes", db.path, "rates") == (0, "nothing is noted\n", "")
    for words in (("unit", "Hz"), ("trials", "12"), ("run", "007", "--text"), ("bad", "[3, 4]")):
        assert run(capsys, "attributes", db.path, "rates", *words)[0] == 0
    assert dict(db.attributes["rates"]) == {"unit": "Hz", "trials": 12, "run": "007", "bad": [3, 4]}
    assert run(capsys, "attributes", db.path, "rates", "unit")[1] == "unit  Hz\n"
    told = json.loads(run(capsys, "attributes", db.path, "rates", "--json")[1])
    assert told["attributes"]["trials"] == 12
    assert run(capsys, "attributes", db.path, "rates", "unit", "--remove")[0] == 0
    assert run(capsys, "attributes", db.path, "rates", "unit") == (1, "nothing is noted under 'unit'\n", "")


@pytest.mark.parametrize("words", [("--remove",), ("unit", "Hz", "--remove"), ("unit", "--text")])
def test_attributes_refuse_what_makes_no_sense(words: tuple[str, ...], db, capsys):
    db["rates"] = 1
    assert run(capsys, "attributes", db.path, "rates", *words)[0] == 2


def test_rename_takes_versions_and_attributes_along(db, capsys):
    db["rates"] = 1
    db["rates"] = 2
    assert run(capsys, "rename", db.path, "rates", "cells/rates") == (0, "rates is now cells/rates\n", "")
    assert ("rates" in db, db["cells/rates"], len(db.versions("cells/rates"))) == (False, 2, 2)
    assert run(capsys, "rename", db.path, "rates", "x")[0] == 2


def test_copy_recovers_what_was_overwritten(db, capsys):
    db["rates"] = [1, 2]
    db["rates"] = "a slip"
    assert run(capsys, "copy", db.path, "rates", "rates", "--version", "1") == (0, "rates v3 is a copy of rates\n", "")
    assert db["rates"] == [1, 2]
    assert run(capsys, "copy", db.path, "rates", "elsewhere")[0] == 0
    assert db["elsewhere"] == [1, 2]


def test_delete_says_how_to_get_it_back_and_that_works(db, capsys):
    db["it's rates"] = 42
    status, out, _ = run(capsys, "delete", db.path, "it's rates")
    assert (status, "it's rates" in db) == (0, False)
    command = shlex.split(out.partition(": ")[2])
    assert command[:2] == ["isfdb", "copy"]
    assert run(capsys, *command[1:])[0] == 0
    assert db["it's rates"] == 42


def test_delete_does_nothing_where_one_of_its_keys_is_missing_or_a_sub_database(db, capsys):
    db["a"], db["cells/x"] = 1, 2
    assert "Did you mean" in run(capsys, "delete", db.path, "a", "cell")[2]
    status, _, err = run(capsys, "delete", db.path, "a", "cells")
    assert (status, "--recurse" in err, sorted(db)) == (2, True, ["a", "cells"])
    assert run(capsys, "delete", db.path, "a", "cells", "--recurse")[0] == 0
    assert not list(isfdb.open(db.path))


def test_attach_and_snapshot_say_which_version_they_made(db, tmp_path: Path, capsys):
    (tmp_path / "notes.txt").write_text("notes")
    assert run(capsys, "attach", db.path, "protocol", str(tmp_path / "notes.txt"))[0] == 0
    assert Path(db["protocol"]).read_text() == "notes"
    folder = Path(db.create_managed_folder("raw"))
    (folder / "a").write_text("a")
    assert json.loads(run(capsys, "snapshot", db.path, "raw", "--json")[1])["version"] == 2


def test_seal_prints_the_digest_that_verify_takes(db, capsys):
    db["rates"] = np.arange(4)
    head = run(capsys, "seal", db.path)[1].splitlines()[1]
    assert run(capsys, "verify", db.path, "--against", head)[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("attributes", "none", "k", "n", "v"),
        ("rename", "none", "a", "b"),
        ("copy", "none", "a", "b"),
        ("delete", "none", "a"),
        ("attach", "none", "a", "b"),
        ("snapshot", "none", "a"),
        ("seal", "none"),
    ],
    ids=lambda words: words[0],
)
def test_no_verb_makes_a_database_by_a_slip(words: tuple[str, ...], tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status, _, err = run(capsys, *words)
    assert (status, "there is no database" in err, list(tmp_path.iterdir())) == (2, True, [])
