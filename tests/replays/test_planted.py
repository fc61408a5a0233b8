"""Planted examples: each value is replayed after its project has changed, and the verdict must say what happened.

They were written from what is promised, without a look at how it is done. How to write one is in ``README.md``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .harness import Outcome, missing, run_projects
from .reading import all_projects, all_rows

HERE = Path(__file__)
ROWS = all_rows()
PROJECTS = all_projects()

pytestmark = pytest.mark.timeout(3600)


def _marks(name: str) -> list[Any]:
    row = ROWS[name]
    reason = PROJECTS[row.project].defects.get(row.what)
    return [pytest.mark.xfail(strict=True, reason=reason)] if reason else []


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Live through every project that a collected test asks about, once."""
    asked = {item.callspec.params["name"] for item in request.session.items if item.path == HERE and hasattr(item, "callspec")}
    names = {ROWS[name].project for name in asked & set(ROWS)} | (asked & set(PROJECTS))
    return run_projects(sorted(name for name in names if not missing(PROJECTS[name])), tmp_path_factory.mktemp("replays"))


def _outcome(outcomes: dict[str, Outcome], project: str) -> Outcome:
    if project not in outcomes:
        pytest.skip(f"needs {', '.join(missing(PROJECTS[project]))}")
    return outcomes[project]


@pytest.mark.parametrize("name", [pytest.param(name, marks=_marks(name)) for name in ROWS])
def test_a_replay_says_what_happened(name: str, outcomes: dict[str, Outcome]) -> None:
    row = ROWS[name]
    assert _outcome(outcomes, row.project).problem(row) == ""


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_goes_as_it_is_told(name: str, outcomes: dict[str, Outcome]) -> None:
    assert _outcome(outcomes, name).died == ""


def test_there_are_as_many_replays_as_promised() -> None:
    assert len(ROWS) >= 130
