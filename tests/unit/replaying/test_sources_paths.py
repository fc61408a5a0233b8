"""What is imported in a replay is what was restored: modules outside git, other layouts, installed checkouts, and never another isfdb."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isfdb.replaying.sources import current_sources, source_differences

Git = Callable[..., str]
Record = Callable[..., Any]


def run(found: Any, code: str, **environment: str) -> str:
    boot = f"import sys; sys.path[:0] = {list(found.path)!r}\n{code}"
    done = subprocess.run(
        [sys.executable, "-P", "-B", "-c", boot],
        cwd=found.directory,
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.strip()


def package(folder: Path, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").write_text("")
    (folder / "core.py").write_text(f"number = {number}\n")


# Modules outside git -------------------------------------------------------------------------------------------------------------------


def test_modules_outside_git_are_imported_by_their_names(tmp_path: Path, record: Record) -> None:
    folder = tmp_path / "beside"
    package(folder / "pack", 1)
    (folder / "names" / "space").mkdir(parents=True)
    (folder / "names" / "space" / "inner.py").write_text("number = 2\n")
    (folder / "helper.py").write_text("number = 3\n")
    recorded = record(folder, "import pack.core, names.space.inner, helper")
    for path in folder.rglob("*.py"):
        path.write_text("number = 100\n")
    with recorded.restored() as found:
        assert not found.problems
        numbers = run(
            found, "import pack.core, names.space.inner, helper; print(pack.core.number, names.space.inner.number, helper.number)"
        )
        assert numbers == "1 2 3"
        assert found.directory.endswith(str(folder))
        assert run(found, "import helper; print(helper.__file__)") == f"{found.directory}/helper.py"


def test_a_script_outside_git_finds_the_modules_beside_it(tmp_path: Path, record: Record) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "helper.py").write_text("number = 3\n")
    recorded = record(folder, "import helper", file="run.py")
    (folder / "helper.py").unlink()
    with recorded.restored() as found:
        assert run(found, "import helper; print(helper.number)") == "3"
        assert Path(found.directory, "run.py").exists()


def test_a_module_that_was_loaded_under_another_name(tmp_path: Path, record: Record) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "settings-v2.py").write_text("number = 4\n")
    code = (
        "import importlib.util, sys; spec = importlib.util.spec_from_file_location('lab.settings', 'settings-v2.py')\n"
        "module = importlib.util.module_from_spec(spec); module.__file__ = __import__('os').path.abspath('settings-v2.py')\n"
        "sys.modules['lab.settings'] = module; spec.loader.exec_module(module)"
    )
    recorded = record(folder, code)
    with recorded.restored() as found:
        assert run(found, "import lab.settings; print(lab.settings.number)") == "4"


def test_a_module_whose_text_was_changed_in_the_database_is_not_used(tmp_path: Path, record: Record) -> None:
    folder = tmp_path / "beside"
    folder.mkdir()
    (folder / "helper.py").write_text("number = 3\n")
    recorded = record(folder, "import helper")
    (module,) = recorded.snapshot["local_modules"]
    Path(recorded.storage.location, ".isfdb", "code", module["blob"]).write_text("number = 4\n")
    with recorded.restored() as found:
        ((obstacle, sentence),) = found.problems
    assert obstacle == "source missing"
    assert "no longer has the digest" in sentence


# Layouts and installed checkouts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["", "src", "code/python"])
def test_a_package_is_found_in_any_layout(project: Path, git: Git, record: Record, layout: str) -> None:
    package(project / layout / "pack", 1)
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "package")
    recorded = record(project, "import pack.core", path=str(project / layout))
    package(project / layout / "pack", 100)
    with recorded.restored() as found:
        assert not found.problems
        assert run(found, "import pack.core; print(pack.core.number)") == "1"


def test_a_folder_on_the_path_of_today_comes_before_one_that_is_guessed(
    project: Path, git: Git, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(project / "src" / "pack", 1)
    package(project / "variants" / "pack", 2)
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "packages")
    recorded = record(project, "import pack.core", path=str(project / "variants"))
    monkeypatch.syspath_prepend(str(project / "variants"))
    with recorded.restored() as found:
        assert run(found, "import pack.core; print(pack.core.number)") == "2"


_FINDER = """
import importlib.machinery, importlib.util, sys
class _Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name == "pack":
            folder = {folder!r} + "/pack"
            return importlib.util.spec_from_file_location(name, folder + "/__init__.py", submodule_search_locations=[folder])
sys.meta_path.append(_Finder)
"""


def test_the_restored_package_wins_over_an_installed_checkout(project: Path, git: Git, record: Record) -> None:
    """As setuptools installs it for editing: a finder behind all others, at work before the path is changed."""
    package(project / "deep" / "inside" / "pack", 1)
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "package")
    finder = _FINDER.format(folder=str(project / "deep" / "inside"))
    recorded = record(project, f"{finder}\nimport pack.core")
    package(project / "deep" / "inside" / "pack", 100)
    with recorded.restored() as found:
        assert run(found, f"{finder}\nimport pack.core; print(pack.core.number)") == "1"


def test_the_scripts_folder_comes_before_the_sessions(project: Path, git: Git, record: Record) -> None:
    (project / "tools").mkdir()
    (project / "tools" / "run.py").write_text("")
    (project / "tools" / "model.py").write_text("rate = 9\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "tools")
    recorded = record(project)
    with recorded.restored(script=str(project / "tools" / "run.py")) as found:
        assert run(found, "import model; print(model.rate)") == "9"
    with recorded.restored() as found:
        assert run(found, "import model; print(model.rate)") == "1"


def test_data_in_git_comes_along(project: Path, git: Git, record: Record) -> None:
    package(project / "pack", 1)
    (project / "pack" / "table.txt").write_text("then")
    (project / "pack" / "core.py").write_text(
        "from pathlib import Path\nhere = (Path(__file__).parent / 'table.txt').read_text()\nlocal = open('notes.txt').read()\n"
    )
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "package")
    recorded = record(project, "import pack.core")
    (project / "pack" / "table.txt").write_text("now")
    (project / "notes.txt").write_text("now")
    with recorded.restored() as found:
        assert run(found, "import pack.core; print(pack.core.here, pack.core.local)") == "then first"


def test_what_git_ignores_and_python_imports_is_taken_as_it_is_now(project: Path, git: Git, record: Record) -> None:
    package(project / "pack", 1)
    (project / ".gitignore").write_text("_version.py\n.venv/\nother.py\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "package")
    (project / "pack" / "_version.py").write_text("version = '1.0'\n")
    (project / "other.py").write_text("")
    (project / ".venv").mkdir()
    (project / ".venv" / "pack.py").write_text("")
    recorded = record(project, "import pack._version")
    with recorded.restored() as found:
        assert run(found, "import pack._version; print(pack._version.version)") == "1.0"
        assert found.notes == ("project: git ignores pack/_version.py: not recorded, taken as they are now",)
        assert not Path(found.directory, ".venv").exists()
        assert not Path(found.directory, "other.py").exists()


def test_isfdb_itself_is_the_one_at_hand(tmp_path: Path, git: Git, record: Record) -> None:
    """Also where the session ran in a checkout of isfdb, among modules of its own."""
    folder = tmp_path / "isfdb_fork"
    package(folder / "isfdb", 1)
    (folder / "mine.py").write_text("number = 1\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "fork")
    here = str(Path(__file__).parents[3])
    recorded = record(folder, f"import sys; sys.path[:] = [{here!r}, *sys.path[1:], '']; import isfdb, mine")
    names = {one["name"] for one in recorded.snapshot["repositories"]}
    assert "isfdb_fork" in names
    with recorded.restored() as found:
        assert all(old != here for old, _ in found.moved)
        assert run(found, "import isfdb, mine; print(isfdb.open.__name__, mine.number)") == "open 1"


# As it is now --------------------------------------------------------------------------------------------------------------------------


def test_no_differences_where_nothing_changed(project: Path, record: Record) -> None:
    (project / "model.py").write_text("rate = 2\n")
    (project / "extra.py").write_text("more = 1\n")
    recorded = record(project, "import model, extra")
    assert source_differences(recorded.snapshot) == ()


def test_differences_of_a_checkout_are_told(project: Path, git: Git, record: Record) -> None:
    (project / "model.py").write_text("rate = 2\n")
    (project / "extra.py").write_text("more = 1\n")
    recorded = record(project, "import model, extra")
    git(project, "commit", "-qam", "second")
    (project / "extra.py").write_text("more = 2\n")
    commit, changes, files = source_differences(recorded.snapshot)
    assert "1 commit further" in commit
    assert "on main now" in commit
    assert changes == "project: uncommitted changes then, none now"
    assert files == "project: other untracked files or changed notebooks: extra.py"


def test_a_commit_that_is_gone_and_a_repository_that_is_gone_are_told(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    recorded = record(project, "import model")
    git(project, "commit", "-q", "--amend", "-m", "again")
    git(project, "reflog", "expire", "--expire=now", "--all")
    git(project, "gc", "-q", "--prune=now")
    (line,) = source_differences(recorded.snapshot)
    assert line.endswith("that commit is not there any more")
    project.rename(tmp_path / "elsewhere")
    assert source_differences(recorded.snapshot) == (f"project: there is no repository at {project} any more",)


def test_differences_of_modules_outside_git_are_told(tmp_path: Path, record: Record) -> None:
    folder = tmp_path / "beside"
    folder.mkdir()
    for name in ("one", "two", "three"):
        (folder / f"{name}.py").write_text("number = 3\n")
    recorded = record(folder, "import one, two, three")
    (folder / "two.py").write_text("number = 4\n")
    (folder / "three.py").unlink()
    lines = source_differences(recorded.snapshot)
    assert lines == (
        f"the module three ({folder}/three.py) cannot be read: No such file or directory",
        f"the module two ({folder}/two.py) has changed since",
    )


def test_current_sources_are_the_folders_of_the_checkout(project: Path, git: Git, record: Record) -> None:
    package(project / "src" / "pack", 1)
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "package")
    recorded = record(project, "import pack.core, model", path=str(project / "src"))
    assert current_sources(recorded.snapshot, directory=str(project)) == (str(project), str(project / "src"))
    assert current_sources({}) == ()
