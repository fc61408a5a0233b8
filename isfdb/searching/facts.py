"""What can be searched of one version, taken from its record: flat, small, made of plain values. It reads no file itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from isfdb.blocks import checked_earlier
from isfdb.errors import CorruptVersionError
from isfdb.exact_json import compact
from isfdb.manifest import checked_files
from isfdb.provenance.records import UsedValue, risks_of, slice_of, used_of
from isfdb.storage.base import Storage
from isfdb.versions import created_at

#: Characters of a description that plain words are looked for in.
MOST_WORDS: Final = 4000

#: Begins the facts about inputs whose list lies beside the records, once for many versions.
STORED: Final = "@"

#: What each part of `Facts.everything` is.
PARTS: Final = ("key", "type", "description", "dumper", "user", "host", "branch", "label", "risk", "input", "attribute", "code")

_MOST_BYTES: Final = 2**63


class Facts(NamedTuple):
    """What is searched of a key: the facts about the version that reading it gives.

    Attributes
    ----------
    key : str
        With its sub-databases.
    number : int
        Of the version.
    created : float
        Seconds since 1970.
    nbytes : int
    what : str
        Type.
    shape : str
        ``3x4``; empty where it has none.
    line : int
        Of the cell, in the log of the session; -1 where it is not known.
    dirty : int or None
    code : str
        Digest of ``code.py``.
    labels, risks, inputs : str
        One a line.
    attributes : str
        JSON object of plain values.
    everything : str
        What plain words are looked for in; the parts, in the order of ``PARTS``, are separated by tabs.
    """

    key: str
    number: int
    created: float
    nbytes: int
    what: str
    shape: str
    dumper: str
    digest: str
    user: str
    host: str
    commit: str
    branch: str
    dirty: int | None
    environment: str
    session: str
    line: int
    code: str
    labels: str
    risks: str
    inputs: str
    attributes: str
    everything: str


COLUMNS: Final = Facts._fields


def facts_of(storage: Storage, key: str, number: int, record: dict[str, Any], attributes: str) -> Facts:
    """Return the facts about a version.

    Parameters
    ----------
    record : dict
        ``metadata.json``.
    attributes : str
        As :func:`plain_attributes` gives them.

    Raises
    ------
    CorruptVersionError, UnsafePathError
        A member is not what it must be.
    """
    by, code, activity = _object(record, "by"), _object(record, "code"), _object(record, "activity")
    describe = record.get("describe")
    describe = describe if isinstance(describe, dict) else {}
    made_by = slice_of(record)
    line, dirty = activity.get("line"), code.get("dirty")
    what, dumper, user, host = _text(describe, "type"), _text(record, "dumper"), _text(by, "user"), _text(by, "host")
    branch, inputs = _text(code, "branch"), _inputs(storage, record)
    labels = _lines([name for name, _ in made_by.labels] + ["widened"] * bool(made_by.widened)) if made_by else ""
    risks = _lines([f"{risk.kind}: {risk.line}" if risk.line else risk.kind for risk in risks_of(record)]) if "risks" in record else ""
    state = "dirty" if dirty is True else ""
    parts = (key, what, _words(describe), dumper, user, host, branch, labels, risks, inputs, attributes, state)
    return Facts(
        key=key,
        number=number,
        created=created_at(record).timestamp(),
        nbytes=_nbytes(record, key),
        what=what,
        shape=_shape(describe.get("shape", describe.get("size"))),
        dumper=dumper,
        digest=_text(record, "digest"),
        user=user,
        host=host,
        commit=_text(code, "commit"),
        branch=branch,
        dirty=int(dirty) if isinstance(dirty, bool) else None,
        environment=_text(record, "environment"),
        session=_text(activity, "session"),
        line=line if type(line) is int and 0 <= line < _MOST_BYTES else -1,
        code=made_by.digest if made_by else "",
        labels=labels,
        risks=risks,
        inputs=inputs,
        attributes=attributes,
        everything=_joined(parts),
    )


def _joined(parts: tuple[str, ...]) -> str:
    joined = "\t".join(parts)
    return joined if joined.count("\t") == len(parts) - 1 else "\t".join([part.replace("\t", " ") for part in parts])


def _object(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = record.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise CorruptVersionError(f"the record of {record.get('key')!r:.80} says {found!r:.80} under {name!r}, which is no object.")
    return found


def _text(members: Mapping[str, Any], name: str) -> str:
    found = members.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise CorruptVersionError(f"the record says {found!r:.80} under {name!r}, which is no text.")
    return found


def _nbytes(record: dict[str, Any], key: str) -> int:
    files = checked_files(record, key)
    if "earlier" in record:
        files = {**files, **checked_earlier(record, key)}
    total: int = sum([size for size, _ in files.values()])
    if not 0 <= total < _MOST_BYTES:
        raise CorruptVersionError(f"the manifest of {key!r} gives its files a size that no file can have.")
    return total


def _shape(shape: Any) -> str:
    if not isinstance(shape, list):
        return ""
    return "x".join(["?" if n is None else str(n)[:20] for n in shape[:32]])


def _lines(texts: list[str]) -> str:
    return "\n".join([" ".join(text.split()) for text in texts])


def _inputs(storage: Storage, record: Mapping[str, Any]) -> str:
    used = record.get("used")
    if isinstance(used, dict):  # a long list: looked up when it is asked for
        return f"{STORED}{used.get('stored')}"
    return inputs_text(storage, record) if used else ""


def inputs_text(storage: Storage, record: Mapping[str, Any]) -> str:
    """Return the links and paths of what a version was made from, one a line."""
    return _lines([one.link if isinstance(one, UsedValue) else one.path for one in used_of(storage, record)])


def _words(describe: dict[str, Any]) -> str:
    found: list[str] = []
    _collect(describe, found, 6)
    return " ".join(found)[:MOST_WORDS]


def _collect(value: Any, found: list[str], depth: int) -> None:
    """Gather the texts in a description; numbers and the names of its members say nothing that anybody looks for."""
    for one in value.values() if type(value) is dict else value:
        kind = type(one)
        if kind is str:
            found.append(one)
        elif (kind is list or kind is dict) and depth and len(found) < MOST_WORDS // 4:
            _collect(one, found, depth - 1)


def plain_attributes(encoded: Mapping[str, Any]) -> str:
    """Return attributes, as they stand in their file, as JSON whose values can be compared: numbers, texts, lists of them."""
    members = dict(encoded["$dict"]) if encoded.keys() == {"$dict"} else encoded
    return compact({name: _plain(value) for name, value in members.items()}) if members else ""


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, told),) = value.items()
        if name == "$numpy" and isinstance(told, list) and len(told) == 2:
            return str(told[1])
        if name.startswith("$") and isinstance(told, str):
            return told
    return compact(value)
