"""``isfdb.audit``: from an open database to an `Audit`. It puts the parts together: look, verify, replay, count."""

from __future__ import annotations

import datetime
import platform
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from isfdb.auditing.audited import Audit, AuditedDatabase
from isfdb.auditing.choosing import LAST_AUDIT, Choice, check_that_all_fit, checked_only, checked_sample, checked_time
from isfdb.auditing.journal import Journal, journal_file, last_audit
from isfdb.auditing.looking import Looked, look, verified, with_origins
from isfdb.auditing.rows import NO_TIME, NOT_ASKED, AuditRow
from isfdb.database import Database
from isfdb.display.safe import visible
from isfdb.errors import OptionError
from isfdb.findings import Findings
from isfdb.replaying.asked import Asked

if TYPE_CHECKING:
    from isfdb.auditing.running import Outcome

Tell = Callable[[int, int, str], None]


def audit(
    db: Database | Sequence[Database],
    *,
    only: str | Iterable[str] | None = None,
    changed_since: str | datetime.date | None = None,
    sample: float | None = None,
    seed: int = 1,
    all_versions: bool = False,
    verify: bool = True,
    replay: bool = True,
    max_time_s: float | None = None,
    jobs: int = 1,
    resume: bool = True,
    progress: bool | Tell = False,
    environment: str = "current",
    level: str | None = None,
    all: bool = False,
    rtol: float | None = None,
    atol: float | None = None,
    changed_inputs: bool = False,
    offline: bool = False,
    trust: bool = False,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
    budget: int | None = None,
    again: bool = False,
) -> Audit:
    """Verify a whole database, make its values again, and say what is explained, repeatable and repeated.

    Each script is run once for all the values it makes, what others were made from first. Verdicts are kept as they come: an audit that
    was killed goes on where it was when it is called again.

    Parameters
    ----------
    db : Database or sequence of Database
    only : str or iterable of str, optional
        Patterns of keys: ``"cells/*"``, ``"rates"``. A pattern fits the whole key or its last name; a sub-database stands for all in it.
        Each must fit a key.
    changed_since : str or date, optional
        Only versions that were stored then or later; ``"last audit"``: since the last audit with these options began that came to its
        end.
    sample : int or float, optional
        Only so many versions, or such a share of them.
    seed : int
        Of the sample.
    all_versions : bool
        Look at all versions; default: the newest of each key.
    verify : bool
        Check all files against their digests.
    replay : bool
        Make values again. Without it no code runs.
    max_time_s : float, optional
        After so many seconds no more replays are begun. The next call goes on there.
    jobs : int
        Replays at once, each in a process of its own.
    resume : bool
        Go on with an audit that was interrupted.
    progress : bool or callable
        Show a bar; or call it with the number of scripts that are done, the number of all, and what the last one made.
    environment : str
        ``"current"``, ``"recorded"``, or an interpreter's path; this and what follows as for :func:`isfdb.replay`.
    level : {"statements", "cells", "everything"}, optional
        Of the scripts.
    all : bool
        Run all that a session ran until the value was stored.
    rtol, atol : float, optional
        Tolerances; default: a few units in the last place.
    changed_inputs : bool
        Run a script though a file that it reads has changed.
    offline : bool
        Without the network.
    trust : bool
        Run code though nothing shows that you wrote it.
    timeout_s : float, optional
        Seconds that a run may take.
    memory_bytes : int, optional
        Memory that a process may take for its data.
    budget : int, optional
        How many more runs of a script may be spent on finding out why it makes something else; default: 2. One of your own may also be
        spent on building recorded environments.
    again : bool
        Make values again whose verdict is known.

    Returns
    -------
    Audit
        With ``findings``, ``rows``, ``scores``, ``passed``, ``problems()``, ``to_json()`` and ``to_junit()``.

    Raises
    ------
    OptionError
        An argument cannot be understood, or a pattern fits no key.
    """
    asked = Asked(environment, level, all, rtol, atol, changed_inputs, offline, trust, timeout_s, memory_bytes, budget, again)
    choice = Choice(checked_only(only), None, checked_sample(sample), _whole("seed", seed, least=0), all_versions)
    limits = _Limits(_seconds(max_time_s), _whole("jobs", jobs, least=1), resume, progress)
    given = _checked_databases(db)
    check_that_all_fit(choice.only, given)
    databases = [_Audited(one, asked, replace(choice, since=_since(one, changed_since, asked))) for one in given]
    for one in databases:
        one.look(verify=verify, replay=replay, progress=progress is True)
    outcome = _replayed(databases, asked, limits) if replay else None
    rows = _rows(databases, outcome)
    for one in databases:
        one.end(rows)
    told = asked.that_matters() | choice.to_json() | {"changed_since": _text(changed_since), "replay": replay}
    began = min([one.journal.began for one in databases if one.journal is not None], default=limits.now)
    audited = tuple([one.to_audited(outcome) for one in databases])
    return Audit(audited, tuple(rows), began, _now(), told, outcome.n_run if outcome is not None else 0, _where())


@dataclass(frozen=True)
class _Limits:
    """How the replays are run."""

    max_time_s: float | None
    jobs: int
    resume: bool
    progress: bool | Tell
    now: str = field(default_factory=lambda: _now())
    began_s: float = field(default_factory=time.monotonic)

    @property
    def until(self) -> float | None:
        """When no more replays are begun, by ``time.monotonic()``."""
        return None if self.max_time_s is None else self.began_s + self.max_time_s


class _Audited:
    """One database, while it is audited."""

    def __init__(self, db: Database, asked: Asked, choice: Choice) -> None:
        self.db = db
        self.choice = choice
        self._options = asked.that_matters() | {"trust": asked.trust, "budget": asked.budget}
        self._asked = asked
        self.looked = Looked(db)
        self.findings: Findings | None = None
        self.journal: Journal | None = None

    def look(self, *, verify: bool, replay: bool, progress: bool) -> None:
        """Look at the records, and verify."""
        self.looked = look(self.db, self.choice, keep_versions=replay)
        self.findings = verified(self.db, self.looked, self.choice, progress=progress) if verify else None

    def begin(self, *, resume: bool, now: str) -> Journal:
        """Begin the journal, or go on with it."""
        file = journal_file(self.db.path, self._options)
        choice = {**self.choice.to_json(), "again": self._asked.again}
        self.journal = Journal(file, self._options, choice, fresh=self._asked.again, resume=resume, now=now)
        return self.journal

    def end(self, rows: Iterable[AuditRow]) -> None:
        """Note that all was done, unless there was no time for it."""
        if self.journal is not None and not any(row.skipped == NO_TIME for row in rows if row.database == self.db.path):
            self.journal.note_ended(_now())

    def to_audited(self, outcome: Outcome | None) -> AuditedDatabase:
        """Return what is said of the database as a whole."""
        notes = []
        if outcome is not None and (problem := outcome.notes.get(self.db.path)):
            notes.append(f"{self.db.name}: verdicts are kept in your cache folder only: {problem}")
        if self.journal is not None and self.journal.problem:
            notes.append(f"{self.db.name}: an audit that is interrupted cannot go on: {self.journal.problem}")
        facts = (self.looked.n_fitting, self.looked.deleted, tuple(notes))
        return AuditedDatabase(self.db.id, self.db.name, self.db.path, self.findings, *facts)


def _since(db: Database, changed_since: str | datetime.date | None, asked: Asked) -> datetime.datetime | None:
    if changed_since != LAST_AUDIT:
        return checked_time(changed_since)
    options = asked.that_matters() | {"trust": asked.trust, "budget": asked.budget}
    return checked_time(last_audit(db.path, options))


def _replayed(databases: Sequence[_Audited], asked: Asked, limits: _Limits) -> Outcome:
    from isfdb.auditing.running import Replays

    with _told(limits.progress) as tell:
        replays = Replays(asked, jobs=limits.jobs, until=limits.until, tell=tell)
        for one in databases:
            replays.add(one.db, one.looked.to_replay, one.begin(resume=limits.resume, now=limits.now))
        replays.run()
    return replays.outcome


def _rows(databases: Sequence[_Audited], outcome: Outcome | None) -> list[AuditRow]:
    rows = []
    for one in databases:
        found = {link: _judged(row, link, outcome) for link, row in one.looked.rows.items()}
        rows += list(with_origins(found, one.looked.used).values())
    return rows


def _judged(row: AuditRow, link: str, outcome: Outcome | None) -> AuditRow:
    if row.apart or row.skipped:
        return replace(row, skipped=row.apart or row.skipped)
    if outcome is None:
        return replace(row, skipped=NOT_ASKED)
    verdict = outcome.verdicts.get(row.database, {}).get(link)
    return replace(row, verdict=verdict, skipped="" if verdict is not None else NO_TIME)


@contextmanager
def _told(progress: bool | Tell) -> Iterator[Tell]:
    """Give what is called after each replay: a bar that moves, the caller's own function, or nothing."""
    if progress is not True:
        yield progress if callable(progress) else _nothing
        return
    from tqdm.auto import tqdm

    with tqdm(desc="replay", unit="script") as bar:

        def move(number: int, n_all: int, name: str) -> None:
            bar.total = n_all
            bar.set_postfix_str(visible(name, 40), refresh=False)
            bar.update()

        yield move


def _nothing(number: int, n_all: int, name: str) -> None:
    """Tell nobody."""


# What was given ------------------------------------------------------------------------------------------------------------------


def _checked_databases(db: Any) -> list[Database]:
    several: list[Any] = [db] if isinstance(db, Database) or not isinstance(db, Iterable) or isinstance(db, str) else list(db)
    wrong = next((one for one in several if not isinstance(one, Database)), None)
    if wrong is not None or not several:
        message = f"audit takes open databases, not {wrong if several else db!r}: isfdb.audit(isfdb.open(path, mode='r+'))."
        raise OptionError(message, database=db)
    return list({one.path: one for one in several}.values())


def _whole(name: str, number: Any, *, least: int) -> int:
    if type(number) is not int or number < least:
        raise OptionError(f"{name}={number!r} is no number from {least}.", **{name: number})
    return number


def _seconds(number: Any) -> float | None:
    if number is not None and (isinstance(number, bool) or not isinstance(number, (int, float)) or not number >= 0):
        raise OptionError(f"max_time_s={number!r} is no number of seconds.", max_time_s=number)
    return number


def _text(since: Any) -> str | None:
    return None if since is None else since if isinstance(since, str) else since.isoformat()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def _where() -> dict[str, str]:
    from isfdb._version import get_versions

    return {"host": socket.gethostname(), "python": platform.python_version(), "isfdb": str(get_versions()["version"])}
