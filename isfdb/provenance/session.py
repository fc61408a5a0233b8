"""The append-only log of what a session executed: one file of JSON lines, each chained to the one before by digest.

The text of a session is stored once in each database it writes to, however many keys it stores. A cell is written when it first
matters, so while it still runs; its outcome follows in a line of its own. The place of slices and lineage is not here.
"""

from __future__ import annotations

import datetime
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from isfdb.exact_json import compact, loads
from isfdb.hashing import digest_of
from isfdb.layout.current import SESSIONS_FOLDER
from isfdb.provenance.cells import RUNNING, Ran
from isfdb.provenance.redaction import redact, redact_arguments
from isfdb.storage.base import Storage

MAX_LOG_BYTES = 2**30


@dataclass(frozen=True)
class Activity:
    """What stores a value: a line in a session's log. Small, picklable, and the same in every database.

    Attributes
    ----------
    session : str
    line : int
        Line of the cell in the log, counted from 0.
    process_id : int
        Of the process it ran in; elsewhere the activity is somebody's parent.
    """

    session: str
    line: int
    process_id: int

    def to_json(self) -> dict[str, Any]:
        """Return what a record holds."""
        return {"line": self.line, "session": self.session}


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
        The whole line.
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


@dataclass(frozen=True)
class Session:
    """A session's log: how it began, and what it executed in order."""

    id: str
    start: dict[str, Any]
    cells: tuple[Cell, ...]


def new_session_id() -> str:
    """Return an id that sorts by time."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{os.urandom(6).hex()}"


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds")


def path_of(session_id: str) -> str:
    """Return where the log lies in a database."""
    return f"{SESSIONS_FOLDER}/{session_id}.jsonl"


class SessionLog:
    """Writes what this process executes into one database. One a database and process; threads take turns.

    Parameters
    ----------
    storage : Storage
    parent : dict, optional
        The activity this process works for: of the process that forked it, or that sent it work.
    """

    def __init__(self, storage: Storage, parent: dict[str, Any] | None = None) -> None:
        self.storage = storage
        self.id = new_session_id()
        self.parent = parent
        self._lines = 0
        self._bytes = 0
        self._previous: str | None = None
        self._line_of: dict[int, int] = {}  # id of what ran -> its line
        self._kept: list[Ran] = []  # keeps those ids from being used again
        self._awaited: dict[int, Ran] = {}  # line -> what was still running when it was written
        self._lock = threading.Lock()

    def is_intact(self) -> bool:
        """Say whether the log is as this process left it: not deleted, not torn by a full disk, its database not replaced."""
        return self.storage.size(path_of(self.id)) == self._bytes

    def line_of(self, ran: Ran, before: Sequence[Ran]) -> int:
        """Return the line of `ran`, writing it, and all that ran before it, if need be."""
        with self._lock:
            lines: list[dict[str, Any]] = [] if self._lines else [self._start()]
            lines += self._outcomes()
            for one in [*before, ran]:
                if id(one) not in self._line_of:
                    self._line_of[id(one)] = self._lines + len(lines)
                    self._kept.append(one)
                    if one.outcome == RUNNING:
                        self._awaited[self._lines + len(lines)] = one
                    lines.append(_line(one))
            self._append(lines)
            return self._line_of[id(ran)]

    def write_outcome(self, ran: Ran, **facts: Any) -> None:
        """Write how something ended that was running when it was written; nothing happens for what is not in the log."""
        with self._lock:
            line = self._line_of.get(id(ran))
            if line in self._awaited and self.is_intact():
                self._append(self._outcomes(line, facts))

    def _outcomes(self, only: int | None = None, facts: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        ended = [line for line, ran in self._awaited.items() if ran.outcome != RUNNING and only in (None, line)]
        return [_outcome(line, self._awaited.pop(line)) | (facts or {}) for line in ended]

    def _append(self, lines: list[dict[str, Any]]) -> None:
        if not lines:
            return
        encoded = []
        previous = self._previous
        for line in lines:
            encoded.append(compact({**line, "previous": previous}).encode())
            previous = digest_of(encoded[-1])
        data = b"\n".join(encoded) + b"\n"
        self.storage.append(path_of(self.id), data)
        self._previous = previous
        self._lines += len(lines)
        self._bytes += len(data)

    def _start(self) -> dict[str, Any]:
        from isfdb.provenance.collectors.machine import machine

        # The notebook's path is a hint that some front ends give; nothing depends on it.
        notebook = os.environ.get("JPY_SESSION_NAME") or os.environ.get("PAPERMILL_INPUT_PATH")
        return {
            "argv": redact_arguments(getattr(sys, "orig_argv", sys.argv)),
            "created": _time(datetime.datetime.now(datetime.UTC).timestamp()),
            "directory": _working_directory(),
            "format": 1,
            "kind": "start",
            "machine": machine(),
            "notebook": notebook,
            "parent": self.parent,
            "pid": os.getpid(),
            "python": sys.version,
            "session": self.id,
        }


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _line(ran: Ran) -> dict[str, Any]:
    facts = dict(ran.facts)
    line: dict[str, Any] = {"count": ran.count, "kind": ran.kind, "outcome": ran.outcome, "source": None, "started": _time(ran.started)}
    if ran.source is not None:
        line["source"], n_redacted = redact(ran.source.encode("utf-8", "replace").decode())
        if n_redacted:
            line["redacted"] = n_redacted
    if ran.duration_s is not None:
        line["duration_s"] = round(ran.duration_s, 6)
    if "error" in facts:
        facts["error"] = redact(str(facts["error"]).encode("utf-8", "replace").decode())[0]
    return {**facts, **line}


def _outcome(line: int, ran: Ran) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": "outcome", "line": line, "outcome": ran.outcome}
    if ran.duration_s is not None:
        told["duration_s"] = round(ran.duration_s, 6)
    if "error" in ran.facts:
        told["error"] = redact(str(ran.facts["error"]).encode("utf-8", "replace").decode())[0]
    return told


# Reading back ------------------------------------------------------------------------------------------------------------------------


def _read_lines(storage: Storage, session_id: str) -> tuple[list[tuple[bytes, dict[str, Any]]], list[str]]:
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
            lines.append((text, line))
        except (ValueError, RecursionError) as error:
            problems.append(f"line {number} cannot be read: {error}")
            lines.append((text, {}))
    return lines, problems


def read_session(storage: Storage, session_id: str) -> Session:
    """Read the log of a session; a torn last line is passed over.

    Raises
    ------
    FileNotFoundError
        This database has no such log.
    """
    if "/" in session_id or session_id.startswith("."):
        raise FileNotFoundError(session_id)
    lines, _ = _read_lines(storage, session_id)
    outcomes = {line["line"]: line for _, line in lines if line.get("kind") == "outcome" and isinstance(line.get("line"), int)}
    start = next((line for _, line in lines if line.get("kind") == "start"), {})
    cells = [
        _cell(number, line, outcomes.get(number, {})) for number, (_, line) in enumerate(lines) if line.get("kind") not in (None, "start", "outcome")
    ]
    return Session(session_id, start, tuple(cells))


def _cell(number: int, line: dict[str, Any], outcome: dict[str, Any]) -> Cell:
    facts = {**line, **{name: fact for name, fact in outcome.items() if name in ("outcome", "duration_s", "error")}}
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
        stored_in_history=facts.get("stored_in_history"),
        facts=facts,
    )


def check_chain(storage: Storage, session_id: str) -> list[str]:
    """Return what is wrong with the chain of a session's lines; an empty list where it is sound."""
    lines, problems = _read_lines(storage, session_id)
    previous: str | None = None
    for number, (text, line) in enumerate(lines):
        if line and line.get("previous") != previous:
            problems.append(f"line {number} was written after another line than the one before it: a line was edited, dropped or moved")
        previous = digest_of(text)
    if lines and lines[0][1].get("session") != session_id:
        problems.append("line 0 does not begin this session")
    return problems
