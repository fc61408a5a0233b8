"""The slice of a value: the smallest set of executed statements that its last statement needs, found backwards."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from isfdb.provenance.slicing.cell_source import CellCode, read_cell
from isfdb.provenance.slicing.interpreter import Interpreter
from isfdb.provenance.slicing.statement_text import StatementFacts, facts_of
from isfdb.provenance.slicing.world import NOTHING, PLOT, Step, Value

_BACKEND = re.compile(r"(?m)^\s*%matplotlib[ \t]+(\w+)")


@dataclass(frozen=True)
class Executed:
    """One cell as it ran.

    Attributes
    ----------
    source : str
        Without the empty lines at its beginning, which do not count.
    count : int or None
        IPython's execution count.
    outcome : str
        ``"ok"``, ``"error"``, ``"running"`` or ``"unknown"``.
    error_line : int or None
        The line at which it stopped, counted from 1; None where nobody noted it.
    cell_id : str or None
    started : float or None
        In seconds since 1970.
    is_hidden : bool
        It left no trace in the history: a front end ran it silently.
    error : str
        How it failed.
    """

    source: str
    count: int | None = None
    outcome: str = "ok"
    error_line: int | None = None
    cell_id: str | None = None
    started: float | None = None
    is_hidden: bool = False
    error: str = ""


@dataclass(slots=True)
class _Reading:
    """How far a cell was followed."""

    statements: list[ast.stmt]
    steps: list[Step] = field(default_factory=list)
    before_last: tuple[dict[str, set[int]], dict[str, Value]] | None = None  # what was known before a statement that still ran

    @property
    def is_whole(self) -> bool:
        return len(self.steps) == len(self.statements)


class History:
    """The cells of a session, followed statement by statement as they run. What was followed is not followed again.

    Attributes
    ----------
    cells : list of Executed
    codes : list of CellCode
    problems : dict
        Place of a cell -> why it could not be read. It is taken to do anything.
    closed_figures : set of int
        Places of the cells at whose end the notebook closed the figures that pyplot drew into.
    """

    def __init__(self) -> None:
        self.cells: list[Executed] = []
        self.codes: list[CellCode] = []
        self.problems: dict[int, str] = {}
        self.closed_figures: set[int] = set()
        self._is_inline = "inline" in os.environ.get("MPLBACKEND", "")  # which Jupyter sets before the first cell
        self._interpreter = Interpreter()
        self._readings: list[_Reading] = []
        self._facts: dict[int, StatementFacts] = {}

    @property
    def steps(self) -> list[Step]:
        """The statements so far."""
        return self._interpreter.steps

    def add(self, cell: Executed) -> None:
        """Follow one more cell, which has ended."""
        self.end(self.begin(cell), cell)

    def begin(self, cell: Executed) -> int:
        """Take note of a cell that runs, and return its place."""
        place, code = len(self.cells), read_cell(cell.source)
        self.cells.append(cell)
        self.codes.append(code)
        if code.tree is None:
            self.problems[place] = code.problem
        self._readings.append(_Reading(code.statements() if code.tree is not None else [_anything()]))
        return place

    def advance(self, place: int, position: tuple[int, int] | None) -> Step | None:
        """Follow a cell that runs up to the statement at which it stands, that one included.

        Parameters
        ----------
        place : int
        position : (int, int) or None
            Line, counted from 1, and column, in bytes. None: to its end, because nobody knows where it stands.

        Returns
        -------
        Step or None
            The statement that runs; None where it is not known.
        """
        reading = self._readings[place]
        while not reading.is_whole and (position is None or _begin(reading.statements[len(reading.steps)]) <= position):
            world = self._interpreter.world
            reading.before_last = (dict(world.definers), dict(world.names))
            self._execute(place, may_have_failed=False)
        if place in self.problems:
            return reading.steps[0]
        if position is None:
            return None
        return next((one for one in reversed(reading.steps) if _begin(one.node) <= position and _reaches(one.node, position[0])), None)

    def end(self, place: int, cell: Executed) -> None:
        """Follow what is left of a cell, now that it is known how it ended."""
        self.cells[place] = cell
        reading = self._readings[place]
        if cell.outcome == "error" and place in self.problems and not reading.steps:
            del self.problems[place]  # it was no Python for IPython either, and never ran
            reading.statements = []
        failed_at = cell.error_line if cell.outcome == "error" else None
        if cell.outcome == "error" and reading.steps and reading.before_last is not None:
            self._doubt(reading, failed_at)
        reading.before_last = None
        while not reading.is_whole:
            node = reading.statements[len(reading.steps)]
            if failed_at is not None and _first_line(node) > failed_at:
                break  # it never ran
            self._execute(place, may_have_failed=cell.outcome == "error" and (failed_at is None or _reaches(node, failed_at)))
        self._close_figures(place)

    def _close_figures(self, place: int) -> None:
        """Follow what matplotlib's backend for notebooks does when a cell ends: what is drawn next begins a new figure."""
        world = self._interpreter.world
        for backend in _BACKEND.findall(self.cells[place].source):
            self._is_inline = backend == "inline"
        if self._is_inline and world.names.pop(PLOT, None) is not None:
            world.definers.pop(PLOT, None)
            self.closed_figures.add(place)

    def _execute(self, place: int, *, may_have_failed: bool) -> None:
        reading = self._readings[place]
        number = len(reading.steps)
        is_last = number == len(reading.statements) - 1 and not self.codes[place].is_quiet()
        count = self.cells[place].count
        node = reading.statements[number]
        reading.steps.append(self._interpreter.execute(node, place, count=count, is_last=is_last, may_have_failed=may_have_failed))

    def _doubt(self, reading: _Reading, failed_at: int | None) -> None:
        """Take back that the statement followed last has bound for certain what it binds: it failed after all."""
        step = reading.steps[-1]
        if reading.before_last is None or (failed_at is not None and not _reaches(step.node, failed_at)):
            return
        step.may_have_failed = True
        definers, names = reading.before_last
        world = self._interpreter.world
        for name, steps in definers.items():
            world.definers[name] = world.definers.get(name, set()) | steps
        for name, value in names.items():
            world.names[name] = world.names.get(name, NOTHING) | value

    def know_databases(self, names: Iterable[str]) -> None:
        """Take these names, which no statement has bound, to stand for databases: a magic, or the front end, bound them."""
        world = self._interpreter.world
        for name in names:
            if name not in world.names:
                world.names[name] = world.new("database")

    def is_database(self, name: str) -> bool:
        """Say whether a name of the session stands for a database now, and for nothing else."""
        world = self._interpreter.world
        return world.kinds(world.names.get(name, NOTHING)) == {"database"}

    def is_bound(self, name: str) -> bool:
        """Say whether some statement may have bound a name."""
        return bool(self._interpreter.world.definers.get(name))

    def facts(self, step: Step) -> StatementFacts:
        """Return what can be read off a statement alone."""
        if step.number not in self._facts:
            self._facts[step.number] = facts_of(self.codes[step.cell].text, step.node)
        return self._facts[step.number]

    def slice(self, targets: Iterable[int]) -> list[Step]:
        """Return the steps that some steps need, those included, in the order in which they ran."""
        needed: set[int] = set()
        to_do = list(targets)
        while to_do:
            number = to_do.pop()
            if number not in needed:
                needed.add(number)
                to_do += self.steps[number].needs
        return [self.steps[number] for number in sorted(needed)]


def _anything() -> ast.stmt:
    """Return a statement that may do anything: it stands for a cell that ran and cannot be read."""
    return ast.parse("eval(something_unreadable)").body[0]


def _begin(node: ast.stmt) -> tuple[int, int]:
    return _first_line(node), node.col_offset


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *[one.lineno for one in decorators]])


def _reaches(node: ast.stmt, line: int) -> bool:
    return _first_line(node) <= line <= (node.end_lineno or node.lineno)


def without_empty_beginning(source: str) -> str:
    """Return the text of a cell from its first line on that is not empty, as IPython counts lines."""
    lines = source.split("\n")
    while len(lines) > 1 and not lines[0].strip():
        del lines[0]
    return "\n".join(lines)


def history_of(cells: Iterable[Executed]) -> History:
    """Follow the cells of a session."""
    history = History()
    for cell in cells:
        history.add(cell)
    return history
