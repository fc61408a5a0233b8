"""What a worker has read, told to the process that sent the work: that may get it as a result, and store what it makes of it.

A worker that got a handle, or was forked, leaves a line in a file of its own for each thing it reads, in a folder of the user's cache
that bears the sender's name. The sender looks there when it stores something. It works where both see the same cache folder; of other
workers only what they store themselves is known.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import time
from threading import get_ident
from typing import IO, TYPE_CHECKING, Any

from isfdb.exact_json import compact, loads
from isfdb.options import option
from isfdb.provenance import file_events
from isfdb.provenance.activities import Activity, process_name, running
from isfdb.provenance.cells import Ran
from isfdb.provenance.file_digests import FileFacts

if TYPE_CHECKING:
    from isfdb.provenance.usage import ValueRead

_log = logging.getLogger(__name__)

#: Folders of processes that did not end well are removed after this long.
LEFTOVER_S = 7 * 86400.0

#: A handle is passed on this often at most, as far as is looked.
MOST_SENDERS = 8

_FACTS = ("path", "mode", "device", "inode", "size", "mtime_ns", "ctime_ns", "changed")

_sent: dict[tuple[str, int], Ran] = {}  # (session, line) of what sent a handle -> it
_forked: dict[int, Ran] = {}  # id of what ran in the parent while it forked -> it
_has_forked = False
_arrived: Activity | None = None  # the newest that came to this process
_in_thread: dict[int, Activity] = {}  # thread -> whose handle it used last
_parent: str | None = None  # the process this one was forked from
_ran_in_parent = 0  # id, there, of what forked this process
_own_name = process_name()
_file: IO[bytes] | None = None
_heard: dict[str, int] = {}  # name of a worker's file -> how much of it was read


def note_sent(activity: Activity, ran: Ran) -> None:
    """Remember what sends a handle: workers name it by the activity."""
    _sent[activity.session, activity.line] = ran


def note_arrival(activity: Activity | None) -> None:
    """Note that a handle came from another process: what is read here from now on is read for that one.

    A cell or a test that gets one, as the result of a worker say, goes on working for itself.
    """
    global _arrived
    if activity is not None and activity.is_from_elsewhere and (_parent is not None or running().kind not in ("cell", "test")):
        _arrived = activity
        file_events.work_for_another()


def note_work(activity: Activity | None) -> None:
    """Note for whom this thread works: whose handle it uses."""
    if activity is not None and activity.is_from_elsewhere:
        _in_thread[get_ident()] = activity


def activity_in(thread: int) -> Activity | None:
    """Return for whom a thread works: whose handle it used last, else who sent the newest handle to this process."""
    return _in_thread.get(thread, _arrived)


def has_sender() -> bool:
    """Say whether this process works for another."""
    return _arrived is not None or _parent is not None


def tell(ran: Ran, what: ValueRead | FileFacts) -> None:
    """Leave a line for the sender of the work. Costs one short write for each thing that is read."""
    name, line = _addressee(ran)
    if name is None:
        return
    if isinstance(what, FileFacts):
        line["file"] = [getattr(what, member) for member in _FACTS]
    else:
        line["value"] = [what.link, what.digest, what.location]
    try:
        _open(name).write(compact(line).encode("utf-8", "surrogateescape") + b"\n")
    except OSError:
        _log.debug("the sender of the work could not be told", exc_info=True)


def _addressee(ran: Ran) -> tuple[str | None, dict[str, Any]]:
    """Return the process that sent the work, and how it knows what in it did so."""
    parent = ran.facts.get("parent")
    if ran.kind == "task" and isinstance(parent, dict) and _arrived is not None:
        return str(ran.facts.get("sender") or _arrived.process), {"line": parent["line"], "session": parent["session"]}
    return _parent, {"ran": _ran_in_parent}


def _open(name: str) -> IO[bytes]:
    global _file
    folder = _folder_of(name)
    if folder is None:
        raise FileNotFoundError("there is no cache folder")
    if _file is None or not _file.name.startswith(folder):
        if _file is not None:
            _file.close()
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _file = open(f"{folder}/{os.getpid()}-{os.urandom(4).hex()}.jsonl", "ab", buffering=0)  # noqa: SIM115 - kept open while we live
    return _file


def _folder_of(name: str) -> str | None:
    cache = option("cache_folder")
    return None if cache is None else f"{cache}/reads/{name}"


def hear() -> None:
    """Make notes of what workers have told since the last time. Costs nothing where no handle was sent and nothing was forked."""
    if not _sent and not _has_forked:
        return
    folder = _folder_of(process_name())
    if folder is None:
        return
    try:
        with os.scandir(folder) as found:
            names = [one.name for one in found if one.stat().st_size > _heard.get(one.name, 0)]
    except OSError:  # no worker has read anything
        return
    for name in names:
        with open(f"{folder}/{name}", "rb") as file:
            file.seek(_heard.get(name, 0))
            whole, newline, _ = file.read().rpartition(b"\n")
        _heard[name] = _heard.get(name, 0) + len(whole) + len(newline)
        for line in whole.splitlines():
            _note(loads(line))


def _note(line: dict[str, Any]) -> None:
    from isfdb.provenance import usage

    ran = _forked.get(line["ran"]) if "ran" in line else _first_sender(line["session"], line["line"])
    if ran is None:
        return
    if "file" in line:
        usage.note_file(FileFacts(**dict(zip(_FACTS, line["file"], strict=True))), ran, None)
    else:
        usage.note_value_of(ran, None, *line["value"])


def _first_sender(session: str, line: int) -> Ran | None:
    """Return what sent a handle first: a scheduler in a thread of this process may have taken it and passed it on."""
    ran = _sent.get((session, line))
    for _ in range(MOST_SENDERS):
        parent = ran.facts.get("parent") if ran is not None and ran.kind == "task" else None
        before = _sent.get((parent["session"], parent["line"])) if parent else None
        if before is None:
            break
        ran = before
    return ran


def _process_ends() -> None:
    """Take away what workers told this process, and what was told to processes that ended long ago."""
    global _file
    if _file is not None:
        _file.close()
        _file = None
    if not _sent and not _has_forked:
        return
    import shutil

    folder = _folder_of(process_name())
    if folder is None or _parent == process_name():
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with os.scandir(os.path.dirname(folder)) as entries:
            for entry in entries:
                if entry.stat().st_mtime < time.time() - LEFTOVER_S:
                    shutil.rmtree(entry.path, ignore_errors=True)
    except OSError:
        return


def _before_fork() -> None:
    """Remember what runs, for the child names it by its place in memory."""
    global _has_forked, _ran_in_parent
    if "isfdb.database" not in sys.modules:
        return  # nothing can be stored

    ran = running()
    _has_forked = True
    _forked[id(ran)] = ran
    _ran_in_parent = id(ran)  # for the child, which inherits it


def _begin_anew_after_fork() -> None:
    global _parent, _file, _has_forked, _own_name
    _parent = _own_name if _has_forked else None
    _own_name = process_name()
    if _file is not None:
        _file.close()  # the parent has it open for itself
    _file, _has_forked = None, False
    for known in (_sent, _forked, _heard, _in_thread):
        known.clear()


atexit.register(_process_ends)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_begin_anew_after_fork)
