"""What the report tells of each key, as data: its newest version, the verdict of its replay, what verify found. It shows nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from isfdb.auditing.completeness import Completeness
from isfdb.auditing.rows import AuditRow
from isfdb.display.summaries import UNREADABLE, KeySummary, version_summary
from isfdb.replaying.replay_records import known_verdicts

if TYPE_CHECKING:
    from isfdb.findings import Finding
    from isfdb.replaying.verdict import Verdict

NOT_REPLAYED: Final = "not replayed"
UNREADABLE_KEY: Final = "unreadable"

#: In the order of the page: what needs a look comes first.
ORDER: Final = ("different", "not runnable", UNREADABLE_KEY, "close", "equal", "identical", NOT_REPLAYED)
#: Those that need a look.
BAD: Final = ("different", "not runnable", UNREADABLE_KEY)


@dataclass(frozen=True)
class Account:
    """One key of the report.

    Attributes
    ----------
    key : str
    summary : KeySummary
        Of its newest version; of a key that cannot be read, the problem.
    version : Version or None
        None where it cannot be read.
    row : AuditRow or None
        Whether it is explained, and the verdict; None where it cannot be read.
    findings : tuple of Finding
        What verify found.
    is_claim : bool
        The verdict was found in the database, and it was not this user who made it.
    """

    key: str
    summary: KeySummary
    version: Any = field(default=None, compare=False)
    row: AuditRow | None = None
    findings: tuple[Finding, ...] = ()
    is_claim: bool = False

    @property
    def verdict(self) -> Verdict | None:
        """What came of making it again, if that was tried."""
        return self.row.verdict if self.row else None

    @property
    def status(self) -> str:
        """The verdict's status, ``"not replayed"`` or ``"unreadable"``."""
        if self.summary.problem:
            return UNREADABLE_KEY
        return self.verdict.status if self.verdict else NOT_REPLAYED

    @property
    def lacks(self) -> tuple[str, ...]:
        """What keeps it from being explained."""
        return self.row.lacks if self.row else ()

    @property
    def anchor(self) -> str:
        """Its place on the page: the same on every page about the key, and harmless whatever the key is."""
        return anchor_of(self.key)

    @property
    def detail(self) -> str:
        """In a sentence, why it needs a look or was not replayed."""
        if self.summary.problem:
            return self.summary.problem
        if self.verdict is not None:
            return self.verdict.detail
        return (self.row.apart or self.row.skipped) if self.row else ""


def anchor_of(key: str) -> str:
    """Return the name of a key's section."""
    return "k-" + blake2b(key.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def accounts_of(db: Any, rows: Iterable[AuditRow] | None, findings: Iterable[Finding]) -> tuple[Account, ...]:
    """Collect what is known of every key.

    Parameters
    ----------
    db : Database
    rows : iterable of AuditRow, optional
        Of an audit of this database. What they do not tell, and by default everything, comes from the database's own records.
    findings : iterable of Finding
    """
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        found[finding.key].append(finding)
    audited = {(row.key, row.version): row for row in rows or ()}
    completeness = Completeness(db.root._storage)
    return tuple([_account(db, key, audited, completeness, tuple(found.get(key, ()))) for key in sorted(db.keys(recurse=True))])


def _account(
    db: Any, key: str, audited: Mapping[tuple[str, int], AuditRow], completeness: Completeness, findings: tuple[Finding, ...]
) -> Account:
    try:
        version = db.entry(key).newest
        summary = version_summary(version, key)
    except UNREADABLE as error:
        return Account(key, KeySummary(key, key, problem=str(error)), findings=findings)
    row = audited.get((key, version.number))
    if row is not None:
        return Account(key, summary, version, row, findings)
    skipped = "the audit did not look at this version" if audited else "no replay of it is on record"
    return account_of(db, version, completeness, skipped, findings)


def account_of(
    db: Any, version: Any, completeness: Completeness, skipped: str = "no replay of it is on record", findings: tuple[Finding, ...] = ()
) -> Account:
    """Tell of one version what the database itself has on record.

    Parameters
    ----------
    completeness : Completeness
        Of the database's storage.
    skipped : str
        What is said where it has no verdict.
    """
    key, summary = version.key, version_summary(version, version.key)
    verdict, is_claim = _known(version)
    skipped = "" if verdict else skipped
    lacks = completeness.lacks(version)
    return Account(
        key, summary, version, AuditRow(db.path, key, version.number, version.link, not lacks, lacks, verdict, skipped), findings, is_claim
    )


def _known(version: Any) -> tuple[Verdict | None, bool]:
    """Return the newest verdict that is on record, and whether it is somebody else's word."""
    known = known_verdicts(version._storage, version.record)
    return (known[-1], known[-1] not in known_verdicts(version._storage, version.record, mine=True)) if known else (None, False)


def counts_of(accounts: Sequence[Account]) -> dict[str, int]:
    """Return how many keys have each status, in the order of the page; without those that none has."""
    counts = Counter(account.status for account in accounts)
    return {status: counts[status] for status in ORDER if counts[status]}
