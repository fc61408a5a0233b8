"""A folder whose listing is behind, as another client's may be on NFS: the writer waits for it, and does not spin."""

from __future__ import annotations

from pathlib import Path

import pytest

import isfdb
from isfdb import publishing
from isfdb.database import Database
from isfdb.errors import StorageError
from isfdb.identity import read_identity
from isfdb.storage.base import Stage
from isfdb.storage.local import LocalStorage


class LateStorage(LocalStorage):
    """Lists a key's folder as it was, empty, so many times."""

    def __init__(self, path: str, n_late: float) -> None:
        super().__init__(path)
        self.n_late = n_late
        self.n_listed = 0

    def list(self, folder: str) -> list[str]:
        if folder == "k.key":
            self.n_listed += 1
            if self.n_listed <= self.n_late:
                return []
        return super().list(folder)


def late(path: Path, n_late: float) -> tuple[Database, LateStorage]:
    isfdb.open(path)["k"] = 1
    storage = LateStorage(str(path), n_late)
    return Database(storage, read_identity(storage)), storage


def test_a_writer_that_sees_the_other_one_late_comes_behind_it(tmp_path: Path) -> None:
    db, storage = late(tmp_path, 6)
    db["k"] = 2
    assert storage.n_listed > 6
    assert [isfdb.open(tmp_path).get("k", version=number) for number in (1, 2)] == [1, 2]
    assert not isfdb.verify(isfdb.open(tmp_path))


def test_a_key_that_was_renamed_meanwhile_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "LISTING_TIMEOUT_S", float("inf"))
    db, storage = late(tmp_path, 3)
    taken = storage.publish

    def publish_after_a_rename(stage: Stage, number: int) -> None:
        storage.publish = taken
        try:
            taken(stage, number)
        finally:
            isfdb.open(tmp_path).rename("k", "new")

    storage.publish = publish_after_a_rename
    db["k"] = 2
    found = isfdb.open(tmp_path)
    assert (found["k"], found["new"]) == (2, 1)


def test_a_listing_that_never_tells_ends_in_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "LISTING_TIMEOUT_S", 0.0)
    db, _ = late(tmp_path, float("inf"))
    with pytest.raises(StorageError, match="v000001 is taken, and the folder does not list it"):
        db["k"] = 2
    assert isfdb.open(tmp_path)["k"] == 1
    assert not isfdb.verify(isfdb.open(tmp_path))
