"""Tells the session's log which files its cells wrote, with their digests: so a figure can be traced back to the code that drew it.

What was written is noted by `usage.py` while it happens. Nothing is told before something was stored, and nothing waits for a digest.
"""

from __future__ import annotations

import logging
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.provenance import file_digests, usage
from isfdb.provenance.cells import RUNNING, Ran
from isfdb.provenance.file_digests import FileFacts
from isfdb.provenance.records import PENDING
from isfdb.provenance.redaction import redact
from isfdb.provenance.session_log import SessionLog

_log = logging.getLogger(__name__)

#: How long the end of a cell waits for digests of small files.
PATIENCE_S: Final = 0.02
#: How long the end of the process waits for those of large ones.
LAST_WAIT_S: Final = 1.0

#: What a statement made its file from: links of stored values, given what ran and the line at which it wrote.
ValuesOf = Callable[[Ran, int | None], Sequence[str]]


@dataclass
class Teller:
    """What one session log was told of files, and what it is to be told.

    Attributes
    ----------
    n_asked : int
        How many of the cells that ended were asked what they wrote.
    ran : sequence of Ran
        What ran so far.
    awaited : list
        What ran, at which line, which file, made from what: until the digest is known.
    """

    n_asked: int = 0
    ran: Sequence[Ran] = ()
    awaited: list[tuple[Ran, int | None, FileFacts, Sequence[str]]] = field(default_factory=list)

    def tell(self, log: SessionLog, ran: Sequence[Ran], values_of: ValuesOf, *, wait_s: float = PATIENCE_S) -> None:
        """Write into the log what the cells that ended since have written.

        Parameters
        ----------
        log : SessionLog
        ran : sequence of Ran
            All that ran, oldest first; only ever grows.
        values_of : callable
        wait_s : float
        """
        self.ran = ran
        while self.n_asked < len(ran) and ran[self.n_asked].outcome != RUNNING:
            self._ask(ran[self.n_asked], values_of)
            self.n_asked += 1
        if self.awaited:
            self._write(log, wait_s)

    def finish(self, log: SessionLog) -> None:
        """Write what was still awaited: the process ends."""
        if self.awaited:
            self._write(log, LAST_WAIT_S)

    def _ask(self, ran: Ran, values_of: ValuesOf) -> None:
        newest = {use.what.path: use for use in usage.uses_of(ran) if use.is_output and isinstance(use.what, FileFacts)}
        for path, use in newest.items():
            facts = file_digests.facts_of(path, time.time())
            if facts is not None and stat.S_ISREG(facts.mode):  # it may be gone, or be written over by now
                self.awaited.append((ran, use.line, facts, values_of(ran, use.line)))

    def _write(self, log: SessionLog, wait_s: float) -> None:
        if any(file_digests.answer_about(facts).because == PENDING for _, _, facts, _ in self.awaited):
            file_digests.wait(wait_s)
        told: dict[int, tuple[Ran, list[dict[str, Any]]]] = {}
        still = []
        for one in self.awaited:
            writer, line, facts, values = one
            answer = file_digests.answer_about(facts)
            if answer.because == PENDING:
                still.append(one)
            elif answer.digest is not None:
                member = {
                    "at": line,
                    "digest": answer.digest,
                    "file": redact(facts.path)[0],
                    "mtime": facts.mtime_ns / 1e9,
                    "size": facts.size,
                }
                told.setdefault(id(writer), (writer, []))[1].append(member | ({"values": list(values)} if values else {}))
        self.awaited = still
        for writer, members in told.values():
            log.write_wrote(writer, self.ran, members)
