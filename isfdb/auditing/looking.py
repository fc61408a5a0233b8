"""Looks at one database: which values are to be audited, what each lacks, what it was made from, which count apart. It runs no code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import isfdb.verifying as verifying
from isfdb.auditing.choosing import Choice, Chosen
from isfdb.auditing.completeness import Completeness
from isfdb.auditing.ordering import in_order, unsound_origins
from isfdb.auditing.rows import MAY_CHANGE, OF_ISF, RECLAIMED, AuditRow
from isfdb.display.safe import visible
from isfdb.findings import Finding, Findings
from isfdb.provenance.records import UsedValue
from isfdb.storage.isf import IsfStorage
from isfdb.tracing.places import UNREADABLE, Places

if TYPE_CHECKING:
    from isfdb.database import Database
    from isfdb.entry import Version


@dataclass
class Looked:
    """What is known of a database before any code runs.

    Attributes
    ----------
    db : Database
    rows : dict of str to AuditRow
        By link.
    versions : dict of str to Version
        By link; of keys whose record cannot be read there is none.
    used : dict of str to tuple of str
        Link -> the links of what it was made from.
    n_fitting : int
    deleted : tuple of str
    """

    db: Database
    rows: dict[str, AuditRow] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)
    used: dict[str, tuple[str, ...]] = field(default_factory=dict)
    n_fitting: int = 0
    deleted: tuple[str, ...] = ()

    @property
    def to_replay(self) -> list[Version]:
        """The versions that can be made again and be compared."""
        return [version for link, version in self.versions.items() if not self.rows[link].apart]


def look(db: Database, choice: Choice, *, keep_versions: bool = True) -> Looked:
    """Look at the records of a database.

    Parameters
    ----------
    db : Database
    choice : Choice
    keep_versions : bool
        They are needed to make the values again. Without them, a hundred thousand keys take little memory.
    """
    chosen, completeness = Chosen(db, choice), Completeness(db._storage)
    found = Looked(db)
    for version in chosen:
        row = _row(db, version, completeness)
        found.rows[row.link] = row
        if keep_versions:
            found.versions[row.link] = version
        if links := _used(version, completeness):
            found.used[row.link] = links
    for key, why in chosen.unreadable:
        row = AuditRow(db.path, key, 0, "", explained=False, lacks=(visible(f"record: {why}", 400),), skipped="its record cannot be read")
        found.rows[f"unreadable {key}"] = row
    found.n_fitting, found.deleted = chosen.n_fitting, tuple(chosen.deleted)
    _resolve(found)
    return found


def _row(db: Database, version: Version, completeness: Completeness) -> AuditRow:
    apart = _apart(version)
    lacks = completeness.lacks(version) if not apart else ()
    created = str(version.record.get("created") or "")
    is_explained = not lacks and not apart
    return AuditRow(db.path, version.key, version.number, version.link, is_explained, lacks, apart=apart, created=created)


def _used(version: Version, completeness: Completeness) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys([one.link for one in completeness.used(version) if isinstance(one, UsedValue)]))
    except UNREADABLE:
        return ()  # the row says that its record cannot be understood


def _resolve(found: Looked) -> None:
    """Give each value that was used its one link, whatever a record calls it: by the id of a sub-database, or by an earlier name."""
    places, names = Places(found.db), {link: link for link in found.rows}
    for link, used in found.used.items():
        for one in used:
            if one not in names:
                names[one] = places.find(one).address.link
        found.used[link] = tuple([names[one] for one in used])


def _apart(version: Version) -> str:
    if isinstance(version._storage, IsfStorage):
        return OF_ISF
    if version.reclaimed:
        return RECLAIMED
    return MAY_CHANGE if version.record.get("mutable") is True else ""


def verified(db: Database, looked: Looked, choice: Choice, *, progress: bool) -> Findings:
    """Verify a database; where only some keys are meant, these.

    Parameters
    ----------
    db : Database
    looked : Looked
    choice : Choice
    progress : bool
        Show a bar.
    """
    if not choice.only:
        return verifying.verify(db, progress=progress)
    keys = dict.fromkeys([row.key for row in looked.rows.values()])
    return _together([verifying.verify(db, key=key) for key in keys])


def _together(several: Sequence[Findings]) -> Findings:
    found: dict[Finding, None] = {}
    counts = dict.fromkeys(("keys", "versions", "files", "bytes"), 0)
    for findings in several:
        found |= dict.fromkeys(findings)
        for name in counts:
            counts[name] += getattr(findings, f"n_{name}")
    unvouched = [one for findings in several for one in findings.unvouched]
    remarks = list(dict.fromkeys([one for findings in several for one in findings.remarks]))
    return Findings(list(found), counts, unvouched, next((one.note for one in several if one.note), ""), remarks=remarks)


def with_origins(rows: Mapping[str, AuditRow], used: Mapping[str, Sequence[str]]) -> dict[str, AuditRow]:
    """Return the rows, each with the values it was made from that could not be made again themselves.

    Parameters
    ----------
    rows : Mapping
        By link, of all databases.
    used : Mapping
        Link -> the links of what it was made from.
    """
    links = in_order(list(rows), used)
    unsound = {link: _is_unsound(row) for link, row in rows.items()}
    origins = unsound_origins(links, used, unsound)
    return {link: replace(row, made_from=origins[link]) if origins[link] else row for link, row in rows.items()}


def _is_unsound(row: AuditRow) -> bool:
    """Say whether a value is known not to come out again; what was not tried is not known."""
    return row.verdict is not None and not row.verdict.same and row.verdict.because != "not trusted"
