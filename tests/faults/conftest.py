"""Options and places for the fault tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import isfdb


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills"))


@pytest.fixture(autouse=True)
def no_registry() -> Iterator[None]:
    """Thousands of short-lived databases are looked at here: none is worth remembering, nor is who looked.

    The writers under test run in processes of their own, and record what they do as ever.
    """
    with isfdb.set_options(register=False, capture=False):
        yield


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one, because a crash state is simulated and needs no disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="isfdb-tests-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
