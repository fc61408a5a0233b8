"""How what a run made compares with what is stored, and what kept a run from its end. It runs nothing and looks for no reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from isfdb.comparing.comparison import DIFFERENT, NOT_COMPARED, Comparison
from isfdb.comparing.stored import Stored
from isfdb.comparing.stored_values import compare_stored
from isfdb.entry import Version
from isfdb.explaining.clean_process import DONE, OUT_OF_MEMORY, TIMED_OUT, Finished

if TYPE_CHECKING:
    from isfdb.replaying.asked import Asked
    from isfdb.replaying.running import Made, Prepared, Runner

_MOST_LINES: Final = 12
_NO_MODULE: Final = re.compile(r"ModuleNotFoundError: No module named '([^']*)'")

#: Errors of a script that say that what it reads is no more.
_LOST: Final = ("VersionGoneError", "VersionNotFoundError", "DatabaseNotFoundError", "DatabaseGoneError", "AmbiguousIdError")


#: Errors that a refused write raises: in Python itself, and where a program that was called could not write.
_OF_WRITING: Final = ("PermissionError", "OSError", "CalledProcessError")


@dataclass(frozen=True)
class Outcome:
    """What one run made of one version.

    Attributes
    ----------
    name : str
        Of the version in its job.
    version : Version
    made : Made
        The run.
    comparison : Comparison or None
        How it compares with what is stored; None where the run did not come so far.
    obstacle : tuple of (str, str)
        What kept it from that, and a sentence; two empty texts where nothing did.
    """

    name: str
    version: Version
    made: Made
    comparison: Comparison | None
    obstacle: tuple[str, str]

    @property
    def same(self) -> bool:
        """Whether the value was made again."""
        return self.comparison is not None and self.comparison.same

    @property
    def differs(self) -> bool:
        """Whether it is another value."""
        return self.comparison is not None and self.comparison.status == DIFFERENT

    @property
    def compared(self) -> str:
        """The rung of the ladder; empty where nothing was compared."""
        return self.comparison.status if self.comparison else ""

    @property
    def because(self) -> str:
        """How it differs or why it failed, in a line."""
        if self.comparison is None:
            return self.made.why_not(self.name)
        return " ".join([self.comparison.because, *self.comparison.lines]) if not self.same else ""

    @property
    def differences(self) -> tuple[str, ...]:
        """Where and by how much it differs: the first places, a line each."""
        if self.comparison is None or self.comparison.status in ("identical", NOT_COMPARED):
            return ()
        lines = list(self.comparison.text_lines())
        more = [f"… {len(lines) - _MOST_LINES:,} more lines: isfdb.diff compares two values in full"] if len(lines) > _MOST_LINES else []
        return (*lines[:_MOST_LINES], *more)


def outcome_of(prepared: Prepared, runner: Runner, made: Made, name: str, version: Version) -> Outcome:
    """Compare what a run made of a version with what is stored."""
    answer = made.answers.get(name)
    if answer is None:
        found = _obstacle(made.finished, made.why_not(name), runner)
        if found[0] in ("failed", "source missing") and prepared.sources.problems:  # that is why, or may be
            found = prepared.sources.problems[0][0], f"{prepared.sources.problems[0][1]} Without it: {made.why_not(name)}."
        return Outcome(name, version, made, None, found)
    compared = _compared(Stored(version, "stored", runner.trusted), answer, runner.asked)
    because = f"it was made again, but the two cannot be compared: {compared.because}."
    return Outcome(name, version, made, compared, ("not comparable", because) if compared.status == NOT_COMPARED else ("", ""))


def compare_runs(one: Outcome, other: Outcome, asked: Asked) -> Comparison | None:
    """Compare what two runs made of a version; None where one of them made nothing."""
    answers = [outcome.made.answers.get(outcome.name) for outcome in (one, other)]
    return _compared(answers[0], answers[1], asked) if answers[0] and answers[1] else None


def _compared(a: Stored, b: Stored, asked: Asked) -> Comparison:
    return compare_stored(a, b, rtol=asked.rtol, atol=asked.atol or 0.0, statistics=True)


def _obstacle(finished: Finished, because: str, runner: Runner) -> tuple[str, str]:
    """Return what kept a script from its end, and what to do about it."""
    if finished.outcome == TIMED_OUT:
        return "time limit", f"{because}. Give it longer: timeout_s= (--timeout), or the setting check_timeout_s."
    if finished.outcome == OUT_OF_MEMORY:
        return "memory limit", f"{because}. Allow it more: memory_bytes= (--memory), or run it on a larger computer."
    if finished.refused and any(name in because for name in _OF_WRITING):
        places = ", ".join(finished.refused[:3])
        return "write refused", f"it wants to change {places}, and a replay changes nothing outside its own folder. {because}."
    if finished.network and finished.outcome != DONE:
        return "network needed", f"it asked for another computer: {because}. Run it with network, or store what it fetches."
    if any(because.startswith(name) for name in _LOST):
        return "input missing", f"{because} Make what it reads reachable again, as with isfdb.registry.add."
    if missing := _NO_MODULE.match(because):
        return _no_module(missing[1], runner)
    return "failed", f"{because}. Read what it printed, and the script: isfdb.code(db, {runner.job.versions[0].key!r})."


def _no_module(name: str, runner: Runner) -> tuple[str, str]:
    packages = (runner.first.environment or {}).get("packages")
    recorded = {str(one).replace("-", "_") for one in packages} if isinstance(packages, dict) else set()
    if name.partition(".")[0].lower() in {one.lower() for one in recorded} or runner.first.environment is None:
        return "environment missing", f"the package {name} is not installed here. Install it, or ask for environment='recorded'."
    return "source missing", f"there is no module {name} here; it was no installed package. Put its file back beside the notebook."
