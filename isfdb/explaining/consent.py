"""Whose code it is: what may be run without being asked for, because this very user ran it before.

A script is signed when it is stored, with the key that also signs pickles. The signature covers its text and the session's log up to that
moment, whose lines are chained: the wider scripts are written from these. It does not cover the data it reads, nor what a check recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

from isfdb.database import Database
from isfdb.entry import Version
from isfdb.errors import UntrustedDataError
from isfdb.explaining.code_text import Code
from isfdb.hashing import digest_of
from isfdb.provenance.records import slice_of
from isfdb.provenance.session import line_digests
from isfdb.provenance.slicing.script import LEVELS
from isfdb.trust import is_signed_by_me, script_payload


def refuse_strangers_code(db: Database, version: Version, found: Code, *, is_trusted: bool) -> None:
    """Raise unless a script is yours, or trusted.

    Raises
    ------
    UntrustedDataError
    """
    if is_trusted or is_mine(version, found):
        return
    name, level = f"{version.key!r}", f"{found.level!r}"
    message = (
        f"cannot check {name}: its script would be run, and nothing shows that you wrote it. Read it first: isfdb.code(db, {name}, "
        f"level={level}). To run it, say check=True, trust=True, or trust the database: isfdb trust {db.root.path}"
    )
    raise UntrustedDataError(message, database=db.root.path, key=version.key)


@dataclass
class Log:
    """The digests of a session's lines, and the line up to which the last script that was looked at is signed."""

    digests: list[str]
    line: int = 0


def is_mine(version: Version, found: Code, logs: dict[tuple[int, str], Log] | None = None) -> bool:
    """Say whether a script, and the session it was written from, are signed with this user's key.

    Parameters
    ----------
    version : Version
    found : Code
    logs : dict, optional
        What was read for other versions: those of one session are looked through once.
    """
    facts = slice_of(version.record)
    activity = version.record.get("activity") or {}
    signature, line = (version.record.get("slice") or {}).get("signature"), activity.get("line")
    if facts is None or not isinstance(signature, str) or not isinstance(line, int):
        return False
    if found.level == LEVELS[0] and digest_of(str(found).encode()) != facts.digest:
        return False
    logs, name = {} if logs is None else logs, (id(version._storage), str(activity.get("session")))
    try:
        log = logs[name] = logs.get(name) or Log(line_digests(version._storage, name[1]))
    except FileNotFoundError:
        return False
    after = range(max(line, log.line), len(log.digests))  # versions that follow each other were signed one after the other
    for number in (*after, *range(line, min(log.line, len(log.digests)))):
        if is_signed_by_me(script_payload(facts.digest, log.digests[number]), signature):
            log.line = number
            return True
    return False
