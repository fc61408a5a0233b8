"""Tells what is wrong in a database from what others only do there meanwhile: by looking again. It knows not at what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from isfdb.findings import Findings
from isfdb.layout.current import SESSIONS_FOLDER, join
from isfdb.storage.base import Storage

#: A database that is written to all the time is not looked at for ever.
_MOST_LOOKS: Final = 3


def settled(storage: Storage, look: Callable[[], Findings]) -> Findings:
    """Look until the database was left alone meanwhile, or often enough; leave out what only some looks found.

    Parameters
    ----------
    look : callable
        Looks at everything once.
    """
    n_found: Counter[tuple[str, str, int | None, str]] = Counter()
    for number in range(1, _MOST_LOOKS + 1):
        logs = _logs_now(storage)
        found = look()
        if not found or _logs_now(storage) == logs:
            break
        n_found.update({one.place for one in found})
        found = found.without([one for one in found if n_found[one.place] < number])
    return found


def _logs_now(storage: Storage) -> dict[str, int]:
    """Return how long each log is: whatever is stored, renamed, deleted or collected makes one grow."""
    return {name: storage.size(join(SESSIONS_FOLDER, name)) for name in storage.list(SESSIONS_FOLDER)}
