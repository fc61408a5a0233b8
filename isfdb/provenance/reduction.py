"""What of all that was read goes into a record: the notes of a slice, each thing once, without secrets. Digests may follow later.

The slice says which cells and lines; `usage.py` has their notes. What is long is stored once, beside the records.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from isfdb.exact_json import compact
from isfdb.hashing import digest_of
from isfdb.layout.current import INPUTS_FOLDER
from isfdb.provenance import file_digests, late_digests
from isfdb.provenance.activities import ran_before
from isfdb.provenance.cells import Ran
from isfdb.provenance.file_digests import Answer, FileFacts
from isfdb.provenance.records import PENDING, UsedFile, UsedValue
from isfdb.provenance.redaction import redact, redact_url
from isfdb.provenance.session_log import SessionLog
from isfdb.provenance.usage import Use, ValueRead
from isfdb.storage.base import Storage

#: What takes more bytes than this is stored beside the record.
LONG_BYTES: Final = 600

#: How long a put waits for digests of small files, at most.
PATIENCE_S: Final = 0.005

#: So many inputs are remembered together with what was recorded of them: a loop may store a thousand values made from the same files.
MANY: Final = 20
MOST_RECORDED: Final = 16

#: From so many inputs on, what was recorded before is not written again: a loop may read a value in each turn, and store another.
GROWING: Final = 200

_recorded: dict[tuple[int, tuple[int, ...]], list[dict[str, Any]] | dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Told:
    """One input, as a record tells it.

    Attributes
    ----------
    use : Use
    member : dict
        JSON-ready.
    pending : FileFacts or None
        Of a file whose digest is not known yet.
    """

    use: Use
    member: dict[str, Any]
    pending: FileFacts | None = None


def used_members(uses: Iterable[Use], log_line_of: Callable[[Ran], int | None]) -> list[dict[str, Any]]:
    """Return the member ``used`` of a record.

    Parameters
    ----------
    uses : iterable of Use
        Those of the slice; what was only written is left out.
    log_line_of : callable
        Gives the line of a cell in the session's log; None for one that is not in it.

    Returns
    -------
    list of dict
        JSON-ready, sorted, nothing twice.
    """
    return _reduced(uses, log_line_of)[0]


def _reduced(uses: Iterable[Use], log_line_of: Callable[[Ran], int | None]) -> tuple[list[dict[str, Any]], dict[str, FileFacts]]:
    """Return the members, and the files among them whose digest is not known yet, by their names there."""
    told = told_of({_key(use): use for use in uses if not use.is_output}.values(), log_line_of)
    pending = {one.member["file"]: one.pending for one in told if one.pending is not None}
    return in_order([one.member for one in told]), pending


def told_of(reads: Collection[Use], log_line_of: Callable[[Ran], int | None]) -> list[Told]:
    """Return what a record tells of each thing that was read; files before values."""
    lines = {id(ran): log_line_of(ran) for ran in {id(use.ran): use.ran for use in reads}.values()}
    files = [(use, use.what) for use in reads if isinstance(use.what, FileFacts)]
    answers = _answers([facts for _, facts in files])
    paths = _redacted([facts.path for _, facts in files])
    told = [
        Told(use, _file_member(use, facts, path, answer, lines[id(use.ran)]), facts if answer.because == PENDING else None)
        for (use, facts), path, answer in zip(files, paths, answers, strict=True)
    ]
    values = [(use, use.what, lines[id(use.ran)]) for use in reads if isinstance(use.what, ValueRead)]
    return told + [Told(use, UsedValue(redact(what.link)[0], what.digest, line).to_json()) for use, what, line in values]


def in_order(members: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return members sorted, nothing twice."""
    return sorted({tuple(member.values()): member for member in members}.values(), key=_place)


def recorded(storage: Storage, log: SessionLog, ran: Ran, uses: Sequence[Use]) -> list[dict[str, Any]] | dict[str, Any]:
    """Return the member ``used`` for the record of a value, and see to it that what is not known yet is told later.

    Parameters
    ----------
    storage : Storage
        Of the database that is written to.
    log : SessionLog
        Of this session in that database.
    ran : Ran
        What stores the value.
    uses : sequence of Use
        What the slice has read.
    """
    if len(uses) > GROWING:
        from isfdb.provenance.growing_inputs import growing_member

        return growing_member(storage, log, ran, uses)
    key = (id(log), tuple([id(use) for use in uses]))  # notes are kept as long as the process lives
    known = _recorded.get(key)
    if known is not None:
        return known
    members, pending = _reduced(uses, lambda one: log.line_of(one, ran_before(one)))
    if pending:
        late_digests.follow(log, ran, pending)
    member = stored_members(storage, members)
    if len(members) >= MANY and not pending:
        while len(_recorded) >= MOST_RECORDED:
            _recorded.pop(next(iter(_recorded)))
        _recorded[key] = member
    return member


def _key(use: Use) -> tuple[Any, ...]:
    what = use.what
    return (id(use.ran), what.path, what.identity) if isinstance(what, FileFacts) else (id(use.ran), what.link, what.digest)


def _place(member: dict[str, Any]) -> tuple[Any, ...]:
    return ("value" not in member, member.get("value") or member.get("file"), -1 if member["cell"] is None else member["cell"])


def _answers(files: list[FileFacts]) -> list[Answer]:
    """Have digests computed, and wait a moment: most files are small."""
    until = time.monotonic() + PATIENCE_S
    answers = [file_digests.answer_about(facts) for facts in files]
    if any(answer.because == PENDING for answer in answers):
        file_digests.wait(max(0.0, until - time.monotonic()))
        answers = [file_digests.answer_about(facts) for facts in files]
    return answers


def _redacted(paths: list[str]) -> list[str]:
    """Remove secrets from paths: from all at once, for a search costs as much for one as for a hundred."""
    texts = [redact_url(path) if "://" in path else path.replace("\n", "?") for path in paths]
    cleaned = redact("\n".join(texts))[0].split("\n")
    return cleaned if len(cleaned) == len(texts) else [redact(text)[0] for text in texts]


def _file_member(use: Use, facts: FileFacts, path: str, answer: Answer, cell: int | None) -> dict[str, Any]:
    because = f"{answer.because}: {use.n_files:,} in this folder" if facts.is_many else answer.because
    is_known = not facts.is_remote and not facts.is_many
    size = facts.size if is_known and not facts.is_folder else None
    mtime = facts.mtime_ns / 1e9 if is_known else None
    return UsedFile(path, size, mtime, answer.digest, because, cell, use.written_here).to_json()


def stored_members(storage: Storage, members: list[dict[str, Any]]) -> list[dict[str, Any]] | dict[str, Any]:
    """Return the member as it stands in the record: itself, or where it is long a reference to where it lies, once for all that share it.

    Parameters
    ----------
    storage : Storage
        Of the database that is written to.
    members : list of dict
        From :func:`used_members`.
    """
    text = list_text(members) + "\n"
    return {"n": len(members), "stored": put_list(storage, text)} if len(text.encode("utf-8", "replace")) > LONG_BYTES else members


def list_text(members: Iterable[dict[str, Any]]) -> str:
    """Return members as JSON, one a line."""
    return "[" + ",\n ".join([compact(member) for member in members]) + "]"


def put_list(storage: Storage, text: str) -> str:
    """Store a list of inputs under its digest, unless it is there; return the digest."""
    data = text.encode("utf-8", "replace")
    digest = digest_of(data)
    path = f"{INPUTS_FOLDER}/{digest}.json"
    if not storage.put(path, data) and storage.read(path) != data:
        storage.replace(path, data)  # a power cut left the name with less than the whole
    return digest
