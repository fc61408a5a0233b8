"""Watches what a clean process and all it starts take: memory, processes, room on the disk. It ends nothing; it says what is too much.

Limits of the kernel hold for one process each. Where the system does not tell about processes (elsewhere than Linux), nothing is watched
but the disk.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Final

#: More processes at once are no computation.
MOST_PROCESSES: Final = 2_000
#: Of the room that is left on a disk, a script may take so much.
_SHARE_OF_DISK: Final = 0.75
_PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Watch:
    """What one clean process may take.

    Parameters
    ----------
    process_id : int
    folder : str
        Where it writes.
    memory_bytes : int or None
        How much all its processes together may take.
    """

    def __init__(self, process_id: int, folder: str, memory_bytes: int | None) -> None:
        self._process_id = process_id
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._n_free = _free(folder)
        self._n_killed = _n_killed()

    def too_much(self) -> tuple[bool, str]:
        """Return whether it is memory of which too much is taken, and a sentence; an empty one while all is well."""
        processes = list(_tree(self._process_id))
        if len(processes) > MOST_PROCESSES:
            return False, f"it started more than {MOST_PROCESSES:,} processes"
        if self._memory_bytes is not None and sum(map(_taken, processes)) > self._memory_bytes:
            shared_out = sum(map(_share, processes))  # memory that processes have in common is counted once
            if shared_out > self._memory_bytes:
                return True, f"it needed more than {self._memory_bytes:,} bytes of memory"
        taken = self._n_free - _free(self._folder)
        if taken > _SHARE_OF_DISK * self._n_free and (own := _n_bytes(self._folder)) > taken / 2:
            return False, f"it wrote {own:,} bytes, which fills the disk"
        return False, ""

    def was_killed_for_memory(self) -> bool:
        """Say whether the system ended a process since, because no memory was left."""
        return _n_killed() > self._n_killed


def _free(folder: str) -> int:
    try:
        found = os.statvfs(folder)
    except (OSError, AttributeError):  # the script removed it; Windows
        return 0
    return found.f_bavail * found.f_frsize


def _n_bytes(folder: str) -> int:
    """Return how much lies below a folder."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(root, name)).st_blocks * 512
    return total


def _n_killed() -> int:
    with contextlib.suppress(OSError), open("/proc/vmstat", encoding="ascii") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
    return 0


def _tree(process_id: int) -> Iterator[int]:
    """Yield a process and all that it started, and those started, as far as they live."""
    left = [process_id]
    while left:
        one = left.pop()
        yield one
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{one}/task"):
                with contextlib.suppress(OSError), open(f"/proc/{one}/task/{thread}/children", encoding="ascii") as file:
                    left += [int(child) for child in file.read().split()]


def _taken(process_id: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{process_id}/statm", encoding="ascii") as file:
        numbers = file.read().split()
        return (int(numbers[1]) - int(numbers[2])) * _PAGE
    return 0


def _share(process_id: int) -> int:
    """Return what a process takes, of what it has in common with others its share."""
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{process_id}/smaps_rollup", encoding="ascii") as file:
        return sum([int(line.split()[1]) * 1024 for line in file if line.startswith(("Pss_Anon:", "Pss_Shmem:"))])
    return _taken(process_id)
