"""Answers what is asked about one put: which activity, whose, from which code, with which packages. Remembers nothing of other puts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from isfdb.exact_json import dumps
from isfdb.layout.current import ENVIRONMENTS_FOLDER
from isfdb.options import option
from isfdb.provenance.activities import ran_before
from isfdb.provenance.cells import Ran
from isfdb.provenance.records import Risk
from isfdb.provenance.redaction import redact
from isfdb.provenance.risks import risks_around
from isfdb.provenance.session_log import SessionLog
from isfdb.provenance.stored_records import reason, store, stored_code
from isfdb.storage.base import Storage

_log = logging.getLogger(__name__)


class Answers:
    """What is asked about one put. Each question may fail without the others; what it leaves open is said under ``unknown``.

    Parameters
    ----------
    storage : Storage
        Of the database that is written to: what is large is stored there, and named in the answer.
    log : SessionLog
        Of this session in that database.
    stored : set of str
        Paths of what is known to be stored there.
    ran : Ran
        What makes the put.
    code_watcher : callable
        Returns the one who looks after the sources.

    Attributes
    ----------
    has_failed : bool
        A question could not be asked at all.
    """

    def __init__(self, storage: Storage, log: SessionLog, stored: set[str], ran: Ran, code_watcher: Callable[[], Any]) -> None:
        self._storage, self._log, self._stored, self._ran, self._code_watcher = storage, log, stored, ran, code_watcher
        self.has_failed = False
        self._unknown: dict[str, str] = {}
        self._sources: Mapping[str, Any] = {}
        self._drift: Sequence[str] = ()

    def members(self) -> dict[str, Any]:
        """Ask everything, and return the answers as members of ``metadata.json``."""
        questions = {"activity": self._activity, "by": self._by, "code": self._code, "environment": self._environment}
        members: dict[str, Any] = {}
        for name, ask in questions.items():
            try:
                members[name] = ask()
            except Exception as error:  # noqa: BLE001 - one answer that fails costs no other
                _log.debug("learning the %s failed", name, exc_info=True)
                self.has_failed = True
                members[name] = None
                self._unknown[name] = reason(error)
        if self._unknown:
            members["unknown"] = self._unknown
        return members

    def risks(self) -> list[Risk]:
        """Return the risks in what the answers before told."""
        return risks_around(self._sources, self._drift)

    def _activity(self) -> dict[str, Any]:
        ran, log = self._ran, self._log
        activity = {"count": ran.count, "kind": ran.kind, "line": log.line_of(ran, ran_before(ran)), "session": log.id}
        if ran.facts.get("cell_id"):
            activity["cell_id"] = redact(ran.facts["cell_id"])[0][:64]  # VS Code's ids are paths
        return activity

    def _by(self) -> dict[str, Any]:
        from isfdb.provenance.collectors.machine import machine

        facts = machine()
        return {"host": facts.get("host"), "user": facts.get("user")}

    def _code(self) -> dict[str, Any]:
        watcher = self._code_watcher()
        # A put in a notebook does not wait: the look began with the cell, and if it has not ended the answer before it stands, marked.
        # But for a cached cell: by what is recorded now, its next run is decided.
        waits = not watcher.has_answer or self._ran.kind != "cell" or "cached" in self._ran.facts
        snapshot = watcher.answer(option("git_timeout_s") if waits else 0.0)
        if snapshot.unknown and not (snapshot.late and snapshot.record.get("repositories")):
            self._unknown["code"] = snapshot.unknown
        self._sources = snapshot.record
        return stored_code(self._storage, self._stored, snapshot) | ({"late": True} if snapshot.late else {})

    def _environment(self) -> str:
        from isfdb.provenance.collectors.packages import environment

        found = environment()
        self._drift = found.record.get("drift", ())
        path = f"{ENVIRONMENTS_FOLDER}/{found.digest}"
        store(self._storage, self._stored, f"{path}.json", lambda: dumps(found.record).encode())
        store(self._storage, self._stored, f"{path}.requirements.txt", found.requirements.encode)
        return str(found.digest)
