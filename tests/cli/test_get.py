"""`isfdb get` writes out the files of a value, checked, whole or not at all, and runs no code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import isfdb
from isfdb.cli.main import main

if TYPE_CHECKING:
    import pytest


def get(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(("get", *words))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_one_file_is_written_under_the_name_asked_for_or_its_own(db, tmp_path: Path, capsys):
    db["cells/rates"] = np.arange(10.0)
    target = tmp_path / "mine.npy"
    assert get(capsys, db.path, "cells/rates", "-o", str(target)) == (0, f"{target}\n", "")
    assert get(capsys, db.path, "cells/rates", "-o", str(tmp_path))[1] == f"{tmp_path / 'rates.npy'}\n"
    for path in (target, tmp_path / "rates.npy"):
        assert np.array_equal(np.load(path), np.arange(10.0))


def test_an_attachment_comes_back_under_its_name(db, tmp_path: Path, capsys):
    (tmp_path / "paper.pdf").write_bytes(b"%PDF")
    db.attach("protocol", tmp_path / "paper.pdf")
    (tmp_path / "out").mkdir()
    assert get(capsys, db.path, "protocol", "-o", str(tmp_path / "out"))[0] == 0
    assert (tmp_path / "out" / "paper.pdf").read_bytes() == b"%PDF"


def test_several_files_become_a_folder(db, tmp_path: Path, capsys):
    db["both"] = (1, np.arange(3))
    assert get(capsys, db.path, "both", "-o", str(tmp_path / "both"))[0] == 0
    assert sorted(path.name for path in (tmp_path / "both").rglob("*") if path.is_file()) == ["data.json", "data.npy"]
    status, _, err = get(capsys, db.path, "both")
    assert (status, "2 files. Say where to write" in err) == (2, True)


def test_a_managed_folder_is_copied_as_it_is_now_without_links(db, tmp_path: Path, capsys):
    folder = Path(db.create_managed_folder("raw"))
    assert get(capsys, db.path, "raw", "-o", str(tmp_path / "empty"))[0] == 0
    (folder / "a.txt").write_text("a")
    (folder / "link").symlink_to("/etc/hostname")
    assert get(capsys, db.path, "raw", "-o", str(tmp_path / "raw"))[0] == 0
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["a.txt"]
    assert not list((tmp_path / "empty").iterdir())


def test_a_small_value_is_json(db, tmp_path: Path, capsys):
    db["settings"] = {"unit": "µV"}
    assert json.loads(get(capsys, db.path, "settings")[1]) == {"unit": "µV"}
    assert get(capsys, db.path, "settings", "-o", str(tmp_path / "settings.json"))[0] == 0
    assert json.loads((tmp_path / "settings.json").read_text(encoding="utf-8")) == {"unit": "µV"}


def test_an_earlier_version_can_be_had(db, capsys):
    db["x"] = 1
    db["x"] = 2
    assert get(capsys, db.path, "x", "--version", "1")[1] == "1\n"


def test_bytes_go_into_a_pipe(db, tmp_path: Path):
    db["rates"] = np.arange(5)
    command = [sys.executable, "-m", "isfdb", "get", db.path, "rates"]
    out = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    (tmp_path / "rates.npy").write_bytes(out)
    assert np.array_equal(np.load(tmp_path / "rates.npy"), np.arange(5))


def test_what_is_there_is_replaced_only_when_asked(db, tmp_path: Path, capsys):
    db["x"] = np.arange(3)
    target = tmp_path / "x.npy"
    target.write_text("mine")
    status, _, err = get(capsys, db.path, "x", "-o", str(target))
    assert (status, "--overwrite" in err, target.read_text()) == (2, True, "mine")
    assert get(capsys, db.path, "x", "-o", str(target), "--overwrite")[0] == 0
    assert np.array_equal(np.load(target), np.arange(3))


def test_a_changed_file_is_refused_and_nothing_is_left(db, tmp_path: Path, capsys):
    db["x"] = np.arange(300)
    data = Path(db.entry("x").path) / "data.npy"
    data.write_bytes(data.read_bytes()[:-1] + b"\x55")
    (tmp_path / "out").mkdir()
    status, _, err = get(capsys, db.path, "x", "-o", str(tmp_path / "out" / "x.npy"))
    assert (status, "is not what was stored" in err) == (2, True)
    assert not list((tmp_path / "out").iterdir())


def test_no_pickle_is_loaded(db, tmp_path: Path, capsys):
    ran = tmp_path / "ran"
    db.set("evil", _Evil(str(ran)), dumper="to_pickle")
    assert get(capsys, db.path, "evil", "-o", str(tmp_path / "evil.pickle"))[0] == 0
    assert not ran.exists()


class _Evil:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_value_that_grew_and_a_sub_database_say_what_to_do(db, tmp_path: Path, capsys):
    db.append("trace", np.arange(3.0), axis=0)
    db.append("trace", np.arange(3.0), axis=0)
    db["cells/x"] = 1
    assert "isfdb export DB KEY" in get(capsys, db.path, "trace", "-o", str(tmp_path / "t"))[2]
    assert "is a sub-database" in get(capsys, db.path, "cells", "-o", str(tmp_path / "t"))[2]
    assert isfdb.open(db.path)["trace"].shape == (6,)


def test_a_hidden_file_is_written_only_under_a_name_that_was_said(db, tmp_path: Path, capsys):
    (tmp_path / ".bash_profile").write_text("echo evil")
    db.attach("k", tmp_path / ".bash_profile")
    home = tmp_path / "home"
    home.mkdir()
    status, _, said = get(capsys, db.path, "k", "-o", str(home))
    assert status == 2 and "Say the whole name" in said and not list(home.iterdir())
    assert get(capsys, db.path, "k", "-o", str(home / ".bash_profile"))[0] == 0
