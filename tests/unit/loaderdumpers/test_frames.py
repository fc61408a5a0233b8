"""What the frame loaderdumpers do beyond the contract: columns, filters, sidecars, damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from isfdb.testing import assert_identical
from loaderdumpers import pandas_to_parquet


@pytest.fixture
def frame() -> pd.DataFrame:
    days = pd.date_range("2020", periods=6, freq="D", name="day")
    return pd.DataFrame({"rate": [1.0, 5, 3, 8, 2, 9], "cell": list("abcabc"), "kind": pd.Categorical(list("xyxyxy"))}, index=days)


def stored(module: Any, value: Any, folder: Path, **options: Any) -> Any:
    return module.Loader(**json.loads(json.dumps(module.dump(value, str(folder), **options))))


def test_columns_come_in_the_order_asked_for(frame: pd.DataFrame, tmp_path: Path) -> None:
    found = stored(pandas_to_parquet, frame, tmp_path).get(str(tmp_path), columns=["kind", "rate"])
    assert_identical(found, frame[["kind", "rate"]])


def test_no_columns_leave_the_index(frame: pd.DataFrame, tmp_path: Path) -> None:
    assert_identical(stored(pandas_to_parquet, frame, tmp_path).get(str(tmp_path), columns=[]).index, frame.index)


def test_a_column_that_is_not_there_is_named_with_those_that_are(frame: pd.DataFrame, tmp_path: Path) -> None:
    loader = stored(pandas_to_parquet, frame, tmp_path)
    with pytest.raises(ValueError, match=r"\['speed'\].*'rate', 'cell', 'kind'"):
        loader.get(str(tmp_path), columns=["speed"])
    with pytest.raises(ValueError, match="a list of labels"):
        loader.get(str(tmp_path), columns="rate")


@pytest.mark.parametrize("reset", [False, True])
def test_filters_keep_the_rows_and_their_labels(reset: bool, frame: pd.DataFrame, tmp_path: Path) -> None:
    frame = frame.reset_index(drop=True) if reset else frame
    found = stored(pandas_to_parquet, frame, tmp_path).get(str(tmp_path), columns=["cell"], filters=[("rate", ">", 4.0)])
    pd.testing.assert_frame_equal(found, frame[frame["rate"] > 4][["cell"]], check_freq=False)


def test_columns_are_for_frames(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this is a Series"):
        stored(pandas_to_parquet, pd.Series([1]), tmp_path).get(str(tmp_path), columns=["a"])


def test_text_columns_and_categories_read_as_such_elsewhere(frame: pd.DataFrame, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pandas_to_parquet.dump(frame, str(tmp_path))
    table = pq.read_table(tmp_path / "data.parquet")
    assert table.column_names == ["rate", "cell", "kind", "index"]
    assert table["kind"].to_pylist() == list("xyxyxy")


def test_a_wide_frame_keeps_its_plan_in_a_file(tmp_path: Path) -> None:
    wide = pd.DataFrame(np.zeros((2, 500)), columns=[f"channel {n}" for n in range(500)])
    assert pandas_to_parquet.dump(wide, str(tmp_path)) == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.parquet", "frame.json", "labels.parquet"]


def test_ten_thousand_columns_are_kept(tmp_path: Path) -> None:
    wide = pd.DataFrame(np.arange(20_000.0).reshape(2, 10_000))
    pd.testing.assert_frame_equal(stored(pandas_to_parquet, wide, tmp_path).get(str(tmp_path)), wide, check_exact=True)


def test_what_is_loaded_can_be_changed(frame: pd.DataFrame, tmp_path: Path) -> None:
    found = stored(pandas_to_parquet, frame, tmp_path).get(str(tmp_path))
    found.loc[found.index[0], "rate"] = 7.0
    found["rate"].to_numpy().copy()[0] = 1
    assert found["rate"].iloc[0] == 7


def test_a_file_with_another_type_is_not_loaded(tmp_path: Path) -> None:
    arguments = pandas_to_parquet.dump(pd.DataFrame({"a": [1, 2]}), str(tmp_path))
    arguments["plan"]["values"][0]["numpy"] = "<f8"
    with pytest.raises(ValueError, match="int64 where <f8 was stored"):
        pandas_to_parquet.Loader(**arguments).get(str(tmp_path))


def test_what_cannot_be_kept_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"row 1 of an object column: .*object that JSON cannot keep"):
        pandas_to_parquet.dump(pd.DataFrame({"a": [1, object()]}), str(tmp_path))
    with pytest.raises(TypeError, match="not list"):
        pandas_to_parquet.dump([1], str(tmp_path))


@pytest.mark.parametrize("dumper", ["pandas_to_arrow", "pandas_to_parquet"])
def test_what_is_read_lazily_keeps_its_kinds_of_text(dumper: str, db: Any) -> None:
    """dask turns text and objects into another kind of text, unasked."""
    frame = pd.DataFrame({"s": ["x", None], "o": pd.Series([1, "a"], dtype=object), "n": [1, 2]})
    db.set("frame", frame, dumper=dumper)
    lazy = db.get("frame", lazy=True)
    assert lazy.dtypes.tolist() == frame.dtypes.tolist()
    assert_identical(lazy.compute(), frame)
    assert_identical(lazy[["n"]].compute(), frame[["n"]])
