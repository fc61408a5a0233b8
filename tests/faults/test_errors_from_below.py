"""When the operating system says no, at any call: a documented error, the old value intact, nothing leaked, and a retry works."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.errors import DatabaseFullError, DumpError, IsfdbError, ReadOnlyError
from isfdb.plugins import register_loaderdumper
from isfdb.testing.faults import FailingCalls, calls_go_to
from tests.faults.scenarios import array, comparable

ERRORS = {name: getattr(errno, name) for name in ("EIO", "ENOSPC", "EDQUOT", "EACCES", "ESTALE")}

#: Name -> (what is there before, what is done, what is there after).
OPERATIONS: dict[str, tuple[Callable[[Any], object], Callable[[Any], object]]] = {
    "put a new key": (lambda db: None, lambda db: db.set("k", array(8000))),
    "overwrite": (lambda db: db.set("k", 1), lambda db: db.set("k", [2, 3])),
    "delete": (lambda db: db.set("k", 1), lambda db: db.pop("k")),
    "put after delete": (lambda db: (db.set("k", 1), db.pop("k")), lambda db: db.set("k", 2)),
    "rename": (lambda db: db.set("k", 1), lambda db: db.rename("k", "new")),
    "copy": (lambda db: db.set("k", array(8000)), lambda db: db.copy("k", "twin")),
    "note": (lambda db: db.set("k", 1, attributes={"n": 1}), lambda db: db.attributes["k"].update(n=2)),
    "new sub-database": (lambda db: None, lambda db: db.set("s/t/k", 1)),
    "rename a sub-database": (lambda db: db.set("s/k", 1), lambda db: db.rename("s", "t")),
    "delete a sub-database": (lambda db: db.set("s/k", 1), lambda db: db.pop("s")),
    "batch": (lambda db: db.set("k", 1), lambda db: put_many(db)),
    "collect": (lambda db: (db.set("k", array(8000)), db.set("k", 2)), lambda db: db.collect(grace_s=0, trash_s=0)),
}


def put_many(db: Any) -> None:
    with db.batch():
        db["k"] = 2
        db["l"] = 3


def look(db: Any) -> dict[str, Any]:
    return {key: comparable(db[key]) for key in db.keys(recurse=True)} | {
        f"attributes of {key}": notes for key in db.keys(recurse=True) if (notes := dict(db.attributes[key]))
    }


def open_descriptors() -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue  # the one that listed
    return sorted(found)


def failed_at(operation: str, path: str, at: int, error: int, happens: bool) -> tuple[str | None, str | None]:
    """Fail one call of an operation; return what is wrong, and which call failed (None: there are not so many)."""
    prepare, act = OPERATIONS[operation]
    with isfdb.open(path) as db:
        prepare(db)
        before = look(db)
    calls = FailingCalls(at, error, happens=happens)
    descriptors = open_descriptors()
    raised: BaseException | None = None
    with calls_go_to(calls):
        db = isfdb.open(path)
        try:
            act(db)
        except Exception as failure:  # noqa: BLE001 - which kinds are right is judged below
            raised = failure
    where = f"{calls.failed}: "
    if raised is not None and not isinstance(raised, (IsfdbError if calls.failed else ())):
        return f"{where}raised {type(raised).__name__}: {raised}", calls.failed
    found = look(isfdb.open(path))
    retried = raised is not None
    if retried:
        problem = retry(operation, path, act)
        if problem:
            return f"{where}{raised}: then {problem}", calls.failed
    after = look(isfdb.open(path))
    allowed = [before, after] if operation != "batch" else [before, after, {"k": 2}]
    if found not in allowed:
        return f"{where}{raised!r}: found {found}, neither {before} nor {after}", calls.failed
    if open_descriptors() != descriptors:
        return f"{where}descriptors leaked: {open_descriptors()}", calls.failed
    if serious := isfdb.verify(isfdb.open(path)).serious:
        return f"{where}verify: {'; '.join(map(str, serious))}", calls.failed
    return None, calls.failed


def retry(operation: str, path: str, act: Callable[[Any], object]) -> str | None:
    """Do it again, as the user would; it may turn out that it was done."""
    try:
        act(isfdb.open(path))
    except (isfdb.errors.KeyNotFoundError, isfdb.errors.KeyExistsError):
        return None if operation.startswith(("delete", "rename")) else "the retry found it done"
    except Exception as failure:  # noqa: BLE001 - any is wrong
        return f"the retry failed with {type(failure).__name__}: {failure}"
    return None


def fail_each(operation: str, folder: str, error: int, happens: bool, answer: Any) -> None:
    """Fail every call of an operation, one after the other; in a process of its own, so that what it leaves has a dead writer."""
    isfdb.set_options(register=False, capture=False)
    isfdb.open(f"{folder}/warm")["up"] = 1  # threads and modules that stay are no leak
    problems, at = [], 0
    while True:
        at += 1
        problem, failed = failed_at(operation, f"{folder}/{at}", at, error, happens)
        if problem:
            problems.append(f"call {at}, {problem}")
        if failed is None:
            answer.send((at - 1, problems))
            return


@pytest.mark.parametrize("happens", [False, True], ids=["refused", "reply lost"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_call_may_fail(operation: str, happens: bool, memory_folder: Path, long_run: bool, record_property) -> None:
    context = multiprocessing.get_context("forkserver")
    names = list(ERRORS) if long_run and not happens else ["EIO", "ENOSPC"] if not happens else ["EIO"]
    n_calls, problems = 0, []
    for name in names:
        receive, answer = context.Pipe(duplex=False)
        process = context.Process(target=fail_each, args=(operation, str(memory_folder / name), ERRORS[name], happens, answer))
        process.start()
        answer.close()
        n_calls, found = receive.recv()
        process.join()
        problems += [f"{name} at {problem}" for problem in found]
        problems += [f"{name}: {problem}" for problem in left_after_collect(memory_folder / name)]
    record_property("calls", n_calls)
    print(f"{operation}: {n_calls} calls x {names}, {len(problems)} bad")
    assert not problems, "\n".join(problems)
    assert n_calls >= 2


def left_after_collect(folder: Path) -> list[str]:
    problems = []
    for path in folder.iterdir():
        isfdb.open(path).collect()
        problems += [f"collect left {stage}" for stage in path.rglob(".stage-*")]
    return problems


def test_what_is_gone_before_it_was_flushed_fails_no_later_flush(tmp_path: Path) -> None:
    fast = isfdb.open(tmp_path / "results", durability="process")
    for key in ("k", "s/k"):
        fast.set(key, 1, attributes={"unit": "mV"})
    fast.rename("k", "l")
    del fast["s"], fast["l"]
    fast["l"] = 2
    safe = isfdb.open(tmp_path / "results", durability="full")
    safe["x"] = 3
    assert safe["x"] + safe["l"] == 5
    assert not isfdb.verify(safe)


# Dumpers that fail -----------------------------------------------------------------------------------------------------------------


class Dumper:
    """A loaderdumper that does what a test needs."""

    explicit_only = True

    def __init__(self, dump: Callable[[Any, str], Any]) -> None:
        self.dump = dump

    def check(self, obj: Any) -> bool:
        return True

    class Loader:
        def get(self, savedir: str) -> None:
            return None


@pytest.fixture
def dumper(request: pytest.FixtureRequest) -> Callable[[Callable[[Any, str], Any]], str]:
    def register(dump: Callable[[Any, str], Any]) -> str:
        name = f"faulty_{request.node.name}"[:60].replace("[", "_").replace("]", "_")
        return register_loaderdumper(Dumper(dump), name)

    return register


@pytest.fixture
def db(tmp_path: Path) -> isfdb.Database:
    database = isfdb.open(tmp_path / "results")
    database["k"] = "old"
    return database


def names_below(db: isfdb.Database) -> set[str]:
    return {str(path) for path in Path(db.path).rglob("*") if ".isfdb" not in str(path)}


def test_a_dumper_that_raises_half_way_leaves_no_trace(db, dumper) -> None:
    def dump(obj: Any, savedir: str) -> None:
        Path(savedir, "data.bin").write_bytes(b"half")
        raise ValueError("out of luck")

    before, name = names_below(db), dumper(dump)
    for key in ("k", "new", "sub/new"):
        with pytest.raises(DumpError, match="out of luck"):
            db.set(key, 1, dumper=name)
    assert db["k"] == "old"
    assert {name for name in names_below(db) - before if "/sub" not in name} == set()
    assert not list(Path(db.path).rglob(".stage-*"))


def test_an_interrupted_dump_leaves_no_trace(db, dumper) -> None:
    def dump(obj: Any, savedir: str) -> None:
        Path(savedir, "data.bin").write_bytes(b"half")
        raise KeyboardInterrupt

    before = names_below(db)
    with pytest.raises(KeyboardInterrupt):
        db.set("k", 1, dumper=dumper(dump))
    assert db["k"] == "old"
    assert names_below(db) == before
    assert not list(Path(db.path).rglob(".stage-*"))


def make_link(savedir: str) -> None:
    Path(savedir, "link").symlink_to("/etc/hostname")


def make_pipe(savedir: str) -> None:
    os.mkfifo(f"{savedir}/pipe")


def make_reserved(savedir: str) -> None:
    Path(savedir, "metadata.json").write_text("{}")


@pytest.mark.parametrize("write", [make_link, make_pipe, make_reserved])
def test_what_cannot_be_kept_is_refused(db, dumper, write) -> None:
    before = names_below(db)
    with pytest.raises(DumpError, match=r"the dumper (left|wrote)"):
        db.set("k", 1, dumper=dumper(lambda obj, savedir: write(savedir)))
    assert db["k"] == "old"
    assert names_below(db) == before


def test_another_thread_is_not_held_up_by_a_dump_that_hangs(db, dumper) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def dump(obj: Any, savedir: str) -> None:
        begun.set()
        may_end.wait(30)

    name = dumper(dump)
    slow = threading.Thread(target=lambda: db.set("k", 1, dumper=name))
    slow.start()
    begun.wait(30)
    db["k"] = "other"
    assert db["k"] == "other"
    may_end.set()
    slow.join()
    assert [version.dumper for version in db.versions("k")] == ["to_json", "to_json", name]


# Real disks ----------------------------------------------------------------------------------------------------------------------


def mount(*arguments: str) -> None:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount: full and read-only disks were not tested")
    if subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode:
        pytest.skip(f"mount {' '.join(arguments)} does not work here: full and read-only disks were not tested")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    mount("-t", "tmpfs", "-o", "size=1m,nr_inodes=600", "tmpfs", str(path))
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def fill(db: isfdb.Database) -> None:
    with pytest.raises(DatabaseFullError, match="no space left"):
        for number in range(1000):
            db["filled"] = [number] * 1000


def test_a_full_disk_is_said_and_old_values_stay(small_disk: Path) -> None:
    db = isfdb.open(small_disk / "results")
    db["k"] = "old"
    fill(db)
    newest = db["filled"][0]
    with pytest.raises(DatabaseFullError, match="no space left"):
        db["k"] = "new" * 100_000
    assert db["k"] == "old"
    assert not isfdb.verify(db)
    assert [db.get("filled", version=number + 1)[0] for number in range(newest + 1)] == list(range(newest + 1))


def test_collect_frees_a_full_disk(small_disk: Path) -> None:
    db = isfdb.open(small_disk / "results")
    fill(db)
    freed = db.collect(grace_s=0, trash_s=0)
    assert freed.freed_bytes > 100_000
    db["k"] = "there is room again"
    assert not isfdb.verify(db)


def test_no_inodes_left_is_said_too(small_disk: Path) -> None:
    db = isfdb.open(small_disk / "results")
    with pytest.raises(DatabaseFullError, match="no space left"):
        for number in range(1000):
            db[f"k{number}"] = number
    assert all(db[key] == int(key[1:]) for key in db.keys())
    assert not isfdb.verify(db)


@pytest.mark.parametrize("mode", ["r", "a"])
def test_a_read_only_disk_is_read_and_nothing_else(tmp_path: Path, mode: str) -> None:
    with isfdb.open(tmp_path / "results") as db:
        db.set("k", array(8000), attributes={"unit": "mV"})
        db["s/k"] = 1
    mount("--bind", str(tmp_path), str(tmp_path))
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(tmp_path)], check=True)
        db = isfdb.open(tmp_path / "results", mode)
        assert look(db)["s/k"] == 1
        assert db.ls()
        assert db.entry("k").describe["shape"] == [1000]
        assert not isfdb.verify(db)
        db.collect(dry_run=True)
        notes = db.attributes["k"]
        for act in (
            lambda: db.set("k", 2),
            lambda: db.pop("k"),
            lambda: notes.update(n=1),
            lambda: db.rename("k", "l"),
            db.remove,
        ):
            with pytest.raises(ReadOnlyError, match="cannot"):
                act()
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)
    assert db["s/k"] == 1
