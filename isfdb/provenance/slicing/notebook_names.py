"""What a notebook offers to code and plain Python does not: ``_``, ``Out``, ``display``, ``get_ipython``. It knows no session."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from isfdb.provenance.slicing.statement_text import StatementFacts

_NUMBERED = re.compile(r"_(\d+)")
_OFFERED = {
    "display": "from IPython.display import display",
    "get_ipython": "from IPython.core.interactiveshell import InteractiveShell",
}


@dataclass(frozen=True)
class Outputs:
    """Which values of cells some code looks at.

    Attributes
    ----------
    numbers : frozenset of int
        Execution counts: ``_3``, ``Out[3]``.
    newest : frozenset of str
        Those of ``_``, ``__`` and ``___`` that it reads.
    """

    numbers: frozenset[int]
    newest: frozenset[str]


def outputs_needed(facts: Sequence[StatementFacts]) -> Outputs:
    """Say which values of cells statements look at; names that they bind themselves are none of them."""
    loaded = _not_bound(facts)
    numbers = {int(match[1]) for name in loaded if name[:1] == "_" and (match := _NUMBERED.fullmatch(name))}
    return Outputs(frozenset(numbers.union(*[one.outputs for one in facts])), loaded & {"_", "__", "___"})


def _not_bound(facts: Sequence[StatementFacts]) -> frozenset[str]:
    """Return the names that statements read and none of them binds."""
    none: frozenset[str] = frozenset()
    return none.union(*[one.loaded for one in facts]) - none.union(*[one.bound for one in facts])


def with_output(text: str, node: ast.stmt, count: int | None, outputs: Outputs) -> str:
    """Return a statement that also keeps its value, where others look at it, as IPython does."""
    if count is None or not isinstance(node, ast.Expr) or (count not in outputs.numbers and not outputs.newest):
        return text
    name = f"_{count}"
    lines = [f"{name} = ({text})" if "\n" in text else f"{name} = {text}"]
    if outputs.newest:
        older = {"_": "_", "__": "__, _", "___": "___, __, _"}[max(outputs.newest, key=len)]
        newer = {"_": name, "__": f"_, {name}", "___": f"__, _, {name}"}[max(outputs.newest, key=len)]
        known = "globals().setdefault('_', None), globals().setdefault('__', None)\n    " if len(older) > 1 else ""
        lines += [f"if {name} is not None:\n    {known}{older} = {newer}"]
    return "\n".join(lines)


def imports_needed(facts: Sequence[StatementFacts]) -> list[str]:
    """Return what makes a notebook's own names known to plain Python."""
    loaded = _not_bound(facts)
    lines = [line for name, line in _OFFERED.items() if name in loaded]
    if "get_ipython" in loaded:
        lines.append("get_ipython = lambda: InteractiveShell.instance(user_ns=globals())")
    return lines
