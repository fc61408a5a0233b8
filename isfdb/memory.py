"""Is there enough memory for what a file claims to hold? Asked before it is taken: what a few bytes claim can be terabytes.

A system that promises more memory than it has ends the process when that is used, and no error can say why. Nothing here limits what
a value may need that somebody asks for; it knows what is left, and how much a mere look may take.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from isfdb.errors import TooLargeError

#: Smaller claims are met without a look at what is left, which takes 50 µs.
_SMALL_BYTES: Final = 2**26
_CGROUP: Final = "/sys/fs/cgroup"
_ALLOWED: ContextVar[int | None] = ContextVar("isfdb_memory_allowed", default=None)


@contextmanager
def at_most(n_bytes: int) -> Iterator[None]:
    """Let each claim in this block be no larger than that: whoever only looks at values did not ask for large ones.

    Parameters
    ----------
    n_bytes : int
    """
    token = _ALLOWED.set(n_bytes)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def allowed_bytes() -> int | None:
    """Return how large a claim may be in this block; None where memory alone is the limit."""
    return _ALLOWED.get()


def require(n_bytes: int, what: str) -> None:
    """Refuse what needs more memory than this process can still get, or than a look may take.

    Parameters
    ----------
    n_bytes : int
        How much is about to be taken.
    what : str
        What needs it, for the message.

    Raises
    ------
    TooLargeError
    """
    allowed = _ALLOWED.get()
    if allowed is not None and n_bytes > allowed:
        raise TooLargeError(
            f"{what} asks for {n_bytes:,} bytes of memory, and {allowed:,} are taken to look at a value. Read it, or a part of it.",
            needed=n_bytes,
            left=allowed,
        )
    if n_bytes <= _SMALL_BYTES:
        return
    left = available_bytes()
    if left is not None and n_bytes > left:
        raise TooLargeError(
            f"{what} asks for {n_bytes:,} bytes of memory, and {left:,} are left. If it is said to be small, it was changed: run "
            "isfdb.verify(db). Else read a part of it (select=, columns=), or map it (mmap='r'), or use a larger computer.",
            needed=n_bytes,
            left=left,
        )


def available_bytes() -> int | None:
    """Return how much memory this process can still get; None where the system does not tell."""
    return min(_limits(), default=None)


def _limits() -> Iterator[int]:
    """Give every limit that is known: of the computer, of the process, of the container."""
    told = _numbers("/proc/meminfo")
    if "MemAvailable:" in told:
        yield 1024 * (told["MemAvailable:"] + told.get("SwapFree:", 0))
    elif hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    yield from _limit_of_process()
    most, used = _number(f"{_CGROUP}/memory.max"), _number(f"{_CGROUP}/memory.current")
    if most is not None and used is not None:
        cache = _numbers(f"{_CGROUP}/memory.stat").get("inactive_file", 0)  # which the system gives back when it is needed
        yield max(0, most - used + cache)


def _limit_of_process() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows has none
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most != resource.RLIM_INFINITY:
        used = (_number("/proc/self/statm") or 0) * resource.getpagesize()
        yield max(0, most - used)


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):  # there is none, or it says "max"
        return None


def _numbers(path: str) -> dict[str, int]:
    try:
        with open(path, encoding="ascii") as file:
            lines = [line.split() for line in file]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdecimal()}
