"""Reads notebooks-in-miniature from text files: cells, files they find, and the marks of the hand-made minimum. Runs nothing.

The format is described in ``README.md`` beside this file.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parent / "notebooks"

#: Cell magics whose body is Python that runs in the notebook's own namespace.
BODY_MAGICS = {"%%time", "%%capture", "%%prun", "%%timeit"}

#: What a notebook's first cell does where the case does not say it.
OPENING = 'import isfdb\ndb = isfdb.open("results")\n'

#: ``#*``: needed. ``#~``: needed as far as one can see without running it, such as a branch that was not taken.
_MARK = re.compile(r"[ \t]*#[*~][ \t]*$")


@dataclass(frozen=True)
class Statement:
    """One statement at the top level of a cell."""

    source: str
    needed: bool
    is_import: bool
    is_store: bool
    may_be_idle: bool = False

    @property
    def counts(self) -> bool:
        """Whether the size of a slice is measured by it: imports, opening, loading and storing are isfdb's business."""
        return self.needed and not self.is_import and not self.is_store


@dataclass(frozen=True)
class Cell:
    """One cell as it ran."""

    source: str
    header: str  # of a cell magic whose body is Python; else empty
    header_needed: bool
    statements: tuple[Statement, ...]
    fails: bool = False
    hidden: bool = False
    cell_id: str | None = None

    def kept(self, dropped: int | None = None) -> str:
        """Return the marked statements, but for one; a cell of which nothing is left keeps its number."""
        lines = [one.source for index, one in enumerate(self.statements) if one.needed and index != dropped]
        if self.header and (self.header_needed or not self.statements):
            lines.insert(0, self.header)
        return "\n".join(lines) or "pass"


@dataclass
class Case:
    """One notebook in miniature."""

    name: str
    title: str
    about: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    key: str = "result"
    never: str = ""
    stdin: str = ""
    serves: bool = False
    folder: str = "results"
    before: str = ""
    minimum: str = ""
    files: dict[str, str] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many statements the hand-made minimum has, imports and isfdb's own not counted."""
        if self.minimum:
            return size_of(self.minimum)
        return sum(one.counts for cell in self.cells for one in cell.statements) + sum(
            1 for cell in self.cells if cell.header and cell.header_needed
        )


def size_of(script: str) -> int:
    """Count the statements of a script that come from a notebook: not what isfdb adds to run it, nor imports, loads and stores."""
    body = ast.parse(script).body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return sum(_statement(node, "", needed="#*").counts and not _is_added(node) for node in body)


def _is_added(node: ast.stmt) -> bool:
    text = ast.unparse(node)
    return text.startswith(("value = ", "isfdb.pin(")) or bool(re.match(r"if _\d+ is not None:", text)) or "= isfdb.load(" in text


@functools.cache
def all_cases() -> dict[str, Case]:
    """Return every case by its name."""
    cases: dict[str, Case] = {}
    for path in sorted(NOTEBOOKS.glob("*.txt")):
        for case in read_file(path):
            if case.name in cases:
                raise ValueError(f"two cases are called {case.name!r}: give one of them another title")
            cases[case.name] = case
    return cases


def read_file(path: Path) -> list[Case]:
    """Return the cases in one file."""
    parts = re.split(r"^# case: *", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [_case(path.stem, part) for part in parts]


def _case(group: str, text: str) -> Case:
    head, *blocks = re.split(r"^# %% *", text, flags=re.MULTILINE)
    title, *facts = head.strip().splitlines()
    case = Case(name=f"{group}: {title.strip()}", title=title.strip())
    for fact in facts:
        _read_fact(case, fact)
    opens = "isfdb.open" not in text
    for block in blocks:
        header, _, body = block.partition("\n")
        if header.startswith("file "):
            case.files[header[5:].strip()] = body.rstrip("\n") + "\n"
        elif header.startswith("before"):
            case.before = body
        elif header.startswith("minimum"):
            case.minimum = body
        else:
            case.cells.append(_cell(header, body.strip("\n"), case.name, OPENING if opens else ""))
            opens = False
    if not case.cells:
        raise ValueError(f"{case.name}: no cells")
    return case


def _read_fact(case: Case, fact: str) -> None:
    match = re.match(r"# (about|wants|key|never|stdin|serves|folder): *(.*)", fact)
    if match is None:
        raise ValueError(f"{case.name}: cannot read {fact!r}")
    name, value = match.groups()
    if name in ("about", "wants"):
        setattr(case, name, tuple(word.strip() for word in value.split(",") if word.strip()))
    elif name == "serves":
        case.serves = True
    else:
        setattr(case, name, value.replace("\\n", "\n"))


def _cell(header: str, body: str, name: str, opening: str) -> Cell:
    facts: dict[str, Any] = {"fails": "fails" in header.split(), "hidden": "hidden" in header.split()}
    if match := re.search(r"id=(\w+)", header):
        facts["cell_id"] = match[1]
    marked = [match[0].strip() if (match := _MARK.search(line)) else "" for line in body.split("\n")]
    lines = [_MARK.sub("", line) for line in body.split("\n")]
    source = "\n".join(lines)
    if not lines[0].startswith("%%"):
        statements = _statements(lines, marked, name, fails=facts["fails"])
        opened = tuple(Statement(line, True, True, False) for line in opening.splitlines())
        return Cell(opening + source, "", False, opened + statements, **facts)
    if opening:
        raise ValueError(f"{name}: the first cell begins with a cell magic; open the database in a cell before it")
    if lines[0].split()[0] in BODY_MAGICS:
        statements = _statements(lines[1:], marked[1:], name, fails=facts["fails"])
        return Cell(source, lines[0], bool(marked[0]), statements, **facts)
    return Cell(source, "", False, (_whole(source, marked[0]),), **facts)


def _statements(lines: list[str], marked: list[str], name: str, *, fails: bool) -> tuple[Statement, ...]:
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        tree = ast.parse(TransformerManager().transform_cell("\n".join(lines)))
    except SyntaxError:
        if fails:
            return ()
        raise ValueError(f"{name}: this is no Python:\n" + "\n".join(lines)) from None
    found = []
    for node in tree.body:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        end = node.end_lineno or first
        found.append(_statement(node, _source(lines, node, first, end), needed=max(marked[first - 1 : node.lineno])))
    if sum(map(bool, marked)) > sum(one.needed for one in found):
        raise ValueError(f"{name}: a mark is not on the first line of a statement:\n" + "\n".join(lines))
    return tuple(found)


def _source(lines: list[str], node: ast.stmt, first: int, end: int) -> str:
    """Return a statement as it was written; of several on one line, itself alone."""
    shares = [line for line in lines[first - 1 : end] if ";" in line]
    if shares and first == end and not lines[first - 1].lstrip().startswith(("%", "!")):
        return lines[first - 1][node.col_offset : node.end_col_offset]
    return "\n".join(lines[first - 1 : end])


def _statement(node: ast.stmt, source: str, *, needed: str) -> Statement:
    text = ast.unparse(node)
    opens = "isfdb.open(" in text or text == "import isfdb"
    is_import = opens or isinstance(node, ast.Import | ast.ImportFrom)
    return Statement(source, bool(needed) or opens, is_import, _is_store(node) or _is_load(node), needed == "#~")


def _whole(source: str, mark: str) -> Statement:
    return Statement(source, bool(mark), False, False, mark == "#~")


def _is_db(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("db", "isfdb")


def _is_store(node: ast.stmt) -> bool:
    """Whether a statement does nothing but store: it becomes ``value = ...``."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript) and _is_db(node.targets[0].value):
        return True
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and _is_db(call.func.value) and call.func.attr == "set"


def _is_load(node: ast.stmt) -> bool:
    """Whether a statement does nothing but read a stored value: it becomes ``x = isfdb.load(...)``."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript) and _is_db(node.value.value)
