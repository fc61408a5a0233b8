"""What processes do to one key at random, each call written down with its outcome and the moments of its begin and end."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from typing import Any

import isfdb
from isfdb.errors import ConflictError, IsfdbError, KeyExistsError, KeyNotFoundError
from isfdb.testing.histories import MISSING, UNKNOWN, Operation

_CALLS = {
    "put": lambda db, key, value: db.set(key, value).number,
    "put if": lambda db, key, given: db.set(key, given[1], expected_version=given[0]).number,
    "put new": lambda db, key, value: db.set(key, value, overwrite=False).number,
    "delete": lambda db, key, _: db.__delitem__(key),
    "pop": lambda db, key, _: db.pop(key),
    "setdefault": lambda db, key, value: db.setdefault(key, value),
    "get": lambda db, key, _: db[key],
    "has": lambda db, key, _: key in db,
    "listed": lambda db, key, _: key in db.keys(),
}
_NAMES = ["put", "put", "put if", "put if", "put new", "delete", "pop", "setdefault", "get", "get", "get", "has", "listed"]


def _told(db: isfdb.Database, key: str, name: str, argument: Any) -> Any:
    try:
        return _CALLS[name](db, key, argument)
    except KeyNotFoundError:
        return MISSING
    except KeyExistsError:
        return "exists"
    except ConflictError:
        return "conflict"
    except IsfdbError as error:
        print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        return UNKNOWN


def _newest(db: isfdb.Database, key: str) -> int:
    try:
        return db.versions(key)[-1].number
    except KeyNotFoundError:
        return 0


def act(path: str, start: float, actor: int, keys: Sequence[str], n_calls: int, names: Sequence[str] = _NAMES) -> list[Operation]:
    """Make calls on one key after the other, all actors on the same at about the same time; return what was seen of each."""
    isfdb.set_options(register=False, capture=False)
    db, chance, history = isfdb.open(path, durability="process"), random.Random(f"{actor} {keys}"), []
    time.sleep(max(0.0, start - time.time()))
    newest = 0
    for key in keys:
        for number in range(n_calls):
            name, value = chance.choice(names), f"{actor}.{number}"
            needs_value = name in ("put", "put new", "setdefault")
            argument: Any = (newest, value) if name == "put if" else value if needs_value else None
            begin = time.monotonic()
            outcome = _told(db, key, name, argument)
            history.append(Operation((actor, key), name, argument, outcome, begin, time.monotonic()))
            newest = outcome if type(outcome) is int else _newest(db, key) if outcome == "conflict" else newest
    return history
