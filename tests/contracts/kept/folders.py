"""What belongs to the user to fill, and copies of files: another thing comes back than was stored."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import isfdb
from isfdb.testing import assert_identical
from loaderdumpers import shared_numpy_store
from loaderdumpers.folder import ManagedFolder
from tests.contracts.kept._kept import Kept


@cache
def _place() -> Path:
    place = Path(tempfile.mkdtemp(prefix="isfdb-kept-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    (place / "files" / "sub").mkdir(parents=True)
    (place / "files" / "sub" / "é.txt").write_text("42")
    (place / "Loader.json").write_text("42")
    return place


def folders() -> list[Any]:
    return [None, ManagedFolder(_place() / "files"), str(_place() / "files")]


def _is_folder_like(loaded: Any, value: Any) -> bool:
    return type(loaded) is ManagedFolder and loaded.listdir() == ([] if value is None else ["sub"])


def attachments() -> list[Any]:
    return [_place() / "Loader.json", str(_place() / "files")]


def _is_copy(loaded: str, value: Any) -> bool:
    copy, original = Path(loaded), Path(value)
    return copy.name == original.name and copy != original and (copy.is_dir() or copy.read_text() == "42")


def stores() -> list[Any]:
    folder = _place() / "store"
    if not folder.exists():
        folder.mkdir()
        shared_numpy_store.dump(None, str(folder))
        store = shared_numpy_store.Loader().get(str(folder))
        store["é"] = np.arange(3)
        store.append_save(np.zeros((2, 3)), "rows")
    return [None, shared_numpy_store.Loader().get(str(folder))]


def _holds_the_same(loaded: Any, value: Any) -> None:
    assert_identical(dict(loaded), {} if value is None else dict(value))


def _is_an_empty_database(loaded: Any, _: Any) -> bool:
    return type(loaded) is isfdb.Database and loaded.keys() == ()


KEPT = {
    "attachment": Kept(attachments, lambda: [1, os.devnull + "/no such file"], _is_copy),
    "folder": Kept(folders, lambda: ["text", 1], _is_folder_like),
    "just_create_folder": Kept(folders, lambda: ["text", 1], _is_folder_like),
    "just_create_isf_db": Kept(lambda: [None], lambda: ["text", 1, {}], _is_an_empty_database),
    "shared_numpy_store": Kept(stores, lambda: ["text", 1, {}, np.zeros(1)], _holds_the_same),
}
