"""Writes the script that makes a stored value: the statements of its slice, what they are made from on top, the result in ``value``.

The script runs in plain Python. It reads stored values at the versions that were read and never writes to a database that was there:
where the code uses databases in other ways than ``db["key"]``, it opens them through ``isfdb.pin``.
"""

from __future__ import annotations

import ast
import datetime
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from isfdb.provenance.records import Used, UsedFile, UsedValue
from isfdb.provenance.slicing import notebook_names
from isfdb.provenance.slicing.database_uses import Rewritten, is_opening, rewrite
from isfdb.provenance.slicing.labels import labels_of
from isfdb.provenance.slicing.slicer import History
from isfdb.provenance.slicing.statement_text import edited, in_spite_of_errors, indented, output_edits
from isfdb.provenance.slicing.world import PLOT, Step

#: Levels of care: the statements that are needed; all statements of their cells; all that ran.
LEVELS = ("statements", "cells", "everything")


#: What code that starts processes names; they import the script, and must not run it again.
_STARTERS = frozenset({"multiprocessing", "ProcessPoolExecutor", "Client", "LocalCluster", "concurrent"})
#: The subject of code that sends work to others, which may import it.
SENT = "what workers store"
#: So many files are named on top of a script.
_MOST_FILES = 20
#: And so many values. Of more, only those are pinned that were not the newest of their keys when the code began.
_MOST_VALUES = 200
GUARD = 'if __name__ == "__main__":'


@dataclass(frozen=True)
class Wanted:
    """What a script is to make, and what is known about the databases its code used.

    Attributes
    ----------
    database : str
        Id of the database that the value was stored in.
    key : str
        The whole key; empty where the code stores under keys that are not known, or writes a file.
    step : Step or None
        The statement that stored it; None where it is not known: then all that ran belongs to the script.
    at : int or None
        Line of its cell at which that statement stands.
    before : str
        ISO-8601 time: no version published later was read. For cells of which nobody knows when they began.
    opened : Mapping
        What ``isfdb.open`` was given -> link of the database that it opened.
    names : Mapping
        Variables of the session that stand for databases -> code that opens these.
    stores : Mapping
        Link of a key, without version -> numbers of the statements that stored under it in this session.
    directory : str
        In which relative paths were looked for.
    subject : str
        What is made where there is no key.
    """

    database: str
    key: str
    step: Step | None
    at: int | None = None
    before: str = ""
    opened: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    stores: Mapping[str, Collection[int]] = field(default_factory=dict)
    directory: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Script:
    """A script, and what is to be known about it.

    Attributes
    ----------
    parts : tuple of str
        Head, imports, inputs, and what each cell ran.
    labels : tuple of (str, str)
        What it is, and why.
    widened : tuple of str
        Why it may hold more than it must.
    steps : tuple of Step
        The statements in it.
    used : tuple of Used
        What these read.
    """

    parts: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    widened: tuple[str, ...]
    steps: tuple[Step, ...]
    used: tuple[Used, ...]

    @property
    def text(self) -> str:
        """The whole."""
        return "\n\n".join(self.parts) + "\n"


def script_of(history: History, wanted: Wanted, reads_of: Callable[[Step], Iterable[Used]], *, level: str = LEVELS[0]) -> Script:
    """Write the script of a value.

    Parameters
    ----------
    history : History
        Followed up to the statement that stored the value.
    wanted : Wanted
    reads_of : callable
        Gives what a statement read while it ran.
    level : str
        ``"statements"``: the slice. ``"cells"``: all of each cell that the slice touches. ``"everything"``: all that ran.
    """
    steps = _steps(history, wanted, level)
    used = _without_repetition([one for step in steps for one in reads_of(step)])
    closed = [step for step in steps if not is_opening(step.node)]
    rewritten = _rewritten(history, closed, used, wanted)
    is_stored = wanted.key != "" and not any(one.stores for one in rewritten.values())  # otherwise than by a plain statement
    if wanted.subject == SENT or is_stored or any(one.left for one in rewritten.values()):
        binders = {number for step in steps for numbers in step.databases.values() for number in numbers}
        steps = _steps(history, wanted, level, also=binders)
        used = _without_repetition([one for step in steps for one in reads_of(step) if not _is_made_here(one, step, steps, wanted)])
        return _Writer(history, steps, used, wanted, None).script()
    return _Writer(history, closed, used, wanted, rewritten).script()


def _steps(history: History, wanted: Wanted, level: str, also: Iterable[int] = ()) -> list[Step]:
    """Return the statements of a level, and those that open databases where that is wanted."""
    last = wanted.step.number if wanted.step is not None else len(history.steps) - 1
    if level == LEVELS[2] or wanted.step is None:
        return history.steps[: last + 1]
    needed = history.slice([last, *also])
    if level == LEVELS[1]:
        cells = {step.cell for step in needed}
        needed = history.slice([step.number for step in history.steps[: last + 1] if step.cell in cells])
    return needed


def _is_made_here(used: Used, step: Step, steps: Sequence[Step], wanted: Wanted) -> bool:
    """Say whether a statement read what the script itself stores, so that it is no input."""
    stores = wanted.stores.get(used.link.rpartition("@")[0]) if isinstance(used, UsedValue) else None
    return stores is not None and any(other.number in stores and other.number <= step.number for other in steps)


def _without_repetition(used: Sequence[Used]) -> tuple[Used, ...]:
    """Keep what was read first of equal things: reading is noted for each cell, and a script needs a file once."""
    found: dict[tuple[str, str | None], Used] = {}
    for one in used:
        found.setdefault((one.link if isinstance(one, UsedValue) else one.path, one.digest), one)
    return tuple(found.values())


def _rewritten(history: History, steps: Sequence[Step], used: Iterable[Used], wanted: Wanted) -> dict[int, Rewritten]:
    """Say, statement by statement, how it does without databases."""
    links: dict[str, set[str]] = {}
    for one in used:
        if isinstance(one, UsedValue):
            links.setdefault(_key_of(one.link), set()).add(one.link)

    def link_of(key: str) -> str | None:
        found = {link for known, versions in links.items() if known == key or known.endswith("/" + key) for link in versions}
        return found.pop() if len(found) == 1 else None

    done = {}
    known = {name for name in wanted.names if history.is_database(name)}
    for step in steps:
        loaded = history.facts(step).loaded
        if step is wanted.step:
            done[step.number] = rewrite(step.node, set(step.databases) | known, link_of, wanted.key)
        elif step.databases or loaded & known or "isfdb" in loaded or isinstance(step.node, ast.ImportFrom):
            done[step.number] = rewrite(step.node, set(step.databases) | known, link_of, None)
    return done


@lru_cache(maxsize=65536)
def _key_of(link: str) -> str:
    from urllib.parse import unquote

    return unquote(link.partition("://")[2].partition("/")[2].rpartition("@")[0])


class _Writer:
    """One script in the making. Without `rewritten`, the code opens its databases itself, pinned."""

    def __init__(
        self, history: History, steps: Sequence[Step], used: tuple[Used, ...], wanted: Wanted, rewritten: Mapping[int, Rewritten] | None
    ) -> None:
        self._history = history
        self._steps = steps
        self._used = used
        self._wanted = wanted
        self._rewritten = rewritten
        self._facts = [history.facts(step) for step in steps]
        self._outputs = notebook_names.outputs_needed(self._facts)
        self._imports = self._hoisted()
        self._sources = {cell.count: cell.source for cell in history.cells if cell.count is not None}

    def script(self) -> Script:
        history, wanted = self._history, self._wanted
        labels = labels_of(history, self._steps)
        body = self._body()
        if self._rewritten is None and wanted.key:
            body.append(value_line(wanted.database, wanted.key))
        parts = (self._head(labels), self._import_lines(body), self._inputs(), *body)
        if wanted.subject == SENT or self._starts_processes():
            parts = (*parts[:2], f"{GUARD}\n{indented_all([part for part in parts[2:] if part])}")
        widened = tuple(dict.fromkeys([reason for step in self._steps for reason in step.widened]))
        return Script(tuple([part for part in parts if part]), labels, widened, tuple(self._steps), self._used)

    def _starts_processes(self) -> bool:
        """Say whether the code starts processes that may import the script anew."""
        return any(not _STARTERS.isdisjoint(facts.loaded | facts.bound) for facts in self._facts)

    def _head(self, labels: Iterable[tuple[str, str]]) -> str:
        wanted = self._wanted
        lines = [
            f"# What makes {repr(wanted.key) if wanted.key else wanted.subject} of isfdb://{wanted.database}, "
            "from what its session executed.",
            f"# Made by isfdb.{' Run it with: python code.py; the result is in the variable `value`.' if wanted.key else ''}",
        ]
        lines += [f"# {label}{': ' if because else ''}{because}" for label, because in labels]
        if wanted.directory and any(isinstance(one, UsedFile) for one in self._used):
            lines.append(f"# Relative paths are meant from {wanted.directory}")
        return "\n".join([_one_line(line) for line in lines])

    # Imports ---------------------------------------------------------------------------------------------------------------------

    def _hoisted(self) -> dict[int, str]:
        """Return the imports that may stand on top: those that need nothing before them, of names that nothing before them uses."""
        found: dict[int, str] = {}
        taken: set[str] = set()
        for step in self._steps:
            node, facts = step.node, self._history.facts(step)
            names = facts.bound
            is_plain = isinstance(node, (ast.Import, ast.ImportFrom)) and not step.may_have_failed and "*" not in names
            if is_plain and not names & taken and not {number for number in step.needs if number not in found}:
                found[step.number] = self._import_text(step)
            else:
                taken |= names | facts.loaded
        return found

    def _import_text(self, step: Step) -> str:
        """Return an import, one line for each module that the script uses; isfdb it imports itself where it is needed."""
        if not isinstance(step.node, ast.Import) or len(step.node.names) == 1:
            return self._text(step)
        loaded = {name for facts in self._facts for name in facts.loaded}
        used = [alias for alias in step.node.names if (alias.asname or alias.name.partition(".")[0]) in loaded]
        return "\n".join([ast.unparse(ast.Import([alias])) for alias in used])

    def _import_lines(self, body: Sequence[str]) -> str:
        texts = [line for text in self._imports.values() for line in (text.split("\n") if text.startswith("import ") else [text])]
        lines = [text for text in dict.fromkeys(texts) if text not in ("", "import isfdb")]
        needs_isfdb = self._rewritten is None or any("isfdb." in part for part in body)
        if any(facts.awaits for facts in self._facts) and "import asyncio" not in lines:
            lines.append("import asyncio")
        if needs_isfdb:
            lines.append("import isfdb")
        lines += notebook_names.imports_needed(self._facts)
        futures = [line for line in lines if line.startswith("from __future__")]
        plain = sorted([line for line in lines if line not in futures], key=lambda line: line.startswith("from "))
        return "\n".join(futures + plain)

    # What it is made from ---------------------------------------------------------------------------------------------------------

    def _links(self) -> list[str]:
        return [one.link for one in self._used if isinstance(one, UsedValue)]

    def _inputs(self) -> str:
        links = self._links()
        lines = [f'#   isfdb.load("{link}")' for link in links[:_MOST_VALUES]]
        lines += [f"#   and {len(links) - _MOST_VALUES:,} more values, which the record names"] if len(links) > _MOST_VALUES else []
        files = [one for one in self._used if isinstance(one, UsedFile)]
        lines += [_one_line(f"#   {_file_text(one)}") for one in files[:_MOST_FILES]]
        lines += [f"#   and {len(files) - _MOST_FILES:,} more files, which the record names"] if len(files) > _MOST_FILES else []
        if lines:
            lines.insert(0, "# Made from")
        if self._rewritten is None:
            lines += self._pins()
        return "\n".join([*lines, *notebook_names.earlier_texts(self._facts, self._sources)])

    def _pins(self) -> list[str]:
        """Return what keeps the databases as they were, and opens those that no statement opens."""
        wanted = self._wanted
        before = self._before()
        arguments = [f'"{link}"' for link in self._pinned(before)]
        arguments += [f'before="{before}"'] if before else []
        arguments += [f"at={dict(wanted.opened)!r}"] if wanted.opened else []
        bound = {name for facts in self._facts for name in facts.bound}
        missing = {name for facts in self._facts for name in facts.loaded if name in wanted.names and name not in bound}
        lines = ["# Databases are read as they were, and what is stored stays out of them.", f"isfdb.pin({', '.join(arguments)})"]
        return lines + [f"{name} = {wanted.names[name]}" for name in sorted(missing)]

    def _pinned(self, before: str) -> list[str]:
        """Return the values that are pinned: all, but of very many those only that `before` alone would not show.

        A loop that reads a value in each turn and stores another would fill the disk with scripts that name all earlier turns.
        """
        values = [one for one in self._used if isinstance(one, UsedValue)]
        if len(values) > _MOST_VALUES and before:
            values = [one for one in values if one.published is None or one.published >= before]
        return [one.link for one in values]

    def _before(self) -> str:
        """Return when the code first looked at a database: what it stored from then on, it stores anew."""
        for step in self._steps:
            if (step.databases or "isfdb" in self._history.facts(step).loaded) and not is_opening(step.node):
                started = self._history.cells[step.cell].started
                return _time(started) if started is not None else self._wanted.before
        return self._wanted.before

    # Cells -----------------------------------------------------------------------------------------------------------------------

    def _body(self) -> list[str]:
        parts: list[str] = []
        for cell, steps in itertools.groupby(
            [step for step in self._steps if step.number not in self._imports], key=lambda step: step.cell
        ):
            texts = self._statements(cell, list(steps))
            if texts:
                parts.append("\n".join([self._comment(cell), *texts]))
        if any(facts.awaits for facts in self._facts):
            names = {name for step in self._steps if step.number not in self._imports for name in self._history.facts(step).bound}
            return [_awaited(parts, names | {"value"})]
        return parts

    def _statements(self, place: int, steps: Sequence[Step]) -> list[str]:
        """Return the text of a cell's statements; those of which one stopped the others in one ``try``."""
        cell = self._history.cells[place]
        if place in self._history.problems:
            return [_commented(cell.source, self._history.problems[place])]
        texts = []
        for may_have_failed, group in itertools.groupby(steps, key=lambda step: step.may_have_failed):
            if may_have_failed:
                texts.append(in_spite_of_errors("\n".join([self._text(step) for step in group]), cell.error))
                continue
            for step in group:
                before = notebook_names.texts_before(self._history.facts(step), cell.count, self._sources)
                texts += [*before, notebook_names.with_output(self._text(step), step.node, cell.count, self._outputs)]
        return [*texts, *self._figures_closed(place, steps)]

    def _figures_closed(self, place: int, steps: Sequence[Step]) -> list[str]:
        """Return what does as the notebook did when the cell ended, where later statements draw too."""
        drawn = [step.number for step in self._steps if PLOT in step.touched]
        is_needed = place in self._history.closed_figures and drawn and steps[-1].number < drawn[-1] and drawn[0] <= steps[-1].number
        return ["__import__('matplotlib.pyplot').pyplot.close('all')"] if is_needed else []

    def _text(self, step: Step) -> str:
        rewritten = self._rewritten.get(step.number) if self._rewritten is not None else None
        edits = rewritten.edits if rewritten is not None else []
        if not edits:
            return self._history.facts(step).text
        return edited(self._history.codes[step.cell].text, step.node, [*edits, *output_edits(step.node)])

    def _comment(self, place: int) -> str:
        cell = self._history.cells[place]
        what = "hidden cell" if cell.is_hidden else f"cell [{cell.count}]" if cell.count is not None else "cell"
        when = f", {datetime.datetime.fromtimestamp(cell.started, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC" if cell.started is not None else ""
        failed = f", failed: {cell.error}" if cell.outcome == "error" else ""
        return _one_line(f"# {what}{when}{failed}")


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="microseconds")


def _awaited(parts: Sequence[str], names: Iterable[str]) -> str:
    """Return code that awaits at the top level as a function that plain Python can run."""
    shared = f"    global {', '.join(sorted(names))}\n\n"
    return "async def cells():\n" + shared + indented_all(parts) + "\n\n\nasyncio.run(cells())"


def indented_all(parts: Sequence[str]) -> str:
    """Return pieces of code moved in by one level."""
    return "\n\n".join([indented(part) for part in parts])


def _commented(source: str, problem: str) -> str:
    return "\n".join(
        [f"# this cell is no Python that could be read: {_one_line(problem)}", *[f"#     {line}" for line in source.split("\n")]]
    )


def value_line(database_id: str, key: str) -> str:
    """Return the line that takes from a pinned database what the code before it stored."""
    from urllib.parse import quote

    return f'value = isfdb.load("isfdb://{database_id}/{quote(key)}")'


def _file_text(file: UsedFile) -> str:
    facts = [file.path, f"{file.size} bytes" if file.size is not None else "", f"blake3 {file.digest}" if file.digest else file.because]
    return ", ".join([fact for fact in facts if fact])


def _one_line(text: str) -> str:
    return " ".join(text.split())
