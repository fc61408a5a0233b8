"""Writes the script of a value anew, from the log of its session: with more in it than the slice, where the slice did not suffice."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from isfdb.provenance.cached_cells import text_that_ran
from isfdb.provenance.records import SliceFacts, Used, slice_of
from isfdb.provenance.session import Cell, Session
from isfdb.provenance.slicing.script import LEVELS, Script, Wanted, script_of
from isfdb.provenance.slicing.slicer import Executed, History, without_empty_beginning
from isfdb.provenance.slicing.world import Step

#: Behind every column: the last statement of a line is meant.
_END_OF_LINE = 2**31


def script_from_log(
    session: Session, record: Mapping[str, Any], *, database_id: str, key: str, used: Sequence[Used] = (), level: str = LEVELS[0]
) -> Script | None:
    """Write the script of a stored value.

    Parameters
    ----------
    session : Session
        The one that stored it.
    record : Mapping
        ``metadata.json`` of the version.
    database_id : str
        Of the topmost database that holds it.
    key : str
        The whole key.
    used : sequence of Used
        What the value was made from, as recorded.
    level : str
        ``"statements"``, ``"cells"`` or ``"everything"``; see :func:`isfdb.provenance.slicing.script.script_of`.

    Returns
    -------
    Script or None
        None where the log does not hold the cell that stored the value.
    """
    line = (record.get("activity") or {}).get("line")
    facts = slice_of(record) or SliceFacts(None, (), (), 0, "")
    followed = _followed(session, line, facts.at, facts.names) if isinstance(line, int) else None
    if followed is None:
        return None
    history, step, cells = followed
    wanted = Wanted(
        database_id,
        key,
        step,
        before=str(record.get("created") or ""),
        opened=facts.opened,
        names=facts.names,
        directory=str(session.start.get("directory") or ""),
    )

    def reads_of(one: Step) -> list[Used]:
        return [use for use in used if use.cell == cells[one.cell].line]

    return script_of(history, wanted, reads_of, level=level)


def script_of_line(session: Session, cell: Cell, at: int | None, *, database_id: str) -> Script | None:
    """Write the script of what a cell did at one of its lines, as to write a file; None where the log does not hold the cell.

    Parameters
    ----------
    session : Session
    cell : Cell
    at : int or None
        The line, counted from 1; None: all that ran up to the cell.
    database_id : str
        Of the topmost database that the session stored into.
    """
    followed = _followed(session, cell.line, at, {})
    if followed is None:
        return None
    history, step, _ = followed
    directory = str(session.start.get("directory") or "")
    wanted = Wanted(database_id, "", step, before=cell.started or "", directory=directory, subject="a file that was written beside values")
    return script_of(history, wanted, lambda _: ())


def _followed(session: Session, line: int, at: int | None, names: Iterable[str]) -> tuple[History, Step | None, list[Cell]] | None:
    """Follow a session up to a line of one of its cells."""
    cells = [cell for cell in session.cells if cell.line <= line and cell.source is not None]
    if not cells or cells[-1].line != line:
        return None
    cells = [cell for cell in cells if cell.line == line or not cell.facts.get("run_by_cell")]  # as when they were followed
    history = History()
    history.know_databases(names)
    for cell in cells[:-1]:
        history.add(_executed(cell))
    place = history.begin(_executed(cells[-1]))
    return history, history.advance(place, (at, _END_OF_LINE) if at is not None else None), cells


def _executed(cell: Cell) -> Executed:
    source = text_that_ran(cell.source, cell.facts)
    return Executed(
        without_empty_beginning(source) if cell.kind == "cell" else source,
        cell.count,
        cell.outcome,
        cell.error_line,
        cell.cell_id,
        datetime.datetime.fromisoformat(cell.started).timestamp() if cell.started else None,
        cell.stored_in_history is False,
        cell.error or "",
    )
