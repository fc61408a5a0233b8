"""What was stored when, and by which cell: versions of many keys put together. Reads JSON only, never a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from isfdb.display import html
from isfdb.display.cells import CellSummary, cell_html, cell_summaries, cells_text
from isfdb.display.safe import visible
from isfdb.display.summaries import UNREADABLE, KeySummary, version_summary
from isfdb.display.text import facts_of, table_text
from isfdb.display.words import size_text, time_text

#: How many keys are looked into.
MAX_KEYS = 10_000


@dataclass(frozen=True)
class Stored:
    """One version, and where in which session it was stored."""

    summary: KeySummary
    session: str
    line: int | None
    label: str
    code: str
    environment: str

    def to_json(self) -> dict[str, Any]:
        """Return the members that ``--json`` prints."""
        return {**self.summary.to_json(), "session": self.session or None, "line": self.line, "cell": self.label or None}


class History(Sequence[Stored]):
    """Versions, oldest first, with the cells of the sessions that stored them; prints as a table, newest first.

    Parameters
    ----------
    stored : iterable of Stored
        The versions.
    sessions : mapping
        Session id to its cells, in the order they ran; empty where they were not asked for.
    """

    def __init__(self, stored: Iterable[Stored], sessions: Mapping[str, tuple[CellSummary, ...]] | None = None) -> None:
        self._stored = tuple(stored)
        self.sessions = dict(sessions or {})

    @overload
    def __getitem__(self, index: int) -> Stored: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Stored, ...]: ...
    def __getitem__(self, index: int | slice) -> Stored | tuple[Stored, ...]:
        return self._stored[index]

    def __len__(self) -> int:
        return len(self._stored)

    def to_json(self) -> dict[str, Any]:
        """Return the members that ``--json`` prints."""
        members: dict[str, Any] = {"versions": [version.to_json() for version in reversed(self._stored)]}
        if self.sessions:
            members["sessions"] = {name: [cell.to_json() for cell in cells] for name, cells in self.sessions.items()}
        return members

    def text(self, columns: int | None = None) -> str:
        """Return the history as text, cut to so many columns."""
        parts = [history_text(self._stored, columns=columns)]
        for name, cells in self.sessions.items():
            parts.append(f"session {name}\n{cells_text(cells) or '  (not on record here)'}")
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": html.fragment(history_table(self._stored), *self._cells_html())}

    def _cells_html(self) -> Iterator[str]:
        for name, cells in self.sessions.items():
            yield html.folded(f"session {name}", "".join(map(cell_html, cells)), is_open=True)


def log(db: Any, key: str | None = None, *, last: int | None = None, cells: bool = False) -> History:
    """Return what was stored in a database.

    Parameters
    ----------
    db : Database
    key : str, optional
        Only the versions of this key.
    last : int, optional
        Only the newest so many versions.
    cells : bool
        Read the sessions that stored them as well.
    """
    if key is not None:
        db.versions(key)  # says so where there never was such a key
    everything = history(db)
    stored = tuple(version for version in everything if key in (None, version.summary.key))
    shown = stored[-last:] if last else stored
    return History(shown, {name: _cells(db, name, everything) for name in sessions_of(shown)} if cells else None)


def _cells(db: Any, session_id: str, everything: tuple[Stored, ...]) -> tuple[CellSummary, ...]:
    from isfdb.provenance.session import read_session

    try:
        return cells_of_session(read_session(db.root._storage, session_id), session_id, everything)
    except FileNotFoundError:
        return ()  # a sub-database moved out by hand leaves its sessions behind


def history(db: Any, *, max_keys: int = MAX_KEYS) -> tuple[Stored, ...]:
    """Return every version and tombstone of a database, oldest first."""
    found: list[Stored] = []
    for key in sorted(_keys_ever(db))[:max_keys]:
        found += history_of(db, key)
    return tuple(sorted(found, key=lambda stored: (stored.summary.created is not None, stored.summary.created, stored.summary.key)))


def _keys_ever(db: Any) -> Iterator[str]:
    """Yield the keys of a database and its sub-databases, deleted ones included: their history is kept."""
    waiting = [("", db)]
    while waiting:
        prefix, database = waiting.pop()
        here = database._list(deleted=True)
        yield from [f"{prefix}{key}" for key in here.keys]
        waiting += [(f"{prefix}{name}/", database[name]) for name in here.sub_databases]


def history_of(db: Any, key: str) -> list[Stored]:
    """Return the versions and tombstones of one key, oldest first; empty where they cannot be read."""
    try:
        return [_stored(version, key) for version in db.versions(key)]
    except UNREADABLE:
        # History tells what can be told; `verify` names what cannot be read.
        return []


def _stored(version: Any, key: str) -> Stored:
    record = version.record if isinstance(version.record, Mapping) else {}
    activity = record.get("activity")
    activity = activity if isinstance(activity, Mapping) else {}
    line, count, kind = activity.get("line"), activity.get("count"), activity.get("kind")
    code = record.get("code")
    return Stored(
        summary=version_summary(version, key),
        session=str(activity.get("session") or ""),
        line=line if isinstance(line, int) else None,
        label=f"[{count}]" if count else kind if isinstance(kind, str) and kind != "cell" else "",
        code=str(code.get("snapshot") or "") if isinstance(code, Mapping) else "",
        environment=str(record.get("environment") or ""),
    )


def cells_of_session(session: Any, session_id: str, stored: tuple[Stored, ...]) -> tuple[CellSummary, ...]:
    """Return the cells of a session in the order they ran, each with what it stored."""
    by_line: dict[int, list[str]] = {}
    for version in stored:
        if version.session == session_id and version.line is not None:
            by_line.setdefault(version.line, []).append(f"{version.summary.key}@{version.summary.version}")
    return cell_summaries(session.cells, by_line)


def history_text(stored: tuple[Stored, ...], *, columns: int | None = None) -> str:
    """Return a table of versions, newest first."""
    rows = [
        (
            time_text(version.summary.created),
            version.summary.key,
            f"v{version.summary.version}",
            *facts_of(version.summary)[:2],
            version.label,
        )
        for version in reversed(stored)
    ]
    return (
        table_text(("stored", "key", "version", "what", "size", "cell"), rows, columns=columns, flexible=3)
        if rows
        else "nothing stored yet"
    )


def history_table(stored: Sequence[Stored]) -> str:
    """Return the same table as HTML."""
    names = ("stored", "key", "version", "what", "size", "cell", "digest")
    told = [(version, version.summary) for version in reversed(stored)]
    rows = [
        (time_text(key.created), key.key, f"v{key.version}", key.what, size_text(key.nbytes), version.label, key.digest[:16])
        for version, key in told[:1000]
    ]
    return html.table(names, rows) if rows else '<p class="i-muted">nothing stored yet</p>'


def sessions_of(stored: tuple[Stored, ...]) -> tuple[str, ...]:
    """Return the sessions that stored something, in the order of their first version."""
    return tuple(dict.fromkeys(visible(version.session) for version in stored if version.session))
