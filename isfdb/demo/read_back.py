"""The second half of the demo, run as a process of its own: reads the results, explains, verifies and replays them, writes the page."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from isfdb.demo.folder import DATABASE, REPORT

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHARACTERS = 110


def main(folder: str) -> int:
    """Show what the database in `folder` holds; return 0 if all is as it should be, else 1."""
    from isfdb.opening import open as open_database

    with open_database(os.path.join(folder, DATABASE), mode="r+") as db:  # verdicts are kept beside the values
        _show(db)
        problems = [*_wrong_values(db), *_wrong_history(db), *_findings(db), *_not_repeated(db)]
        _write_page(db, os.path.join(folder, REPORT), problems)
    for problem in problems:
        print(f"! {problem}")
    return 1 if problems else 0


def _show(db: Any) -> None:
    from isfdb.display import tree
    from isfdb.display.cells import cells_text
    from isfdb.display.entries import entry_lines, entry_story
    from isfdb.display.history import cells_of_session, history

    print(f"\nWhat is there (db.ls(), isfdb ls)\n{tree(db, columns=_CHARACTERS)}")
    entry = db.entry("fit/slope")
    print(f"\nOne key (db.entry('fit/slope'), isfdb show)\n{entry_lines(entry_story(entry), columns=_CHARACTERS)}")
    session = entry.session
    if session is not None:
        cells = cells_of_session(session, entry.newest.record["activity"]["session"], history(db))
        print(f"\nThe cells that ran, in order (isfdb log)\n{cells_text(cells, lines=3)}")


def _wrong_values(db: Any) -> Iterator[str]:
    import numpy as np

    penguins = db["penguins"]
    if penguins.shape != (342, 5) or str(penguins["species"].dtype) != "category":
        yield f"'penguins' came back as {penguins.shape} with species of {penguins['species'].dtype}"
    slope, intercept = np.polyfit(penguins["flipper_mm"], penguins["mass_g"], 1)
    if not (db["fit/slope"] == slope and db["fit/intercept"] == intercept):
        yield f"'fit/slope' is {db['fit/slope']!r}; computed from 'penguins' again it is {slope!r}"
    residuals = penguins["mass_g"].to_numpy() - (db["fit/intercept"] + db["fit/slope"] * penguins["flipper_mm"].to_numpy())
    if not np.array_equal(db["fit/residuals"], residuals):
        yield "'fit/residuals' differ from what 'penguins' and the fit give"
    first = db.get("penguins", version=1)
    if first.shape != (344, 5):
        yield f"the first version of 'penguins' came back as {first.shape}"


def _wrong_history(db: Any) -> Iterator[str]:
    from isfdb.demo.run import ORDER

    session = db.entry("fit/slope").session
    if session is None:
        yield "the session that stored 'fit/slope' is not recorded"
        return
    outcomes = [cell.outcome for cell in session.cells][: len(ORDER)]
    expected = ["error" if number == ORDER.index("fit") else "ok" for number in range(len(ORDER))]
    # The last cell to store something is the last one that must be on record.
    if outcomes[: ORDER.index("draw")] != expected[: ORDER.index("draw")]:
        yield f"the outcomes of the cells on record are {outcomes}, not {expected}"
    cell = db.entry("fit/slope").cell
    if cell is None or "np.polyfit" not in (cell.source or "") or cell.cell_id != "fit":
        yield f"'fit/slope' is not attributed to the cell that made it, but to {cell!r}"


def _findings(db: Any) -> Iterator[str]:
    from isfdb.verifying import verify

    findings = verify(db)
    print(f"\nIs it whole and unchanged? (isfdb.verify(db), isfdb verify)\n{findings}")
    yield from (finding.message for finding in findings)


def _not_repeated(db: Any) -> Iterator[str]:
    from isfdb.auditing.audits import audit

    print("\nDoes each value come out again? (isfdb.audit(db), isfdb audit)", flush=True)
    found = audit(db, verify=False, jobs=2)
    print(found)
    yield from found.problems()


def _write_page(db: Any, path: str, problems: list[str]) -> None:
    from isfdb.reporting.reports import report

    report(db, path)
    with open(path, encoding="utf-8") as file:
        page = file.read()
    problems += [f"{path} lacks {part!r}" for part in ("data:image/png;base64,", "<svg", "np.polyfit", "</html>") if part not in page]
    print(f"\nA page that explains it: {REPORT}, {len(page) // 1000} kB")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except BrokenPipeError:  # Ctrl-C ended the demo before it could end this process
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
