"""Judges what the runs of a job made, and puts the verdicts together: the rung of the ladder, or what kept it from being run."""

from __future__ import annotations

import contextlib
import datetime
import functools
import platform
from collections.abc import Callable, Mapping
from typing import Any

from isfdb.database import Database
from isfdb.entry import Version
from isfdb.explaining.consent import Log, is_mine
from isfdb.explaining.scripts import code_at
from isfdb.hashing import digest_of
from isfdb.replaying.asked import Asked
from isfdb.replaying.jobs import Job, jobs_of
from isfdb.replaying.outcomes import Outcome, outcome_of
from isfdb.replaying.reasons import Reason, reasons_of
from isfdb.replaying.running import Prepared, Runner
from isfdb.replaying.verdict import NOT_RUNNABLE, Verdict
from isfdb.trust import is_trusted


def judge_job(
    db: Database, job: Job, asked: Asked, *, on_output: Callable[[str], None] | None, on_step: Callable[[str], None] | None
) -> list[Verdict]:
    """Run a job and judge what it made."""
    trusted = asked.trust or db._trusted or is_trusted(db.root.id, db.root.path)
    if job.obstacle[0]:
        because, detail = job.obstacle
        return [_verdict(job, version, asked, status=NOT_RUNNABLE, because=because, detail=detail) for version in job.versions]
    strangers = [] if trusted else _not_mine(job)
    if strangers:
        return _without(strangers, db, job, asked, on_output=on_output, on_step=on_step)
    with contextlib.ExitStack() as stack:
        runner = Runner(db, job, asked, stack, trusted=trusted, on_output=on_output, on_step=on_step)
        prepared = runner.prepare()
        because, detail = _obstacle_there(prepared, asked)
        if because:
            facts = {"status": NOT_RUNNABLE, "because": because, "detail": detail, "notes": prepared.notes}
            return [_verdict(job, version, asked, **facts) for version in job.versions]
        made = runner.run(prepared)
        runner.step("compare")
        outcomes = [outcome_of(prepared, runner, made, name, version) for name, version in job.named]
        reasons = reasons_of(runner, prepared, outcomes)
        return [_judged(runner, one, reasons[one.name]) for one in outcomes]


def _not_mine(job: Job) -> list[Version]:
    """Return the versions of a job of whose scripts nothing shows that you wrote them: the last line of each is its own, too."""
    first, logs = job.versions[0], dict[tuple[int, str], Log]()
    return [one for one in job.versions if not is_mine(one, job.code if one is first else code_at(one, job.code.level), logs)]


def _without(strangers: list[Version], db: Database, job: Job, asked: Asked, **told: Any) -> list[Verdict]:
    """Judge a job without versions that are not to be run."""
    found = {one.link: _verdict(job, one, asked, status=NOT_RUNNABLE, because="not trusted", detail=_consent(one)) for one in strangers}
    mine = [one for one in job.versions if one.link not in found]
    for rest in jobs_of(db, mine, asked):
        found |= {one.link: one for one in judge_job(db, rest, asked, **told)}
    return [found[one.link] for one in job.versions]


def _consent(version: Version) -> str:
    told = f"its script would be run, and nothing shows that you wrote it. Read it first: isfdb.code(db, {version.key!r}). To run it, say "
    return f"{told}trust=True (--trust), or trust the database: isfdb trust DB"


def _obstacle_there(prepared: Prepared, asked: Asked) -> tuple[str, str]:
    """Return what keeps a job from being run, now that what it finds is laid out."""
    if prepared.environment.problems:
        return prepared.environment.problems[0]
    inputs = prepared.inputs
    if inputs.missing:
        return "input missing", f"{_some(inputs.missing)}. Put it back, then replay again."
    if inputs.changed and not asked.changed_inputs:
        told = f"{_some(inputs.changed)}. Put back what was read, or run it with what is there now: changed_inputs=True"
        return "input changed", f"{told} (--changed-inputs)"
    return "", ""


def _some(sentences: tuple[str, ...]) -> str:
    return "; ".join(sentences[:3]) + (f"; and {len(sentences) - 3:,} more" if len(sentences) > 3 else "")


def _judged(runner: Runner, first: Outcome, reason: Reason) -> Verdict:
    """Return the verdict about one version."""
    runs = (first.made.told(first), *reason.runs)
    facts = _of(first) | ({"because": reason.because, "detail": reason.detail} if reason.because else {})
    if reason.better is not None:  # a wider script makes the value: that one is judged
        runs = (reason.runs[-1], first.made.told(first), *reason.runs[:-1])
        facts = _of(reason.better) | {"detail": reason.detail}
    if not first.made.is_lasting:
        facts["job"] = ""  # no later look is spared
    notes = tuple(dict.fromkeys([*reason.notes, *first.made.notes, *runner.job.inputs.notes]))
    return _verdict(runner.job, first.version, runner.asked, runs=runs, evidence=tuple(reason.evidence), notes=notes, **facts)


def _of(outcome: Outcome) -> dict[str, Any]:
    """Return what an outcome says by itself."""
    if outcome.obstacle[0]:
        return {"status": NOT_RUNNABLE, "because": outcome.obstacle[0], "detail": outcome.obstacle[1]}
    return {"status": outcome.compared, "differences": outcome.differences}


def _verdict(of: Job, version: Version, asked: Asked, **facts: Any) -> Verdict:
    known: dict[str, Any] = {
        "environment": asked.environment,
        "job": of.digest_of(version),
        "script": digest_of(of.script.encode("utf-8", "surrogatepass")),
        "tolerance": asked.tolerance,
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "where": _where(),
    }
    return Verdict(version.key, version.number, version.link, **(known | facts))


@functools.cache
def _where() -> Mapping[str, str]:
    """Say where this is; asked once, for in a work tree isfdb asks git for its own version."""
    from isfdb._version import get_versions

    return {"host": platform.node(), "isfdb": str(get_versions()["version"]), "python": platform.python_version()}
