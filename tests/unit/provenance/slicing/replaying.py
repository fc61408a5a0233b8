"""Runs cells in a real IPython shell, slices what the last one shows, runs the slice alone, and hands back both values and the sizes.

Each case is a text: cells with an empty line between them; the value of the last one is asked for. A statement that a person would leave
out of the script ends its first line with ``#-``; all others are the hand-made minimum.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import traceback
import warnings
from dataclasses import dataclass, field
from typing import Any

from isfdb.provenance.slicing.slicer import Executed, History, history_of
from isfdb.provenance.slicing.world import Step

LEFT_OUT = "#-"
TIME_LIMIT_S = 60


@dataclass
class Replayed:
    """What came of a case."""

    value: Any
    from_slice: Any
    size: int
    minimum: int
    widened: list[str] = field(default_factory=list)
    too_much: list[str] = field(default_factory=list)
    text: str = ""

    @property
    def is_sound(self) -> bool:
        return bool(self.value == self.from_slice)


def cells_of(case: str) -> list[str]:
    return [cell.strip("\n") for cell in case.strip("\n").split("\n\n")]


def replayed(case: str) -> Replayed:
    """Run a case, slice it, run the slice; each in a process and a folder of its own."""
    cells = cells_of(case)
    value, executed = _elsewhere(_run_in_ipython, cells)
    history = history_of(executed)
    last = [step.number for step in history.steps if step.cell == len(cells) - 1]
    needed = history.slice(last[-1:])
    from_slice = _elsewhere(_run_slice, executed)
    texts = {step.number: _text(history, step) for step in history.steps}
    unneeded = {number for number, text in texts.items() if text.split("\n")[0].rstrip().endswith(LEFT_OUT)}
    considered = [step for step in history.steps if not isinstance(step.node, ast.Pass) and step.number <= last[-1]]
    return Replayed(
        value,
        from_slice,
        size=len(needed),
        minimum=len([step for step in considered if step.number not in unneeded]),
        widened=[reason for step in needed for reason in step.widened],
        too_much=[texts[step.number] for step in needed if step.number in unneeded],
        text="\n".join(texts[step.number] for step in needed),
    )


def _text(history: History, step: Step) -> str:
    """Return a statement, with the rest of its first line."""
    code = history.codes[step.cell]
    segment = code.segment(step.node)
    line = code.text.splitlines()[step.node.lineno - 1] if step.node.lineno <= len(code.text.splitlines()) else ""
    first, *rest = segment.split("\n")
    mark = f"  {LEFT_OUT}" if line.rstrip().endswith(LEFT_OUT) else ""
    return "\n".join([first + mark, *rest])


def _elsewhere(function: Any, argument: Any) -> Any:
    """Call a function in a process and a folder of its own."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:  # of this process: the other one is killed
        process = context.Process(target=_child, args=(theirs, folder, function, argument))
        process.start()
        theirs.close()
        try:
            answer = ours.recv() if ours.poll(TIME_LIMIT_S) else ("failed", "it took too long")
        except EOFError:
            answer = ("failed", "the process died")
        process.kill()
        process.join()
    if answer[0] == "failed":
        raise RuntimeError(answer[1])
    return answer[1]


def _child(pipe: Any, folder: str, function: Any, argument: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    warnings.resetwarnings()  # as in a session: there they are no errors
    warnings.simplefilter("default")
    os.chdir(folder)
    sys.path.insert(0, "")
    os.environ["HOME"] = os.environ["IPYTHONDIR"] = folder
    os.environ["ISFDB_CAPTURE"] = "0"  # only the slicer is looked at; a process of git's beside it may hold the lock of a file of h5py's
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    try:
        pipe.send(("value", function(argument)))
    except BaseException:  # noqa: BLE001 - whatever it is, the parent shows it
        pipe.send(("failed", traceback.format_exc()))
    os._exit(0)


def _run_in_ipython(cells: list[str]) -> tuple[Any, list[Executed]]:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("colors", "nocolor")
    executed, result = [], None
    for count, cell in enumerate(cells, 1):
        result = shell.run_cell(cell, store_history=True)
        line = None
        if result.error_in_exec is not None:
            frames = [one for one in traceback.extract_tb(result.error_in_exec.__traceback__) if "ipython-input" in one.filename]
            line = frames[0].lineno if frames else None
        outcome = "ok" if result.success else "error"
        executed.append(Executed(cell, count, outcome, line if "#error-unknown" not in cell else None))
    return shown(result.result if result is not None else None), executed


def _run_slice(executed: list[Executed]) -> Any:
    """Run the statements of a slice as a plain script would; what IPython binds to outputs included."""
    import __main__

    history = history_of(executed)
    last = [step.number for step in history.steps if step.cell == len(executed) - 1][-1]
    variables = __main__.__dict__
    for name in [one for one in variables if not one.startswith("__")]:
        del variables[name]
    out: dict[int, Any] = {}
    variables.update({"Out": out, "_oh": out, "In": ["", *[one.source for one in executed]], "_": "", "__": "", "___": ""})
    for count, one in enumerate(executed, 1):
        variables[f"_i{count}"] = one.source
    value, given_up = None, -1
    for step in history.slice([last]):
        if step.cell == given_up:
            continue
        try:
            value = _run_statement(step.node, variables)
        except Exception:
            if not step.may_have_failed:
                raise
            given_up = step.cell
            continue
        _remember(history, step, value, variables)
    return shown(value)


def _remember(history: History, step: Step, value: Any, variables: dict[str, Any]) -> None:
    code = history.codes[step.cell]
    if value is None or code.tree is None or code.tree.body[-1] is not step.node or code.text.rstrip().endswith(";"):
        return
    count = history.cells[step.cell].count
    variables.update({"___": variables["__"], "__": variables["_"], "_": value, f"_{count}": value})
    variables["Out"][count] = value


def _run_statement(node: ast.stmt, variables: dict[str, Any]) -> Any:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    is_expression = isinstance(node, ast.Expr)
    tree: Any = ast.Expression(node.value) if isinstance(node, ast.Expr) else ast.Module([node], [])
    code = compile(tree, "<slice>", "eval" if is_expression else "exec", flags)
    found = eval(code, variables)
    if inspect.iscoroutine(found) and code.co_flags & inspect.CO_COROUTINE:
        found = _loop().run_until_complete(found)
    return found


_LOOPS: list[Any] = []


def _loop() -> Any:
    if not _LOOPS:
        _LOOPS.append(asyncio.new_event_loop())
    return _LOOPS[0]


def shown(value: Any, depth: int = 0) -> Any:
    """Return a value in a form that can be compared and sent to another process."""
    module = type(value).__module__
    if depth > 8:
        return "..."
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None))):
        return repr(value)
    if isinstance(value, dict):
        return [type(value).__name__, [(shown(key, depth + 1), shown(one, depth + 1)) for key, one in value.items()]]
    if isinstance(value, (list, tuple)) or type(value).__name__ == "deque":
        return [type(value).__name__, [shown(one, depth + 1) for one in value]]
    if isinstance(value, (set, frozenset)):
        return ["set", sorted(repr(shown(one, depth + 1)) for one in value)]
    if module.startswith("numpy") and hasattr(value, "tobytes"):
        return [str(value.dtype), value.shape, value.tolist()]
    if module.startswith("pandas") and hasattr(value, "to_dict") and hasattr(value, "index"):
        return [type(value).__name__, repr(value.to_dict()), repr(list(value.index)), repr(getattr(value, "attrs", None))]
    if module.startswith("xarray"):
        return repr(value.to_dict())
    if module.startswith("torch") and hasattr(value, "tolist"):
        return value.tolist()
    if module.startswith("matplotlib"):
        return _figure(value)
    if hasattr(value, "__dict__") and module == "__main__":
        return [type(value).__name__, shown(dict(vars(value)), depth + 1)]
    try:
        return pickle.dumps(value)
    except Exception:  # noqa: BLE001 - what cannot be pickled is compared by its kind
        return type(value).__name__


def _figure(value: Any) -> Any:
    figure = value if hasattr(value, "axes") and isinstance(value.axes, list) else value.figure
    return [
        [[line.get_xydata().tolist() for line in axes.lines], axes.get_title(), axes.get_xlabel(), axes.get_xlim(), len(axes.patches)]
        for axes in figure.axes
    ]
