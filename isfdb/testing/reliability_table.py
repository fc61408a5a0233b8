"""Writes the table of faults and of what was lost to them, from what the tests counted; it makes no fault itself.

``python -m pytest tests --long --tally docs/explanation/reliability_counts.json`` counts, and
``python -m isfdb.testing.reliability_table --write docs/explanation/reliability.md`` brings the page up to date.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from isfdb.testing.loaderdumper_table import markdown, replaced

BEGIN: Final = "<!-- Written by python -m isfdb.testing.reliability_table, from what the tests counted -->"
END: Final = "<!-- End of what is counted -->"

#: The way of storing that must lose nothing; every other one is there to show that the tests can fail.
OURS: Final = "isfdb"
_BAD: Final = ("lost", "torn", "wrong")


class Tally:
    """Sums what tests saw: how often they tried a fault, and how often something was bad afterwards."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], dict[str, int]] = {}

    def __call__(self, fault: str, *, tries: int, lost: int = 0, torn: int = 0, wrong: int = 0, way: str = OURS) -> None:
        """Add the tries of one test.

        Parameters
        ----------
        fault : str
            What was done: the row of the table. Tests that give the same words are summed.
        tries : int
            How often.
        lost, torn, wrong : int
            How often something acknowledged was gone; was neither old nor new, or could not be read; was another thing than promised.
        way : str
            Who stored: isfdb, or a naive way that has to lose.
        """
        found = self._counts.setdefault((fault, way), dict.fromkeys(("tries", *_BAD), 0))
        for name, count in (("tries", tries), ("lost", lost), ("torn", torn), ("wrong", wrong)):
            found[name] += count

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add the rows of another tally, as its `rows` gave them."""
        for row in rows:
            self(row["fault"], way=row["way"], **{name: row[name] for name in ("tries", *_BAD)})

    def rows(self) -> list[dict[str, Any]]:
        """Return what was counted, sorted, one dict for each fault and way."""
        return [{"fault": fault, "way": way, **counts} for (fault, way), counts in sorted(self._counts.items())]

    def write(self, path: Path) -> None:
        """Write the rows to a JSON file; rows of faults that were not tried this time stay in it."""
        tried = {(row["fault"], row["way"]) for row in self.rows()}
        standing = Tally()
        standing.add(row for row in read(path) if (row["fault"], row["way"]) not in tried)
        standing.add(self.rows())
        lines = [json.dumps(row) for row in standing.rows()]
        path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def columns(problems: Iterable[str]) -> dict[str, int]:
    """Count problems by the word that each begins with, for a tally.

    Examples
    --------
    >>> columns(["torn: a half array", "lost: version 3", "torn: no Loader.json"])
    {'lost': 1, 'torn': 2, 'wrong': 0}
    """
    words = [problem.partition(":")[0] for problem in problems]
    if unknown := set(words) - set(_BAD):
        raise ValueError(f"a problem begins with one of {_BAD} and a colon, not with {sorted(unknown)}")
    return {name: words.count(name) for name in _BAD}


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON file; none where there is no file."""
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return found


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the table, as Markdown: a line for each fault, with what isfdb lost and what naive ways did.

    Examples
    --------
    >>> counts = {"lost": 0, "torn": 0, "wrong": 0}
    >>> print(table([{"fault": "kill", "way": "isfdb", "tries": 1000, **counts}]).splitlines()[2])
    | kill | 1,000 | 0 | 0 | 0 |  |
    """
    ours: dict[str, Mapping[str, Any]] = {}
    naive: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["way"] == OURS:
            ours[row["fault"]] = row
        else:
            naive.setdefault(row["fault"], []).append(row)
    lines = [_line(fault, ours.get(fault), naive.get(fault, [])) for fault in sorted(ours | naive)]
    return markdown(("fault", "tries", *_BAD, "the same, done to naive ways"), lines) + "\n"


def _line(fault: str, ours: Mapping[str, Any] | None, naive: list[Mapping[str, Any]]) -> tuple[str, ...]:
    counts = [f"{ours['tries']:,}", *[_count(ours[name]) for name in _BAD]] if ours else [""] * (1 + len(_BAD))
    return fault, *counts, "; ".join(map(_told, naive))


def _count(number: int) -> str:
    return f"**{number:,}**" if number else "0"


def _told(row: Mapping[str, Any]) -> str:
    bad = [f"{row[name]:,} {name}" for name in _BAD if row[name]]
    return f"{row['way']}: {', '.join(bad) or 'none bad'} of {row['tries']:,}"


def main(arguments: list[str] | None = None) -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(prog="python -m isfdb.testing.reliability_table", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", metavar="PAGE", type=Path, help="put the table between the marks of this Markdown page")
    parser.add_argument("--counts", metavar="FILE", type=Path, default=Path("docs/explanation/reliability_counts.json"))
    given = parser.parse_args(arguments)
    text = table(read(given.counts))
    if given.write is None:
        sys.stdout.write(text)
        return
    given.write.write_text(replaced(given.write.read_text(encoding="utf-8"), text, BEGIN, END), encoding="utf-8")


if __name__ == "__main__":
    main()
