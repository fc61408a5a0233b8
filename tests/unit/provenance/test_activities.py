"""What a put belongs to outside notebooks: scripts, commands, prompts, tests."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import isfdb
from isfdb.provenance.activities import Activity, running, this_activity
from isfdb.provenance.cells import error_text

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = "import isfdb\nisfdb.open('results')['a'] = 1\n"


def python(folder: Path, *arguments: str, text: str = "", status: int = 0) -> Any:
    """Run Python in `folder`, and return the cell that stored ``a``."""
    finished = subprocess.run([sys.executable, *arguments], cwd=folder, input=text.encode(), capture_output=True, timeout=60)
    assert finished.returncode == status, finished.stderr.decode()
    return isfdb.open(folder / "results", mode="r").entry("a")


def test_a_script_is_recorded_with_its_text_and_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    (tmp_path / "fit.py").write_text(SCRIPT)
    entry = python(tmp_path, "fit.py", "--fast", "--password", "hunter2hunter2")
    assert (entry.cell.kind, entry.cell.source, entry.cell.outcome) == ("script", SCRIPT, "ok")
    assert entry.cell.facts["file"] == str(tmp_path / "fit.py")
    assert entry.session.start["argv"][1:3] == ["fit.py", "--fast"]
    assert "hunter2hunter2" not in str(entry.session.start)
    assert entry.cell.duration_s > 0
    assert entry.code.endswith("\nvalue = 1\n")


def test_a_script_that_fails_after_a_put_is_recorded_as_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    (tmp_path / "fit.py").write_text(SCRIPT + "1/0\n")
    cell = python(tmp_path, "fit.py", status=1).cell
    assert (cell.outcome, cell.error) == ("error", "ZeroDivisionError: division by zero")


def test_a_module_run_by_name_is_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    (tmp_path / "fit.py").write_text(SCRIPT)
    assert python(tmp_path, "-m", "fit").cell.source == SCRIPT


def test_a_command_is_recorded_with_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    entry = python(tmp_path, "-W", "error", "-c", SCRIPT, "-c", "not this")
    assert (entry.cell.kind, entry.cell.source) == ("script", SCRIPT)


@pytest.mark.parametrize("arguments", [[], ["-"], ["-i"]])
def test_what_is_typed_at_a_prompt_is_unknown_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    cell = python(tmp_path, *arguments, text=SCRIPT).cell
    assert (cell.kind, cell.source) == ("interactive", None)
    assert "Python does not keep" in cell.facts["reason"]


def test_a_script_deleted_while_it_runs_says_that_its_text_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    (tmp_path / "fit.py").write_text("import os; os.remove('fit.py')\n" + SCRIPT)
    cell = python(tmp_path, "fit.py").cell
    assert (cell.kind, cell.source) == ("script", None)
    assert cell.facts["reason"] == "the file could not be read: No such file or directory"


def test_a_test_is_found_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    ran = running()
    assert ran.kind == "test"
    assert ran.source is not None


def test_an_activity_means_something_only_in_another_process():
    assert not this_activity("s", 1).is_from_elsewhere
    assert Activity("s", 1, "another process").is_from_elsewhere
    assert running(Activity("s", 1, "another process")) is running(Activity("s", 1, "another process"))


def test_an_error_whose_message_fails_is_told_by_its_type():
    class OddError(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert error_text(OddError()) == "OddError"
    assert len(error_text(ValueError("x" * 10_000))) == 500
