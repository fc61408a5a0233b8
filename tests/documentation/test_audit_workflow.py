"""The workflow in the how-to page is YAML that GitHub reads, and its own commands do what the page says; installing is left out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "audit-on-every-push.md"
BLOCKS = [
    yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
]
WORKFLOW, GITLAB = BLOCKS
STEPS = WORKFLOW["jobs"]["audit"]["steps"]


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=folder, check=True, capture_output=True)


def environment(tmp_path: Path) -> dict[str, str]:
    """Return a runner's: no key of the user's, the cache where the workflow says, and the commands of this Python on the path."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    own = {"ISFDB_DATA_FOLDER": str(tmp_path / "runner"), "ISFDB_CACHE_FOLDER": str(tmp_path / "checkout" / ".isfdb-cache")}
    return kept | own | {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{kept['PATH']}"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a script and its database, cloned as a runner does."""
    project, clone = tmp_path / "project", tmp_path / "checkout"
    project.mkdir()
    git(project, "init", "-q")
    (project / "model.py").write_text("def double(x):\n    return 2 * x\n")
    (project / "run.py").write_text(
        "import isfdb, model\ndb = isfdb.open('results')\nfor i in range(3):\n    db[f'k{i}'] = model.double(i)\n"
    )
    git(project, "add", ".")
    git(project, "commit", "-qm", "code")
    kept = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    subprocess.run([sys.executable, "run.py"], cwd=project, env=kept, check=True, timeout=120)
    git(project, "add", "-f", "results")
    git(project, "commit", "-qm", "results")
    git(tmp_path, "clone", "-q", str(project), str(clone))
    project.rename(tmp_path / "elsewhere")  # a runner has the clone, and nothing at the place where the values were made
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "isfdb"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m isfdb.cli "$@"\n')
    command.chmod(0o755)
    return clone


def run(step: dict[str, Any], checkout: Path) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, cwd=checkout, env=environment(checkout.parent), capture_output=True, text=True, timeout=240)


def test_the_workflow_has_what_github_asks_for():
    assert set(WORKFLOW) == {"name", True, "permissions", "jobs"}  # YAML 1.1 takes `on` for a truth value; GitHub does not
    assert set(WORKFLOW[True]) == {"push", "pull_request", "schedule"} and WORKFLOW["permissions"] == {"contents": "read"}
    job = WORKFLOW["jobs"]["audit"]
    assert job["runs-on"] == "ubuntu-latest" and type(job["timeout-minutes"]) is int
    for step in STEPS:
        assert ("uses" in step) != ("run" in step) and set(step) <= {"name", "uses", "run", "with", "if"}
        assert "uses" not in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
    assert STEPS[0]["with"]["fetch-depth"] == 0
    assert GITLAB["audit"]["artifacts"]["reports"]["junit"] == "audit.xml"


def test_what_is_uploaded_is_what_the_steps_write():
    uploaded = next(step["with"]["path"].split() for step in STEPS if "upload-artifact" in step.get("uses", ""))
    written = " ".join([step["run"] for step in STEPS if "run" in step])
    assert uploaded == ["audit.xml", "audit.html"] and all(path in written for path in uploaded)


def test_the_commands_of_the_workflow_run_and_fail_where_a_value_does_not_come_out(checkout):
    audit, page = [step for step in STEPS if step.get("run", "").startswith("isfdb")]
    done = run(audit, checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "replay 1 of 1" in done.stderr and "repeated    3 of 3 (100 %)" in done.stdout
    suite = ElementTree.parse(checkout / "audit.xml").getroot().find("testsuite")
    assert suite is not None and (suite.get("tests"), suite.get("failures")) == ("4", "0")
    again = run(audit, checkout)
    assert again.returncode == 0 and "replay" not in again.stderr, "what is known is not run again"
    assert run(page, checkout).returncode == 0 and (checkout / "audit.html").stat().st_size > 1000

    damaged = next((checkout / "results").glob("k1.key/v*/Loader.json"))
    damaged.write_text(damaged.read_text().replace("2", "3"))
    failed = run(audit, checkout)
    assert failed.returncode == 1 and "changed file: k1 v1" in failed.stdout
    assert ElementTree.parse(checkout / "audit.xml").getroot().get("failures") == "1"
