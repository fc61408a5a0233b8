"""Real repositories, values stored from them by real processes, and their sources brought back."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from isfdb.replaying.sources import Restored, restored
from isfdb.storage.local import LocalStorage

Git = Callable[..., str]

_STORE = "import sys, isfdb\ndb = isfdb.open({database!r})\ndb['value'] = 1\n"


@dataclass
class Recorded:
    """What a process recorded when it stored a value."""

    storage: LocalStorage
    snapshot: dict[str, Any]
    directory: str
    tmp_path: Path

    @contextlib.contextmanager
    def restored(self, **options: Any) -> Iterator[Restored]:
        folder = self.tmp_path / f"replay{len(list(self.tmp_path.glob('replay*')))}"
        folder.mkdir()
        with restored(self.storage, self.snapshot, str(folder), directory=self.directory, **options) as found:
            yield found

    def put(self, name: str, content: bytes) -> None:
        self.storage.put(f".isfdb/code/{name}", content)


@pytest.fixture
def git(monkeypatch: pytest.MonkeyPatch) -> Git:
    """Run git in a folder, with nobody's settings."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    who = ["-c", "user.name=A Student", "-c", "user.email=student@example.org", "-c", "protocol.file.allow=always"]

    def run(folder: Path, *arguments: str) -> str:
        return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()

    return run


@pytest.fixture
def project(tmp_path: Path, git: Git) -> Path:
    """Return a repository with one commit."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "model.py").write_text("rate = 1\n\n\ndef double():\n    return 2 * rate\n")
    (folder / "notes.txt").write_text("first\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Recorded]:
    """Store a value from a process of its own that runs `code` in `folder`; return what it recorded of its sources."""

    def run(folder: Path, code: str = "", *, path: str = "", file: str | None = None) -> Recorded:
        database = tmp_path / f"results{len(list(tmp_path.glob('results*')))}"
        script = f"{code}\n{_STORE.format(database=str(database))}"
        if file is not None:
            (folder / file).write_text(script)
        here = str(Path(__file__).parents[3])
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([one for one in (path, here) if one]), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, *(["-c", script] if file is None else [file])]
        subprocess.run(command, cwd=folder, env=environment, check=True, stdin=subprocess.DEVNULL)
        storage = LocalStorage(str(database))
        (name,) = [name for name in storage.list(".isfdb/code") if name.endswith(".json") and _is_snapshot(storage, name)]
        return Recorded(storage, json.loads(storage.read(f".isfdb/code/{name}")), str(folder), tmp_path)

    return run


def _is_snapshot(storage: LocalStorage, name: str) -> bool:
    try:
        return "repositories" in json.loads(storage.read(f".isfdb/code/{name}"))
    except (ValueError, TypeError):  # an untracked file that ends in .json
        return False
