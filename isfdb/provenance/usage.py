"""What this process has read so far, and written: stored values and files, each with the cell and the line of the cell that did it.

Notes are kept in memory. `reduction.py` turns those of a slice into the member of a record; `file_events.py` brings the files.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from isfdb.options import option
from isfdb.provenance import file_events
from isfdb.provenance.activities import Activity, running
from isfdb.provenance.cells import Ran, watch
from isfdb.provenance.file_digests import FileFacts, facts_of
from isfdb.provenance.file_events import Opening
from isfdb.provenance.top_level import line_in_cell

_log = logging.getLogger(__name__)

#: So many different files are noted one by one for what ran; of further ones the folder is noted.
MOST_FILES: Final = 10_000

#: Names of files that this process wrote, kept to tell them from those that came from elsewhere.
MOST_WRITTEN: Final = 100_000


@dataclass(frozen=True, slots=True)
class ValueRead:
    """A stored value that was read.

    Attributes
    ----------
    link : str
        ``isfdb://<database id>/<key>@<version>``.
    digest : str or None
    location : str
        Of its database's storage, where it lay then.
    published : str or None
        When, where it was read as the newest version of its key.
    """

    link: str
    digest: str | None
    location: str
    published: str | None = None


@dataclass(slots=True)
class Use:
    """One note: what was read or written, by what, how often.

    Attributes
    ----------
    what : ValueRead or FileFacts
    ran : Ran
        The cell, script, test or task that did it.
    line : int or None
        Of the cell's text, counted from 1, at which the top level stood; None where that is not known, as in a background thread.
    is_output : bool
        It was opened to be written.
    written_here : bool
        This process had written the file before it read it.
    count : int
        How often.
    n_files : int
        Above 1 for a folder that stands for so many files in it.
    """

    what: ValueRead | FileFacts
    ran: Ran
    line: int | None
    is_output: bool = False
    written_here: bool = False
    count: int = 1
    n_files: int = 1


class _Notes:
    """The notes about one thing that ran, by line."""

    __slots__ = ("by_line", "folders", "n_files", "ran")

    def __init__(self, ran: Ran) -> None:
        self.ran = ran  # kept, so that no other gets its id
        self.by_line: dict[int | None, dict[Any, Use]] = {}
        self.n_files = 0
        self.folders: list[str] = []  # those noted as one thing, each with a slash at its end


_notes: dict[int, _Notes] = {}  # by id of what ran
_written: dict[str, None] = {}
_appended: dict[str, tuple[FileFacts, Ran, int | None]] = {}  # what this process added to files of others, and has not read so far
_folders: dict[str, None] = {}
_behind: deque[tuple[list[Opening], dict[int, Ran]]] = deque()
_lock = threading.RLock()  # the audit hook may come back in the middle of a note


def note_value(
    location: str,
    database_id: str,
    key: str,
    version: int,
    digest: str | None,
    carried: Activity | None = None,
    published: str | None = None,
) -> None:
    """Note that a stored value was read, by what runs now.

    Parameters
    ----------
    location : str
        Of the storage.
    database_id : str
        Of the database that `key` is counted from.
    key : str
    version : int
    digest : str or None
    carried : Activity, optional
        What the handle brought along.
    published : str, optional
        When, where it was asked for as the newest version.
    """
    try:
        if not option("capture"):
            return
        from urllib.parse import quote

        from isfdb.provenance import senders

        senders.note_work(carried)
        ran = running(carried)
        note_value_of(ran, line_in_cell(ran), f"isfdb://{database_id}/{quote(key)}@{version}", digest, location, published)
    except Exception:  # noqa: BLE001 - a note never costs a read
        _log.debug("noting a value failed", exc_info=True)


def note_value_of(ran: Ran, line: int | None, link: str, digest: str | None, location: str, published: str | None = None) -> None:
    """Note that a stored value was read by something that ran, at one of its lines."""
    value = ValueRead(link, digest, location, published)
    _add(Use(value, ran, line), (link, digest))
    _tell_sender(ran, value)


def note_gathered(gathered: list[Opening]) -> None:
    """Take over what the audit hook gathered since the last time. All of it belongs to what runs now in the thread that did it."""
    if option("capture"):
        _note_files(gathered, _who_ran(gathered))


def note_later(gathered: list[Opening]) -> None:
    """Take it over in the background. :func:`uses_of`, and whoever changes a file, does not miss it."""
    if option("capture"):
        _behind.append((gathered, _who_ran(gathered)))
        threading.Thread(target=catch_up, name="isfdb-files", daemon=True).start()


def is_behind() -> bool:
    """Say whether something waits to be noted."""
    return bool(_behind)


def catch_up() -> None:
    """Make notes of all that waits."""
    with _lock:
        while _behind:
            gathered, ran = _behind[0]
            _note_files(gathered, ran)
            _behind.popleft()


def _who_ran(gathered: list[Opening]) -> dict[int, Ran]:
    """Return what runs in each thread that opened a file."""
    return {thread: _ran_in(thread) for thread in {by[3] for _, by, _, _ in gathered}}


def _ran_in(thread: int) -> Ran:
    shell_watch = watch()
    cell = shell_watch.running_in(thread) if shell_watch is not None else None
    if shell_watch is not None and cell is not None and shell_watch.began_here(thread):
        return cell
    from isfdb.provenance import senders

    carried = senders.activity_in(thread)
    return running(carried) if cell is None or (carried is not None and carried.is_from_elsewhere) else cell


def _note_files(gathered: list[Opening], ran_in: dict[int, Ran]) -> None:
    runs_body = {thread: ran.kind == "cell" and (ran.source or "").lstrip().startswith("%%") for thread, ran in ran_in.items()}
    for path, (kind, first, second, thread), opened, count in gathered:
        line = second if second is not None and runs_body[thread] else first
        try:
            if file_events.is_data(path):
                _note_file(path, kind, ran_in[thread], line, opened, count)
        except (OSError, ValueError) as error:  # a path that no file can have
            _log.debug("%r could not be looked at: %s", path, error)


def _note_file(path: str, kind: int, ran: Ran, line: int | None, opened: float, count: int) -> None:
    facts = facts_of(path, opened)
    if facts is None:
        return  # somebody looked whether there is such a file
    if not stat.S_ISREG(facts.mode) and not facts.is_remote and not (facts.is_folder and kind & file_events.FOLDER):
        return  # a device, a pipe, a folder that is only listed
    if _folders and _is_part_of_folder(path, ran, line):
        return
    if kind & file_events.READ:
        if path in _appended:  # what it held when it was added to matters from now on
            note_file(*_appended.pop(path), is_before=True)
        note_file(facts, ran, line, count=count)
    if kind & file_events.APPENDED and path not in _written and len(_appended) < MOST_WRITTEN:
        _appended[path] = (facts, ran, line)
    if kind & file_events.WRITTEN:
        note_file(facts, ran, line, count=count, is_output=True)


def _is_part_of_folder(path: str, ran: Ran, line: int | None) -> bool:
    """Say whether a file belongs to a folder that was noted as one thing: chunks of a store, read in threads of their own."""
    notes = _notes.get(id(ran))
    return (line is None and path.startswith(tuple(_folders))) or (notes is not None and path.startswith(tuple(notes.folders)))


def note_file(facts: FileFacts, ran: Ran, line: int | None, *, count: int = 1, is_output: bool = False, is_before: bool = False) -> None:
    """Note that a file was read or written.

    Parameters
    ----------
    facts : FileFacts
    ran : Ran
        By what.
    line : int or None
        At which line of it.
    count : int
    is_output : bool
    is_before : bool
        It was opened before this process wrote to it, and that is noted only now.
    """
    with _lock:
        if is_output and len(_written) < MOST_WRITTEN:
            _written[facts.path] = None
        notes = _notes_of(ran)
        uses = notes.by_line.setdefault(line, {})
        key = (facts.path, True) if is_output else (facts.path, facts.identity)
        known = uses.get(key)
        if known is not None:
            known.count += count
            return
        notes.n_files += 1
        if notes.n_files > MOST_FILES:
            _add_folder(facts, ran, line, is_output)
        else:
            uses[key] = Use(facts, ran, line, is_output, not is_output and not is_before and facts.path in _written, count)
        if facts.is_folder:
            notes.folders.append(facts.path + "/")
            _folders[facts.path + "/"] = None
    if not is_output:
        _tell_sender(ran, facts)


def _add_folder(facts: FileFacts, ran: Ran, line: int | None, is_output: bool) -> None:
    """Note the folder of a file: there are too many files."""
    folder = FileFacts.of_many(os.path.dirname(facts.path))
    key = (folder.path, is_output, "many")
    known = _notes_of(ran).by_line.get(line, {}).get(key)
    if known is not None:
        known.n_files += 1
    else:
        _add(Use(folder, ran, line, is_output), key)


def note_renamed(old: str, new: str) -> None:
    """Note that a file or folder which this process wrote has another name now."""
    with _lock:
        if old in _written:
            del _written[old]
            _written[new] = None


def was_written_here(path: str) -> bool:
    """Say whether this process wrote a file of that name."""
    file_events.look()
    return path in _written


def _notes_of(ran: Ran) -> _Notes:
    notes = _notes.get(id(ran))
    if notes is None:
        notes = _notes[id(ran)] = _Notes(ran)
    return notes


def _add(use: Use, key: Any) -> None:
    with _lock:
        notes = _notes_of(use.ran).by_line.setdefault(use.line, {})
        known = notes.get(key)
        if known is None:
            notes[key] = use
        else:
            known.count += use.count


def _tell_sender(ran: Ran, what: ValueRead | FileFacts) -> None:
    """In a worker: leave a note for the process that sent the work, which may get what was read as a result."""
    from isfdb.provenance import senders

    if senders.has_sender():
        senders.tell(ran, what)


def uses_of(ran: Ran, first: int | None = None, last: int | None = None) -> list[Use]:
    """Return what something that ran has read and written so far.

    Parameters
    ----------
    ran : Ran
    first, last : int, optional
        Only what happened while the top level stood at one of these lines, counted from 1, or at a line that is not known.

    Returns
    -------
    list of Use
        In the order in which each was first noted.
    """
    file_events.look()
    from isfdb.provenance import senders

    senders.hear()
    with _lock:
        notes = _notes.get(id(ran))
        if notes is None:
            return []
        return [use for line, uses in notes.by_line.items() if _lies(line, first, last) for use in uses.values()]


def _lies(line: int | None, first: int | None, last: int | None) -> bool:
    return line is None or ((first is None or first <= line) and (last is None or line <= last))


def _begin_anew_after_fork() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew_after_fork)
