"""Below everything, reads included, one call of the system fails: one of isfdb's errors or the right answer, never a wrong one."""

from __future__ import annotations

import errno
import gc
import multiprocessing
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.errors import DatabaseGoneError, IsfdbError, StorageError
from isfdb.reading import read_to_show
from isfdb.testing.failing_system import FailingSystem, failing_system
from tests.faults.scenarios import array, comparable
from tests.faults.test_errors_from_below import OPERATIONS, open_descriptors

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["numpy", "isfdb", "tests.faults.writers", "tests.faults.scenarios", "loaderdumpers.to_json"])

ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EACCES", "ESTALE", "EINTR", "EMFILE")


def _two_versions(db: isfdb.Database) -> None:
    db["k"] = 1
    db.set("k", array(800), attributes={"n": 1})


def _managed_folder(db: isfdb.Database) -> None:
    Path(db.create_managed_folder("f"), "x").write_text("a", encoding="utf-8")


def _entry(db: isfdb.Database) -> list[Any]:
    entry = db.entry("k")
    return [dict(entry.attributes), dict(entry.describe), len(entry.versions), entry.nbytes, entry.metadata["dumper"]]


#: Name -> (what is there, what is asked). The answer without a fault is the right one.
QUESTIONS: dict[str, tuple[Callable[[Any], object], Callable[[Any], Any]]] = {
    "read": (_two_versions, lambda db: comparable(db["k"])),
    "read an old version": (_two_versions, lambda db: db.get("k", version=1)),
    "read with a default": (_two_versions, lambda db: comparable(db.get("k", "default"))),
    "read or calculate": (_two_versions, lambda db: comparable(db.maybe_calculate("k", lambda: "calculated"))),
    "read from a sub-database": (lambda db: db.set("s/t/k", 1), lambda db: db["s"]["t"]["k"]),
    "in": (lambda db: db.set("s/k", 1), lambda db: ["s" in db, "s/k" in db, "t" in db]),
    "list": (lambda db: (db.set("k", 1), db.set("s/l", 2), db.set("m", 1), db.pop("m")), lambda db: list(db.keys(recurse=True))),
    "versions": (_two_versions, lambda db: [version.number for version in db.versions("k")]),
    "attributes": (_two_versions, lambda db: dict(db.attributes["k"])),
    "entry": (_two_versions, _entry),
    "read to show": (_two_versions, lambda db: comparable(read_to_show(db._storage, "k.key", "k", 2, "numpy_to_npy", {}))),
    "open and read": (_two_versions, lambda db: comparable(isfdb.open(db.path)["k"])),
    "open for reading": (_two_versions, lambda db: comparable(isfdb.open(db.path, "r")["k"])),
}

CHANGES = {
    **OPERATIONS,
    "append": (lambda db: db.set("k", array(80)), lambda db: db.append("k", array(80))),
    "snapshot": (_managed_folder, lambda db: db.snapshot("f")),
    "rename to a name used before": (lambda db: (db.set("k", 1), db.set("l", 1), db.pop("l")), lambda db: db.rename("k", "l")),
}


#: What may be found besides the states before and after.
BETWEEN = {"batch": [{"k": 2}], "rename to a name used before": [{"k": 1, "l": 1}]}


def look(db: isfdb.Database) -> dict[str, Any]:
    """Read everything; of a folder, what it is called."""
    seen: dict[str, Any] = {}
    for key in db.keys(recurse=True):
        value = db[key]  # of a managed folder: its path
        seen[key] = os.path.basename(value) if isinstance(value, os.PathLike) else comparable(value)
        seen |= {f"attributes of {key}": notes} if (notes := dict(db.attributes[key])) else {}
    return seen


def ask(question: str, path: Path, at: int, error: int) -> tuple[FailingSystem, str | None]:
    """Fail one call of a question; return what is wrong with the answer."""
    prepare, act = QUESTIONS[question]
    with isfdb.open(path) as db:
        prepare(db)
        right = act(db)
    db = isfdb.open(path)
    with failing_system(path, at, error) as system:
        try:
            answer = act(db)
        except Exception as failure:  # noqa: BLE001 - which kinds are right is judged here
            answer = right if isinstance(failure, (StorageError, DatabaseGoneError)) else f"{type(failure).__name__}: {failure}"
    if answer != right:
        return system, f"{system.failed}: answered {answer}, not {right}"
    return system, None if act(db) == right else f"{system.failed}: wrong when asked again"


def change(operation: str, path: Path, at: int, error: int, happens: bool) -> tuple[FailingSystem, str | None]:
    """Fail one call of a change; return what is wrong then."""
    prepare, act = CHANGES[operation]
    with isfdb.open(path) as db:
        prepare(db)
        before = look(db)
    descriptors = open_descriptors()
    raised: BaseException | None = None
    db = isfdb.open(path)
    with failing_system(path, at, error, happens=happens) as system:
        try:
            act(db)
        except Exception as failure:  # noqa: BLE001 - as above
            raised = failure
    if raised is not None and not isinstance(raised, IsfdbError):
        return system, f"{system.failed}: raised {type(raised).__name__}: {raised}"
    was_refused, raised = raised is not None, None
    gc.collect()
    problem = _problem_after(operation, path, before, was_refused, descriptors)
    return system, f"{system.failed}: {problem}" if problem else None


def _problem_after(operation: str, path: Path, before: dict[str, Any], was_refused: bool, descriptors: list[str]) -> str | None:
    prepare, act = CHANGES[operation]
    found = look(isfdb.open(path))
    if open_descriptors() != descriptors:
        return f"descriptors leaked: {open_descriptors()}"
    if serious := isfdb.verify(isfdb.open(path)).serious:
        return f"verify: {'; '.join(map(str, serious))}"
    with isfdb.open(path.with_name(f"{path.name}-clean")) as clean:
        prepare(clean)
        act(clean)
        after = look(clean)
    if found not in [before, after, *BETWEEN.get(operation, [])]:
        return f"torn: found {found}, neither {before} nor {after}"
    if was_refused and found == before:
        act(isfdb.open(path))  # again, as the user would
        if look(isfdb.open(path)) != after:
            return f"the retry made {look(isfdb.open(path))}"
    isfdb.open(path).collect()
    if left := [str(stage) for stage in path.rglob(".stage-*")]:
        return f"collect left {left}"
    return None


def fail_some(name: str, folder: str, faults: dict[str, int | None], answer: Any) -> None:
    """Fail calls of an operation, all or a few for each fault, in a process of its own; tell the problems."""
    isfdb.set_options(register=False, capture=False)
    isfdb.open(f"{folder}/warm")["up"] = 1
    answer.send({fault: _fail_some(name, folder, fault, n_tries) for fault, n_tries in faults.items()})


def _fail_some(name: str, folder: str, fault: str, n_tries: int | None) -> tuple[int, list[str]]:
    chance, problems, tried = random.Random(name + fault), [], 0

    def once(at: int) -> FailingSystem:
        path = Path(folder) / str(at)
        error = {"short write": 0, "reply lost": errno.EIO}.get(fault, getattr(errno, chance.choice(ERRORS)))
        system, problem = ask(name, path, at, error) if name in QUESTIONS else change(name, path, at, error, fault == "reply lost")
        if problem:
            problems.append(f"{fault}, call {at}, {errno.errorcode.get(error, '')} at {problem}")
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(path.with_name(f"{path.name}-clean"), ignore_errors=True)
        return system

    n_calls = once(0).n_calls
    chosen = range(1, n_calls + 1)
    for at in chosen if n_tries is None else chance.sample(chosen, min(n_tries, n_calls)):
        tried += once(at).failed is not None
    return tried, problems


def failed_somewhere(name: str, folder: Path, faults: dict[str, int | None], tally: Any) -> tuple[dict[str, int], list[str]]:
    receive, answer = context.Pipe(duplex=False)
    process = context.Process(target=fail_some, args=(name, str(folder), faults, answer))
    process.start()
    answer.close()
    found = receive.recv()
    process.join()
    for fault, (tried, problems) in found.items():
        torn = sum("torn:" in problem for problem in problems)
        tally(f"a call of the system fails ({fault}): {name}", tries=tried, torn=torn, wrong=len(problems) - torn)
        print(f"{name}, {fault}: {tried} calls failed, {len(problems)} bad")
    return {fault: tried for fault, (tried, _) in found.items()}, [problem for _, problems in found.values() for problem in problems]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_answered_right_or_not_at_all(name: str, memory_folder: Path, long_run: bool, tally) -> None:
    tried, problems = failed_somewhere(name, memory_folder, {"refused": None if long_run else 8}, tally)
    assert not problems, "\n".join(problems)
    assert tried["refused"] >= 2


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_made_or_refused(name: str, memory_folder: Path, long_run: bool, tally) -> None:
    faults = {"refused": 4, "reply lost": 2, "short write": 1}
    tried, problems = failed_somewhere(name, memory_folder, dict.fromkeys(faults) if long_run else faults, tally)
    assert not problems, "\n".join(problems)
    assert tried["refused"] >= 4


def test_a_rename_refused_at_its_end_keeps_the_only_copy(memory_folder: Path) -> None:
    """The old name's tombstone is published, and the last wait for the disk fails: what was copied must not be taken back."""
    name = "rename to a name used before"
    n_calls = change(name, memory_folder / "0", 0, errno.EIO, False)[0].n_calls
    for at in range(n_calls - 12, n_calls + 1):
        system, problem = change(name, memory_folder / str(at), at, errno.EIO, False)
        assert system.failed
        assert problem is None


def test_a_naive_way_takes_a_refusal_for_an_absence(tmp_path: Path, tally) -> None:
    """``os.path.exists`` says no where it cannot know: the fault is noticed where code is built on it."""
    path = tmp_path / "value"
    path.write_text("precious", encoding="utf-8")
    with failing_system(tmp_path, 1, errno.ESTALE) as system:
        answer = path.read_text(encoding="utf-8") if os.path.exists(path) else "default"
    tally("a call of the system fails (refused): read with a default", tries=1, wrong=answer != "precious", way="ask whether it exists")
    assert system.failed
    assert answer == "default"
