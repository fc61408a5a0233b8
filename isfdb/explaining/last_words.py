"""Guesses from what a process said before it failed what it lacked: memory, the network, leave to write. It reads words, nothing else."""

from __future__ import annotations

import re
from typing import Final

#: What C++ and the systems say, where there is no Python to raise an error.
_NO_MEMORY: Final = re.compile(r"bad_alloc|[Cc]annot allocate memory|[Oo]ut of memory|MemoryError")
#: What programs and libraries say without a network. A refused connection: a service of this computer is not reached from inside.
_NO_NETWORK: Final = re.compile(
    r"name resolution|Name or service not known|gaierror|[Uu]nreachable|[Cc]ould not resolve|Couldn't resolve|[Cc]onnection ?[Rr]efused"
)
#: What they say besides where the other computer does not answer as it should.
_NO_ANSWER: Final = re.compile(r"[Tt]imed out|TimeoutError|ConnectionError|Connection ?[Rr]eset|URLError|HTTP ?Error|SSLError")
_MOST_LOOKED_THROUGH: Final = 5_000


def lacks_memory(text: str) -> bool:
    """Say whether it ended for want of memory."""
    return _NO_MEMORY.search(text[-_MOST_LOOKED_THROUGH:]) is not None


def lacks_network(text: str, *, offline: bool, has_asked: bool) -> bool:
    """Say whether it failed for want of a network; one that had a network must have asked for another computer."""
    end = text[-_MOST_LOOKED_THROUGH:]
    if offline:
        return has_asked or _NO_NETWORK.search(end) is not None
    return has_asked and (_NO_NETWORK.search(end) or _NO_ANSWER.search(end)) is not None


def refused_writes(text: str) -> tuple[str, ...]:
    """Return what programs and libraries say that they were not allowed to change."""
    lines = [line.strip()[:200] for line in text.splitlines() if "Read-only file system" in line]
    return tuple(dict.fromkeys(lines))[:3]
