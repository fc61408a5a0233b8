"""The home folder of a script that is run again: it reads what lies in the real one, and changes nothing there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import isfdb
from isfdb.explaining.scratch_home import lay_out_home


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "real"
    for path in (
        "data/a.csv",
        ".ssh/id",
        ".keras/model",
        ".cache/models/m",
        ".cache/matplotlib/fontlist-v1.json",
        ".bash_history",
        "b.txt",
    ):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(path)
    (home / ".config" / "matplotlib").mkdir(parents=True)
    (home / ".config" / "matplotlib" / "matplotlibrc").write_text("axes.grid: True\n")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    return home


def _content(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def test_what_lies_in_the_real_one_is_linked_but_for_secrets(real, tmp_path):
    lay_out_home(str(tmp_path / "home"), str(tmp_path / "cache"), linked=True)
    assert sorted(os.listdir(tmp_path / "home")) == [".config", ".keras", "b.txt", "data"]
    assert (tmp_path / "home" / "data" / "a.csv").read_text() == "data/a.csv"
    assert (tmp_path / "cache" / "models" / "m").read_text() == ".cache/models/m"


def test_without_links_it_is_empty(real, tmp_path):
    lay_out_home(str(tmp_path / "home"), str(tmp_path / "cache"), linked=True)  # as where a wall turns out to be impossible
    lay_out_home(str(tmp_path / "home"), str(tmp_path / "cache"), linked=False)
    assert os.listdir(tmp_path / "home") == []


def test_the_fonts_and_settings_of_matplotlib_are_copies(real, tmp_path):
    lay_out_home(str(tmp_path / "home"), str(tmp_path / "cache"), linked=False)
    found = tmp_path / "cache" / "matplotlib"
    assert sorted(os.listdir(found)) == ["fontlist-v1.json", "matplotlibrc"] and not (found / "matplotlibrc").is_symlink()


def test_there_need_be_no_real_one(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    lay_out_home(str(tmp_path / "home"), str(tmp_path / "cache"), linked=True)
    assert os.listdir(tmp_path / "home") == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere no program is held back")
@pytest.mark.parametrize(
    "change",
    [
        "import subprocess; subprocess.run('rm -rf ~/* ~/.*; rm -rf ~/data/*', shell=True)",
        "import subprocess; subprocess.run('echo x > ~/b.txt; echo x > ~/data/a.csv', shell=True)",
        "import shutil, os; shutil.rmtree(os.path.expanduser('~'), ignore_errors=True)",
        "import pathlib\nfor path in pathlib.Path.home().rglob('*'):\n    try: path.unlink()\n    except OSError: pass",
    ],
)
def test_a_script_changes_nothing_in_the_real_one(finished, real, change):
    before = _content(real)
    done = finished(f"{change}\nvalue = 1")
    if done.wall == "audit hook":
        pytest.skip("this computer allows no wall")
    assert (done.outcome, done.because, _content(real)) == ("done", "", before)
    assert (real / "b.txt").read_text() == "b.txt"


def test_a_database_in_the_home_folder_is_found_and_not_changed(finished, real):
    db = isfdb.open(real / "db")
    db["a"] = 1
    done = finished("import isfdb\nisfdb.pin()\ndb = isfdb.open('~/db')\ndb['a'] = db['a'] + 1\nvalue = db['a']")
    if done.wall == "audit hook":
        pytest.skip("this computer allows no wall")
    assert (done.outcome, done.because) == ("done", "")
    assert isfdb.open(done.answer, "r")["value"] == 2 and db["a"] == 1
