"""Databases as users make them: by a script in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., str]:
    """Return what runs a script, in which `db` is the database ``results``, and gives the path of that."""

    def make(script: str, name: str = "make.py") -> str:
        (tmp_path / name).write_text(f"import isfdb\ndb = isfdb.open('results')\n{script}\n")
        environment = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        subprocess.run([sys.executable, name], cwd=tmp_path, env=environment, check=True, timeout=120)
        return str(tmp_path / "results")

    return make
