"""What is missing to explain a value is named, one sentence a thing, with what to do about it; what is there is not called missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import isfdb
from isfdb.auditing.completeness import ADVICE, Completeness, advice_on
from isfdb.errors import CorruptVersionError


def lacks(path: str, key: str) -> tuple[str, ...]:
    db = isfdb.open(path, "r")
    return Completeness(db._storage).lacks(db.entry(key).newest)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=folder, check=True, capture_output=True)


def test_a_value_of_a_script_is_explained(made):
    assert lacks(made("db['x'] = 1\ndb['y'] = db['x'] + 1"), "y") == ()


def test_a_value_of_which_nothing_was_recorded_lacks_everything(made):
    path = made("with isfdb.set_options(capture=False):\n    db['x'] = 1")
    assert {one.partition(":")[0] for one in lacks(path, "x")} == {"script", "session", "sources", "environment"}
    assert "switched off" in lacks(path, "x")[0]


@pytest.mark.parametrize(
    ("pattern", "what"),
    [("x.key/v000001/code.py", "script"), (".isfdb/sessions/*", "session"), (".isfdb/environments/*.json", "environment")],
)
def test_a_file_that_is_gone_is_named(made, pattern, what):
    path = made("db['x'] = 1")
    for file in Path(path).glob(pattern):
        file.unlink()
    (lack,) = lacks(path, "x")
    assert lack.startswith(f"{what}: ") and "not" in lack


def test_sources_that_were_not_committed_must_be_there(made, tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "model.py").write_text("y = 1\n")
    git(tmp_path, "add", "model.py")
    git(tmp_path, "commit", "-qm", "a")
    (tmp_path / "model.py").write_text("y = 2\n")
    path = made("import model\ndb['x'] = model.y")
    assert lacks(path, "x") == ()
    next(Path(path).glob(".isfdb/code/*.patch")).unlink()
    (lack,) = lacks(path, "x")
    assert lack.startswith("sources: ") and ".patch is not in this database" in lack
    shutil.rmtree(Path(path) / ".isfdb/code")
    (lack,) = lacks(path, "x")
    assert lack.startswith("sources: their record")


def test_a_file_that_was_left_out_of_the_record_is_named(made, tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "model.py").write_text("y = 1\n")
    path = made("import model\ndb['x'] = model.y")
    (snapshot,) = Path(path).glob(".isfdb/code/*.json")
    record = json.loads(snapshot.read_text())
    record["repositories"][0]["left_out"] = [{"path": "huge.py", "why": "larger than 2 MB"}]
    snapshot.write_text(json.dumps(record))
    assert "not kept: huge.py (larger than 2 MB)" in lacks(path, "x")[0]


def test_an_input_without_digest_is_named(made, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    path = made("open('data.txt', 'w').write('1')\ndb['x'] = open('data.txt').read()")
    assert lacks(path, "x") == ()  # written by the script itself
    record = Path(path, "x.key/v000001/metadata.json")
    text = json.loads(record.read_text())
    text["used"] = [
        {"cell": 1, "digest": None, "file": "https://host/data", "mtime": None, "size": None, "because": "is not on this computer"}
    ]
    record.write_text(json.dumps(text))
    assert lacks(path, "x") == ("inputs: no digest of https://host/data: is not on this computer",)
    text["used"] = {"n": 40, "stored": "0" * 64}
    record.write_text(json.dumps(text))
    assert lacks(path, "x")[0].startswith("inputs: their list 000")


@pytest.mark.parametrize("forged", [None, {}, {"line": {}}, {"session": ["a"]}, {"session": "../../x", "line": 1}, {"session": "\0"}])
def test_a_forged_record_is_not_explained_and_breaks_nothing(made, forged):
    path = made("db['x'] = 1")
    record = Path(path, "x.key/v000001/metadata.json")
    text = json.loads(record.read_text())
    for name in ("activity", "code", "used", "slice", "unknown"):
        record.write_text(json.dumps({**text, name: forged}))
        found = lacks(path, "x")
        assert all(isinstance(one, str) for one in found)
        if name in ("activity", "slice"):
            assert found


@pytest.mark.parametrize(("name", "forged"), [("activity", 3), ("code", "x"), ("environment", {"line": 1}), ("slice", [])])
def test_a_record_whose_members_are_of_other_kinds_is_refused(made, name: str, forged: object):
    path = made("db['x'] = 1")
    record = Path(path, "x.key/v000001/metadata.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), name: forged}))
    with pytest.raises(CorruptVersionError, match="which isfdb never writes there"):
        lacks(path, "x")


def test_there_is_advice_on_everything_that_may_be_missing():
    assert all(ADVICE.values()) and advice_on("inputs: no digest of x") == ADVICE["inputs"] and advice_on("else") == ""
