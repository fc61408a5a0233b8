"""Ctrl-C at any moment: it comes out as it is, the value is old or new, and the same process goes on as if nothing had been."""

from __future__ import annotations

import contextlib
import gc
import inspect
import multiprocessing
import os
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.errors import KeyExistsError, KeyNotFoundError
from isfdb.testing.interrupts import interrupted
from tests.faults.scenarios import array, comparable

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["numpy", "isfdb", "tests.faults.writers", "tests.faults.scenarios", "loaderdumpers.to_json"])

BLOCKS = (10, 10, 7, 10)
PACKAGES = [str(Path(isfdb.__file__).parent), str(Path(isfdb.__file__).parent.parent / "loaderdumpers")]


@dataclass(frozen=True)
class Operation:
    """What is there before, what is interrupted, and what may be found besides the states before and after."""

    prepare: Callable[[isfdb.Database], object]
    act: Callable[[isfdb.Database], object]
    between: tuple[dict[str, Any], ...] = ()


def rows(n_rows: int) -> Any:
    return array(8 * n_rows)


def put_many(db: isfdb.Database) -> None:
    with db.batch():
        db["k"] = 2
        db["l"] = 3


def gather(db: isfdb.Database) -> None:
    with db.appending("k") as appender:
        for place, n_rows in enumerate(BLOCKS):
            appender.append(array(8 * n_rows, start=10 + sum(BLOCKS[:place])))
            if place == 2:
                appender.flush()


def gather_tables(db: isfdb.Database) -> None:
    import pandas

    with db.appending("t") as appender:
        for number in range(2):
            appender.append(pandas.DataFrame({"a": [number]}))


def table(db: isfdb.Database) -> None:
    import pandas

    db["t"] = pandas.DataFrame({"a": [7]})


#: So many places a process: what it has read and stored so far is an input of what it stores next.
AT_ONCE = 300

OPERATIONS = {
    "put a new key": Operation(lambda db: None, lambda db: db.set("k", rows(1000))),
    "overwrite": Operation(lambda db: db.set("k", 1), lambda db: db.set("k", [2, 3])),
    "overwrite a large value": Operation(lambda db: db.set("k", 1), lambda db: db.set("k", rows(300_000))),
    "overwrite, recorded": Operation(lambda db: db.set("k", 1), lambda db: db.set("k", [2, 3])),
    "read": Operation(lambda db: db.set("k", rows(1000)), lambda db: db["k"]),
    "delete": Operation(lambda db: db.set("k", 1), lambda db: db.pop("k")),
    "put after delete": Operation(lambda db: (db.set("k", 1), db.pop("k")), lambda db: db.set("k", 2)),
    "append": Operation(lambda db: db.set("k", rows(10)), lambda db: db.append("k", array(80, start=10))),
    "gather blocks": Operation(
        lambda db: db.set("k", rows(10)),
        gather,
        tuple({"k": comparable(rows(10 + sum(BLOCKS[:place])))} for place in range(len(BLOCKS))),
    ),
    "gather tables": Operation(table, gather_tables, ({"t": [7, 0]},)),
    "rename": Operation(lambda db: db.set("k", 1), lambda db: db.rename("k", "new")),
    "copy": Operation(lambda db: db.set("k", rows(1000)), lambda db: db.copy("k", "twin")),
    "note": Operation(lambda db: db.set("k", 1, attributes={"n": 1}), lambda db: db.attributes["k"].update(n=2)),
    "new sub-database": Operation(lambda db: None, lambda db: db.set("s/t/k", 1)),
    "delete a sub-database": Operation(lambda db: db.set("s/k", 1), lambda db: db.pop("s")),
    "batch": Operation(lambda db: db.set("k", 1), put_many, ({"k": 2},)),
    "collect": Operation(lambda db: (db.set("k", rows(1000)), db.set("k", 2)), lambda db: db.collect(grace_s=0, trash_s=0)),
    "seal": Operation(lambda db: db.set("k", 1), isfdb.seal),
}


def look(db: isfdb.Database) -> dict[str, Any]:
    seen = {}
    for key in db.keys(recurse=True):
        value = db[key]
        seen[key] = value["a"].tolist() if hasattr(value, "columns") else comparable(value)
        if notes := dict(db.attributes[key]):
            seen[f"attributes of {key}"] = notes
    return seen


def interrupt(operation: Operation, path: Path, at: int) -> tuple[str | None, str | None, int]:
    """Interrupt one operation at one place; return where that was, what is wrong, and how many places were passed."""
    db = isfdb.open(path)
    operation.prepare(db)
    before = look(db)
    raised: BaseException | None = None
    with interrupted(at, PACKAGES) as interruption:
        try:
            operation.act(db)
        except BaseException as error:  # noqa: BLE001 - that it is the KeyboardInterrupt is what is asked
            raised = error
    if interruption.where is None:
        return None, None if raised is None else f"raised {raised!r} without being interrupted", interruption.n_places
    if not isinstance(raised, KeyboardInterrupt):
        return interruption.where, f"Ctrl-C became {raised!r}", interruption.n_places
    raised.__traceback__ = raised.__context__ = None  # which keeps what was interrupted alive, as sys.last_traceback does until the next
    gc.collect()
    try:
        problem = _problem_after(operation, db, path, before)
    except Exception as error:  # noqa: BLE001 - any is wrong
        problem = f"then {type(error).__name__}: {error}"
    return interruption.where, problem, interruption.n_places


def _problem_after(operation: Operation, db: isfdb.Database, path: Path, before: dict[str, Any]) -> str | None:
    found = look(db)
    db["later"] = 5  # with the same handle
    del db["later"]
    db.collect()
    if left := [str(one) for pattern in (".stage-*", ".append-*") for one in path.rglob(pattern)]:
        return f"collect left {left}"
    if serious := isfdb.verify(isfdb.open(path)).serious:
        return f"verify: {'; '.join(map(str, serious))}"
    try:
        operation.act(db)
    except (KeyNotFoundError, KeyExistsError):
        pass  # it was done
    clean = isfdb.open(path.with_name(f"{path.name}-clean"))
    operation.prepare(clean)
    operation.act(clean)
    allowed = [before, look(clean), *operation.between]
    return None if found in allowed else f"torn: found {found}, none of {allowed}"


def interrupt_some(name: str, folder: str, places: Sequence[int], answer: Any) -> None:
    """Interrupt an operation at some places, 0 being none, in a process of its own; tell how many there are, and the problems."""
    isfdb.set_options(register=False, capture=name.endswith("recorded"))
    isfdb.open(f"{folder}/warm")["up"] = 1
    operation, problems, n_places = OPERATIONS[name], [], 0
    for at in places:
        where, problem, n_passed = interrupt(operation, Path(folder) / str(at), at)
        n_places = max(n_places, n_passed)
        if problem:
            problems.append(f"place {at}, {where}: {problem}")
        for one in (str(at), f"{at}-clean"):
            shutil.rmtree(Path(folder) / one, ignore_errors=True)
    answer.send((n_places, problems))


def in_a_process(name: str, folder: Path, places: Sequence[int]) -> tuple[int, list[str]]:
    receive, answer = context.Pipe(duplex=False)
    process = context.Process(target=interrupt_some, args=(name, str(folder), places, answer))
    process.start()
    answer.close()
    told: tuple[int, list[str]] = receive.recv()
    process.join(600)
    assert process.exitcode is not None, "something that was interrupted keeps the process from ending"
    return told


@pytest.mark.parametrize("name", OPERATIONS)
def test_ctrl_c_at_any_moment_leaves_old_or_new(name: str, memory_folder: Path, long_run: bool, tally) -> None:
    n_places, problems = in_a_process(name, memory_folder, [0])
    every = range(1, n_places + 1)
    chosen = list(every) if long_run else random.Random(name).sample(every, min(5, n_places))
    for first in range(0, len(chosen), AT_ONCE):
        problems += in_a_process(name, memory_folder, chosen[first : first + AT_ONCE])[1]
    torn = sum("torn:" in problem for problem in problems)
    tally(f"Ctrl-C: {name}", tries=len(chosen), torn=torn, wrong=len(problems) - torn)
    print(f"{name}: {n_places} places, {len(problems)} bad")
    assert not problems, "\n".join(problems)
    assert n_places > 50


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that was being opened is closed by Python
@pytest.mark.parametrize("frame", [False, True], ids=["array", "table"])
def test_a_flush_cut_short_publishes_no_block_twice(db: isfdb.Database, frame: bool) -> None:
    """The block is published, and Ctrl-C strikes before the appender knows: leaving the ``with`` flushes again."""
    import pandas

    db["k"] = pandas.DataFrame({"a": [0]}) if frame else rows(1)
    block = pandas.DataFrame({"a": [1]}) if frame else array(8, start=1)
    n_interrupted = 0
    for at in range(1, 200, 5):
        with contextlib.suppress(KeyboardInterrupt), db.appending("k") as appender:
            appender.append(block)
            with interrupted(at, [inspect.getfile(type(appender))]) as interruption:
                appender.flush()
        found = db["k"]["a"].tolist() if frame else db["k"].tolist()
        assert found == [0, 1], interruption.where
        db["k"] = db["k"][:1]
        if interruption.where is None:
            break
        n_interrupted += 1
    assert n_interrupted >= 3


def naive_overwrite(path: Path, text: str) -> None:
    """Overwrite as ISF does: the value before goes first."""
    shutil.rmtree(path)
    os.mkdir(path)
    (path / "data").write_text(text, encoding="utf-8")


def test_ctrl_c_shows_a_naive_way_that_loses(tmp_path: Path, tally) -> None:
    found = []
    for at in range(1, 6):
        path = tmp_path / str(at)
        path.mkdir()
        (path / "data").write_text("old", encoding="utf-8")
        with interrupted(at, [__file__]) as interruption:
            try:
                naive_overwrite(path, "new")
            except KeyboardInterrupt:
                found.append((path / "data").read_text() if (path / "data").exists() else None)
    lost = found.count(None)
    tally("Ctrl-C: overwrite", tries=len(found), lost=lost, way="delete, then write")
    assert interruption.n_places >= 4
    assert lost >= 2


def test_a_stage_is_swept_only_when_nobody_holds_it(db: isfdb.Database) -> None:
    """Two threads of one process: one writes, the other collects."""
    db["k"] = 1
    stage = db._storage.stage("k.key", is_new=False)
    db.collect()
    assert os.path.isdir(stage.path)
    path = stage.path
    del stage
    db.collect()
    assert not os.path.exists(path)
