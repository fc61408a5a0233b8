"""Ctrl-C at a chosen moment of an operation: a KeyboardInterrupt is raised at the n-th place where Python would look for one.

Nothing here is used by isfdb itself. Python looks whether Ctrl-C was pressed when a function begins, when a loop turns, and when a call
has returned, before its result is kept. These are the places; no signal is needed, so the n-th is the same one each time::

    with interrupted(at=17, folders=[package_folder]) as interruption:
        db["rates"] = rates
"""

from __future__ import annotations

import bisect
import dis
import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import CodeType, FrameType
from typing import Any

_LOOKS_AFTER = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX", "JUMP_BACKWARD"})
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Interruption:
    """Counts the places at which code may be interrupted, and interrupts it at one.

    Parameters
    ----------
    at : int
        At which place, counted from 1; 0: at none.
    folders : sequence of str
        Only code in files below these counts; a file counts as itself.

    Attributes
    ----------
    n_places : int
        Places so far.
    where : str or None
        The place at which it interrupted: file, line, function.
    """

    def __init__(self, at: int, folders: Sequence[str]) -> None:
        self.at = at
        self.n_places = 0
        self.where: str | None = None
        self._folders = tuple(os.path.abspath(folder) for folder in folders)
        self._is_counted: dict[str, bool] = {}

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Follow a function that begins, if its code counts: for ``sys.settrace``."""
        name = frame.f_code.co_filename
        counted = self._is_counted.get(name)
        if counted is None:
            counted = self._is_counted[name] = name != __file__ and os.path.abspath(name).startswith(self._folders)
        if not counted:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if not frame.f_code.co_flags & _GENERATORS:  # they go on, or are closed, where a real Ctrl-C is not looked for
            self.pass_by(frame)
        return _Function(self)

    def pass_by(self, frame: FrameType) -> None:
        """Count one place, and interrupt if it is the one."""
        self.n_places += 1
        if self.n_places == self.at:
            self.where = f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno} in {frame.f_code.co_name}"
            sys.settrace(None)
            raise KeyboardInterrupt


class _Function:
    """Follows one call of a function, instruction by instruction."""

    __slots__ = ("_before", "_interruption")

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption
        self._before = -1  # where the instruction stands that was executed last

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode":
            before, self._before = self._before, frame.f_lasti
            if before in _places(frame.f_code) and _handler(frame.f_code, before) == _handler(frame.f_code, frame.f_lasti):
                self._interruption.pass_by(frame)
        return self


@cache
def _places(code: CodeType) -> frozenset[int]:
    """Return where the instructions stand after which Python looks for Ctrl-C."""
    return frozenset([found.offset for found in dis.get_instructions(code) if found.opname in _LOOKS_AFTER])


@cache
def _handlers(code: CodeType) -> tuple[list[int], list[tuple[int, int]]]:
    entries = sorted((entry.start, entry.end, entry.target) for entry in dis._parse_exception_table(code))  # type: ignore[attr-defined]
    return [start for start, _, _ in entries], [(end, target) for _, end, target in entries]


def _handler(code: CodeType, offset: int) -> int | None:
    """Return what handles an exception raised there.

    A real Ctrl-C is raised by the call, ours by the instruction after it. Where different code would handle the two, as at the end
    of a ``with``, ours would show what cannot happen.
    """
    starts, rest = _handlers(code)
    place = bisect.bisect_right(starts, offset) - 1
    return rest[place][1] if place >= 0 and offset < rest[place][0] else None


@contextmanager
def interrupted(at: int, folders: Sequence[str]) -> Iterator[Interruption]:
    """Interrupt what the block does, in this thread, at one place; see :class:`Interruption`."""
    interruption = Interruption(at, folders)
    standing = sys.gettrace()
    sys.settrace(interruption.trace)
    try:
        yield interruption
    finally:
        sys.settrace(standing)
