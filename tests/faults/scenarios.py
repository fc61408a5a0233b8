"""What is done to a database while the power goes: each scenario prepares one, then takes steps, each of which is acknowledged."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import isfdb
from isfdb.database import Database
from isfdb.errors import VersionGoneError
from isfdb.hashing import digest_of
from isfdb.identity import read_identity
from isfdb.migration import import_isf
from isfdb.sealing.seals import seals_in
from isfdb.storage.local import LocalStorage
from isfdb.testing.faults import Call, RecordingCalls, calls_go_to
from tests.compatibility.isf_samples import add_pickle, make_database
from tests.faults.recorded_disk import mark, trace_of

Seen = dict[str, Any]


def array(n_bytes: int = 40_000, start: int = 0) -> Any:
    import numpy

    return numpy.arange(start, start + n_bytes // 8, dtype="i8")


@dataclass(frozen=True)
class Scenario:
    """What is done, and what else than the states before and after each step may be found."""

    name: str
    prepare: Callable[[Database], object]
    steps: Sequence[Callable[[Database], object]]
    is_piecewise: bool = False  # each key is whole by itself, but the keys need not change together
    between: Sequence[tuple[str, Any]] = ()  # what may be found halfway through a step
    may_come_back: bool = False  # what was reclaimed may still be readable after a power cut
    creates: bool = False  # the database itself is made while the power may go
    place: str = "results"  # where it lies


@dataclass(frozen=True)
class Recorded:
    """What a scenario asked of the file system, and what a reader saw after each step."""

    start: list[Call]
    trace: list[Call]
    seen: list[Seen]


def look(db: Database) -> Seen:
    """Read everything: each version of each key, each key's attributes, and each seal."""
    seen: Seen = {}
    for key in db.keys(recurse=True):
        seen[key] = comparable(db[key])
        if notes := dict(db.attributes[key]):
            seen[f"attributes of {key}"] = notes
        for version in db.versions(key):
            seen[f"{key}@{version.number}"] = "deleted" if version.deleted else _version(db, key, version.number)
    seen |= {f"seal {seal.number}": seal.head for seal in seals_in(db._storage)}
    return seen


def _version(db: Database, key: str, number: int) -> Any:
    try:
        return comparable(db.get(key, version=number))
    except VersionGoneError:
        return "reclaimed"


def look_at(path: str) -> Seen:
    """Look at the database in a folder; where there is none, nothing is there."""
    return look(handle(path)) if os.path.isdir(path) else {}


def comparable(value: Any) -> Any:
    if isinstance(value, str) and os.path.isdir(value):  # a managed folder; where it lies differs from state to state
        return {str(one.relative_to(value)): digest_of(one.read_bytes()) for one in sorted(Path(value).rglob("*")) if one.is_file()}
    if hasattr(value, "tobytes"):
        return (str(value.dtype), value.shape, digest_of(value.tobytes()))
    return value


def handle(path: str) -> Database:
    """Open without registry, so that nothing but the folder takes part."""
    storage = LocalStorage(path)
    return Database(storage, read_identity(storage), durability="full")


class ForgetfulCalls(RecordingCalls):
    """Flushes no files, or no folders: a commit protocol that somebody simplified."""

    def __init__(self, folder: str, forgets: str) -> None:
        super().__init__(folder)
        self.forgets = forgets

    def flush(self, files: Sequence[str], folders: Sequence[str]) -> None:
        super().flush([] if self.forgets == "files" else files, [] if self.forgets == "folders" else folders)


class CallsWithout(RecordingCalls):
    """Leaves out what one function flushes, or "records", or the atomic "rename": a folder is made and its files are moved one by one."""

    def __init__(self, folder: str, without: str) -> None:
        super().__init__(folder)
        self.without = without

    def flush(self, files: Sequence[str], folders: Sequence[str]) -> None:
        if self.without == "records":
            files, folders = [[path for path in paths if "/.isfdb/" not in path] for paths in (files, folders)]
        if sys._getframe(1).f_code.co_qualname != self.without:
            super().flush(files, folders)

    def rename(self, old: str, new: str) -> None:
        if self.without != "rename" or not os.path.isdir(old):
            super().rename(old, new)
            return
        self._notice(old)
        self.make_folder(new)
        for name in sorted(os.listdir(old)):
            self.rename(f"{old}/{name}", f"{new}/{name}")
        self.remove_folder(old)


def record(name: str, folder: str, forgets: str = "") -> Recorded:
    """Run a scenario in `folder`, in this process; `forgets` says which flushes are left out: "all", "files", "folders"."""
    recorder = ForgetfulCalls(folder, forgets) if forgets in ("files", "folders") else None
    return _record(name, folder, recorder or RecordingCalls(folder, flushes=forgets != "all"))


def record_without(name: str, folder: str, without: str) -> Recorded:
    """Run a scenario in `folder`, in this process, with the calls of :class:`CallsWithout`."""
    return _record(name, folder, CallsWithout(folder, without))


def _record(name: str, folder: str, recorder: RecordingCalls) -> Recorded:
    scenario = next(one for one in SCENARIOS if one.name == name)
    path = f"{folder}/{scenario.place}"
    if not scenario.creates:
        with isfdb.set_options(register=False):
            scenario.prepare(isfdb.open(path, durability="full"))
    recorder.begin()
    seen = [{} if scenario.creates else look_at(path)]
    with isfdb.set_options(register=False), calls_go_to(recorder):
        for number, step in enumerate(scenario.steps):
            step(isfdb.open(path, durability="full"))
            recorder.mark(f"step {number + 1} acknowledged")
            seen.append(look_at(path))
    return Recorded(recorder.start, recorder.trace, seen)


def record_on_disk(name: str, mounted: str) -> list[Seen]:
    """Run a scenario on a `recorded_disk`, in this process, and return what a reader saw after each step."""
    scenario = next(one for one in SCENARIOS if one.name == name)
    path = f"{mounted}/{scenario.place}"
    with isfdb.set_options(register=False):
        if not scenario.creates:
            scenario.prepare(isfdb.open(path, durability="full"))
        mark(mounted, "prepared")
        seen = [{} if scenario.creates else look_at(path)]
        for number, step in enumerate(scenario.steps):
            step(isfdb.open(path, durability="full"))
            mark(mounted, f"step {number + 1} acknowledged")
            seen.append(look_at(path))
    return seen


def recorded_on(folder: Path, seen: list[Seen]) -> Recorded:
    """Return what a disk below `folder` wrote down, parted where the scenario was prepared."""
    trace = trace_of(folder)
    prepared = trace.index(Call("mark", ("prepared",)))
    return Recorded(trace[:prepared], trace[prepared + 1 :], seen)


def _nothing(db: Database) -> None:
    return


def _batch(db: Database) -> None:
    with db.batch():
        for number in range(4):
            db[f"k{number}"] = {"number": number, "text": "x" * 3000}
        db["old"] = 2
        db["old"] = 3
        db["sub/k"] = 4


def _attributes(db: Database) -> None:
    db["k"] = 1
    db.attributes["k"]["unit"] = "mV"


def _two_versions(db: Database) -> None:
    db["k"] = array()
    db["k"] = array(start=7)
    db["k"] = array(start=9)


def _delete(key: str) -> Callable[[Database], object]:
    def delete(db: Database) -> None:
        del db[key]

    return delete


def _put(key: str, value: Any) -> Callable[[Database], object]:
    def put(db: Database) -> None:
        db[key] = value

    return put


def _used_and_deleted(db: Database) -> None:
    db["a"] = 1
    db["b"] = 2
    del db["b"]


def _filled_folder(db: Database) -> None:
    folder = db.create_managed_folder("raw")
    for name in ("first", "second"):
        (Path(folder) / name).write_bytes(name.encode() * 100)


def _isf_database(db: Database) -> None:
    old = make_database(Path(db.path).parent / "old")
    add_pickle(old, "a", 1)
    add_pickle(old, "b", {"text": "x" * 3000})


def _import(db: Database) -> None:
    import_isf(isfdb.open(Path(db.path).parent / "old", trust=True), db)


def _append(number: int) -> Callable[[Database], object]:
    def append(db: Database) -> None:
        db.append("k", array(80, start=number))

    return append


def _appended_seven_times(db: Database) -> None:
    for number in range(8):
        _append(number)(db)


SCENARIOS = (
    Scenario("put a new key, small", _nothing, [_put("k", 42), _put("other", "text")]),
    Scenario("put a new key, array", _nothing, [_put("k", array())]),
    Scenario("overwrite", _put("k", 1), [_put("k", 2), _put("k", array()), _put("k", list(range(2000)))]),
    Scenario("delete", _put("k", 1), [_delete("k")]),
    Scenario("rewrite after delete", lambda db: (_put("k", 1)(db), _delete("k")(db)), [_put("k", 2), _delete("k"), _put("k", 3)]),
    Scenario(
        "rename",
        lambda db: (_attributes(db), _put("k", array())(db)),
        [lambda db: db.rename("k", "new"), lambda db: db.rename("new", "sub/k")],
    ),
    Scenario("rename to a name used before", _used_and_deleted, [lambda db: db.rename("a", "b")], is_piecewise=True),
    Scenario("rename a sub-database", _put("s/k", 1), [lambda db: db.rename("s", "t")]),
    Scenario("copy", _put("k", array()), [lambda db: db.copy("k", "twin"), lambda db: db.copy("k", "twin")]),
    Scenario(
        "collect",
        _two_versions,
        [lambda db: db.collect(grace_s=0, trash_s=1e6), lambda db: db.collect(grace_s=0, trash_s=0)],
        is_piecewise=True,
        may_come_back=True,
    ),
    Scenario(
        "change attributes",
        _attributes,
        [
            lambda db: db.attributes["k"].update(unit="V", n=2),
            lambda db: db.attributes["k"].pop("n"),
            lambda db: db.attributes["k"].clear(),
        ],
    ),
    Scenario("append", _put("k", array(80)), [_append(number) for number in range(1, 4)]),
    Scenario("append and merge", _appended_seven_times, [_append(8), _append(9)]),
    Scenario("append to a new key", _nothing, [_append(1), _append(2)]),
    Scenario(
        "collect what grew",
        _appended_seven_times,
        [_append(8), lambda db: db.collect(grace_s=0, trash_s=1e6), lambda db: db.collect(grace_s=0, trash_s=0)],
        is_piecewise=True,
        may_come_back=True,
    ),
    Scenario("put with attributes", _nothing, [lambda db: db.set("k", 1, attributes={"unit": "mV"})], is_piecewise=True),
    Scenario("batch", _put("old", 1), [_batch], is_piecewise=True, between=[("old", 2)]),
    Scenario("create a sub-database", _nothing, [lambda db: db.create_sub_db("s"), _put("s/t/k", 1)]),
    Scenario("delete a sub-database", _put("s/k", 1), [_delete("s")]),
    Scenario("seal", _used_and_deleted, [isfdb.seal, lambda db: (_put("a", 2)(db), isfdb.seal(db))], is_piecewise=True),
    Scenario("remove the database", _put("k", 1), [lambda db: db.remove()]),
    Scenario("freeze a managed folder", _filled_folder, [lambda db: db.snapshot("raw")]),
    Scenario("import a database of ISF", _isf_database, [_import, lambda db: (_put("a", 3)(db), _import(db))], is_piecewise=True),
    Scenario("create a database", _nothing, [_nothing, _put("k", 1)], creates=True),
    Scenario("create a database in new folders", _nothing, [_nothing, _put("k", 1)], creates=True, place="new/deeper/results"),
)
