"""What is learned about one repository, in every state a repository can be in."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from isfdb.provenance.collectors.git_repository import find_repository
from isfdb.provenance.collectors.git_state import WorkTree, WorkTreeWatch

if TYPE_CHECKING:
    from conftest import Git


def look(folder: Path, seconds: float = 10) -> WorkTree:
    found = find_repository(str(folder))
    assert found is not None
    return WorkTreeWatch(found).look(time.monotonic() + seconds)


def files(tree: WorkTree) -> dict[str, Any]:
    return {file["path"]: file for file in tree.record.get("files", [])}


def put_on_path(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `script` the first `git` on PATH."""
    folder.mkdir()
    (folder / "git").write_text(script)
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_clean_repository(repository: Path, git: Git) -> None:
    git(repository, "tag", "v1.0")
    git(repository, "remote", "add", "origin", "https://me:pw@example.org/lab/project.git")
    record = look(repository).record
    commit = git(repository, "rev-parse", "HEAD")
    assert record["commit"] == commit
    assert record["branch"] == "main"
    assert record["describe"] == f"v1.0-0-g{commit[:12]}"
    assert record["dirty"] is False
    assert record["remotes"] == {"origin": "https://example.org/lab/project.git"}
    assert "unknown" not in record
    assert "patch" not in record


def test_the_patch_and_the_untracked_sources_rebuild_the_work_tree(repository: Path, git: Git, tmp_path: Path) -> None:
    (repository / "model.py").write_text("rate = 2\n")
    (repository / "table.bin").write_bytes(bytes(range(256)) * 4)
    git(repository, "add", "table.bin")
    (repository / "notes.txt").unlink()
    (repository / "new").mkdir()
    (repository / "new" / "fit.py").write_text("slope = 3\n")
    (repository / "data.npy").write_bytes(b"\0" * 100)
    tree = look(repository)
    assert tree.record["dirty"] is True
    assert list(files(tree)) == ["new/fit.py"]
    assert tree.blobs[files(tree)["new/fit.py"]["blob"]] == b"slope = 3\n"
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", str(repository), str(copy))
    (tmp_path / "p.patch").write_bytes(tree.blobs[tree.record["patch"]])
    git(copy, "apply", str(tmp_path / "p.patch"))
    assert (copy / "model.py").read_text() == "rate = 2\n"
    assert (copy / "table.bin").read_bytes() == (repository / "table.bin").read_bytes()
    assert not (copy / "notes.txt").exists()


def test_ignored_files_are_not_kept(repository: Path) -> None:
    (repository / ".gitignore").write_text("secret_plans.py\n")
    (repository / "secret_plans.py").write_text("x = 1\n")
    assert list(files(look(repository))) == []


def test_secrets_reach_neither_patch_nor_sources(repository: Path) -> None:
    (repository / "model.py").write_text('rate = 1\npassword = "correcthorse1"\n')
    (repository / "upload.py").write_text('token = "abcDEF1234567890"\n')
    (repository / ".env").write_text("KEY=abc\n")
    (repository / "id_rsa.py").write_text("x")
    tree = look(repository)
    text = b"".join(tree.blobs.values())
    assert b"correcthorse1" not in text
    assert b"abcDEF1234567890" not in text
    assert tree.record["patch_redacted"] == 1
    assert files(tree)["upload.py"]["redacted"] == 1
    assert list(files(tree)) == ["upload.py"]


def test_large_files_are_named_and_left_out(repository: Path, git: Git) -> None:
    (repository / "table.json").write_text("1" * 600_000)
    (repository / "big.bin").write_bytes(b"1")
    git(repository, "add", "big.bin")
    git(repository, "commit", "-q", "-m", "big")
    (repository / "big.bin").write_bytes(os.urandom(3 << 20))
    (repository / "model.py").write_text("rate = 5\n")
    tree = look(repository)
    assert tree.record["left_out"] == [{"path": "table.json", "why": "larger than 512 kB"}]
    assert tree.record["not_in_patch"] == [{"path": "big.bin", "why": "larger than 2 MB"}]
    assert b"rate = 5" in tree.blobs[tree.record["patch"]]
    assert sum(map(len, tree.blobs.values())) < 1000


def test_notebooks_are_kept_without_their_outputs(repository: Path, git: Git) -> None:
    cell = {"cell_type": "code", "source": ["x = 1"], "outputs": [{"text": "lots"}], "execution_count": 3, "metadata": {}}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (repository / "tracked.ipynb").write_text("{}")
    git(repository, "add", "tracked.ipynb")
    git(repository, "commit", "-q", "-m", "notebook")
    (repository / "tracked.ipynb").write_text(json.dumps(notebook))
    (repository / "new.ipynb").write_text(json.dumps(notebook))
    tree = look(repository)
    assert {path: file["state"] for path, file in files(tree).items()} == {"tracked.ipynb": "changed", "new.ipynb": "untracked"}
    assert tree.record["patch"] is None
    for file in files(tree).values():
        kept = json.loads(tree.blobs[file["blob"]])
        assert kept["cells"][0] == cell | {"outputs": [], "execution_count": None}


def test_detached_head_has_no_branch(repository: Path, git: Git) -> None:
    git(repository, "checkout", "-q", "--detach")
    record = look(repository).record
    assert record["branch"] is None
    assert record["commit"] == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
def test_no_commit_yet(tmp_path: Path, git: Git, hash_name: str) -> None:
    git(tmp_path, "init", "-q", "-b", "trunk", f"--object-format={hash_name}")
    (tmp_path / "a.py").write_text("a = 1\n")
    (tmp_path / "b.py").write_text("b = 1\n")
    git(tmp_path, "add", "a.py")
    tree = look(tmp_path)
    assert (tree.record["commit"], tree.record["branch"], tree.record["dirty"]) == (None, "trunk", True)
    assert b"+a = 1" in tree.blobs[tree.record["patch"]]
    assert list(files(tree)) == ["b.py"]
    assert "unknown" not in tree.record


def test_a_linked_worktree(repository: Path, git: Git, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", "-b", "side", str(linked))
    git(repository, "remote", "add", "origin", "git@example.org:lab/project.git")
    (linked / "model.py").write_text("rate = 9\n")
    record = look(linked).record
    assert (record["branch"], record["dirty"]) == ("side", True)
    assert record["worktrees"] == {"linked": ["linked"], "this": "linked"}
    assert record["remotes"] == {"origin": "git@example.org:lab/project.git"}
    assert look(repository).record["dirty"] is False


def test_a_bare_repository(repository: Path, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare.git")
    record = look(tmp_path / "bare.git").record
    assert record["bare"] is True
    assert record["commit"] == git(repository, "rev-parse", "HEAD")
    assert record["dirty"] is None
    assert "no work tree" in record["unknown"]["dirty"]


def test_packed_refs_are_read(repository: Path, git: Git, tmp_path: Path) -> None:
    git(repository, "pack-refs", "--all")
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare.git")
    assert look(tmp_path / "bare.git").record["commit"] == git(repository, "rev-parse", "HEAD")


def test_names_with_newlines_quotes_and_bytes_that_are_no_text(repository: Path, git: Git) -> None:
    names = ["line\nbreak.py", 'quo"te.py', "größe 測.py", "\tfirst tab.py", "-dash.py", ":(exclude)x.py"]
    for name in names:
        (repository / name).write_text("a = 1\n")
    Path(os.fsdecode(os.fsencode(str(repository)) + b"/latin\xe9.py")).write_text("a = 1\n")
    tree = look(repository)
    assert set(files(tree)) == {*names, "latin\\xe9.py"}
    json.dumps(tree.record).encode()
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "odd names")
    for name in names:
        (repository / name).write_text("a = 2\n")
    tree = look(repository)
    assert set(tree.record["changed"]) == set(names)
    assert tree.blobs[tree.record["patch"]].count(b"+a = 2") == len(names)


def test_no_git_installed_still_tells_commit_branch_and_remotes(repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    git(repository, "remote", "add", "origin", "https://example.org/a.git")
    commit = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", "")
    record = look(repository).record
    assert (record["commit"], record["branch"], record["dirty"]) == (commit, "main", None)
    assert record["remotes"] == {"origin": "https://example.org/a.git"}
    assert "not installed" in record["unknown"]["dirty"]


def test_slow_git_is_given_up_in_time_and_leaves_no_process(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(tmp_path / "bin", f"#!/bin/sh\necho $$ >> {tmp_path}/pids\nsleep 60 & wait\n", monkeypatch)
    started = time.monotonic()
    record = look(repository, seconds=2).record
    assert time.monotonic() - started < 30  # and not the 60 s that git takes
    assert record["commit"] is not None
    assert record["dirty"] is None
    assert "in time" in record["unknown"]["dirty"]
    for pid in (tmp_path / "pids").read_text().split():
        assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()


def test_git_that_was_slow_is_not_asked_again_at_once(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(tmp_path / "bin", "#!/bin/sh\nsleep 60\n", monkeypatch)
    found = find_repository(str(repository))
    assert found is not None
    watch = WorkTreeWatch(found)
    watch.look(time.monotonic() + 0.3)
    assert "not asked again" in watch.look(time.monotonic() + 5).record["unknown"]["dirty"]


def test_slow_listing_of_untracked_files_leaves_the_rest(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    put_on_path(tmp_path / "bin", f'#!/bin/sh\ncase "$*" in *untracked-files=all*) sleep 60;; esac\nexec {real} "$@"\n', monkeypatch)
    (repository / "model.py").write_text("rate = 2\n")
    tree = look(repository)
    assert tree.record["dirty"] is True
    assert tree.record["patch"] is not None
    assert tree.record["unknown"] == {"untracked": "listing untracked files took too long"}


def test_a_refused_owner_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    record = look(repository).record
    assert record["commit"] is not None
    assert record["dirty"] is None
    assert "safe.directory" in record["unknown"]["dirty"]


HOSTILE_CONFIG = """
[core]
	fsmonitor = "touch {0}/fsmonitor"
	hooksPath = {0}/hooks
	pager = touch {0}/pager
[diff]
	external = "touch {0}/external"
[diff "odd"]
	textconv = "touch {0}/textconv; cat"
	command = "touch {0}/command"
[filter "odd=name"]
	clean = "touch {0}/clean; cat"
	smudge = "touch {0}/smudge; cat"
	process = "touch {0}/process"
	required = true
[include]
	path = {0}/included
"""


def test_programs_named_by_the_repository_never_run_and_its_index_is_not_written(repository: Path, git: Git, tmp_path: Path) -> None:
    traces = tmp_path / "traces"
    (traces / "hooks").mkdir(parents=True)
    hook = traces / "hooks" / "post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {traces}/hook\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    (repository / ".gitattributes").write_text("*.py filter=odd=name diff=odd\n*.txt filter=second\n")
    git(repository, "add", ".gitattributes")
    git(repository, "commit", "-q", "-m", "attributes")
    with (repository / ".git" / "config").open("a") as file:
        file.write(HOSTILE_CONFIG.format(traces))
    (traces / "included").write_text(f'[filter "second"]\n\tclean = "touch {traces}/second; cat"\n\trequired = true\n')
    before = sorted(os.listdir(traces))
    index = (repository / ".git" / "index").read_bytes(), (repository / ".git" / "index").stat().st_mtime_ns
    for name in ("model.py", "notes.txt"):
        (repository / name).write_text("rate = 7\n")
        os.utime(repository / name, (1, 1))
    tree = look(repository)
    assert b"+rate = 7" in tree.blobs[tree.record["patch"]]
    assert sorted(os.listdir(traces)) == before
    assert index == ((repository / ".git" / "index").read_bytes(), (repository / ".git" / "index").stat().st_mtime_ns)


def test_a_work_tree_that_points_elsewhere_is_refused(repository: Path, git: Git, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    git(repository, "config", "core.worktree", str(tmp_path / "private"))
    assert "elsewhere" in look(repository).record["unknown"]["dirty"]


def test_links_are_not_followed(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "private.py").write_text("x = 'private'\n")
    (repository / "link.py").symlink_to(tmp_path / "private.py")
    tree = look(repository)
    assert tree.record["left_out"] == [{"path": "link.py", "why": "is not a regular file"}]
    assert tree.blobs == {}


def test_a_user_variable_does_not_send_us_elsewhere(repository: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nowhere" / "index"))
    record = look(repository).record
    assert (record["commit"], record["dirty"]) == (commit, False)


def test_a_database_in_the_work_tree_is_not_code(repository: Path, git: Git) -> None:
    version = repository / "results" / "rates.key" / "v000001"
    version.mkdir(parents=True)
    (repository / "results" / "isfdb.json").write_text("{}")
    (version / "metadata.json").write_text("{}")
    found = find_repository(str(repository))
    assert found is not None
    watch = WorkTreeWatch(found)
    for _ in range(2):
        tree = watch.look(time.monotonic() + 10)
        assert (tree.record["dirty"], tree.blobs) == (False, {})
    git(repository, "add", "results")
    git(repository, "commit", "-q", "-m", "results")
    (version / "metadata.json").write_text("{1}")
    (repository / "model.py").write_text("rate = 3\n")
    tree = watch.look(time.monotonic() + 10)
    assert tree.record["changed"] == ["model.py"]
    assert b"metadata" not in tree.blobs[tree.record["patch"]]


def test_the_patch_is_made_again_only_when_the_content_moved(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    put_on_path(tmp_path / "bin", f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\nexec {real} "$@"\n', monkeypatch)
    found = find_repository(str(repository))
    assert found is not None
    watch = WorkTreeWatch(found)

    def questions() -> list[str]:
        (tmp_path / "asked").write_text("")
        watch.look(time.monotonic() + 10)
        asked = (tmp_path / "asked").read_text().splitlines()
        return [word for line in asked for word in line.split() if word in ("status", "diff", "describe", "config")]

    assert questions() == ["status"]
    (repository / "model.py").write_text("rate = 2\n")
    assert questions() == ["status", "diff"]
    assert questions() == ["status"]
    (repository / "model.py").write_text("rate = 44\n")
    assert questions() == ["status", "diff"]


def test_a_file_that_changes_while_it_is_read_is_noted_or_read_again(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    model = repository / "model.py"
    script = f'#!/bin/sh\n{real} "$@"\nstatus=$?\ncase "$*" in *" diff "*) echo "x = 1" >> {model};; esac\nexit $status\n'
    put_on_path(tmp_path / "bin", script, monkeypatch)
    model.write_text("rate = 2\n")
    assert look(repository).record["unknown"] == {"snapshot": "files changed while they were read"}


def test_5000_files_are_looked_at(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "-q")
    for number in range(50):
        folder = tmp_path / f"folder{number:02}"
        folder.mkdir()
        for file in range(100):
            (folder / f"file{file:02}.py").write_text(f"x = {number, file}\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "many")
    (tmp_path / "folder07" / "file07.py").write_text("x = 0\n")
    tree = look(tmp_path, seconds=60)
    assert tree.record["changed"] == ["folder07/file07.py"]
    assert "unknown" not in tree.record
