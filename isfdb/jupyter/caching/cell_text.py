"""What a cell with a cached value runs, as text: one that computes and stores the value, and one that loads it. Runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from IPython.core.error import UsageError

from isfdb.provenance.cached_cells import digest_of_body
from isfdb.provenance.slicing.cell_source import CellCode
from isfdb.provenance.slicing.slicer import without_empty_beginning

#: Where the value of the last expression is bound, if the user names no variable. ``_`` would be lost: IPython minds it itself.
VARIABLE: Final = "_cached"

_NAME_IT: Final = "End it with an expression, or name the variable that holds the value: %%isfdb cache KEY --value NAME"


@dataclass(frozen=True)
class CellText:
    """What a cell may run.

    Attributes
    ----------
    body : str
        As the user wrote it.
    computing : str
        The body, and the line that stores its value. Lines of the body keep their numbers.
    loading : str
    name : str
        The variable that holds the value afterwards.
    is_shown : bool
        The value is the output of the cell.
    own : str
        Digest of the body.
    """

    body: str
    computing: str
    loading: str
    name: str
    is_shown: bool
    own: str


def cell_text(body: str, target: str, *, value: str | None, into: str | None, as_python: Callable[[str], str]) -> CellText:
    """Return what a cell may run.

    Parameters
    ----------
    body : str
    target : str
        Where the value goes, as code: ``db["rates"]``.
    value : str, optional
        The variable that holds the value when the body has run; default: its last expression is the value.
    into : str, optional
        The variable that is bound to the last expression; default: ``_cached``, and the value is shown.
    as_python : callable
        Turns the text of a cell into Python, magics included.
    """
    body = without_empty_beginning(body).rstrip("\n")
    own = digest_of_body(body, value or "")
    if value is not None:
        return CellText(body, f"{body}\n{target} = {value}", f"{value} = {target}", value, False, own)
    name = into or VARIABLE
    computing = _with_last_expression_stored(body, f"{target} = {name} = ", as_python(body))
    is_shown = into is None and not CellCode(body, None).is_quiet()
    shown = f"\n{name}" if is_shown else ""
    return CellText(body, f"{computing}{shown}", f"{name} = {target}{shown}", name, is_shown, own)


def _with_last_expression_stored(body: str, assignment: str, python: str) -> str:
    """Return a body whose last expression is assigned."""
    statements = ast.parse(python).body
    last = statements[-1] if statements else None
    if not isinstance(last, ast.Expr):
        raise UsageError(f"the cell ends with {_what(last)}, not with an expression, so its value is not known. {_NAME_IT}")
    lines, last_line = body.split("\n"), last.end_lineno or last.lineno
    if lines[last.lineno - 1 : last_line] != python.split("\n")[last.lineno - 1 : last_line]:
        raise UsageError(f"the cell ends with a magic, so its value is not known. {_NAME_IT}")
    begin = lines[last.lineno - 1].encode()
    end = lines[last_line - 1].encode()
    before, after = begin[: last.col_offset].decode(), end[last.end_col_offset :].decode()
    expression = ast.get_source_segment(body, last) or ""
    if last_line > last.lineno:
        expression = f"({expression})"
    return "\n".join([*lines[: last.lineno - 1], f"{before}{assignment}{expression}{after}", *lines[last_line:]])


def _what(statement: ast.stmt | None) -> str:
    if statement is None:
        return "nothing"
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return "an assignment"
    return f"a statement ({type(statement).__name__.lower()})"
