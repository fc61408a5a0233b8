"""Values are made again with the code of then, whatever happened to the checkout since."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import isfdb
from isfdb.database import Database

Git = Callable[..., str]
Store = Callable[..., Database]

_SCRIPT = "import isfdb\n{code}\ndb = isfdb.open({database!r})\ndb['value'] = {value}\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Run a script that stores `value`, and open its database."""

    def run(folder: Path, code: str, value: str, *, file: str = "run.py") -> Database:
        database = str(tmp_path / "results")
        (folder / file).write_text(_SCRIPT.format(code=code, database=database, value=value))
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run([sys.executable, file], cwd=folder, env=environment, check=True, stdin=subprocess.DEVNULL)
        return isfdb.open(database)

    return run


def test_code_that_was_changed_and_committed_since(project: Path, git: Git, store: Store) -> None:
    db = store(project, "import model", "model.double()")
    (project / "model.py").write_text("def double():\n    return 99\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "later")
    verdict = isfdb.replay(db, "value")
    assert verdict.status == "identical", str(verdict)


def test_changes_that_were_never_committed_and_are_gone(project: Path, git: Git, store: Store) -> None:
    (project / "model.py").write_text("from extra import more\n\n\ndef double():\n    return more\n")
    (project / "extra.py").write_text("more = 17\n")
    db = store(project, "import model", "model.double()")
    git(project, "checkout", "-q", "--", ".")
    (project / "extra.py").unlink()
    verdict = isfdb.replay(db, "value")
    assert verdict.status == "identical", str(verdict)
    assert db["value"] == 17


def test_a_script_that_names_its_checkout_by_the_whole_path(project: Path, git: Git, store: Store) -> None:
    (project / "src").mkdir()
    (project / "src" / "inner.py").write_text("number = 5\n")
    db = store(project, f"import sys; sys.path.insert(0, {str(project / 'src')!r})\nimport inner", "inner.number")
    (project / "src" / "inner.py").write_text("number = 6\n")
    verdict = isfdb.replay(db, "value")
    assert verdict.status == "identical", str(verdict)


def test_a_package_took_the_place_of_a_module_since(project: Path, git: Git, store: Store) -> None:
    db = store(project, "import model", "model.double()")
    (project / "model.py").unlink()
    (project / "model").mkdir()
    (project / "model" / "__init__.py").write_text("def double():\n    return 99\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "later")
    verdict = isfdb.replay(db, "value")
    assert verdict.status == "identical", str(verdict)


def test_a_module_outside_git_that_is_gone(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "beside"
    folder.mkdir()
    (folder / "helper.py").write_text("def number():\n    return 3\n")
    db = store(folder, "import helper", "helper.number()")
    (folder / "helper.py").unlink()
    verdict = isfdb.replay(db, "value")
    assert verdict.status == "identical", str(verdict)


def test_the_working_directory_is_gone(project: Path, git: Git, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = store(project, "import model", "model.double()")
    project.rename(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    verdict = isfdb.replay(db, "value")
    assert verdict.status == "identical", str(verdict)
    assert any("taken from" in note for note in verdict.notes)


def test_nothing_of_the_checkout_is_touched_by_what_runs(project: Path, git: Git, store: Store) -> None:
    code = f"import model, os\nopen('written.txt', 'w').write('x')\nwith open({str(project / 'notes.txt')!r}) as file: text = file.read()"
    db = store(project, code, "model.double() + len(text)")
    (project / "written.txt").unlink()
    before = git(project, "status", "--porcelain"), git(project, "worktree", "list")
    isfdb.replay(db, "value")
    assert (git(project, "status", "--porcelain"), git(project, "worktree", "list")) == before
    assert not (project / "written.txt").exists()
