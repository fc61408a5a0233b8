"""A script that names the checkout of today by its whole path imports what was restored."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isfdb.explaining.clean_process import Task
from isfdb.explaining.clean_process import run as run_task


def package(folder: Path, number: int) -> None:
    (folder / "src" / "pack").mkdir(parents=True)
    (folder / "src" / "pack" / "__init__.py").write_text("")
    (folder / "src" / "pack" / "core.py").write_text(f"number = {number}\n")
    (folder / "src" / "space").mkdir()
    (folder / "src" / "space" / "inner.py").write_text(f"number = {number}\n")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    package(tmp_path / "old", 100)
    package(tmp_path / "new", 1)
    return tmp_path / "old"


def run(old: Path, before: str, after: str) -> str:
    redirect = (
        f"from isfdb.explaining.redirected_imports import redirect_imports; redirect_imports([({str(old)!r}, {str(old.parent / 'new')!r})])"
    )
    code = f"import sys\n{before}\n{redirect}\n{after}"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    )
    return done.stdout.strip()


def test_a_path_into_the_old_folder_leads_to_the_new_one(old: Path) -> None:
    code = f"sys.path.insert(0, {str(old / 'src')!r}); import pack.core, space.inner; print(pack.core.number, space.inner.number)"
    assert run(old, "", code) == "1 1"


def test_a_path_that_was_there_before_does_so_too(old: Path) -> None:
    before = f"sys.path.insert(0, {str(old / 'src')!r})\nimport importlib.util; importlib.util.find_spec('pack')"
    assert run(old, before, "import pack.core; print(pack.core.number)") == "1"


def test_a_link_to_the_old_folder_leads_to_the_new_one(old: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(old)
    assert run(old, "", f"sys.path.insert(0, {str(tmp_path / 'link' / 'src')!r}); import pack.core; print(pack.core.number)") == "1"


def test_what_is_not_in_the_new_folder_is_left_where_it_is(old: Path) -> None:
    (old / "environment").mkdir()
    (old / "environment" / "installed.py").write_text("number = 5\n")
    code = f"sys.path.insert(0, {str(old / 'environment')!r}); import installed; print(installed.number)"
    assert run(old, "", code) == "5"


def test_a_finder_of_an_installed_checkout_that_comes_first_comes_last(old: Path, tmp_path: Path) -> None:
    (tmp_path / "finders").mkdir()
    (tmp_path / "finders" / "_pack_editable_loader.py").write_text(
        "import importlib.util, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        folder = {str(old / 'src' / 'pack')!r}\n"
        "        if name == 'pack':\n"
        "            return importlib.util.spec_from_file_location(name, folder + '/__init__.py', submodule_search_locations=[folder])\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    before = f"sys.path.insert(0, {str(tmp_path / 'finders')!r})\nimport _pack_editable_loader"
    new = str(tmp_path / "new" / "src")
    assert run(old, before, f"sys.path.insert(0, {new!r}); import pack.core; print(pack.core.number)") == "1"


def test_isfdb_stays_the_one_at_hand(tmp_path: Path) -> None:
    here = Path(__file__).parents[3]
    (tmp_path / "new" / "isfdb").mkdir(parents=True)
    (tmp_path / "new" / "isfdb" / "appender.py").write_text("raise ImportError('of then')\n")
    redirect = (
        f"from isfdb.explaining.redirected_imports import redirect_imports; redirect_imports([({str(here)!r}, {str(tmp_path / 'new')!r})])"
    )
    code = f"{redirect}\nimport isfdb.appender; print(isfdb.appender.__file__)"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=here
    )
    assert done.stdout.strip() == str(here / "isfdb" / "appender.py")


def test_a_task_can_name_what_was_restored(old: Path, tmp_path: Path) -> None:
    for name in ("run", "run/work"):
        (tmp_path / name).mkdir()
    script = f"import sys; sys.path.insert(0, {str(old / 'src')!r}); import pack.core; value = pack.core.number; assert value == 1"
    moved = ((str(old), str(tmp_path / "new")),)
    task = Task(script, str(tmp_path / "run"), str(tmp_path / "run" / "work"), path=tuple(map(os.path.abspath, sys.path)), moved=moved)
    finished = run_task(task)
    assert (finished.outcome, finished.because) == ("done", "")
