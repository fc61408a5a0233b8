"""Calls a function about once a second from the event loop that runs the cells, while somebody looks. It knows nothing of databases.

There is no thread, and nothing that must finish: what is waited for is one timer of the kernel's loop, which the kernel forgets when it
ends. While a cell runs, the loop does not turn, and nothing is called.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from typing import Any, Final

PERIOD_S: Final = 0.5

#: A call that takes long is made less often: at most this share of the time is spent in it.
MOST_SHARE: Final = 0.1


class Live:
    """A call that is repeated.

    Parameters
    ----------
    look : bound method
        What is called. It must not raise. Its object is not kept alive.
    is_wanted : bound method
        Says before each call whether to go on; if not, :meth:`start` begins again.
    """

    def __init__(self, look: Callable[[], None], is_wanted: Callable[[], bool]) -> None:
        self._look = weakref.WeakMethod(look)
        self._is_wanted = weakref.WeakMethod(is_wanted)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: Any = None
        self._is_ended = False

    @property
    def is_running(self) -> bool:
        """Whether a call is due."""
        return self._timer is not None

    def start(self) -> None:
        """Begin, unless it has begun; without an event loop nothing happens. Any thread may call this."""
        here = _running_loop()
        if self._loop is None or self._loop.is_closed():
            self._loop, self._timer = here, None
        if self._loop is None or self._is_ended:
            return
        if here is self._loop:
            self._wait(PERIOD_S)
        else:
            self._loop.call_soon_threadsafe(self._wait, PERIOD_S)

    def end(self) -> None:
        """Call it no more, and never again."""
        self._is_ended = True
        timer, self._timer = self._timer, None
        if timer is not None and _running_loop() is self._loop:
            timer.cancel()  # in another thread, the timer finds out by itself

    def _wait(self, seconds: float) -> None:
        if self._timer is None and self._loop is not None and not self._is_ended:
            self._timer = self._loop.call_later(seconds, self._turn)

    def _turn(self) -> None:
        self._timer = None
        look, is_wanted = self._look(), self._is_wanted()
        if self._is_ended or look is None or is_wanted is None or not is_wanted():
            return
        began = time.perf_counter()
        look()
        self._wait(max(PERIOD_S, (time.perf_counter() - began) / MOST_SHARE))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # plain IPython, a script
        return None
