"""Exact JSON: what is read equals what was written, or it is refused."""

from __future__ import annotations

import datetime
import json
import math

import numpy
import pytest

from isfdb.exact_json import decode, dumps, encode, loads


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**200, 0.1, -0.0, 5e-324, math.inf, -math.inf, "", "text", "\u2028 ü \x00", [], {}, [1, [2, {"a": 0}]],
        {"$float": "nan"}, {"$x": 1, "y": [2]}, {"a": {"$dict": []}}, {"b": 1, "a": 2},
    ],
)  # fmt: skip
def test_plain_values_come_back_exactly(value):
    back = decode(json.loads(json.dumps(encode(value))))
    assert back == value
    assert repr(back) == repr(value)


def test_nan_comes_back():
    assert math.isnan(decode(encode(math.nan)))


class Sub(int):
    """A subclass, which JSON would turn into a plain int."""


@pytest.mark.parametrize("value", [(1,), {1}, b"x", {1: 2}, Sub(3), object(), numpy.float64(1.0), datetime.date(2026, 1, 1), [(1,)]])
def test_what_json_would_change_is_refused(value):
    with pytest.raises(TypeError):
        encode(value)


def test_a_list_that_contains_itself_is_refused():
    value: list = []
    value.append(value)
    with pytest.raises(TypeError, match="nested deeper"):
        encode(value)


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2026, 11, 21, 3, 51, 21, 7, tzinfo=datetime.UTC),
        datetime.datetime(2026, 1, 1),
        datetime.date(1999, 12, 31),
        datetime.time(1, 2, 3),
        datetime.timedelta(days=-1, microseconds=3),
        numpy.float32(0.1),
        numpy.int8(-5),
        numpy.bool_(True),
        numpy.float64("nan"),
        numpy.uint64(2**64 - 1),
    ],
)
def test_dates_and_numpy_scalars_keep_their_type(value):
    back = decode(json.loads(json.dumps(encode(value, dates=True, numpy_scalars=True))))
    assert type(back) is type(value)
    assert back == value or (back != back and value != value)


@pytest.mark.parametrize("text", ["NaN", '{"a": 1, "a": 2}', "[Infinity]"])
def test_what_is_no_json_is_refused_on_reading(text):
    with pytest.raises(ValueError):
        loads(text)


def test_an_unknown_tag_is_an_error_not_a_guess():
    with pytest.raises(ValueError, match="newer isfdb"):
        decode({"$quaternion": [1, 2, 3, 4]})


def test_records_are_sorted_one_member_a_line():
    assert dumps({"b": [1, 2], "a": "ü"}) == '{\n "a": "ü",\n "b": [1, 2]\n}\n'
