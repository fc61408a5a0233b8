"""Executed cells as they are told: number, outcome, whether they ran before, what they stored."""

from __future__ import annotations

from isfdb.display.cells import cell_html, cell_summaries, cells_text
from isfdb.provenance.session import Cell


def _cell(line: int, source: str, **facts) -> Cell:
    known = {"kind": "cell", "count": line + 1, "cell_id": None, "started": None, "duration_s": 0.5, "outcome": "ok", "error": None}
    return Cell(**{"line": line, "source": source, "stored_in_history": True, "facts": {}, **known, **facts})


def test_a_cell_is_known_again_by_its_id_even_when_it_was_edited():
    told = cell_summaries([_cell(0, "x = 1", cell_id="a"), _cell(1, "x = 2", cell_id="a"), _cell(2, "x = 2", cell_id="b")])
    assert [cell.marks for cell in told] == [(), ("run again",), ()]


def test_without_ids_the_same_source_is_the_same_cell():
    told = cell_summaries([_cell(number, "x = 1") for number in range(3)])
    assert told[2].marks == ("run again (3×)",)


def test_outcomes_are_words():
    outcomes = ["ok", "error", "running", "unknown", "new kind"]
    told = cell_summaries([_cell(line, str(line), outcome=outcome) for line, outcome in enumerate(outcomes)])
    assert [cell.marks for cell in told] == [(), ("failed",), ("was running",), ("outcome unknown",), ("outcome unknown",)]


def test_what_is_no_cell_says_what_it_is():
    told = cell_summaries(
        [_cell(0, "x", kind="script", count=None, facts={"file": "/a/fit.py"}), _cell(1, "y", kind="interactive", count=None)]
    )
    assert [cell.label for cell in told] == ["script fit.py", "interactive"]


def test_a_cell_whose_source_is_not_known_is_told_all_the_same():
    (told,) = cell_summaries([_cell(0, None)])
    assert cells_text([told]).startswith("[1]")
    assert "<pre" in cell_html(told)


def test_text_shows_failure_error_and_what_was_stored_and_cuts_long_sources():
    cells = [_cell(0, "\n".join(f"line {n}" for n in range(9)), outcome="error", error="NameError: \x1b[2J")]
    text = cells_text(cell_summaries(cells, {0: ["rates@2"]}), lines=3)
    assert text.splitlines() == [
        "[1]  FAILED · 500 ms · stored rates@2",
        "    line 0",
        "    line 1",
        "    line 2",
        "    … 6 more lines",
        "    ! NameError: \\e[2J",
    ]
