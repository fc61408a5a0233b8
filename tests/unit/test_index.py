"""The cache of names: quick where a folder stood still, never believed where it may have moved, and never in the way."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from isfdb import index
from isfdb.options import set_options


class Folder:
    """A folder that counts how often it is listed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listed = 0

    def names(self) -> list[str]:
        return index.names(self.path, self.list)

    def list(self) -> list[str]:
        self.listed += 1
        return os.listdir(self.path)

    def fill(self, number: int) -> None:
        for count in range(number):
            self.path.joinpath(f"key {count}").touch()


@pytest.fixture
def cache(tmp_path: Path):
    with set_options(cache_folder=tmp_path / "cache"):
        yield tmp_path / "cache" / "names"


@pytest.fixture
def folder(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(index, "MIN_NAMES", 10)
    monkeypatch.setattr(index, "QUIET_S", 0.2)
    path = tmp_path / "database"
    path.mkdir()
    made = Folder(path)
    made.fill(20)
    return made


def settle() -> None:
    time.sleep(0.25)


def test_a_folder_that_stood_still_is_listed_once(folder: Folder) -> None:
    settle()
    first = folder.names()
    assert sorted(first) == sorted(os.listdir(folder.path))
    assert folder.names() == folder.names() == sorted(first)
    assert folder.listed == 1


def test_a_change_just_before_the_scan_keeps_it_from_being_believed(folder: Folder) -> None:
    folder.names()
    folder.names()
    assert folder.listed == 2


def test_a_change_during_the_scan_keeps_it_from_being_believed(folder: Folder) -> None:
    settle()

    def list_while_changing() -> list[str]:
        found = folder.list()
        folder.path.joinpath("late").touch()
        return found

    index.names(folder.path, list_while_changing)
    settle()
    assert "late" in folder.names()


@pytest.mark.parametrize("change", ["add", "remove", "rename", "replace"])
def test_every_change_is_seen(folder: Folder, change: str) -> None:
    settle()
    folder.names()
    if change == "add":
        folder.path.joinpath("new").mkdir()
    elif change == "remove":
        folder.path.joinpath("key 0").unlink()
    elif change == "rename":
        folder.path.joinpath("key 0").rename(folder.path / "other")
    else:
        folder.path.rename(folder.path.with_name("away"))
        folder.path.mkdir()
        folder.fill(3)
    assert sorted(folder.names()) == sorted(os.listdir(folder.path))
    assert folder.listed == 2


def test_a_time_of_change_set_back_by_hand_is_seen(folder: Folder) -> None:
    settle()
    before = folder.path.stat()
    folder.names()
    folder.path.joinpath("hidden").touch()
    os.utime(folder.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "hidden" in folder.names()


def test_a_change_in_the_future_is_never_believed(folder: Folder) -> None:
    os.utime(folder.path, (time.time() + 3600, time.time() + 3600))
    settle()
    folder.names()
    folder.names()
    assert folder.listed == 2


def test_a_few_names_are_not_worth_a_file(folder: Folder, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MIN_NAMES", 21)
    settle()
    folder.names()
    assert not cache.exists()


@pytest.mark.parametrize("damage", ["empty", "cut off", "rubbish", "deep", "other format", "folder"])
def test_a_damaged_file_is_passed_over_and_replaced(folder: Folder, cache: Path, damage: str) -> None:
    settle()
    names = sorted(folder.names())
    (file,) = cache.iterdir()
    content = file.read_bytes()
    damaged = {
        "empty": b"",
        "cut off": content[: len(content) // 2],
        "rubbish": os.urandom(5000),
        "deep": b"[" * 900 + b"\n",
        "other format": content.replace(b'"format": 1', b'"format": 2'),
    }
    file.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        file.write_bytes(damaged[damage])
    assert sorted(folder.names()) == names
    assert sorted(folder.names()) == names
    assert folder.listed == (3 if damage == "folder" else 2)


@pytest.mark.skipif(os.name != "posix", reason="such names exist on POSIX only")
def test_names_of_any_kind_come_back(folder: Folder) -> None:
    odd = [b"new\nline", b"\xff\xfe", "日本".encode(), b'"quoted"\\', b"\x1b[2J"]
    for name in odd:
        with open(os.fsencode(folder.path) + b"/" + name, "wb"):
            pass
    settle()
    folder.names()
    assert {os.fsencode(name) for name in folder.names()} >= set(odd)
    assert folder.listed == 1


def test_a_cache_that_cannot_be_written_is_done_without(folder: Folder, tmp_path: Path) -> None:
    tmp_path.joinpath("blocker").write_text("")
    settle()
    for place in (tmp_path / "blocker", Path("/proc/isfdb")):
        with set_options(cache_folder=place):
            assert len(folder.names()) == 20
    assert folder.listed == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_leaves_nothing_half_written(folder: Folder, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir(parents=True)
    settle()
    looks = index._looks(folder.path)
    assert looks is not None
    monkeypatch.setattr(index, "make_room", lambda folder, needed, **limits: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert len(folder.names()) == 20
    assert list(cache.iterdir()) == []


def test_the_database_folder_gains_nothing(folder: Folder) -> None:
    before = sorted(os.listdir(folder.path))
    settle()
    folder.names()
    folder.names()
    assert sorted(os.listdir(folder.path)) == before


def test_a_missing_folder_is_for_the_caller_to_report(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Folder(tmp_path / "nowhere").names()


def test_what_was_not_used_for_longest_is_deleted_first(folder: Folder, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_FILES", 3)
    cache.mkdir(parents=True)
    for number in range(5):
        cache.joinpath(f"old {number}").touch()
        os.utime(cache / f"old {number}", (number, number))
    settle()
    folder.names()
    assert {path.name for path in cache.iterdir()} >= {"old 3", "old 4"}
    assert len(list(cache.iterdir())) == 3


def test_the_size_is_bounded(folder: Folder, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_BYTES", 100)
    settle()
    folder.names()
    assert not cache.exists()


def test_100000_names_are_read_back_without_a_listing(tmp_path: Path, cache: Path) -> None:
    """The folder holds one name; the list is what a folder of 100,000 would give."""
    many = [f"neuron {number:06d}.key" for number in range(100_000)]
    path = tmp_path / "database"
    path.mkdir()
    looks = index._looks(path)
    file = index.file_for("names", path)
    assert looks is not None
    assert file is not None
    index._write(file, looks, many)
    assert index.names(path, list) == many
