"""What is large or deep costs in proportion to its size: calls to the storage are counted, never seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.database import Database
from isfdb.identity import read_identity
from isfdb.storage.file_calls import FileCalls
from isfdb.storage.local import LocalStorage


class Counting(LocalStorage):
    """Counts what is asked of it, and the names that its listings give."""

    def __init__(self, path: str) -> None:
        self.counted: Counter[str] = Counter()
        super().__init__(path, calls=_CountingCalls(self.counted))

    def list(self, folder: str) -> list[str]:
        names = super().list(folder)
        self.counted["calls"] += 1
        self.counted["names"] += len(names)
        return names

    def read(self, path: str) -> bytes:
        self.counted["calls"] += 1
        return super().read(path)

    def is_folder(self, path: str) -> bool:
        self.counted["calls"] += 1
        return super().is_folder(path)


class _CountingCalls(FileCalls):
    def __init__(self, counted: Counter[str]) -> None:
        self._counted = counted

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_"):
            self._counted["calls"] += 1
        return super().__getattribute__(name)


def cost(path: Path, call: Callable[[Database], Any]) -> Counter[str]:
    storage = Counting(str(path))
    db = Database(storage, read_identity(storage), durability="process")
    storage.counted.clear()
    call(db)
    return storage.counted


def many_keys(path: Path, n: int) -> None:
    with isfdb.open(path, durability="process") as db, db.batch():
        for number in range(n):
            db[f"k{number}"] = number


def many_versions(path: Path, n: int) -> None:
    with isfdb.open(path, durability="process") as db, db.batch():
        for number in range(n):
            db["k"] = number


def many_levels(path: Path, n: int) -> None:
    isfdb.open(path, durability="process")[deepest(n)] = 1


def deepest(n: int) -> str:
    return "/".join(["s"] * n) + "/k"


@pytest.mark.parametrize("call", [lambda db: db["k7"], lambda db: db.set("k7", 1), lambda db: db.attributes["k7"].update(unit="mV")])
def test_one_key_costs_the_same_among_few_and_among_many(call: Callable[[Database], Any], memory_folder: Path, long_run: bool) -> None:
    few, many = (memory_folder / "few", memory_folder / "many")
    many_keys(few, 20)
    many_keys(many, 100_000 if long_run else 1000)
    assert cost(many, call) == cost(few, call)


@pytest.mark.parametrize(
    "call", [lambda db: db.keys(), lambda db: isfdb.verify(db), lambda db: db.collect(), lambda db: isfdb.find(db, "7")]
)
def test_what_looks_at_all_keys_looks_at_each_so_often(call: Callable[[Database], Any], memory_folder: Path, long_run: bool) -> None:
    sizes = (1000, 10_000) if long_run else (60, 600)
    costs = []
    for size in sizes:
        many_keys(memory_folder / str(size), size)
        costs.append(cost(memory_folder / str(size), call))
    assert costs[1]["calls"] <= 10.5 * costs[0]["calls"]
    assert costs[1]["names"] <= 10.5 * costs[0]["names"]


def test_a_version_is_read_and_stored_with_one_look_at_the_names_of_the_others(memory_folder: Path, long_run: bool) -> None:
    few, many = (memory_folder / "few", memory_folder / "many")
    sizes = (1000, 10_000) if long_run else (50, 500)
    for path, size in zip((few, many), sizes, strict=True):
        many_versions(path, size)
    for call in (lambda db: db["k"], lambda db: db.get("k", version=3), lambda db: db.set("k", 1), lambda db: "k" in db):
        small, large = cost(few, call), cost(many, call)
        assert large["calls"] == small["calls"]
        assert large["names"] <= small["names"] + 2 * (sizes[1] - sizes[0])


def test_all_works_a_thousand_levels_deep(memory_folder: Path, long_run: bool) -> None:
    """Deeper than Python's stack: `shutil.rmtree` cannot remove it."""
    path, depth = memory_folder / "deep", 1400 if long_run else 1010
    many_levels(path, depth)
    db, key = isfdb.open(path, durability="process"), deepest(depth)
    try:
        assert db[key] == 1
        assert db.keys(recurse=True) == (key,)
        assert not isfdb.verify(db)
        assert len(isfdb.find(db, "k")) == 1
        db[key] = 2
        assert db.collect(grace_s=0, trash_s=0).n_keys == 1
        assert isfdb.seal(db)
        del db["s"]
        db.collect(grace_s=0, trash_s=0)
        assert db.keys() == ()
        assert not any((path / ".isfdb" / "trash").iterdir())
    finally:
        db.remove()


def test_a_deep_key_costs_in_proportion_to_its_depth(memory_folder: Path) -> None:
    costs = []
    for depth in (20, 200):
        path = memory_folder / str(depth)
        many_levels(path, depth)
        key = deepest(depth)
        costs.append((cost(path, lambda db, key=key: db[key]), cost(path, lambda db, key=key: db.set(key, 1))))
    (read, write), (deep_read, deep_write) = costs
    assert deep_read == read
    assert deep_write["calls"] <= write["calls"] + 180 * 2
