"""Assembles what is recorded about one put: which activity, whose, from which code, with which packages. Never raises, never prints.

Within one cell the answer is reused; a second put costs a dictionary look-up. What could not be learned is said under ``unknown``.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from isfdb.exact_json import dumps
from isfdb.layout.current import CODE_FOLDER, ENVIRONMENTS_FOLDER
from isfdb.options import option
from isfdb.provenance import cells
from isfdb.provenance.cells import Ran
from isfdb.provenance.session import Activity, SessionLog
from isfdb.storage.base import Storage

_log = logging.getLogger(__name__)

#: Outside notebooks nothing says that something new began, so the answer is looked at again after this long.
STALE_S = 1.0

#: While git has not answered yet, it is looked at again after this long.
LATE_S = 0.05


class _DatabaseRecords:
    """What this process has recorded in one database, so that nothing is written, or looked for, twice."""

    def __init__(self, storage: Storage, parent: dict[str, Any] | None) -> None:
        self.log = SessionLog(storage, parent)
        self.stored: set[str] = set()
        self.ran: Ran | None = None
        self.members: dict[str, Any] = {}
        self.good_until = 0.0
        self.late_in: list[Ran] = []


_records: dict[str, _DatabaseRecords] = {}
_lock = threading.RLock()
_watcher: Any = None
_parent: dict[str, Any] | None = None


def _code_watcher() -> Any:
    global _watcher
    if _watcher is None:
        from isfdb.provenance.collectors.code import CodeWatcher

        _watcher = CodeWatcher()
    return _watcher


def capture(storage: Storage, carried: Activity | None = None) -> dict[str, Any]:
    """Return what is to be recorded about a put that happens now.

    Parameters
    ----------
    storage : Storage
        Of the database that is written to; session, environment and code records go there, each once.
    carried : Activity, optional
        What a pickled handle brought along: the activity that sent the work.

    Returns
    -------
    dict
        Top-level members of ``metadata.json``. Shared between puts: not to be changed.
    """
    try:
        if not option("capture"):
            return {"unknown": {"all": "switched off by the option 'capture'"}}
        with _lock:
            return _capture(storage, carried)
    except Exception as error:  # noqa: BLE001 - provenance never costs a save; the reason is recorded
        _log.debug("capturing provenance failed", exc_info=True)
        return {"unknown": {"all": _reason(error)}}


def _capture(storage: Storage, carried: Activity | None) -> dict[str, Any]:
    ran = cells.running(carried)
    records = _records.get(storage.location)
    if records is not None and records.ran is ran and time.monotonic() < records.good_until:
        return records.members
    if records is None or not records.log.is_intact():
        parent = carried.to_json() if carried is not None and carried.process_id != os.getpid() else _parent
        records = _records[storage.location] = _DatabaseRecords(storage, parent)
    unknown: dict[str, str] = {}
    members: dict[str, Any] = {}
    for name, collect in _COLLECTORS.items():
        try:
            members[name] = collect(storage, records, ran, unknown)
        except Exception as error:  # noqa: BLE001 - one collector that fails costs its own answer only
            _log.debug("collecting %s failed", name, exc_info=True)
            members[name] = None
            unknown[name] = _reason(error)
    if unknown:
        members["unknown"] = unknown
    records.ran, records.members = ran, members
    is_late = bool((members.get("code") or {}).get("late"))
    patience_s = LATE_S if is_late else float("inf") if ran.kind == "cell" else STALE_S
    records.good_until = time.monotonic() + patience_s
    if is_late and ran not in records.late_in:
        records.late_in.append(ran)
    return members


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200].encode("utf-8", "replace").decode()


def _activity(storage: Storage, records: _DatabaseRecords, ran: Ran, unknown: dict[str, str]) -> dict[str, Any]:
    before = cells.ran_before_now() if ran.kind in ("cell", "callback") else []
    line = records.log.line_of(ran, before)
    activity = {"count": ran.count, "kind": ran.kind, "line": line, "session": records.log.id}
    if ran.facts.get("cell_id"):
        activity["cell_id"] = str(ran.facts["cell_id"])[:64]
    return activity


def _by(storage: Storage, records: _DatabaseRecords, ran: Ran, unknown: dict[str, str]) -> dict[str, Any]:
    from isfdb.provenance.collectors.machine import machine

    facts = machine()
    return {"host": facts.get("host"), "user": facts.get("user")}


def _code(storage: Storage, records: _DatabaseRecords, ran: Ran, unknown: dict[str, str]) -> dict[str, Any]:
    watcher = _code_watcher()
    # A put in a notebook does not wait: the look began with the cell, and if it has not ended the answer before it stands, marked.
    is_first = not watcher.has_answer
    snapshot = watcher.answer(option("git_timeout_s") if is_first or ran.kind != "cell" else 0.0)
    if snapshot.unknown and not (snapshot.late and snapshot.record):
        unknown["code"] = snapshot.unknown
    for name, blob in snapshot.blobs.items():
        _store(storage, records, f"{CODE_FOLDER}/{name}", lambda blob=blob: blob)
    _store(storage, records, f"{CODE_FOLDER}/{snapshot.digest}.json", lambda: dumps(snapshot.record).encode())
    return {**snapshot.summary, "snapshot": snapshot.digest, **({"late": True} if snapshot.late else {})}


def _environment(storage: Storage, records: _DatabaseRecords, ran: Ran, unknown: dict[str, str]) -> str:
    from isfdb.provenance.collectors.packages import environment

    found = environment()
    _store(storage, records, f"{ENVIRONMENTS_FOLDER}/{found.digest}.json", lambda: dumps(found.record).encode())
    _store(storage, records, f"{ENVIRONMENTS_FOLDER}/{found.digest}.requirements.txt", found.requirements.encode)
    return str(found.digest)


def _store(storage: Storage, records: _DatabaseRecords, path: str, content: Callable[[], bytes]) -> None:
    """Store a record that is named by its digest, once a database."""
    if path not in records.stored:
        data = content()
        if not storage.put(path, data) and storage.read(path) != data:
            storage.replace(path, data)  # a power cut left the name with less than the whole
        records.stored.add(path)


_COLLECTORS: dict[str, Callable[[Storage, _DatabaseRecords, Ran, dict[str, str]], Any]] = {
    "activity": _activity,
    "by": _by,
    "code": _code,
    "environment": _environment,
}


def current_activity() -> Activity | None:
    """Return the activity that a pickled handle carries to a worker: the newest one of this process; None before its first put."""
    with _lock:
        for records in reversed(_records.values()):
            activity = records.members.get("activity")
            if activity:
                return Activity(activity["session"], activity["line"], os.getpid())
    return None


def _cell_begins() -> None:
    if _watcher is not None:  # asked from the first put on: a notebook that stores nothing starts no git
        _watcher.ask()


def _cell_ended(ran: Ran) -> None:
    """Write the outcome of a cell that stored something, and the state of its sources if that was not known in time."""
    for records in list(_records.values()):
        facts = {}
        if ran in records.late_in and _watcher is not None:
            snapshot = _watcher.answer(0.0)
            if not snapshot.late:
                facts = {"code": {**snapshot.summary, "snapshot": snapshot.digest}}
                _store(records.log.storage, records, f"{CODE_FOLDER}/{snapshot.digest}.json", lambda: dumps(snapshot.record).encode())
            records.late_in.remove(ran)
        records.log.write_outcome(ran, **facts)


def _forget_after_fork() -> None:
    """Begin a session of its own in a forked child, which names its parent's activity."""
    global _lock, _parent
    _lock = threading.RLock()
    activity = next((records.members.get("activity") for records in reversed(_records.values())), None)
    _parent = {"line": activity["line"], "session": activity["session"]} if activity else None
    _records.clear()


cells.before_cell.append(_cell_begins)
cells.after_cell.append(_cell_ended)
os.register_at_fork(after_in_child=_forget_after_fork)
