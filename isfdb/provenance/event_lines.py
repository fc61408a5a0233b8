"""What sessions' logs tell of keys, read back: which version was published, deleted, renamed, collected, and whether it was done.

It judges nothing and knows no version folder; `events.py` and `session_log.py` write the lines.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from isfdb.layout.current import SESSIONS_FOLDER
from isfdb.provenance.session import EVENTS, chain_problems, read_lines
from isfdb.storage.base import Storage

#: Two clocks of one computer that drift apart by less have not been set.
CLOCK_STEP_S = 60.0


@dataclass(frozen=True, slots=True)
class Event:
    """One line that tells of a key.

    Attributes
    ----------
    session, line
        Where it stands.
    kind : str
        ``"publish"``, ``"delete"``, ``"rename"``, ``"remove"``, ``"collect"`` or ``"seal"``.
    key : str
        Within the topmost database, as it was called then.
    version : int or None
    seal : str
        Of the version's record; empty where the line is of no version.
    is_done : bool
        A later line says that it happened. Without one, the process may have been killed before.
    facts : dict
        The whole line.
    """

    session: str
    line: int
    kind: str
    key: str
    version: int | None
    seal: str
    is_done: bool
    facts: dict[str, Any]


@dataclass
class EventLog:
    """What one session's log tells.

    Attributes
    ----------
    start : dict
        Its first line.
    n_lines : int
    events : list of Event
    problems : list of str
        What is wrong with the chain.
    """

    session: str
    start: dict[str, Any] = field(default_factory=dict)
    n_lines: int = 0
    events: list[Event] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @cached_property
    def has_clock_steps(self) -> bool:
        """Whether the computer's clock was set while the session ran."""
        offsets = [offset for event in self.events if (offset := _offset(event.facts)) is not None]
        return bool(offsets) and max(offsets) - min(offsets) > CLOCK_STEP_S


def sessions_in(storage: Storage) -> list[str]:
    """Return the ids of all sessions that have a log, sorted."""
    return sorted(name.removesuffix(".jsonl") for name in storage.list(SESSIONS_FOLDER) if name.endswith(".jsonl"))


def read_events(storage: Storage, session: str) -> EventLog:
    """Read what a session's log tells of keys.

    Raises
    ------
    OSError
        There is no such log, or it cannot be read.
    """
    lines, problems = read_lines(storage, session)
    problems += chain_problems(lines, session)
    done = {number for _, line in lines for number in _numbers(line.get("done"))}
    told = [(number, line) for number, (_, line) in enumerate(lines) if line.get("kind") in EVENTS]
    events = [_event(session, number, line, number in done) for number, line in told]
    return EventLog(session, lines[0][1] if lines else {}, len(lines), events, problems)


def _numbers(member: Any) -> Iterable[int]:
    return [one for one in member if isinstance(one, int)] if isinstance(member, list) else ()


def _event(session: str, number: int, line: dict[str, Any], is_done: bool) -> Event:
    version = line.get("version")
    return Event(
        session=session,
        line=number,
        kind=str(line["kind"]),
        key=str(line.get("key", "")),
        version=version if isinstance(version, int) else None,
        seal=str(line.get("seal") or ""),
        is_done=is_done,
        facts=line,
    )


def _offset(line: dict[str, Any]) -> float | None:
    """Return by how much the clock of the wall is ahead of the one that nobody sets."""
    moment, clock = moment_of(line.get("time")), line.get("clock")
    return moment.timestamp() - clock if moment is not None and isinstance(clock, (int, float)) else None


def moment_of(text: Any) -> datetime.datetime | None:
    """Return the time that a record gives; None where it gives none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


class Names:
    """Which names keys were given, from lines and tombstones: where a key that was stored as one name may lie now."""

    def __init__(self) -> None:
        self._given: dict[str, set[str]] = {}
        self._most = _MOST_NAMES

    def note(self, old: Any, new: Any) -> None:
        """Remember that a key, or a sub-database, got another name."""
        if isinstance(old, str) and isinstance(new, str) and old and new:
            self._given.setdefault(old, set()).add(new)
            self._most += 1

    def after(self, key: str) -> set[str]:
        """Return every name that a key stored as `key` may have had since, that one included.

        When each was given is not asked, so a sub-database that was moved into one of its own old names seems to go on moving: names
        that are much longer than the key's are not followed.
        """
        found, waiting = {key}, [key]
        longest = key.count("/") + 1 + _MOST_LEVELS_ADDED
        while waiting and len(found) < self._most:
            parts = waiting.pop().split("/")
            for depth in range(1, min(len(parts), longest) + 1):
                given = self._given.get("/".join(parts[:depth]), ())
                names = {"/".join([new, *parts[depth:]]) for new in given} - found
                names = {name for name in names if name.count("/") < longest}
                waiting += names
                found |= names
        return found


_MOST_LEVELS_ADDED = 16  # by being moved into other sub-databases
_MOST_NAMES = 1000  # besides one for each rename that is told: lines that were forged could lead to any number
