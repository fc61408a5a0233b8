"""Reads projects from text files: the steps of their story, and the verdicts that are expected. Runs nothing.

The format is described in ``README.md`` beside this file.
"""

from __future__ import annotations

import functools
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

PROJECTS = Path(__file__).parent / "projects"
COLUMNS = ["what", "key", "how", "verdict", "says"]

#: A bar with a blank on both sides: an expression may hold others.
_COLUMN = re.compile(r"(?<!\S)\|(?!\S)")


@dataclass(frozen=True)
class Row:
    """One replay, and what must come of it.

    `how` is either keyword arguments of ``isfdb.replay`` or, where it begins with ``--``, options of ``isfdb replay``.
    """

    project: str
    what: str
    key: str
    how: str
    verdicts: tuple[str, ...]
    says: str

    @property
    def name(self) -> str:
        """The name of the test."""
        return f"{self.project}: {self.what}"


@dataclass(frozen=True)
class Step:
    """One step of a project's story: ``kind`` is ``cells``, ``script``, ``file``, ``shell``, ``python`` or ``replays``."""

    kind: str
    words: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    body: str = ""
    cells: tuple[dict[str, object], ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass
class Project:
    """A folder in which somebody worked, and what became of it."""

    name: str
    wants: tuple[str, ...] = ()
    defects: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """All replays, in order."""
        return [row for step in self.steps for row in step.rows]


@functools.cache
def all_projects() -> dict[str, Project]:
    """Return every project by its name."""
    found = [project for path in sorted(PROJECTS.glob("*.txt")) for project in read_file(path)]
    projects = {project.name: project for project in found}
    names = [row.name for project in found for row in project.rows]
    if len(projects) != len(found) or len(set(names)) != len(names):
        raise ValueError("two projects, or two replays of a project, bear the same name")
    return projects


def all_rows() -> dict[str, Row]:
    """Return every replay by the name of its test."""
    return {row.name: row for project in all_projects().values() for row in project.rows}


def read_file(path: Path) -> list[Project]:
    """Return the projects in one file."""
    parts = re.split(r"^# project: *", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [_project(part) for part in parts]


def _project(text: str) -> Project:
    head, *blocks = re.split(r"^# %% *", text, flags=re.MULTILINE)
    title, *facts = head.strip().splitlines()
    project = Project(title.strip())
    for fact in facts:
        _read_fact(project, fact)
    for block in blocks:
        header, _, body = block.partition("\n")
        _add_step(project, header.strip(), body.strip("\n") + "\n")
    if unknown := project.defects.keys() - {row.what for row in project.rows}:
        raise ValueError(f"{project.name}: no replay is called {unknown}")
    return project


def _read_fact(project: Project, fact: str) -> None:
    if match := re.match(r"# wants: *(.*)", fact):
        project.wants = tuple(word.strip() for word in match[1].split(","))
    elif match := re.match(r"# defect: *(.*?): *(.*)", fact):
        project.defects[match[1]] = match[2]
    elif not re.match(r"# \S", fact):
        raise ValueError(f"{project.name}: cannot read {fact!r}")


def _add_step(project: Project, header: str, body: str) -> None:
    match = re.match(r"\[\d+\](?P<rest>.*)", header)
    kind, *words = shlex.split(f"cells {match['rest']}" if match else header)
    variables = {name: text for word in words for name, is_one, text in [word.partition("=")] if is_one}
    words = [word for word in words if "=" not in word]
    if kind == "cells":
        _add_cell(project, words, variables, body)
    elif kind == "replays":
        rows = tuple(_row(project, line) for line in body.splitlines() if line.strip() and not line.startswith(("| what", "|--", "#")))
        project.steps.append(Step(kind, tuple(words), variables, rows=rows))
    elif kind in ("file", "script", "shell", "python"):
        project.steps.append(Step(kind, tuple(words), variables, body))
    else:
        raise ValueError(f"{project.name}: there is no step {kind!r}")


def _add_cell(project: Project, words: list[str], variables: dict[str, str], body: str) -> None:
    """Cells that follow each other belong to one session, but for one that says it is of a new one."""
    cell: dict[str, object] = {"source": body.rstrip("\n"), "fails": "fails" in words, "hidden": "hidden" in words}
    last = project.steps[-1] if project.steps else None
    if last is not None and last.kind == "cells" and "new" not in words and not variables:
        project.steps[-1] = Step("cells", last.words, last.variables, cells=(*last.cells, cell))
    else:
        project.steps.append(Step("cells", (), variables, cells=(cell,)))


def _row(project: Project, line: str) -> Row:
    columns = [column.strip() for column in _COLUMN.split(line.strip())[1:-1]]
    if len(columns) != len(COLUMNS):
        raise ValueError(f"{project.name}: a replay has the columns {COLUMNS}: {line!r}")
    what, key, how, verdict, says = columns
    return Row(project.name, what, key, how, tuple(verdict.split(" or ")), says)
