"""Whatever was done to a repository before a value was stored, and whatever is done to it after, its sources come back byte for byte."""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Git = Callable[..., str]
Record = Callable[..., Any]

_NAMES = [
    "one.py",
    "two words.py",
    "grün.py",
    "deep/er/three.py",
    "deep/four.toml",
    "data.txt",
    "five.sh",
    "-dash.py",
    "q'uote.py",
    "deep.py",
]
_TEXTS = [
    "",
    "x = 1\n",
    "x = 1\r\ny = 2\r\n",
    "no end",
    "\n\n\n",
    "a\nb\nc\nd\ne\nf\ng\nh\n",
    "ü = 'é'\n",
    "trailing  \n\t\n",
    "x = 1\nx = 1\n" * 50,
]


def tree(folder: Path | str) -> dict[str, Any]:
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for path in [Path(place, name) for name in [*names, *folders] if name != ".git"]:
            if path.is_symlink():
                found[os.path.relpath(path, folder)] = ("link", os.readlink(path))
            elif path.is_file():
                found[os.path.relpath(path, folder)] = (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
    return found


def change(folder: Path, rng: random.Random, git: Git, *, tracked: bool) -> None:
    """Do one random thing to a work tree. What is tracked may be anything; what is not is a source file."""
    path = folder / rng.choice(_NAMES if tracked else [name for name in _NAMES if name.endswith((".py", ".toml"))])
    others = [one for one in folder.rglob("*") if one.is_file() and ".git" not in one.parts]
    kind = rng.choice(["write", "write", "write", "remove", "rename", "mode", "link", "binary", "line", "stage"])
    if any(parent.is_file() or parent.is_symlink() for parent in path.parents) or path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "write":
        path.unlink(missing_ok=True)
        path.write_bytes(rng.choice(_TEXTS).encode())
    elif kind == "remove" and others:
        rng.choice(others).unlink()
    elif kind == "rename" and others:
        shutil.move(rng.choice(others), path)
    elif kind == "mode" and others and tracked:
        rng.choice(others).chmod(rng.choice([0o644, 0o755]))
    elif kind == "link" and tracked:
        path.unlink(missing_ok=True)
        path.symlink_to(rng.choice(["one.py", "nowhere", "../outside", "deep"]))
    elif kind == "binary" and tracked:
        path.unlink(missing_ok=True)
        path.write_bytes(rng.randbytes(rng.choice([1, 100, 5000])))
    elif kind == "line" and others and not (one := rng.choice(others)).is_symlink():
        lines = one.read_bytes().split(b"\n")
        lines.insert(rng.randrange(len(lines) + 1), b"inserted = 1")
        one.write_bytes(b"\n".join(lines))
    elif kind == "stage":
        git(folder, "add", "-A")


def leave_out_what_is_not_recorded(folder: Path, git: Git) -> None:
    """Stage untracked files that are no sources, links and executables: of these a record says only that they are there."""
    for name in filter(None, git(folder, "ls-files", "-z", "--others").split("\0")):
        path = folder / name
        if path.is_symlink() or path.stat().st_mode & stat.S_IXUSR or not name.endswith((".py", ".toml", ".sh")):
            git(folder, "add", "--", name)


@pytest.mark.parametrize("seed", range(8))
def test_any_state_comes_back(seed: int, project: Path, git: Git, record: Record, long_run: bool) -> None:
    for step in range(20 if long_run else 1):
        rng = random.Random(1000 * seed + step)
        if seed % 2:
            git(project, "config", "core.autocrlf", "false")
        for _ in range(rng.randrange(12)):
            change(project, rng, git, tracked=True)
        git(project, "add", "-A")
        git(project, "commit", "-q", "--allow-empty", "-m", "then")
        for _ in range(rng.randrange(15)):
            change(project, rng, git, tracked=rng.random() < 0.7)
        leave_out_what_is_not_recorded(project, git)
        then, recorded = tree(project), record(project)
        for _ in range(10):
            change(project, rng, git, tracked=True)
        git(project, "add", "-A")
        git(project, "commit", "-q", "--allow-empty", "-m", "later")
        now = tree(project)
        with recorded.restored() as found:
            assert not found.problems, (seed, step)
            assert tree(found.directory) == then, (seed, step)
        assert tree(project) == now
