"""Generated pandas values come back from a real database as they are, in both formats; and so does any part of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import isfdb
from isfdb.testing import assert_identical, strategies

ANY_SPEED = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_frames_and_series_come_back_from_a_database(form: str, new_folder: Callable[[], str], long_run: bool) -> None:
    with isfdb.set_options(frame_format=form), isfdb.open(new_folder(), durability="process") as db:

        @settings(ANY_SPEED, max_examples=2000 if long_run else 150)
        @given(strategies.frames() | strategies.series())
        def come_back(value: Any) -> None:
            db["value"] = value
            assert db.entry("value").dumper == f"pandas_to_{form}"
            found = db["value"]
            assert_identical(found, value)

        come_back()


def _slices(length: int) -> st.SearchStrategy[slice]:
    return st.slices(length).filter(lambda chosen: chosen.step is None or abs(chosen.step) < 2**31)  # pandas refuses longer steps


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_selection_is_what_iloc_gives(form: str, new_folder: Callable[[], str], long_run: bool) -> None:
    with isfdb.set_options(frame_format=form), isfdb.open(new_folder(), durability="process") as db:

        @settings(ANY_SPEED, max_examples=500 if long_run else 40)
        @given(strategies.frames(), st.data())
        def agrees(frame: Any, data: st.DataObject) -> None:
            n_rows, n_columns = frame.shape
            columns = _slices(n_columns) | (st.lists(st.integers(0, n_columns - 1), max_size=3) if n_columns else st.just([]))
            rows = _slices(n_rows) | (st.lists(st.integers(-n_rows, n_rows - 1), max_size=4) if n_rows else st.just([]))
            select = data.draw(st.tuples(rows, columns))
            frame = frame.set_flags(allows_duplicate_labels=True)
            db["frame"] = frame
            expected = frame.iloc[select]
            assert_identical(db.get("frame", select=select), expected)
            assert_identical(db.get("frame", select=select[0]), frame.iloc[select[0]])

        agrees()


def test_a_filter_finds_the_rows_that_pandas_finds(new_folder: Callable[[], str]) -> None:
    with isfdb.open(new_folder(), durability="process") as db:

        @settings(ANY_SPEED, max_examples=60)
        @given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from(["a", "b", None])), max_size=30), st.integers(-3, 3), st.booleans())
        def agrees(rows: list[Any], bound: int, is_arrow: bool) -> None:
            import pandas as pd

            frame = pd.DataFrame({"n": np.array([n for n, _ in rows], "i4"), "text": pd.Series([t for _, t in rows], dtype="str")})
            name = "pandas_to_arrow" if is_arrow else "pandas_to_parquet"
            db.set("frame", frame, dumper=name, **({} if is_arrow else {"row_group_size": 7}))
            found = db.get("frame", filters=[[("n", ">", bound), ("text", "==", "a")], [("index", "==", 2)]])
            expected = frame[((frame["n"] > bound) & (frame["text"] == "a")) | (frame.index == 2)]
            pd.testing.assert_frame_equal(found, expected)

        agrees()
