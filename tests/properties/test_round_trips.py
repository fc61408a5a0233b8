"""Generated values come back as they are: nothing differs in type, dtype, bits, labels or order."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import isfdb
from isfdb import exact_json
from isfdb.testing import assert_identical, strategies
from loaderdumpers import numpy_to_npy, python_to_json, to_json
from loaderdumpers._skeleton import Encoder
from loaderdumpers._skeleton_reading import Decoder
from tests.contracts.kept import _user_classes as own

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


def test_containers_of_anything_come_back_from_a_database(tmp_path: Path, long_run: bool) -> None:
    """Up to four deep, of arrays, frames, dates and the user's classes; in a real database, in another order of names than sorted."""
    with isfdb.open(tmp_path / "results", durability="process") as db:

        @settings(ANY_SPEED, max_examples=2000 if long_run else 200)
        @given(strategies.python_values(strategies.arrays() | strategies.frames() | strategies.series() | instances()))
        def come_back(value: Any) -> None:
            db["value"] = value
            assert db.entry("value").dumper in ("to_json", "python_to_json", "containers_to_parts")
            assert_identical(db["value"], value)

        come_back()


def instances() -> st.SearchStrategy[Any]:
    inner = strategies.python_scalars() | strategies.arrays()
    return st.one_of(
        st.sampled_from([*own.Colour, *own.Level, own.Rights(3)]),
        inner.map(own.Recording),
        inner.map(own.Point),
        inner.map(own.Layer),
        st.builds(own.Compact, a=inner, b=inner),
    )


@ANY_SPEED
@given(strategies.python_values(instances()), st.data())
def test_a_skeleton_that_somebody_changed_is_a_value_or_a_clear_error(value: Any, data: st.DataObject) -> None:
    """Whatever stands in data.json, nothing but a ValueError leaves the reader; what it makes, it makes of the types it knows."""
    skeleton = Encoder(lambda *_: {"$part": "x"}).encode(value)
    changed = json.loads(json.dumps(skeleton))
    node = data.draw(st.sampled_from(list(nodes_in([changed]))))
    node[data.draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))] = data.draw(JSON)
    try:
        Decoder(lambda _: 1, plain=data.draw(st.booleans())).decode(changed)
    except (ValueError, RecursionError):
        return


NAMES = st.sampled_from(["$tuple", "$enum", "fields", "$date", "a"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)


def nodes_in(node: Any) -> Iterator[Any]:
    """Yield all objects and lists of JSON that are not empty."""
    if isinstance(node, dict | list) and node:
        yield node
        for member in node.values() if isinstance(node, dict) else node:
            yield from nodes_in(member)


@pytest.mark.long
def test_two_thousand_arrays_come_back() -> None:
    @settings(ANY_SPEED, max_examples=2000)
    @given(strategies.arrays())
    def comes_back(value: Any) -> None:
        assert_comes_back(numpy_to_npy, value)

    comes_back()
