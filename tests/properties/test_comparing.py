"""Comparing is sound for any value: the same is identical, the order does not matter, a planted change is found where it is."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isfdb.comparing.values import compare_values
from isfdb.testing import strategies

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)


@given(strategies.python_values() | strategies.plain_values())
def test_a_copy_of_a_plain_value_is_identical(value):
    found = compare_values(value, copy.deepcopy(value))
    assert found.status == "identical", str(found)


@given(strategies.numpy_values())
def test_a_copy_of_an_array_is_identical(value):
    found = compare_values(value, copy.deepcopy(value))
    assert found.status == "identical", str(found)


@given(strategies.frames() | strategies.series())
def test_a_copy_of_a_frame_is_identical(value):
    found = compare_values(value, value.copy(deep=True))
    assert found.status == "identical", str(found)


@given(st.tuples(strategies.python_values(), strategies.python_values()) | st.tuples(strategies.plain_values(), strategies.plain_values()))
def test_the_order_of_two_plain_values_does_not_matter(pair):
    assert compare_values(*pair).status == compare_values(*pair[::-1]).status


@given(hnp.arrays(st.sampled_from(["f8", "f4", "i8", "u8", "c16", "M8[s]", "U3", "?"]), SHAPES), st.data())
def test_the_order_of_two_arrays_does_not_matter(first, data):
    second = data.draw(hnp.arrays(st.sampled_from(["f8", "f4", "i8", "u8", "c16", "M8[s]", "U3", "?"]), st.just(first.shape)))
    one, other = compare_values(first, second), compare_values(second, first)
    assert one.status == other.status
    for name in ("n", "n_different", "n_one_sided", "largest_absolute", "largest_relative", "ulps"):
        assert one.to_json()["measures"].get(name) == other.to_json()["measures"].get(name)


def assert_sound(first, second) -> None:
    """Compare both ways: one answer, and nothing that was passed over because comparing it failed."""
    one, other = compare_values(first, second), compare_values(second, first)
    assert one.status == other.status, f"{one}\n{other}"
    for found in (one, other):
        assert "comparing raised" not in str(found), str(found)
        json.dumps(found.to_json(), allow_nan=False)


@given(strategies.frames() | strategies.series(), strategies.frames() | strategies.series())
def test_any_two_frames_compare(first, second):
    assert_sound(first, second)


@given(strategies.frames(), st.data())
def test_a_frame_compares_with_some_of_its_rows_in_any_order(frame, data):
    rows = data.draw(st.permutations(range(len(frame))))
    assert_sound(frame, frame.iloc[rows[: data.draw(st.integers(0, len(rows)))]])


@given(strategies.numpy_values(), strategies.numpy_values())
def test_any_two_arrays_compare(first, second):
    assert_sound(first, second)


@given(hnp.arrays(st.sampled_from(["f8", "i4", "u8", "c8", "M8[us]", "m8[D]"]), hnp.array_shapes(max_dims=3, max_side=6)), st.data())
def test_a_change_in_an_array_is_found_at_its_place(array, data):
    place = tuple(data.draw(st.integers(0, size - 1)) for size in array.shape)
    changed = array.copy()
    changed[place] = data.draw(hnp.from_dtype(array.dtype))
    assume(changed[place] != array[place] and not (changed[place] != changed[place] and array[place] != array[place]))
    found = compare_values(array, changed)
    assert found.status == "different"
    assert found.measures["n_different"] == 1
    assert tuple(found.measures["first_at"]) == place


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.data())
def test_what_is_within_the_tolerance_is_close(numbers, data):
    array = np.array(numbers)
    changed = array + data.draw(hnp.arrays("f8", array.shape, elements=st.floats(-1e-3, 1e-3)))
    status = compare_values(array, changed, atol=2e-3).status
    assert status == ("identical" if array.tobytes() == changed.tobytes() else "equal" if (array == changed).all() else "close")


@given(st.integers(1, 20), st.integers(1, 4), st.data())
def test_a_change_in_a_frame_is_found_at_its_place(rows, width, data):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({f"c{place}": np.arange(rows) * place for place in range(width)})
    row, column = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, width - 1))
    changed = frame.copy()
    changed.iloc[row, column] += 7
    (part,) = compare_values(frame, changed).parts
    assert part.where == f"['c{column}']"
    assert (part.measures["at"], part.measures["largest_absolute"], part.measures["n_different"]) == ([row], 7, 1)
