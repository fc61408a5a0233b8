"""The names of stages, and what they tell: which computer and process writes there, and whether it still lives."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from isfdb.layout.current import STAGE_PREFIX

#: So many nonces are remembered; a stage that was abandoned before them goes when the process has ended.
MOST_NONCES: Final = 4000


class Nonce(str):
    """Random text of 16 hexadecimal digits, held by whoever writes under a name that bears it.

    Ctrl-C can strike between any two lines, before the one that would have cleared away. When nobody holds the nonce any more,
    nobody writes there, and the next collect may sweep what is left, though the process lives on.
    """

    __slots__ = ("__weakref__",)


# Nonces that this process made: only what it made itself can it call abandoned, for elsewhere a process may bear the same number.
_made: dict[str, weakref.ref[Nonce]] = {}


def new_nonce() -> Nonce:
    """Return a new nonce; whoever writes under it keeps it until that is done."""
    return hold_nonce(os.urandom(8).hex())


def hold_nonce(text: str) -> Nonce:
    """Return a nonce for what another process began and this one goes on with."""
    nonce = Nonce(text)
    if len(_made) >= MOST_NONCES:
        for made, reference in list(_made.items())[: MOST_NONCES // 2]:
            if reference() is None:
                _made.pop(made, None)
    _made[text] = weakref.ref(nonce)
    return nonce


def _is_abandoned(nonce: str) -> bool:
    reference = _made.get(nonce)
    return reference is not None and reference() is None


@lru_cache(maxsize=1)
def host() -> str:
    """Return this computer's name as it stands in the names of stages."""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return "".join([character if character.isalnum() else "_" for character in name])[:40] or "unknown"


def stage_name(nonce: str) -> str:
    """Return the name of a stage: host, process and nonce let a later collect tell whether its writer still lives."""
    return f"{STAGE_PREFIX}{host()}-{os.getpid()}-{nonce}"


def writer_is_alive(stage: str, host: str, age_s: Callable[[], float], older_than_s: float) -> bool:
    """Say whether the writer of a stage may still be at work: its process on this host, its newest file's age elsewhere.

    In this very process, whether anybody still holds its nonce.
    """
    parts = stage.rsplit("-", 2)
    # On Windows signal 0 is Ctrl-C, and would end the process that was to be asked after.
    if os.name == "posix" and len(parts) == 3 and parts[0].endswith(f"-{host}") and parts[1].isdigit():
        return _process_is_alive(int(parts[1])) and not (int(parts[1]) == os.getpid() and _is_abandoned(parts[2]))
    return age_s() < older_than_s


def _process_is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
