"""What one of several does to a key at random, each call written down with its outcome and the moments of its begin and end."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from isfdb.database import Database
from isfdb.errors import ConflictError, IsfdbError, KeyExistsError, KeyNotFoundError
from isfdb.testing.histories import MISSING, UNKNOWN, Operation

_CALLS: Final[dict[str, Callable[[Any, str, Any], Any]]] = {
    "put": lambda db, key, value: db.set(key, value).number,
    "put if": lambda db, key, given: db.set(key, given[1], expected_version=given[0]).number,
    "put new": lambda db, key, value: db.set(key, value, overwrite=False).number,
    "delete": lambda db, key, _: db.__delitem__(key),
    "pop": lambda db, key, _: db.pop(key),
    "setdefault": lambda db, key, value: db.setdefault(key, value),
    "get": lambda db, key, _: db[key],
    "has": lambda db, key, _: key in db,
    "listed": lambda db, key, _: key in db.keys(),  # noqa: SIM118 - listing is what is tried
}
_NAMES: Final = ("put", "put", "put if", "put if", "put new", "delete", "pop", "setdefault", "get", "get", "get", "has", "listed")


def act(db: Database, actor: int, keys: Sequence[str], n_calls: int, names: Sequence[str] = _NAMES) -> list[Operation]:
    """Make calls on one key after the other, all actors on the same at about the same time; return what was seen of each.

    Parameters
    ----------
    db : Database
        A handle of this actor's own.
    actor : int
        Who this is; what is called and stored follows from it.
    keys : sequence of str
        One after the other.
    n_calls : int
        So many calls on each key.
    names : sequence of str
        The calls to choose from, as :func:`isfdb.testing.histories.key_model` names them.
    """
    chance, history, newest = random.Random(f"{actor} {keys}"), [], 0
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


def outcome_of(db: Database, key: str, name: str, argument: Any) -> Any:
    """Make a call, named as :func:`isfdb.testing.histories.key_model` names it, and return its outcome as that one knows it.

    Raises
    ------
    IsfdbError
        What is no outcome: a refusal of the storage.
    """
    try:
        return _CALLS[name](db, key, argument)
    except KeyNotFoundError:
        return MISSING
    except KeyExistsError:
        return "exists"
    except ConflictError:
        return "conflict"


def _told(db: Database, key: str, name: str, argument: Any) -> Any:
    try:
        return outcome_of(db, key, name, argument)
    except IsfdbError as error:
        sys.stderr.write(f"{name}: {type(error).__name__}: {error}\n")
        return UNKNOWN


def _newest(db: Database, key: str) -> int:
    try:
        return db.versions(key)[-1].number
    except KeyNotFoundError:
        return 0
