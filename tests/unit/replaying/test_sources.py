"""The sources of a value come back byte for byte, and the checkout they came from is not touched."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from isfdb.provenance.collectors.sources import named_blob
from isfdb.replaying.sources import restored
from isfdb.storage.staging import host

Git = Callable[..., str]
Record = Callable[..., Any]


def tree(folder: Path | str) -> dict[str, Any]:
    """Return all files below a folder but git's: bytes and executable bit, or where a link leads."""
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for path in [Path(place, name) for name in [*names, *folders] if name != ".git"]:
            key = os.path.relpath(path, folder)
            if path.is_symlink():
                found[key] = ("link", os.readlink(path))
            elif path.is_file():
                found[key] = (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
    return found


def state(folder: Path) -> dict[str, Any]:
    """Return everything about a checkout and its repository: content, times and modes; without the entries of worktrees."""
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not (name == "worktrees" and Path(place).name == ".git")]
        for path in [Path(place, name) for name in names]:
            found[str(path)] = (
                path.read_bytes() if not path.is_symlink() else os.readlink(path),
                path.lstat().st_mtime_ns,
                path.lstat().st_mode,
            )
        if "HEAD" not in names:  # the folder of a repository, in which the folder of worktrees comes and goes
            found[place] = Path(place).stat().st_mtime_ns
    return found


def move_on(folder: Path, git: Git) -> None:
    """Change and commit what can be changed."""
    for path in folder.rglob("*.py"):
        if ".git" not in path.parts and not path.is_symlink():
            path.write_text("changed = True\n")
    (folder / "later.py").write_text("later = True\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "later")


def run(found: Any, code: str) -> str:
    """Run code as a replay does: in the restored directory, with the restored folders first."""
    boot = f"import sys; sys.path[:0] = {list(found.path)!r}\n{code}"
    done = subprocess.run(
        [sys.executable, "-P", "-B", "-c", boot], cwd=found.directory, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    return done.stdout.strip()


def test_the_commit_comes_back(project: Path, git: Git, record: Record) -> None:
    then, recorded = tree(project), record(project, "import model")
    move_on(project, git)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
        assert found.moved == ((str(project), found.directory),)
        assert run(found, "import model; print(model.double(), model.__file__)") == f"2 {found.directory}/model.py"


def test_what_was_not_committed_comes_back(project: Path, git: Git, record: Record) -> None:
    (project / "model.py").write_text("rate = 5\n")
    (project / "notes.txt").unlink()
    (project / "extra.py").write_text("more = 1\n")
    (project / "staged.py").write_text("staged = 1\n")
    git(project, "add", "staged.py")
    then, recorded = tree(project), record(project, "import model, extra")
    move_on(project, git)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
        assert run(found, "import model, extra; print(model.rate, extra.more)") == "5 1"


def test_nothing_of_the_checkout_is_touched(project: Path, git: Git, record: Record) -> None:
    git(project, "branch", "other")
    (project / "model.py").write_text("rate = 5\n")
    git(project, "stash")
    (project / "model.py").write_text("rate = 6\n")
    (project / "extra.py").write_text("more = 1\n")
    recorded = record(project, "import model, extra")
    (project / "model.py").write_text("rate = 7\n")
    before = state(project)
    with recorded.restored() as found:
        assert "rate = 6" in Path(found.directory, "model.py").read_text()
        Path(found.directory, "model.py").write_text("rate = 8\n")
        assert state(project) == before
    assert state(project) == before
    assert not (project / ".git" / "worktrees").exists()
    assert not Path(found.directory).exists()


def test_the_entry_is_locked_while_it_is_in_use(project: Path, git: Git, record: Record) -> None:
    recorded = record(project)
    with recorded.restored() as found:
        (project / "notes.txt").write_text("other\n")
        os.rename(found.directory, f"{found.directory}-away")  # as it looks from a computer that shares the repository, not the folder
        git(project, "worktree", "prune")
        os.rename(f"{found.directory}-away", found.directory)
        assert git(Path(found.directory), "rev-parse", "HEAD")


def test_what_a_killed_replay_left_is_swept_and_nothing_else(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    recorded = record(project)
    git(project, "worktree", "add", "--detach", str(tmp_path / "mine"))
    git(project, "worktree", "add", "--detach", "--lock", str(tmp_path / "locked"))
    git(project, "worktree", "add", "--detach", str(tmp_path / "gone"))
    (tmp_path / "gone" / ".git").unlink()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    reason = f"isfdb replay isfdb-replay-{host()}-{ended.pid}-0123"
    git(project, "worktree", "add", "--detach", "--lock", "--reason", reason, str(tmp_path / "left"))
    git(project, "worktree", "add", "--detach", "--lock", "--reason", reason, str(tmp_path / "left2"))
    subprocess.run(["rm", "-r", str(tmp_path / "left2")], check=True)
    with recorded.restored():
        pass
    assert sorted(os.listdir(project / ".git" / "worktrees")) == ["gone", "locked", "mine"]
    assert (tmp_path / "mine" / "model.py").exists()
    assert not (tmp_path / "left").exists()


def test_a_replay_that_is_killed_leaves_nothing_that_lasts(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    recorded = record(project)
    (tmp_path / "killed").mkdir()
    code = f"""
import json, sys, time
from isfdb.replaying.sources import restored
from isfdb.storage.local import LocalStorage
with restored(LocalStorage({recorded.storage.location!r}), json.loads(sys.argv[1]), {str(tmp_path / "killed")!r}, directory=None):
    print("ready", flush=True)
    time.sleep(600)
"""
    command = [sys.executable, "-c", code, json.dumps(recorded.snapshot)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with recorded.restored():
            assert len(os.listdir(project / ".git" / "worktrees")) == 2, "one that lives is left alone"
        process.kill()
    assert os.listdir(project / ".git" / "worktrees") == ["project"]
    before = git(project, "status", "--porcelain"), git(project, "rev-parse", "HEAD")
    with recorded.restored():
        assert len(os.listdir(project / ".git" / "worktrees")) == 1
    assert not (project / ".git" / "worktrees").exists()
    assert not (tmp_path / "killed" / str(project).lstrip("/")).exists()
    assert (git(project, "status", "--porcelain"), git(project, "rev-parse", "HEAD")) == before


def test_two_replays_of_one_repository_at_once(project: Path, record: Record) -> None:
    recorded = record(project)
    with recorded.restored() as one, recorded.restored() as other:
        assert tree(one.directory) == tree(other.directory)
        assert one.directory != other.directory
    assert not (project / ".git" / "worktrees").exists()


def test_many_replays_of_one_repository_at_once(project: Path, record: Record) -> None:
    recorded = record(project, "import model")
    then = tree(project)

    def replay(number: int) -> bool:
        folder = recorded.tmp_path / f"one{number}"
        folder.mkdir()
        with restored(recorded.storage, recorded.snapshot, str(folder), directory=recorded.directory) as found:
            return not found.problems and tree(found.directory) == then

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(replay, range(30)))
    assert not (project / ".git" / "worktrees").exists()


@pytest.mark.parametrize("ruin", ["no .git", "other .git", "no folder"])
def test_a_ruined_worktree_is_taken_away(project: Path, record: Record, ruin: str, tmp_path: Path) -> None:
    recorded = record(project)
    with recorded.restored() as found:
        if ruin == "no folder":
            subprocess.run(["rm", "-r", found.directory], check=True)
        else:
            Path(found.directory, ".git").unlink()
        if ruin == "other .git":
            Path(found.directory, ".git").write_text(f"gitdir: {project}/.git\n")
    assert not (project / ".git" / "worktrees").exists()
    assert (project / ".git" / "HEAD").exists()


def test_names_modes_links_and_line_endings(project: Path, git: Git, record: Record) -> None:
    (project / "a b.py").write_text("x = 1\n")
    (project / "grüße 日本.py").write_text("x = 1\n")
    (project / 'quote"tab\t.py').write_text("x = 1\n")
    (project / "new\nline.py").write_text("x = 1\n")
    (project / "dos.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    (project / "tool.sh").write_text("#!/bin/sh\n")
    (project / "link.py").symlink_to("model.py")
    (project / "data.bin").write_bytes(bytes(range(256)) * 20)
    (project / "no_end.txt").write_text("no newline at the end")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "names")
    for name in ("a b.py", "grüße 日本.py", 'quote"tab\t.py', "new\nline.py"):
        (project / name).write_text("x = 2\n")
    (project / "dos.py").write_bytes(b"x = 1\r\ny = 3\r\n")
    (project / "tool.sh").chmod(0o755)
    (project / "link.py").unlink()
    (project / "link.py").symlink_to("a b.py")
    (project / "data.bin").write_bytes(bytes(range(255, -1, -1)) * 20)
    (project / "un tracked é.py").write_bytes(b"x = 1\r\n")
    (project / "untracked.sh").write_text("#!/bin/sh\n")
    (project / "untracked.sh").chmod(0o755)
    then, recorded = tree(project), record(project)
    move_on(project, git)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then


def test_line_endings_that_git_converts(project: Path, git: Git, record: Record) -> None:
    git(project, "config", "core.autocrlf", "true")
    (project / "dos.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    git(project, "add", "dos.py")
    git(project, "commit", "-q", "-m", "dos")
    (project / "dos.py").write_bytes(b"x = 1\r\ny = 3\r\n")
    recorded = record(project)
    move_on(project, git)
    with recorded.restored() as found:
        assert not found.problems
        assert Path(found.directory, "dos.py").read_bytes() == b"x = 1\r\ny = 3\r\n"


def test_a_patch_without_lines_of_context(project: Path, git: Git, record: Record) -> None:
    git(project, "config", "diff.context", "0")
    (project / "model.py").write_text((project / "model.py").read_text().replace("2 * rate", "3 * rate"))
    then, recorded = tree(project), record(project)
    move_on(project, git)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then


def test_a_file_takes_the_place_of_a_folder_and_a_folder_of_a_file(project: Path, git: Git, record: Record) -> None:
    (project / "pack").mkdir()
    (project / "pack" / "one.py").write_text("x = 1\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "folder")
    (project / "pack" / "one.py").unlink()
    (project / "pack").rmdir()
    (project / "pack").write_text("now a file\n")
    (project / "notes.txt").unlink()
    (project / "notes.txt").mkdir()
    (project / "notes.txt" / "inner.py").write_text("x = 2\n")
    git(project, "add", "-A")
    then, recorded = tree(project), record(project)
    git(project, "commit", "-q", "-m", "later")
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then


def test_a_merge_that_is_not_resolved(project: Path, git: Git, record: Record) -> None:
    git(project, "checkout", "-q", "-b", "other")
    (project / "notes.txt").write_text("theirs\n")
    git(project, "commit", "-qam", "theirs")
    git(project, "checkout", "-q", "main")
    (project / "notes.txt").write_text("ours\n")
    git(project, "commit", "-qam", "ours")
    with pytest.raises(subprocess.CalledProcessError):
        git(project, "merge", "other")
    then, recorded = tree(project), record(project)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then


def test_a_repository_without_a_commit(tmp_path: Path, git: Git, record: Record) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "staged.py").write_text("x = 1\n")
    git(folder, "add", "staged.py")
    (folder / "loose.py").write_text("x = 2\n")
    then, recorded = tree(folder), record(folder, "import staged, loose")
    (folder / "staged.py").write_text("x = 3\n")
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
        assert run(found, "import staged, loose; print(staged.x + loose.x)") == "3"


def test_a_repository_with_sha256(tmp_path: Path, git: Git, record: Record) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    git(folder, "init", "-q", "--object-format=sha256")
    (folder / "model.py").write_text("x = 1\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    (folder / "model.py").write_text("x = 2\n")
    then, recorded = tree(folder), record(folder, "import model")
    move_on(folder, git)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then


def test_a_linked_worktree_and_a_shallow_clone(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    git(project, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{project}", "shallow")
    for folder in (tmp_path / "side", tmp_path / "shallow"):
        (folder / "model.py").write_text("rate = 3\n")
        then, recorded = tree(folder), record(folder, "import model")
        move_on(folder, git)
        with recorded.restored() as found:
            assert not found.problems
            assert tree(found.directory) == then
    assert os.listdir(project / ".git" / "worktrees") == ["side"]


def test_submodules_lie_where_they_were(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q")
    (library / "tools.py").write_text("version = 1\n")
    git(library, "add", "-A")
    git(library, "commit", "-q", "-m", "one")
    git(project, "submodule", "--quiet", "add", str(library), "vendor/lib")
    git(project, "commit", "-q", "-m", "with a library")
    inner = project / "vendor" / "lib"
    (inner / "tools.py").write_text("version = 2\n")
    git(inner, "commit", "-qam", "two")
    (inner / "tools.py").write_text("version = 3\n")
    then, recorded = tree(project), record(project, "import sys; sys.path.insert(0, 'vendor/lib'); import tools")
    (inner / "tools.py").write_text("version = 4\n")
    git(inner, "commit", "-qam", "four")
    move_on(project, git)
    before = state(project)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
        assert run(found, "import tools; print(tools.version, tools.__file__)") == f"3 {found.directory}/vendor/lib/tools.py"
    assert state(project) == before


def test_notebooks(project: Path, git: Git, record: Record) -> None:
    notebook = '{"cells": [{"cell_type": "code", "execution_count": 1, "outputs": ["big"], "source": ["x = 1"]}]}\n'
    for name in ("kept.ipynb", "changed.ipynb", "removed.ipynb"):
        (project / name).write_text(notebook)
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "notebooks")
    (project / "changed.ipynb").write_text(notebook.replace("x = 1", "x = 2"))
    (project / "removed.ipynb").unlink()
    recorded = record(project)
    with recorded.restored() as found:
        assert not found.problems
        assert Path(found.directory, "kept.ipynb").read_text() == notebook
        assert "x = 2" in Path(found.directory, "changed.ipynb").read_text()
        assert not Path(found.directory, "removed.ipynb").exists()
        assert any("without outputs: changed.ipynb" in note for note in found.notes)


def test_what_git_lfs_keeps_comes_from_its_store_on_this_computer(project: Path, git: Git, record: Record) -> None:
    content = {name: name.encode() * 1000 for name in ("there.bin", "gone.bin", "damaged.bin")}
    digests = {name: hashlib.sha256(text).hexdigest() for name, text in content.items()}
    (project / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    for name, digest in digests.items():
        size = len(content[name])
        (project / name).write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {size}\n")
        store = project / ".git" / "lfs" / "objects" / digest[:2] / digest[2:4]
        store.mkdir(parents=True)
        if name != "gone.bin":
            (store / digest).write_bytes(content[name] if name == "there.bin" else b"x" * size)
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "large files")
    recorded = record(project)
    before = state(project)
    with recorded.restored() as found:
        assert Path(found.directory, "there.bin").read_bytes() == content["there.bin"]
        assert Path(found.directory, "damaged.bin").read_bytes().startswith(b"version")
        (note,) = found.notes
        assert "only the pointers of Git LFS are there of damaged.bin, gone.bin" in note
        Path(found.directory, "there.bin").write_bytes(b"written by a script")
    assert state(project) == before


# Commits that are not there ------------------------------------------------------------------------------------------------------------


def forget(folder: Path, git: Git) -> None:
    """Make the newest commit unknown to a repository, as after a rebase and a clean-up."""
    git(folder, "reset", "-q", "--hard", "HEAD~1")
    git(folder, "reflog", "expire", "--expire=now", "--all")
    git(folder, "gc", "-q", "--prune=now")


def test_a_commit_comes_from_a_local_remote(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(project), "store.git")
    git(project, "remote", "add", "origin", str(tmp_path / "store.git"))
    (project / "model.py").write_text("rate = 3\n")
    git(project, "commit", "-qam", "second")
    git(project, "push", "-q", "origin", "main")
    (project / "model.py").write_text("rate = 4\n")
    then, recorded = tree(project), record(project, "import model")
    git(project, "stash")
    git(project, "stash", "drop")
    forget(project, git)
    before = state(project)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
    assert state(project) == before


def test_a_partial_clone_that_lacks_files_of_then(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    """Git would fetch them from the remote; here they are read where the remote lies."""
    git(project, "config", "uploadpack.allowFilter", "true")
    then, recorded = tree(project), record(project, "import model")
    move_on(project, git)
    project.rename(tmp_path / "origin")
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{tmp_path}/origin", str(project))
    assert "?" in git(project, "rev-list", "--objects", "--missing=print", "--all")
    before = state(project)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
    assert state(project) == before


def test_a_missing_commit_is_named(project: Path, git: Git, record: Record) -> None:
    git(project, "remote", "add", "origin", "https://example.org/lab/project.git")
    (project / "model.py").write_text("rate = 3\n")
    git(project, "commit", "-qam", "second")
    commit = git(project, "rev-parse", "HEAD")
    recorded = record(project)
    forget(project, git)
    with recorded.restored() as found:
        ((obstacle, sentence),) = found.problems
    assert obstacle == "commit missing"
    assert commit in sentence
    assert "origin (https://example.org/lab/project.git)" in sentence
    assert f"git -C {project} fetch origin {commit}" in sentence


def test_a_repository_that_moved_is_found_where_modules_are_imported_from(
    project: Path, git: Git, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    then, recorded = tree(project), record(project, "import model")
    project.rename(tmp_path / "elsewhere")
    with recorded.restored() as found:
        assert [obstacle for obstacle, _ in found.problems] == ["source missing"]
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
        assert any(f"taken from {tmp_path}/elsewhere" in note for note in found.notes)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there are no modes of files")
def test_a_repository_that_may_not_be_written_is_borrowed_from(project: Path, git: Git, record: Record) -> None:
    then, recorded = tree(project), record(project, "import model")
    (project / ".git" / "worktrees").write_text("no folder can be made here\n")
    before = state(project)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
    assert state(project) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_repository_of_somebody_else_is_borrowed_from(project: Path, git: Git, record: Record) -> None:
    then, recorded = tree(project), record(project, "import model")
    for path in [project, *project.rglob("*")]:
        os.chown(path, 12345, 12345)
    with pytest.raises(subprocess.CalledProcessError):
        git(project, "status")
    before = state(project)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
    assert state(project) == before


def test_a_session_in_a_bare_repository(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(project), "store.git")
    recorded = record(tmp_path / "store.git")
    with recorded.restored() as found:
        assert not found.problems
        assert any("a bare repository" in note for note in found.notes)


def test_a_work_tree_beside_a_bare_repository(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(project), "lab/.bare")
    (tmp_path / "lab" / ".git").write_text("gitdir: ./.bare\n")
    git(tmp_path / "lab", "worktree", "add", "-q", "main")
    folder = tmp_path / "lab" / "main"
    (folder / "model.py").write_text("rate = 3\n")
    then, recorded = tree(folder), record(folder, "import model")
    move_on(folder, git)
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
    assert os.listdir(tmp_path / "lab" / ".bare" / "worktrees") == ["main"]


# Records and repositories that mean harm -----------------------------------------------------------------------------------------------


def test_settings_for_linked_worktrees_only_run_no_program(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    (project / ".gitattributes").write_text("*.txt filter=evil\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "attributes")
    recorded = record(project)
    mark, settings = tmp_path / "ran", tmp_path / "evil.inc"
    settings.write_text(f'[filter "evil"]\n\tsmudge = "sh -c \'touch {mark}; cat\'"\n\tclean = "sh -c \'touch {mark}; cat\'"\n')
    git(project, "config", "includeIf.gitdir:**/worktrees/**.path", str(settings))
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == tree(project)
    assert not mark.exists()


def test_a_hostile_repository_runs_no_program(project: Path, git: Git, record: Record, tmp_path: Path) -> None:
    (project / ".gitattributes").write_text("*.txt filter=evil diff=evil merge=evil\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "attributes")
    (project / "notes.txt").write_text("second\n")
    (project / "model.py").write_text("rate = 3\n")
    recorded = record(project)
    mark = tmp_path / "ran"
    program = tmp_path / "evil.sh"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {mark}\ncat\n')
    program.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit", "pre-auto-gc"):
        (hooks / name).symlink_to(program)
        (project / ".git" / "hooks" / name).symlink_to(program)
    for name, value in {
        "core.fsmonitor": program, "core.hooksPath": hooks, "core.sshCommand": program, "core.pager": program, "core.editor": program,
        "filter.evil.smudge": program, "filter.evil.clean": program, "filter.evil.process": program, "filter.evil.required": "true",
        "diff.evil.command": program, "diff.evil.textconv": program, "merge.evil.driver": program, "diff.external": program,
        "core.alternateRefsCommand": program, "uploadpack.packObjectsHook": program, "core.gitProxy": program, "gc.auto": "1",
        "submodule.recurse": "true", "filter.a=b.smudge": program, "alias.worktree": f"!{program}", "alias.apply": f"!{program}",
        "remote.origin.url": f"ext::{program}", "remote.origin.uploadpack": program, "remote.origin.promisor": "true",
        "extensions.partialClone": "origin",
    }.items():  # fmt: skip
        git(project, "config", name, str(value))
    mark.unlink(missing_ok=True)
    with recorded.restored() as found:
        assert not found.problems
        assert Path(found.directory, "notes.txt").read_text() == "second\n"
    assert not mark.exists(), mark.read_text()
    subprocess.run(["git", "worktree", "add", "--detach", str(tmp_path / "plain")], cwd=project, check=False, capture_output=True)
    assert mark.exists(), "git as it is run by hand would have run them"


@pytest.mark.parametrize(
    "path", ["../outside.py", "/tmp/outside.py", "a/../../outside.py", ".git/hooks/x.py", "sub/.GIT/x.py", "out/x.py", ""]
)
def test_a_forged_path_is_refused(project: Path, git: Git, record: Record, path: str, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (project / "out").symlink_to(tmp_path / "victim")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "link")
    (project / "extra.py").write_text("more = 1\n")
    recorded = record(project)
    recorded.snapshot["repositories"][0]["files"][0]["path"] = path
    with recorded.restored() as found:
        assert [obstacle for obstacle, _ in found.problems] == ["source missing"]
    assert os.listdir(tmp_path / "victim") == []


_NEW = "diff --git a/{0} b/{0}\nnew file mode {1}\n--- /dev/null\n+++ b/{0}\n@@ -0,0 +1 @@\n+{2}\n"


@pytest.mark.parametrize(
    "patch",
    [
        _NEW.format("../outside.py", 100644, "x"),
        _NEW.format(".git/hooks/post-checkout", 100755, "x"),
        _NEW.format("victim.py", 100644, "x").replace("b/victim.py", "b//{victim}/x.py").replace("a/victim.py", "a//{victim}/x.py"),
        _NEW.format("door", 120000, "{victim}\n\\ No newline at end of file") + _NEW.format("door/x.py", 100644, "x"),
        _NEW.format("out/x.py", 100644, "x"),
    ],
)
def test_a_forged_patch_writes_nothing_elsewhere(project: Path, git: Git, record: Record, patch: str, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (project / "out").symlink_to(victim)
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "link")
    recorded = record(project)
    content = patch.replace("{victim}", str(victim)).encode()
    recorded.snapshot["repositories"][0]["patch"] = name = named_blob(content, ".patch")
    recorded.put(name, content)
    before = state(project)
    with recorded.restored() as found:
        assert [obstacle for obstacle, _ in found.problems] == ["patch does not apply"]
        assert not Path(found.directory).with_name("outside.py").exists()
    assert os.listdir(victim) == []
    assert state(project) == before


@pytest.mark.parametrize("commit", ["--upload-pack=x", "HEAD", "main", "0" * 39, "G" * 40, "0" * 40])
def test_a_forged_commit_reaches_no_command_line(project: Path, record: Record, commit: str) -> None:
    recorded = record(project)
    recorded.snapshot["repositories"][0]["commit"] = commit
    with recorded.restored() as found:
        assert [obstacle for obstacle, _ in found.problems] == ["commit missing"]


def test_a_text_that_was_changed_is_not_used(project: Path, record: Record) -> None:
    (project / "extra.py").write_text("more = 1\n")
    (project / "model.py").write_text("rate = 3\n")
    recorded = record(project)
    repository = recorded.snapshot["repositories"][0]
    for name in (repository["files"][0]["blob"], repository["patch"]):
        Path(recorded.storage.location, ".isfdb", "code", name).write_text("import os\n")
    with recorded.restored() as found:
        assert [obstacle for obstacle, _ in found.problems] == ["source missing", "source missing"]
        assert all("no longer has the digest" in sentence for _, sentence in found.problems)
        assert not Path(found.directory, "extra.py").exists()


_DAMAGED: list[dict[str, Any]] = [
    {},
    {"repositories": None},
    {"repositories": [1, {}]},
    {"repositories": [{"root": "relative", "commit": 3}]},
    {"local_modules": [{"name": "x"}, {"path": "/../x.py", "name": "x", "blob": "x"}]},
]


@pytest.mark.parametrize("snapshot", _DAMAGED)
def test_a_damaged_record_raises_nothing(project: Path, record: Record, snapshot: dict[str, Any]) -> None:
    recorded = record(project)
    recorded.snapshot = snapshot
    with recorded.restored() as found:
        assert found.path == ()


def test_a_patch_that_does_not_apply_is_told_with_its_place(project: Path, record: Record) -> None:
    (project / "model.py").write_text((project / "model.py").read_text().replace("2 * rate", "3 * rate"))
    recorded = record(project)
    repository = recorded.snapshot["repositories"][0]
    patch = recorded.storage.read(f".isfdb/code/{repository['patch']}").replace(b"-    return 2 * rate", b"-    return 9 * rate")
    repository["patch"] = named_blob(patch, ".patch")
    recorded.put(repository["patch"], patch)
    with recorded.restored() as found:
        ((obstacle, sentence),) = found.problems
    assert obstacle == "patch does not apply"
    assert "model.py, at its line" in sentence


def test_a_patch_from_which_secrets_were_removed_applies(project: Path, git: Git, record: Record) -> None:
    text = 'password = "hunter2hunter2"\nrate = 1\n'
    (project / "model.py").write_text(text)
    git(project, "commit", "-qam", "oh")
    (project / "model.py").write_text(text.replace("rate = 1", "rate = 2"))
    then, recorded = tree(project), record(project, "import model")
    assert recorded.snapshot["repositories"][0]["patch_redacted"]
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
        assert any("removed from its uncommitted changes" in note for note in found.notes)


def test_what_was_too_large_is_told(project: Path, git: Git, record: Record) -> None:
    (project / "table.csv").write_text("1\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "table")
    (project / "table.csv").write_text("1\n" * 1_500_000)
    (project / "large.json").write_text("[" + "1," * 400_000 + "1]")
    (project / "model.py").write_text("rate = 1\n" + "# long\n" * 400_000)
    recorded = record(project, "import model")
    with recorded.restored() as found:
        ((obstacle, sentence),) = found.problems
    assert obstacle == "source missing"
    assert "the changes of model.py were too large to keep" in sentence
    assert any("table.csv" in note for note in found.notes)
    assert any("large.json was not kept: it is larger than 512 kB" in note for note in found.notes)


def test_in_a_git_hook_no_variable_leads_elsewhere(
    project: Path, git: Git, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    then, recorded = tree(project), record(project)
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    with recorded.restored() as found:
        assert not found.problems
        assert tree(found.directory) == then
    assert not (other / ".git" / "index").exists()


def test_without_git_it_is_told(project: Path, record: Record, tmp_path: Path) -> None:
    recorded = record(project)
    code = f"""
import json, sys, tempfile
from isfdb.replaying.sources import restored
from isfdb.storage.local import LocalStorage
storage = LocalStorage({recorded.storage.location!r})
with tempfile.TemporaryDirectory() as folder, restored(storage, json.load(sys.stdin), folder, directory=None) as found:
    print(found.problems)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | {"PATH": str(tmp_path)}, input=json.dumps(recorded.snapshot),
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert "git is not installed" in done.stdout
