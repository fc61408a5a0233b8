"""``Audit``: the answer of ``isfdb.audit``: findings, a row for each value, scores. As text, HTML, JSON and JUnit XML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from isfdb.auditing import junit, shown
from isfdb.auditing.rows import AuditRow, Scores, is_bad
from isfdb.comparing.comparison import CLOSE
from isfdb.errors import OptionError
from isfdb.findings import Findings

#: What may be said to be no reason for not passing.
ALLOWED = ("findings", "unexplained", "different", "not-runnable")


@dataclass(frozen=True)
class AuditedDatabase:
    """One database that was audited.

    Attributes
    ----------
    id, name, path : str
    findings : Findings or None
        What verify found; None where it was not asked.
    n_fitting : int
        How many values there are to be looked at; of them, a sample may have been taken.
    deleted : tuple of str
        Keys that hold no value any more.
    notes : tuple of str
        What is to be known about the audit of this database.
    """

    id: str
    name: str
    path: str
    findings: Findings | None = None
    n_fitting: int = 0
    deleted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        named = {"id": self.id, "name": self.name, "path": self.path, "n_fitting": self.n_fitting}
        lists = {"deleted": list(self.deleted), "notes": list(self.notes)}
        return named | lists | {"findings": self.findings.to_json() if self.findings is not None else None}

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> AuditedDatabase:
        """Read what `to_json` gave.

        Raises
        ------
        ValueError
            It is something else.
        """
        texts: dict[str, Any] = {name: str(members.get(name) or "") for name in ("id", "name", "path")}
        lists: dict[str, Any] = {name: tuple([str(one) for one in members.get(name) or ()]) for name in ("deleted", "notes")}
        findings = Findings.from_json(members["findings"]) if members.get("findings") is not None else None
        return cls(**texts, **lists, findings=findings, n_fitting=int(members.get("n_fitting") or 0))


@dataclass(frozen=True)
class Audit:
    """What an audit found. Made by :func:`isfdb.audit`.

    Attributes
    ----------
    databases : tuple of AuditedDatabase
    rows : tuple of AuditRow
        One for each value that was looked at: by database, in the order of the keys.
    began, ended : str
        ISO-8601 times, UTC.
    asked : dict
        How values were made again, and which were looked at; `seed` of the sample among it.
    n_replays : int
        How many scripts were run now; the other verdicts were known, or came from the same run.
    where : dict
        ``host``, ``python``, ``isfdb``.
    """

    databases: tuple[AuditedDatabase, ...]
    rows: tuple[AuditRow, ...]
    began: str = ""
    ended: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    n_replays: int = 0
    where: Mapping[str, str] = field(default_factory=dict)

    @property
    def findings(self) -> dict[str, Findings]:
        """What verify found, by the path of the database."""
        return {one.path: one.findings for one in self.databases if one.findings is not None}

    @cached_property
    def scores(self) -> Scores:
        """How many values are explained, repeatable and repeated."""
        return Scores.of(self.rows)

    @property
    def apart(self) -> tuple[AuditRow, ...]:
        """Values that count in no score: they may change in place, were reclaimed, or belong to a database of ISF."""
        return tuple([row for row in self.rows if row.apart])

    @property
    def skipped(self) -> tuple[AuditRow, ...]:
        """Values for which no replay was tried, those that are counted apart left out."""
        return tuple([row for row in self.rows if row.verdict is None and not row.apart])

    def of(self, database: AuditedDatabase) -> tuple[AuditRow, ...]:
        """Return the rows of one database."""
        return self._rows_by_path.get(database.path, ())

    @cached_property
    def _rows_by_path(self) -> dict[str, tuple[AuditRow, ...]]:
        found: dict[str, list[AuditRow]] = {}
        for row in self.rows:
            found.setdefault(row.database, []).append(row)
        return {path: tuple(rows) for path, rows in found.items()}

    def problems(self, *, allow: Iterable[str] = (), at_least: str = CLOSE) -> list[str]:
        """Return why the audit is not passed, a line for each reason; an empty list where it is.

        Values that were skipped, and those that are counted apart, are no reason.

        Parameters
        ----------
        allow : iterable of str
            What is no reason either: ``"findings"``, ``"unexplained"`` (of values that were not replayed), ``"different"``,
            ``"not-runnable"``.
        at_least : {"identical", "equal", "close"}
            What counts as the same value.
        """
        allow = tuple(allow)
        unknown = [one for one in allow if one not in ALLOWED]
        if unknown:
            raise OptionError(f"allow={unknown[0]!r} is none of {', '.join(ALLOWED)}.", allow=unknown[0])
        serious = [finding for findings in self.findings.values() for finding in findings.serious] if "findings" not in allow else []
        bad = [row for row in self.rows if is_bad(row, allow, at_least)]
        return [*[str(one) for one in serious], *[shown.problem_of(row) for row in bad]]

    @property
    def passed(self) -> bool:
        """Whether all that was looked at is sound, and all that was replayed gave the same values."""
        return not self.problems()

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values; `from_json` reads them back."""
        return {
            "format": 1,
            "databases": [one.to_json() for one in self.databases],
            "rows": [row.to_json() for row in self.rows],
            "scores": self.scores.to_json(),
            "passed": self.passed,
            "began": self.began,
            "ended": self.ended,
            "asked": dict(self.asked),
            "n_replays": self.n_replays,
            "where": dict(self.where),
        }

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Audit:
        """Read what `to_json` gave.

        Raises
        ------
        ValueError
            It is no audit.
        """
        if not isinstance(members, Mapping) or not isinstance(members.get("rows"), list) or not isinstance(members.get("databases"), list):
            raise ValueError("it is no audit")
        asked, where = members.get("asked"), members.get("where")
        return cls(
            tuple([AuditedDatabase.from_json(one) for one in members["databases"]]),
            tuple([AuditRow.from_json(one) for one in members["rows"]]),
            str(members.get("began") or ""),
            str(members.get("ended") or ""),
            dict(asked) if isinstance(asked, Mapping) else {},
            int(members.get("n_replays") or 0),
            dict(where) if isinstance(where, Mapping) else {},
        )

    def to_junit(self) -> str:
        """Return it as JUnit XML, which systems for continuous integration read: a suite for each database, a case for each value."""
        return junit.junit(self)

    def to_text(self, *, columns: int | None = None, most: int = shown.MOST_ROWS) -> str:
        """Return it as text, its table cut to so many columns and rows."""
        return shown.text(self, columns=columns, most=most)

    def to_html(self) -> str:
        """Return it as a piece of a page."""
        return shown.html_of(self)

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return self.to_text()

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.to_text(), "text/html": self.to_html()}
