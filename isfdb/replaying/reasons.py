"""Finds out why a value was not made again: sets one thing otherwise at a time, runs once more and looks whether it matters.

What cannot be told by a run is told by what is recorded, and said to be so. A recorded risk is evidence; it proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from isfdb.comparing.comparison import DIFFERENT
from isfdb.display.words import count_text
from isfdb.explaining.code_text import Code
from isfdb.explaining.consent import is_mine
from isfdb.explaining.scripts import AS_IT_RAN, code_at
from isfdb.provenance.risk_kinds import ADVICE
from isfdb.provenance.slicing.script import LEVELS
from isfdb.replaying.alike import parts_of
from isfdb.replaying.asked import RECORDED
from isfdb.replaying.inputs import appeared_since
from isfdb.replaying.machines import difference_of_machines
from isfdb.replaying.outcomes import Outcome, compare_runs, outcome_of
from isfdb.replaying.running import NOW, Prepared, Runner
from isfdb.replaying.sources import source_differences
from isfdb.replaying.verdict import Run

_MOST_NAMED: Final = 4

#: What can be seen of its folder in a value: it is another for each run.
_OWN_FOLDER: Final = "isfdb-check-"

#: Obstacles that other packages or a wider script may take away.
_MAY_HELP: Final = ("failed", "environment missing", "source missing")

#: Risks that let a value come out otherwise each time.
_RANDOM: Final = ("random", "clock", "order", "thread")


@dataclass
class Reason:
    """What was found out about one version.

    Attributes
    ----------
    first : Outcome
        What the first run made.
    because : str
        An axis; empty where it is not known, or where there is nothing to be explained.
    detail : str
    evidence : list of (str, str)
    runs : list of Run
        Those after the first.
    is_steady : bool
        Run once more, it gave the same.
    better : Outcome or None
        What another script of the same value made, where that is the value.
    notes : tuple of str
    """

    first: Outcome
    because: str = ""
    detail: str = ""
    evidence: list[tuple[str, str]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    is_steady: bool = False
    better: Outcome | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it is still to be explained."""
        return not self.first.same and not self.because and self.better is None


def reasons_of(runner: Runner, prepared: Prepared, outcomes: Sequence[Outcome]) -> dict[str, Reason]:
    """Find out why values were not made again; return what was found, by their names in the job."""
    search = _Search(runner, prepared, outcomes)
    if any(not one.same for one in outcomes):
        search.look()
    return search.reasons


class _Search:
    """Looks for reasons, for all versions of a job at once, while runs are left."""

    def __init__(self, runner: Runner, prepared: Prepared, outcomes: Sequence[Outcome]) -> None:
        self._runner = runner
        self._prepared = prepared
        self.reasons = {one.name: Reason(one) for one in outcomes}
        self._others: list[str] = []  # what else differs, and was not found not to matter

    def look(self) -> None:
        """Try one thing after the other, cheap and telling ones first."""
        for reason in self.reasons.values():
            reason.evidence += _risks(reason.first) if not reason.first.same else []
        for try_one in (self._once_more, self._inputs, self._environment, self._wider, self._missing_sources, self._sources_now):
            try_one()
        for reason in self._open():
            self._leftover(reason)

    def _open(self, *obstacles: str) -> list[Reason]:
        """Return what is still to be explained: values that differ, and those that these obstacles kept from being made."""
        return [one for one in self.reasons.values() if one.is_open and (one.first.differs or one.first.obstacle[0] in obstacles)]

    def _may_run(self) -> bool:
        return self._runner.n_runs <= self._runner.asked.n_more_runs

    def _tried(self, reasons: Sequence[Reason], changed: str, *, code: Code | None = None, **how: str) -> list[tuple[Reason, Outcome]]:
        """Run once more with something set otherwise; return what came of the versions that are still to be explained, and note the run."""
        runner = self._runner
        prepared = runner.prepare(**how)
        made = runner.run(prepared, changed=changed, code=code)
        pairs = [(reason, outcome_of(prepared, runner, made, reason.first.name, reason.first.version)) for reason in reasons]
        for reason, outcome in pairs:
            reason.runs.append(made.told(outcome))
        return pairs

    # One thing after the other -----------------------------------------------------------------------------------------------------

    def _once_more(self) -> None:
        """Run the same once more: what comes out otherwise again depends on chance, or on the clock."""
        reasons = self._open()
        if not reasons or not self._may_run():
            return
        for reason, outcome in self._tried(reasons, "again"):
            between = compare_runs(reason.first, outcome, self._runner.asked)
            if between is None:
                reason.evidence.append(("randomness", f"run once more, it gave no value: {outcome.because}"))
            elif between.status != DIFFERENT:
                reason.is_steady = True
                reason.evidence.append(("randomness", f"run once more, it gave the same value again ({between.status})"))
            elif _OWN_FOLDER in str(between):
                reason.because = "environment"
                reason.detail = "the value holds the path of the folder it was made in, which is another one for each run"
                reason.evidence.insert(0, ("environment", _in_a_line(str(between))))
            else:
                reason.because = "randomness"
                reason.detail = "two runs of the same script gave two different values"
                reason.evidence.insert(0, ("randomness", f"run 1 and run 2 differ from each other: {_in_a_line(between.because)}"))

    def _inputs(self) -> None:
        changed = self._prepared.inputs.changed
        for reason in self._open() if changed else []:
            reason.because = "inputs"
            reason.detail = "what it reads has changed since: " + "; ".join(changed[:3])
            reason.evidence += [("inputs", sentence) for sentence in changed[:10]]
        for reason in self._open():
            if appeared := appeared_since(reason.first.version, reason.first.made.finished.read):
                reason.because = "inputs"
                reason.detail = "it reads files now that are new since: " + ", ".join(appeared[:3])
                reason.evidence += [("inputs", f"{path} was not read then, and has appeared or changed since") for path in appeared[:10]]

    def _environment(self) -> None:
        """Run it with the recorded packages, where others are imported here."""
        used = [str(one) for one in self._prepared.environment.differences if one.imported]
        reasons = self._open(*_MAY_HELP) if used and self._runner.asked.environment != RECORDED else []
        if not reasons:
            return
        told = f"{'; '.join(used[:_MOST_NAMED])}{f'; {len(used) - _MOST_NAMED} more' if len(used) > _MOST_NAMED else ''}"
        problem = "the budget is used up" if not self._may_run() else ""
        if not problem and (problems := self._runner.environment(RECORDED, build=self._runner.asked.may_build).problems):
            problem = problems[0][1]
        if problem:
            self._others.append("packages")
            advice = "Ask for it to know: environment='recorded' (--environment recorded)."
            self._tell(reasons, "environment", f"{told}. Whether that matters was not tried: {problem.rstrip('.')}. {advice}")
            return
        for reason, outcome in self._tried(reasons, "environment", environment=RECORDED):
            if outcome.same and reason.first.differs:
                reason.because = "environment"
                reason.detail = f"with the recorded packages it is made again; {told}"
            elif outcome.same:
                reason.because, reason.detail = reason.first.obstacle
                reason.detail += " With the recorded packages it is made again: environment='recorded'."
            how = "made the value" if outcome.same else f"did not make it either: {outcome.compared or outcome.because}"
            reason.evidence.append(("environment", f"{told}. The same script with the recorded packages {how}"))

    def _wider(self) -> None:
        """Run a wider script: the stored one may lack a statement."""
        level = self._runner.job.code.level
        reasons = self._open(*_MAY_HELP)
        code = self._wider_code() if reasons and self._may_run() else None
        wider = code.level if code is not None else ""
        for reason, outcome in self._tried(reasons, "code", code=code) if code is not None else []:
            if outcome.same:
                reason.detail = (
                    f"the script of the level {level} did not make the value; that of the level {code.level if code else ''} does"
                )
                reason.evidence.append(("code", reason.detail))
                reason.better = outcome
            else:
                how = outcome.compared or outcome.because
                told = f"the script of the level {wider} holds more, and does not make the value either: {how}"
                reason.evidence.append(("code", told))

    def _wider_code(self) -> Code | None:
        """Return the narrowest script that holds more than the one that ran, and that may be run."""
        job = self._runner.job
        wider = LEVELS[LEVELS.index(job.code.level) + 1 :] if job.code.level in LEVELS and self._runner.asked.level is None else ()
        for level in wider:
            code = code_at(job.versions[0], level)
            if code.level != AS_IT_RAN and parts_of(str(code)).shape != parts_of(str(job.code)).shape and self._runner.fits(code):
                return code if self._runner.trusted or is_mine(job.versions[0], code) else None
        return None

    def _missing_sources(self) -> None:
        problems = self._prepared.sources.problems
        for reason in self._open() if problems else []:
            reason.because = "code"
            reason.detail = "not all of its sources can be brought back, and those that are here were used"
            reason.evidence += [("code", sentence) for _, sentence in problems[:5]]

    def _sources_now(self) -> None:
        """Run it with the sources as they are now, where they are others than the recorded ones."""
        snapshot = self._runner.first.snapshot
        reasons = self._open(*_MAY_HELP)
        lines = source_differences(snapshot) if reasons and snapshot is not None else ()
        if not lines:
            return
        told = "; ".join(lines[:_MOST_NAMED])
        if not self._may_run():
            self._tell(reasons, "code", f"the sources are others now: {told}. The recorded ones were used")
            return
        for reason, outcome in self._tried(reasons, "code", sources=NOW):
            how = "made the value" if outcome.same else f"did not make it either: {outcome.compared or outcome.because}"
            reason.evidence.append(("code", f"the same script with the sources as they are now ({told}) {how}"))
            if outcome.same and reason.first.differs:
                reason.because = "code"
                reason.detail = "with the sources as they are now it is made again, with the recorded ones it is not"

    def _leftover(self, reason: Reason) -> None:
        """Say what is left: the computer, where it is another one, or nothing."""
        there, here = difference_of_machines(self._runner.first.machine)
        if there and reason.is_steady and not self._others:
            reason.because = "hardware"
            reason.detail = "nothing else is known to differ, and it was stored on another computer"
            reason.evidence.append(("hardware", f"stored with {there}; here {here}"))
            return
        reason.because, reason.detail = "unknown", "nothing that was tried tells why"
        if self._others:
            reason.detail += "; other packages may: environment='recorded' (--environment recorded) tells"
        tried = self._runner.n_runs - 1
        if tried >= self._runner.asked.n_more_runs:
            reason.evidence.append(
                ("unknown", f"the budget of {count_text(tried, 'more run')} is used up. More may tell: budget= (--budget)")
            )

    def _tell(self, reasons: Sequence[Reason], axis: str, sentence: str) -> None:
        for reason in reasons:
            reason.evidence.append((axis, sentence))


def _risks(outcome: Outcome) -> list[tuple[str, str]]:
    """Return the recorded risks, as evidence for what they may cause."""
    found = []
    for risk in outcome.version.risks[:5]:
        axis = "randomness" if any(word in risk.kind for word in _RANDOM) else "value"
        line = f": {risk.line.strip()}" if risk.line.strip() else ""
        found.append((axis, f"recorded as a risk: {risk.kind}{line}. {ADVICE.get(risk.kind, '')}".strip()))
    return found


def _in_a_line(text: str) -> str:
    return " ".join(text.split())[:300]
