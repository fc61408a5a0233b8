"""The names of stages, and what they tell: which computer and process writes there, and whether it still lives."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from isfdb.layout.current import STAGE_PREFIX


def new_nonce() -> str:
    """Return 16 random hexadecimal digits."""
    return os.urandom(8).hex()


@lru_cache(maxsize=1)
def host() -> str:
    """Return this computer's name as it stands in the names of stages."""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return "".join([character if character.isalnum() else "_" for character in name])[:40] or "unknown"


def stage_name(nonce: str) -> str:
    """Return the name of a stage: host and process let a later collect tell whether its writer still lives."""
    return f"{STAGE_PREFIX}{host()}-{os.getpid()}-{nonce}"


def writer_is_alive(stage: str, host: str, age_s: Callable[[], float], older_than_s: float) -> bool:
    """Say whether the writer of a stage may still be at work: its process on this host, its newest file's age elsewhere."""
    parts = stage.rsplit("-", 2)
    # On Windows signal 0 is Ctrl-C, and would end the process that was to be asked after.
    if os.name == "posix" and len(parts) == 3 and parts[0].endswith(f"-{host}") and parts[1].isdigit():
        return _process_is_alive(int(parts[1]))
    return age_s() < older_than_s


def _process_is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
