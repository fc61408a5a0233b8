"""Finds what may keep a value from being made again: looks at the statements of its slice, at what these read, and at the surroundings.

Each risk comes with the line that causes it. Nothing runs, and nobody is asked; the advice stands in `risk_kinds.py`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from isfdb.provenance import risk_kinds as kinds
from isfdb.provenance.records import PENDING, Risk, Used, UsedFile

if TYPE_CHECKING:
    from isfdb.provenance.slicing.slicer import History
    from isfdb.provenance.slicing.world import Step

#: Of each kind so many lines are recorded.
MOST_OF_A_KIND: Final = 3
#: Characters of a line that are recorded.
LINE_LENGTH: Final = 80

_HIDDEN_STATES: Final = {"<clock>": kinds.CLOCK, "<network>": kinds.NETWORK}
_SEEDERS: Final = frozenset({"seed", "setstate", "set_state", "manual_seed", "manual_seed_all", "set_rng_state"})
_ENVIRONMENT: Final = frozenset({"environ", "getenv", "environb"})
_PROGRAMS: Final = frozenset({"run", "Popen", "check_output", "check_call", "call", "system", "popen"})
_ABSOLUTE: Final = re.compile(r"(?:/|~[\w-]*/|[A-Za-z]:[\\/])[^\0\n]*[\w*]")


def find_risks(history: History, steps: Sequence[Step], used: Iterable[Used], cell_lines: Mapping[int, int]) -> list[Risk]:
    """Return the risks in the code of a slice.

    Parameters
    ----------
    history : History
    steps : sequence of Step
        The slice.
    used : iterable of Used
        What it read.
    cell_lines : Mapping
        Place of a cell in the history -> its line in the session's log.
    """
    used = list(used)
    seeded = _seeded(steps)
    found: list[tuple[str, Step]] = []
    for step in steps:
        found += [(kind, step) for kind in _kinds_in(step, history, seeded, used)]
    risks = [Risk(kind, cell_lines.get(step.cell), _line(history, step)) for kind, step in found]
    files = [one for one in used if isinstance(one, UsedFile) and one.digest is None and "://" not in one.path]
    risks += [Risk(kinds.NO_DIGEST, one.cell, f"{one.path}: {one.because}"[:LINE_LENGTH]) for one in files if not _is_pending(one)]
    return _bounded(risks)


def _is_pending(file: UsedFile) -> bool:
    return file.because in (PENDING, "")  # a script does not say that it is on its way


def risks_around(code: Mapping[str, Any], drift: Sequence[str]) -> list[Risk]:
    """Return the risks in what surrounds the code.

    Parameters
    ----------
    code : Mapping
        The snapshot of the sources, as it is recorded.
    drift : sequence of str
        What changed in the environment since the process started.
    """
    risks = [Risk(kinds.DRIFT, None, text[:LINE_LENGTH]) for text in drift]
    risks += [Risk(kinds.EDITED, None, str(name)[:LINE_LENGTH]) for name in code.get("changed_after_import") or ()]
    risks += [Risk(kinds.NOT_IN_GIT, None, _module(one)[:LINE_LENGTH]) for one in code.get("local_modules") or ()]
    return _bounded(risks)


def _module(facts: Any) -> str:
    """Return the name of a module, and its path."""
    return f"{facts.get('name')}: {facts.get('path')}" if isinstance(facts, Mapping) else str(facts)


def _bounded(risks: Iterable[Risk]) -> list[Risk]:
    """Keep the first of each kind: a loop of a hundred cells that draw is one risk."""
    kept: dict[str, list[Risk]] = {}
    for risk in dict.fromkeys(risks):
        kept.setdefault(risk.kind, []).append(risk)
    return [risk for of_kind in kept.values() for risk in of_kind[:MOST_OF_A_KIND]]


def _seeded(steps: Iterable[Step]) -> dict[str, int]:
    """Return the random states that the slice seeds, and by which of its statements first."""
    found: dict[str, int] = {}
    for step in steps:
        names = {one.func.attr for one in ast.walk(step.node) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)}
        if names & _SEEDERS:
            for state in step.touched | step.draws:
                found.setdefault(state, step.number)
    return found


def _kinds_in(step: Step, history: History, seeded: Mapping[str, int], used: Sequence[Used]) -> Iterable[str]:
    if any(seeded.get(state, step.number + 1) > step.number for state in step.draws):
        yield kinds.UNSEEDED
    for state, kind in _HIDDEN_STATES.items():
        if state in step.touched:
            yield kind
    if [reason for reason in step.widened if "keyboard" not in reason]:  # what is typed is a risk of its own
        yield kinds.WIDENED
    cell = history.cells[step.cell]
    if cell.outcome == "error" and step.may_have_failed:
        yield kinds.FAILED
    if cell.is_hidden:
        yield kinds.HIDDEN
    loaded = history.facts(step).loaded
    if loaded & {"os", "environ", "getenv", "input", "subprocess", "__import__"} or _ABSOLUTE.search(history.facts(step).text):
        yield from _kinds_in_expressions(step.node, used)


def _kinds_in_expressions(node: ast.AST, used: Sequence[Used]) -> Iterable[str]:
    paths = [one.path for one in used if isinstance(one, UsedFile)]
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and _ABSOLUTE.fullmatch(one.value):
            if any(path.startswith(one.value) for path in paths) or one.value.startswith("~"):
                yield kinds.ABSOLUTE_PATH
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "input":
            yield kinds.KEYBOARD
        elif isinstance(one, ast.Attribute) and one.attr in _ENVIRONMENT and isinstance(one.value, ast.Name) and one.value.id == "os":
            yield kinds.ENVIRONMENT
        elif isinstance(one, ast.Attribute) and one.attr in _PROGRAMS and _is_of_programs(one.value):
            yield kinds.PROGRAM


def _is_of_programs(node: ast.expr) -> bool:
    """Say whether an expression stands for the module subprocess or os, imported as such or in passing, as shell magics do."""
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        return node.args[0].value in ("subprocess", "os")
    return isinstance(node, ast.Name) and node.id in ("subprocess", "os")


def _line(history: History, step: Step) -> str:
    first = history.facts(step).text.strip().split("\n", 1)[0]
    return first if len(first) <= LINE_LENGTH else first[: LINE_LENGTH - 1] + "…"
