"""Generated values come back as they are: nothing differs in type, dtype, bits, labels or order."""

from __future__ import annotations

import json
import tempfile
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from isfdb import exact_json
from isfdb.testing import assert_identical, strategies
from loaderdumpers import numpy_to_npy, pandas_to_parquet, python_to_json, to_json

ANY_SPEED = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=150)


def assert_comes_back(module: ModuleType, value: Any) -> None:
    assert module.check(value) is True
    assert len(json.dumps(module.describe(value))) < 20_000
    with tempfile.TemporaryDirectory() as folder:
        arguments = exact_json.loads(exact_json.dumps(module.dump(value, folder)))
        assert_identical(module.Loader(**arguments).get(folder), value)


@ANY_SPEED
@given(strategies.plain_values())
def test_plain_values_come_back(value: Any) -> None:
    assert_comes_back(to_json, value)


@ANY_SPEED
@given(strategies.python_values())
def test_values_of_pythons_own_types_come_back(value: Any) -> None:
    assert_comes_back(python_to_json, value)


@ANY_SPEED
@given(strategies.arrays())
def test_arrays_come_back(array: Any) -> None:
    assert_comes_back(numpy_to_npy, array)


@ANY_SPEED
@given(strategies.frames())
def test_frames_come_back(frame: Any) -> None:
    assert_comes_back(pandas_to_parquet, frame)


@ANY_SPEED
@given(strategies.series())
def test_series_come_back(series: Any) -> None:
    assert_comes_back(pandas_to_parquet, series)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["frames", "arrays"])
def test_two_thousand_come_back(kind: str) -> None:
    module = {"frames": pandas_to_parquet, "arrays": numpy_to_npy}[kind]

    @settings(ANY_SPEED, max_examples=2000)
    @given(getattr(strategies, kind)())
    def comes_back(value: Any) -> None:
        assert_comes_back(module, value)

    comes_back()
