"""The checks of a storage: folders and a plug-in's SQLite pass; each storage with a defect is found out."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from isfdb.storage.base import Stage, Storage, TakenError
from isfdb.storage.local import LocalStorage
from isfdb.testing import check_storage, check_storage_faults, check_storage_kills
from isfdb.testing.failing_system import failing_system
from isfdb.testing.reliability_table import Tally

SAMPLE = Path(__file__).parents[2] / "sample_plugin"


@pytest.fixture(autouse=True)
def sample_plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(SAMPLE))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SAMPLE), str(SAMPLE.parents[1])]))  # for the processes that are killed
    yield
    sys.modules.pop("sqlite_storage", None)


def in_sqlite(folder: str) -> Storage:
    from sqlite_storage import SqliteStorage

    return SqliteStorage(f"{folder}/db.sqlite")


@contextmanager
def failing_sqlite(folder: str, at: int = 0, error: int = 0, *, happens: bool = False) -> Iterator[Any]:
    """Fail one statement of the SQLite files below a folder."""

    class Connection(sqlite3.Connection):
        n_calls = 0
        failed: str | None = None

        def execute(self, *arguments: Any) -> Any:
            counted = type(self)
            counted.n_calls += 1
            if counted.n_calls != at:
                return super().execute(*arguments)
            counted.failed = arguments[0]
            if happens:
                super().execute(*arguments)
            raise sqlite3.OperationalError(os.strerror(error))

    def connect(path: Any, *arguments: Any, **options: Any) -> Any:
        if str(path).startswith(folder):
            options["factory"] = Connection
        return plain(path, *arguments, **options)

    plain = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect)
        yield Connection


@pytest.mark.parametrize(("make", "failing"), [(LocalStorage, failing_system), (in_sqlite, failing_sqlite)], ids=["folders", "SQLite"])
def test_folders_and_a_plug_in_keep_the_contract(make: Any, failing: Any, long_run: bool, tally: Tally) -> None:
    assert check_storage(make) > 20
    n_stored = check_storage_kills(make, kills=100 if long_run else 2)
    n_faults = check_storage_faults(make, failing=failing, most=25 if long_run else 2)
    assert (n_stored > 5, n_faults > 20) == (True, True)
    name = "folders" if make is LocalStorage else "a plug-in that keeps all in SQLite"
    tally(f"check_storage: {name}: a call below it fails", tries=n_faults)
    tally(f"check_storage: {name}: killed after this many values were stored", tries=n_stored)


class Overwriting(LocalStorage):
    def put(self, path: str, data: bytes, *, flushed: bool = False) -> bool:
        is_new = not os.path.exists(self._at(path))
        self.replace(path, data)
        return is_new


class MergingFolders(LocalStorage):
    def put_folder(self, folder: str, name: str, data: bytes, *, flushed: bool = False) -> bool:
        os.makedirs(self._at(folder), exist_ok=True)
        return self.put(f"{folder}/{name}", data)


class Watched(LocalStorage):
    """Waits, where something is half there, until those who look all the time have looked."""

    looks = 0

    def list(self, folder: str) -> list[str]:
        names = super().list(folder)
        Watched.looks += folder.endswith("/data")
        return names

    def read(self, path: str) -> bytes:
        data = super().read(path)
        Watched.looks += path == "hint"
        return data

    @staticmethod
    def wait_for_a_look() -> None:
        looks, end = Watched.looks, time.monotonic() + 20
        while Watched.looks < looks + 20 and time.monotonic() < end:
            time.sleep(0.001)


class FileByFile(Watched):
    def publish(self, stage: Stage, number: int) -> None:
        try:
            shutil.copytree(stage.path, f"{self._at(stage.key_folder)}/v{number:06d}", copy_function=self.copied)
        except FileExistsError as error:
            if not self._is_ours(stage, number):
                raise TakenError from error

    def copied(self, source: str, target: str) -> None:
        shutil.copy(source, target)
        if source.endswith("data/9"):
            self.wait_for_a_look()


class LookingBeforeItPublishes(LocalStorage):
    def publish(self, stage: Stage, number: int) -> None:
        if not stage.container:
            shutil.rmtree(f"{self._at(stage.key_folder)}/v{number:06d}", ignore_errors=True)
        super().publish(stage, number)


class ListingLate(LocalStorage):
    def list(self, folder: str) -> list[str]:
        kept = self.__dict__.setdefault("kept", {})
        return kept.setdefault(folder, super().list(folder))


class MovingOver(LocalStorage):
    def move(self, old: str, new: str) -> None:
        shutil.rmtree(self._at(new), ignore_errors=True)
        super().move(old, new)


class MovingAlikes(LocalStorage):
    def move(self, old: str, new: str) -> None:
        for name in self.list(""):
            if name.startswith(f"{old}!"):
                super().to_trash(name)
        super().move(old, new)


class ReplacingInPlace(Watched):
    def replace(self, path: str, data: bytes, *, flushed: bool = True) -> None:
        if not os.path.exists(self._at(path)):
            super().replace(path, data, flushed=flushed)
            return
        with open(self._at(path), "wb", buffering=0) as file:
            file.write(data[: len(data) // 2])
            if path == "hint":
                self.wait_for_a_look()
            file.write(data[len(data) // 2 :])


class GoneWhileReplaced(Watched):
    def replace(self, path: str, data: bytes, *, flushed: bool = True) -> None:
        self.remove(path)
        if path == "hint" and data[:1] != b"0":
            time.sleep(0.2)  # readers find nothing, and say so
        super().replace(path, data, flushed=flushed)


class SweepingTheLiving(LocalStorage):
    def _is_being_written(self, path: str, older_than_s: float) -> bool:
        return False


class BringingBack(LocalStorage):
    def _make_folders(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)


class EmptyingAtOnce(LocalStorage):
    def empty_trash(self, older_than_s: float, *, dry_run: bool) -> int:
        return super().empty_trash(0, dry_run=dry_run)


class GuessingNothing(LocalStorage):
    def read(self, path: str) -> bytes:
        return super().read(path) if os.path.exists(self._at(path)) else b""


class DistrustingItself(LocalStorage):
    def _is_ours(self, stage: Stage, number: int) -> bool:
        return False


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (Overwriting, "a second put"),
        (MergingFolders, "a second put_folder"),
        (FileByFile, "already there|half there"),
        (LookingBeforeItPublishes, "number that is taken"),
        (ListingLate, "list|gave"),
        (MovingOver, "name that is taken"),
        (MovingAlikes, "five folders"),
        (ReplacingInPlace, "half there"),
        (GoneWhileReplaced, "a reader was stopped by FileNotFoundError"),
        (SweepingTheLiving, "No such file|stage"),
        (BringingBack, "moved away"),
        (EmptyingAtOnce, "counted as old"),
        (GuessingNothing, "of nothing went through"),
        (DistrustingItself, "No such file|taken"),
    ],
)
def test_a_storage_with_a_defect_is_found_out(broken: type[LocalStorage], told: str) -> None:
    with pytest.raises((AssertionError, OSError), match=told):
        check_storage(broken)


class Unflinching(LocalStorage):
    """Says that it published when the system refused."""

    def publish(self, stage: Stage, number: int) -> None:
        try:
            super().publish(stage, number)
        except OSError:
            return


def test_a_refusal_that_is_swallowed_is_found_out() -> None:
    with pytest.raises(AssertionError, match=r"said that it was done, and it was not|changed nothing|left"):
        check_storage_faults(Unflinching, most=8)


def test_a_storage_whose_failing_calls_are_unknown_is_not_called_tested() -> None:
    @contextmanager
    def failing_nothing(*_: Any, **__: Any) -> Iterator[Any]:
        yield type("System", (), {"n_calls": 0, "failed": None})

    with pytest.raises(AssertionError, match="pass failing="):
        check_storage_faults(LocalStorage, failing=failing_nothing)
