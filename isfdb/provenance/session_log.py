"""Writes what this process executes into a database: one file of JSON lines, each chained to the one before by digest.

The text is written once in each database, however many keys are stored. A cell is written when it first matters, so while it still
runs; its outcome follows in a line of its own. Reading it back is `session.py`'s affair.
"""

from __future__ import annotations

import datetime
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

from isfdb.exact_json import compact
from isfdb.hashing import digest_of
from isfdb.provenance.cells import RUNNING, Ran
from isfdb.provenance.redaction import redact, redact_arguments
from isfdb.provenance.session import path_of
from isfdb.storage.base import Storage

_TORN = -1

#: A longer text that is in the log already is named by its line: a file has many tests, and long cells run again.
_LONG_SOURCE = 1000


def new_session_id() -> str:
    """Return an id that sorts by time."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{os.urandom(6).hex()}"


class SessionLog:
    """The session of this process in one database. Threads take turns.

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
        self._taken = 0  # how many of the cells that ran before are in the log
        self._line_of_source: dict[str, int] = {}  # digest of a long text -> the line that holds it
        self._awaited: dict[int, Ran] = {}  # line -> what was still running when it was written
        self._lock = threading.Lock()

    @property
    def last_digest(self) -> str | None:
        """Digest of the last line, which each line before it has a part in; None where there is no line."""
        return self._previous

    def is_intact(self) -> bool:
        """Say whether the log is as this process left it: not deleted, not torn by a full disk, its database not replaced."""
        return self.storage.size(path_of(self.id)) == self._bytes

    def line_of(self, ran: Ran, before: Sequence[Ran]) -> int:
        """Return the line of `ran`, writing it, and all that ran before it, if need be.

        Parameters
        ----------
        ran : Ran
        before : sequence of Ran
            Only ever grows from call to call.
        """
        with self._lock:
            if id(ran) not in self._line_of:
                lines = ([] if self._lines else [self._start()]) + self._outcomes()
                for one in [*before[self._taken :], ran]:
                    if id(one) not in self._line_of:
                        number = self._lines + len(lines)
                        self._note(one, number)
                        lines.append(self._without_repetition(_line(one), number))
                self._taken = len(before)
                self._append(lines)
            return self._line_of[id(ran)]

    def write_outcome(self, ran: Ran) -> None:
        """Write how something ended that was running when it was written; nothing happens for what is not in the log."""
        with self._lock:
            if self._line_of.get(id(ran)) in self._awaited and self.is_intact():
                self._append(self._outcomes())

    def write_code(self, ran: Ran, code: dict[str, Any]) -> None:
        """Write the state of the sources at a cell's start, which git told after the put."""
        with self._lock:
            line = self._line_of.get(id(ran))
            if line is not None and self.is_intact():
                self._append([_outcome(line, ran) | {"code": code}])

    def write_files(self, ran: Ran, files: dict[str, Any]) -> None:
        """Write what became known of files that something read, after it had stored a value."""
        with self._lock:
            line = self._line_of.get(id(ran))
            if line is not None and self.is_intact():
                self._append([_outcome(line, ran) | {"files": files}])

    def write_wrote(self, ran: Ran, before: Sequence[Ran], files: list[dict[str, Any]]) -> None:
        """Write which files something wrote, after all that ran before it."""
        line = self.line_of(ran, before)
        with self._lock:
            if self.is_intact():
                self._append([_outcome(line, ran) | {"wrote": files}])

    def _note(self, ran: Ran, line: int) -> None:
        self._line_of[id(ran)] = line
        self._kept.append(ran)
        if ran.outcome == RUNNING:
            self._awaited[line] = ran

    def _without_repetition(self, line: dict[str, Any], number: int) -> dict[str, Any]:
        source = line["source"]
        if source is None or len(source) < _LONG_SOURCE:
            return line
        first = self._line_of_source.setdefault(digest_of(source.encode("utf-8", "replace")), number)
        return line if first == number else line | {"source": None, "same_source_as": first}

    def _outcomes(self) -> list[dict[str, Any]]:
        ended = [line for line, ran in self._awaited.items() if ran.outcome != RUNNING]
        return [_outcome(line, self._awaited.pop(line)) for line in ended]

    def _append(self, lines: list[dict[str, Any]]) -> None:
        if not lines:
            return
        encoded = []
        previous = self._previous
        for line in lines:  # half a surrogate pair, which a front end or a file name may bring along, becomes a question mark
            encoded.append(compact({**line, "previous": previous}).encode("utf-8", "replace"))
            previous = digest_of(encoded[-1])
        data = b"\n".join(encoded) + b"\n"
        known_bytes, self._bytes = self._bytes, _TORN  # until the whole is written nobody may append: `is_intact` says so
        self.storage.append(path_of(self.id), data)
        self._bytes = known_bytes + len(data)
        self._previous = previous
        self._lines += len(lines)

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
            "notebook": redact(notebook)[0] if notebook else None,
            "parent": self.parent,
            "pid": os.getpid(),
            "python": sys.version,
            "session": self.id,
        }


def _working_directory() -> str | None:
    try:
        return redact(os.getcwd())[0]
    except OSError:  # deleted while this process stands in it
        return None


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds")


def _line(ran: Ran) -> dict[str, Any]:
    facts = {name: redact(fact)[0] if isinstance(fact, str) else fact for name, fact in ran.facts.items()}  # a test's name, say
    line: dict[str, Any] = {**facts, "count": ran.count, "kind": ran.kind, "source": None, "started": _time(ran.started)}
    if ran.source is not None:
        line["source"], n_redacted = redact(ran.source)
        if n_redacted:
            line["redacted"] = n_redacted
    return {**line, **_ending(ran)}


def _outcome(line: int, ran: Ran) -> dict[str, Any]:
    return {"kind": "outcome", "line": line, **_ending(ran)}


def _ending(ran: Ran) -> dict[str, Any]:
    told: dict[str, Any] = {"outcome": ran.outcome}
    if ran.duration_s is not None:
        told["duration_s"] = round(ran.duration_s, 6)
    if "error" in ran.facts:
        told["error"] = redact(ran.facts["error"])[0]
    if "error_line" in ran.facts:
        told["error_line"] = ran.facts["error_line"]
    return told
