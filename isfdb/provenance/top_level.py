"""At which line of the running cell or script the top level stands, seen from anywhere below it. Looks at the stack; remembers nothing."""

from __future__ import annotations

import sys
from typing import Any, Final

from isfdb.provenance.cells import Ran, watch

#: Python itself stops deeper recursion, unless told otherwise; the bound keeps a look from taking long.
MAX_FRAMES: Final = 5000


def line_in_cell(ran: Ran) -> int | None:
    """Return the line, counted from 1, at which the top level of what runs in this thread stands.

    Parameters
    ----------
    ran : Ran
        What runs. A cell's lines are counted as IPython does, without the empty ones at its beginning; where a magic runs the body
        of its cell, as ``%%time`` does, they are those of the body.

    Returns
    -------
    int or None
        None where this thread does not run the cell or script itself: a thread it started, a worker, a callback.
    """
    if ran.kind == "cell":
        shell_watch = watch()
        names = shell_watch.shell.user_global_ns if shell_watch is not None else None
    elif ran.kind == "script":
        names = vars(sys.modules["__main__"]) if "__main__" in sys.modules else None
    else:
        return None
    lines = _top_level_lines(names) if names is not None else []
    if not lines:
        return None
    runs_body = len(lines) > 1 and ran.kind == "cell" and (ran.source or "").lstrip().startswith("%%")
    return lines[1] if runs_body else lines[0]


def _top_level_lines(names: dict[str, Any]) -> list[int]:
    """Return where the session's own code stands, outermost first, in the cell that was begun last."""
    lines: list[int] = []
    frame: Any = sys._getframe(2)
    for _ in range(MAX_FRAMES):
        if frame is None or (frame.f_code.co_name == "run_code" and lines):  # IPython's, which runs one cell
            break
        if frame.f_globals is names and _is_top_level(frame.f_code.co_name):
            lines.append(frame.f_lineno)
        frame = frame.f_back
    return lines[::-1]


def _is_top_level(name: str) -> bool:
    return name == "<module>" or name.startswith("<cell line:")  # as some releases of IPython call it
