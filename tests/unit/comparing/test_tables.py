"""Tables of pandas, polars, pyarrow and dask are compared by column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from isfdb.comparing.values import compare_values


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "t": [0.0, 0.5, 1.0],
            "cell": ["L4", "L5", None],
            "n": pd.array([1, None, 3], "Int64"),
            "kind": pd.Categorical(["a", "b", "a"]),
            "at": pd.to_datetime(["2020-01-01", "2020-01-02", None]).tz_localize("Europe/Berlin"),
        },
        index=["x", "y", "z"],
    )


def changed(frame: pd.DataFrame, row: int, column: str, value: Any) -> pd.DataFrame:
    frame = frame.copy()
    frame.iloc[row, list(frame.columns).index(column)] = value
    return frame


@pytest.mark.parametrize(
    ("column", "row", "value", "line"),
    [
        ("t", 1, 0.75, "largest absolute difference 0.25 at row 1 ('y'): 0.5 → 0.75"),
        ("cell", 2, "L6", "the first at row 2 ('z'): missing → 'L6'"),
        ("n", 0, 5, "largest absolute difference 4 at row 0 ('x'): 1 → 5"),
        ("kind", 1, "a", "the first at row 1 ('y'): 'b' → 'a'"),
        ("at", 0, pd.Timestamp("2020-01-03", tz="Europe/Berlin"), "largest absolute difference"),
    ],
)
def test_a_changed_cell_is_found(frame: pd.DataFrame, column: str, row: int, value: Any, line: str):
    found = compare_values(frame, changed(frame, row, column, value))
    assert (found.status, found.because) == ("different", "1 of 6 columns differ")
    (part,) = found.parts
    assert part.where == f"[{column!r}]"
    assert part.lines[0].startswith(line)


def test_columns_that_come_and_go(frame: pd.DataFrame):
    found = compare_values(frame, frame.drop(columns=["n"]).assign(u=1))
    assert found.because == "1 column removed, 1 column added"
    assert found.lines == ("columns only in the first: 'n'", "columns only in the second: 'u'")
    assert compare_values(frame, frame[frame.columns[::-1]]).because == "columns in another order"


def test_rows_are_matched_by_label_where_they_were_removed_or_moved(frame: pd.DataFrame):
    found = compare_values(frame, frame.drop(index="y"))
    assert (found.because, found.lines) == ("1 row removed", ("rows only in the first: 'y'", "2 rows are compared by their labels"))
    assert compare_values(frame, frame.iloc[::-1]).because == "rows in another order"


def test_rows_without_labels_are_matched_by_place():
    found = compare_values(pd.DataFrame({"a": [1, 2, 3]}), pd.DataFrame({"a": [1, 2]}))
    assert found.because == "3 → 2 rows"


def test_the_same_categories_in_another_order_are_equal(frame: pd.DataFrame):
    other = frame.assign(kind=frame["kind"].cat.reorder_categories(["b", "a"]))
    found = compare_values(frame, other)
    assert found.status == "equal"
    assert "category of 2 (a, b) → category of 2 (b, a)" in str(found)


def test_another_dtype_and_another_name_are_equal_in_value(frame: pd.DataFrame):
    assert compare_values(frame[["t"]], frame[["t"]].astype("f4")).status == "equal"
    found = compare_values(frame, frame.rename_axis("cells"))
    assert found.status == "equal"
    assert "names" in str(found)


def test_other_labels_of_the_rows_are_told():
    found = compare_values(pd.DataFrame({"a": [1, 2]}, index=[0.0, 1.0]), pd.DataFrame({"a": [1, 2]}, index=[0.0, 5.0]))
    assert found.status == "different"
    assert "1 row removed, 1 row added" in found.because


def test_columns_of_objects_are_compared_one_by_one():
    first = pd.DataFrame({"a": pd.Series([[1], {"b": 2}, None], dtype=object)})
    second = first.copy(deep=True)
    second.at[1, "a"] = {"b": 3}
    (part,) = compare_values(first, second).parts
    assert (part.where, part.parts[0].where, part.because) == ("['a']", "row 1", "1 of 3 rows differ")


def test_frames_with_two_columns_of_one_name():
    first = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    second = pd.DataFrame([[1, 2], [3, 5]], columns=["a", "a"])
    (part,) = compare_values(first, second).parts
    assert part.lines[0] == "largest absolute difference 1 at row 1: 4 → 5"


def test_a_series_and_an_index():
    assert compare_values(pd.Series([1, 2], name="a"), pd.Series([1, 3], name="a")).status == "different"
    assert compare_values(pd.Index([1, 2]), pd.Index([1, 3])).status == "different"
    assert compare_values(pd.Index([1, 2]), pd.Index([1, 2])).status == "identical"
    assert compare_values(pd.Series([1]), pd.DataFrame([1])).status == "different"


def test_empty_frames():
    assert compare_values(pd.DataFrame(), pd.DataFrame()).status == "identical"
    assert compare_values(pd.DataFrame({"a": []}), pd.DataFrame({"a": []}, dtype="int64")).status == "equal"


def test_polars_and_pyarrow():
    pl = pytest.importorskip("polars")
    first = pl.DataFrame({"t": [1, 2, None], "s": ["a", "b", None], "l": [[1], [2], [3]]})
    second = first.with_columns(t=pl.Series([1, 5, None]), l=pl.Series([[1], [2], [4]]))
    for one, other in ((first, second), (first.lazy(), second.lazy()), (first.to_arrow(), second.to_arrow())):
        found = compare_values(one, other)
        assert found.because == "2 of 3 columns differ"
        assert [part.where for part in found.parts] == ["['t']", "['l']"]
        assert found.parts[0].lines[0] == "largest absolute difference 3 at row 1: 2 → 5"
    assert compare_values(first, first.clone()).status == "identical"
    assert compare_values(first["t"], second["t"]).status == "different"
    assert compare_values(first.to_arrow(), first.to_arrow()).status == "identical"


def test_dask_frames_are_compared_partition_by_partition():
    dd = pytest.importorskip("dask.dataframe")
    first = pd.DataFrame({"a": np.arange(100), "s": [str(number) for number in range(100)]})
    second = first.copy()
    second.loc[77, "a"] = 0
    one, other = dd.from_pandas(first, npartitions=3), dd.from_pandas(second, npartitions=5)
    (part,) = compare_values(one, other).parts
    assert part.lines[0] == "largest absolute difference 77 at row 77: 77 → 0"
    assert compare_values(one, dd.from_pandas(first, npartitions=5)).same
    assert compare_values(one, dd.from_pandas(first.iloc[:90], npartitions=2)).because == "100 → 90 rows"


def test_an_index_with_more_levels_is_another():
    levels = pd.MultiIndex.from_tuples([("x", 1), ("y", 2)])
    found = compare_values(pd.DataFrame({"a": [1, 2]}, index=["x", "y"]), pd.DataFrame({"a": [1, 2]}, index=levels))
    assert (found.status, found.because) == ("different", "index of 1 → 2 levels")
