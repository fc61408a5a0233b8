"""Tells the session's log what is about to happen to keys, and that it did: the lines by which `verify` finds what was taken away.

A line is written before what it tells is visible, so a version without its line was put there by somebody else. That it has happened is
said in the line after it, so nothing waits for the disk, and what a killed process only announced is no alarm.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from isfdb.options import option
from isfdb.provenance.capture import session_log
from isfdb.provenance.redaction import redact
from isfdb.provenance.session_log import SessionLog
from isfdb.storage.base import Storage

_log = logging.getLogger(__name__)


class Announcements:
    """Where one operation tells what it does. A log that cannot be written costs it nothing but the line.

    Parameters
    ----------
    storage : Storage
        Of the topmost database.
    always : bool
        Also while the option ``capture`` is off: without its line, what is done could not be told from tampering.

    Attributes
    ----------
    why : str
        Why nothing is told; empty where it is.
    """

    def __init__(self, storage: Storage, *, always: bool = False) -> None:
        self.why = ""
        self._log: SessionLog | None = None
        if not always and not option("capture"):
            self.why = "switched off by the option 'capture'"
            return
        try:
            self._log = session_log(storage)
        except Exception as error:  # noqa: BLE001 - the log never costs a save; the reason is recorded
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        _log.debug("telling the session's log failed", exc_info=True)
        self._log = None
        self.why = redact(f"{type(error).__name__}: {error}"[:2000])[0][:200].encode("utf-8", "replace").decode()

    @property
    def session(self) -> str | None:
        """The session in whose log it is told; None where it is not."""
        return self._log.id if self._log is not None else None

    def members(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the members by which a record says where it is told, or why it is not."""
        unknown = {name: reason for name, reason in record.get("unknown", {}).items() if name != "log"}
        unknown |= {"log": self.why} if self._log is None else {}
        return {"logged": self.session, **({"unknown": unknown} if unknown else {})}

    def tell(self, events: Sequence[dict[str, Any]]) -> list[int]:
        """Write what is about to happen, and return the lines; an empty list where it cannot be written."""
        if self._log is None:
            return []
        try:
            return self._log.write_events(events)
        except Exception as error:  # noqa: BLE001 - a full disk, say; as above
            self._give_up(error)
            return []

    def done(self, lines: Sequence[int], *, at_once: bool = False) -> None:
        """Note that what these lines tell has happened, and say so in the next line, or `at_once` in one of its own."""
        if self._log is None:
            return
        self._log.note_done(lines)
        if at_once:
            try:
                self._log.write_done()
            except OSError as error:
                self._give_up(error)
