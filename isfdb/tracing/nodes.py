"""Values, files and activities as nodes, from what records say about them. It reads session logs, each once, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from isfdb.display.safe import visible
from isfdb.display.words import size_text, what_text
from isfdb.exact_json import compact
from isfdb.hashing import digest_of
from isfdb.provenance.records import UsedFile, slice_of
from isfdb.provenance.session import Cell, path_of, read_session
from isfdb.storage.base import Storage
from isfdb.tracing.graph import Node
from isfdb.tracing.places import UNREADABLE, Lost, Places, Stored

_MOST_SESSIONS: Final = 100
_MOST_BYTES_OF_A_SESSION: Final = 32 << 20
_MOST_SOURCE = 400  # characters of a cell that its node carries


def value_node(found: Stored | Lost, places: Places) -> Node:
    """Return a stored value as a node; one that cannot be reached says why."""
    address = found.address
    facts: dict[str, Any] = {"database": address.database, "key": address.key, "version": address.version or None}
    if isinstance(found, Lost):
        label = address.label if address.version else address.key
        return Node(address.link, "value", label, "not reachable", facts, unknown=found.because)
    record, state = found.record, found.state
    unknown = record.get("unknown")
    because = f"what made it was not recorded: {visible(unknown['all'])}" if isinstance(unknown, dict) and "all" in unknown else ""
    describe = record.get("describe")
    what = what_text(describe if isinstance(describe, dict) else {}, str(record.get("dumper") or ""))
    facts |= {"digest": record.get("digest"), "created": record.get("created"), "what": what, "newest": found.numbers[-1]}
    facts |= {"database_name": places.name_of(address.database), "deleted": state.is_tombstone, "reclaimed": state.is_reclaimed}
    words = ["deleted"] if state.is_tombstone else [what, "reclaimed" if state.is_reclaimed else ""]
    if address.database != places.here.id:
        words.append(f"in {places.name_of(address.database)}")
    return Node(address.link, "value", address.label, " · ".join([word for word in words if word]), facts, because)


def file_node(used: UsedFile) -> Node:
    """Return a file that was read as a node; the same path with another content is another node."""
    facts = {"path": used.path, "size": used.size, "mtime": used.mtime, "digest": used.digest, "because": used.because or None}
    facts["written_here"] = used.written_here
    content = used.digest or f"{used.size}-{used.mtime}"
    words = ["file", size_text(used.size), "" if used.digest else "not digested", "written by the session" if used.written_here else ""]
    name = used.path.rstrip("/").rpartition("/")[2] or used.path
    return Node(f"file:{used.path}#{content}", "file", name, " · ".join([word for word in words if word]), facts)


class Activities:
    """Makes nodes of activities; the session logs they come from are read once each."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], Mapping[int, Cell] | str] = {}

    def node(self, found: Stored) -> Node | None:
        """Return the activity that made a version; None where its record names none."""
        activity = found.record.get("activity")
        if not isinstance(activity, dict):
            return None
        session, line = activity.get("session"), activity.get("line")
        if not isinstance(session, str) or type(line) is not int:
            return None
        cells = self._session(found.storage, session)
        cell = cells.get(line) if not isinstance(cells, str) else None
        source = cell.source if cell is not None and isinstance(cell.source, str) else ""
        by = found.record.get("by")
        facts: dict[str, Any] = {"session": session, "line": line, "count": activity.get("count"), "activity_kind": activity.get("kind")}
        facts |= {"source": source[:_MOST_SOURCE], "outcome": cell.outcome if cell else None, "started": cell.started if cell else None}
        facts |= {"by": dict(by) if isinstance(by, dict) else None}
        unknown = cells if isinstance(cells, str) else "" if cell else "the session's log has no such line"
        name = f"activity:{found.address.database}:{session}:{line}:{_inputs_digest(found.record)}"
        detail = _telling_line(source, found.record, is_cell=activity.get("kind") == "cell")
        return Node(name, "activity", _label(activity, line, cell), detail, facts, unknown)

    def _session(self, storage: Storage, session: str) -> Mapping[int, Cell] | str:
        """Return the cells of a session by line, or why they are not known."""
        place = (storage.location, session)
        if place not in self._cells:
            if len(self._cells) >= _MOST_SESSIONS:
                return f"more than {_MOST_SESSIONS} sessions are involved; the others were not read"
            self._cells[place] = _cells(storage, session)
        return self._cells[place]


def _cells(storage: Storage, session: str) -> Mapping[int, Cell] | str:
    try:
        if "/" in session or storage.size(path_of(session)) > _MOST_BYTES_OF_A_SESSION:
            return "the session's log is too large to be read for this"
        return {cell.line: cell for cell in read_session(storage, session).cells}
    except FileNotFoundError:
        return "the session's log is not in this database"
    except (*UNREADABLE, IndexError) as error:
        return f"the session's log cannot be read: {type(error).__name__}"


def _inputs_digest(record: Mapping[str, Any]) -> str:
    """Return what tells two activities of one cell apart: a script that stores, reads that again and stores more would be a circle."""
    return digest_of(compact(record.get("used") or []).encode("utf-8", "replace"))[:16]


def _label(activity: Mapping[str, Any], line: int, cell: Cell | None) -> str:
    kind, count = activity.get("kind"), activity.get("count")
    if kind == "cell":
        return f"cell [{count}]" if type(count) is int else f"cell in line {line}"
    file = cell.facts.get("file") if cell is not None else None
    name = f" {file.rpartition('/')[2]}" if isinstance(file, str) else ""
    return f"{kind[:40]}{name}" if isinstance(kind, str) else f"activity in line {line}"


def _telling_line(source: str, record: Mapping[str, Any], *, is_cell: bool) -> str:
    """Return the line of a cell that stored the value, if that is known, else the first that does something."""
    facts = slice_of(record)
    lines = source[:100_000].splitlines()
    if facts is not None and facts.at is not None and 0 < facts.at <= len(lines):
        return lines[facts.at - 1].strip()[:100]
    if not is_cell:
        return ""  # the first line of a script says nothing about the value
    told = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith(("#", "import ", "from ", "%"))]
    return (told or [""])[0][:100]
