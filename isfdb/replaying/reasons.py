"""Finds out why a value was not made again: sets one thing otherwise at a time, runs once more and looks whether it matters.

What cannot be told by a run is told by what is recorded, and said to be so. A recorded risk is evidence; it proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from isfdb.comparing.comparison import DIFFERENT
from isfdb.explaining.code_text import Code
from isfdb.explaining.consent import is_mine
from isfdb.explaining.scripts import AS_IT_RAN, code_at
from isfdb.provenance.risk_kinds import ADVICE
from isfdb.provenance.slicing.script import LEVELS
from isfdb.replaying.machines import difference_of_machines
from isfdb.replaying.outcomes import Outcome, compare_runs, outcome_of
from isfdb.replaying.running import Made, Runner
from isfdb.replaying.verdict import Run

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
    """

    first: Outcome
    because: str = ""
    detail: str = ""
    evidence: list[tuple[str, str]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    is_steady: bool = False
    better: Outcome | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be explained."""
        return not self.because and self.better is None


def reasons_of(runner: Runner, outcomes: Sequence[Outcome]) -> dict[str, Reason]:
    """Find out why values were not made again; return what was found, by their names in the job."""
    search = _Search(runner, outcomes)
    search.look()
    return search.reasons


class _Search:
    """Looks for reasons, for all versions of a job at once, while runs are left."""

    def __init__(self, runner: Runner, outcomes: Sequence[Outcome]) -> None:
        self._runner = runner
        self.reasons = {one.name: Reason(one) for one in outcomes}

    def look(self) -> None:
        """Try one thing after the other, cheap and telling ones first."""
        for reason in self.reasons.values():
            reason.evidence += _risks(reason.first)
        self._once_more()
        self._inputs()
        self._wider()
        for reason in self._open(differing=True):
            self._without_a_run(reason)

    def _open(self, *, differing: bool) -> list[Reason]:
        return [one for one in self.reasons.values() if one.is_open and (one.first.differs or not differing)]

    def _may_run(self) -> bool:
        return self._runner.n_runs <= self._runner.asked.budget

    def _outcomes(self, made: Made, reasons: Sequence[Reason]) -> list[tuple[Reason, Outcome]]:
        """Return what another run made of the versions that are still to be explained, and note the run."""
        pairs = [(reason, outcome_of(self._runner, made, reason.first.name, reason.first.version)) for reason in reasons]
        for reason, outcome in pairs:
            reason.runs.append(made.told(outcome))
        return pairs

    # One thing after the other -----------------------------------------------------------------------------------------------------

    def _once_more(self) -> None:
        """Run the same once more: what comes out otherwise again depends on chance, or on the clock."""
        reasons = self._open(differing=True)
        if not reasons or not self._may_run():
            return
        for reason, outcome in self._outcomes(self._runner.run(changed="again"), reasons):
            between = compare_runs(reason.first, outcome, self._runner.asked)
            if between is not None and between.status == DIFFERENT:
                reason.because = "randomness"
                reason.detail = "two runs of the same script gave two different values"
                reason.evidence.insert(0, ("randomness", f"run 1 and run 2 differ from each other: {_in_a_line(between.because)}"))
            elif between is not None:
                reason.is_steady = True
                reason.evidence.append(("randomness", f"run once more, it gave the same value again ({between.status})"))
            else:
                reason.evidence.append(("randomness", f"run once more, it gave no value: {outcome.because}"))

    def _inputs(self) -> None:
        changed = self._runner.job.inputs.changed
        for reason in self._open(differing=True) if changed else []:
            reason.because = "inputs"
            reason.detail = "what it reads has changed since: " + "; ".join(changed[:3])
            reason.evidence += [("inputs", sentence) for sentence in changed[:10]]

    def _wider(self) -> None:
        """Run a wider script: the stored one may lack a statement."""
        runner = self._runner
        reasons = [one for one in self._open(differing=False) if one.first.differs or one.first.obstacle[0] == "failed"]
        code = self._wider_code() if reasons and self._may_run() else None
        if code is None:
            return
        for reason, outcome in self._outcomes(runner.run(changed="code", code=code), reasons):
            if outcome.same:
                told = f"the script of the level {runner.job.code.level} does not make the value; that of the level {code.level} does"
                reason.evidence.append(("code", told))
                reason.better = outcome
            else:
                how = outcome.compared or outcome.because
                reason.evidence.append(("code", f"all that ran with it, the level {code.level}, does not make the value either: {how}"))

    def _wider_code(self) -> Code | None:
        """Return the narrowest script that holds more than the one that ran, and that may be run."""
        job = self._runner.job
        wider = LEVELS[LEVELS.index(job.code.level) + 1 :] if job.code.level in LEVELS and self._runner.asked.level is None else ()
        for level in wider:
            code = code_at(job.versions[0], level)
            if code.level != AS_IT_RAN and str(code) != str(job.code) and self._runner.fits(code):
                return code if self._runner.trusted or is_mine(job.versions[0], code) else None
        return None

    def _without_a_run(self, reason: Reason) -> None:
        """Say what is left: the computer, where it is another one, or nothing."""
        there, here = difference_of_machines(self._runner.first.machine)
        if there and reason.is_steady and not self._runner.differences:
            reason.because = "hardware"
            reason.detail = "nothing else is known to differ, and it was stored on another computer"
            reason.evidence.append(("hardware", f"stored with {there}; here {here}"))
        else:
            reason.because = "unknown"
            reason.detail = "nothing that was tried tells why"
        tried = self._runner.n_runs - 1
        if reason.because == "unknown" and tried >= self._runner.asked.budget:
            reason.evidence.append(("unknown", f"the budget of {tried} more runs is used up. More may tell: budget= (--budget)"))


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
