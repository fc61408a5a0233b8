"""The look at the code happens beside the work: it is there when needed, never waited for longer than said, and never stale."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from isfdb.provenance.collectors.code import CodeSnapshot, CodeWatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Git


@pytest.fixture
def project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository that is the working directory."""
    monkeypatch.chdir(repository)
    return repository


@pytest.fixture
def import_file(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, str], None]]:
    """Import a module from a folder, and forget it after the test."""
    imported: list[str] = []

    def run(folder: Path, name: str) -> None:
        monkeypatch.syspath_prepend(str(folder))
        __import__(name)
        imported.append(name)

    yield run
    for name in imported:
        for loaded in [loaded for loaded in sys.modules if loaded == name or loaded.startswith(name + ".")]:
            del sys.modules[loaded]


def main_record(snapshot: CodeSnapshot) -> dict[str, object]:
    found: dict[str, object] = snapshot.record["repositories"][0]
    return found


def make_git_slow(folder: Path, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\nsleep {seconds}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_working_directory_comes_first(project: Path, git: Git) -> None:
    watcher = CodeWatcher()
    watcher.ask()
    snapshot = watcher.answer(10)
    commit = git(project, "rev-parse", "HEAD")
    assert snapshot.summary == {"commit": commit, "branch": "main", "dirty": False}
    assert (snapshot.late, snapshot.unknown) == (False, None)
    assert main_record(snapshot)["working_directory"] == "."
    json.dumps(snapshot.record)


def test_the_imported_distributions_are_named(project: Path) -> None:
    assert CodeWatcher().answer(10).record["imported"]["pytest"] == pytest.__version__


def test_an_answer_without_a_question_is_right_too(project: Path) -> None:
    assert CodeWatcher().answer(10).summary["branch"] == "main"


def test_the_next_cell_sees_an_edited_file(project: Path) -> None:
    watcher = CodeWatcher()
    before = watcher.answer(10)
    (project / "model.py").write_text("rate = 2\n")
    watcher.ask()
    after = watcher.answer(10)
    assert (before.summary["dirty"], after.summary["dirty"]) == (False, True)
    assert any(b"+rate = 2" in content for content in after.blobs.values())


def test_nothing_new_gives_the_same_object(project: Path) -> None:
    watcher = CodeWatcher()
    first = watcher.answer(10)
    watcher.ask()
    assert watcher.answer(10) is first


def test_a_commit_within_a_cell_is_noticed(project: Path, git: Git) -> None:
    watcher = CodeWatcher()
    watcher.answer(10)
    git(project, "commit", "-q", "--allow-empty", "-m", "second")
    time.sleep(0.06)  # the four stats are taken at most every 50 ms
    assert watcher.answer(10).summary["commit"] == git(project, "rev-parse", "HEAD")


def test_another_working_directory_is_noticed(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = CodeWatcher()
    watcher.answer(10)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert watcher.answer(10).record["working_directory"].endswith("elsewhere")


def test_a_module_imported_within_a_cell_is_noticed(
    project: Path, tmp_path: Path, git: Git, import_file: Callable[[Path, str], None]
) -> None:
    watcher = CodeWatcher()
    watcher.answer(10)
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q", "-b", "lib")
    (library / "isfdb_test_imported.py").write_text("x = 1\n")
    git(library, "add", ".")
    git(library, "commit", "-q", "-m", "library")
    import_file(library, "isfdb_test_imported")
    repositories = {record["name"]: record for record in watcher.answer(10).record["repositories"]}
    assert repositories["library"]["branch"] == "lib"
    assert repositories["library"]["modules"] == ["isfdb_test_imported"]


def test_a_local_module_outside_git_is_kept_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, import_file: Callable[[Path, str], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "isfdb_test_local.py").write_text('x = 1\npassword = "correcthorse1"\n')
    import_file(tmp_path, "isfdb_test_local")
    snapshot = CodeWatcher().answer(10)
    (facts,) = [facts for facts in snapshot.record["local_modules"] if facts["name"] == "isfdb_test_local"]
    assert snapshot.blobs[facts["blob"]] == b'x = 1\npassword = "<redacted:password>"\n'
    assert facts["redacted"] == 1


def test_a_module_that_changed_after_its_import_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, import_file: Callable[[Path, str], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "isfdb_test_edited.py").write_text("x = 1\n")
    import_file(tmp_path, "isfdb_test_edited")
    watcher = CodeWatcher()
    assert "isfdb_test_edited" not in watcher.answer(10).record.get("changed_after_import", [])
    (tmp_path / "isfdb_test_edited.py").write_text("x = 22\n")
    watcher.ask()
    assert "isfdb_test_edited" in watcher.answer(10).record["changed_after_import"]


def test_versioneer_facts_are_read_without_running_git(tmp_path: Path, import_file: Callable[[Path, str], None]) -> None:
    package = tmp_path / "isfdb_test_versioned"
    package.mkdir()
    (package / "__init__.py").write_text("from . import _version\n")
    facts = {"date": None, "dirty": False, "error": None, "full-revisionid": "a" * 40, "version": "1.2"}
    (package / "_version.py").write_text(f"version_json = '''{json.dumps(facts)}'''\ndef get_versions():\n    raise SystemError\n")
    import_file(tmp_path, "isfdb_test_versioned")
    assert CodeWatcher().answer(10).record["versions"]["isfdb_test_versioned"] == facts


def test_submodules_are_looked_at_each_for_itself(project: Path, git: Git, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "inner.py").write_text("x = 1\n")
    git(inner, "add", ".")
    git(inner, "commit", "-q", "-m", "inner")
    git(project, "submodule", "add", "-q", str(inner), "parts/inner")
    git(project, "commit", "-q", "-m", "submodule")
    watcher = CodeWatcher()
    record = main_record(watcher.answer(10))
    commit = git(inner, "rev-parse", "HEAD")
    assert record["submodules"] == [{"path": "parts/inner", "commit": commit, "checked_out": True, "dirty": False}]
    assert record["dirty"] is False
    (project / "parts" / "inner" / "inner.py").write_text("x = 2\n")
    watcher.ask()
    snapshot = watcher.answer(10)
    outer, sub = [next(record for record in snapshot.record["repositories"] if record["name"] == name) for name in ("project", "inner")]
    assert outer["dirty"] is True
    assert outer["submodules"][0]["dirty"] is True
    assert sub["submodule_of"] == "project"
    assert b"+x = 2" in snapshot.blobs[sub["patch"]]


def test_a_submodule_that_is_not_checked_out_is_named(project: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project, "submodule", "add", "-q", str(project), "inner")
    git(project, "commit", "-q", "-m", "submodule")
    git(tmp_path, "clone", "-q", str(project), "copy")
    monkeypatch.chdir(tmp_path / "copy")
    assert main_record(CodeWatcher().answer(10))["submodules"] == [{"path": "inner", "commit": None, "checked_out": False}]


def test_a_deleted_working_directory_is_unknown_not_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    watcher = CodeWatcher()
    watcher.ask()
    snapshot = watcher.answer(10)
    assert snapshot.record["working_directory"] is None
    assert snapshot.unknown is not None
    assert "deleted" in snapshot.unknown


def test_no_repository_is_no_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CodeWatcher().answer(10).unknown is None


def test_slow_git_makes_the_answer_late_and_nobody_waits(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = CodeWatcher()
    before = watcher.answer(10)
    make_git_slow(tmp_path / "bin", 60, monkeypatch)
    started = time.monotonic()
    watcher.ask()
    snapshot = watcher.answer(0.05)
    assert time.monotonic() - started < 30  # and not the 60 s that git takes
    assert snapshot.late
    assert snapshot.digest == before.digest
    assert snapshot.unknown is not None
    assert "0.05 s" in snapshot.unknown


def test_the_first_answer_when_late_is_unknown_with_the_reason(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_git_slow(tmp_path / "bin", 60, monkeypatch)
    snapshot = CodeWatcher().answer(0.05)
    assert snapshot.late
    assert snapshot.summary == {"commit": None, "branch": None, "dirty": None}
    assert snapshot.unknown == "git did not answer within 0.05 s"


def test_a_look_at_slow_git_ends_after_two_seconds(project: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = git(project, "rev-parse", "HEAD")
    make_git_slow(tmp_path / "bin", 60, monkeypatch)
    started = time.monotonic()
    snapshot = CodeWatcher().answer(50)
    assert time.monotonic() - started < 30  # and not the 60 s that git takes
    assert not snapshot.late
    assert snapshot.summary == {"commit": commit, "branch": "main", "dirty": None}
    assert snapshot.unknown is not None


def test_an_answer_that_stands_is_given_again(project: Path) -> None:
    watcher = CodeWatcher()
    watcher.answer(10)
    assert watcher.answer(10) is watcher.answer(10)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # that is what is tested
def test_a_forked_child_answers(project: Path) -> None:
    watcher = CodeWatcher()
    watcher.answer(10)
    watcher._changed.acquire()  # as if another thread held it at the moment of the fork
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            watcher.ask()
            status = 0 if watcher.answer(10).summary["branch"] == "main" else 2
        finally:
            os._exit(status)
    watcher._changed.release()
    assert os.waitpid(pid, 0)[1] == 0


def test_many_threads_may_ask_and_answer(project: Path) -> None:
    watcher = CodeWatcher()
    answers: list[CodeSnapshot] = []

    def work() -> None:
        for _ in range(20):
            watcher.ask()
            answers.append(watcher.answer(10))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.summary["branch"] for answer in answers} == {"main"}
    assert not any(answer.late for answer in answers)


def test_no_thread_outlives_the_look(project: Path) -> None:
    watcher = CodeWatcher()
    watcher.answer(10)
    deadline = time.monotonic() + 5
    while any(thread.name == "isfdb-code" for thread in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(thread.name == "isfdb-code" for thread in threading.enumerate())


def test_a_checkout_in_site_packages_counts_and_its_neighbours_do_not(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch, import_file: Callable[[Path, str], None]
) -> None:
    """An environment inside a project's work tree: the project is no home of what is installed there."""
    monkeypatch.chdir("/")
    git(tmp_path, "init", "-q")
    packages = tmp_path / "env" / "lib" / "site-packages"
    for name in ("isfdb_test_installed", "isfdb_test_checkout"):
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").write_text("")
        import_file(packages, name)
    git(packages / "isfdb_test_checkout", "init", "-q", "-b", "mine")
    record = CodeWatcher().answer(10).record
    names = [repository["name"] for repository in record["repositories"]]
    assert "isfdb_test_checkout" in names
    assert tmp_path.name not in names
    assert not [module for module in record.get("local_modules", []) if module["name"] == "isfdb_test_installed"]


def test_isfdbs_own_checkout_is_not_taken_for_the_users():
    from isfdb.provenance.collectors.code import _snapshot

    ours = {"commit": "a" * 40, "branch": "main", "dirty": True, "modules": ["isfdb", "loaderdumpers"]}
    assert _snapshot({"repositories": [ours]}, {}).summary == {"commit": None, "branch": None, "dirty": None}
    theirs = {**ours, "modules": ["isfdb", "my_analysis"]}
    assert _snapshot({"repositories": [theirs]}, {}).summary["commit"] == "a" * 40
    developed = {**ours, "working_directory": "."}
    assert _snapshot({"repositories": [developed]}, {}).summary["commit"] == "a" * 40
