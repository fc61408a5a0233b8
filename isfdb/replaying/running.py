"""Runs the script of a job in a clean process, once or once more with something set otherwise. It compares nothing."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from isfdb.comparing.stored import Stored
from isfdb.database import Database
from isfdb.explaining.clean_process import DONE, Finished, Task, run
from isfdb.explaining.code_text import Code
from isfdb.explaining.workplace import Workplace, workplace
from isfdb.opening import open as open_database
from isfdb.options import option, set_options
from isfdb.provenance.collectors.machine import ALLOWED_VARIABLES
from isfdb.replaying.alike import parts_of
from isfdb.replaying.asked import Asked
from isfdb.replaying.jobs import Job
from isfdb.replaying.verdict import Run

if TYPE_CHECKING:
    from isfdb.replaying.outcomes import Outcome

#: Variables that decide how numbers come out, or in which order sets are gone through; set as they were.
_SET_AS_RECORDED = ("OMP_", "MKL_", "OPENBLAS_", "BLIS_", "NUMEXPR_", "NUMBA_", "NPY_", "PYTHONHASHSEED", "CUBLAS_", "LANG", "LC_", "TZ")


@dataclass(frozen=True)
class Made:
    """What one run made.

    Attributes
    ----------
    run : Run
        What is told about it; nothing is compared yet.
    finished : Finished
        How it ended.
    answers : Mapping
        Name of a version -> its value as it came out, stored; absent where there is none.
    notes : tuple of str
        What was not as it is recorded.
    """

    run: Run
    finished: Finished
    answers: Mapping[str, Stored] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def told(self, outcome: Outcome) -> Run:
        """Return what is told about the run where one version is concerned."""
        ended = "failed" if outcome.comparison is None and self.finished.outcome == DONE else self.finished.outcome
        return replace(self.run, outcome=ended, compared=outcome.compared, because=outcome.because)

    def why_not(self, name: str) -> str:
        """Return why there is no value of a name."""
        return self.finished.failed.get(name) or self.finished.because or "the script left no value"


class Runner:
    """Runs one job. What the runs made lies in folders that are removed when `stack` is closed.

    Parameters
    ----------
    db : Database
    job : Job
    asked : Asked
    stack : contextlib.ExitStack
    trusted : bool
        Values of this database may run code when they are loaded.
    """

    def __init__(
        self,
        db: Database,
        job: Job,
        asked: Asked,
        stack: contextlib.ExitStack,
        *,
        trusted: bool,
        on_output: Callable[[str], None] | None = None,
        on_step: Callable[[str], None] | None = None,
    ) -> None:
        self.db = db
        self.job = job
        self.asked = asked
        self.trusted = trusted
        self.first = Stored(job.versions[0], "stored", trusted)
        self.n_runs = 0
        self._stack = stack
        self.differences: tuple[str, ...] = ()
        self._on_output = on_output
        self.step = on_step or (lambda _: None)

    def fits(self, code: Code) -> bool:
        """Say whether another script leaves the values of all versions of the job."""
        return len(self.job.versions) == 1 or bool(parts_of(str(code)).wanted)

    def run(self, *, changed: str = "", code: Code | None = None) -> Made:
        """Run the script, or another one that fits."""
        self.n_runs += 1
        self.step(f"run {self.n_runs}{f' ({changed})' if changed else ''}")
        script, wanted = self._script(code)
        place = self._stack.enter_context(self._workplace())
        finished = run(self._task(script, wanted, place))
        level = code.level if code is not None else self.job.code.level
        took = round(finished.duration_s, 3)
        shown = Run(level, self.asked.environment, changed, finished.outcome, "", finished.because, took, finished.output)
        return Made(shown, finished, _answers(finished, wanted), place.notes)

    def _script(self, code: Code | None) -> tuple[str, Mapping[str, str]]:
        """Return what is to be run, and the lines that leave the values."""
        if code is None:
            return self.job.script, self.job.wanted
        parts = parts_of(str(code))
        if len(self.job.versions) == 1:
            return parts.body, dict.fromkeys(self.job.wanted, parts.wanted)
        return parts.body, self.job.wanted

    @property
    def directory(self) -> str | None:
        """In which the session ran."""
        session = self.first.session
        found = session.start.get("directory") if session else None
        return found if isinstance(found, str) else None

    def _workplace(self) -> contextlib.AbstractContextManager[Workplace]:
        places = {self.db.root.id: self.db.root.path, self.db.id: self.db.path}
        return workplace(self.directory, self.job.versions[0].inputs, places, trusted=[self.db.root.id] if self.trusted else ())

    def _task(self, script: str, wanted: Mapping[str, str], place: Workplace) -> Task:
        own = [self.directory] if self.directory and os.path.isdir(self.directory) else []  # where a notebook finds modules beside it
        variables = self.variables
        return Task(
            script,
            place.folder,
            place.directory,
            path=(*own, *[os.path.abspath(one) for one in sys.path if one]),
            environment=place.environment | variables,
            timeout_s=option("check_timeout_s", self.asked.timeout_s),
            memory_bytes=option("check_memory_bytes", self.asked.memory_bytes),
            wanted=wanted,
            dumpers={name: version.dumper for name, version in self.job.named},
            offline=self.asked.offline,
            hash_seed=variables.get("PYTHONHASHSEED", "random") if self.first.machine else None,
            on_output=self._on_output,
        )

    @property
    def variables(self) -> dict[str, str]:
        """Recorded settings of threads, of hashing and of the language."""
        machine = self.first.machine or {}
        recorded = machine.get("variables")
        found = recorded.items() if isinstance(recorded, Mapping) else ()
        allowed = [name for name in ALLOWED_VARIABLES if name.startswith(_SET_AS_RECORDED)]
        return {name: text for name, text in found if name in allowed and isinstance(text, str) and "\0" not in text}


def _answers(finished: Finished, names: Iterable[str]) -> dict[str, Stored]:
    """Return the values that a run left, stored, by their names."""
    if not finished.answer:
        return {}
    with set_options(register=False):
        answer = open_database(finished.answer, "r", trust=True)
    return {name: Stored(answer.entry(name).newest, "made again", True) for name in names if name in answer}
