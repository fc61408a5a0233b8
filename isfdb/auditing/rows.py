"""What an audit says of one value, and the scores over many. Plain data: nothing is looked up or run here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from isfdb.comparing.comparison import CLOSE, EQUAL, IDENTICAL
from isfdb.replaying.verdict import Verdict

#: Why a value has no verdict.
NO_TIME: Final = "time"
NOT_ASKED: Final = "no replay was asked for"

#: What cannot be made again by its nature: it is looked at and named, and counts in no score.
MAY_CHANGE: Final = "may change in place"
RECLAIMED: Final = "reclaimed"
OF_ISF: Final = "of ISF"

#: Which statuses count as repeated, by what is asked for at least.
REPEATED: Final = {IDENTICAL: (IDENTICAL,), EQUAL: (IDENTICAL, EQUAL), CLOSE: (IDENTICAL, EQUAL, CLOSE)}


@dataclass(frozen=True)
class AuditRow:
    """What an audit says of one version of a key.

    Attributes
    ----------
    database : str
        Path of the database.
    key : str
    version : int
    link : str
    explained : bool
        Its script, its sources, its environment and the session's log are there, and every input has a digest.
    lacks : tuple of str
        What of that is missing: ``"sources: changes that were not committed were not kept"``.
    verdict : Verdict or None
        What came of making it again; None where that was not tried.
    skipped : str
        Why it was not tried: ``"time"``, ``"no replay was asked for"``, or what `apart` says.
    apart : str
        Why it counts in no score: ``"may change in place"``, ``"reclaimed"``, ``"of ISF"``; else empty.
    made_from : tuple of str
        Values it was made from, by links, that could not be made again themselves.
    created : str
        ISO-8601 time.
    """

    database: str
    key: str
    version: int
    link: str
    explained: bool
    lacks: tuple[str, ...] = ()
    verdict: Verdict | None = None
    skipped: str = ""
    apart: str = ""
    made_from: tuple[str, ...] = ()
    created: str = ""

    @property
    def repeatable(self) -> bool:
        """Whether it is explained and its replay ran to its end."""
        return self.explained and self.verdict is not None and self.verdict.ran

    @property
    def repeated(self) -> bool:
        """Whether it is repeatable, and its replay made the same value: identical, equal or close."""
        return self.repeatable and self.verdict is not None and self.verdict.same

    @property
    def label(self) -> str:
        """What came of it in a few words."""
        if self.verdict is not None:
            return self.verdict.label
        return self.apart or f"skipped: {self.skipped}"

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        members = asdict(self) | {"label": self.label, "repeatable": self.repeatable, "repeated": self.repeated}
        lists = {"lacks": list(self.lacks), "made_from": list(self.made_from)}
        return members | lists | {"verdict": self.verdict.to_json() if self.verdict is not None else None}

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> AuditRow:
        """Read what `to_json` gave.

        Raises
        ------
        ValueError
            It is no row of an audit.
        """
        if not isinstance(members, Mapping) or type(members.get("version")) is not int:
            raise ValueError("it is no row of an audit")
        texts: dict[str, Any] = {name: str(members.get(name) or "") for name in ("database", "key", "link", "skipped", "apart", "created")}
        lists: dict[str, Any] = {name: tuple([str(one) for one in members.get(name) or ()]) for name in ("lacks", "made_from")}
        verdict = Verdict.from_json(members["verdict"]) if members.get("verdict") else None
        return cls(**texts, **lists, version=members["version"], explained=members.get("explained") is True, verdict=verdict)


@dataclass(frozen=True)
class Scores:
    """How many values are explained, repeatable and repeated.

    Attributes
    ----------
    n : int
        Values that were looked at, without those that are counted apart.
    explained : int
        Script, sources (a commit, or their text), environment and the session's log are there, and every input has a digest.
    repeatable : int
        Explained, and the replay ran to its end.
    repeated : int
        Repeatable, and the replay made the same value: identical, equal or close.
    replayed : int
        For how many a replay was tried. The others can be neither repeatable nor repeated.
    """

    n: int = 0
    explained: int = 0
    repeatable: int = 0
    repeated: int = 0
    replayed: int = 0

    @classmethod
    def of(cls, rows: Iterable[AuditRow]) -> Scores:
        """Count."""
        counted = [row for row in rows if not row.apart]
        return cls(
            len(counted),
            sum([row.explained for row in counted]),
            sum([row.repeatable for row in counted]),
            sum([row.repeated for row in counted]),
            sum([row.verdict is not None for row in counted]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the counts."""
        return asdict(self)

    def lines(self) -> list[tuple[str, str, str]]:
        """Return name, count and meaning of each score."""
        return [(name, self._told(name), meaning) for name, meaning in MEANING.items()]

    def _told(self, name: str) -> str:
        if name != "explained" and not self.replayed:
            return "not tried"
        count = int(getattr(self, name))
        # Rounded down: 999 of 1,000 values are not 100 %.
        share = f" ({count * 1000 // self.n / 10:g} %)" if self.n else ""
        return f"{count:,} of {self.n:,}{share}"


#: What each score means, for those who read it.
MEANING: Final = {
    "explained": "script, sources, environment and session log are there, and every input has a digest",
    "repeatable": "explained, and the replay ran to its end",
    "repeated": "repeatable, and the replay made the same value: identical, equal or close",
}


def is_bad(row: AuditRow, allowed: Iterable[str] = (), at_least: str = CLOSE) -> bool:
    """Say whether a row is a reason not to pass an audit.

    Parameters
    ----------
    row : AuditRow
    allowed : iterable of str
        What is no reason: ``"different"``, ``"not-runnable"``, ``"unexplained"``.
    at_least : {"identical", "equal", "close"}
        What counts as repeated.
    """
    if row.apart:
        return False
    if row.verdict is None:
        return not row.explained and "unexplained" not in allowed
    if row.verdict.status in REPEATED[at_least]:
        return False
    return ("different" if row.verdict.ran else "not-runnable") not in allowed
