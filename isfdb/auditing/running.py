"""Makes the values of an audit again: each script once for all the values it makes, several at a time, until the time is over.

What one replay finds out is kept before the next begins. A replay that fails costs no other.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from isfdb.auditing.journal import Journal
from isfdb.auditing.ordering import in_order
from isfdb.errors import IsfdbError, UntrustedDataError
from isfdb.replaying.jobs import Job, jobs_of, replay_job
from isfdb.replaying.replay_records import keep_verdict, known_verdicts
from isfdb.replaying.replays import NOT_KEPT, known_verdict
from isfdb.replaying.verdict import NOT_RUNNABLE, Verdict

if TYPE_CHECKING:
    from isfdb.database import Database
    from isfdb.entry import Version
    from isfdb.replaying.asked import Asked

_log = logging.getLogger(__name__)
_MOST_OUTPUT: Final = 2_000


@dataclass(frozen=True)
class Work:
    """One script to be run, and where."""

    db: Database
    job: Job
    journal: Journal

    @property
    def name(self) -> str:
        """What is shown while it runs."""
        first, n = self.job.versions[0].key, len(self.job.versions)
        return first if n == 1 else f"{first} and {n - 1:,} more"


@dataclass
class Outcome:
    """What came of the replays.

    Attributes
    ----------
    verdicts : dict of str to dict of str to Verdict
        By the path of the database and the link of the version: two copies of a database have the same links.
    n_run : int
        Scripts that were run.
    notes : dict of str to str
        Path of a database -> why its verdicts could not be kept in it.
    """

    verdicts: dict[str, dict[str, Verdict]] = field(default_factory=dict)
    n_run: int = 0
    notes: dict[str, str] = field(default_factory=dict)


class Replays:
    """The replays of an audit.

    Parameters
    ----------
    asked : Asked
    jobs : int
        How many processes at once.
    until : float or None
        When no more are begun, by ``time.monotonic()``.
    tell : callable
        Is given the number of scripts that are done, the number of all, and the name of the last.
    """

    def __init__(self, asked: Asked, *, jobs: int, until: float | None, tell: Callable[[int, int, str], None]) -> None:
        self.outcome = Outcome()
        self._asked = asked
        self._n_at_once = jobs
        self._until = until
        self._tell = tell
        self._lock = threading.Lock()
        self._work: list[Work] = []

    def add(self, db: Database, versions: Sequence[Version], journal: Journal) -> None:
        """Find out what is to be run for the values of a database; what is known already is taken over."""
        jobs = jobs_of(db, versions, self._asked)
        known = self.outcome.verdicts.setdefault(db.path, {})
        left = [version for job in jobs for version in job.versions if not self._take_known(db, version, job, journal)]
        if 0 < len(left) < sum([len(job.versions) for job in jobs]):
            jobs = jobs_of(db, left, self._asked)
        self._work += [Work(db, job, journal) for job in jobs] if left else []
        with_job = {version.link for job in jobs for version in job.versions}
        without = [one for one in versions if one.link not in with_job and one.link not in known]
        known |= {one.link: _not_runnable(one, self._asked, "no code", "there is no script to run") for one in without}

    def _take_known(self, db: Database, version: Version, job: Job, journal: Journal) -> bool:
        found = journal.own(version)
        if found is not None and not any(one.when == found.when for one in known_verdicts(version._storage, version.record)):
            self._keep(db, version, found)  # it was killed in between
        if found is None and not self._asked.again:
            found = known_verdict(job, version) or _journalled(journal, job, version)
        if found is not None:
            self.outcome.verdicts[db.path][version.link] = found
        return found is not None

    def run(self) -> None:
        """Run what is to be run, what others were made from first."""
        work = self._in_order()
        if self._n_at_once == 1:
            for number, one in enumerate(work, 1):
                self._run(one, number, len(work))
            return
        with self._threads() as threads:
            futures = [threads.submit(contextvars.copy_context().run, self._run, one, n, len(work)) for n, one in enumerate(work, 1)]
            for future in futures:
                future.result()

    @contextlib.contextmanager
    def _threads(self) -> Iterator[ThreadPoolExecutor]:
        """Threads are enough: each waits for a process of its own."""
        threads = ThreadPoolExecutor(self._n_at_once, thread_name_prefix="isfdb-audit")
        try:
            yield threads
        finally:
            threads.shutdown(cancel_futures=True)  # after Ctrl-C only what runs already is waited for

    def _in_order(self) -> list[Work]:
        makers: dict[str, list[int]] = {}
        for number, one in enumerate(self._work):
            for version in one.job.versions:
                makers.setdefault(version.link, []).append(number)
        needed = {number: [maker for link in one.job.uses for maker in makers.get(link, ())] for number, one in enumerate(self._work)}
        return [self._work[number] for number in in_order(range(len(self._work)), needed)]

    def _run(self, work: Work, number: int, n_all: int) -> None:
        if self._until is not None and time.monotonic() >= self._until:
            return
        if not work.job.obstacle[0]:
            work.journal.note_begun(work.job.digest)
        verdicts = _replayed(work, self._asked)
        found = [(version, verdicts[version.link]) for version in work.job.versions]
        work.journal.note(found)
        with self._lock:
            self.outcome.n_run += any(verdict.runs for verdict in verdicts.values())
            self.outcome.verdicts[work.db.path] |= verdicts
            self._tell(number, n_all, work.name)
        for version, verdict in found:
            self._keep(work.db, version, verdict)

    def _keep(self, db: Database, version: Version, verdict: Verdict) -> None:
        problem = keep_verdict(version._storage, version.record, verdict) if verdict.because not in NOT_KEPT else ""
        if problem:
            self.outcome.notes[db.path] = problem


def _journalled(journal: Journal, job: Job, version: Version) -> Verdict | None:
    """Return what an earlier audit found out, as `known_verdict` does, where the database could not keep it."""
    verdict = journal.known(version)
    if verdict is None or verdict.job != job.digest_of(version) or verdict.because in NOT_KEPT:
        return None
    return replace(verdict, recorded=True)


def _replayed(work: Work, asked: Asked) -> dict[str, Verdict]:
    """Run a script and return a verdict for each value it makes, whatever happens."""
    because, detail = "failed", "the replay gave no answer about this value"
    try:
        made = replay_job(work.db, work.job, asked)
    except UntrustedDataError as error:
        made, because, detail = [], "not trusted", str(error)
    except Exception as error:  # noqa: BLE001 - one script that cannot be dealt with must not cost the audit of all the others
        _log.debug("the replay of %s failed", work.name, exc_info=True)
        is_ours = isinstance(error, (IsfdbError, OSError))
        made, detail = [], str(error) if is_ours else f"the replay broke off with {type(error).__name__}: {error}"
    by_link = {(one.key, one.version): _with_less_output(one) for one in made}
    return {one.link: by_link.get((one.key, one.number)) or _not_runnable(one, asked, because, detail) for one in work.job.versions}


def _with_less_output(verdict: Verdict) -> Verdict:
    """Cut what was printed: it is kept with each of a thousand values that one script makes."""
    return replace(verdict, runs=tuple([replace(run, output=run.output[-_MOST_OUTPUT:]) for run in verdict.runs]))


def _not_runnable(version: Version, asked: Asked, because: str, detail: str) -> Verdict:
    environment = asked.kind_of_environment
    return Verdict(version.key, version.number, version.link, NOT_RUNNABLE, because, detail, environment=environment)
