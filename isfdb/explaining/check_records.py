"""What a check found out about the script of a version, kept in ``.isfdb/checks``: how it went, and which script made the value again.

Like all records it is somebody's claim. It is shown; what is run is never taken from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from isfdb.exact_json import as_float, dumps, loads
from isfdb.layout.current import CHECKS_FOLDER
from isfdb.storage.base import Storage

_SEAL: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Attempt:
    """One run of one script.

    Attributes
    ----------
    level : str
        ``"statements"``, ``"cells"`` or ``"everything"``; ``"as it ran"`` for a script that was run as a whole.
    outcome : str
        ``"same"``, ``"different"``, ``"failed"``, ``"timed out"``, ``"out of memory"`` or ``"not run"``.
    because : str
        How it differs, or why it failed.
    duration_s : float or None
    """

    level: str
    outcome: str
    because: str = ""
    duration_s: float | None = None

    def __str__(self) -> str:
        return f"{self.level}: {self.outcome}{f' ({self.because})' if self.because else ''}"


@dataclass(frozen=True)
class Check:
    """What running the script of a version showed.

    Attributes
    ----------
    status : str
        ``"checked"``: the script makes the value again. ``"widened"``: a wider one does. ``"failed"``: none does.
    level : str or None
        Of the script that makes it again.
    when : str
        ISO-8601 time.
    python : str
    attempts : tuple of Attempt
        Narrowest script first.
    notes : tuple of str
        What was not as it had been: a file that has changed since.
    text : str
        The script that makes it again, where it is not the one stored with the version.
    """

    status: str
    level: str | None
    when: str
    python: str
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[str, ...] = ()
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the record."""
        return {**asdict(self), "attempts": [asdict(one) for one in self.attempts], "format": 1, "notes": list(self.notes)}

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Check:
        """Read the record; what it does not say is empty.

        Raises
        ------
        ValueError
            It is none.
        """
        if not isinstance(members, dict) or members.get("status") not in ("checked", "widened", "failed"):
            raise ValueError("it is no record of a check")
        attempts = [
            Attempt(str(one.get("level")), str(one.get("outcome")), str(one.get("because") or ""), as_float(one.get("duration_s")))
            for one in members.get("attempts") or ()
            if isinstance(one, dict)
        ]
        texts = {name: str(members.get(name) or "") for name in ("when", "python", "text")}
        level = members.get("level")
        notes = tuple([str(one) for one in members.get("notes") or ()])
        return cls(members["status"], str(level) if level else None, attempts=tuple(attempts), notes=notes, **texts)


def path_of(record: Mapping[str, Any], folder: str = CHECKS_FOLDER) -> str | None:
    """Return where the check of a version lies: under the digest of its record, so it holds for that version only."""
    seal = record.get("record")
    return f"{folder}/{seal}.json" if isinstance(seal, str) and _SEAL.fullmatch(seal) else None


def read_check(storage: Storage, record: Mapping[str, Any]) -> Check | None:
    """Return what was found out about a version; None where nothing was, or nothing that can be understood."""
    path = path_of(record)
    try:
        return Check.from_json(loads(storage.read(path))) if path else None
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, RecursionError):
        return None


def write_check(storage: Storage, record: Mapping[str, Any], check: Check) -> str:
    """Keep what was found out, in place of what was found out before; return why it could not be kept."""
    return write_beside(storage, path_of(record), check.to_json())


def write_beside(storage: Storage, path: str | None, members: dict[str, Any], *, flushed: bool = True) -> str:
    """Keep what was found out about a version, at a place of its own; return why it could not be kept."""
    if path is None:
        return "the record of the version has no digest to name it by"
    if storage.read_only or storage.why_read_only:
        return "the database is open for reading only"
    try:
        storage.replace(path, dumps(members).encode(), flushed=flushed)
    except OSError as error:
        return f"{error.strerror or error}"
    return ""
