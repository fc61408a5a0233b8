"""A script run in a clean process, as its tests ask for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isfdb.explaining.clean_process import Finished, Task, run


@pytest.fixture
def finished(tmp_path: Path) -> Callable[..., Finished]:
    """Return what runs a script in a new folder."""

    def start(script: str, **options: Any) -> Finished:
        folder = tmp_path / "run"
        (folder / "work").mkdir(parents=True)
        return run(Task(script, str(folder), str(folder / "work"), path=tuple(sys.path), **{"timeout_s": 60.0, **options}))

    return start
