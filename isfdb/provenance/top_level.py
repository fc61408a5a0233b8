"""At which line of the running cell or script the top level stands, seen from anywhere below it. Looks at the stack; remembers nothing."""

from __future__ import annotations

import itertools
import sys
import threading
from typing import Any, Final

from isfdb.provenance.cells import Ran, is_top_level, watch

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
    frame = _top_level(ran, sys._getframe(1))
    return frame.f_lineno if frame is not None else None


def position_in_cell(ran: Ran) -> tuple[int, int] | None:
    """Return line and column, in bytes, of the instruction that runs; see :func:`line_in_cell`.

    A thread that the cell started counts as standing where the cell waits for it.
    """
    frame = _top_level(ran, sys._getframe(1))
    if frame is None and threading.current_thread() is not threading.main_thread():
        frame = _top_level(ran, sys._current_frames().get(threading.main_thread().ident or 0))
    if frame is None:
        return None
    position = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), (None, None, None, None))
    return frame.f_lineno, position[2] or 0


def _top_level(ran: Ran, frame: Any) -> Any:
    """Return the frame of the session's own code below which a frame lies."""
    if ran.kind == "cell":
        shell_watch = watch()
        names = shell_watch.shell.user_global_ns if shell_watch is not None else None
    elif ran.kind == "script" and "__main__" in sys.modules:
        names = vars(sys.modules["__main__"])
    else:
        return None
    frames = _frames_of(names, frame)
    runs_body = len(frames) > 1 and ran.kind == "cell" and (ran.source or "").lstrip().startswith("%%")
    return frames[-2] if runs_body else frames[-1] if frames else None


def _frames_of(names: dict[str, Any] | None, frame: Any) -> list[Any]:
    """Return the frames of the session's own code, innermost first, in the cell that was begun last."""
    frames: list[Any] = []
    for _ in range(MAX_FRAMES):
        if frame is None or (frame.f_code.co_name == "run_code" and frames):  # IPython's, which runs one cell
            break
        if frame.f_globals is names and is_top_level(frame.f_code.co_name):
            frames.append(frame)
        frame = frame.f_back
    return frames
