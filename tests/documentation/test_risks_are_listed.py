"""docs/reference/risks.md lists every kind of risk, with the advice that is shown with it."""

from __future__ import annotations

from pathlib import Path

from isfdb.provenance.risk_kinds import ADVICE

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "risks.md"


def test_the_table_is_that_of_the_code():
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert {kind.strip("`"): advice for kind, _, advice in rows} == ADVICE
