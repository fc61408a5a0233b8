"""Runs the body of a cell with ``%%isfdb cache KEY``, or loads its value, and notes which of the two it did."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from IPython.core.error import UsageError

from isfdb.database import Database
from isfdb.display.safe import visible, visible_lines
from isfdb.errors import IsfdbError
from isfdb.jupyter.caching.cell_text import CellText, cell_text
from isfdb.jupyter.caching.deciding import Decision, decide
from isfdb.jupyter.here import Here, refuse_unexpanded
from isfdb.jupyter.lines import LineParser
from isfdb.keys import split_key
from isfdb.layout.current import join
from isfdb.provenance.activities import running
from isfdb.provenance.cached_cells import COMPUTED, LOADED, CachedCell, directory_now, note
from isfdb.provenance.cell_dependencies import dependencies_of
from isfdb.provenance.cells import Ran

SUMMARY: Final = "compute a value where it is not stored yet or its code or inputs changed; else load it"
EXAMPLES: Final = """
examples, as the first line of a cell:
  %%isfdb cache rates                  the value of the last expression
  %%isfdb cache rates --into rates     bound to the variable rates
  %%isfdb cache rates --value rates    the variable rates, as the cell leaves it
  %%isfdb cache other 'two words'      in the database of the variable other
"""


def parser() -> LineParser:
    """Return the parser of the magic's line."""
    made = LineParser(prog="%%isfdb cache", usage="%(prog)s [DB] KEY [options]", description=f"{SUMMARY.capitalize()}.", epilog=EXAMPLES)
    made.add_argument("words", nargs="+", metavar="[DB] KEY", help="KEY: where it is stored; DB: a variable (default: the one opened last)")
    made.add_argument("--value", metavar="NAME", help="the variable that holds the value in the end (default: the last expression is it)")
    made.add_argument("--into", metavar="NAME", help="bind the value of the last expression to this variable instead of showing it")
    made.add_argument("--force", action="store_true", help="compute it in any case")
    made.add_argument("--ignore-inputs", action="store_true", help="load it though files, values or modules that it used have changed")
    made.add_argument("-h", "--help", action="store_true", help="show this")
    return made


def run(arguments: Any, body: str, here: Here) -> Any:
    """Compute or load the value, and return it where it is the cell's output. What the body raises is raised as it is."""
    __tracebackhide__ = True
    ran = _own_cell()
    try:
        plan = _planned(arguments, body, here, ran)
    except IsfdbError as error:
        raise UsageError(visible_lines(error)) from error
    print(f"isfdb: {'loaded' if plan.decision.loads else 'computing'} {visible(plan.key)}: {plan.decision.because}", flush=True)
    note(ran, plan.code, plan.cached)
    value = _loaded(plan, ran, here.shell) if plan.decision.loads else _value_after(plan, ran, here.shell)
    if not plan.decision.loads:
        note(ran, plan.code, replace(plan.cached, digest=str(plan.db.entry(plan.key).newest.digest or "")))
    return value


@dataclass(frozen=True)
class _Plan:
    """What is to be done: what was decided, what runs for it, and what is noted of that."""

    db: Database
    key: str
    text: CellText
    decision: Decision
    cached: CachedCell

    @property
    def code(self) -> str:
        return self.text.loading if self.decision.loads else self.text.computing


def _planned(arguments: Any, body: str, here: Here, ran: Ran) -> _Plan:
    """Decide what is to be done; nothing of the cell has run yet."""
    _check_names(arguments)
    if " ".join(arguments.words) in " ".join((ran.source or "").split("\n", 1)[0].split()):
        refuse_unexpanded(" ".join(arguments.words))  # IPython replaced nothing, not even {{ by {
    name, db, key = _target(arguments.words, here)
    link = f"isfdb://{db.root.id}/{quote(join(db.prefix, key))}"
    text = cell_text(body, f"{name}[{key!r}]", value=arguments.value, into=arguments.into, as_python=lambda code: _python(here.shell, code))
    note(ran, "", CachedCell(link, text.name))
    now = dependencies_of(ran, text.computing, link)
    decision = decide(db, key, text.own, now, force=arguments.force, ignore_inputs=arguments.ignore_inputs)
    if decision.loads:
        return _Plan(db, key, text, decision, CachedCell(link, text.name, LOADED, str(db.entry(key).newest.digest or "")))
    if db.read_only:
        raise UsageError(f"{visible(key)} would be computed ({decision.because}), but {visible(db.path)} is open to read. Open it again.")
    earlier = tuple(one.digest for one in now.earlier)
    return _Plan(db, key, text, decision, CachedCell(link, text.name, COMPUTED, "", text.own, now.digest, directory_now(), earlier))


def _loaded(plan: _Plan, ran: Ran, shell: Any) -> Any:
    __tracebackhide__ = True
    try:
        return _value_after(plan, ran, shell)
    except IsfdbError as error:
        raise UsageError(f"{visible_lines(error)}\nTo compute it anew: %%isfdb cache {visible(plan.key)} --force") from error


def _value_after(plan: _Plan, ran: Ran, shell: Any) -> Any:
    """Run code in the session's variables, as IPython runs a cell, and return what the cell shows."""
    __tracebackhide__ = True
    # A traceback shows the lines that the user wrote.
    name = shell.compile.cache(_python(shell, plan.text.body), ran.count or shell.execution_count, raw_code=plan.text.body)
    try:
        compiled = shell.compile(_python(shell, plan.code), name, "exec")
    except SyntaxError as error:  # what can be read and not run: await, return
        raise UsageError(f"line {error.lineno} of the cell's body cannot be run by a magic: {error.msg}. Nothing was run.") from error
    exec(compiled, shell.user_global_ns)  # noqa: S102 - it is the user's cell
    return shell.user_ns.get(plan.text.name) if plan.text.is_shown else None


def _python(shell: Any, code: str) -> str:
    """Return the text of a cell as Python."""
    python = str(shell.transform_cell(code))
    try:
        ast.parse(python)
    except SyntaxError as error:
        line = f"line {error.lineno} of the cell's body" if error.lineno else "the cell's body"
        raise UsageError(f"{line} is no Python that can be cached: {error.msg}. Nothing was run.") from error
    return python


def _own_cell() -> Ran:
    """Return the cell that runs; refuse where the magic is not all of it, for what it does is noted for the whole."""
    ran = running()
    if ran.kind != "cell" or not (ran.source or "").lstrip().startswith("%%isfdb"):
        raise UsageError("%%isfdb cache must be the first line of its cell, and not be run by other code")
    return ran


def _check_names(arguments: Any) -> None:
    if arguments.value and arguments.into:
        raise UsageError("--value names what the cell leaves, --into what its last expression is bound to: give one of them")
    for name in (arguments.value, arguments.into):
        if name is not None and not name.isidentifier():
            raise UsageError(f"{visible(name, 40)!r} is no name of a variable. Write letters, digits and _.")


def _target(words: list[str], here: Here) -> tuple[str, Database, str]:
    """Return the variable, the database and the key that the words mean."""
    if len(words) > 2:
        raise UsageError("a key is meant, or a database and a key; put quotes around names with spaces")
    variables = here.variables()
    *database, key = words
    split_key(key)
    if database and database[0] not in variables:
        raise UsageError(f"{visible(database[0])!r} is no variable that holds a database. Open it first: %isfdb open FOLDER --as NAME")
    current = variables[database[0]] if database else here.current()
    name = database[0] if database else next((one for one, db in variables.items() if db is current), None)
    if name is None:
        raise UsageError("no variable holds the database that was opened last. Open it again: %isfdb open FOLDER")
    if current.is_sub_db(key):
        raise UsageError(f"{visible(key)!r} is a sub-database. Name a key in it: %%isfdb cache {visible(key)}/NAME")
    return name, current, key
