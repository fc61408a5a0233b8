"""Assembles the record of a put, and remembers what this process has recorded in each database. Never raises, never prints.

What is asked about a put is answered by `answers.py`. Within one cell the answer is reused; a second put costs a dictionary look-up.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from typing import Any

from isfdb.exact_json import loads
from isfdb.hashing import digest_of
from isfdb.keys import key_of_folder
from isfdb.layout.current import CODE_FOLDER, DATABASE_FILE
from isfdb.options import option
from isfdb.provenance.activities import Activity, end_of_script, ran_before, running, this_activity
from isfdb.provenance.answers import Answers
from isfdb.provenance.cells import Ran, after_cell, before_cell
from isfdb.provenance.records import Explained, Risk
from isfdb.provenance.senders import note_sent
from isfdb.provenance.session_log import SessionLog
from isfdb.provenance.stored_records import readable, reason, store, stored_code
from isfdb.provenance.written_files import Teller
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
        self.is_complete = False  # nothing is late, and no collector failed
        self.good_until = 0.0
        self.late_in: list[Ran] = []
        self.database_id = ""
        self.teller = Teller()
        self.risks: list[Risk] = []  # in sources and packages, as they were when this was last looked at


_records: dict[str, _DatabaseRecords] = {}  # by location
_lock = threading.RLock()
_watcher: Any = None
_opened: dict[str, str] = {}  # what isfdb.open was given -> link of what it opened
_parents: dict[str, dict[str, Any]] = {}  # location -> what the process that forked this one was doing


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
        return readable({"unknown": {"all": reason(error)}})


def _capture(storage: Storage, carried: Activity | None) -> dict[str, Any]:
    ran = running(carried)
    records = _records.get(storage.location)
    if records is not None and records.ran is ran and records.log.storage is storage and time.monotonic() < records.good_until:
        return records.members
    records = _sound_records(storage, carried)
    if records.ran is not ran or ran.kind != "cell" or not records.is_complete:
        _assemble(storage, records, ran)
    is_late = bool(records.late_in) and records.late_in[-1] is ran
    records.good_until = time.monotonic() + (LATE_S if is_late else STALE_S)
    return records.members


def note_opened(target: str, link: str) -> None:
    """Note under which name code opened a database: the script that makes a value needs it."""
    _opened[target] = link


def explanation(storage: Storage, carried: Activity | None, key_folder: str) -> Explained:
    """Return how the value that is stored right now is made, after :func:`capture` was asked about it.

    Parameters
    ----------
    storage : Storage
    carried : Activity, optional
        As for :func:`capture`.
    key_folder : str
        Of the key, seen from the topmost database.
    """
    if storage.location not in _records:
        return Explained()  # nothing is recorded: the slicer need not be imported
    from isfdb.provenance.explanation import Put, explain

    try:
        with _lock:
            records = _records.get(storage.location)
            if records is None or not option("capture"):
                return Explained()
            records.database_id = records.database_id or loads(storage.read(DATABASE_FILE))["id"]
            key = key_of_folder(key_folder)
            return explain(Put(storage, records.log, records.database_id, key, running(carried), _opened, records.risks, carried))
    except Exception as error:  # noqa: BLE001 - provenance never costs a save; the reason is recorded
        _log.debug("explaining a value failed", exc_info=True)
        return Explained(readable({"unknown": {"slice": reason(error)}}))


def log_digest(storage: Storage) -> str:
    """Return the digest of the last line of this session's log, which each line before it has a part in; empty where there is none."""
    records = _records.get(storage.location)
    return (records.log.last_digest or "") if records is not None else ""


def session_log(storage: Storage) -> SessionLog:
    """Return the log of this session in a database."""
    with _lock:
        return _sound_records(storage, None).log


def _sound_records(storage: Storage, carried: Activity | None) -> _DatabaseRecords:
    """Return what is known about this database; nothing, if it was replaced or its session deleted since."""
    records = _records.get(storage.location)
    if records is None or not records.log.is_intact():
        is_task = carried is not None and carried.is_from_elsewhere
        parent = carried.to_json() if carried is not None and is_task else _parents.get(storage.location)
        records = _records[storage.location] = _DatabaseRecords(storage, parent)
        _end_as_child_of_multiprocessing()
    records.log.storage = storage
    return records


def _assemble(storage: Storage, records: _DatabaseRecords, ran: Ran) -> None:
    answers = Answers(storage, records.log, records.stored, ran, _code_watcher)
    members = answers.members()
    records.risks = answers.risks()
    is_late = bool((members["code"] or {}).get("late"))
    records.late_in = [one for one in records.late_in if one is not ran] + [ran] * is_late
    records.is_complete = not answers.has_failed and not is_late
    records.ran, records.members = ran, readable(members)


def current_activity(storage: Storage, carried: Activity | None = None) -> Activity | None:
    """Return what a pickled handle carries to a worker: the activity that runs now, on record in the database it is a handle of.

    Parameters
    ----------
    storage : Storage
    carried : Activity, optional
        What the handle itself came with: a worker that passes it on sends it in the first sender's name.

    Returns
    -------
    Activity or None
        None where it could not be recorded: capture is switched off, or the database cannot be written.
    """
    if carried is not None and carried.is_from_elsewhere:
        return carried
    if storage.read_only or not option("capture"):
        return None
    try:
        with _lock:
            records = _sound_records(storage, None)
            ran = running(carried)
            activity = this_activity(records.log.id, records.log.line_of(ran, ran_before(ran)), _script_of_sender(storage, records, ran))
            note_sent(activity, ran)
            return activity
    except Exception:  # noqa: BLE001 - a handle that cannot be pickled would cost more than an unknown sender
        _log.debug("noting the sender of a handle failed", exc_info=True)
        return None


def link_of_running() -> str | None:
    """Return a link to the cell that runs, in the database that this session came to last; None where it stored nothing yet."""
    from isfdb.provenance.file_links import link_of_cell
    from isfdb.provenance.top_level import line_in_cell

    with _lock:
        records = next((one for one in reversed(_records.values()) if one.log.is_intact()), None)
        if records is None:
            return None
        ran = running()
        records.database_id = records.database_id or loads(records.log.storage.read(DATABASE_FILE))["id"]
        return link_of_cell(records.database_id, records.log.id, records.log.line_of(ran, ran_before(ran)), line_in_cell(ran))


def _script_of_sender(storage: Storage, records: _DatabaseRecords, ran: Ran) -> str:
    """Store the code that sends a handle to workers, once for all of them, and return its digest."""
    from isfdb.provenance.explanation import Put, script_of_sender

    try:
        records.database_id = records.database_id or loads(storage.read(DATABASE_FILE))["id"]
        code = script_of_sender(Put(storage, records.log, records.database_id, "", ran, _opened))
        if code:
            store(storage, records.stored, f"{CODE_FOLDER}/{digest_of(code)[:32]}.py", lambda: code)
        return digest_of(code)[:32] if code else ""
    except Exception:  # noqa: BLE001 - what the worker stores then says that its code is not known
        _log.debug("explaining what is sent failed", exc_info=True)
        return ""


def _cell_begins() -> None:
    _write_late_code()
    if _watcher is not None:  # asked from the first put on: a notebook that stores nothing starts no git
        for records in list(_records.values()):
            records.late_in.clear()  # the look that begins now can no longer tell how the sources were before
        _watcher.ask()


def _cell_ended(ran: Ran) -> None:
    """Write the outcome of a cell that stored something, in each database it stored into."""
    for records in list(_records.values()):
        try:
            records.log.write_outcome(ran)
        except Exception:  # noqa: BLE001 - a full disk, say; the other databases shall have theirs
            _log.debug("writing an outcome failed", exc_info=True)
    _write_done()
    _write_late_code()
    _follow(ran)
    _tell_what_was_written(ran)


def _follow(ran: Ran) -> None:
    """Read the cell now, between cells, and not when a value is stored."""
    try:
        if option("capture"):
            from isfdb.provenance.explanation import follow

            follow(ran)
    except Exception:  # noqa: BLE001 - a value that is stored later says why it has no slice
        _log.debug("following a cell failed", exc_info=True)


def _tell_what_was_written(ran: Ran) -> None:
    """Write which files the cells so far have written, in each database that the session stored into."""
    if not _records or not option("capture"):
        return
    from isfdb.provenance.explanation import values_behind

    so_far = ran_before(ran) if ran.kind == "cell" else [ran]
    for records in list(_records.values()):
        try:
            records.teller.tell(records.log, so_far, values_behind)
        except Exception:  # noqa: BLE001 - as for outcomes
            _log.debug("telling what was written failed", exc_info=True)


def _write_late_code() -> None:
    """Write the state of the sources that git told after the put, if it has told by now."""
    late = [records for records in list(_records.values()) if records.late_in]
    snapshot = _watcher.answer(0.0) if late else None
    if snapshot is None or snapshot.late:
        return
    for records in late:
        ran = records.late_in.pop()
        try:
            records.log.write_code(ran, stored_code(records.log.storage, records.stored, snapshot))
        except Exception:  # noqa: BLE001 - as above
            _log.debug("writing a late answer failed", exc_info=True)


def _end_as_child_of_multiprocessing() -> None:
    """See to it that a child of multiprocessing, which runs no exit handlers but its own, says what it has done."""
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and processes.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _write_done, exitpriority=0)


def _write_done() -> None:
    for records in list(_records.values()):
        try:
            records.log.write_done()
        except Exception:  # noqa: BLE001 - as for outcomes
            _log.debug("saying what was done failed", exc_info=True)


def _process_ends() -> None:
    script = end_of_script()
    if script is not None:
        _cell_ended(script)
    else:
        _write_done()
        _write_late_code()
    for records in list(_records.values()):
        try:
            records.teller.finish(records.log)
        except Exception:  # noqa: BLE001 - as for outcomes
            _log.debug("telling what was written failed", exc_info=True)


def _begin_anew_after_fork() -> None:
    """Begin a session of its own in a forked child, which names its parent's activity."""
    global _lock
    _lock = threading.RLock()
    for location, records in _records.items():
        if activity := records.members.get("activity"):
            _parents[location] = {"line": activity["line"], "session": activity["session"]}
    _records.clear()


before_cell.append(_cell_begins)
after_cell.append(_cell_ended)
atexit.register(_process_ends)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew_after_fork)
