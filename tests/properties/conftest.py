"""Places and settings for the property tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import isfdb


@pytest.fixture
def no_registry() -> Iterator[None]:
    """Hundreds of short-lived databases: none is worth remembering, nor is who wrote it."""
    with isfdb.set_options(register=False, capture=False):
        yield


@pytest.fixture
def new_folder(tmp_path: Path, no_registry: None) -> Iterator[Callable[[], str]]:
    """Gives a new empty folder at each call, in memory where there is room for it."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else str(tmp_path)
    base = tempfile.mkdtemp(prefix="isfdb-tests-", dir=where)
    yield lambda: tempfile.mkdtemp(dir=base)
    shutil.rmtree(base, ignore_errors=True)
