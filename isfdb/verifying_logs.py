"""Do versions and the logs of sessions tell of each other? What was taken away, put in by hand or moved is found by that.

A version says in which session's log it was told (``logged``), and the log tells it, with its seal, before it is visible; a later line
says that it was done. What no log can show, because everything was rewritten to fit, is what a seal is for: `sealing`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from isfdb.errors import IsfdbError
from isfdb.exact_json import loads
from isfdb.hashing import digest_of
from isfdb.keys import folder_name, split_key
from isfdb.layout.current import KEY_SUFFIX, PART_FILE, SESSIONS_FOLDER, join
from isfdb.provenance.event_lines import CLOCK_STEP_S, Event, EventLog, Names, moment_of, read_events, sessions_in
from isfdb.provenance.session import read_lines
from isfdb.storage.base import Storage
from isfdb.storage.local import LocalStorage
from isfdb.verifying_shared import Find, Surviving
from isfdb.versions import state_of

_STEP = datetime.timedelta(seconds=CLOCK_STEP_S)


@dataclass(frozen=True, slots=True)
class Seen:
    """A version that is there.

    Attributes
    ----------
    key : str
        Within the topmost database.
    shown : str
        As the findings call it.
    """

    key: str
    shown: str
    number: int
    seal: str
    record: dict[str, Any]


def _part(storage: Storage) -> dict[str, Any]:
    """Return what an exported part of a database says of itself; an empty dict of a database that is none."""
    try:
        part = loads(storage.read(PART_FILE))
    except (OSError, ValueError, RecursionError):
        return {}
    return part if isinstance(part, dict) else {}


class Logs:
    """The logs of a database, and the versions that were seen, to be compared when all have been.

    Parameters
    ----------
    storage : Storage
    find, surviving : callable
    is_whole : bool
        Every key is looked at, so what is told and not seen is gone.
    """

    def __init__(self, storage: Storage, find: Find, surviving: Surviving, *, is_whole: bool) -> None:
        self.storage = storage
        self._find = find
        self._surviving = surviving
        self.part = _part(storage)
        self.is_part = bool(self.part)
        self._is_whole = is_whole and not self.is_part and isinstance(storage, LocalStorage)  # an overlay shows a moment of the past
        self._logs: dict[str, EventLog | None] = {}
        self._told: dict[str, list[Event]] = {}  # seal -> the lines that tell of it
        self._again: dict[str, tuple[int, dict[str, list[Event]]]] = {}  # session -> its log's size when it was read again
        self._seen: list[Seen] = []
        self._names = Names()
        self.n_untold = 0
        self.n_reclaimed_untold = 0
        if is_whole:
            self._read_all()

    def _read_all(self) -> None:
        for session in sessions_in(self.storage):
            self._log(session)

    def _log(self, session: str) -> EventLog | None:
        """Return what a session's log tells; None where there is none."""
        if session not in self._logs:
            self._logs[session] = None
            path = f"{SESSIONS_FOLDER}/{session}.jsonl"
            if "/" not in session and self.storage.size(path):
                with self._surviving("", None, path):
                    self._logs[session] = self._read(session)
        return self._logs[session]

    def _read(self, session: str) -> EventLog:
        log = read_events(self.storage, session)
        for problem in log.problems:
            self._find("broken chain", "", None, f"{SESSIONS_FOLDER}/{session}.jsonl", problem)
        for event in log.events:
            if event.kind == "rename":
                self._names.note(event.key, event.facts.get("to"))
            elif event.seal:
                self._told.setdefault(event.seal, []).append(event)
        return log

    # While versions are looked at ------------------------------------------------------------------------------------------------

    def note(self, seen: Seen) -> None:
        """Remember a version that is there."""
        if self.is_part:
            seen = replace(seen, key=join(str(self.part.get("within", "")), seen.key))
        self._seen.append(seen)
        if "renamed_to" in seen.record:
            own = seen.record.get("key")
            above = seen.key.removesuffix(own) if isinstance(own, str) else ""  # keys in records are those of the database at hand
            self._names.note(seen.key, f"{above}{seen.record['renamed_to']}")
        if "logged" in seen.record and not isinstance(seen.record["logged"], str):
            self.n_untold += 1

    def note_reclaimed(self, seen: Seen, mark: Any) -> None:
        """Check that whoever reclaimed a version's data, some of which is gone, told so."""
        session = mark.get("logged") if isinstance(mark, dict) else None
        if "logged" not in seen.record or self.is_part:
            return
        if not isinstance(session, str):
            self.n_reclaimed_untold += 1
        elif self._log(session) is not None and not self._was_collected(seen):
            message = "no log tells that its data was reclaimed"
            self._find("missing line", seen.shown, seen.number, "RECLAIMED", message)

    def _was_collected(self, seen: Seen) -> bool:
        """Say whether any log tells so: who was killed after the mark left the rest to another."""
        self._read_all()
        return any(event.kind == "collect" for event in self._told.get(seen.seal, ()))

    def _lines(self, seen: Seen, session: str) -> list[Event]:
        lines = self._told.get(seen.seal, ())
        return [event for event in lines if event.session == session and event.kind in ("publish", "delete")]

    # When all have been seen -----------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Compare what was seen with what is told."""
        for seen in self._seen:
            with self._surviving(seen.shown, seen.number, ""):
                self._check_version(seen)
        if self._is_whole:
            seals = {seen.seal for seen in self._seen}
            for event in self._published():
                if event.is_done and event.seal not in seals and not self._was_removed(event) and not self._is_there_now(event):
                    self._gone(event)
            self._witnesses()

    def _check_version(self, seen: Seen) -> None:
        session = seen.record.get("logged")
        if not isinstance(session, str) or self._log(session) is None:
            return  # nothing was told, or the log is gone, which is found where references are looked at
        lines = self._lines(seen, session) or self._read_again(seen, session)
        if not lines:
            message = f"the log of session {session} does not tell of it: it was changed or put there by hand, or the log was cut"
            self._find("missing line", seen.shown, seen.number, "", message)
        elif not any(event.version == seen.number and self._is_name_of(event.key, seen.key) for event in lines):
            message = f"it was stored as {lines[0].key!r} version {lines[0].version}, and no log tells that it got another name"
            self._find("moved", seen.shown, seen.number, "", message)
        else:
            self._check_time(seen, lines[0])

    def _read_again(self, seen: Seen, session: str) -> list[Event]:
        """Look once more: it may have been published since the log was read, if the log has grown."""
        size = self.storage.size(f"{SESSIONS_FOLDER}/{session}.jsonl")
        if session not in self._again or self._again[session][0] != size:
            self._again[session] = size, _by_seal(read_events(self.storage, session))
        return self._again[session][1].get(seen.seal, [])

    def _is_name_of(self, told: str, key: str) -> bool:
        if told == key:
            return True
        self._read_all()
        return key in self._names.after(told)

    def _check_time(self, seen: Seen, event: Event) -> None:
        """Check that a version was made before it was told, and after its session began; of a copy the original's time stands there."""
        log = self._logs[event.session]
        made, told = moment_of(seen.record.get("created")), moment_of(event.facts.get("time"))
        if log is None or made is None or told is None or "copied" in seen.record or log.has_clock_steps:
            return
        began = moment_of(log.start.get("created"))
        is_own = (seen.record.get("activity") or {}).get("session") == event.session
        if made > told + _STEP or (is_own and began is not None and made < began - _STEP):
            message = f"it says it was made at {made}, but its session began at {began} and told of it at {told}"
            self._find("wrong time", seen.shown, seen.number, "", message)

    def _published(self) -> Iterable[Event]:
        return [event for events in list(self._told.values()) for event in events if event.kind in ("publish", "delete")]

    def _was_removed(self, event: Event) -> bool:
        """Say whether a sub-database that held the version was removed, as a log tells."""
        removed = [one.facts.get("keys") for log in self._logs.values() if log for one in log.events if one.kind == "remove"]
        if not removed or event.version is None:
            return False
        names = self._names.after(event.key)
        return any(isinstance(keys, dict) and event.version <= int(keys.get(name, 0)) for keys in removed for name in names)

    def _is_there_now(self, event: Event) -> bool:
        """Look once more: it may have been renamed while keys were looked at."""
        for name in self._names.after(event.key):
            folder = "/".join([folder_name(one) for one in split_key(name)]) + KEY_SUFFIX
            try:
                if state_of(self.storage, folder, event.version or 0).record.get("record") == event.seal:
                    return True
            except (OSError, IsfdbError):
                continue  # not there, then
        return False

    def _gone(self, event: Event) -> None:
        at = event.facts.get("time")
        message = (
            f"session {event.session} published it at {at} (line {event.line}), and what it published is not there: removed, or replaced"
        )
        self._find("missing version", event.key, event.version, "", message)

    def _witnesses(self) -> None:
        """Check that each log still holds what the log of the next session saw of it."""
        for log in [log for log in self._logs.values() if log is not None]:
            after = log.start.get("after")
            after = after if isinstance(after, dict) else {}
            session = after.get("session")
            if not isinstance(session, str):
                continue
            path = f"{SESSIONS_FOLDER}/{session}.jsonl"
            if self._log(session) is None:
                self._find("missing record", "", None, path, f"the log {path} was there when session {log.session} began, and is gone")
            elif isinstance(after.get("lines"), int) and self._digest_of_line(session, after["lines"] - 1) != after.get("digest"):
                message = f"it had {after['lines']:,} lines when session {log.session} began; they were cut off or changed since"
                self._find("broken chain", "", None, path, message)

    def _digest_of_line(self, session: str, line: int) -> str | None:
        lines, _ = read_lines(self.storage, session)
        return digest_of(lines[line][0]) if 0 <= line < len(lines) else None


def _by_seal(log: EventLog) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in log.events:
        if event.kind in ("publish", "delete"):
            found.setdefault(event.seal, []).append(event)
    return found
