"""What one report is about: the database, its keys, what verify found, the audit. Gathered once, shown by the other modules."""

from __future__ import annotations

import datetime as dt
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from isfdb.auditing.rows import Scores
from isfdb.display.words import moment_text
from isfdb.errors import OptionError
from isfdb.reporting.accounts import Account, accounts_of, counts_of

if TYPE_CHECKING:
    from isfdb.auditing.audited import Audit
    from isfdb.findings import Findings


@dataclass(frozen=True)
class Subject:
    """What a page tells.

    Attributes
    ----------
    db : Database
    accounts : tuple of Account
        One for each key, in their order.
    findings : Findings or None
        What verify found; None where it was not asked.
    audit : Audit or None
        None where the page is made from the database's own records.
    notes : tuple of str
        What is to be known about the audit.
    """

    db: Any
    accounts: tuple[Account, ...]
    findings: Findings | None
    audit: Audit | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many keys have each status."""
        return counts_of(self.accounts)

    @cached_property
    def scores(self) -> Scores:
        """How many values are explained, repeatable and repeated."""
        return Scores.of([account.row for account in self.accounts if account.row])

    @property
    def when(self) -> str:
        """When it was audited; empty where nobody did."""
        if self.audit is not None:
            return f"{moment_text(self.audit.began)} to {moment_text(self.audit.ended)}"
        times = sorted([account.verdict.when for account in self.accounts if account.verdict and account.verdict.when])
        if not times:
            return ""
        first, last = moment_text(times[0]), moment_text(times[-1])
        return f"replays of {first}" if first == last else f"replays from {first} to {last}"

    @property
    def where(self) -> Mapping[str, str]:
        """On which computer, with which Python and isfdb it was audited; of replays on record, the newest. Empty where nobody did."""
        if self.audit is not None:
            return self.audit.where
        verdicts = [account.verdict for account in self.accounts if account.verdict]
        return max(verdicts, key=lambda verdict: verdict.when).where if verdicts else {}


def here() -> dict[str, str]:
    """Return host, Python and isfdb of this process."""
    from isfdb._version import get_versions

    return {"host": socket.gethostname(), "python": platform.python_version(), "isfdb": str(get_versions()["version"])}


def now() -> str:
    """Return the time, as the page tells it."""
    return f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def subject_of(db: Any, audit: Audit | None, *, verify: bool) -> Subject:
    """Gather what a page tells.

    Raises
    ------
    OptionError
        The audit is of another database.
    """
    if audit is None:
        from isfdb.verifying import verify as check

        findings = check(db) if verify else None
        return Subject(db, accounts_of(db, None, findings or ()), findings)
    audited = next((one for one in audit.databases if one.id == db.id), None)
    if audited is None:
        ids = ", ".join([f"{one.name} ({one.id})" for one in audit.databases]) or "none"
        raise OptionError(f"the audit is not of {db.name} ({db.id}); it is of {ids}. Give its own: isfdb.audit(db).", audit=audit)
    rows = audit.of(audited)
    left = audited.n_fitting - len(rows)
    notes = (*audited.notes, *([f"The audit looked at {len(rows):,} of {audited.n_fitting:,} values."] if left > 0 else []))
    return Subject(db, accounts_of(db, rows, audited.findings or ()), audited.findings, audit, notes)
