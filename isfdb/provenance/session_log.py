"""Writes what this process executes into a database, and what it publishes there: JSON lines, each chained to the one before by digest.

The text is written once in each database, however many keys are stored. A cell is written when it first matters, so while it still
runs; its outcome follows in a line of its own. What is published is told before it is visible (`events.py` says in which lines), and
that it was done, in the line that comes next. Reading it back is the affair of `session.py` and `events.py`.
"""

from __future__ import annotations

import datetime
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from isfdb.exact_json import compact
from isfdb.hashing import digest_of
from isfdb.options import option
from isfdb.provenance import file_events
from isfdb.provenance.cells import RUNNING, Ran, first_folder
from isfdb.provenance.redaction import redact, redact_arguments
from isfdb.provenance.session import path_of, witness_of_last
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
        self._done: list[int] = []  # lines whose events have happened, which the next line is to say
        self._lock = threading.Lock()

    @property
    def last_digest(self) -> str | None:
        """Digest of the last line, which each line before it has a part in; None where there is no line."""
        return self._previous

    def is_intact(self) -> bool:
        """Say whether the log is as this process left it: not deleted, not torn by a full disk, its database not replaced."""
        return self.storage.size(path_of(self.id)) == self._bytes

    def write_events(self, events: Sequence[dict[str, Any]]) -> list[int]:
        """Write what is about to happen to keys, and return the lines; nothing waits for the disk.

        Raises
        ------
        OSError
            The disk refused: whether anything was written nobody knows.
        """
        with self._lock:
            lines = [] if self._lines else [self._start()]
            first = self._lines + len(lines)
            stamp = {"clock": round(time.monotonic(), 3), "time": _time(time.time())}
            self._append([*lines, *[event | stamp for event in events]])
            return list(range(first, first + len(events)))

    def note_done(self, lines: Sequence[int]) -> None:
        """Remember that what these lines announce has happened; the next line says so."""
        with self._lock:
            self._done += lines

    def write_done(self) -> None:
        """Say now what has happened, if anything is yet to be said: the process, or the cell, ends."""
        with self._lock:
            if self._done and self.is_intact():
                self._append([{"kind": "done"}])

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
        if self._done:
            lines = [{**lines[0], "done": self._done}, *lines[1:]]
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
        self._done = []

    def _start(self) -> dict[str, Any]:
        from isfdb.provenance.collectors.machine import machine

        begun = {
            "after": witness_of_last(self.storage),
            "clock": round(time.monotonic(), 3),
            "created": _time(time.time()),
            "format": 1,
            "kind": "start",
            "session": self.id,
        }
        if not option("capture"):  # a rename is told all the same, or nobody could tell it from a swap by hand
            return begun
        # The notebook's path is a hint that some front ends give; nothing depends on it.
        notebook = os.environ.get("JPY_SESSION_NAME") or os.environ.get("PAPERMILL_INPUT_PATH")
        return {
            **begun,
            "argv": redact_arguments(getattr(sys, "orig_argv", sys.argv)),
            "directory": _working_directory(),
            "machine": machine(),
            "notebook": redact(notebook)[0] if notebook else None,
            "parent": self.parent,
            "pid": os.getpid(),
            "python": sys.version,
        }


def _working_directory() -> str | None:
    """Return where the session began: from there its scripts go wherever they go, be it before ``import isfdb``."""
    try:
        return redact(first_folder() or file_events.first_directory or os.getcwd())[0]
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
