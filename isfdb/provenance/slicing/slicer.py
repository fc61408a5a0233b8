"""The slice of a value: the smallest set of executed statements that its last statement needs, found backwards."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from isfdb.provenance.slicing.cell_source import CellCode, read_cell
from isfdb.provenance.slicing.interpreter import Interpreter
from isfdb.provenance.slicing.world import Step


@dataclass(frozen=True)
class Executed:
    """One cell as it ran.

    Attributes
    ----------
    source : str
    count : int or None
        IPython's execution count.
    outcome : str
        ``"ok"``, ``"error"``, ``"running"`` or ``"unknown"``.
    error_line : int or None
        The line at which it stopped, counted from 1; None where nobody noted it.
    cell_id : str or None
    """

    source: str
    count: int | None = None
    outcome: str = "ok"
    error_line: int | None = None
    cell_id: str | None = None


class History:
    """The cells of a session, read one after the other as they end. What was read is not read again.

    Attributes
    ----------
    cells : list of Executed
    codes : list of CellCode
    steps : list of Step
    """

    def __init__(self) -> None:
        self.cells: list[Executed] = []
        self.codes: list[CellCode] = []
        self._interpreter = Interpreter()
        self.problems: dict[int, str] = {}  # cell -> why it could not be read

    @property
    def steps(self) -> list[Step]:
        """The statements so far."""
        return self._interpreter.steps

    def add(self, cell: Executed) -> None:
        """Read one more cell."""
        place, code = len(self.cells), read_cell(cell.source)
        self.cells.append(cell)
        self.codes.append(code)
        if code.tree is None:
            if cell.outcome != "error":  # it ran, although it is no Python we can read
                self.problems[place] = code.problem
                self._interpreter.execute(_anything(), place)
            return
        statements = code.statements()
        for number, node in enumerate(statements):
            may_have_failed = cell.outcome == "error" and (cell.error_line is None or _reaches(node, cell.error_line))
            if cell.outcome == "error" and cell.error_line is not None and node.lineno > cell.error_line:
                break  # it never ran
            is_last = number == len(statements) - 1
            self._interpreter.execute(node, place, count=cell.count, is_last=is_last, may_have_failed=may_have_failed)

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


def _reaches(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def history_of(cells: Sequence[Executed]) -> History:
    """Read the cells of a session."""
    history = History()
    for cell in cells:
        history.add(cell)
    return history
