"""Small values come back from JSON with their types, and what would not is refused."""

from __future__ import annotations

import datetime
import decimal
import fractions
import json
import uuid
from typing import Any

import numpy as np
import pytest

from isfdb.testing import assert_identical
from loaderdumpers._typed_json import can_encode, decode, encode

LOOP: list[Any] = []
LOOP.append(LOOP)
KEPT = [
    None,
    True,
    2**70,
    -0.0,
    float("inf"),
    "é",
    b"\0a",
    (1, (2, [])),
    {"b": 1, "a": {1: 2, (1, 2): None}},
    {"$x": {"$tuple": 1}},
    {1, 2, "a"},
    frozenset("ab"),
    complex(-0.0, 2),
    datetime.date(2020, 1, 1),
    datetime.timedelta(1, 2, 3),
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    uuid.UUID(int=5),
    np.float32(0.1),
    np.int64(3),
    np.bool_(True),
    np.datetime64("2020-01-01"),
    np.str_(""),
    np.arange(3),
    np.asfortranarray(np.ones((2, 3))),
    np.array("x"),
    np.zeros((0, 2)),
    np.array([np.nan, -0.0], ">f4"),
]


def name(value: Any) -> str:
    """Return the same name in every process: the order of a set is not."""
    shown = sorted(map(str, value)) if isinstance(value, (set, frozenset)) else value
    return f"{type(value).__name__} {shown}"[:40]


@pytest.mark.parametrize("value", KEPT, ids=name)
@pytest.mark.parametrize("in_order", [False, True])
def test_a_value_comes_back(value: Any, in_order: bool) -> None:
    text = json.dumps(encode(value, in_order=in_order), sort_keys=in_order, allow_nan=False)
    assert_identical(decode(json.loads(text)), value)


def test_the_sign_of_nan_is_kept() -> None:
    assert encode(float("nan")) == {"$float": "nan"}
    assert str(np.copysign(1, decode(encode(-float("nan"))))) == "-1.0"


@pytest.mark.parametrize("value", [object(), np.array([None]), {"a": object()}, "\ud800", {object: 1}, LOOP, np.zeros(2).view(np.recarray)])
def test_what_would_come_back_changed_is_refused(value: Any) -> None:
    assert not can_encode(value)


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"$float": "1e5"}, "is no number that isfdb writes as text"),
        ({"$module": "os"}, "unknown kind of value"),
        ({"$scalar": ["<f8", "00"]}, "1 bytes for a <f8"),
        ({"$scalar": ["|O", "00"]}, "1 bytes for a"),
        ({"$array": {"dtype": "<f8", "shape": [2], "bdata": "AAAA"}}, "3 bytes for an array"),
        ({"$fraction": [1, 0]}, r"content of '\$fraction' is not what isfdb writes"),
        ({"$set": [[1]]}, r"content of '\$set' is not what isfdb writes"),
        ({"$dict": 5}, r"content of '\$dict' is not what isfdb writes"),
    ],
)
def test_what_isfdb_does_not_write_is_not_read(members: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        decode(members)
