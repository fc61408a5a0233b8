"""Generated arrays come back from a real database as they were, whole, mapped and in part, and never as a pickle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import isfdb
from isfdb.testing import assert_identical, strategies

ANY_SPEED = settings(deadline=None, suppress_health_check=list(HealthCheck))
MAPPED = ("numpy_to_npy", "numpy_masked_to_npy")


def test_they_are_what_they_were(new_folder: Callable[[], str], long_run: bool) -> None:
    """Any warning is an error, that of a pickle too."""
    with isfdb.open(new_folder(), durability="process") as db:

        @settings(ANY_SPEED, max_examples=2000 if long_run else 300)
        @given(strategies.numpy_values(), st.data())
        def come_back(value: Any, data: st.DataObject) -> None:
            db["x"] = value
            assert_identical(db["x"], value)
            if db.entry("x").dumper in MAPPED:
                assert_identical(db.get("x", mmap=data.draw(st.sampled_from("rc"))), value)
            if isinstance(value, np.ndarray) and not isinstance(value, np.matrix):
                select = data.draw(hnp.basic_indices(value.shape, allow_newaxis=True, allow_ellipsis=True, max_dims=6))
                select = select if isinstance(select, tuple) else (select,)  # a bare None asks for the whole
                with np.errstate(over="ignore"):  # numpy's own fill value is too large for small floats in structures
                    expected = value[select]
                assert_part(db.get("x", select=select), expected)

        come_back()


def assert_part(part: Any, expected: Any) -> None:
    assert type(part) is type(expected)
    if isinstance(expected, np.ma.MaskedArray):
        assert_part(part.data, expected.data)
        assert_identical(np.ma.getmaskarray(part), np.ma.getmaskarray(expected))
    elif isinstance(expected, np.ndarray):
        assert part.shape == expected.shape
        assert_identical(np.array(part, order="C"), np.array(expected, order="C"))
    else:
        assert_identical(part, expected)


def test_dicts_of_them_are_what_they_were(new_folder: Callable[[], str], long_run: bool) -> None:
    with isfdb.open(new_folder(), durability="process") as db:

        @settings(ANY_SPEED, max_examples=500 if long_run else 60)
        @given(
            st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), strategies.arrays()), st.booleans()
        )
        def come_back(value: Any, compressed: bool) -> None:
            db.set("x", value, dumper="numpy_to_npz", compressed=compressed)
            assert_identical(db["x"], value)
            for name in value:
                assert_identical(db.get("x", select=name), value[name])

        come_back()
