"""Whatever is taken out of the commit protocol is missed: each flush, and the rename. What finds nothing then would find nothing ever."""

from __future__ import annotations

import ast
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.faults.after_a_crash import problem_with, states_of
from tests.faults.scenarios import SCENARIOS, record_without

STORAGE = Path(__file__).parents[2] / "isfdb" / "storage"

#: Each function that flushes, and a scenario in which a power cut shows that it does.
FLUSHES = {
    "SmallFiles._write_aside": "change attributes",
    "SmallFiles.put_folder": "create a sub-database",
    "SmallFiles._make_all": "create a database in new folders",
    "LocalStorage.prepare": "overwrite",
    "LocalStorage.settle": "overwrite",
    "LocalStorage.move": "rename",
    "LocalStorage.to_trash": "delete a sub-database",
    "LocalStorage.erase": "remove the database",
}


def flushing_functions() -> Iterator[str]:
    for path in sorted(STORAGE.glob("*.py")):
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(one, ast.ClassDef):
                for function in one.body:
                    if "self.calls.flush(" in ast.unparse(function):
                        yield f"{one.name}.{getattr(function, 'name', '')}"


def test_no_flush_is_forgotten_here() -> None:
    assert set(flushing_functions()) == set(FLUSHES)


@pytest.fixture(scope="module")
def recorders() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


def is_missed(recorders: ProcessPoolExecutor, without: str, name: str, folder: Path, states: Path) -> bool:
    scenario = next(one for one in SCENARIOS if one.name == name)
    recorded = recorders.submit(record_without, name, str(folder), without).result()
    found = states_of(recorded, 256)
    return any(problem_with(scenario, state, recorded.seen, states / str(number)) for number, state in enumerate(found))


@pytest.mark.parametrize(("function", "scenario"), FLUSHES.items())
def test_a_flush_that_is_left_out_is_missed(
    function: str, scenario: str, recorders: ProcessPoolExecutor, tmp_path: Path, memory_folder: Path
) -> None:
    assert is_missed(recorders, function, scenario, tmp_path, memory_folder)


def test_records_that_are_not_flushed_are_missed(recorders: ProcessPoolExecutor, tmp_path: Path, memory_folder: Path) -> None:
    assert is_missed(recorders, "records", "overwrite", tmp_path, memory_folder)


def test_a_rename_that_is_not_atomic_is_missed(recorders: ProcessPoolExecutor, tmp_path: Path, memory_folder: Path) -> None:
    assert is_missed(recorders, "rename", "overwrite", tmp_path, memory_folder)
