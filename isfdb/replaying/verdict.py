"""``Verdict``: what came of making a value again, and why; as text, HTML and JSON. It judges nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from isfdb.comparing.comparison import CLOSE, DIFFERENT, EQUAL, IDENTICAL
from isfdb.display.safe import visible
from isfdb.display.verdicts import verdict_html
from isfdb.exact_json import as_float

NOT_RUNNABLE: Final = "not runnable"

#: All statuses, best first.
STATUSES: Final = (IDENTICAL, EQUAL, CLOSE, DIFFERENT, NOT_RUNNABLE)

#: What a status means, for those who read it.
MEANING: Final = {
    IDENTICAL: "made again, it has the same bytes",
    EQUAL: "made again, it has the same values in another form",
    CLOSE: "made again, its numbers differ within the tolerance",
    DIFFERENT: "made again, it is another value",
    NOT_RUNNABLE: "it could not be made again",
}

#: Why a value is different. ``unknown``: nothing that was tried told.
AXES: Final = ("code", "environment", "inputs", "randomness", "hardware", "unknown")

#: Why it could not be run or compared.
OBSTACLES: Final = (
    "no code",
    "commit missing",
    "source missing",
    "patch does not apply",
    "environment missing",
    "input missing",
    "input changed",
    "failed",
    "time limit",
    "memory limit",
    "network needed",
    "write refused",
    "not trusted",
    "value gone",
    "value may change",
    "not comparable",
)

#: Of a line about a run, with what is set before it a line is no longer than 120.
_LONGEST_RUN: Final = 118


@dataclass(frozen=True)
class Run:
    """One run of one script, and how what it made compares.

    Attributes
    ----------
    level : str
        ``"statements"``, ``"cells"``, ``"everything"``, or ``"as it ran"``.
    environment : str
        ``"current"``, ``"recorded"`` or an interpreter's path.
    changed : str
        What was set otherwise than in the first run, to learn whether it matters: ``"environment"``, ``"inputs"``, ``"code"``,
        ``"again"`` for the same once more, or nothing.
    outcome : str
        ``"done"``, ``"failed"``, ``"timed out"``, ``"out of memory"`` or ``"not run"``.
    compared : str
        ``"identical"``, ``"equal"``, ``"close"``, ``"different"``, ``"not compared"`` or nothing.
    because : str
        How it differs, or why it failed.
    duration_s : float or None
    output : str
        The end of what it printed.
    """

    level: str
    environment: str
    changed: str = ""
    outcome: str = "done"
    compared: str = ""
    because: str = ""
    duration_s: float | None = None
    output: str = ""

    def __str__(self) -> str:
        how = f"{self.level}, environment {self.environment}{f', {self.changed}' if self.changed else ''}"
        took = f" in {self.duration_s:.1f} s" if self.duration_s is not None else ""
        return f"{how}: {self.compared or self.outcome}{took}{f' ({self.because})' if self.because else ''}"


@dataclass(frozen=True)
class Verdict:
    """What came of making a value again. Made by :func:`isfdb.replay`.

    Attributes
    ----------
    key : str
    version : int
    link : str
    status : str
        ``"identical"``, ``"equal"``, ``"close"``, ``"different"`` or ``"not runnable"``.
    because : str
        Of a different value: ``"code"``, ``"environment"``, ``"inputs"``, ``"randomness"``, ``"hardware"`` or ``"unknown"``. Of one that
        could not be run: one of the obstacles, as ``"input missing"``. Else empty.
    detail : str
        The same in a sentence.
    evidence : tuple of (str, str)
        What supports it: the axis or ``"value"``, and a sentence.
    differences : tuple of str
        Where and by how much the two values differ, a line each.
    runs : tuple of Run
        The first is the one that is judged.
    notes : tuple of str
        What was not as it is recorded, though it may not matter.
    environment : str
        ``"current"``, ``"recorded"`` or an interpreter's path.
    script : str
        Digest of what was run.
    job : str
        Digest of all that the outcome may depend on: script, sources, packages, inputs, options. The same job need not run twice.
    tolerance : mapping
        ``rtol`` and ``atol``; None stands for a few units in the last place of each dtype.
    when : str
        ISO-8601 time, UTC.
    where : mapping
        ``host``, ``python``, ``isfdb``.
    recorded : bool
        Whether it was found in the database and nothing was run now.
    """

    key: str
    version: int
    link: str
    status: str
    because: str = ""
    detail: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    differences: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()
    notes: tuple[str, ...] = ()
    environment: str = "current"
    script: str = ""
    job: str = ""
    tolerance: Mapping[str, float | None] = field(default_factory=dict)
    when: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    recorded: bool = False

    @property
    def same(self) -> bool:
        """Whether the value was made again: identical, equal or close."""
        return self.status in (IDENTICAL, EQUAL, CLOSE)

    @property
    def ran(self) -> bool:
        """Whether the code ran to its end and gave something to compare."""
        return self.status != NOT_RUNNABLE

    @property
    def label(self) -> str:
        """The status, and in a word why: ``"different (because: randomness)"``."""
        return f"{self.status} (because: {self.because})" if self.because else self.status

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        members: dict[str, Any] = _with_lists(asdict(self))
        return members | {"format": 1}

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Verdict:
        """Read a record; what it does not say is empty.

        Raises
        ------
        ValueError
            It is none.
        """
        if not isinstance(members, Mapping) or members.get("status") not in STATUSES:
            raise ValueError("it is no record of a replay")
        texts = {name: str(members.get(name) or "") for name in ("because", "detail", "environment", "script", "job", "when")}
        lines = {name: tuple([str(one) for one in _list(members.get(name))]) for name in ("differences", "notes")}
        pairs = [one for one in _list(members.get("evidence")) if isinstance(one, (list, tuple)) and len(one) == 2]
        return cls(
            str(members.get("key") or ""),
            _whole(members.get("version")),
            str(members.get("link") or ""),
            members["status"],
            evidence=tuple([(str(axis), str(text)) for axis, text in pairs]),
            runs=tuple([_run(one) for one in _list(members.get("runs")) if isinstance(one, Mapping)]),
            tolerance={name: as_float(number) for name, number in _mapping(members.get("tolerance")).items()},
            where={str(name): str(text) for name, text in _mapping(members.get("where")).items()},
            recorded=members.get("recorded") is True,
            differences=lines["differences"],
            notes=lines["notes"],
            **texts,
        )

    def __str__(self) -> str:
        return "\n".join([visible(line, 1000) for line in self.lines()])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": verdict_html(self)}

    def lines(self) -> list[str]:
        """Return it as lines of text: the verdict, then what supports it."""
        head = f"{self.key}@{self.version}: {self.label}{f': {self.detail}' if self.detail else ''}"
        known = [f"found in the database, from {self.when}"] if self.recorded else []
        evidence = [f"{axis}: {text}" for axis, text in self.evidence]
        runs = [_short(f"run {number}: {run}") for number, run in enumerate(self.runs, 1)]
        return [head, *[f"  {line}" for line in (*known, *evidence, *self.differences, *runs, *self.notes)]]


def _short(text: str) -> str:
    """Return a line that fits; of a run the rest stands in its `because`, and of the one that is judged in the first line, too."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_RUN else f"{line[: _LONGEST_RUN - 1]}…"


def _run(members: Mapping[str, Any]) -> Run:
    names = ("level", "environment", "changed", "outcome", "compared", "because", "output")
    return Run(**{name: str(members.get(name) or "") for name in names}, duration_s=as_float(members.get("duration_s")))


def _with_lists(member: Any) -> Any:
    """Return plain values as JSON has them."""
    if isinstance(member, Mapping):
        return {str(name): _with_lists(one) for name, one in member.items()}
    return [_with_lists(one) for one in member] if isinstance(member, (list, tuple)) else member


def _list(member: Any) -> list[Any]:
    return list(member) if isinstance(member, (list, tuple)) else []


def _mapping(member: Any) -> Mapping[str, Any]:
    return member if isinstance(member, Mapping) else {}


def _whole(member: Any) -> int:
    return member if type(member) is int else 0
