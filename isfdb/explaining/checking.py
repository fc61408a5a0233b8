"""Finds out whether the script of a value makes it again: runs it, compares, and tries wider ones where it does not.

statements → cells → everything. What was found out is kept in the database. Only code that you wrote, or said you trust, is run.
"""

from __future__ import annotations

import datetime
import os
import platform
import sys

import isfdb.explaining.scripts as scripts
from isfdb.comparing.comparison import IDENTICAL, NOT_COMPARED
from isfdb.comparing.values import compare_values
from isfdb.database import Database
from isfdb.entry import Version
from isfdb.errors import IsfdbError
from isfdb.explaining.check_records import Attempt, Check, write_check
from isfdb.explaining.clean_process import DONE, Finished, Task, run
from isfdb.explaining.code_text import Code
from isfdb.explaining.consent import refuse_strangers_code
from isfdb.explaining.workplace import Workplace, workplace
from isfdb.opening import open as open_database
from isfdb.options import option, set_options
from isfdb.provenance.records import used_of
from isfdb.provenance.slicing.script import LEVELS
from isfdb.trust import is_trusted

SAME, DIFFERENT, FAILED, NOT_RUN = "same", "different", "failed", "not run"


def checked_code(
    db: Database, version: Version, level: str | None, *, trust: bool, timeout_s: float | None, memory_bytes: int | None
) -> Code:
    """Run the script of a version, and wider ones where it makes something else; return the one that makes the value.

    Parameters
    ----------
    level : str or None
        Only this one, or all from the narrowest on.

    Raises
    ------
    UntrustedDataError
        Nothing shows that the code is yours, and nobody said that it is trusted.
    """
    is_trusted_here = trust or db._trusted or is_trusted(db.root.id, db.root.path)
    attempts: list[Attempt] = []
    notes: tuple[str, ...] = ()
    tried: list[Code] = []
    for one in (level,) if level else LEVELS:
        found = scripts.code_at(version, one)
        if found in tried:
            continue
        refuse_strangers_code(db, version, found, is_trusted=is_trusted_here)
        tried.append(found)
        attempt, notes = _attempt(db, version, found, is_trusted_here, timeout_s, memory_bytes)
        attempts.append(attempt)
        if attempt.outcome == SAME:
            break
    is_same = attempts[-1].outcome == SAME
    check = _check(attempts, notes, tried[-1])
    problem = write_check(version._storage, version.record, check)
    return tried[-1 if is_same else 0].with_check(check, f"this check was not kept: {problem}" if problem else "")


def _check(attempts: list[Attempt], notes: tuple[str, ...], found: Code) -> Check:
    is_same = attempts[-1].outcome == SAME
    status = ("checked" if len(attempts) == 1 else "widened") if is_same else "failed"
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    level = attempts[-1].level if is_same else None
    text = str(found) if is_same and level != LEVELS[0] else ""
    return Check(status, level, when, platform.python_version(), tuple(attempts), notes, text)


# One attempt -----------------------------------------------------------------------------------------------------------------------


def _attempt(
    db: Database, version: Version, found: Code, is_trusted_here: bool, timeout_s: float | None, memory_bytes: int | None
) -> tuple[Attempt, tuple[str, ...]]:
    reason = _why_not(version, found)
    if reason:
        return Attempt(found.level, NOT_RUN, reason), ()
    session = scripts.session_of(version)
    directory = session.start.get("directory") if session else None
    places = {db.root.id: db.root.path, db.id: db.path}
    used, written = used_of(version._storage, version.record), session.written if session else ()
    with workplace(directory, used, places, trusted=[db.root.id] if is_trusted_here else (), written=written) as place:
        finished = run(_task(version, found, place, directory, timeout_s, memory_bytes))
        outcome, because = _outcome(db, version, finished)
        return Attempt(found.level, outcome, because, round(finished.duration_s, 3)), place.notes


def _why_not(version: Version, found: Code) -> str:
    if found.level == scripts.AS_IT_RAN:
        return "; ".join([because for _, because in found.labels]) or "there is no script of it"
    if version.reclaimed:
        return "the value was reclaimed by collect: there is nothing to compare with"
    if version.record.get("mutable"):
        return "the value may change in place: there is nothing to compare with"
    return ""


def _task(
    version: Version, found: Code, place: Workplace, directory: str | None, timeout_s: float | None, memory_bytes: int | None
) -> Task:
    own = [directory] if directory and os.path.isdir(directory) else []  # where a notebook finds modules beside it
    return Task(
        str(found),
        place.folder,
        place.directory,
        path=(*own, *[os.path.abspath(one) for one in sys.path if one]),
        environment=place.environment,
        dumper=version.dumper,
        timeout_s=option("check_timeout_s", timeout_s),
        memory_bytes=option("check_memory_bytes", memory_bytes),
    )


def _outcome(db: Database, version: Version, finished: Finished) -> tuple[str, str]:
    if finished.outcome != DONE:
        refused = f"; it was not allowed to change {', '.join(finished.refused[:3])}" if finished.refused else ""
        return finished.outcome, finished.because + refused
    with set_options(register=False):
        answer = open_database(finished.answer, "r", trust=True)
    if answer.entry("value").newest.digest == version.digest:
        return SAME, ""
    try:
        comparison = compare_values(db.get(version.key, version=version.number), answer["value"])
    except IsfdbError as error:
        return FAILED, f"the two cannot be compared: {error}"
    if comparison.status == IDENTICAL:
        return SAME, ""
    told = "; ".join([line.strip() for line in str(comparison).splitlines()])[:1000]
    return (FAILED if comparison.status == NOT_COMPARED else DIFFERENT), f"stored and made again: {told}"
