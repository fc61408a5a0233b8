"""The text of one statement, as it goes into a script: edited in places, indented, run in spite of an error. It knows no session."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: (line, column in bytes) of the first and behind the last character, as Python counts them; and what stands there instead.
Edit = tuple[tuple[int, int], tuple[int, int], str]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_OWN_SCOPE = (*_FUNCTIONS, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def span_of(node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return where the text of a node begins and ends, decorators included."""
    line = min([node.lineno, *[one.lineno for one in getattr(node, "decorator_list", ())]])  # type: ignore[attr-defined]
    column = node.col_offset if line == node.lineno else 0  # type: ignore[attr-defined]
    return (line, column), (node.end_lineno or line, node.end_col_offset or 0)  # type: ignore[attr-defined]


def edited(text: str, node: ast.AST, edits: Iterable[Edit] = ()) -> str:
    """Return the text of a node with some of its parts replaced.

    Parameters
    ----------
    text : str
        Of the whole cell.
    node : ast.AST
        A statement of it.
    edits : iterable of Edit
        None inside another.
    """
    lines = [line.encode() for line in text.split("\n")]
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    whole = b"\n".join(lines)

    def offset(place: tuple[int, int]) -> int:
        return starts[place[0] - 1] + place[1]

    first, last = (offset(place) for place in span_of(node))
    parts, done = [], first
    for begin, end, replacement in sorted(edits):
        parts += [whole[done : offset(begin)], replacement.encode()]
        done = offset(end)
    return b"".join([*parts, whole[done:last]]).decode()


def indented(text: str) -> str:
    """Return statements moved in by one level; the lines of texts in triple quotes stay as they are."""
    inside: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and node.end_lineno is not None:
            inside |= set(range(node.lineno + 1, node.end_lineno + 1))
    lines = text.split("\n")
    return "\n".join([f"    {line}" if line.strip() and number not in inside else line for number, line in enumerate(lines, 1)])


def in_spite_of_errors(text: str, error: str = "") -> str:
    """Return statements that may fail half way, as they did in the session.

    Parameters
    ----------
    text : str
    error : str
        How they failed there: an interrupt is no error to Python.
    """
    kind = error.partition(":")[0]
    caught = f"(Exception, {kind})" if kind in ("KeyboardInterrupt", "SystemExit", "GeneratorExit") else "Exception"
    return f"try:\n{indented(text)}\nexcept {caught}:\n    pass"


@dataclass(frozen=True)
class StatementFacts:
    """What can be read off a statement alone.

    Attributes
    ----------
    text : str
        As it stood in its cell, with ``Out[3]`` written as ``_3``.
    bound : frozenset of str
        Names that it binds or deletes at the top level.
    loaded : frozenset of str
        Names that stand anywhere in it to be read, those in its functions included.
    outputs : frozenset of int
        Execution counts of the cells whose values it takes from ``Out``.
    awaits : bool
        It awaits at the top level, as only notebooks may.
    reads_all_outputs : bool
        It uses ``Out`` otherwise than with a fixed number.
    """

    text: str
    bound: frozenset[str]
    loaded: frozenset[str]
    outputs: frozenset[int]
    awaits: bool
    reads_all_outputs: bool = False


def facts_of(text: str, node: ast.stmt) -> StatementFacts:
    """Read off a statement what is asked about it again and again.

    Parameters
    ----------
    text : str
        Of the whole cell.
    node : ast.stmt
    """
    loaded = frozenset(names_loaded(node))
    taken = output_edits(node) if loaded & {"Out", "_oh"} else []
    outputs = frozenset([int(name.removeprefix("_")) for _, _, name in taken])
    n_read = sum([isinstance(one, ast.Name) and one.id in ("Out", "_oh") for one in ast.walk(node)]) if loaded & {"Out", "_oh"} else 0
    return StatementFacts(edited(text, node, taken), frozenset(names_bound(node)), loaded, outputs, awaits(node), n_read > len(taken))


def output_edits(node: ast.stmt) -> list[Edit]:
    """Replace ``Out[3]`` by ``_3``."""
    subscripts = [one for one in ast.walk(node) if isinstance(one, ast.Subscript) and isinstance(one.value, ast.Name)]
    found = [one for one in subscripts if one.value.id in ("Out", "_oh") and isinstance(one.slice, ast.Constant)]  # type: ignore[attr-defined]
    return [(*span_of(one), f"_{one.slice.value}") for one in found if type(one.slice.value) is int]  # type: ignore[attr-defined]


def names_bound(node: ast.AST) -> set[str]:
    """Return the names that a statement at the top level binds or deletes."""
    found: set[str] = set()
    for one in _of_this_scope(node):
        if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load):
            found.add(one.id)
        elif isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(one.name)
        elif isinstance(one, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name.partition(".")[0]) for alias in one.names}
        elif isinstance(one, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and one.name:
            found.add(one.name)
        elif isinstance(one, ast.MatchMapping) and one.rest:
            found.add(one.rest)
    return found


def names_loaded(node: ast.AST) -> set[str]:
    """Return the names that stand anywhere in a statement to be read, those in its functions included."""
    found = {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    return found | {one.target.id for one in ast.walk(node) if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name)}


def awaits(node: ast.AST) -> bool:
    """Say whether a statement awaits at the top level, as only notebooks may."""
    kinds = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    return any(isinstance(one, kinds) or (isinstance(one, ast.comprehension) and one.is_async) for one in _of_this_scope(node, deep=True))


def _of_this_scope(node: ast.AST, *, deep: bool = False) -> Iterator[ast.AST]:
    """Yield a node and what lies in it, not going into functions and classes; into comprehensions for their walruses, or all (`deep`)."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            yield child
        elif isinstance(child, _OWN_SCOPE) and not deep:
            yield from [one.target for one in ast.walk(child) if isinstance(one, ast.NamedExpr)]
        else:
            yield from _of_this_scope(child, deep=deep)
