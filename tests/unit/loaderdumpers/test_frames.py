"""What the frame loaderdumpers do beyond the contract: columns, filters, sidecars, damage."""

from __future__ import annotations

import json
import mmap
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import isfdb
from isfdb.testing import assert_identical
from loaderdumpers import pandas_to_arrow, pandas_to_parquet


@pytest.fixture
def frame() -> pd.DataFrame:
    days = pd.date_range("2020", periods=6, freq="D", name="day")
    return pd.DataFrame({"rate": [1.0, 5, 3, 8, 2, 9], "cell": list("abcabc"), "kind": pd.Categorical(list("xyxyxy"))}, index=days)


def stored(module: Any, value: Any, folder: Path, **options: Any) -> Any:
    folder.mkdir(exist_ok=True)
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
    pandas_to_parquet.dump(frame, str(tmp_path))
    table = pq.read_table(tmp_path / "data.parquet")
    assert table.column_names == ["rate", "cell", "kind", "index"]
    assert table["kind"].to_pylist() == list("xyxyxy")


def test_a_wide_frame_keeps_its_plan_in_a_file(tmp_path: Path) -> None:
    wide = pd.DataFrame(np.zeros((2, 500)), columns=[f"channel {n}" for n in range(500)])
    assert pandas_to_parquet.dump(wide, str(tmp_path)) == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.parquet", "frame.json", "labels.parquet"]


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


# Both formats ----------------------------------------------------------------------------------------------------------------------

FORMATS = pytest.mark.parametrize("module", [pandas_to_parquet, pandas_to_arrow], ids=["parquet", "arrow"])


def mixed_rows(n_rows: int = 1000) -> pd.DataFrame:
    random = np.random.default_rng(1)
    numbers = random.standard_normal(n_rows)
    return pd.DataFrame(
        {
            "trial": np.arange(n_rows),
            "rate": np.where(numbers < -1, np.nan, numbers),
            "cell": pd.Series([f"cell {n % 7}" for n in range(n_rows)], dtype="str"),
            "area": pd.Categorical.from_codes(random.integers(0, 3, n_rows), ["V1", "S1", "M1"]),
            "layer": pd.Categorical.from_codes(random.integers(-1, 3, n_rows), [6, 4, 2]),
            "when": pd.date_range("2020", periods=n_rows, freq="s", unit="s").to_numpy(),
            "good": random.random(n_rows) < 0.5,
            "spikes": pd.Series([np.arange(n % 3, dtype="f8") for n in range(n_rows)], dtype=object),
            "note": pd.Series([[1, "a"], None] * (n_rows // 2), dtype=object),
        }
    )


@FORMATS
def test_filters_compare_values_however_they_are_stored(module: Any, tmp_path: Path) -> None:
    frame = mixed_rows()
    loader = stored(module, frame, tmp_path, **({"row_group_size": 100} if module is pandas_to_parquet else {}))
    noon = pd.Timestamp("2020-01-01 00:10:00")
    for filters, rows in [
        ([("trial", ">=", 990)], frame["trial"] >= 990),
        ([("area", "==", "S1")], frame["area"] == "S1"),
        ([("layer", "in", [4, 2])], frame["layer"].isin([4, 2])),
        ([("when", ">", noon), ("good", "==", True)], (frame["when"] > noon) & frame["good"]),
        ([[("cell", "==", "cell 3")], [("index", "<", 5)]], (frame["cell"] == "cell 3") | (frame.index < 5)),
        (pyarrow.compute.field("rate") > 2, frame["rate"] > 2),
        ([("trial", ">", 5000)], frame["trial"] > 5000),
    ]:
        assert_identical(loader.get(str(tmp_path), filters=filters), frame[rows])
        assert_identical(loader.get(str(tmp_path), filters=filters, columns=["cell", "trial"]), frame[rows][["cell", "trial"]])


@FORMATS
def test_a_filter_that_makes_no_sense_says_so(module: Any, tmp_path: Path) -> None:
    loader = stored(module, mixed_rows(10), tmp_path)
    for filters, what in [
        ([("speed", ">", 1)], "a filter names 'speed'; the columns are 'trial'"),
        ([("area", ">", "S1")], "categories of 'area' are compared by '=='"),
        ([("note", "==", 1)], "filters do not compare"),
        ([("spikes", "==", 1)], "filters do not compare"),
        ([("cell", ">", 1)], "cannot be applied"),
        (["cell"], "a filter is"),
        ("cell", "not a str"),
    ]:
        with pytest.raises(ValueError, match=what):
            loader.get(str(tmp_path), filters=filters)


def test_a_filter_reads_only_row_groups_that_may_match(tmp_path: Path) -> None:
    from loaderdumpers._parquet_files import ParquetFiles

    pandas_to_parquet.dump(mixed_rows(), str(tmp_path), row_group_size=100)
    files = ParquetFiles(str(tmp_path), "", 1000)
    assert files.may_match(pyarrow.compute.field("trial") > 850) == [(800, 900), (900, 1000)]


@FORMATS
def test_filters_name_index_levels_and_odd_labels(module: Any, tmp_path: Path) -> None:
    pairs = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["cell", None])
    frame = pd.DataFrame(np.arange(8).reshape(4, 2), index=pairs, columns=[("x", 1), 2.5])
    loader = stored(module, frame, tmp_path)
    assert_identical(loader.get(str(tmp_path), filters=[("cell", "==", "b")]), frame.loc[["b"]])
    assert_identical(loader.get(str(tmp_path), filters=[(2.5, ">", 4)]), frame[frame[2.5] > 4])
    twice = stored(module, frame.set_axis(["a", "a"], axis=1), tmp_path / "twice")
    with pytest.raises(ValueError, match="2 columns are called 'a'"):
        twice.get(str(tmp_path / "twice"), filters=[("a", "==", 1)])


@FORMATS
def test_a_selection_gives_what_iloc_gives(module: Any, tmp_path: Path) -> None:
    frame = mixed_rows(20)
    loader = stored(module, frame, tmp_path)
    for select in (np.s_[3:9], np.s_[::-2, 1:3], np.s_[5], np.s_[-1, 0], np.s_[:, [2, -1]], np.s_[[4, 2, 2]], np.s_[..., 1]):
        expected = frame.iloc[select] if Ellipsis not in (select if isinstance(select, tuple) else ()) else frame.iloc[:, 1]
        assert_identical(loader.get(str(tmp_path), select=select), expected)
    assert_identical(loader.get(str(tmp_path), select=frame["good"].to_numpy()), frame[frame["good"]])
    for select, what in [(np.s_[20], "names row 20"), (np.s_[0, 9], "names column 9"), ((1, 2, 3), "3 parts"), ("cell", "positions")]:
        with pytest.raises(ValueError, match=what):
            loader.get(str(tmp_path), select=select)


@FORMATS
def test_series_and_indexes_are_selected_too(module: Any, tmp_path: Path) -> None:
    days = pd.date_range("2020", periods=9, freq="D")
    for place, value in enumerate((pd.Series(range(9), index=days, name="n"), days, pd.RangeIndex(9))):
        folder = tmp_path / str(place)
        found = stored(module, value, folder).get(str(folder), select=np.s_[2:8:2])
        assert_identical(found, value[2:8:2])
    with pytest.raises(ValueError, match="name only rows"):
        stored(module, days, tmp_path / "x").get(str(tmp_path / "x"), select=np.s_[1, 2])


@FORMATS
def test_a_lazy_frame_reads_what_it_is_asked_for(module: Any, tmp_path: Path) -> None:
    pytest.importorskip("dask.dataframe")
    frame = mixed_rows().drop(columns=["note", "spikes"])
    loader = stored(module, frame, tmp_path, **({"row_group_size": 300} if module is pandas_to_parquet else {}))
    lazy = loader.get(str(tmp_path), lazy=True)
    assert lazy.known_divisions
    assert lazy.npartitions == (4 if module is pandas_to_parquet else 1)
    assert_identical(lazy.compute(scheduler="synchronous"), frame)
    assert_identical(lazy[["rate", "cell"]].compute(scheduler="synchronous"), frame[["rate", "cell"]])
    assert_identical(loader.get(str(tmp_path), lazy=True, columns=["cell"]).compute(scheduler="synchronous"), frame[["cell"]])
    with pytest.raises(ValueError, match="lazy=True reads by itself"):
        loader.get(str(tmp_path), lazy=True, filters=[("trial", ">", 3)])


@FORMATS
def test_a_lazy_series_keeps_its_name_and_index(module: Any, tmp_path: Path) -> None:
    pytest.importorskip("dask.dataframe")
    series = pd.Series([1.0, 2.0, 3.0], index=list("abc"), name="rate")
    lazy = stored(module, series, tmp_path).get(str(tmp_path), lazy=True)
    assert not lazy.known_divisions
    assert_identical(lazy.compute(scheduler="synchronous"), series)
    with pytest.raises(ValueError, match="dask has no MultiIndex"):
        stored(module, pd.Series([1], index=pd.MultiIndex.from_tuples([(1, 2)])), tmp_path / "m").get(str(tmp_path / "m"), lazy=True)


@FORMATS
def test_attributes_that_json_changes_lie_in_folders_of_their_own(module: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"pair": (1, 2), "signal": np.arange(3000.0), "table": pd.DataFrame({"x": [1, "a"]})}
    arguments = module.dump(frame, str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["attrs-0", "attrs-1"]
    assert [part["Loader"] for part in arguments["parts"]] == ["loaderdumpers.numpy_to_npy", f"loaderdumpers.{module.__name__[14:]}"]
    found = module.Loader(**json.loads(json.dumps(arguments))).get(str(tmp_path))
    assert list(found.attrs) == ["pair", "signal", "table"]
    for name, value in frame.attrs.items():
        assert_identical(found.attrs[name], value)


@FORMATS
def test_sparse_columns_take_the_room_of_what_is_in_them(module: Any, tmp_path: Path) -> None:
    values = np.zeros(1_000_000)
    values[::100_000] = 1
    frame = pd.DataFrame({n: pd.arrays.SparseArray(np.roll(values, n), fill_value=0.0) for n in range(10)})
    loader = stored(module, frame, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 100_000
    assert_identical(loader.get(str(tmp_path), columns=[3]), frame[[3]])
    assert_identical(loader.get(str(tmp_path), select=np.s_[99_990:100_020]), frame.iloc[99_990:100_020])


@FORMATS
def test_a_truth_value_selects_no_row_and_no_column(module: Any, frame: pd.DataFrame, tmp_path: Path) -> None:
    loader = stored(module, frame, tmp_path)
    for select, message in (
        (True, "a mask of shape"),
        (np.s_[:, True], "positions of columns"),
        (np.s_[:, np.array([[0]])], "positions of columns"),
    ):
        with pytest.raises(ValueError, match=message):
            loader.get(str(tmp_path), select=select)


@FORMATS
def test_sparse_labels_are_refused(module: Any, tmp_path: Path) -> None:
    labels = pd.Index(pd.arrays.SparseArray([0, 1, 0]))
    for value in (
        labels,
        pd.Series(range(3), index=labels),
        pd.DataFrame(np.ones((1, 3)), columns=labels),
        pd.MultiIndex.from_arrays([labels]),
    ):
        assert not module.check(value)
        with pytest.raises(TypeError, match="is sparse, which is not kept; make it dense"):
            module.dump(value, str(tmp_path))


@FORMATS
def test_spike_times_are_columns_of_lists(module: Any, tmp_path: Path) -> None:
    module.dump(mixed_rows(10), str(tmp_path))
    table = pyarrow.feather.read_table(tmp_path / "data.arrow") if module is pandas_to_arrow else pq.read_table(tmp_path / "data.parquet")
    assert str(table["spikes"].type) in ("list<item: double>", "list<element: double>")
    assert table["spikes"].to_pylist()[2] == [0.0, 1.0]
    assert table["note"].to_pylist()[:2] == ['[1, "a"]', None]


@FORMATS
def test_many_columns_are_kept(module: Any, tmp_path: Path) -> None:
    wide = pd.DataFrame(np.arange(20_000.0).reshape(2, 10_000))
    loader = stored(module, wide, tmp_path)
    pd.testing.assert_frame_equal(loader.get(str(tmp_path)), wide, check_exact=True)
    assert loader.get(str(tmp_path), columns=[7777]).iloc[1, 0] == 17_777


@FORMATS
def test_statistics_say_what_is_in_the_columns(module: Any) -> None:
    facts = dict(module.summarise(mixed_rows(10))["columns"])
    assert facts["trial"] == {"n_missing": 0, "min": 0, "max": 9, "mean": 4.5}
    assert facts["when"]["max"] == "2020-01-01 00:00:09"
    assert facts["note"] == {"n_missing": 5}
    assert module.summarise(pd.Series([float("inf"), 1.0])) == {"n_missing": 0, "min": 1.0, "max": "inf", "mean": "inf"}


def test_the_description_names_the_index() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2020", periods=2, freq="D", name="day"))
    facts = pandas_to_parquet.describe(frame)["index"]
    assert facts | {"dtype": ""} == {
        "type": "DatetimeIndex",
        "dtype": "",
        "name": "day",
        "range": ["2020-01-01 00:00:00", "2020-01-02 00:00:00"],
    }
    pairs = pd.MultiIndex.from_tuples([(1, "a")], names=["x", None])
    assert pandas_to_parquet.describe(pairs)["levels"][0] == ["x", "int64"]


# Arrow files -----------------------------------------------------------------------------------------------------------------------


def is_in_a_map(array: np.ndarray) -> bool:
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return isinstance(array, mmap.mmap) or (isinstance(array, memoryview) and isinstance(array.obj, mmap.mmap))


def test_numbers_are_mapped_and_changes_stay_in_memory(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(1000.0), "t": pd.date_range("2020", periods=1000)})
    loader = stored(pandas_to_arrow, frame, tmp_path)
    found = loader.get(str(tmp_path))
    assert is_in_a_map(found["a"].to_numpy())
    assert is_in_a_map(found["t"].to_numpy())
    found.iloc[0, 0] = 7.0
    assert found.iloc[0, 0] == 7
    assert_identical(loader.get(str(tmp_path)), frame)


def test_a_map_for_reading_cannot_be_changed(tmp_path: Path) -> None:
    loader = stored(pandas_to_arrow, pd.Series(np.arange(10.0)), tmp_path)
    assert not loader.get(str(tmp_path), mmap="r").array._ndarray.flags.writeable
    assert not is_in_a_map(loader.get(str(tmp_path), mmap=None).to_numpy())
    with pytest.raises(ValueError, match="is none of 'c'"):
        loader.get(str(tmp_path), mmap="w")


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_columns_come_back(compression: str, tmp_path: Path) -> None:
    frame = mixed_rows(100)
    assert_identical(stored(pandas_to_arrow, frame, tmp_path, compression=compression).get(str(tmp_path)), frame)


def test_the_setting_chooses_the_format(db: Any) -> None:
    frame = pd.DataFrame({"a": [1]})
    db["a"] = frame
    with isfdb.set_options(frame_format="arrow"):
        db["b"] = frame
    assert (db.entry("a").dumper, db.entry("b").dumper) == ("pandas_to_parquet", "pandas_to_arrow")


# Changed while it is written -------------------------------------------------------------------------------------------------------


class Disturbed:
    """Changes an array all the time, in another thread."""

    def __init__(self, array: np.ndarray) -> None:
        self._array, self._stop = array, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._array += 1

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@FORMATS
@pytest.mark.parametrize("dtype", ["f8", "i2"])
def test_memory_that_changes_while_it_is_written_is_noticed(module: Any, dtype: str, db: Any) -> None:
    values = np.zeros(2_000_000, dtype)
    frame = pd.DataFrame({"rate": pd.Series(values, copy=False)}, copy=False)
    assert np.shares_memory(frame["rate"].to_numpy(), values)
    what = r"'k'.*the column 'rate' was changed while it was written.*copy"
    with isfdb.set_options(durability="process"), Disturbed(values), pytest.raises(isfdb.errors.DumpError, match=what):
        for _ in range(1000):  # on a busy machine the other thread may sleep through a whole dump
            db.set("k", frame, dumper=module.__name__[14:])
            db.collect(grace_s=0, trash_s=0)


@pytest.mark.skipif(pd.__version__ < "3", reason="before pandas 3, frames share what they hold")
@FORMATS
def test_a_frame_changed_through_pandas_is_stored_as_it_was(module: Any, tmp_path: Path) -> None:
    from loaderdumpers._frame_writing import Staged

    frame = pd.DataFrame({"a": np.arange(1000.0), "b": np.arange(1000)})
    staged = Staged(frame, "pandas_to_arrow")
    frame.loc[:, "a"] = 7.0
    frame["b"] += 1
    assert [column.to_pylist()[5] for column in staged.writer.columns.values()] == [5.0, 5]


def test_a_cell_put_in_place_of_another_is_noticed() -> None:
    from loaderdumpers._frame_writing import ChangedWhileWrittenError, Watch

    cells = np.array(["a", [1]], dtype=object)
    watch = Watch([("note", cells)])
    watch.check()
    cells[0] = "b"
    with pytest.raises(ChangedWhileWrittenError, match="'note' was changed"):
        watch.check()


# Damage ----------------------------------------------------------------------------------------------------------------------------


@FORMATS
def test_a_file_cut_short_is_named(module: Any, tmp_path: Path) -> None:
    loader = stored(module, mixed_rows(), tmp_path)
    path = next(tmp_path.glob("data.*"))
    for size in (0, 4, path.stat().st_size // 2, path.stat().st_size - 3):
        whole = path.read_bytes()
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=f"{path.name} is no whole"):
            loader.get(str(tmp_path))
        path.write_bytes(whole)


@FORMATS
def test_a_missing_column_is_named_with_its_file(module: Any, tmp_path: Path) -> None:
    arguments = module.dump(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), str(tmp_path))
    arguments["plan"]["values"][1]["in"] = "gone"
    with pytest.raises(ValueError, match=r"data\.\w+ has no column 'gone'"):
        module.Loader(**arguments).get(str(tmp_path))


LOST_LABELS = {"values": {"in": "l0", "string": "pyarrow", "missing": "nan"}}
LOST_CATEGORIES = {"categories": {"name": None, "range": [0, 1, 1]}, "ordered": False}
LIES: dict[str, tuple[Any, str]] = {
    "another dtype": (lambda plan: plan["values"][0].update(numpy="<f8"), "int64 where <f8 was stored"),
    "text for numbers": (lambda plan: plan["values"][1].update(numpy="<i8"), "where <i8 was stored"),
    "more rows": (lambda plan: plan.update(rows=9), "has 2 rows where 9 were stored"),
    "fewer rows": (lambda plan: plan.update(rows=1), "has 2 rows where 1 were stored"),
    "no rows": (lambda plan: plan.pop("rows"), "describes no frame"),
    "another kind": (lambda plan: plan.update(kind="Panel"), "describes no frame"),
    "too few columns": (lambda plan: plan["values"].pop(), "2 column labels are stored for 1 columns"),
    "a column without a place": (lambda plan: plan["values"][0].pop("in"), "does not fit"),
    "an unknown form": (lambda plan: plan["values"].__setitem__(0, {"in": "a", "quantum": 1}), "a newer one may have written it"),
    "another range": (lambda plan: plan["index"].update(range=[0, 5, 1]), "5 labels"),
    "no index": (lambda plan: plan.pop("index"), "does not fit"),
    "labels in a list that is not there": (lambda plan: plan["columns"].update(LOST_LABELS), "labels"),
    "categories that are not there": (lambda plan: plan["values"][0].update(LOST_CATEGORIES), "codes need to be"),
}


@FORMATS
@pytest.mark.parametrize("lie", LIES)
def test_a_plan_that_lies_is_refused(lie: str, module: Any, tmp_path: Path) -> None:
    change, what = LIES[lie]
    arguments = module.dump(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), str(tmp_path))
    change(arguments["plan"])
    with pytest.raises((ValueError, FileNotFoundError), match=what):
        module.Loader(**arguments).get(str(tmp_path))


@FORMATS
def test_a_damaged_cell_is_refused(module: Any, tmp_path: Path) -> None:
    arguments = module.dump(pd.DataFrame({"a": ["1, 2", "[3"]}, dtype=object), str(tmp_path))
    arguments["plan"]["values"][0] = {"in": "a", "object": "json"}
    with pytest.raises(ValueError, match="a cell is no JSON"):
        module.Loader(**arguments).get(str(tmp_path))


class Exploding:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was loaded",))


def test_pickled_metadata_is_not_read(tmp_path: Path) -> None:
    """Arrow files may name a Python class to be unpickled, or carry metadata for pandas: neither is looked at."""
    pickled = pickle.dumps(Exploding())
    field = pyarrow.field(
        "a",
        pyarrow.int64(),
        metadata={"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickled},
    )
    schema = pyarrow.schema([field], metadata={"pandas": pickled})
    table = pyarrow.table([pyarrow.array([1, 2])], schema=schema)
    for module, name in ((pandas_to_parquet, "data.parquet"), (pandas_to_arrow, "data.arrow")):
        loader = stored(module, pd.DataFrame({"a": [1, 2]}), tmp_path / name)
        path = tmp_path / name / name
        if module is pandas_to_parquet:
            pq.write_table(table, path)
        else:
            with pyarrow.ipc.new_file(path, schema) as writer:
                writer.write_table(table)
        assert_identical(loader.get(str(path.parent)), pd.DataFrame({"a": [1, 2]}))
