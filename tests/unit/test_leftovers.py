"""Temporary folders of killed processes are removed by the next one; all others are left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from isfdb.explaining.workplace import workplace
from isfdb.leftovers import make_folder, sweep

_OWNER = ".isfdb-owner.json"
_PINS = "import isfdb, os, signal, sys\nisfdb.pin(before='2026-01-01')\nprint(os.environ['ISFDB_PINS'])\nsys.stdout.flush()\n"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


@pytest.fixture
def left(temporary: Path) -> Path:
    """Return the folder of a process that was killed."""
    done = subprocess.run(
        [sys.executable, "-c", f"{_PINS}os.kill(os.getpid(), signal.SIGKILL)"], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    folder = Path(done.stdout.strip())
    assert folder.parent == temporary.resolve() and (folder / "pins.json").exists()
    return folder


def test_a_process_that_ends_leaves_no_folder(temporary: Path) -> None:
    for end in ("", "sys.exit(3)", "1 / 0"):
        subprocess.run([sys.executable, "-c", _PINS + end], capture_output=True, check=False)
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_one(left: Path, temporary: Path) -> None:
    with workplace(None, [], {}) as place:
        assert [one.name for one in temporary.iterdir()] == [Path(place.folder).name]
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_process_at_work_is_left_alone(temporary: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", f"{_PINS}sys.stdin.read()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert sweep(str(temporary)) == 0 and folder.is_dir()
    process.communicate()
    assert not folder.exists()


@pytest.mark.parametrize(
    "owner",
    ["", "[]", "{}", '{"process": "1", "where": "x"}', '{"process": -1, "where": "WHERE"}', '{"process": 0, "where": "WHERE"}',
     '{"process": 99999999999999999999, "where": "WHERE"}', '{"process": PROCESS, "where": "another computer"}'],
)  # fmt: skip
def test_a_folder_that_does_not_say_whose_it_is_is_left_alone(left: Path, temporary: Path, owner: str) -> None:
    known = json.loads((left / _OWNER).read_text())
    (left / _OWNER).write_text(owner.replace("PROCESS", str(known["process"])).replace("WHERE", known["where"]))
    assert sweep(str(temporary)) == 0 and (left / "pins.json").exists()


def test_a_folder_with_another_name_and_a_link_are_left_alone(left: Path, temporary: Path) -> None:
    other = left.rename(temporary / "isfdb-results")
    (temporary / "isfdb-pins-abcdefgh").symlink_to(other)
    assert sweep(str(temporary)) == 0 and (other / "pins.json").exists()


def test_what_a_link_in_it_leads_to_is_left_alone(left: Path, temporary: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "values").write_text("1")
    (left / "data").symlink_to(tmp_path / "data")
    assert sweep(str(temporary)) == 1 and not left.exists()
    assert (tmp_path / "data" / "values").read_text() == "1"


def test_a_place_that_is_not_there_costs_nothing(tmp_path: Path) -> None:
    assert sweep(str(tmp_path / "nothing")) == 0


def test_a_folder_is_for_its_owner_only(temporary: Path) -> None:
    assert os.stat(make_folder("isfdb-check-")).st_mode & 0o777 == 0o700
