"""The log of what a session executed, read back: its cells in order, and whether anybody edited them since. It writes nothing.

`session_log.py` writes it. The place of slices and lineage is not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final

from isfdb.exact_json import loads
from isfdb.hashing import digest_of
from isfdb.layout.current import SESSIONS_FOLDER
from isfdb.storage.base import Storage

#: What a later line may say about an earlier one.
_TOLD_LATER = ("outcome", "duration_s", "error", "error_line", "code")

#: Kinds of lines that tell of keys, and not of what was executed.
EVENTS: Final = frozenset({"publish", "delete", "rename", "remove", "collect", "seal"})

_NO_CELL: Final = EVENTS | {None, "start", "outcome", "done"}

#: A longer log of another session is not read to witness where it ends.
_MOST_WITNESSED_BYTES: Final = 8 * 2**20

#: A worker's task may have been sent by a task.
_MOST_PARENTS = 8

#: So many sessions are kept at most where they are kept.
_MOST_KEPT = 32


@dataclass(frozen=True)
class Cell:
    """One thing a session executed, as the log tells it.

    Attributes
    ----------
    line : int
        Its line in the log, counted from 0.
    kind : str
        ``"cell"``, ``"script"``, ``"test"``, ``"task"`` (in a worker), ``"callback"`` (between cells) or ``"interactive"``.
    source : str or None
        As executed, without secrets.
    count : int or None
        Execution count.
    cell_id : str or None
    started : str or None
        ISO-8601 time, UTC.
    duration_s : float or None
    outcome : str
        ``"ok"``, ``"error"``, ``"running"`` (it had not ended when it was last heard of) or ``"unknown"``.
    error : str or None
    stored_in_history : bool or None
    facts : dict
        The whole line, and what later lines say about it: ``code`` where git answered after the put, ``files`` where digests of files
        that were read were computed after it.
    error_line : int or None
        At which it stopped, counted from 1 without the empty lines at its beginning.
    """

    line: int
    kind: str
    source: str | None
    count: int | None
    cell_id: str | None
    started: str | None
    duration_s: float | None
    outcome: str
    error: str | None
    stored_in_history: bool | None
    facts: dict[str, Any]
    error_line: int | None = None


@dataclass(frozen=True)
class Session:
    """A session's log: how it began, and what it executed in order."""

    id: str
    start: dict[str, Any]
    cells: tuple[Cell, ...]

    @property
    def written(self) -> tuple[str, ...]:
        """Paths of the files that it wrote, each once."""
        lists = [cell.facts.get("wrote") for cell in self.cells]
        members = [one for found in lists if isinstance(found, list) for one in found if isinstance(one, dict)]
        return tuple(dict.fromkeys([one["file"] for one in members if isinstance(one.get("file"), str) and "\0" not in one["file"]]))


#: Where the log lies, the session's id, the size of the log -> the session.
KeptSessions = dict[tuple[str, str, int], Session]

_kept: ContextVar[KeptSessions | None] = ContextVar("isfdb_kept_sessions", default=None)


def path_of(session_id: str) -> str:
    """Return where the log lies in a database."""
    return f"{SESSIONS_FOLDER}/{session_id}.jsonl"


def witness_of_last(storage: Storage) -> dict[str, Any] | None:
    """Return where the log of the session that began last ends now: should it be cut or taken away, the log that says so knows.

    What is named must survive a power cut if the line that names it does, so the next flush takes that log along.
    """
    try:
        last = max((name for name in storage.list(SESSIONS_FOLDER) if name.endswith(".jsonl")), default=None)
        if last is None:
            return None
        path = f"{SESSIONS_FOLDER}/{last}"
        witness: dict[str, Any] = {"session": last.removesuffix(".jsonl")}
        if storage.size(path) > _MOST_WITNESSED_BYTES:
            return witness
        lines = storage.read(path).split(b"\n")[:-1]
        storage.rely_on(path)
        return witness | {"digest": digest_of(lines[-1]), "lines": len(lines)} if lines else None
    except OSError as error:
        return {"unknown": str(error.strerror)}


def read_lines(storage: Storage, session_id: str) -> tuple[list[tuple[bytes, dict[str, Any]]], list[str]]:
    """Return the lines that can be read, and what is wrong with the others.

    A torn last line is passed over: a full disk or a power cut leaves one, and no version names a line before it is on the disk.
    """
    lines: list[tuple[bytes, dict[str, Any]]] = []
    problems = []
    data = storage.read(path_of(session_id))
    texts = data.split(b"\n")
    for number, text in enumerate(texts[:-1]):
        try:
            line = loads(text)
            if not isinstance(line, dict):
                raise ValueError("it is no object")
            _check_kinds(line)
            lines.append((text, line))
        except ValueError as error:
            problems.append(f"line {number} cannot be read: {error}")
            lines.append((text, {}))
    return lines, problems


#: What the members of a line are, where they are there and not null. Whoever reads one relies on it.
_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(
        ("cell_id", "created", "directory", "error", "file", "head", "key", "kind", "outcome", "previous", "ran_as", "seal"), str
    ),
    **dict.fromkeys(("session", "source", "started", "time", "to"), str),
    **dict.fromkeys(("after", "cached", "files", "keys"), dict),
    **dict.fromkeys(("done", "wrote"), list),
    **dict.fromkeys(("error_line", "line", "number", "same_source_as", "version"), int),
    **dict.fromkeys(("clock", "duration_s"), (int, float)),
}


def _check_kinds(line: dict[str, Any]) -> None:
    for name, member in line.items():
        kind = _KINDS.get(name)
        if kind is not None and member is not None and not isinstance(member, kind):
            raise ValueError(f"its {name!r} is {str(member)[:100]!r}, which isfdb never writes there")


def read_session(storage: Storage, session_id: str) -> Session:
    """Read the log of a session; a torn last line is passed over.

    A worker's task shows the source of the cell that sent it, where this database holds that.

    Raises
    ------
    FileNotFoundError
        This database has no such log.
    """
    kept = _kept.get()
    if kept is None:
        return _whole(storage, session_id)
    place = (storage.location, session_id, storage.size(path_of(_checked_id(session_id))))
    session = kept.get(place)
    if session is None:
        session = _whole(storage, session_id)
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[place] = session
    return session


@contextmanager
def keeping_sessions(kept: KeptSessions) -> Iterator[None]:
    """Parse the log of a session once for all that is read in such blocks, until it grows: one page may ask for it five times.

    Parameters
    ----------
    kept : dict
        Filled here; the caller keeps it from block to block. Several threads may share it.
    """
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)


def _whole(storage: Storage, session_id: str) -> Session:
    session = _read(storage, session_id)
    return replace(session, cells=tuple([_with_senders_source(storage, cell) for cell in session.cells]))


def _read(storage: Storage, session_id: str) -> Session:
    lines, _ = read_lines(storage, _checked_id(session_id))
    later: dict[int, dict[str, Any]] = {}
    for _, line in lines:
        if line.get("kind") == "outcome" and isinstance(line.get("line"), int):
            facts = later.setdefault(line["line"], {})
            files = facts.get("files", {}) | (line["files"] if isinstance(line.get("files"), dict) else {})
            wrote = [*facts.get("wrote", []), *(line["wrote"] if isinstance(line.get("wrote"), list) else [])]
            facts.update({name: line[name] for name in _TOLD_LATER if name in line})
            facts.update({name: more for name, more in (("files", files), ("wrote", wrote)) if more})
    start = next((line for _, line in lines if line.get("kind") == "start"), {})
    what_ran = [(number, line) for number, (_, line) in enumerate(lines) if line.get("kind") not in _NO_CELL]
    told = [(number, _with_source(line, lines) | later.get(number, {})) for number, line in what_ran]
    return Session(session_id, start, tuple([_cell(number, facts) for number, facts in told]))


def _with_source(line: dict[str, Any], lines: list[tuple[bytes, dict[str, Any]]]) -> dict[str, Any]:
    """Return the line with its text, which an earlier line may hold."""
    first = line.get("same_source_as")
    if isinstance(first, int) and 0 <= first < len(lines):
        return line | {"source": lines[first][1].get("source")}
    return line


def _with_senders_source(storage: Storage, cell: Cell) -> Cell:
    sender: Cell | None = cell
    for _ in range(_MOST_PARENTS):
        if sender is None or sender.source is not None or sender.kind != "task":
            break
        sender = _sender(storage, sender)
    return cell if sender is None or sender is cell else replace(cell, source=sender.source, facts=cell.facts | {"sent_by": sender.facts})


def _sender(storage: Storage, task: Cell) -> Cell | None:
    parent = task.facts.get("parent")
    if not isinstance(parent, dict):
        return None
    try:
        session = _read(storage, str(parent.get("session")))
    except FileNotFoundError:  # it stored nothing here itself
        return None
    return next((cell for cell in session.cells if cell.line == parent.get("line")), None)


def _cell(number: int, facts: dict[str, Any]) -> Cell:
    return Cell(
        line=number,
        kind=str(facts.get("kind")),
        source=facts.get("source"),
        count=facts.get("count"),
        cell_id=facts.get("cell_id"),
        started=facts.get("started"),
        duration_s=facts.get("duration_s"),
        outcome=str(facts.get("outcome")),
        error=facts.get("error"),
        error_line=facts.get("error_line"),
        stored_in_history=facts.get("stored_in_history"),
        facts=facts,
    )


def line_digests(storage: Storage, session_id: str) -> list[str]:
    """Return the digest of each line of a log, up to the first that is not chained to the one before.

    Raises
    ------
    FileNotFoundError
        There is no such log.
    """
    digests: list[str] = []
    for text, line in read_lines(storage, _checked_id(session_id))[0]:
        if line.get("previous") != (digests[-1] if digests else None):
            break
        digests.append(digest_of(text))
    return digests


def _checked_id(session_id: str) -> str:
    if not isinstance(session_id, str) or "/" in session_id or session_id.startswith("."):  # as a forged record may name it
        raise FileNotFoundError(session_id)
    return session_id


def chain_problems(lines: list[tuple[bytes, dict[str, Any]]], session_id: str) -> list[str]:
    """Return what is wrong with the chain of a session's lines; an empty list where it is sound."""
    problems = []
    previous: str | None = None
    for number, (text, line) in enumerate(lines):
        if line and line.get("previous") != previous:
            problems.append(f"line {number} was written after another line than the one before it: a line was edited, dropped or moved")
        previous = digest_of(text)
    if lines and lines[0][1].get("session") != session_id:
        problems.append("line 0 does not begin this session")
    return problems


def check_chain(storage: Storage, session_id: str) -> list[str]:
    """Return what is wrong with a session's log; an empty list where it is sound."""
    lines, problems = read_lines(storage, session_id)
    return problems + chain_problems(lines, session_id)
