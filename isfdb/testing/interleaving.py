"""Runs calls of several actors interleaved step by step, in every order that is asked for: races without luck or load.

Each actor is a thread with a handle of its own; at every call to the storage it stops until it is told to go on. So a race that one in a
million runs would show is shown by one schedule, the same each time. Other processes are played by threads: what they share in memory,
as the cache of listed names, is shared here too.
"""

from __future__ import annotations

import contextlib
import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from isfdb.database import Database
from isfdb.identity import read_identity
from isfdb.provenance import session_log
from isfdb.storage.file_calls import FileCalls
from isfdb.storage.local import LocalStorage

#: An actor that makes no step for so long waits for another one that is not its turn: a lock held across a call to the storage.
STUCK_S = 30.0


class _Stop(BaseException):
    """Ends an actor's thread in mid-call, as a kill ends a process."""


class Actor:
    """A thread that makes one step when told to.

    Attributes
    ----------
    result, error : object
        What the call returned or raised.
    steps : list of str
        The calls to the storage it made.
    """

    def __init__(self, call: Callable[[Database], Any], path: str) -> None:
        self.steps: list[str] = []
        self.result: Any = None
        self.error: BaseException | None = None
        self.is_done = False
        self._is_killed = False
        self._go, self._came = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=contextvars.copy_context().run, args=(self._run,), daemon=True)
        storage = _Stepwise(path, self._stop_before)
        self._database = Database(storage, read_identity(storage), durability="process")
        self._call = call
        self._thread.start()
        self._wait()

    def _run(self) -> None:
        with contextlib.suppress(_Stop):
            try:
                self._stop_before("begin")
                self.result = self._call(self._database)
            except Exception as error:  # noqa: BLE001 - told to whoever checks
                self.error = error
        self.is_done = True
        self._came.release()

    def _stop_before(self, step: str) -> None:
        if self._is_killed or threading.current_thread() is not self._thread or _is_in_the_log():
            return
        self.steps.append(step)
        self._came.release()
        self._go.acquire()
        if self._is_killed:
            raise _Stop

    def _wait(self) -> None:
        if not self._came.acquire(timeout=STUCK_S):
            raise RuntimeError(f"an actor is stuck after {self.steps[-3:]}")

    def step(self) -> None:
        """Make the call before which it stands, and stop before the next one."""
        self._go.release()
        self._wait()

    def finish(self) -> None:
        """Go on to the end."""
        while not self.is_done:
            self.step()

    def kill(self) -> None:
        """End it where it stands: the call before which it stands is not made, nor any that would tidy up."""
        if not self.is_done:
            self._is_killed = True
            self.step()


def _is_in_the_log() -> bool:
    """Say whether the session's log is being written: threads share one, under a lock, while processes have one each."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename != session_log.__file__:
        frame = frame.f_back
    return frame is not None


class _Stepwise(LocalStorage):
    """A storage that asks before every call."""

    def __init__(self, path: str, ask: Callable[[str], None]) -> None:
        super().__init__(path, calls=_StepwiseCalls(ask))
        self._ask = ask

    def list(self, folder: str) -> list[str]:
        self._ask(f"list {folder}")
        return super().list(folder)

    def read(self, path: str) -> bytes:
        self._ask(f"read {path}")
        return super().read(path)

    def is_folder(self, path: str) -> bool:
        self._ask(f"is_folder {path}")
        return super().is_folder(path)

    def fetch(self, folder: str) -> str:
        self._ask(f"fetch {folder}")
        return super().fetch(folder)


class _StepwiseCalls(FileCalls):
    def __init__(self, ask: Callable[[str], None]) -> None:
        self._ask = ask

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_"):
            return found

        def asking(*arguments: Any) -> Any:
            self._ask(f"{name} {arguments[0]!s:.80}")
            return found(*arguments)

        return asking


def meetings(first: int, second: int, *, every: int) -> Iterator[tuple[int, int]]:
    """Give the ways in which two calls can meet: how many steps the first makes before the second begins, and that one before it goes on.

    Parameters
    ----------
    first, second : int
        How many steps each takes when it is alone.
    every : int
        All places of the first with the second as a whole between them are given, and of the other ways every n-th.
    """
    for place in range(1, first + 1):
        yield place, 1000
        for other in range(1, second + 1):
            if (7 * place + 13 * other) % every == 0:
                yield place, other


def meet(first: Actor, second: Actor, place: int, other: int) -> None:
    """Let the first make so many steps, then the second so many; both then stand where they are, or have ended."""
    for actor, count in ((first, place), (second, other)):
        for _ in range(count):
            if not actor.is_done:
                actor.step()
