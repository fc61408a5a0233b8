"""In which Python a value is made again: the current one and others, compared with what was recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.exact_json import compact
from isfdb.hashing import digest_of
from isfdb.provenance.collectors import packages
from isfdb.provenance.collectors.machine import machine
from isfdb.replaying.environment_differences import Difference, differences, summary
from isfdb.replaying.environments import ReplayEnvironment, environment_for
from isfdb.replaying.interpreters import Interpreter, ask_interpreter, find_interpreter, this_interpreter
from isfdb.replaying.own_packages import own_folder
from isfdb.replaying.recorded_variables import recorded_variables, variables_to_unset


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path) -> Any:
    with isfdb.set_options(cache_folder=tmp_path / "cache", register=False):
        yield


def keep(folder: Path, record: Any) -> str:
    digest = digest_of(compact(record).encode())[:32]
    (folder / f"{digest}.json").write_text(json.dumps(record))
    return digest


def environment(folder: Path, choice: str, recorded: Any, imported: dict[str, str] | None = None, **machine: Any) -> ReplayEnvironment:
    """Ask for the environment of a value whose session had `recorded` packages."""
    db = isfdb.open(folder / "db")
    private = folder / "db" / ".isfdb"
    for name in ("environments", "code", "sessions"):
        (private / name).mkdir(exist_ok=True)
    digest = keep(private / "environments", recorded)
    snapshot = keep(private / "code", {} if imported is None else {"imported": imported})
    (private / "sessions" / "20260101T000000-000000000000.jsonl").write_text(json.dumps({"kind": "start", "machine": machine}) + "\n")
    record = {"code": {"snapshot": snapshot}, "activity": {"session": "20260101T000000-000000000000", "line": 1}}
    return environment_for(choice, db._storage, digest, record)


def test_the_packages_of_this_process_do_not_differ_from_themselves(tmp_path: Path) -> None:
    found = environment(tmp_path, "current", packages.environment().record, {"blake3": "1"})
    assert (found.name, found.python, found.problems, found.differences) == ("current", sys.executable, (), ())
    assert found.path == tuple([os.path.abspath(one) for one in sys.path if one])


def test_packages_that_the_session_had_imported_come_first(tmp_path: Path) -> None:
    record = dict(packages.environment().record)
    here = record["packages"]
    record["packages"] = {**here, "aardvark": "1.0", "numpy": "0.1", "pandas": "0.2", "isfdb": "0"}
    found = environment(tmp_path, "current", record, {"numpy": "0.1"})
    assert found.differences == (
        Difference("numpy", "0.1", here["numpy"], imported=True),
        Difference("aardvark", "1.0", ""),
        Difference("pandas", "0.2", here["pandas"]),
    )
    assert str(found.differences[1]) == "aardvark was 1.0 and is not installed here (the session had not imported it)"
    assert summary(found.differences).endswith("; 2 packages that the session had not imported differ")


def test_another_python_is_the_first_difference() -> None:
    found = differences({"python": "3.11.1", "implementation": "cpython", "packages": {"a": "1"}}, "cpython 3.12.4", {"b": "1"}, ["a"])
    assert [(one.package, one.recorded, one.here, one.imported) for one in found] == [
        ("Python", "cpython 3.11.1", "cpython 3.12.4", True),
        ("a", "1", "", True),
    ]


@pytest.mark.parametrize("record", [None, [], {"packages": {"numpy": 3}}, {"packages": []}, {}])
def test_a_record_that_says_nothing_is_no_error(tmp_path: Path, record: Any) -> None:
    found = environment(tmp_path, "current", record)
    assert found.problems == () and found.differences == ()


def test_packages_that_are_not_recorded_are_said_to_be_not_compared(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    found = environment_for("current", db._storage, None, {})
    assert found.notes == ("the packages of the session are not recorded, or their record was changed since, so none are compared",)
    assert environment_for("recorded", db._storage, None, {}).problems[0][0] == "environment missing"


def test_a_record_that_was_changed_does_not_count(tmp_path: Path) -> None:
    environment(tmp_path, "current", {"packages": {"a": "1"}})
    (record,) = (tmp_path / "db" / ".isfdb" / "environments").iterdir()
    record.write_text(json.dumps({"packages": {"evil": "1"}}))
    db = isfdb.open(tmp_path / "db")
    assert environment_for("current", db._storage, record.stem, {}).differences == ()
    assert "was changed since" in environment_for("recorded", db._storage, record.stem, {}).problems[0][1]


# Another interpreter ---------------------------------------------------------------------------------------------------------------


def test_an_interpreter_is_asked_what_it_has(tmp_path: Path) -> None:
    found = environment(tmp_path, sys.executable, packages.environment().record, {})
    assert found.problems == ()
    assert [one for one in found.differences if one.imported] == []
    own = [name for name in os.listdir(found.path[0]) if not name.endswith(".dist-info")]
    assert sorted(own) == ["initializers", "isfdb", "loaderdumpers"]


def test_an_interpreter_without_what_isfdb_needs_is_a_problem_that_says_what_to_install(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "empty"], check=True)
    found = environment(tmp_path, str(tmp_path / "empty"), packages.environment().record, {})
    assert found.problems[0][0] == "environment missing"
    assert "lacks what isfdb itself needs: blake3, platformdirs" in found.problems[0][1]
    assert f"{tmp_path}/empty/bin/python -m pip install blake3 platformdirs" in found.problems[0][1]


@pytest.mark.parametrize("text", [None, "#!/bin/sh\nexit 3\n", "#!/bin/sh\necho hello\n", "#!/bin/sh\nprintf '\\0{\"version\": 3}'\n"])
def test_what_is_no_interpreter_is_a_problem(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "python").write_text(text)
        (tmp_path / "python").chmod(0o755)
    found = environment(tmp_path, str(tmp_path / "python"), packages.environment().record, {})
    assert found.problems[0][0] == "environment missing" and "cannot be used" in found.problems[0][1]


def test_an_interpreter_is_not_influenced_by_where_it_is_asked_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = ask_interpreter(sys.executable)
    assert isinstance(found, Interpreter) and found.version == this_interpreter().version
    assert str(tmp_path) not in found.path


def test_an_interpreter_of_no_known_version_is_not_found() -> None:
    assert find_interpreter("cpython", "3.99") is None
    assert find_interpreter(sys.implementation.name, ".".join(map(str, sys.version_info[:2]))) is not None


def test_a_replay_runs_this_isfdb_and_finds_its_loaderdumpers(tmp_path: Path) -> None:
    folder = own_folder(str(tmp_path))
    assert own_folder(str(tmp_path)) == folder and os.listdir(tmp_path) == [os.path.basename(folder)]
    code = "import importlib.metadata as m; print(len(m.distribution('isfdb').entry_points.select(group='isfdb.loaderdumpers')))"
    told = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {folder!r}); {code}"], capture_output=True)
    assert int(told.stdout) > 50


# Variables -------------------------------------------------------------------------------------------------------------------------


def test_threads_and_hash_seed_are_as_the_session_had_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    variables = {"OMP_NUM_THREADS": "3", "PYTHONHASHSEED": "42", "SLURM_JOB_ID": "9", "CUDA_VISIBLE_DEVICES": "1"}
    found = environment(tmp_path, "current", packages.environment().record, {}, variables=variables)
    assert found.variables == {"OMP_NUM_THREADS": "3", "PYTHONHASHSEED": "42"}
    assert "MKL_NUM_THREADS" in found.unset and "set here, and not in the session: " in found.notes[-1]


@pytest.mark.parametrize(
    "variables",
    [
        {"LD_PRELOAD": "x.so"},
        {"PATH": "x"},
        {"OMP_TOOL_LIBRARIES": "x.so"},
        {"OMP_NUM_THREADS": "1\nLD_PRELOAD=x"},
        {"OMP_NUM_THREADS": 4},
        {"PYTHONSTARTUP": "x.py"},
        {"TZ": "/etc/passwd"},
        {"XLA_FLAGS": "--xla_dump_to=x"},
        ["OMP_NUM_THREADS"],
        "OMP_NUM_THREADS",
    ],
)
def test_a_forged_record_sets_nothing_else(variables: Any) -> None:
    assert recorded_variables({"machine": {"variables": variables}}) == {}


@pytest.mark.parametrize("start", [{}, {"machine": None}, {"machine": {}}, {"machine": {"variables": None}}])
def test_a_session_that_says_nothing_of_variables_sets_and_unsets_nothing(start: Any) -> None:
    assert recorded_variables(start) == {} and variables_to_unset(start) == ()


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("PYTHONHASHSEED", ["0", "random", "4294967295"], ["zz", "4294967296", "1 2", "1.5"]), ("PYTHONUTF8", ["0", "1"], ["2", "yes"])],
)
def test_values_with_which_python_does_not_start_are_not_set(name: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert recorded_variables({"machine": {"variables": {name: text}}}) == {name: text}
        assert subprocess.run([sys.executable, "-c", ""], env={**os.environ, name: text}, check=False).returncode == 0
    for text in bad:
        assert recorded_variables({"machine": {"variables": {name: text}}}) == {}


def test_instructions_that_this_processor_may_lack_are_not_asked_for() -> None:
    variables = {"OPENBLAS_CORETYPE": "SkylakeX", "OPENBLAS_NUM_THREADS": "2"}
    other = {"machine": {"variables": variables, "cpu": {"flags": ["avx4096"]}}}
    assert recorded_variables(other) == {"OPENBLAS_NUM_THREADS": "2"}
    same = {"machine": {"variables": variables, "cpu": machine()["cpu"]}}
    assert recorded_variables(same) == (variables if machine()["cpu"]["flags"] is not None else {"OPENBLAS_NUM_THREADS": "2"})
