"""Runs the case suite and reports it: which minima are right, which slices are unsound, how large slices are.

``python -m tests.cases.harness [words of names] [--drop] [--isolated] [--show]`` does so outside pytest.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .reading import Case, all_cases, size_of

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What came of one case."""

    case: Case
    facts: dict[str, Any]

    @property
    def minimum_error(self) -> str | None:
        """Why the hand-made minimum is wrong; None where it is right."""
        return _error(self.facts["session"]) or ("minimum" in self.facts and _error(self.facts["minimum"])) or None

    @property
    def slice_error(self) -> str | None:
        """Why the stored script is wrong; None where it is right."""
        if self.facts["session"].get("script") is None:
            return "isfdb stored no code.py"
        return _error(self.facts["slice"])

    @property
    def warns(self) -> str:
        """What the record says against the script: the words of its labels, widenings and risks."""
        record = self.facts["session"].get("record", {})
        said = record.get("slice") or {}
        return json.dumps([[one for one in said.get("labels", []) if "widened" in one], said.get("widened", []), record.get("risks", [])])

    @property
    def size(self) -> int | None:
        """How many statements of the notebook are in the script."""
        script = self.facts["session"].get("script")
        return None if script is None else size_of(script)

    @property
    def ratio(self) -> float | None:
        """Size of the script over that of the minimum."""
        return None if self.size is None else max(self.size, 1) / max(self.case.size, 1)


def _error(facts: dict[str, Any]) -> str | None:
    return facts.get("died") or facts.get("different")


def missing(case: Case) -> list[str]:
    """Return the libraries a case wants that are not installed."""
    return [name for name in case.wants if importlib.util.find_spec(name) is None]


def run_cases(names: list[str], folder: Path, *, minimum: bool = True, drop: bool = False, isolated: bool = False) -> dict[str, Outcome]:
    """Run cases, each in processes of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = folder / "jobs.json"
    how = {"minimum": minimum, "drop": drop, "isolated": isolated}
    jobs.write_text(json.dumps({"cases": names, "at_once": os.cpu_count() or 1, "how": how}))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment = {**os.environ, **threads, "MPLBACKEND": "agg"}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.cases.worker", str(jobs), str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"the cases could not be run: {ended.stderr[-2000:]}")
    cases = all_cases()
    return {name: Outcome(cases[name], _facts(folder / f"{number}.json")) for number, name in enumerate(names)}


def _facts(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {"session": {"died": "the case's own process ended early"}}
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts


def table(outcomes: dict[str, Outcome], worst: int = 15) -> str:
    """Return the sizes as text: the median and the largest ratios."""
    sized = [one for one in outcomes.values() if one.ratio is not None and not one.case.never]
    if not sized:
        return "no slices"
    sized.sort(key=lambda one: -(one.ratio or 0))
    ratios = [one.ratio or 0 for one in sized]
    lines = [f"{len(sized)} slices; size over minimum: median {statistics.median(ratios):.2f}, mean {statistics.mean(ratios):.2f}"]
    lines += [f"{one.ratio:6.2f}  {one.size:3} / {one.case.size:<3} {one.case.name}" for one in sized[:worst]]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run the cases whose names have all the words, and print what is wrong."""
    words = [word for word in arguments if not word.startswith("--")]
    names = [name for name, case in all_cases().items() if all(word in name for word in words) and not missing(case)]
    with tempfile.TemporaryDirectory() as folder:
        outcomes = run_cases(names, Path(folder), drop="--drop" in arguments, isolated="--isolated" in arguments)
    for name, one in outcomes.items():
        _tell(name, one, "--show" in arguments, "--slices" in arguments)
    print(table(outcomes))
    wrong = [one for one in outcomes.values() if one.minimum_error]
    slow = sorted(((one.facts.get("seconds", 0), name) for name, one in outcomes.items()), reverse=True)[:5]
    print(f"{len(outcomes)} cases, {len(wrong)} wrong minima; slowest {slow}")
    return 0


def _tell(name: str, one: Outcome, shows: bool, slices: bool) -> None:
    if one.minimum_error:
        print(f"\nMINIMUM WRONG  {name}\n    {one.minimum_error}")
    if one.facts.get("superfluous"):
        print(f"\nSUPERFLUOUS  {name}\n    " + "\n    ".join(one.facts["superfluous"]))
    if slices and not one.minimum_error and not one.case.never and one.slice_error:
        print(f"\nUNSOUND  {name}\n    {one.slice_error}")
    if shows:
        print(f"\n{name}\n{one.facts['session'].get('script')}\n{one.warns}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
