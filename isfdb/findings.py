"""What verify found, as data: printed, shown and converted to JSON, and false where everything is sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

from isfdb.display.safe import escape, visible
from isfdb.display.words import count_text

#: Kinds of findings that say nothing is lost or wrong: rubbish that collect sweeps, or files somebody laid beside the keys.
HARMLESS = frozenset({"leftover", "stray"})
_MOST_ROWS = 200


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was stored.

    Attributes
    ----------
    kind : str
        ``"missing file"``, ``"changed file"``, ``"surplus file"``, ``"unreadable"``, ``"changed record"``, ``"broken chain"``,
        ``"missing version"``, ``"missing record"``, ``"unreadable attributes"``, ``"leftover"`` or ``"stray"``. Between versions and
        the logs of sessions: ``"missing line"``, ``"moved"``, ``"wrong time"``. Of seals: ``"changed seal"``,
        ``"not as sealed"``, ``"unknown seal"``, ``"bad signature"``.
    key : str
        The key, with its sub-databases; empty where it is about the database.
    version : int or None
    file : str
        Relative to the version, or to the database where there is no version.
    message : str
        What was found.
    """

    kind: str
    key: str
    version: int | None
    file: str
    message: str

    @property
    def place(self) -> tuple[str, str, int | None, str]:
        """What it is about, without the words."""
        return self.kind, self.key, self.version, self.file

    @property
    def is_harmless(self) -> bool:
        """Nothing is lost or wrong: a leftover that collect sweeps, or a file that is none of isfdb's."""
        return self.kind in HARMLESS

    def __str__(self) -> str:
        where = f"{self.key} v{self.version}" if self.version else self.key or "database"
        return f"{self.kind}: {where}: {self.message}"


class Findings(Sequence[Finding]):
    """What verify found; empty, and so false, where everything is sound.

    Attributes
    ----------
    n_keys, n_versions, n_files, n_bytes : int
        What was looked at.
    unvouched : tuple of str
        Keys that belong to the user and may change in place: verify cannot vouch for their content.
    note : str
        Why nothing here can be vouched for, where that is so: of a database that ISF wrote.
    remarks : tuple of str
        What a reader should know and is no finding: what was added since a seal, of which versions no log tells.
    """

    def __init__(
        self,
        findings: Sequence[Finding],
        counts: dict[str, int],
        unvouched: Sequence[str],
        note: str = "",
        *,
        remarks: Sequence[str] = (),
    ) -> None:
        self._findings = tuple(findings)
        self.n_keys, self.n_versions = counts["keys"], counts["versions"]
        self.n_files, self.n_bytes = counts["files"], counts["bytes"]
        self.unvouched = tuple(unvouched)
        self.note = note
        self.remarks = tuple(remarks)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        return self._findings[index]

    def __len__(self) -> int:
        return len(self._findings)

    @property
    def serious(self) -> tuple[Finding, ...]:
        """Those that are not harmless."""
        return tuple(finding for finding in self._findings if not finding.is_harmless)

    def without(self, those: Sequence[Finding]) -> Findings:
        """Return the same without some findings."""
        counts = {"keys": self.n_keys, "versions": self.n_versions, "files": self.n_files, "bytes": self.n_bytes}
        left = {*those}
        return Findings([one for one in self if one not in left], counts, self.unvouched, self.note, remarks=self.remarks)

    def to_json(self) -> dict[str, Any]:
        """Return findings and counts as plain values."""
        counts = {"keys": self.n_keys, "versions": self.n_versions, "files": self.n_files, "bytes": self.n_bytes}
        found = [asdict(finding) for finding in self._findings]
        told = {"note": self.note or None, "remarks": list(self.remarks), "unvouched": list(self.unvouched)}
        return {"checked": counts, "findings": found, **told}

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Findings:
        """Read what `to_json` gave.

        Raises
        ------
        ValueError
            These are no findings.
        """
        try:
            counts = {name: int(members["checked"][name]) for name in ("keys", "versions", "files", "bytes")}
            found = [Finding(*[one[name] for name in ("kind", "key", "version", "file", "message")]) for one in members["findings"]]
            remarks = [str(one) for one in members.get("remarks") or ()]
            return cls(found, counts, [str(one) for one in members["unvouched"]], str(members.get("note") or ""), remarks=remarks)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"these are no findings: {type(error).__name__}: {error}") from error

    def __str__(self) -> str:
        counts = {"key": self.n_keys, "version": self.n_versions, "file": self.n_files, "byte": self.n_bytes}
        checked = ", ".join([count_text(number, unit) for unit, number in counts.items()])
        sound = "nothing found" if self.note else "sound"
        lines = [count_text(len(self), "finding") if self else sound, *[str(finding) for finding in self._findings]]
        if self.note:
            lines.append(f"not vouched for: {self.note}")
        elif self.unvouched:
            lines.append(f"not vouched for, because they may change in place: {', '.join(self.unvouched)}")
        lines += [f"note: {remark}" for remark in self.remarks]
        return f"{checked}: " + "\n".join([visible(line, 1000) for line in lines])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from isfdb.display import html
        from isfdb.display.badges import Badge

        kind, sign = ("bad", "✗") if self.serious else ("near", "△") if self else ("none", "○") if self.note else ("good", "✓")
        checked, _, outcome = str(self).split("\n", 1)[0].partition(": ")
        head = f'<p class="i-head">{Badge(outcome, kind, "", sign).html} <span class="i-muted">{escape(checked, 400)}</span></p>'
        rows = [(one.kind, one.key, f"v{one.version}" if one.version else "", one.file, one.message) for one in self[:_MOST_ROWS]]
        rows += [(f"… {len(self) - _MOST_ROWS:,} more", "", "", "", "")] if len(self) > _MOST_ROWS else []
        table = html.table(("finding", "key", "version", "file", "what was found"), rows, limit=1000) if rows else ""
        notes = [html.note(line) for line in str(self).split("\n")[1 + len(self) :]]
        return {"text/plain": str(self), "text/html": html.fragment(head, table, *notes)}
