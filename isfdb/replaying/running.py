"""Runs the script of a job in a clean process, once or once more with something set otherwise. It compares nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from isfdb.comparing.stored import Stored
from isfdb.database import Database
from isfdb.explaining import many_values
from isfdb.explaining.clean_process import DONE, Finished, Task, run
from isfdb.explaining.code_text import Code
from isfdb.explaining.workplace import Workplace, workplace
from isfdb.opening import open as open_database
from isfdb.options import option, set_options
from isfdb.replaying.alike import parts_of
from isfdb.replaying.asked import Asked
from isfdb.replaying.environment_differences import summary
from isfdb.replaying.environments import ReplayEnvironment, environment_for
from isfdb.replaying.inputs import Inputs, Look
from isfdb.replaying.jobs import Job
from isfdb.replaying.moved_files import moves_of
from isfdb.replaying.sources import Restored, current_sources, restored
from isfdb.replaying.verdict import Run
from isfdb.tracing.places import Places

if TYPE_CHECKING:
    from isfdb.replaying.outcomes import Outcome

#: Of the sources: as they were, or as they are.
THEN: Final = "then"
NOW: Final = "now"


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
    is_lasting : bool
        It ran with all of its sources: a repository that is not here may be here tomorrow.
    """

    run: Run
    finished: Finished
    answers: Mapping[str, Stored] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_lasting: bool = True

    def told(self, outcome: Outcome) -> Run:
        """Return what is told about the run where one version is concerned."""
        ended = "failed" if outcome.comparison is None and self.finished.outcome == DONE else self.finished.outcome
        return replace(self.run, outcome=ended, compared=outcome.compared, because=outcome.because)

    def why_not(self, name: str) -> str:
        """Return why there is no value of a name."""
        return self.finished.failed.get(name) or self.finished.because or "the script left no value"


@dataclass(frozen=True)
class Prepared:
    """What a run finds: its folder, with the sources and the files, and the interpreter.

    Attributes
    ----------
    place : Workplace
    sources : Restored
    environment : ReplayEnvironment
    inputs : Inputs
        What the script reads, as it is there.
    """

    place: Workplace
    sources: Restored
    environment: ReplayEnvironment
    inputs: Inputs

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as it is recorded, though it may not matter."""
        packages = summary(self.environment.differences)
        lost = [f"{sentence} What is here now was used instead." for _, sentence in self.sources.problems]
        return (*self.place.notes, *self.sources.notes, *lost, *([packages] if packages else []), *self.environment.notes)


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
    on_output, on_step : callable, optional
        Are given what the script prints, and a few words before each step.
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
        self.step = on_step or (lambda _: None)
        self.n_runs = 0
        self._stack = stack
        self._on_output = on_output
        self._environments: dict[str, ReplayEnvironment] = {}

    # What a run finds --------------------------------------------------------------------------------------------------------------

    def environment(self, choice: str, *, build: bool = True) -> ReplayEnvironment:
        """Return the interpreter and the packages of a choice, looked for once; where they are not to be built, only if they are."""
        if choice not in self._environments:
            self.step(f"environment ({choice})")
            record = self.first.record
            self._environments[choice] = environment_for(
                choice,
                self.first.storage,
                record.get("environment"),
                record,
                offline=self.asked.offline,
                trusted=self.trusted,
                build=build,
            )
        return self._environments[choice]

    def prepare(self, *, environment: str | None = None, sources: str = THEN) -> Prepared:
        """Lay out what a run finds."""
        chosen = self.environment(environment or self.asked.environment)
        self.step("sources")
        found: list[Restored] = []
        inputs = self.job.inputs

        @contextlib.contextmanager
        def restore(root: str) -> Iterator[None]:
            nonlocal inputs
            with self._sources(root, sources) as one:
                found.append(one)
                if one.moved and (inputs.missing or inputs.changed):
                    first = self.job.versions[0]
                    inputs = Look(Places(self.db)).at(first.inputs, one.moved, moves=lambda: moves_of(self.db, first))
                yield

        used = (one for one in self.job.versions[0].inputs if getattr(one, "path", None) not in inputs.elsewhere)  # asked for later
        places = {self.db.root.id: self.db.root.path, self.db.id: self.db.path}
        trusted = [self.db.root.id] if self.trusted else ()
        written = self.first.session.written if self.first.session else ()
        laid = workplace(self.directory, used, places, trusted=trusted, written=written, restore=restore, elsewhere=inputs.beside)
        place = self._stack.enter_context(laid)
        return Prepared(place, found[0], chosen, inputs)

    @contextlib.contextmanager
    def _sources(self, root: str, when: str) -> Iterator[Restored]:
        """Lay out the sources as they were, or say where they are now; what cannot be brought back is taken from where it is now."""
        snapshot = self.first.snapshot
        if snapshot is None:
            yield Restored(notes=("which sources it used is not recorded: those that are here are used",))
        elif when == NOW:
            yield Restored(current_sources(snapshot, directory=self.directory, script=self._script_file))
        else:
            with restored(self.first.storage, snapshot, root, directory=self.directory, script=self._script_file) as found:
                more = current_sources(snapshot, directory=self.directory, script=self._script_file) if found.problems else ()
                yield replace(found, path=(*found.path, *more))

    @property
    def directory(self) -> str | None:
        """In which the session ran."""
        session = self.first.session
        found = session.start.get("directory") if session else None
        return found if isinstance(found, str) and os.path.isabs(found) and "\0" not in found else None

    @property
    def _script_file(self) -> str | None:
        cell = self.first.cell
        found = cell.facts.get("file") if cell is not None and cell.kind == "script" else None
        return found if isinstance(found, str) else None

    # Running -----------------------------------------------------------------------------------------------------------------------

    def fits(self, code: Code) -> bool:
        """Say whether another script leaves the values of all versions of the job."""
        return len(self.job.versions) == 1 or bool(parts_of(str(code)).wanted)

    def run(self, prepared: Prepared, *, changed: str = "", code: Code | None = None) -> Made:
        """Run the script, or another one that fits."""
        self.n_runs += 1
        self.step(f"run {self.n_runs}{f' ({changed})' if changed else ''}")
        script, wanted = self._script(code)
        finished = run(self._task(script, _of_one_opening(wanted), prepared))
        level = code.level if code is not None else self.job.code.level
        took = round(finished.duration_s, 3)
        name = prepared.environment.name
        shown = Run(level, name, changed, finished.outcome, "", finished.because, took, finished.output)
        return Made(shown, finished, _answers(finished, wanted), prepared.notes, not prepared.sources.problems)

    def _script(self, code: Code | None) -> tuple[str, Mapping[str, str]]:
        """Return what is to be run, and the lines that leave the values."""
        if code is None:
            return self.job.script, self.job.wanted
        parts = parts_of(str(code))
        is_fitting = len(self.job.versions) > 1 or (parts.wanted and all(self.job.wanted.values()))
        return parts.body, self.job.wanted if is_fitting else dict.fromkeys(self.job.wanted, parts.wanted)

    def _task(self, script: str, wanted: Mapping[str, str], prepared: Prepared) -> Task:
        place, environment = prepared.place, prepared.environment
        return Task(
            script,
            place.folder,
            place.directory,
            python=environment.python,
            path=(*prepared.sources.path, *self._beside(place, prepared.sources), *environment.path),
            environment=place.environment | environment.variables,
            timeout_s=option("check_timeout_s", self.asked.timeout_s),
            memory_bytes=option("check_memory_bytes", self.asked.memory_bytes),
            wanted=wanted,
            dumpers={name: version.dumper for name, version in self.job.named},
            offline=self.asked.offline,
            hash_seed=environment.variables.get("PYTHONHASHSEED", "random") if self.first.machine else None,
            on_output=self._on_output,
            moved=prepared.sources.moved,
            arguments=self._arguments(),
            without=environment.unset,
        )

    def _arguments(self) -> tuple[str, ...]:
        """Return what the script was called with: the first, its file, and what followed that on the command line."""
        session, file = self.first.session, self._script_file
        told = session.start.get("argv") if session is not None else None
        called = [one for one in told if isinstance(one, str)] if isinstance(told, list) else []
        for place, argument in enumerate(called[1:], 1):
            if file is not None and os.path.abspath(os.path.join(self.directory or "/", argument)) == os.path.abspath(file):
                return (argument, *called[place + 1 :])
            if argument in ("-c", "-m"):
                return (file or argument, *called[place + 2 :])
        return (file,) if file is not None else ()

    def _beside(self, place: Workplace, sources: Restored) -> tuple[str, ...]:
        """Return where a notebook finds modules beside it: what is laid out of its folder, and, where nothing was restored, that itself."""
        own = self.directory
        return (place.directory, *([own] if own and os.path.isdir(own) and not sources.moved else []))


def _of_one_opening(wanted: Mapping[str, str]) -> Mapping[str, str]:
    """Return lines that do not open the database anew for each of many values."""
    if len(wanted) == 1:
        return wanted
    loading = f"__import__({many_values.__name__!r}, fromlist=['load']).load("
    return {name: line.replace("isfdb.load(", loading, 1) for name, line in wanted.items()}


def _answers(finished: Finished, names: Iterable[str]) -> dict[str, Stored]:
    """Return the values that a run left, stored, by their names."""
    if not finished.answer:
        return {}
    with set_options(register=False):
        answer: Any = open_database(finished.answer, "r", trust=True)
    return {name: Stored(answer.entry(name).newest, "made again", True) for name in names if name in answer}
