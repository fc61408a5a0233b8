"""A stranger's repository names programs in every setting that has one: nothing of isfdb that asks git about it runs any."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import isfdb
from isfdb.testing.reliability_table import Tally
from tests.unit.replaying.conftest import Git, Recorded

Record = Callable[..., Recorded]

HOOKS = (
    "post-checkout", "post-index-change", "reference-transaction", "pre-commit", "pre-auto-gc", "post-merge", "pre-applypatch",
    "applypatch-msg", "post-applypatch", "fsmonitor-watchman", "post-rewrite", "prepare-commit-msg", "update",
    "pre-push", "sendemail-validate",
)  # fmt: skip

#: Settings whose value is a program; ``{}`` stands for it.
SETTINGS = {
    "core.fsmonitor": "{}", "core.sshCommand": "{}", "core.pager": "{}", "core.editor": "{}", "core.askPass": "{}", "core.gitProxy": "{}",
    "core.alternateRefsCommand": "{}", "sequence.editor": "{}", "interactive.diffFilter": "{}", "diff.external": "{}",
    "diff.evil.command": "{}", "diff.evil.textconv": "{}", "diff.evil.cachetextconv": "true", "merge.evil.driver": "{}",
    "filter.evil.smudge": "{}", "filter.evil.clean": "{}", "filter.evil.process": "{}", "filter.evil.required": "true",
    "gpg.program": "{}", "gpg.ssh.program": "{}", "gpg.x509.program": "{}", "log.showSignature": "true", "commit.gpgSign": "true",
    "tag.gpgSign": "true", "credential.helper": "!{}", "uploadpack.packObjectsHook": "{}", "trailer.x.command": "{}",
    "pager.status": "{}", "pager.diff": "{}", "pager.apply": "{}", "difftool.evil.cmd": "{}", "diff.tool": "evil", "help.browser": "{}",
    "alias.status": "!{}", "alias.diff": "!{}", "alias.apply": "!{}", "alias.worktree": "!{}", "alias.ls-files": "!{}",
    "remote.origin.url": "ext::{}", "remote.origin.promisor": "true", "remote.origin.uploadpack": "{}", "protocol.ext.allow": "always",
    "submodule.recurse": "true", "status.submoduleSummary": "true", "diff.submodule": "diff", "diff.ignoreSubmodules": "none",
    "submodule.inner.ignore": "none", "submodule.inner.update": "!{}", "gc.auto": "1", "maintenance.auto": "true",
}  # fmt: skip

ATTRIBUTES = "* filter=evil diff=evil merge=evil working-tree-encoding=UTF-16\n"


def arm(folder: Path, program: Path, git: Git) -> None:
    """Name the program in every setting of a repository, some of them in files that its settings include, and make it every hook."""
    place = Path(folder, git(folder, "rev-parse", "--absolute-git-dir"))
    included = place / "more"
    for name, value in SETTINGS.items():
        into = ["--file", str(included)] if name.startswith(("filter", "diff", "core.fsmonitor")) else []
        git(folder, "config", *into, name, value.format(program))
    git(folder, "config", "include.path", str(included))
    for name in HOOKS:
        (place / "hooks" / name).unlink(missing_ok=True)
        (place / "hooks").mkdir(exist_ok=True)
        (place / "hooks" / name).symlink_to(program)
    (place / "info" / "attributes").write_text(ATTRIBUTES)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture
def hostile(project: Path, git: Git, tmp_path: Path, mark: Path) -> Path:
    """A repository with a submodule and a repository inside it, all armed, with changes that were not committed."""
    program = tmp_path / "evil.sh"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {mark}\ncat\n')
    program.chmod(0o755)
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q", "-b", "main")
    (inner / "part.py").write_text("rate = 7\n")
    git(inner, "add", ".")
    git(inner, "commit", "-q", "-m", "inner")
    git(project, "submodule", "-q", "add", str(inner), "inner")
    git(project, "commit", "-q", "-m", "with a submodule")
    git(project, "clone", "-q", str(inner), "nested")
    for folder in (project / "inner", project / "nested", project):
        for file in folder.glob("*.py"):
            file.write_text(file.read_text() + "changed = True\n")
        arm(folder, program, git)
    mark.unlink(missing_ok=True)
    return project


def test_nothing_that_asks_git_runs_a_program_of_the_repository(hostile: Path, record: Record, mark: Path, tally: Tally) -> None:
    code = "import sys\nsys.path[:0] = ['.', 'inner', 'nested']\nimport model, part\nimport nested.part"
    recorded = record(hostile, code)
    assert not mark.exists(), f"storing a value ran {mark.read_text()}"
    assert {Path(one["root"]).name for one in recorded.snapshot["repositories"]} >= {"project", "inner"}
    with recorded.restored() as found:
        assert Path(found.directory).is_dir()
    assert not mark.exists(), f"bringing the sources back ran {mark.read_text()}"
    db = isfdb.open(recorded.storage.path, mode="r")
    asked = [lambda: isfdb.lineage(db, "value", git=True), lambda: isfdb.find(db, "value", stale=True), lambda: isfdb.code(db, "value")]
    for act in [*asked, lambda: isfdb.audit(db, replay=False), lambda: isfdb.verify(db), lambda: isfdb.replay(db, "value", trust=True)]:
        repr(act())
        assert not mark.exists(), f"asking ran {mark.read_text()}"
    tally("a repository whose settings name programs, recorded, looked at and restored", tries=len(SETTINGS) + len(HOOKS), wrong=0)


def test_git_run_by_hand_would_have_run_them(hostile: Path, mark: Path) -> None:
    for folder in (hostile, hostile / "inner", hostile / "nested"):
        mark.unlink(missing_ok=True)
        subprocess.run(["git", "status"], cwd=folder, check=False, capture_output=True, timeout=60)
        assert mark.exists()
