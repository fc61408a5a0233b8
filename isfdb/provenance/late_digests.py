"""Digests that were not ready when a value was stored: written into the session's log later, as what is told of the cell that stored it.

The put does not wait, and the record stays as it is. Whoever reads the record asks the log: `records.used_of` does.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Mapping
from typing import Any, Final

from isfdb.provenance import file_digests
from isfdb.provenance.cells import Ran, after_cell, before_cell
from isfdb.provenance.file_digests import FileFacts, answer_about
from isfdb.provenance.records import PENDING
from isfdb.provenance.session_log import SessionLog

_log = logging.getLogger(__name__)

#: How long a process that ends waits for the digests it owes.
LAST_WAIT_S: Final = 1.0

_awaited: dict[tuple[int, int], tuple[SessionLog, Ran, dict[str, FileFacts]]] = {}


def follow(log: SessionLog, ran: Ran, files: Mapping[str, FileFacts]) -> None:
    """Write the digests of files into a log when they are known.

    Parameters
    ----------
    log : SessionLog
        Of the database that the value went to.
    ran : Ran
        What stored it.
    files : Mapping
        Those recorded without a digest: name in the record -> the file.
    """
    _awaited.setdefault((id(log), id(ran)), (log, ran, {}))[2].update(files)


def write_known() -> None:
    """Write what has become known since the last time."""
    for key, (log, ran, files) in list(_awaited.items()):
        answers = {path: (facts, answer_about(facts)) for path, facts in files.items()}
        known = {path: told for path, told in answers.items() if told[1].because != PENDING}
        if not known:
            continue
        for path in known:
            del files[path]
        if not files:
            _awaited.pop(key, None)
        try:
            log.write_files(ran, {path: _told(facts, answer) for path, (facts, answer) in known.items()})
        except OSError:  # a full disk, say: the record goes on saying that they are unknown
            _log.debug("digests of files could not be written", exc_info=True)


def _told(facts: FileFacts, answer: file_digests.Answer) -> dict[str, Any]:
    told: dict[str, Any] = {"digest": answer.digest, "mtime": facts.mtime_ns / 1e9}
    return told | ({"because": answer.because} if answer.because else {})


def _cell_begins() -> None:
    if _awaited:
        write_known()


def _cell_ended(_: Ran) -> None:
    _cell_begins()


def _process_ends() -> None:
    if _awaited:
        file_digests.wait(LAST_WAIT_S)
        write_known()


before_cell.append(_cell_begins)
after_cell.append(_cell_ended)
atexit.register(_process_ends)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_awaited.clear)  # they are the parent's to write
