"""What of all that was read goes into a record: the notes of a slice, each thing once, without secrets. Digests may follow later.

The slice says which cells and lines; `usage.py` has their notes. What is long is stored once, beside the records.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from isfdb.exact_json import compact
from isfdb.hashing import digest_of
from isfdb.layout.current import INPUTS_FOLDER
from isfdb.provenance import file_digests, late_digests
from isfdb.provenance.activities import ran_before
from isfdb.provenance.cells import Ran
from isfdb.provenance.file_digests import FileFacts
from isfdb.provenance.records import PENDING, UsedFile, UsedValue
from isfdb.provenance.redaction import redact, redact_url
from isfdb.provenance.session_log import SessionLog
from isfdb.provenance.usage import Use, ValueRead
from isfdb.storage.base import Storage

#: What takes more bytes than this is stored beside the record.
LONG_BYTES: Final = 600

#: How long a put waits for digests of small files, at most.
PATIENCE_S: Final = 0.005


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
    reads = {_key(use): use for use in uses if not use.is_output}
    lines = {id(use.ran): log_line_of(use.ran) for use in reads.values()}
    files = [use for use in reads.values() if isinstance(use.what, FileFacts)]
    _begin_digests([use.what for use in files if isinstance(use.what, FileFacts)])
    paths = _redacted([use.what.path for use in files if isinstance(use.what, FileFacts)])
    members = [_file_member(use, path, lines[id(use.ran)]) for use, path in zip(files, paths, strict=True)]
    values = [(use.what, lines[id(use.ran)]) for use in reads.values() if isinstance(use.what, ValueRead)]
    members += [UsedValue(redact(what.link)[0], what.digest, line).to_json() for what, line in values]
    return sorted({compact(member): member for member in members}.values(), key=_place)


def pending_files(uses: Iterable[Use]) -> list[tuple[str, FileFacts]]:
    """Return the files that have no digest yet, each with its name in the record: for :func:`isfdb.provenance.late_digests.follow`."""
    read = [use.what for use in uses if isinstance(use.what, FileFacts) and not use.is_output]
    pending = list(dict.fromkeys([facts for facts in read if file_digests.answer_about(facts).because == PENDING]))
    return list(zip(_redacted([facts.path for facts in pending]), pending, strict=True))


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
    members = used_members(uses, lambda one: log.line_of(one, ran_before(one)))
    if any(member.get("because") == PENDING for member in members):
        late_digests.follow(log, ran, pending_files(uses))
    return stored_members(storage, members)


def _key(use: Use) -> tuple[Any, ...]:
    what = use.what
    return (id(use.ran), what.path, what.identity) if isinstance(what, FileFacts) else (id(use.ran), what.link, what.digest)


def _place(member: dict[str, Any]) -> tuple[Any, ...]:
    return ("value" not in member, member.get("value") or member.get("file"), -1 if member["cell"] is None else member["cell"])


def _begin_digests(files: list[FileFacts]) -> None:
    """Have digests computed, and wait a moment: most files are small."""
    until = time.monotonic() + PATIENCE_S
    pending = [facts for facts in files if file_digests.answer_about(facts).because == PENDING]
    if pending:
        file_digests.wait(max(0.0, until - time.monotonic()))


def _redacted(paths: list[str]) -> list[str]:
    """Remove secrets from paths: from all at once, for a search costs as much for one as for a hundred."""
    texts = [redact_url(path) if "://" in path else path.replace("\n", "?") for path in paths]
    cleaned = redact("\n".join(texts))[0].split("\n")
    return cleaned if len(cleaned) == len(texts) else [redact(text)[0] for text in texts]


def _file_member(use: Use, path: str, cell: int | None) -> dict[str, Any]:
    facts = use.what
    assert isinstance(facts, FileFacts)
    answer = file_digests.answer_about(facts)
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
    text = "[" + ",\n ".join([compact(member) for member in members]) + "]\n"
    data = text.encode("utf-8", "replace")
    if len(data) <= LONG_BYTES:
        return members
    digest = digest_of(data)
    path = f"{INPUTS_FOLDER}/{digest}.json"
    if not storage.put(path, data) and storage.read(path) != data:
        storage.replace(path, data)  # a power cut left the name with less than the whole
    return {"n": len(members), "stored": digest}
