"""Starts a program that never holds a file which is open here, not even while it starts. What is run, and when to stop, is the caller's.

A process that is begun the usual way is a copy of this one at first, with every open file. A lock on such a file lasts until the copy
has closed it too: a cell that closes an HDF5 file and opens it again would now and then find it locked, because of a question that was
asked in the background. On Linux the C library can start a program and close all files of the copy before any Python code here goes on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Other threads may open so many files while a program starts, before one of them could be passed on.
_ROOM = 64
#: Those that could not be reaped when they were left.
_left: Final[list[_Spawned]] = []


class Child(Protocol):
    """A program that runs: its process, and the pipes that it writes into."""

    pid: int
    output: int
    errors: int

    def ended(self, within_s: float) -> int | None:
        """Wait for the end at most so long, and return the exit status; None while it runs."""

    def leave(self) -> None:
        """Kill it and its children where they still run, and close the pipes, without waiting long for what cannot be killed."""


def start(command: Sequence[str], environment: Mapping[str, str]) -> Child:
    """Start a program in a session of its own, with nothing to read.

    Raises
    ------
    OSError
        It is not there, or no process can be started.
    """
    return _Spawned(command, environment) if sys.platform == "linux" else _Begun(command, environment)


class _Spawned:
    """Begun by ``posix_spawn``, which closes the files of the copy while the thread that asked still holds the interpreter."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        _left[:] = [one for one in _left if one.ended(0) is None]
        self._status: int | None = None
        with contextlib.ExitStack() as on_error, contextlib.ExitStack() as now:
            self.output, output = _pipe(on_error, now)
            self.errors, errors = _pipe(on_error, now)
            self.pid = os.posix_spawnp(
                command[0],
                list(command),
                environment,
                file_actions=_actions(output, errors),
                setsid=True,  # an interrupt meant for the notebook does not reach it, and its children can be ended with it
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them, and a program would inherit that
            )
            on_error.pop_all()

    def ended(self, within_s: float) -> int | None:
        until, pause = time.monotonic() + within_s, 0.0005
        while self._poll() is None and time.monotonic() < until:
            time.sleep(min(pause, max(0.0, until - time.monotonic())))
            pause = min(2 * pause, 0.05)
        return self._status

    def _poll(self) -> int | None:
        if self._status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody reaped all children, and took the status with them
                self._status = 0
            else:
                self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status

    def leave(self) -> None:
        if self._poll() is None:
            with contextlib.suppress(OSError):  # it ended this moment
                os.killpg(self.pid, signal.SIGKILL)
        os.close(self.output)
        os.close(self.errors)
        if self.ended(0.5) is None:
            _left.append(self)  # one stuck in a dead file server ends when that wakes


def _pipe(*close_later: contextlib.ExitStack) -> tuple[int, int]:
    """Return the ends of a pipe, neither of them where a program's own input and output stand."""
    first, second = [_above_the_first_three(end) for end in os.pipe()]
    for end, later in zip((first, second), close_later, strict=True):
        later.callback(os.close, end)
    return first, second


def _above_the_first_three(end: int) -> int:
    import fcntl

    if end > 2:
        return end
    above = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(end)
    return above


def _actions(output: int, errors: int) -> list[tuple[Any, ...]]:
    """Return what is done to the copy's files: three are given to the program, all others closed."""
    given: list[tuple[Any, ...]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, errors, 2),
    ]
    return [*given, *[(os.POSIX_SPAWN_CLOSE, one) for one in _others()]]


def _others() -> list[int]:
    """Return every file that is open besides the first three, and the numbers that are given out next."""
    try:
        opened = {int(name) for name in os.listdir("/proc/self/fd")}
    except OSError:  # no such file system: closing what is not open does no harm
        opened = set(range(1024))
    return sorted({one for one in opened | set(range(len(opened) + _ROOM)) if one > 2})


class _Begun:
    """Begun by `subprocess`, where the C library cannot be told what to close."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        import subprocess

        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.pid, self.output, self.errors = self._process.pid, self._process.stdout.fileno(), self._process.stderr.fileno()

    def ended(self, within_s: float) -> int | None:
        import subprocess

        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(within_s)
        return None

    def leave(self) -> None:
        if self._process.poll() is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except (OSError, AttributeError):  # it ended this moment, or there are no groups of processes
                self._process.kill()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self.ended(0.5)
