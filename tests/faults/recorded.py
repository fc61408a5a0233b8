"""What processes do to one key at random; each opens the database by itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import isfdb
from isfdb.testing import acting


def act(path: str, start: float, *given: Any, **options: Sequence[str]) -> list[Any]:
    """Do, from a moment on, what `acting.act` says."""
    with isfdb.set_options(register=False, capture=False):  # and no longer: threads share the settings of the process
        db = isfdb.open(path, durability="process")
        time.sleep(max(0.0, start - time.time()))
        return acting.act(db, *given, **options)
