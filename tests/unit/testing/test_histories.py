"""The search finds the order that explains a history, and finds none where there is none."""

from __future__ import annotations

import random
from typing import Any

import pytest

from isfdb.testing.histories import MISSING, NOTHING, UNKNOWN, Operation, explanation, key_model


def operations(*rows: tuple[Any, ...]) -> list[Operation]:
    return [Operation(actor, name, argument, outcome, start, end) for actor, name, argument, outcome, start, end in rows]


EXPLAINED = {
    "nothing was done": operations(),
    "one after the other": operations(("a", "put", 7, 1, 0, 1), ("b", "get", None, 7, 2, 3), ("a", "delete", None, None, 4, 5)),
    "a read beside a write may see the old": operations(("a", "put", 7, 1, 0, 9), ("b", "get", None, MISSING, 1, 2)),
    "a read beside a write may see the new": operations(("a", "put", 7, 1, 0, 9), ("b", "get", None, 7, 1, 2)),
    "a write that never returned may have happened": operations(("a", "put", 7, UNKNOWN, 0, 1), ("b", "get", None, 7, 5, 6)),
    "a write that never returned may not have happened": operations(("a", "put", 7, UNKNOWN, 0, 1), ("b", "get", None, MISSING, 5, 6)),
    "of two that pop one gets it": operations(
        ("a", "put", 7, 1, 0, 1), ("a", "pop", None, 7, 2, 9), ("b", "pop", None, MISSING, 2, 9), ("b", "put", 8, 3, 10, 11)
    ),
    "a conflict is right where another came first": operations(("a", "put if", (0, 7), "conflict", 0, 9), ("b", "put", 8, 1, 1, 2)),
}

UNEXPLAINED = {
    "a stale read": operations(("a", "put", 7, 1, 0, 1), ("b", "get", None, MISSING, 2, 3)),
    "a value that comes and goes": operations(
        ("a", "put", 7, 1, 0, 1), ("a", "put", 8, 2, 2, 9), ("b", "get", None, 8, 3, 4), ("b", "get", None, 7, 5, 6)
    ),
    "a value that nobody wrote": operations(("a", "put", 7, 1, 0, 1), ("b", "get", None, 9, 0, 1)),
    "two winners for one version": operations(("a", "put if", (0, 7), 1, 0, 9), ("b", "put if", (0, 8), 1, 0, 9)),
    "a number given twice": operations(("a", "put", 7, 1, 0, 9), ("b", "put", 8, 1, 0, 9)),
    "two delete one value": operations(("a", "put", 7, 1, 0, 1), ("a", "delete", None, None, 2, 9), ("b", "delete", None, None, 2, 9)),
    "two pop one value": operations(("a", "put", 7, 1, 0, 1), ("a", "pop", None, 7, 2, 9), ("b", "pop", None, 7, 2, 9)),
    "a deleted key that is listed": operations(
        ("a", "put", 7, 1, 0, 1), ("a", "delete", None, None, 2, 3), ("b", "has", None, False, 4, 5), ("b", "listed", None, True, 6, 7)
    ),
    "two defaults": operations(("a", "setdefault", 7, 7, 0, 9), ("b", "setdefault", 8, 8, 0, 9)),
    "a conflict without anybody": operations(("a", "put if", (0, 7), "conflict", 0, 9)),
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_an_order_is_found(name: str) -> None:
    assert explanation(EXPLAINED[name], key_model, NOTHING) is not None


@pytest.mark.parametrize("name", UNEXPLAINED)
def test_what_no_order_explains_is_noticed(name: str) -> None:
    assert explanation(UNEXPLAINED[name], key_model, NOTHING) is None


def test_every_history_of_a_store_that_does_one_thing_after_the_other_is_explained_and_a_wrong_read_in_it_is_not() -> None:
    """Generated: operations overlap at random around the moment at which they happened."""
    chance = random.Random(7)
    for _ in range(100):
        state, history = NOTHING, []
        for moment in range(30):
            name = chance.choice(["put", "delete", "get", "pop", "has", "setdefault"])
            start, end = moment - chance.random() * 3, moment + 1 + chance.random() * 3
            possible = [MISSING, None, True, False, state[0] + 1, state[1], moment]
            asked = Operation(moment, name, moment, UNKNOWN, start, end)
            outcome = next(one for one in possible if key_model(state, Operation(moment, name, moment, one, start, end)))
            history.append(Operation(moment, name, moment, outcome, start, end))
            (state,) = key_model(state, asked)
        assert explanation(history, key_model, NOTHING)
        wrong = Operation("reader", "get", None, "never stored", 10, 11)
        assert explanation([*history, wrong], key_model, NOTHING) is None
