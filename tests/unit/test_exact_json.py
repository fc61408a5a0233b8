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


DEEPEST = 300


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"]":', "}]")])
@pytest.mark.parametrize("n_times", [400, 5_000, 200_000])
def test_what_is_nested_too_deep_is_refused(opening, closing, n_times):
    for text in (opening * n_times + "1" + closing * n_times, f'{{"]]": [[]], "a": {opening * n_times}1{closing * n_times}}}'):
        with pytest.raises(ValueError, match="nested deeper than 300 levels"):
            loads(text)


def test_what_is_nested_as_deep_as_allowed_is_read_and_decoded():
    text = "[" * DEEPEST + "]" * DEEPEST
    assert dumps({"a": decode(loads(text))}) == dumps({"a": json.loads(text)})


def test_brackets_within_texts_do_not_count():
    value = ["[" * 500, "]{" * 500, [["}" * 500]] * 500]
    assert loads(json.dumps(value)) == value


def test_the_deepest_value_that_is_written_is_read():
    value: object = 1
    for _ in range(64):
        value = {"$x": value}
    assert decode(loads(json.dumps(encode(value)))) == value


@pytest.mark.parametrize("text", ["1e999", "-1E+400", '{"a": [2.5e0000000309]}', f"{'9' * 400}.0", "NaN", "-Infinity", "9" * 5_000])
def test_numbers_that_cannot_be_kept_are_refused(text):
    with pytest.raises(ValueError, match=r"larger than any number|is not JSON|integer string conversion"):
        loads(text)


@pytest.mark.parametrize(
    "text", [b'{"a": 1, "a": 1}', b'{"\\u0061": 1, "a": 2}', b'["\\ud800"]', b'"\xed\xa0\x80"', b'\xff"a"', b'"\\udc00\\ud800"']
)
def test_twice_named_members_and_what_is_no_text_are_refused(text):
    with pytest.raises(ValueError, match=r"names a member twice|surrogates not allowed|can't decode"):
        loads(text)


@pytest.mark.parametrize(
    "content", [None, 5, 1e308, "x", [], ["x"], [1, 2, 3], [[1, 2]], [["a", 1, 2]], {"ab": 1}, [10**30] * 3, ["int8", "300"]]
)
@pytest.mark.parametrize("tag", ["$float", "$dict", "$timedelta", "$datetime", "$date", "$time", "$numpy", "$"])
def test_a_forged_value_is_a_value_error_or_nothing(tag, content):
    if (tag, content) in [("$dict", []), ("$timedelta", [1, 2, 3])]:
        return
    with pytest.raises(ValueError, match=r"isfdb writes|newer isfdb|list of names|to unpack|isoformat"):
        decode({tag: content})


@pytest.mark.parametrize(
    "dtype", ["V10000000000", "datetime64", "O", "object", ["int8"], {"names": ["a"], "formats": ["O"]}, "float128", None]
)
def test_a_numpy_scalar_is_of_a_type_that_is_written(dtype):
    with pytest.raises(ValueError, match="no numpy scalar"):
        decode({"$numpy": [dtype, "1"]})
