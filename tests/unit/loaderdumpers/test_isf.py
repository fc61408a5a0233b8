"""The readers of ISF's files: what ISF wrote comes back as it was, and what is damaged, spoilt or missing is named."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import isfdb
from isfdb.errors import DumpError, LoadError, MissingDependencyError
from isfdb.identical import assert_identical
from loaderdumpers import (
    cell,
    dask_to_msgpack,
    genetic_algorithm_generation,
    isf_dask_to_parquet,
    isf_numpy_to_npy,
    isf_numpy_to_npz,
    isf_numpy_to_zarr,
    isf_pandas_to_parquet,
    isf_shared_numpy_store,
    isf_to_cloudpickle,
    isf_to_pickle,
    numpy_to_msgpack,
    pandas_to_msgpack,
    to_msgpack,
)
from loaderdumpers._isf import ObjectMeta, divisions_of, label_of, read_object_meta
from tests.compatibility.isf_samples import DATA, MSGPACK, REAL

msgpack = pytest.importorskip("msgpack")


def load(module: Any, folder: Path | str, **options: Any) -> Any:
    return module.Loader().get(str(folder), **options)


def expected(name: str) -> Any:
    return np.load(DATA / "expected" / name)


def frame() -> pd.DataFrame:
    told = json.loads((DATA / "expected" / "pdf.json").read_text())
    found = pd.DataFrame(
        told["data"], columns=pd.Index(told["columns"], dtype=object), index=pd.Index(told["index"], dtype=object, name="trial")
    )
    return found.astype({"a": "int64", "b": object, "flag": bool}).assign(x=np.linspace(0, 1, 6))  # of which JSON keeps fewer digits


def strings_as_objects(values: list[Any], name: Any = None) -> pd.Index:
    return pd.Index(values, dtype=object, name=name)


# Arrays ----------------------------------------------------------------------------------------------------------------------------


def test_arrays_come_back():
    assert_identical(load(isf_numpy_to_npy, REAL / "numpy_to_npy"), expected("arr2d.npy"))
    assert_identical(load(isf_numpy_to_npy, REAL / "numpy_to_npy", mmap="r"), expected("arr2d.npy"))
    assert_identical(load(isf_numpy_to_npz, REAL / "numpy_to_npz"), expected("arrf.npy"))
    assert_identical(load(isf_numpy_to_zarr, REAL / "numpy_to_zarr"), expected("arr2d.npy"))
    assert_identical(load(isf_numpy_to_zarr, REAL / "numpy_to_zarr_1d"), expected("arr1d.npy"))
    assert_identical(load(numpy_to_msgpack, REAL / "numpy_to_msgpack"), expected("arrf.npy"))
    assert load(isf_numpy_to_zarr, REAL / "numpy_to_zarr", lazy=True)[3, 4] == expected("arr2d.npy")[3, 4]
    with pytest.raises(ValueError, match="mmap is 'w'"):
        load(isf_numpy_to_npy, REAL / "numpy_to_npy", mmap="w")


def test_a_missing_chunk_is_no_zeros(tmp_path: Path):
    shutil.copytree(REAL / "numpy_to_zarr", tmp_path / "key")
    (tmp_path / "key" / "obj.zarr" / "0.0").unlink()
    with pytest.raises(ValueError, match="0 of its 1 chunks"):
        load(isf_numpy_to_zarr, tmp_path / "key")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"filters": [{"id": "pickle"}]}, "the codec 'pickle', which may run code"), ({"dtype": "|O"}, "holds Python objects")],
)
def test_a_zarr_array_that_may_run_code_is_refused(tmp_path: Path, change: dict[str, Any], complaint: str):
    shutil.copytree(REAL / "numpy_to_zarr", tmp_path / "key")
    path = tmp_path / "key" / "obj.zarr" / ".zarray"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=complaint):
        load(isf_numpy_to_zarr, tmp_path / "key")


def test_arrays_of_objects_are_refused(tmp_path: Path):
    np.save(tmp_path / "np.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        load(isf_numpy_to_npy, tmp_path)


def test_a_cut_archive_is_named(tmp_path: Path):
    (tmp_path / "np.npz").write_bytes((REAL / "numpy_to_npz" / "np.npz").read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"np\.npz is damaged"):
        load(isf_numpy_to_npz, tmp_path)


# Frames ----------------------------------------------------------------------------------------------------------------------------


def test_frames_come_back_with_labels_and_objects():
    assert_identical(load(isf_pandas_to_parquet, REAL / "pandas_to_parquet"), frame())
    mixed = load(isf_pandas_to_parquet, REAL / "pandas_to_parquet_mixed_colnames")
    assert list(mixed.columns) == [0, 1, "2", "myname"] and [type(one) for one in mixed.columns] == [int, int, str, str]
    assert list(mixed[1]) == ["1", "2", "3"] * 2 and mixed[1].dtype == object and type(mixed.index) is pd.RangeIndex
    floats = load(isf_pandas_to_parquet, REAL / "pandas_to_parquet_float_colnames")
    assert_identical(floats.columns, pd.Index([100.0, 100.025, 100.05, 100.075, 100.1]))
    values = pd.read_csv(DATA / "expected" / "pdf_float_cols_values.csv", index_col=0).to_numpy()
    assert np.allclose(floats.to_numpy(), values, rtol=1e-14) and floats.index.name == "sim_trial_index"


def test_some_columns_are_read_by_the_label_they_had():
    found = load(isf_pandas_to_parquet, REAL / "pandas_to_parquet_mixed_colnames", columns=["2", 0])
    assert list(found.columns) == ["2", 0] and list(found[0]) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ValueError, match=r"the column 'z' was asked for; stored are 0, 1, '2', 'myname'"):
        load(isf_pandas_to_parquet, REAL / "pandas_to_parquet_mixed_colnames", columns=["z"])
    with pytest.raises(ValueError, match="takes a list of labels"):
        load(isf_pandas_to_parquet, REAL / "pandas_to_parquet", columns="a")


def test_a_frame_without_object_meta_is_read_as_parquet_tells(tmp_path: Path):
    shutil.copy(REAL / "pandas_to_parquet" / "pandas_to_parquet.parquet", tmp_path)
    assert_identical(load(isf_pandas_to_parquet, tmp_path), frame())


def test_object_meta_that_contradicts_itself_is_named(tmp_path: Path):
    shutil.copytree(REAL / "pandas_to_parquet", tmp_path / "key")
    meta = tmp_path / "key" / "object_meta.json"
    told = json.loads(meta.read_text())
    meta.write_text(json.dumps(told | {"columns": ["a"], "column_name_dtypes": ["<U1"], "dtypes": ["int64"]}))
    with pytest.raises(ValueError, match="has 4 columns where object_meta names 1"):
        load(isf_pandas_to_parquet, tmp_path / "key")
    meta.write_text(json.dumps({"columns": ["a"]}))
    with pytest.raises(ValueError, match=r"object_meta.json contradicts itself"):
        load(isf_pandas_to_parquet, tmp_path / "key")


def test_labels_are_what_they_were():
    cases = [("a", "<U1"), ("é", "|S2"), ("1", "int64"), ("0.025", "float64"), ("True", "bool"), ("2020-01-01", "datetime64[D]")]
    found = [label_of(text, dtype) for text, dtype in cases]
    assert found == ["a", "é", 1, 0.025, True, np.datetime64("2020-01-01")] and type(found[2]) is int
    assert type(label_of("7", "int32")) is np.int32


def test_object_meta_may_lie_in_any_of_isfs_files():
    floats = read_object_meta(str(MSGPACK / "float_index"))
    assert floats == ObjectMeta([0.0, 0.025], ["float64", "float64"], "float64", "t")
    assert read_object_meta(str(MSGPACK / "number_texts")) == ObjectMeta(["v"], ["int64"], "object", "trial")
    assert read_object_meta(str(REAL / "numpy_to_npy")) is None


# Lazy frames -----------------------------------------------------------------------------------------------------------------------


def test_lazy_frames_come_back():
    lazy = load(isf_dask_to_parquet, REAL / "dask_to_parquet")
    assert lazy.divisions == ("t0", "t3", "t5") and lazy.npartitions == 2
    pd.testing.assert_frame_equal(lazy.compute(), frame(), check_dtype=False, check_index_type=False)
    assert list(lazy.loc["t2":"t4"].compute()["a"]) == [3, 4, 5]
    floats = load(isf_dask_to_parquet, REAL / "dask_to_parquet_float_cols", columns=[100.05])
    assert list(floats.columns) == [100.05] and floats.compute().shape == (4, 1)


def test_divisions_that_isf_spoilt_are_taken_from_the_files(tmp_path: Path):
    index = pd.Index([0.05, 0.45, 0.85, 0.95], name="t")
    whole = pd.DataFrame({"v": [1, 2, 3, 4]}, index=index)
    for number in range(2):
        whole.iloc[2 * number : 2 * number + 2].to_parquet(tmp_path / f"pandas_to_parquet.2.{number}.parquet")
    (tmp_path / "divisions.json").write_text("[0, 0, 0]")
    lazy = load(isf_dask_to_parquet, tmp_path)
    assert lazy.divisions == (0.05, 0.85, 0.95) and list(lazy.loc[0.6:].compute()["v"]) == [3, 4]
    whole.iloc[[0, 3]].to_parquet(tmp_path / "pandas_to_parquet.2.0.parquet")  # no longer in order
    lazy = load(isf_dask_to_parquet, tmp_path)
    assert not lazy.known_divisions and sorted(lazy.loc[0.6:].compute()["v"]) == [3, 4, 4]


@pytest.mark.parametrize(
    ("found", "dtype", "believed"),
    [
        (["a", "b", "c"], "O", True),
        (["a", "b", "c"], "f8", False),
        ([1, 2, 3], "i8", True),
        ([1, 2, 3], "O", False),
        ([0, 0, 0], "f8", False),
        ([1, "b", "c"], "O", False),
        ([3, 2, 1], "i8", False),
        ([1, 2], "i8", False),
        ([None, None, None], "O", False),
        (None, "O", False),
        ({"a": 1}, "O", False),
        ([True, True, True], "i8", False),
    ],
)
def test_divisions_are_believed_only_where_they_cannot_be_spoilt(found: Any, dtype: str, believed: bool):
    assert (divisions_of(found, 2, np.dtype(dtype)) is not None) is believed


def test_a_missing_partition_is_named(tmp_path: Path):
    shutil.copytree(REAL / "dask_to_parquet", tmp_path / "parquet")
    (tmp_path / "parquet" / "pandas_to_parquet.2.0.parquet").unlink()
    with pytest.raises(ValueError, match="partition 0 of the Parquet files is missing"):
        load(isf_dask_to_parquet, tmp_path / "parquet")
    shutil.copy(REAL / "dask_to_parquet" / "pandas_to_parquet.2.0.parquet", tmp_path / "parquet")
    (tmp_path / "parquet" / "pandas_to_parquet.2.1.parquet").unlink()
    with pytest.raises(ValueError, match=r"there are 1 Parquet files .* where their names speak of \[2\]"):
        load(isf_dask_to_parquet, tmp_path / "parquet")
    shutil.copytree(MSGPACK / "synapse_activation", tmp_path / "msgpack")
    (tmp_path / "msgpack" / "dask_to_msgpack.0.csv").unlink()
    with pytest.raises(ValueError, match=r"partition 0 .* is missing"):
        load(dask_to_msgpack, tmp_path / "msgpack")


def test_texts_that_isf_made_categories_of_are_texts_again():
    lazy = load(dask_to_msgpack, MSGPACK / "synapse_activation", verbose=True)
    found = lazy.compute()
    assert found["synapse_type"].dtype == lazy.get_partition(1).compute().index.dtype == object
    assert list(found.index) == ["r/000000", "r/000000", "r/000001"] and list(found["synapse_type"]) == ["VPM_C2", "L4ss_C2", "VPM_C2"]
    assert found.index.name == "sim_trial_index" and list(found["1"].isna()) == [False, True, True]


# pandas' msgpack -------------------------------------------------------------------------------------------------------------------

FRAMES: dict[str, Any] = {
    "mixed.blosc": lambda: pd.DataFrame(
        {
            "a": [1, 2, 3],
            "b": pd.Series(["x", None, "é"], dtype=object),
            "c": [1.5, np.nan, -0.0],
            "d": [True, False, True],
            "e": np.array([1, 2, 3], "int8"),
        },
    ).set_axis(strings_as_objects(["t0", "t1", "t2"], "trial")),
    "cat.blosc": lambda: pd.DataFrame(
        {"k": pd.Categorical(strings_as_objects(["a", "b", "a"])), "v": [1, 2, 3]},
        index=pd.CategoricalIndex(strings_as_objects(["p", "q", "p"])),
    ),
    "dates.blosc": lambda: pd.DataFrame(
        {"d": pd.date_range("2020", periods=3, unit="ns"), "t": np.array([1, 2, 3], "m8[s]").astype("m8[ns]")},
        index=pd.date_range("2021", periods=3, freq="D", unit="ns"),
    ),
    "tz.blosc": lambda: pd.DataFrame({"v": [1, 2]}, index=pd.date_range("2021", periods=2, freq="D", tz="Europe/Berlin", unit="ns")),
    "multi.blosc": lambda: pd.DataFrame(
        {"v": [1, 2, 3]}, index=pd.MultiIndex.from_arrays([strings_as_objects(["a", "a", "b"]), pd.Index([1, 2, 1])], names=["x", "y"])
    ),
    "empty.blosc": lambda: pd.DataFrame({"a": np.array([], "f8"), "b": np.array([], object)}),
    "intnames.zlib": lambda: pd.DataFrame({0: [1], 1: pd.Series(["a"], dtype=object), "2": [2.5], "m": pd.Series(["b"], dtype=object)}),
    "stamps.blosc": lambda: pd.DataFrame({"o": [pd.Timestamp("2020-01-01").as_unit("ns"), "x", None]}, dtype=object),
}


@pytest.mark.parametrize("name", FRAMES)
def test_what_pandas_msgpack_wrote_comes_back(name: str, tmp_path: Path):
    shutil.copy(MSGPACK / name, tmp_path / "pandas_to_msgpack")
    value = FRAMES[name]()
    if value.columns.dtype != object:
        value.columns = pd.Index(list(value.columns), dtype=object)
    found = load(pandas_to_msgpack, tmp_path)
    pd.testing.assert_frame_equal(found, value, check_exact=True, check_freq=True)
    assert [type(one) for one in found.columns] == [type(one) for one in value.columns]


def test_series_and_wide_frames_come_back(tmp_path: Path):
    shutil.copy(MSGPACK / "oseries.blosc", tmp_path / "pandas_to_msgpack")
    assert_identical(load(pandas_to_msgpack, tmp_path), pd.Series(["x", None, 3], dtype=object))
    shutil.copy(MSGPACK / "wide.blosc", tmp_path / "pandas_to_msgpack")
    assert load(pandas_to_msgpack, tmp_path).shape == (3, 300)


def test_real_msgpack_frames_come_back_in_one_file_or_several(tmp_path: Path):
    assert_identical(load(pandas_to_msgpack, REAL / "pandas_to_msgpack"), frame())
    assert_identical(load(pandas_to_msgpack, REAL / "pandas_to_msgpack_split"), frame())
    shutil.copytree(REAL / "pandas_to_msgpack_split", tmp_path / "key")
    (tmp_path / "key" / "pandas_to_msgpack_0").unlink()
    with pytest.raises(ValueError, match=r"partition 0 of the files pandas_to_msgpack_0 ... is missing"):
        load(pandas_to_msgpack, tmp_path / "key")


@pytest.mark.parametrize("kept", [0, 1, 50, 400, -1])
def test_a_cut_msgpack_file_is_named(tmp_path: Path, kept: int):
    data = (REAL / "pandas_to_msgpack" / "pandas_to_msgpack").read_bytes()
    (tmp_path / "pandas_to_msgpack").write_bytes(data[:kept])
    with pytest.raises(ValueError, match=r"pandas_to_msgpack (is no whole msgpack file|holds 0 objects)"):
        load(pandas_to_msgpack, tmp_path)


def test_changed_bytes_give_an_error_or_another_value_and_nothing_worse(tmp_path: Path):
    data = (REAL / "pandas_to_msgpack" / "pandas_to_msgpack").read_bytes()
    for place in range(0, len(data), 7):
        (tmp_path / "pandas_to_msgpack").write_bytes(data[:place] + bytes([data[place] ^ 0x5A]) + data[place + 1 :])
        try:
            load(pandas_to_msgpack, tmp_path)
        except ValueError:
            continue


def test_plain_msgpack_comes_back(tmp_path: Path):
    (tmp_path / "to_pickle_dump").write_bytes(msgpack.packb({"a": [1, 2.5, None, "é", b"x"], 3: True}))
    assert load(to_msgpack, tmp_path) == {"a": [1, 2.5, None, "é", b"x"], 3: True}
    (tmp_path / "to_pickle_dump").write_bytes(msgpack.packb({"a": [1] * 9})[:-2])
    with pytest.raises(ValueError, match="no whole msgpack file"):
        load(to_msgpack, tmp_path)


def test_a_missing_library_is_named_with_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "msgpack", None)
    with pytest.raises(MissingDependencyError, match=r"msgpack.*isfdb\[isf\]"):
        _ = isfdb.open(shutil.copytree(REAL, tmp_path / "isf"))["pandas_to_msgpack"]


# Pickles and the rest --------------------------------------------------------------------------------------------------------------


def test_pickles_of_python_2_come_back(tmp_path: Path):
    (tmp_path / "to_pickle_dump").write_bytes(b"(dp0\nS'k'\np1\nS'caf\\xe9'\np2\ns.")
    assert load(isf_to_pickle, tmp_path) == {"k": "café"}


@pytest.mark.parametrize(
    ("module", "error", "complaint"),
    [
        ("simrun.reduced_model", MissingDependencyError, "ISF's own module 'simrun', which is not installed"),
        ("no_such_library_at_all.part", MissingDependencyError, "pip install no_such_library_at_all"),
        ("collections", LoadError, "no longer have.*module_versions"),
    ],
)
def test_a_pickle_says_what_it_needs(tmp_path: Path, module: str, error: type[Exception], complaint: str):
    (tmp_path / "to_pickle_dump").write_bytes(b"\x80\x02c" + module.encode() + b"\nNoSuchClass\n)\x81.")
    with pytest.raises(error, match=complaint):
        load(isf_to_cloudpickle, tmp_path)


def test_a_damaged_pickle_is_named(tmp_path: Path):
    (tmp_path / "to_pickle_dump").write_bytes(b"\x80\x02K")
    with pytest.raises(ValueError, match="to_pickle_dump is damaged or no pickle"):
        load(isf_to_cloudpickle, tmp_path)


def test_a_cell_comes_back_as_the_dict_isf_kept(tmp_path: Path):
    pd.Series([{"hoc": "text", "t": np.arange(3)}]).to_pickle(tmp_path / "cell", compression=None)
    assert sorted(load(cell, tmp_path)) == ["hoc", "t"]


def test_a_generation_has_objectives_then_parameters():
    names = [str(number) for number in range(30)]
    loader = genetic_algorithm_generation.Loader(generation=0, parameters=names, objectives=names)
    found = loader.get(str(REAL / "genetic"))
    assert found.shape == (20, 60) and list(found.columns) == names * 2 and np.array_equal(found.to_numpy()[:, :30], expected("arrf.npy"))
    with pytest.raises(ValueError, match=r"30 columns|Shape of passed values"):
        genetic_algorithm_generation.Loader(parameters=["a"]).get(str(REAL / "genetic"))


def test_a_shared_store_gives_maps_of_its_arrays(tmp_path: Path):
    x = np.arange(6.0).reshape(2, 3)
    (tmp_path / "x__2_3__float64").write_bytes(x.tobytes() + b"a torn append")
    (tmp_path / "empty__0__int32").write_bytes(b"")
    (tmp_path / "short__9__int64").write_bytes(b"1234")
    (tmp_path / "Loader.pickle").write_bytes(b"")
    store = load(isf_shared_numpy_store, tmp_path)
    assert sorted(store) == ["empty", "short", "x"] and "y" not in store
    assert_identical(np.array(store["x"]), x)
    assert_identical(np.array(store.load("x", start_row=1)), x[1:])
    assert store["empty"].shape == (0,) and store["empty"].dtype == np.int32
    with pytest.raises(ValueError, match="has 4 bytes where its name speaks of 72"):
        _ = store["short"]
    with pytest.raises(ValueError, match="read-only"):
        store["x"][0, 0] = 1


# Under ISF's names -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dumper", "modern"),
    [
        ("numpy_to_msgpack", "numpy_to_npy"),
        ("pandas_to_msgpack", "pandas_to_parquet"),
        ("dask_to_msgpack", "dask_to_parquet"),
        ("to_msgpack", "to_json"),
    ],
)
def test_storing_in_a_format_that_died_names_the_one_to_use(db, dumper: str, modern: str):
    with pytest.raises(DumpError, match=f"{dumper} only reads what ISF wrote.*store with {modern}"):
        db.set("key", np.arange(3), dumper=dumper)
    assert "key" not in db


def test_pandas_to_pickle_stores_whatever_is_in_a_frame(db):
    value = pd.DataFrame({"o": [{1}, (2, 3)]})
    db.set("key", value, dumper="pandas_to_pickle")
    assert_identical(db["key"], value)
    assert_identical(pd.read_pickle(db.entry("key").path / "data.pickle"), value)
    with pytest.raises(DumpError, match="keeps a DataFrame or Series, not list"):
        db.set("key", [1], dumper="pandas_to_pickle")
    (db.entry("key").path / "pickle").exists()
    assert pickle.loads((db.entry("key").path / "data.pickle").read_bytes()).equals(value)


def test_an_empty_metadata_of_a_dtype_is_none():
    dates = np.array(["2020"], "M8[ns]")
    back = pickle.loads(pickle.dumps(dates, protocol=2))
    assert_identical(back, dates)
    assert_identical(dates, back)


def test_an_array_alone_in_an_npz_file_comes_back_alone(db):
    value = np.arange(12.0).reshape(3, 4)
    for options in ({}, {"compressed": True}):
        db.set("key", value, dumper="numpy_to_npz", **options)
        assert_identical(db["key"], value)
        assert_identical(db.get("key", np.s_[1:, 2]), value[1:, 2])
        assert db.entry("key").describe["shape"] == [3, 4]
        with np.load(db.entry("key").path / "data.npz") as found:
            assert np.array_equal(found["arr_0"], value)


def test_dask_frames_are_stored_by_the_client_that_users_of_isf_pass(db):
    dd = pytest.importorskip("dask.dataframe")
    distributed = pytest.importorskip("distributed")
    value = pd.DataFrame({"v": [1, 2, 3]})
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        db.set("key", dd.from_pandas(value, npartitions=2), dumper="dask_to_parquet", client=client)
        assert client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.task_prefixes))  # it had something to do
        with pytest.raises(DumpError, match="dask_to_msgpack only reads what ISF wrote"):
            db.set("key", dd.from_pandas(value, npartitions=2), dumper="dask_to_msgpack", client=client)
    assert_identical(db["key"].compute(), value)
