"""What a version's record says about its slice, its inputs and its risks, as objects. It reads records; it decides nothing.

A record of an older release lacks these members: then nothing is known, which is no error. Nor is a forged record one: what cannot be
understood is left out here and found by verify.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from isfdb.exact_json import as_float, loads
from isfdb.layout.current import INPUTS_FOLDER, MAX_RECORD_BYTES
from isfdb.provenance.risk_kinds import ADVICE
from isfdb.provenance.session import read_session
from isfdb.storage.base import Storage

#: Why a file has no digest where it was still being computed at the put: the log of the session may tell it.
PENDING: Final = "being computed"

#: A list of inputs is read with so many parts, and so many bytes of them: half a million inputs, and no more memory than that.
MOST_PARTS: Final = 64
MOST_PART_BYTES: Final = 4 * MAX_RECORD_BYTES


@dataclass(frozen=True)
class UsedValue:
    """A stored value that another was made from.

    Attributes
    ----------
    link : str
        ``isfdb://<database id>/<key>@<version>``.
    digest : str or None
    cell : int or None
        Line, in the session's log, of the cell that read it.
    published : str or None
        When, where it was read as the newest version of its key. No record tells it; only the session itself knows.
    """

    link: str
    digest: str | None = None
    cell: int | None = None
    published: str | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the member of a record."""
        return {"cell": self.cell, "digest": self.digest, "value": self.link}


@dataclass(frozen=True)
class UsedFile:
    """A file that a value was made from.

    Attributes
    ----------
    path : str
        Absolute, or a URL.
    size : int or None
        In bytes.
    mtime : float or None
        Time of its last change, in seconds since 1970.
    digest : str or None
        BLAKE3, as 64 hexadecimal digits.
    because : str
        Why there is no digest.
    cell : int or None
        Line, in the session's log, of the cell that read it.
    written_here : bool
        The session itself wrote it before.
    """

    path: str
    size: int | None = None
    mtime: float | None = None
    digest: str | None = None
    because: str = ""
    cell: int | None = None
    written_here: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the member of a record."""
        facts = {"cell": self.cell, "digest": self.digest, "file": self.path, "mtime": self.mtime, "size": self.size}
        if self.because:
            facts["because"] = self.because
        return facts | ({"written_here": True} if self.written_here else {})


Used = UsedValue | UsedFile


@dataclass(frozen=True)
class Risk:
    """Something that may keep a value from being made again.

    Attributes
    ----------
    kind : str
        ``"unseeded random numbers"``, say.
    cell : int or None
        Line, in the session's log, of the cell that causes it.
    line : str
        The line of code that causes it.
    """

    kind: str
    cell: int | None = None
    line: str = ""

    @property
    def advice(self) -> str:
        """What to do about it."""
        return ADVICE.get(self.kind, "")

    def to_json(self) -> dict[str, Any]:
        """Return the member of a record."""
        return {"cell": self.cell, "line": self.line, "risk": self.kind}


@dataclass(frozen=True)
class SliceFacts:
    """What is recorded about the slice that makes a value; the slice itself is ``code.py``.

    Attributes
    ----------
    at : int or None
        Line, in the cell, of the statement that stored the value.
    labels : tuple of (str, str)
        What is to be known about it, and why: ``("out of order", "cell [3] ran after cell [5]")``.
    widened : tuple of str
        Why it may hold more than it must.
    size : int
        Of ``code.py``, in bytes.
    digest : str
        Of ``code.py``: BLAKE3.
    opened : dict
        What ``isfdb.open`` was given -> link of the database that it opened.
    names : dict
        Variables that stand for databases and that no statement bound -> code that opens these.
    """

    at: int | None
    labels: tuple[tuple[str, str], ...]
    widened: tuple[str, ...]
    size: int
    digest: str
    opened: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the member of a record."""
        facts: dict[str, Any] = {"at": self.at, "code": [self.size, self.digest], "labels": [list(one) for one in self.labels]}
        more = {"names": self.names, "opened": self.opened, "widened": list(self.widened)}
        return facts | {name: fact for name, fact in more.items() if fact}


@dataclass(frozen=True)
class Explained:
    """What is known about how a value is made.

    Attributes
    ----------
    members : dict
        For ``metadata.json``: ``slice``, ``used``, ``risks``, ``unknown``.
    code : bytes or None
        For ``code.py``.
    """

    members: dict[str, Any] = field(default_factory=dict)
    code: bytes | None = None


def slice_of(record: Mapping[str, Any]) -> SliceFacts | None:
    """Return what is recorded about the slice; None where there is none."""
    facts = record.get("slice")
    code = facts.get("code") if isinstance(facts, dict) else None
    if not isinstance(facts, dict) or not (isinstance(code, list) and len(code) == 2 and type(code[0]) is int and isinstance(code[1], str)):
        return None
    labels = [tuple(one) for one in _list(facts.get("labels")) if isinstance(one, list) and len(one) == 2 and _are_texts(one)]
    widened = [one for one in _list(facts.get("widened")) if isinstance(one, str)]
    named = {name: _texts(facts.get(name)) for name in ("opened", "names")}
    return SliceFacts(_whole(facts.get("at")), tuple(labels), tuple(widened), code[0], code[1], **named)


def risks_of(record: Mapping[str, Any]) -> tuple[Risk, ...]:
    """Return the risks that are recorded."""
    members = [one for one in _list(record.get("risks")) if isinstance(one, dict) and isinstance(one.get("risk"), str)]
    return tuple([Risk(one["risk"], _whole(one.get("cell")), str(one.get("line") or "")) for one in members])


def used_of(storage: Storage, record: Mapping[str, Any]) -> tuple[Used, ...]:
    """Return what a value was made from, as recorded.

    Parameters
    ----------
    storage : Storage
        Of the database that holds the version: a long list lies beside the record, once for all values that share it.
    record : Mapping
        ``metadata.json``.
    """
    members = record.get("used")
    if isinstance(members, dict):
        members = [member for digest, own in _lists(storage, members.get("stored")) for member in own]
    found = [_used(one) for one in _list(members) if isinstance(one, dict)]
    used = [one for one in found if one is not None]
    return tuple(_told_later(storage, record, used) if any(_is_pending(one) for one in used) else used)


def _is_pending(used: Used) -> bool:
    return isinstance(used, UsedFile) and used.because == PENDING


def _told_later(storage: Storage, record: Mapping[str, Any], used: list[Used]) -> list[Used]:
    """Fill in the digests that were computed after the put; the log of the session has them."""
    activity = record.get("activity")
    try:
        session = read_session(storage, str(activity.get("session"))) if isinstance(activity, dict) else None
    except FileNotFoundError:
        return used
    cell = next((one for one in session.cells if one.line == activity["line"]), None) if session and isinstance(activity, dict) else None
    files = cell.facts.get("files") if cell is not None else None
    return [_completed(one, files) for one in used] if isinstance(files, dict) else used


def _completed(used: Used, files: dict[str, Any]) -> Used:
    told = files.get(used.path) if isinstance(used, UsedFile) and _is_pending(used) else None
    if not isinstance(used, UsedFile) or not isinstance(told, dict) or told.get("mtime") != used.mtime:
        return used
    digest = told.get("digest") if isinstance(told.get("digest"), str) else None
    return replace(used, digest=digest, because=str(told.get("because") or ""))


def lists_of(storage: Storage, record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the digests of the lists beside the record in which what a value was made from stands: the one it names, then its parts."""
    members = record.get("used")
    return tuple([digest for digest, _ in _lists(storage, members.get("stored"))]) if isinstance(members, dict) else ()


def _lists(storage: Storage, digest: Any) -> Iterator[tuple[str, list[Any]]]:
    """Give a list and its parts, each with what stands in it; nothing where the name is none."""
    found = _stored(storage, digest)
    if found is None:
        return
    parts = _list(found.get("parts"))[:MOST_PARTS] if isinstance(found, dict) else []
    yield digest, _list(found.get("used") if isinstance(found, dict) else found)
    n_bytes = 0
    for part in dict.fromkeys([part for part in parts if isinstance(part, str) and _is_name(part)]):
        n_bytes += storage.size(f"{INPUTS_FOLDER}/{part}.json")
        if n_bytes <= MOST_PART_BYTES:
            yield part, _list(_stored(storage, part))


def _is_name(digest: str) -> bool:
    return len(digest) == 64 and digest.isalnum()


def _stored(storage: Storage, digest: Any) -> Any:
    """Return what a list holds, nothing where it is not there; None where its name is none."""
    if not (isinstance(digest, str) and _is_name(digest)):
        return None
    try:
        return loads(storage.read(f"{INPUTS_FOLDER}/{digest}.json"))
    except (FileNotFoundError, ValueError, RecursionError):
        return []  # a sub-database moved out by hand leaves it behind


def _used(member: dict[str, Any]) -> Used | None:
    digest = member.get("digest") if isinstance(member.get("digest"), str) else None
    cell = _whole(member.get("cell"))
    if isinstance(member.get("value"), str):
        return UsedValue(member["value"], digest, cell)
    if isinstance(member.get("file"), str):
        mtime = member.get("mtime")
        return UsedFile(
            member["file"],
            _whole(member.get("size")),
            as_float(mtime),
            digest,
            str(member.get("because") or ""),
            cell,
            member.get("written_here") is True,
        )
    return None


def _list(member: Any) -> list[Any]:
    return member if isinstance(member, list) else []


def _texts(member: Any) -> dict[str, str]:
    return {name: text for name, text in member.items() if isinstance(text, str)} if isinstance(member, dict) else {}


def _whole(member: Any) -> int | None:
    return member if type(member) is int else None


def _are_texts(members: list[Any]) -> bool:
    return all(isinstance(one, str) for one in members)
