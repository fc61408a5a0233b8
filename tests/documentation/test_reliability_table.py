"""The page's table of faults is what the tests counted, and a count that is bad cannot hide in it."""

from __future__ import annotations

from pathlib import Path

from isfdb.testing.reliability_table import BEGIN, END, OURS, Tally, main, read, replaced, table

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "reliability.md"
COUNTS = ROOT / "docs" / "explanation" / "reliability_counts.json"


def test_the_page_is_what_was_counted() -> None:
    page = PAGE.read_text(encoding="utf-8")
    again = f"run: python -m isfdb.testing.reliability_table --write {PAGE.relative_to(ROOT)}"
    assert page == replaced(page, table(read(COUNTS)), BEGIN, END), again


def test_isfdb_lost_nothing() -> None:
    assert not [row for row in read(COUNTS) if row["way"] == OURS and (row["lost"] or row["torn"] or row["wrong"])]


def test_naive_ways_did_lose() -> None:
    assert not [row for row in read(COUNTS) if row["way"] != OURS and not (row["lost"] or row["torn"] or row["wrong"])]


def test_counts_are_summed_and_shown(tmp_path: Path) -> None:
    tally = Tally()
    tally("kill", tries=1000)
    tally("kill", tries=234, torn=2)
    tally("kill", tries=10, lost=4, torn=1, way="in place")
    page, counts = tmp_path / "page.md", tmp_path / "counts.json"
    tally.write(counts)
    page.write_text(f"# Faults\n{BEGIN}\n{END}\n")
    main(["--write", str(page), "--counts", str(counts)])
    assert "| kill | 1,234 | 0 | **2** | 0 | in place: 4 lost, 1 torn of 10 |" in page.read_text()


def test_a_later_run_replaces_its_own_rows_only(tmp_path: Path) -> None:
    counts = tmp_path / "counts.json"
    for fault, tries in (("kill", 3), ("full disk", 5), ("kill", 7)):
        tally = Tally()
        tally(fault, tries=tries)
        tally.write(counts)
    assert [(row["fault"], row["tries"]) for row in read(counts)] == [("full disk", 5), ("kill", 7)]


def test_processes_of_a_parallel_run_are_summed(tmp_path: Path) -> None:
    first, second = Tally(), Tally()
    first("kill", tries=3)
    second("kill", tries=4, way="in place")
    first.add(second.rows())
    assert [(row["way"], row["tries"]) for row in first.rows()] == [("in place", 4), ("isfdb", 3)]
