"""What is called stale, and what is not: changed versions, files and code, and what was made from them."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

import isfdb
from isfdb.provenance.records import UsedFile
from isfdb.tracing import file_changes
from isfdb.tracing.file_changes import FileChanges
from isfdb.tracing.stale import stale_keys
from tests.unit.tracing.conftest import of_file, rewrite

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_stale_where_nothing_changed(db, made, tmp_path: Path):
    raw = tmp_path / "raw.csv"
    raw.write_text("1")
    made("rates", 2, raw, made("traces", 1, raw))
    assert stale_keys(db) == {}


def test_a_newer_version_of_an_input_makes_stale(db, made):
    made("rates", 2, made("traces", 1))
    db["traces"] = 10
    (reason,) = stale_keys(db)["rates"]
    assert str(reason) == "traces v1 has a newer version, 2"
    assert isfdb.lineage(db, "rates").stale == (str(reason),)


def test_a_newer_version_with_the_same_content_does_not(db, made):
    made("rates", 2, made("traces", 1))
    db["traces"] = 1
    assert stale_keys(db) == {}


def test_a_key_that_is_counted_up_is_not_stale(db, made):
    made("count", 2, made("count", 1))
    assert stale_keys(db) == {}


def test_stale_is_handed_on_with_the_way(db, made):
    made("c", 3, made("b", 2, made("a", 1)))
    db["a"] = 10
    (reason,) = stale_keys(db)["c"]
    assert reason.path == ("b v1",)
    assert str(reason) == "made from b v1, for which a v1 has a newer version, 2"


def test_making_the_input_again_leaves_it_stale_until_it_is_made_again_too(db, made):
    made("b", 2, made("a", 1))
    made("c", 3, db.entry("b").link)
    db["a"] = 10
    made("b", 20, db.entry("a").link)
    assert set(stale_keys(db)) == {"c"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.write_text("longer"), "has 6 B now, and had 1 B"),
        (lambda file: file.unlink(), "is gone"),
        (lambda file: (file.write_text("2"), os.utime(file, (1, 1))), "has other content"),
    ],
    ids=["size", "gone", "content"],
)
def test_a_changed_file_makes_stale(db, made, tmp_path: Path, change, words: str):
    raw = tmp_path / "raw.csv"
    raw.write_text("1")
    made("rates", 2, raw)
    change(raw)
    (reason,) = stale_keys(db)["rates"]
    assert reason.because == f"the file {raw} {words}"
    node = next(node for node in isfdb.lineage(db, "rates").graph.of_kind("file") if node.facts["path"] == str(raw))
    assert node.changed == words


def test_a_file_that_was_only_touched_does_not(db, made, tmp_path: Path):
    raw = tmp_path / "raw.csv"
    raw.write_text("1")
    made("rates", 2, raw)
    os.utime(raw, (1, 1))
    assert stale_keys(db) == {}


def test_of_a_file_without_digest_the_time_counts(db, made, tmp_path: Path):
    raw = tmp_path / "raw.csv"
    raw.write_text("1")
    made("rates", 2)
    rewrite(db, "rates", used=[of_file(raw, digest=None, because="too large")])
    assert stale_keys(db) == {}
    os.utime(raw, (1, 1))
    assert "its content cannot be compared" in stale_keys(db)["rates"][0].because


def test_a_file_that_the_session_wrote_itself_may_be_gone(db, made, tmp_path: Path):
    between = tmp_path / "between.npy"
    between.write_text("1")
    made("rates", 2)
    rewrite(db, "rates", used=[of_file(between, written_here=True)])
    between.unlink()
    assert stale_keys(db) == {}


def test_a_folder_that_was_read_as_one_thing_is_compared_by_its_listing(db, made, tmp_path: Path):
    from isfdb.provenance.file_digests import FOLDER, FileFacts, digest_of_folder

    store = tmp_path / "stack.zarr"
    (store / "0").mkdir(parents=True)
    (store / "0" / "0").write_text("chunk")
    made("rates", 2)
    digest = digest_of_folder(FileFacts(str(store))).digest
    rewrite(db, "rates", used=[{"file": str(store), "size": None, "mtime": 1.0, "digest": digest, "because": FOLDER, "cell": 1}])
    assert stale_keys(db) == {}
    (store / "0" / "1").write_text("chunk")
    assert "has other files" in stale_keys(db)["rates"][0].because


def test_a_file_missing_on_another_computer_is_not_called_gone(db, made, tmp_path: Path):
    raw = tmp_path / "raw.csv"
    raw.write_text("1")
    made("rates", 2, raw, by={"host": "another", "user": "somebody"})
    raw.unlink()
    assert stale_keys(db) == {}


def test_only_the_keys_asked_for_are_told_and_named_from_the_sub_database(db, made):
    link = made("a", 1)
    made("cells/x", 1, link)
    made("cells/y", 1, link)
    db["a"] = 2
    assert set(stale_keys(db)) == {"cells/x", "cells/y"}
    assert set(stale_keys(db, ["cells/x"])) == {"cells/x"}
    assert set(stale_keys(db["cells"])) == {"x", "y"}


def test_an_input_in_another_database_counts(db, made, tmp_path: Path):
    other = isfdb.open(tmp_path / "other")
    made("rates", 2, made("raw", 1, into=other))
    other["raw"] = 2
    assert set(stale_keys(db)) == {"rates"}


def test_a_circle_ends_and_what_changed_beside_it_is_told(db, made):
    source = made("source", 0)
    made("a", 1)
    made("b", 2)
    links = {key: db.entry(key).link for key in "ab"}
    rewrite(db, "a", used=[{"value": links["b"], "digest": None, "cell": 1}, {"value": source, "digest": None, "cell": 1}])
    rewrite(db, "b", used=[{"value": links["a"], "digest": None, "cell": 1}])
    db["source"] = 5
    assert "a" in stale_keys(db)


# Code ------------------------------------------------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A repository with a module, a document, and a first commit."""
    folder = tmp_path / "model"
    (folder / "neurons").mkdir(parents=True)
    (folder / "neurons" / "rates.py").write_text("def rate(): return 1\n")
    (folder / "README.md").write_text("about\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def stored_with(db, folder: Path, **facts) -> None:
    """Store a value as if the module of that repository had been imported."""
    from isfdb.exact_json import compact, dumps

    db["rates"] = 1
    repository = {"name": "model", "root": str(folder), "commit": git(folder, "rev-parse", "HEAD"), "dirty": False, "modules": ["neurons"]}
    record = {"repositories": [repository | facts], "imported": {"numpy": "2.0"}}
    digest = blake3(compact(record).encode()).hexdigest()[:32]
    db._storage.put(f".isfdb/code/{digest}.json", dumps(record).encode())
    rewrite(db, "rates", code={"snapshot": digest, "commit": repository["commit"]})


def test_a_new_commit_is_told_without_starting_git_and_compared_with_it(db, model: Path):
    stored_with(db, model)
    assert stale_keys(db) == stale_keys(db, git=True) == {}
    (model / "neurons" / "rates.py").write_text("def rate(): return 2\n")
    assert stale_keys(db) == {}  # nothing but git sees that
    assert stale_keys(db, git=True)["rates"][0].because == "the code in model differs in neurons/rates.py"
    git(model, "commit", "-q", "-a", "-m", "second")
    assert "with git=True, contents are compared" in stale_keys(db)["rates"][0].because
    assert stale_keys(db, git=True)["rates"][0].because == "the code in model differs in neurons/rates.py"


def test_committing_a_document_changes_no_code(db, model: Path):
    stored_with(db, model)
    (model / "README.md").write_text("more\n")
    git(model, "commit", "-q", "-a", "-m", "second")
    assert stale_keys(db, git=True) == {}


def test_committing_what_was_changed_before_is_no_change(db, model: Path):
    from isfdb.provenance.collectors.git_repository import find_repository
    from isfdb.provenance.collectors.git_state import WorkTreeWatch

    (model / "neurons" / "rates.py").write_text("def rate(): return 2\n")
    (model / "neurons" / "new.py").write_text("x = 1\n")
    tree = WorkTreeWatch(find_repository(str(model))).look(time.monotonic() + 30)
    stored_with(db, model, **{name: tree.record.get(name) for name in ("patch", "files", "dirty")})
    for name, blob in tree.blobs.items():
        db._storage.put(f".isfdb/code/{name}", blob)
    assert stale_keys(db, git=True) == {}
    git(model, "add", ".")
    git(model, "commit", "-q", "-m", "second")
    assert stale_keys(db, git=True) == {}
    (model / "neurons" / "new.py").write_text("x = 2\n")
    assert stale_keys(db, git=True)["rates"][0].because == "the code in model differs in neurons/new.py"


def test_a_forged_commit_reaches_no_command_line(db, model: Path, tmp_path: Path):
    stored_with(db, model, commit=f"--output={tmp_path / 'written'}")
    assert stale_keys(db, git=True) == {}
    assert not (tmp_path / "written").exists()


def test_a_repository_that_is_not_here_is_not_called_changed(db, model: Path, tmp_path: Path):
    stored_with(db, model)
    model.rename(tmp_path / "moved")
    assert stale_keys(db, git=True) == {}


def test_a_changed_module_outside_git_makes_stale(db, tmp_path: Path):
    from isfdb.exact_json import dumps
    from isfdb.provenance.collectors.sources import Budget, SourceReader

    module = tmp_path / "analysis.py"
    module.write_text("x = 1\n")
    kept = SourceReader().read(str(module), Budget())
    db["rates"] = 1
    record = {"repositories": [], "local_modules": [{"name": "analysis", "path": str(module), "blob": kept.blob}]}
    db._storage.put(".isfdb/code/abc.json", dumps(record).encode())
    rewrite(db, "rates", code={"snapshot": "abc"})
    assert stale_keys(db) == {}
    module.write_text("x = 2\n")
    assert stale_keys(db)["rates"][0].because == "the module analysis has other content"


def test_folders_are_listed_for_so_long_and_files_of_the_kernel_are_not_opened(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("x")
    folder = UsedFile(str(tmp_path), digest="0" * 64)
    assert FileChanges().change(folder, None).startswith("has other files")
    monkeypatch.setattr(file_changes, "MOST_S_OF_FOLDERS", -1.0)
    assert FileChanges().change(folder, None) == ""  # nobody can tell
    (tmp_path / "empty").touch()
    empty = UsedFile(str(tmp_path / "empty"), size=0, mtime=5.0, digest="0" * 64)
    assert FileChanges().change(empty, None) == ""
    assert FileChanges().change(replace(empty, size=1), None) != ""
