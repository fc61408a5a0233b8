"""Histories of what several processes did to one key, and whether any order explains them: linearizability, by the search of Wing and Gong.

A history is a list of operations, each with the moments at which it began and ended. It is linearizable if each operation can be given one
moment between the two at which it happened as a whole, so that a plain sequential model gives the very outcomes that were seen. Nothing
here touches a database: `Key` models one key of one, and any other model that is a function of a state will do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

#: The outcome of an operation that raised what says nothing of whether it happened: it may have, then or later, or never.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Operation:
    """One call, by one process.

    Attributes
    ----------
    actor : Hashable
        Who made it.
    name : str
        What was done, as the model calls it.
    argument, outcome : object
        Hashable, and equal where they mean the same.
    start, end : float
        On a clock that all actors share; `end` is infinite where the call never returned.
    """

    actor: Hashable
    name: str
    argument: Any
    outcome: Any
    start: float
    end: float = math.inf

    def __str__(self) -> str:
        return (
            f"{self.actor}: {self.name}({'' if self.argument is None else self.argument!r}) -> {self.outcome!r} [{self.start}, {self.end}]"
        )


#: Gives the states in which an operation with its outcome can leave a state; none where that outcome is impossible there.
Model = Callable[[Any, Operation], Iterable[Any]]


def explanation(history: Sequence[Operation], model: Model, start: Any) -> list[Operation] | None:
    """Return an order of the operations that explains what was seen; None where there is none.

    An operation whose outcome is unknown, or that never ended, need not be part of the order.

    Parameters
    ----------
    history : list of Operation
        In any order. Those of one actor must not overlap.
    model : callable
        The sequential model.
    start : Hashable
        The state before all.
    """
    operations = sorted(history, key=lambda operation: operation.start)
    ends = [math.inf if operation.outcome == UNKNOWN else operation.end for operation in operations]
    must = sum(1 << place for place, end in enumerate(ends) if end != math.inf)
    tried: set[tuple[int, Any]] = set()
    waiting: list[tuple[int, Any, tuple[int, ...]]] = [(0, start, ())]
    while waiting:
        done, state, order = waiting.pop()
        if done & must == must:
            return [operations[place] for place in order]
        if (done, state) in tried:
            continue
        tried.add((done, state))
        waiting += [
            (done | 1 << place, after, (*order, place))
            for place in _next(operations, ends, done)
            for after in model(state, operations[place])
        ]
    return None


def _next(operations: Sequence[Operation], ends: Sequence[float], done: int) -> list[int]:
    """Return the operations that may come next: those that began before any other that is left had ended."""
    left = [place for place in range(len(operations)) if not done >> place & 1]
    first_end = min([ends[place] for place in left], default=math.inf)
    return [place for place in left if operations[place].start <= first_end]


#: A key that holds nothing, and has no version.
NOTHING: tuple[int, Any] = (0, None)

#: What a read gives where there is no such key.
MISSING = "missing"


def key_model(state: tuple[int, Any], operation: Operation) -> list[tuple[int, Any]]:
    """Say what one operation on one key of a database does, if its outcome is possible.

    The state is the number of the newest version and its value, None for a tombstone. Operations, with the outcomes beside
    `UNKNOWN` and, where there must be a value, `MISSING`: ``put`` value -> number; ``put if`` (number, value) -> number or "conflict";
    ``put new`` value -> number or "exists"; ``delete`` -> None; ``get`` -> value; ``pop`` -> value; ``has``, ``listed`` -> bool;
    ``setdefault`` value -> value.
    """
    number, value = state
    outcome = operation.outcome
    does, wanted = _EFFECTS[operation.name](number, value, operation.argument)
    if outcome not in (UNKNOWN, wanted):
        return []
    return [does]


def _put_if(number: int, value: Any, argument: tuple[int, Any]) -> tuple[tuple[int, Any], Any]:
    expected, new = argument
    holds = expected == number or (expected == 0 and value is None)
    return ((number + 1, new), number + 1) if holds else ((number, value), "conflict")


def _gone(number: int, value: Any, outcome: Any) -> tuple[tuple[int, Any], Any]:
    return ((number, None), MISSING) if value is None else ((number + 1, None), outcome)


_EFFECTS: dict[str, Callable[[int, Any, Any], tuple[tuple[int, Any], Any]]] = {
    "put": lambda number, value, new: ((number + 1, new), number + 1),
    "put if": _put_if,
    "put new": lambda number, value, new: ((number + 1, new), number + 1) if value is None else ((number, value), "exists"),
    "delete": lambda number, value, _: _gone(number, value, None),
    "pop": lambda number, value, _: _gone(number, value, value),
    "get": lambda number, value, _: ((number, value), MISSING if value is None else value),
    "has": lambda number, value, _: ((number, value), value is not None),
    "listed": lambda number, value, _: ((number, value), value is not None),
    "setdefault": lambda number, value, new: ((number + 1, new), new) if value is None else ((number, value), value),
}
