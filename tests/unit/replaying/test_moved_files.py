"""Files that were moved together with the database are found at their place beside it, if they are what was read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import isfdb
from isfdb.database import Database
from isfdb.replaying.moved_files import moves_of, places_beside

_SCRIPT = "import isfdb\ndb = isfdb.open('results')\ndb['x'] = sum(float(line) for line in open('data/values.txt'))\n"


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """Return a folder that was moved as a whole after a script in it had stored a value."""
    made = tmp_path / "made" / "project"
    (made / "data").mkdir(parents=True)
    (made / "data" / "values.txt").write_text("1\n2\n")
    (made / "script.py").write_text(_SCRIPT)
    subprocess.run([sys.executable, "script.py"], cwd=made, check=True)
    return Path(shutil.move(made, tmp_path / "moved"))


def _edit_opened(project: Path, opened: dict[str, str]) -> Database:
    path = project / "results" / "x.key" / "v000001" / "metadata.json"
    record = json.loads(path.read_text())
    record["slice"]["opened"] = {text: record["slice"]["opened"]["results"] if link == "this" else link for text, link in opened.items()}
    path.chmod(0o644)
    path.write_text(json.dumps(record))
    return isfdb.open(project / "results")


def test_a_file_that_was_moved_with_the_database_is_found(moved: Path) -> None:
    verdict = isfdb.replay(isfdb.open(moved / "results"), "x", trust=True)
    assert verdict.status == "identical", verdict
    assert any(str(moved / "data" / "values.txt") in note and "beside the database" in note for note in verdict.notes)


def test_a_moved_file_that_was_changed_is_another_input(moved: Path) -> None:
    (moved / "data" / "values.txt").write_text("1\n3\n")
    db = isfdb.open(moved / "results")
    verdict = isfdb.replay(db, "x", trust=True)
    assert verdict.label == "not runnable (because: input changed)" and str(moved / "data" / "values.txt") in verdict.detail
    verdict = isfdb.replay(db, "x", trust=True, changed_inputs=True)
    assert verdict.label == "different (because: inputs)", verdict


def test_a_file_that_was_not_moved_with_it_is_missing(moved: Path) -> None:
    (moved / "data" / "values.txt").rename(moved / "values.txt")
    verdict = isfdb.replay(isfdb.open(moved / "results"), "x", trust=True)
    assert verdict.label == "not runnable (because: input missing)" and "made/project/data/values.txt is gone" in verdict.detail


def test_a_database_that_was_not_moved_has_no_other_place(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "values.txt").write_text("1\n")
    subprocess.run([sys.executable, "-c", _SCRIPT], cwd=tmp_path, check=True)
    db = isfdb.open(tmp_path / "results")
    assert moves_of(db, db.entry("x").newest) == ()


@pytest.mark.parametrize("opened", [{"s3://a/b": "this"}, {"a\0b": "this"}, {"~/results": "this"}, {"results": "isfdb://0123"}, {}])
def test_what_names_no_folder_of_this_database_is_left_out(moved: Path, opened: dict[str, str]) -> None:
    db = _edit_opened(moved, opened)
    assert moves_of(db, db.entry("x").newest) == ()


def test_a_place_beside_is_a_file_and_another_than_that_of_then(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "data").write_text("1")
    moves = ((str(tmp_path / "old" / "db"), str(tmp_path / "new" / "db")),)
    assert places_beside(str(tmp_path / "data"), lambda: moves) == []
    assert places_beside(str(tmp_path / "old" / "data"), lambda: moves) == []
    (tmp_path / "new" / "data").write_text("1")
    assert places_beside(str(tmp_path / "old" / "data"), lambda: moves) == [str(tmp_path / "new" / "data")]
    for odd in ("relative/path", "https://example.org/x", "/a\0b"):
        assert places_beside(odd, lambda: moves) == []
