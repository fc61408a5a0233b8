"""What a notebook offers to code and plain Python does not: ``_``, ``Out``, ``display``, ``get_ipython``. It knows no session."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isfdb.provenance.slicing.statement_text import StatementFacts

_NUMBERED = re.compile(r"_(\d+)")
_TEXT = re.compile(r"_i(\d+)")
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
    all_by_number : bool
        It reads ``Out`` in other ways, too.
    """

    numbers: frozenset[int]
    newest: frozenset[str]
    all_by_number: bool = False


def outputs_needed(facts: Sequence[StatementFacts]) -> Outputs:
    """Say which values of cells statements look at; names that they bind themselves are none of them."""
    loaded = _not_bound(facts)
    numbers = {int(match[1]) for name in loaded if name[:1] == "_" and (match := _NUMBERED.fullmatch(name))}
    numbers = numbers.union(*[one.outputs for one in facts])
    return Outputs(frozenset(numbers), loaded & {"_", "__", "___"}, any(one.reads_all_outputs for one in facts))


def _not_bound(facts: Sequence[StatementFacts]) -> frozenset[str]:
    """Return the names that statements read and none of them binds."""
    none: frozenset[str] = frozenset()
    return none.union(*[one.loaded for one in facts]) - none.union(*[one.bound for one in facts])


def with_output(text: str, node: ast.stmt, count: int | None, outputs: Outputs) -> str:
    """Return a statement that also keeps its value, where others look at it, as IPython does."""
    is_wanted = count in outputs.numbers or outputs.newest or outputs.all_by_number
    if count is None or not isinstance(node, ast.Expr) or not is_wanted:
        return text
    name = f"_{count}"
    lines = [f"{name} = ({text})" if "\n" in text else f"{name} = {text}"]
    if outputs.newest:
        older = {"_": "_", "__": "__, _", "___": "___, __, _"}[max(outputs.newest, key=len)]
        newer = {"_": name, "__": f"_, {name}", "___": f"__, _, {name}"}[max(outputs.newest, key=len)]
        known = "globals().setdefault('_', None), globals().setdefault('__', None)\n    " if len(older) > 1 else ""
        lines += [f"if {name} is not None:\n    {known}{older} = {newer}"]
    if outputs.all_by_number:
        lines += [f"if {name} is not None:\n    Out[{count}] = {name}"]
    return "\n".join(lines)


def earlier_texts(facts: Sequence[StatementFacts], sources: Mapping[int, str]) -> list[str]:
    """Return lines that bind ``In``, ``_i3`` and ``Out``, where statements look at them.

    Parameters
    ----------
    facts : sequence of StatementFacts
    sources : Mapping
        Execution count -> text of the cell.
    """
    loaded = _not_bound(facts)
    lines = []
    if loaded & {"In", "_ih"}:
        texts = [sources.get(count, "") for count in range(max(sources, default=0) + 1)]
        lines.append(f"In = _ih = {texts!r}")
    lines += [f"{name} = {sources.get(int(match[1]), '')!r}" for name in sorted(loaded) if (match := _TEXT.fullmatch(name))]
    if any(one.reads_all_outputs for one in facts):
        lines.append("Out = _oh = {}")
    return lines


def texts_before(facts: StatementFacts, count: int | None, sources: Mapping[int, str]) -> list[str]:
    """Return lines that bind ``_i``, ``_ii`` and ``_iii`` to the texts of the cells before one, where it looks at them."""
    names = [name for name in ("_i", "_ii", "_iii") if name in facts.loaded] if count is not None else []
    return [f"{name} = {sources.get((count or 0) + 1 - len(name), '')!r}" for name in names]


def imports_needed(facts: Sequence[StatementFacts]) -> list[str]:
    """Return what makes a notebook's own names known to plain Python."""
    loaded = _not_bound(facts)
    lines = [line for name, line in _OFFERED.items() if name in loaded]
    if "get_ipython" in loaded:
        lines.append("get_ipython = lambda: InteractiveShell.instance(user_ns=globals())")
    return lines
