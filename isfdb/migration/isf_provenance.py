"""Carries what ISF recorded over into format 1: times, who, packages, and histories as sessions, each text stored once.

ISF repeated the whole history of a session, and the list of all packages, in the record of every key. Here a session is one log, with
a line for what was added from one value to the next, and a list of packages is one record. What ISF wrote comes back to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from isfdb.exact_json import compact, dumps
from isfdb.hashing import digest_of
from isfdb.layout.current import ENVIRONMENTS_FOLDER, FORMAT
from isfdb.provenance.redaction import redact
from isfdb.provenance.session import path_of
from isfdb.storage.base import Storage

#: Members of ISF's record that are long and the same for many keys.
_LISTS: Final = ("module_list", "conda_list", "module_versions")

#: Members that our record has itself, or that say what does not hold for the copy.
_OWN: Final = ("activity", "by", "code", "created", "environment", "isf", "unknown")


class Histories:
    """The sessions that stored the values of an ISF database, put together again from the histories of its keys.

    Parameters
    ----------
    records : sequence of dict
        The records of all keys, as format 1 shows them.
    """

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._place: dict[str, tuple[int, int]] = {}  # history -> its session and line
        self._pieces: list[list[str]] = []  # of each session
        self._began: list[str] = []
        self._hosts: list[Any] = []
        self._tips: list[str] = []  # of each session, its longest history so far
        told = [(history_of(record), str(record.get("created")), record) for record in records]
        for history, _, record in sorted(((h, c, r) for h, c, r in told if h is not None), key=lambda one: (len(one[0]), one[1])):
            if history not in self._place:
                self._add(history, record)

    def _add(self, history: str, record: Mapping[str, Any]) -> None:
        """Make a history the continuation of the longest one that it begins with, or a session of its own."""
        going_on = [place for place, tip in enumerate(self._tips) if history.startswith(tip + "\n")]
        if not going_on:
            self._pieces.append([history])
            self._tips.append(history)
            self._began.append(str(record.get("created")))
            self._hosts.append((record.get("by") or {}).get("host"))
            self._place[history] = len(self._pieces) - 1, 1
            return
        session = max(going_on, key=lambda place: len(self._tips[place]))
        self._pieces[session].append(history[len(self._tips[session]) + 1 :])
        self._tips[session] = history
        self._place[history] = session, len(self._pieces[session])

    def write(self, storage: Storage) -> None:
        """Write the logs that are not there yet."""
        for session in range(len(self._pieces)):
            storage.put(path_of(self._id(session)), self._text(session))

    def activity(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return where the log tells what stored a value; None where ISF kept no history."""
        history = history_of(record)
        if history is None:
            return None
        session, line = self._place[history]
        return {"count": None, "kind": "cell", "line": line, "session": self._id(session)}

    def _id(self, session: int) -> str:
        # The same histories give the same id, so an import that goes on finds the log that is there.
        moment = "".join(one for one in self._began[session][:19] if one.isdigit() or one == "T")
        return f"{moment}-{digest_of(chr(10).join(self._pieces[session]).encode('utf-8', 'replace'))[:12]}"

    def _text(self, session: int) -> bytes:
        start = {
            "created": self._began[session],
            "format": FORMAT,
            "kind": "start",
            "machine": {"host": self._hosts[session], "user": None},
            "reason": "copied from ISF, which joined all cells of a session to one text: a line here is what ran between two values",
            "session": self._id(session),
        }
        lines, previous = [], None
        for line in (start, *(_line(piece) for piece in self._pieces[session])):
            lines.append(compact({**line, "previous": previous}).encode("utf-8", "replace"))
            previous = digest_of(lines[-1])
        return b"\n".join(lines) + b"\n"


def _line(piece: str) -> dict[str, Any]:
    source, n_redacted = redact(piece)
    line = {"count": None, "kind": "cell", "outcome": "unknown", "source": source, "started": None}
    return {**line, "redacted": n_redacted} if n_redacted else line


def history_of(record: Mapping[str, Any]) -> str | None:
    """Return the history that ISF recorded, None where there is none."""
    history = (record.get("isf") or {}).get("history")
    return history if isinstance(history, str) and history else None


def carried_over(storage: Storage, record: Mapping[str, Any], histories: Histories) -> dict[str, Any]:
    """Return the members of a copy's record that tell the original's provenance; what they refer to is written first.

    Parameters
    ----------
    storage : Storage
        Of the new database.
    record : Mapping
        The record that format 1 shows of the value in the old database.
    histories : Histories
    """
    isf = dict(record.get("isf") or {})
    lists = {name: isf.pop(name) for name in _LISTS if name in isf}
    if history_of(record) is not None:
        isf.pop("history")
    isf = {name: redact(member)[0] if isinstance(member, str) else member for name, member in isf.items()}
    unknown = {name: why for name, why in (record.get("unknown") or {}).items() if name in ("all", "code")}
    return {
        "activity": histories.activity(record),
        "by": record.get("by"),
        "code": None,
        "created": record.get("created"),
        "environment": _environment(storage, lists) if lists else None,
        "isf": isf,
        "unknown": unknown,
    }


def _environment(storage: Storage, lists: dict[str, Any]) -> str:
    """Write what ISF knew about packages, once for all values that share it, and return the record's name."""
    record = {"isf": lists, "packages": _packages(lists)}
    digest = digest_of(compact(record).encode())[:32]
    storage.put(f"{ENVIRONMENTS_FOLDER}/{digest}.json", dumps(record).encode())
    return digest


def _packages(lists: Mapping[str, Any]) -> dict[str, str]:
    """Return names and versions from the text that ``conda list`` had printed."""
    text = lists.get("module_list") or lists.get("conda_list")
    rows = [line.split() for line in str(text or "").splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return {row[0]: row[1] for row in rows if len(row) >= 2 and row[1][:1].isdigit()}


def without_own(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is recorded about the copy itself: everything but what is told of the original."""
    return {name: fact for name, fact in record.items() if name not in _OWN}
