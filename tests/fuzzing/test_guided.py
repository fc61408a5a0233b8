"""Inputs that atheris makes by what code they reach: whatever a record holds, only isfdb's errors come out, within time and memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import isfdb
from isfdb.testing.reliability_table import Tally

ROOT = Path(__file__).parents[2]
N_RUNS = 200_000
FORMATS = ["json", "isfdb.json", "Loader.json", "metadata.json", "seal", "session"]


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """Real files of each kind, from which atheris begins."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    with isfdb.open(tmp_path / "results") as db:
        db["k"] = {"a": [1, None]}
        db.attributes["k"]["unit"] = "mV"
        isfdb.seal(db)
    kinds = (".json", ".jsonl")
    for number, path in enumerate(path for path in (tmp_path / "results").rglob("*") if path.is_file() and path.suffix in kinds):
        shutil.copyfile(path, folder / str(number))
    return folder


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", FORMATS)
def test_nothing_else_comes_out(name: str, seeds: Path, tmp_path: Path, tally: Tally) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this Python")
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzzing.guided", name, str(N_RUNS), str(seeds)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    tally("bytes that atheris chose, given to what reads records", tries=N_RUNS, wrong=int(ended.returncode != 0))
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-4000:]
