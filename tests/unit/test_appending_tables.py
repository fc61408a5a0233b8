"""``db.append`` of tables and of arrays in other formats: the result is what the library itself joins, in the type that was stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import isfdb
from isfdb.errors import AppendError
from isfdb.testing import assert_identical


def frame(start: int, n: int = 3) -> pd.DataFrame:
    days = pd.date_range("2020", periods=1000, freq="D")[start : start + n]
    kinds = pd.Categorical(["a", "b", "a"][:n], categories=["b", "a", "unused"], ordered=True)
    return pd.DataFrame({"t": np.arange(n) + start, "kind": kinds, "text": ["x", None, "é"][:n], 3: np.full(n, 1.5)}, index=days)


FORMATS = ["pandas_to_arrow", "pandas_to_parquet"]


@pytest.mark.parametrize("dumper", FORMATS)
def test_a_frame_grows_as_pandas_joins(dumper: str, db: Any) -> None:
    blocks = [frame(3 * number) for number in range(10)]
    db.set("log", blocks[0], dumper=dumper)
    for block in blocks[1:]:
        db.append("log", block)
    whole = pd.concat(blocks)
    assert_identical(db["log"], whole)
    assert_identical(db.get("log", columns=["text", 3]), whole[["text", 3]])
    assert_identical(db.get("log", np.s_[5:20:3]), whole.iloc[5:20:3])
    assert_identical(db.get("log", np.s_[-4:]), whole.iloc[-4:])
    assert_identical(db.get("log", lazy=True).compute(), whole)
    assert db.entry("log").describe["shape"] == [30, 4]
    assert not isfdb.verify(db)


@pytest.mark.parametrize("dumper", FORMATS)
def test_rows_can_be_numbered_on(dumper: str, db: Any) -> None:
    db.set("log", pd.DataFrame({"a": [1, 2]}), dumper=dumper)
    for number in range(3):
        db.append("log", pd.DataFrame({"a": [number]}), ignore_index=True)
    assert_identical(db["log"], pd.DataFrame({"a": [1, 2, 0, 1, 2]}))


def test_series_and_indexes_grow(db: Any) -> None:
    db["series"] = pd.Series([1.0, 2.0], name="v", index=["a", "b"])
    db.append("series", pd.Series([3.0], name="v", index=["c"]))
    assert_identical(db["series"], pd.Series([1.0, 2.0, 3.0], name="v", index=["a", "b", "c"]))
    db["index"] = pd.Index([1, 2], name="n")
    db.append("index", pd.Index([3], name="n"))
    assert_identical(db["index"], pd.Index([1, 2, 3], name="n"))


def test_attributes_of_a_frame_are_kept(db: Any) -> None:
    first, second = frame(0), frame(3)
    first.attrs = second.attrs = {"unit": "mV"}
    db["log"] = first
    db.append("log", second)
    assert db["log"].attrs == {"unit": "mV"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.rename(columns={"t": "time"}), "columns"),
        (lambda table: table[["kind", "t", "text", 3]], "columns"),
        (lambda table: table.astype({"t": "int32"}), "dtypes"),
        (lambda table: table.assign(kind=table["kind"].cat.remove_unused_categories()), "dtypes"),
        (lambda table: table.reset_index(drop=True), "index"),
        (lambda table: table["t"], "holds a DataFrame, and what was given is a Series"),
        (lambda table: table.to_numpy(), "is a ndarray"),
    ],
)
def test_a_table_of_another_form_is_refused(change: Any, message: str, db: Any) -> None:
    db["log"] = frame(0)
    with pytest.raises(AppendError, match=message):
        db.append("log", change(frame(3)))
    assert len(db.versions("log")) == 1


@pytest.mark.parametrize("dumper", FORMATS)
def test_a_table_that_forbids_duplicate_labels_does_not_grow(dumper: str, db: Any) -> None:
    table = pd.DataFrame({"a": [1]}, index=["x"]).set_flags(allows_duplicate_labels=False)
    db.set("log", table, dumper=dumper)
    with pytest.raises(AppendError, match="forbid duplicate labels"):
        db.append("log", table)
    assert_identical(db["log"], table)


def test_a_table_with_arrays_among_its_attributes_grows(db: Any) -> None:
    first, second, other = (pd.DataFrame({"a": [number]}) for number in range(3))
    first.attrs, second.attrs, other.attrs = ({"signal": np.arange(3000.0)} for _ in range(3))
    db["log"] = first
    db.append("log", second)
    assert db["log"]["a"].tolist() == [0, 1]
    assert_identical(db["log"].attrs["signal"], np.arange(3000.0))
    other.attrs["signal"][1500] = -1
    with pytest.raises(AppendError, match="attrs of the stored table"):
        db.append("log", other)
    assert list(other.attrs) == ["signal"]


def test_text_stored_otherwise_is_refused(db: Any) -> None:
    db["text"] = pd.Series(["a"], dtype=pd.StringDtype("pyarrow", na_value=float("nan")))
    with pytest.raises(AppendError, match=r"of pyarrow.*of python"):
        db.append("text", pd.Series(["b"], dtype=pd.StringDtype("python", na_value=float("nan"))))


def test_a_table_grows_by_rows_only(db: Any) -> None:
    db["log"] = frame(0)
    with pytest.raises(AppendError, match="along axis 1"):
        db.append("log", frame(3), axis=1)


def test_tables_are_gathered_in_memory(db: Any) -> None:
    with db.appending("log") as log:
        for number in range(20):
            log.append(frame(3 * number))
    assert len(db.versions("log")) == 2
    assert_identical(db["log"], pd.concat([frame(3 * number) for number in range(20)]))


def test_gathered_tables_can_be_numbered_on(db: Any) -> None:
    db["log"] = pd.DataFrame({"a": [0]})
    with db.appending("log", ignore_index=True) as log:
        for number in (1, 2, 3):
            log.append(pd.DataFrame({"a": [number]}))
    assert_identical(db["log"], pd.DataFrame({"a": [0, 1, 2, 3]}))


def test_a_zarr_array_grows(db: Any) -> None:
    db.set("z", np.arange(12.0).reshape(3, 4), dumper="numpy_to_zarr", chunks=(2, 2))
    for number in range(9):
        db.append("z", np.full((3, 1), float(number)), axis=-1)
    whole = np.concatenate([np.arange(12.0).reshape(3, 4), *[np.full((3, 1), float(number)) for number in range(9)]], axis=1)
    assert_identical(db["z"], whole)
    assert_identical(db.get("z", np.s_[1:, 3:9]), whole[1:, 3:9])
    assert_identical(db.get("z", lazy=True).compute(), whole)


def test_a_lazy_array_has_a_chunk_for_each_block(db: Any) -> None:
    for number in range(4):
        db.append("x", np.full((2, 3), number))
    lazy = db.get("x", lazy=True)
    assert lazy.chunks == ((2, 2, 2, 2), (3,))
    assert_identical(lazy.compute(), db["x"])


def test_polars_and_pyarrow_tables_grow(db: Any) -> None:
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    db["p"] = polars.DataFrame({"a": [1], "b": ["x"]})
    db.append("p", polars.DataFrame({"a": [2], "b": [None]}, schema={"a": polars.Int64, "b": polars.String}))
    assert db["p"].equals(polars.DataFrame({"a": [1, 2], "b": ["x", None]}))
    db["t"] = pyarrow.table({"a": [1, 2]})
    db.append("t", pyarrow.table({"a": [3]}))
    assert db["t"].equals(pyarrow.table({"a": [1, 2, 3]}))
    assert db.get("t", slice(1, 3)).equals(pyarrow.table({"a": [2, 3]}))
    for key, other in (("p", polars.DataFrame({"a": [1.5], "b": ["x"]})), ("t", pyarrow.table({"b": [3]}))):
        with pytest.raises(AppendError, match="the stored table has"):
            db.append(key, other)
