"""How what ran differs from the notebook or script as it is now: the difference of each cell's source. It only reads."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from isfdb.comparing.difference import diff_html
from isfdb.display.safe import escape
from isfdb.explaining.scripts import session_of
from isfdb.jupyter.browsing.tabs.pieces import note
from isfdb.jupyter.browsing.tabs.subject import Subject

if TYPE_CHECKING:
    from isfdb.provenance.session import Cell, Session

_MOST_BYTES: Final = 50 * 10**6
_MOST_CELLS: Final = 60
_MOST_LINES: Final = 400
_ALIKE: Final = 0.6


@dataclass(frozen=True)
class CellNow:
    """A cell of the notebook as it is now."""

    id: str
    source: str


def difference_html(subject: Subject) -> str:
    """Return the differences as HTML, or why there is nothing to compare with."""
    version = subject.version
    session = session_of(version)
    if session is None:
        return note("The session that stored it is not on record in this database.")
    line = (version.record.get("activity") or {}).get("line")
    ran = [cell for cell in session.cells if cell.source and (not isinstance(line, int) or cell.line <= line)]
    stored_by = next((cell for cell in ran if cell.line == line), None)
    if stored_by is not None and stored_by.kind == "script":
        return _of_script(session, stored_by)
    path = _notebook(session)
    if path is None:
        told = session.start.get("notebook")
        return note(f"The notebook {told} is not there any more." if told else "Which notebook it was is not on record.")
    return _of_cells(_latest(ran), _cells_of(path), path)


def _notebook(session: Session) -> Path | None:
    """Return the notebook's file where it is still there: the path is a hint that the front end gave."""
    told = session.start.get("notebook")
    if not isinstance(told, str) or ("\0" not in told and not told):
        return None
    path = Path(os.path.join(str(session.start.get("directory") or ""), told))
    return path if path.suffix == ".ipynb" and path.is_file() else None


def _cells_of(path: Path) -> list[CellNow]:
    if path.stat().st_size > _MOST_BYTES:
        raise OSError(f"{path} is too large to be compared")
    members = json.loads(path.read_text(encoding="utf-8"))
    cells = members.get("cells") if isinstance(members, dict) else None
    found = [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"] if isinstance(cells, list) else []
    return [CellNow(str(cell.get("id") or ""), _joined(cell.get("source"))) for cell in found]


def _joined(source: Any) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source or "")


def _latest(ran: Sequence[Cell]) -> list[Cell]:
    """Return each cell as it ran last, in the order of that."""
    last: dict[str, Cell] = {}
    for cell in ran:
        name = str(cell.cell_id or cell.source)
        last.pop(name, None)
        last[name] = cell
    return list(last.values())[-_MOST_CELLS:]


def _of_cells(ran: Sequence[Cell], now: Sequence[CellNow], path: Path) -> str:
    parts = []
    n_same = 0
    for cell in ran:
        found = _counterpart(cell, now)
        if found is not None and found.source.strip() == (cell.source or "").strip():
            n_same += 1
        else:
            parts.append(_one(cell, found))
    told = f"{n_same} of {len(ran)} cells stand in {path.name}, as it was saved last, as they ran."
    return note(told) + "".join(parts)


def _counterpart(cell: Cell, now: Sequence[CellNow]) -> CellNow | None:
    """Return the cell of the notebook that has the id, else the one with the same text, else the one that is most alike."""
    source = (cell.source or "").strip()
    by_id = next((one for one in now if cell.cell_id and one.id == cell.cell_id), None)
    if by_id is not None:
        return by_id
    same = next((one for one in now if one.source.strip() == source), None)
    if same is not None:
        return same
    rated = [(difflib.SequenceMatcher(None, source, one.source.strip(), autojunk=False).quick_ratio(), one) for one in now]
    best = max(rated, key=lambda pair: pair[0], default=(0.0, None))
    return best[1] if best[0] >= _ALIKE else None


def _one(cell: Cell, found: CellNow | None) -> str:
    label = f"[{cell.count}]" if cell.count else cell.kind
    if found is None:
        return f"<p><b>{escape(label, 60)}</b> is not in the notebook any more</p>{unified(cell.source or '', '')}"
    return f"<p><b>{escape(label, 60)}</b> was changed since</p>{unified(cell.source or '', found.source)}"


def _of_script(session: Session, cell: Cell) -> str:
    told = cell.facts.get("file")
    path = Path(os.path.join(str(session.start.get("directory") or ""), str(told))) if isinstance(told, str) and told else None
    if path is None or not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return note(f"The script {told} is not there any more." if told else "Which file it was is not on record.")
    now = path.read_text(encoding="utf-8", errors="replace")
    if now.strip() == (cell.source or "").strip():
        return note(f"{path.name} is as it ran.")
    return note(f"{path.name} was changed since.") + unified(cell.source or "", now)


def unified(before: str, after: str) -> str:
    """Return the difference of two texts as HTML."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), "as it ran", "as it is now", lineterm=""))
    more = [f"… {len(lines) - _MOST_LINES:,} lines more"] if len(lines) > _MOST_LINES else []
    return diff_html("\n".join([*lines[:_MOST_LINES], *more]), "difference: - as it ran, + as it is now")
