"""Notes the use of what lies in no variable: files, random states, plots, the environment, settings of libraries."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing import effects
from isfdb.provenance.slicing.call_arguments import opens_for_writing, path_of
from isfdb.provenance.slicing.effects import UNCHANGING
from isfdb.provenance.slicing.world import Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

#: All files whose name cannot be read from the code; a file with a name has a state of its own besides.
FILES: Final = "<files>"
_MAY_DRAW: Final = frozenset("sample fit fit_transform fit_predict rvs permutation".split())


def read_library(run: Interpreter, name: str) -> None:
    """Note the hidden state that reading a name of a library sees."""
    for module, state in effects.STATEFUL_MODULES.items():
        if name == module or name.startswith(f"{module}."):
            run.need(state)


def touch_library(run: Interpreter, name: str, *, is_set: bool = False) -> None:
    """Note the hidden state that a name of a library stands for."""
    for module, state in effects.STATEFUL_MODULES.items():
        if name == module or name.startswith(f"{module}."):
            run.touch(state)


def use_files(run: Interpreter, path: str | None, *, writes: bool) -> None:
    """Note the use of files: one hidden state, and each file that is named by a text one of its own besides."""
    run.need("<working directory>")
    if path is None:
        states = [FILES, *[name for name in run.world.definers if name.startswith(FILES)]]
    else:
        name = path.replace("\\", "/").rpartition("/")[2] or path
        states = [f"{FILES}{name}"]
        run.need(FILES)
    for state in states:
        if writes:
            run.touch(state)
        else:
            run.need(state)


def may_draw(run: Interpreter, owner: Value, name: str, named: dict[str, Value]) -> None:
    """Methods that draw from numpy's global state unless they, or the object, were given a state."""
    if name in _MAY_DRAW and "random_state" not in named and not run.world.kinds(owner) <= UNCHANGING:
        run.touch("<numpy.random>")
        if name in ("sample", "rvs"):
            run.step.draws.add("<numpy.random>")


def note_hidden_state(run: Interpreter, name: str, arguments: Sequence[Value], named: dict[str, Value], node: ast.Call | None) -> None:
    """Note random states, files, plots and the like that a function uses or changes."""
    if name in effects.SEEDS:
        if arguments or named:
            run.set_state(effects.SEEDS[name])
        else:
            run.touch(effects.SEEDS[name])
        return
    for module, state in effects.RANDOM_STATES.items():
        inside = name.startswith(f"{module}.") and name not in effects.DRAWS_NOT
        if inside and (module != "torch" or name.split(".")[1] in effects.TORCH_DRAWS):
            run.touch(state)
            run.step.draws.add(state)
    if any(name.startswith(f"{package}.") for package in effects.DRAWS_WITHOUT_STATE) and "random_state" not in named:
        run.touch("<numpy.random>")
    if name in ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random") and not arguments and not named:
        run.step.draws.add("unseeded generator")
    if name in effects.READS_FILE or name in effects.WRITES_FILE or name == "open":
        writes = (name in effects.WRITES_FILE and name not in effects.READS_FILE) or opens_for_writing(node, name)
        use_files(run, path_of(node), writes=writes)
    if name not in ("os.getcwd", "os.getenv"):
        touch_library(run, name)
