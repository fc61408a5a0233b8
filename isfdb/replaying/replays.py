"""``isfdb.replay``: makes one stored value again and says what came of it. What came of it is kept, so that the next look is free."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, Final

from isfdb.database import Database
from isfdb.entry import Version
from isfdb.explaining.scripts import version_meant
from isfdb.opening import check_open
from isfdb.place import Key
from isfdb.replaying.asked import CURRENT, Asked
from isfdb.replaying.jobs import Job, jobs_of, replay_job
from isfdb.replaying.replay_records import keep_verdict, known_verdicts
from isfdb.replaying.verdict import Verdict

#: What depends on who asks, or on the moment: the next look tries again.
NOT_KEPT: Final = ("not trusted", "environment missing", "commit missing", "input missing", "input changed", "network needed")


def replay(
    db: Database,
    key: Key,
    *,
    version: Any = None,
    level: str | None = None,
    all: bool = False,
    environment: str = CURRENT,
    rtol: float | None = None,
    atol: float | None = None,
    changed_inputs: bool = False,
    offline: bool = False,
    trust: bool = False,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
    budget: int | None = None,
    again: bool = False,
    progress: bool = False,
) -> Verdict:
    """Make a stored value again, compare it with what is stored, and say why they differ if they do.

    Its script runs in a clean process. Nothing in the database is changed, but that the verdict is kept beside the version.

    Parameters
    ----------
    db : Database
    key : str or tuple of str
    version : int, str or date, optional
        As for :meth:`Database.get`; default: the newest.
    level : {"statements", "cells", "everything"}, optional
        As for :func:`isfdb.code`; default: the stored script.
    all : bool
        Run all that ran until the value was stored.
    environment : str
        ``"current"``: the packages of this process. ``"recorded"``: those that were installed then. Else the path of an interpreter.
    rtol, atol : float, optional
        Numbers that differ by no more than this share, or this much, are close. Default: a few units in the last place of each dtype.
    changed_inputs : bool
        Run it though files that it reads have changed.
    offline : bool
        Without network, where the platform allows.
    trust : bool
        Run it though nothing shows that you wrote it. Read it first.
    timeout_s : float, optional
        Seconds that each run may take; default: the setting ``check_timeout_s``.
    memory_bytes : int, optional
        Memory that each process may take for its data; default: the setting ``check_memory_bytes``.
    budget : int, optional
        How many more runs may be spent on finding out why it differs; default: 2. One of your own may also be spent on building the
        recorded environment, where packages differ; else only one that is built already is used.
    again : bool
        Run it though what came of it is known.
    progress : bool
        Say on standard error which step runs, and show what the script prints.

    Returns
    -------
    Verdict
        ``status`` is ``"identical"``, ``"equal"``, ``"close"``, ``"different"`` or ``"not runnable"``, ``because`` says why.

    Raises
    ------
    KeyNotFoundError, VersionNotFoundError
    VersionGoneError
        The version is a deletion.
    OptionError
        An argument cannot be understood, or `db` is no open database.

    Examples
    --------
    >>> import isfdb
    >>> isfdb.replay(isfdb.open("results"), "rates").status  # doctest: +SKIP
    'identical'
    """
    check_open(db, "replay(isfdb.open(path, mode='r+'), key)")
    asked = Asked(environment, level, all, rtol, atol, changed_inputs, offline, trust, timeout_s, memory_bytes, budget, again)
    found = version_meant(db, key, version)
    (job,) = jobs_of(db, [found], asked)
    known = None if again else known_verdict(job, found)
    if known is not None and not (budget is not None and known.because == "unknown"):  # a budget asks to look for the reason
        return known
    told = {"on_output": _show, "on_step": _say} if progress else {}
    (verdict,) = replay_job(db, job, asked, **told)
    return with_kept(found, verdict)


def known_verdict(job: Job, version: Version) -> Verdict | None:
    """Return what you found out before about a version, where nothing that it depends on has changed since; else None."""
    digest = job.digest_of(version)  # of a verdict about what was not whole there is none
    found = [one for one in known_verdicts(version._storage, version.record, mine=True) if one.job == digest]
    return replace(found[-1], key=version.key, version=version.number, link=version.link) if found else None


def with_kept(version: Version, verdict: Verdict) -> Verdict:
    """Keep a verdict beside its version where that is of use; return it, with a note where it could not be kept."""
    if verdict.because in NOT_KEPT:
        return verdict
    problem = keep_verdict(version._storage, version.record, verdict)
    return replace(verdict, notes=(*verdict.notes, f"this verdict was not kept: {problem}")) if problem else verdict


def _say(step: str) -> None:
    print(f"isfdb: {step}", file=sys.stderr, flush=True)  # noqa: T201 - progress that was asked for


def _show(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
