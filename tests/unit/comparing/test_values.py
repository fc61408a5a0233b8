"""Comparing values in memory: what is found, where, and by how much."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from isfdb.comparing.values import compare_values
from isfdb.errors import OptionError
from isfdb.testing.hostile import hostile_values


def status(a: Any, b: Any, **tolerances: float) -> str:
    return compare_values(a, b, **tolerances).status


def test_an_array_says_how_many_differ_by_how_much_and_where():
    first = np.arange(12.0).reshape(3, 4)
    second = first.copy()
    second[1, 2], second[2, 3] = 6.5, 11.25
    found = compare_values(first, second)
    assert found.status == "different"
    assert found.because == "2 of 12 elements differ (16.7 %)"
    assert found.lines[0] == "largest absolute difference 0.5 at [1, 2]: 6.0 → 6.5"
    assert found.measures["largest_relative"] == pytest.approx(0.5 / 6.5)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (np.nan, np.nan, "identical"),
        (np.nan, 1.0, "different"),
        (np.inf, np.inf, "identical"),
        (np.inf, -np.inf, "different"),
        (np.inf, 1e308, "different"),
        (0.0, -0.0, "equal"),
    ],
)
def test_nan_infinity_and_the_two_zeros(first: float, second: float, expected: str):
    assert status(first, second, rtol=1.0) == expected
    assert status(np.array([first]), np.array([second]), rtol=1.0) == expected


def test_a_nan_on_one_side_is_counted_apart():
    found = compare_values(np.array([1.0, np.nan, 3.0]), np.array([1.5, 2.0, 3.0]))
    assert (found.measures["n_different"], found.measures["n_one_sided"], found.measures["largest_absolute"]) == (2, 1, 0.5)
    assert "in one pair an element is NaN, infinite or missing" in found.lines


def test_one_unit_in_the_last_place_is_told():
    found = compare_values(np.array([1.0, 2.0]), np.array([1.0, np.nextafter(2.0, 3.0)]))
    assert found.measures["ulps"] == 1
    assert "at most 1 units in the last place" in found.lines


def test_close_is_only_what_a_tolerance_was_asked_for():
    first, second = np.array([1.0, 100.0]), np.array([1.0, 100.1])
    assert status(first, second) == "different"
    assert status(first, second, rtol=1e-2) == "close"
    assert status(first, second, atol=0.2) == "close"
    assert status(first, second, rtol=1e-4) == "different"
    assert status({"a": [3.0]}, {"a": [3.1]}, atol=0.2) == "close"


@pytest.mark.parametrize("tolerance", [-1, "1", True, float("nan")])
def test_a_tolerance_is_a_number_from_zero(tolerance: Any):
    with pytest.raises(OptionError, match="Give a number from 0"):
        compare_values(1, 2, rtol=tolerance)


def test_large_integers_are_compared_exactly():
    found = compare_values(np.array([2**63 - 1, 0]), np.array([2**63 - 2, 0]))
    assert found.lines[0].startswith("largest absolute difference 1 at [0]")
    assert status(np.array([2**53 + 1]), np.array([float(2**53)])) == "different"
    assert status(2**4000, 2**4000 + 1) == "different"
    assert status(np.array([2**64 - 1], "u8"), np.array([-1])) == "different"


def test_another_dtype_with_the_same_values_is_equal():
    found = compare_values(np.arange(3), np.arange(3.0))
    assert (found.status, found.notes) == ("equal", ("dtype int64 → float64",))
    assert status(np.arange(3), np.array(["0", "1", "2"])) == "different"
    assert status(np.array([True]), np.array([1])) == "different"


def test_what_grew_is_compared_where_both_have_something():
    found = compare_values(np.arange(10), np.arange(12))
    assert (found.because, found.lines) == ("shape 10 → 12", ("identical in [:10], which both have",))
    assert compare_values(np.zeros((2, 2)), np.zeros(4)).because == "shape 2 × 2 → 4"


def test_times_differ_by_a_duration():
    found = compare_values(np.array(["2020-01-01", "NaT"], "M8[D]"), np.array(["2020-01-04", "NaT"], "M8[D]"))
    assert found.lines == ("largest absolute difference 3 days at [0]: 2020-01-01 → 2020-01-04",)
    assert found.to_json()["measures"]["largest_absolute"] == "3 days"


def test_masked_elements_equal_masked_elements_whatever_lies_under_them():
    first = np.ma.array([1, 2, 3], mask=[0, 1, 0])
    assert status(first, np.ma.array([1, 9, 3], mask=[0, 1, 0])) == "equal"
    found = compare_values(first, np.ma.array([1, 2, 3]))
    assert (found.status, found.lines) == (
        "different",
        ("the first at [1]: missing → 2", "in one pair an element is NaN, infinite or missing"),
    )


def test_a_structured_array_is_compared_by_field():
    first = np.zeros(3, [("t", "f8"), ("xy", "i4", 2)])
    second = first.copy()
    second["xy"][1, 1] = 5
    (part,) = compare_values(first, second).parts
    assert (part.where, part.measures["at"]) == ("['xy']", [1, 1])
    assert "only in the second: 'u'" in compare_values(first, np.zeros(3, [("t", "f8"), ("u", "f8")])).lines


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1, 1, 1)])
def test_empty_arrays_and_arrays_without_axes(shape: tuple[int, ...]):
    assert status(np.zeros(shape), np.zeros(shape)) == "identical"
    if np.zeros(shape).size:
        assert status(np.zeros(shape), np.ones(shape)) == "different"


def test_members_are_named_by_their_path():
    found = compare_values({"a": [1, {"b": (2, 3)}], "gone": 1}, {"a": [1, {"b": (2, 4)}], "new": 1})
    assert found.because == "1 name removed, 1 name added, 1 of 1 members differ"
    text = str(found)
    for line in ("only in the first: 'gone'", "only in the second: 'new'", "['a']: different", "['b']: different", "[1]: different: 3 → 4"):
        assert line in text


def test_names_in_another_order_are_equal_and_noted():
    found = compare_values({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert (found.status, found.notes) == ("equal", ("the names are in another order",))


def test_a_nan_is_one_and_the_same_name():
    assert status({float("nan"): 1}, {float("nan"): 1}) != "different"


def test_a_list_is_no_tuple_and_true_is_not_one():
    assert compare_values([1], (1,)).lines == ("their members are the same",)
    assert status([1], (1,)) == status(True, 1) == "different"


def test_long_lists_of_numbers_say_the_largest_difference():
    first = [float(number) for number in range(1000)]
    second = [*first[:500], 0.0, *first[501:]]
    assert compare_values(first, second).lines[0] == "largest absolute difference 500 at [500]: 500.0 → 0.0"
    assert status([2**70] * 20, [2**70] * 20) == "identical"


def test_numbers_of_other_types():
    assert status(1, 1.0) == status(np.float32(0.5), 0.5) == status(Fraction(1, 2), 0.5) == "equal"
    assert status(Fraction(1, 2), Fraction(1, 3), atol=0.2) == "close"


def test_sets_say_what_only_one_has():
    assert compare_values({1, 2}, {2, 3}).lines == ("only in the first: 1", "only in the second: 3")


def test_a_list_that_holds_itself_comes_to_an_end():
    first: list[Any] = [1]
    second: list[Any] = [1]
    first.append(first)
    second.append(second)
    assert status(first, second) in ("identical", "equal")
    second[0] = 2
    assert status(first, second) == "different"


def test_a_list_that_is_a_member_of_many_others_is_compared_once():
    first: list[Any] = [1]
    second: list[Any] = [2]
    for _ in range(60):
        first, second = [first, first], [second, second]
    found = compare_values(first, second)
    assert (found.status, found.because) == ("different", "2 of 2 members differ")
    assert len(str(found).splitlines()) < 1000


def test_what_is_nested_too_deep_is_not_compared():
    first: Any = 1
    second: Any = 1
    for _ in range(100_000):
        first, second = [first], [second]
    assert compare_values(first, second).because == "they are nested too deep"
    for value in (first, second):  # taken apart by hand: to forget so deep a list at once takes much stack
        while type(value) is list:
            value = value.pop()


def test_objects_are_compared_by_attribute_where_they_do_not_say_themselves():
    class Model:
        def __init__(self, rate: float) -> None:
            self.rate = rate

    assert status(Model(1.0), Model(1.0)) == "identical"
    assert compare_values(Model(1.0), Model(2.0)).parts[0].where == ".rate"


@dataclasses.dataclass
class Settings:
    rate: float
    trace: Any = None


def test_dataclasses_are_compared_by_field():
    assert status(Settings(1.0, np.arange(3)), Settings(1.0, np.arange(3))) == "identical"
    assert compare_values(Settings(1.0, np.arange(3)), Settings(1.0, np.arange(3) + 1)).parts[0].where == ".trace"


def test_what_cannot_be_looked_into_is_not_called_different():
    found = compare_values(object(), object())
    assert found.status == "not compared"
    assert "do not say whether they are equal" in found.because
    assert not found.same


@pytest.mark.parametrize("place", range(len(hostile_values())))
def test_hostile_objects_break_nothing(place: int):
    value = hostile_values()[place]
    for other in (object(), 1, [value]):
        assert compare_values([value], [other]).status in ("different", "not compared", "equal", "identical")


def test_everything_is_json_and_text():
    found = compare_values({"a": np.array([1e308, np.inf]), "b\x1b[2J": "<script>"}, {"a": np.array([-1e308, 1.0]), "b\x1b[2J": "x"})
    text = json.dumps(found.to_json(), allow_nan=False)
    assert '"inf"' in text
    assert "\x1b" not in str(found)


def test_only_twenty_parts_are_kept_and_the_rest_is_counted():
    found = compare_values(list(map(str, range(100))), [str(number + 1) for number in range(100)])
    assert (len(found.parts), found.n_more, found.because) == (20, 80, "100 of 100 members differ")


def test_object_arrays_are_compared_one_by_one():
    first = np.array([[1, "a"], [None, [1, 2]]], object)
    second = first.copy()
    second[1, 1] = [1, 3]
    (part,) = compare_values(first, second).parts
    assert part.where == "[1, 1]"


def test_a_float_of_numpy_is_not_rounded_before_it_is_compared():
    assert status(np.float32(1.1), 1.1) == "different"
    assert compare_values(np.float64(1.0), 1.0).notes == ("numpy.float64 → float",)


def test_functions_are_compared_by_what_they_do_and_classes_by_what_they_are():
    assert status(lambda x: x + 1, lambda x: x + 1) == "identical"
    assert status(lambda x: x + 1, lambda x: x + 2) == "different"
    assert status(int, float) == "different"
    assert status(ValueError("a"), ValueError("a")) == "identical"
    assert status(ValueError("a"), ValueError("b")) == "different"


def test_masked_objects_are_missing():
    first = np.ma.array([1, "a", None], mask=[0, 1, 0], dtype=object)
    assert compare_values(first, np.ma.array([1, "b", None], mask=[0, 1, 0], dtype=object)).same
    assert status(first, np.ma.array([1, "a", None], mask=[0, 0, 0], dtype=object)) == "different"


def test_what_dask_has_not_computed_yet_is_computed():
    bag = pytest.importorskip("dask.bag")
    delayed = pytest.importorskip("dask").delayed
    found = compare_values(bag.from_sequence([1, 2], npartitions=2), bag.from_sequence([1, 3], npartitions=2))
    assert [part.where for part in found.parts] == ["partition 1"]
    assert compare_values(delayed(1), delayed(2)).status == "different"
    assert compare_values(delayed(1), delayed(1)).same
