"""Without a tolerance of one's own, numbers may be a few units in the last place of their type off; and samples are told to be alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from isfdb.comparing.samples import Moments
from isfdb.comparing.values import compare_values

RNG = np.random.default_rng(7)
PANDAS = pytest.importorskip("pandas")


def off_by(ulps: int, numbers: Any) -> Any:
    for _ in range(ulps):
        numbers = np.nextafter(numbers, np.inf, dtype=numbers.dtype)
    return numbers


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_few_units_in_the_last_place_are_close_in_every_dtype(dtype: Any) -> None:
    numbers = RNG.uniform(1, 2, 100).astype(dtype)
    assert compare_values(numbers, off_by(5, numbers), rtol=None).status == "close"
    assert compare_values(numbers, off_by(40, numbers), rtol=None).status == "different"
    assert compare_values(numbers, off_by(1, numbers)).status == "different"


@pytest.mark.parametrize(
    "make", [list, tuple, PANDAS.Series, lambda numbers: PANDAS.DataFrame({"a": numbers}), lambda numbers: {"x": numbers}]
)
def test_it_holds_inside_of_containers_and_frames(make: Any) -> None:
    numbers = RNG.uniform(1, 2, 10)
    assert compare_values(make(numbers), make(off_by(3, numbers)), rtol=None).status == "close"


@pytest.mark.parametrize(("a", "b"), [(0.1 + 0.2, 0.3), (complex(0.1 + 0.2), complex(0.3)), (np.float32(1), np.float32(1.000001))])
def test_single_numbers_are_close_by_their_own_type(a: Any, b: Any) -> None:
    assert compare_values(a, b, rtol=None).status == "close"
    assert compare_values(a, b).status == "different"


@pytest.mark.parametrize(("a", "b"), [(1, 2), (10**18, 10**18 + 1), (np.arange(3), np.arange(3) + 1), (np.int8(1), np.int8(2))])
def test_whole_numbers_are_exact(a: Any, b: Any) -> None:
    assert compare_values(a, b, rtol=None).status == "different"


def test_two_samples_of_one_distribution_are_told_to_be_alike() -> None:
    found = compare_values(RNG.normal(size=(100, 100)), RNG.normal(size=(100, 100)), statistics=True)
    assert found.status == "different"
    assert found.measures["alike"] is True
    assert any(line.startswith("the same shape and statistics: mean") for line in found.lines)


@pytest.mark.parametrize("other", [RNG.normal(1, size=1000), RNG.normal(scale=2, size=1000), np.zeros(1000), np.full(1000, np.inf)])
def test_samples_of_other_distributions_are_not(other: Any) -> None:
    assert "alike" not in compare_values(RNG.normal(size=1000), other, statistics=True).measures


def test_nothing_is_said_of_few_elements_nor_unasked() -> None:
    assert "alike" not in compare_values(RNG.normal(size=5), RNG.normal(size=5), statistics=True).measures
    assert "alike" not in compare_values(RNG.normal(size=500), RNG.normal(size=500)).measures


def test_moments_of_blocks_are_those_of_the_whole() -> None:
    numbers = RNG.normal(1e6, 1, size=10_000)
    moments = Moments()
    for block in np.array_split(numbers, 7):
        moments.add(block)
    assert moments.n == numbers.size
    assert moments.mean == pytest.approx(numbers.mean(), rel=1e-12)
    assert moments.deviation == pytest.approx(numbers.std(), rel=1e-9)
