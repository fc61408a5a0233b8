"""Two calls that meet at any step end as one after the other would: no luck, no load, the same each time."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.database import Database
from isfdb.testing.histories import NOTHING, Operation, explanation, key_model
from isfdb.testing.interleaving import Actor, meetings
from isfdb.testing.reliability_table import Tally
from tests.faults.meeting import MEETINGS, Meeting, call, delete, make, nothing, put, seen, what_comes_of


@pytest.mark.parametrize("name", MEETINGS)
def test_two_calls_that_meet_end_as_one_after_the_other(name: str, memory_folder: Path, long_run: bool, tally: Tally) -> None:
    results = list(what_comes_of(memory_folder / "db", MEETINGS[name], every=1 if long_run else 101))
    wrong = [f"{way}: {problem}" for way, problem in results if problem]
    tally(f"two calls meet: {name}", tries=len(results), wrong=len(wrong))
    assert not wrong, "\n".join(wrong)


def put_and_delete(db: Database) -> None:
    put("k", 0)(db)
    delete("k")(db)


STARTS = {"nothing": (nothing, NOTHING), "a value": (put("k", 0), (1, 0)), "a deleted value": (put_and_delete, (2, None))}
WRITES = ["put", "put if", "put new", "delete", "pop", "setdefault"]


def arguments(names: tuple[str, str], number: int) -> tuple[Any, Any]:
    values: dict[str, Any] = {"put": "p", "put if": "i", "put new": "n", "setdefault": "s"}
    found = [f"{values[name]}{place}" if name in values else None for place, name in enumerate(names)]
    return tuple((number, value) if name == "put if" else value for name, value in zip(names, found, strict=True))  # type: ignore[return-value]


@pytest.mark.parametrize("start", STARTS)
def test_what_a_reader_sees_of_two_that_change_a_key_has_an_order(start: str, memory_folder: Path, long_run: bool, tally: Tally) -> None:
    """Also while both stand in mid-call, and between the end of the one and of the other."""
    prepare, state = STARTS[start]
    path, tries, wrong = memory_folder / "db", 0, []
    for names in itertools.product(WRITES, WRITES):
        first, second = zip(names, arguments(names, state[0]), strict=True)
        alone = Actor(call(*first), str(make(path, prepare)))
        alone.finish()
        for place, other in meetings(len(alone.steps), 40, every=1 if long_run else 997):
            make(path, prepare)
            both = Actor(call(*first), str(path)), Actor(call(*second), str(path))
            history = seen(first, second, both, path, place, other)
            tries += 1
            if explanation(history, key_model, state) is None:
                wrong.append(f"{names} after {place} and {other} steps:\n" + "\n".join(f"    {one}" for one in sorted(history, key=_start)))
    tally("two change a key, a third reads: no order explains it", tries=tries, wrong=len(wrong))
    assert not wrong, "\n".join(wrong[:5])


def _start(operation: Operation) -> float:
    return operation.start


# Naive ways, which these tests must catch -----------------------------------------------------------------------------------------


def replace_in_place(value: int) -> Any:
    """Delete, then write: as the ancestor, and many a script."""

    def call(db: Database) -> int:
        db._storage.remove("value")
        db._storage.put("value", b"%d" % value)
        return value

    return call


def count_in_place(db: Database) -> None:
    """Read, add one, replace the file as a whole: each write is whole, and one of two is lost."""
    number = int(db._storage.read("value"))
    db._storage.replace("value", b"%d" % (number + 1), flushed=False)


def test_a_counter_without_put_if_absent_loses_an_increment_and_is_caught(memory_folder: Path, tally: Tally) -> None:
    path, values = memory_folder / "db", []
    for place, other in meetings(6, 6, every=1):
        make(path, nothing)
        isfdb.open(path)._storage.put("value", b"0")
        both = Actor(count_in_place, str(path)), Actor(count_in_place, str(path))
        for actor, steps in zip(both, (place, other), strict=True):
            for _ in range(steps):
                if not actor.is_done:
                    actor.step()
        for actor in both:
            actor.finish()
        values.append(int((path / "value").read_bytes()))
    lost = sum(value < 2 for value in values)
    tally("two calls meet: read, then write", tries=len(values), lost=lost, way="replace the file")
    assert 0 < lost < len(values)


def test_delete_then_write_is_caught(memory_folder: Path, tally: Tally) -> None:
    path, unexplained = memory_folder / "db", 0
    make(path, nothing)
    isfdb.open(path)._storage.put("value", b"1")
    writer = Actor(replace_in_place(2), str(path))
    n_looks = 0
    while not writer.is_done:
        writer.step()
        found = (path / "value").read_bytes() if (path / "value").exists() else None
        n_looks += 1
        unexplained += found not in (b"1", b"2")
    tally("a reader beside an overwrite", tries=n_looks, lost=unexplained, way="delete, then write")
    assert unexplained


@pytest.mark.parametrize("name", ["rename, rename", "rename, note", "append, rename"])
def test_a_rename_that_does_not_look_again_is_caught(name: str, memory_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutations: what makes the tests above pass is taken out, one at a time."""
    if name == "rename, rename":
        monkeypatch.setattr("isfdb.moving._move_back", lambda *_, **__: None)
    elif name == "rename, note":
        monkeypatch.setattr("isfdb.attributes.is_alive", lambda *_: True)
    else:
        monkeypatch.setattr("isfdb.publishing.first_number", lambda _: 1)
        monkeypatch.setattr("isfdb.writing.first_number", lambda _: 1)
    monkeypatch.setattr("isfdb.publishing.LISTING_TIMEOUT_S", 0.0)  # nobody waits for what a mutant never lists
    meeting: Meeting = MEETINGS[name]
    assert any(problem for _, problem in what_comes_of(memory_folder / "db", meeting, every=3))
