"""Notebooks in miniature: each stored script must give the stored value, and be hardly longer than the minimum made by hand.

The cases were written without a look at the slicer. What they cover, and how to write one, is in ``README.md``.
"""

from __future__ import annotations

import collections
import re
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .harness import Outcome, missing, run_cases, table
from .reading import all_cases

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = all_cases()

#: The largest median of size over minimum.
LARGEST_MEDIAN = 1.3


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Run every case that a collected test asks for, once."""
    is_long = bool(request.config.getoption("--long"))
    here = [item for item in request.session.items if item.path == Path(__file__) and hasattr(item, "callspec")]
    asked = {item.callspec.params["name"] for item in here}
    names = [name for name in CASES if (name in asked or not asked & set(CASES)) and not missing(CASES[name])]
    return run_cases(names, tmp_path_factory.mktemp("cases"), minimum=is_long, drop=is_long, isolated=is_long)


@pytest.fixture
def outcome(outcomes: dict[str, Outcome]) -> Callable[[str], Outcome]:
    """Give what came of a case, if its libraries are installed."""

    def get(name: str) -> Outcome:
        if name not in outcomes:
            pytest.skip(f"needs {', '.join(missing(CASES[name]))}")
        return outcomes[name]

    return get


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", CASES)
def test_the_session_runs_as_the_case_says(name: str, outcome: Callable[[str], Outcome]) -> None:
    assert outcome(name).facts["session"].get("died") is None


@pytest.mark.timeout(3600)
@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_the_minimum_made_by_hand_gives_the_value(name: str, outcome: Callable[[str], Outcome]) -> None:
    assert outcome(name).minimum_error is None
    assert not outcome(name).facts.get("superfluous"), "these marked statements are not needed"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.never])
def test_the_stored_script_gives_the_value(name: str, outcome: Callable[[str], Outcome]) -> None:
    one = outcome(name)
    assert one.slice_error is None, one.facts["session"].get("script")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.never])
def test_a_script_that_cannot_be_right_says_so(name: str, outcome: Callable[[str], Outcome]) -> None:
    one = outcome(name)
    assert re.search(one.case.never, one.warns), one.warns


@pytest.mark.timeout(3600)
def test_scripts_are_hardly_longer_than_the_minimum(outcomes: dict[str, Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    ratios = [one.ratio for one in outcomes.values() if one.ratio is not None and not one.case.never]
    with capsys.disabled():
        print("\n" + table(outcomes))
    assert statistics.median(ratios) <= LARGEST_MEDIAN


def test_every_construct_has_at_least_two_cases() -> None:
    table = (Path(__file__).parent / "README.md").read_text(encoding="utf-8").split("## What is covered")[1]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("| ")][1:]
    constructs = {word.strip() for row in rows for word in row.split(",")}
    counts = collections.Counter(word for case in CASES.values() for word in case.about)
    assert len(CASES) >= 170
    assert {word: counts[word] for word in constructs if counts[word] < 2} == {}
