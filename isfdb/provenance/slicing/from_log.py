"""Writes the script of a value anew, from the log of its session: with more in it than the slice, where the slice did not suffice."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from isfdb.provenance.records import Used, slice_of
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
    cells = [cell for cell in session.cells if cell.line <= line and cell.source is not None] if isinstance(line, int) else []
    if not cells or cells[-1].line != line:
        return None
    facts = slice_of(record)
    history = History()
    history.know_databases(facts.names if facts else ())
    for cell in cells[:-1]:
        history.add(_executed(cell))
    place = history.begin(_executed(cells[-1]))
    at = facts.at if facts else None
    step = history.advance(place, (at, _END_OF_LINE) if at is not None else None)
    wanted = Wanted(
        database_id,
        key,
        step,
        before=str(record.get("created") or ""),
        opened=facts.opened if facts else {},
        names=facts.names if facts else {},
        directory=str(session.start.get("directory") or ""),
    )

    def reads_of(one: Step) -> list[Used]:
        return [use for use in used if use.cell == cells[one.cell].line]

    return script_of(history, wanted, reads_of, level=level)


def _executed(cell: Cell) -> Executed:
    source = cell.source or ""
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
