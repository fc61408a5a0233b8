"""What the dask loaderdumpers do beyond the contract: promises, schedulers, dying workers, damage, memory, lazy trust."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import dask.bag as bag
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask.delayed import Delayed

import isfdb
from isfdb.errors import DumpError, PickleWarning, UntrustedDataError, VersionGoneError
from isfdb.parts import allowing_code
from isfdb.testing import assert_identical
from loaderdumpers import dask_bag_to_parts, dask_delayed_to_parts, dask_to_arrow, dask_to_parquet, dask_to_zarr
from loaderdumpers._dask_chunks import aligned, stored_chunks


def stored(module: Any, value: Any, folder: Path, **options: Any) -> Any:
    folder.mkdir(exist_ok=True)
    return module.Loader(**json.loads(json.dumps(module.dump(value, str(folder), **options))))


@pytest.fixture
def frame() -> pd.DataFrame:
    days = pd.date_range("2020", periods=6, freq="D", name="day")
    return pd.DataFrame({"rate": [1.0, 5, 3, 8, 2, 9], "cell": list("abcabc"), "kind": pd.Categorical(list("xyxyxy"))}, index=days)


@pytest.fixture
def lazy(frame: pd.DataFrame) -> Any:
    return dd.from_pandas(frame, npartitions=3)


both = pytest.mark.parametrize("module", [dask_to_arrow, dask_to_parquet], ids=lambda module: module.__name__.rpartition(".")[2])


def change(lazy: Any, function: Any, **options: Any) -> Any:
    return lazy.map_partitions(function, meta=lazy._meta, **options)


@both
def test_a_partition_is_a_file(module: Any, lazy: Any, tmp_path: Path) -> None:
    module.dump(lazy, str(tmp_path))
    suffix = module.__name__.rpartition("_")[2]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"meta.data.{suffix}", *[f"part-{place:05d}.data.{suffix}" for place in range(3)], "partitions.json"]


@both
def test_only_the_columns_used_are_read(module: Any, lazy: Any, tmp_path: Path) -> None:
    loader = stored(module, lazy, tmp_path)
    assert list(loader.get(str(tmp_path), columns=["kind", "rate"]).compute().columns) == ["kind", "rate"]
    found = loader.get(str(tmp_path))["rate"].sum()
    assert "columns=['rate']" in str(found.optimize().expr.tree_repr())
    assert found.compute() == 28
    with pytest.raises(ValueError, match=r"\['speed'\].*stored are 'rate'"):
        loader.get(str(tmp_path), columns=["speed"])


@both
def test_filters_leave_the_rows_for_which_they_hold(module: Any, lazy: Any, frame: pd.DataFrame, tmp_path: Path) -> None:
    loader = stored(module, lazy, tmp_path)
    assert_identical(loader.get(str(tmp_path), filters=[("rate", ">", 4)]).compute()["cell"].tolist(), ["b", "a", "c"])
    found = loader.get(str(tmp_path), filters=[("rate", ">", 4)], columns=["cell"]).compute()
    assert list(found.columns) == ["cell"] and list(found.index) == list(frame.index[frame["rate"] > 4])
    with pytest.raises(ValueError, match="are for a DataFrame"):
        stored(module, lazy["rate"], tmp_path / "rate").get(str(tmp_path / "rate"), filters=[("rate", ">", 4)])


@pytest.mark.parametrize("wanted", [slice(1, None), 1, [2, 0]])
def test_some_partitions_are_read(wanted: Any, lazy: Any, tmp_path: Path) -> None:
    found = stored(dask_to_arrow, lazy, tmp_path).get(str(tmp_path), partitions=wanted)
    places = [1] if wanted == 1 else wanted
    assert_identical(found.compute(), pd.concat([lazy.partitions[place].compute() for place in np.arange(3)[places].tolist()]))
    assert found.known_divisions is (wanted != [2, 0])


@pytest.mark.parametrize("wanted", [3, [], [-1], slice(5, 6), ["a"]])
def test_partitions_that_are_not_there_are_refused(wanted: Any, lazy: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there are 0 to 2"):
        stored(dask_to_arrow, lazy, tmp_path).get(str(tmp_path), partitions=wanted)


def test_text_comes_back_as_the_text_it_was_whatever_dask_is_set_to(tmp_path: Path) -> None:
    with dask.config.set({"dataframe.convert-string": False}):
        columns = {"a": ["x", None], "b": pd.Series(["x", "y"], dtype=object), "c": pd.array(["x", "y"], dtype="string[python]")}
        frame = pd.DataFrame(columns)
        kept = dd.from_pandas(frame, npartitions=2)
    with dask.config.set({"dataframe.convert-string": True}):
        assert_identical(stored(dask_to_arrow, kept, tmp_path).get(str(tmp_path)), kept)


def test_an_index_and_a_series_are_kept(lazy: Any, db: Any) -> None:
    db["days"], db["rate"] = lazy.index, lazy["rate"]
    assert_identical(db["days"], lazy.index)
    assert_identical(db["rate"], lazy["rate"])
    assert db.entry("days").metadata["dumper"] == "dask_to_arrow"


# promises


@both
def test_a_partition_that_breaks_the_promise_of_meta_is_refused(module: Any, lazy: Any, tmp_path: Path) -> None:
    wrong = change(lazy, lambda part: part.assign(rate=1))
    with pytest.raises(ValueError, match=r"partition \d is .*the frame's meta promises"):
        module.dump(wrong, str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_an_index_of_another_type_or_name_is_refused(lazy: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has an index of 'night'.*promises 'day'"):
        dask_to_arrow.dump(change(lazy, lambda part: part.rename_axis("night")), str(tmp_path))
    with pytest.raises(ValueError, match=r"has an index of 'day': dtype\('int64'\)"):
        dask_to_arrow.dump(change(lazy, lambda part: part.set_axis(pd.RangeIndex(2, name="day"))), str(tmp_path))


def test_categories_that_meta_does_not_know_are_refused_and_unknown_ones_are_kept(lazy: Any, tmp_path: Path) -> None:
    def add(part: pd.DataFrame) -> pd.DataFrame:
        return part.assign(kind=part["kind"].cat.add_categories("z"))

    with pytest.raises(ValueError, match=r"categories in 'kind'.*as 'z'.*as_unknown\(\)"):
        dask_to_arrow.dump(change(lazy, add), str(tmp_path))
    unknown = change(lazy.assign(kind=lazy["kind"].cat.as_unknown()), add)
    found = stored(dask_to_arrow, unknown, tmp_path).get(str(tmp_path))
    assert not found["kind"].cat.known
    assert_identical(found, unknown)


@pytest.mark.parametrize("shift", [pd.Timedelta("2D"), pd.Timedelta("-2D")])
def test_divisions_that_do_not_hold_are_refused(shift: Any, lazy: Any, tmp_path: Path) -> None:
    wrong = change(lazy, lambda part: part.set_axis((part.index + shift).rename("day")))
    with pytest.raises(ValueError, match=r"partition \d holds index values from .* outside the divisions .*clear_divisions\(\)"):
        dask_to_arrow.dump(wrong, str(tmp_path))
    stored(dask_to_arrow, wrong.clear_divisions(), tmp_path)


def test_the_last_division_belongs_to_the_last_partition_only(tmp_path: Path) -> None:
    def make(place: int) -> pd.DataFrame:
        return pd.DataFrame({"a": [1, 2]}, index=[place, place + 1])

    overlapping = dd.from_map(make, [0, 1], meta=make(0), divisions=(0, 1, 2))
    with pytest.raises(ValueError, match="partition 0 holds index values from 0 to 1, outside the divisions 0 to 1"):
        dask_to_arrow.dump(overlapping, str(tmp_path))


def test_divisions_of_any_type_are_kept(tmp_path: Path) -> None:
    indexes = {
        "floats": pd.Index([0.05, 0.45, 0.85, 0.95]),
        "texts of digits": pd.Index(["000001", "000002", "000003", "000004"]),
        "zoned": pd.date_range("2020", periods=4, tz="Europe/Berlin"),
        "durations": pd.timedelta_range("1h", periods=4),
        "categories": pd.CategoricalIndex(list("cbba"), categories=list("cba"), ordered=True),
        "small integers": pd.Index([1, 2, 3, 4], dtype="int8"),
    }
    for name, index in indexes.items():
        lazy = dd.from_pandas(pd.DataFrame({"a": range(4)}, index=index), npartitions=2)
        assert lazy.known_divisions
        found = stored(dask_to_arrow, lazy, tmp_path / name).get(str(tmp_path / name))
        assert_identical(found.divisions, lazy.divisions)
        assert_identical(found, lazy)


def test_empty_partitions_are_kept(lazy: Any, tmp_path: Path) -> None:
    some = lazy[lazy["rate"] > 7]
    found = stored(dask_to_arrow, some, tmp_path).get(str(tmp_path))
    assert found.npartitions == 3 and found.divisions == some.divisions
    assert [len(part) for part in dask.compute(*found.to_delayed())] == [0, 1, 1]
    assert_identical(found, some)


def test_what_is_not_kept_is_refused_before_anything_is_computed(db: Any) -> None:
    def fail(place: int) -> pd.DataFrame:
        raise AssertionError("computed")

    meta = pd.DataFrame({"a": pd.arrays.SparseArray(np.array(["2020"], "M8[ns]"))})
    with pytest.raises(DumpError, match=r"Sparse.*astype"):
        db["x"] = dd.from_map(fail, [1, 2], meta=meta)
    assert "x" not in db


def test_mixed_objects_in_a_partition_are_refused_with_its_number(tmp_path: Path) -> None:
    meta = pd.DataFrame({"a": pd.Series([], dtype=object)})
    with dask.config.set({"dataframe.convert-string": False}):
        lazy = dd.from_map(lambda one: pd.DataFrame({"a": pd.Series(one, dtype=object)}), [["x"], ["y", len]], meta=meta)
    with pytest.raises(TypeError, match=r"partition 1 is not kept exactly: .*astype"):
        dask_to_arrow.dump(lazy, str(tmp_path))


def test_describing_computes_nothing(lazy: Any, db: Any) -> None:
    def fail(part: pd.DataFrame) -> pd.DataFrame:
        raise AssertionError("computed")

    facts = dask_to_arrow.describe(change(lazy, fail))
    assert facts["npartitions"] == 3 and facts["known_divisions"] and facts["from"].startswith("2020-01-01")
    assert [name for name, _ in facts["columns"]] == ["rate", "cell", "kind"]


# damage


@pytest.fixture
def kept(lazy: Any, tmp_path: Path) -> Any:
    return stored(dask_to_arrow, lazy, tmp_path)


def test_a_missing_partition_is_noticed_when_the_frame_is_opened(kept: Any, tmp_path: Path) -> None:
    (tmp_path / "part-00001.data.arrow").unlink()
    with pytest.raises(ValueError, match=r"part-00001\.data\.arrow is missing"):
        kept.get(str(tmp_path))


def test_a_partition_that_goes_missing_later_is_named(kept: Any, tmp_path: Path) -> None:
    opened = kept.get(str(tmp_path))
    (tmp_path / "part-00001.data.arrow").unlink()
    with pytest.raises(ValueError, match=r"part-00001\.data\.arrow is missing"):
        opened.compute()


def test_a_version_that_was_reclaimed_is_told_from_a_damaged_one(kept: Any, tmp_path: Path) -> None:
    opened = kept.get(str(tmp_path))
    os.rename(tmp_path, tmp_path.with_name("gone"))
    with pytest.raises(VersionGoneError, match="Read the key again"):
        opened.compute()


@both
def test_exchanged_partitions_are_noticed_though_they_are_alike(module: Any, tmp_path: Path) -> None:
    frame = dd.from_pandas(pd.DataFrame({"a": range(10)}), npartitions=2).reset_index(drop=True).clear_divisions()
    loader = stored(module, frame, tmp_path)
    first, second = sorted(tmp_path.glob("part-*"))
    first.rename(tmp_path / "aside")
    second.rename(first)
    (tmp_path / "aside").rename(second)
    with pytest.raises(ValueError, match=r"part-0000\d.* holds partition \d: files were exchanged"):
        loader.get(str(tmp_path)).compute()


@both
@pytest.mark.parametrize("left", [-100, 100, 0])
def test_a_truncated_partition_is_named(left: int, module: Any, lazy: Any, tmp_path: Path) -> None:
    loader = stored(module, lazy, tmp_path)
    path = sorted(tmp_path.glob("part-00001*"))[0]
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match=r"part-00001.* cannot be read.*restore it"):
        loader.get(str(tmp_path)).compute()


def test_a_partition_of_another_length_is_named(kept: Any, lazy: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    stored(dask_to_arrow, dd.from_pandas(lazy.compute().iloc[:5], npartitions=3), other)
    os.replace(other / "part-00002.data.arrow", tmp_path / "part-00002.data.arrow")
    with pytest.raises(ValueError, match=r"part-00002.* has 1 rows where 2 were stored"):
        kept.get(str(tmp_path)).compute()


def test_wrong_partitions_json_is_noticed(kept: Any, tmp_path: Path) -> None:
    path = tmp_path / "partitions.json"
    text = path.read_text()
    path.write_text(text.replace('"rows": 2', '"rows": 3'))
    with pytest.raises(ValueError, match=r"partitions\.json is not what was stored"):
        kept.get(str(tmp_path))
    path.unlink()
    with pytest.raises(ValueError, match=r"partitions\.json is missing"):
        kept.get(str(tmp_path))


def test_what_an_earlier_isfdb_wrote_is_still_counted(lazy: Any, tmp_path: Path) -> None:
    arguments = dask_to_parquet.dump(lazy, str(tmp_path))
    arguments.pop("digest")
    assert_identical(dask_to_parquet.Loader(**arguments).get(str(tmp_path)), lazy)
    with pytest.raises(ValueError, match="has 3 partitions where 4 were stored"):
        dask_to_parquet.Loader(**{**arguments, "npartitions": 4}).get(str(tmp_path))


# where and how it is computed


def test_a_dask_frame_may_read_the_version_it_replaces(db: Any, lazy: Any) -> None:
    db["rates"] = lazy
    for _ in range(3):
        changed = db["rates"]
        changed["rate"] = changed["rate"] * 2
        db["rates"] = changed
    assert db["rates"].divisions == lazy.divisions
    assert db["rates"]["rate"].sum().compute() == 28 * 8
    assert db.get("rates", version=1)["rate"].sum().compute() == 28


def test_two_databases_at_one_path_one_after_the_other_are_not_mixed_up(lazy: Any, tmp_path: Path) -> None:
    loader = stored(dask_to_arrow, lazy, tmp_path)
    before = loader.get(str(tmp_path))
    shutil.rmtree(tmp_path)
    after = stored(dask_to_arrow, lazy.assign(rate=lazy["rate"] + 1), tmp_path).get(str(tmp_path))
    assert before._name != after._name


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_every_scheduler_writes(scheduler: str, lazy: Any, db: Any) -> None:
    with dask.config.set(scheduler=scheduler):
        db["rates"] = lazy
        found = db["rates"].compute()
    assert_identical(found, lazy.compute())


@pytest.mark.parametrize("wanted", [True, None, False])
def test_progress_is_shown_where_asked_for(wanted: Any, lazy: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dask_to_arrow.dump(lazy, str(tmp_path), progress=wanted)
    shown = capsys.readouterr().err
    assert ("3/3" in shown) is (wanted is True)


def fail_on_the_last(part: pd.DataFrame) -> pd.DataFrame:
    if part["rate"].iloc[-1] == 9:
        raise ZeroDivisionError("no such rate")
    return part


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_a_failing_task_discards_everything(scheduler: str, lazy: Any, db: Any) -> None:
    db["rates"] = lazy
    with dask.config.set(scheduler=scheduler), pytest.raises(DumpError, match="no such rate"):
        db["rates"] = change(lazy, fail_on_the_last)
    assert len(db.versions("rates")) == 1
    assert sorted(path.name for path in (Path(db.path) / "rates.key").iterdir()) == ["v000001"]


CLUSTER = """
import os, sys
from functools import partial

import dask.array as da, dask.dataframe as dd, numpy as np, pandas as pd
from dask import delayed

import isfdb
from loaderdumpers._dask_tasks import write_parts
from isfdb.errors import DumpError


def is_first(marker):
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def write_half_and_die(marker, part, place, prefix):
    with open(f"{prefix}part-{place}", "w") as file:
        file.write(f"part {part}")
        file.flush()
        if part == 2 and is_first(marker):
            os._exit(1)
        file.write(" whole")
    return [f"part-{place}"], place


def fail(part):
    if (part["a"] == 5).any():
        raise ZeroDivisionError("no such rate")
    return part


def main(folder, may_die):
    from distributed import Client, LocalCluster

    frame = dd.from_pandas(pd.DataFrame({"a": range(20)}), npartitions=8)
    db = isfdb.open(folder + "/results")
    db["a"] = frame
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster):
        if not may_die:
            open(f"{folder}/half", "w").close()
        db.set("a", db["a"].map_partitions(lambda part: part, meta=frame._meta), progress=True)
        assert db["a"].compute().equals(frame.compute())
        os.mkdir(f"{folder}/parts")
        write = partial(write_half_and_die, f"{folder}/half")
        parts = [delayed(place) for place in range(5)]
        assert write_parts(write, parts, f"{folder}/parts", progress=None, title="") == [*range(5)]
        assert sorted(os.listdir(f"{folder}/parts")) == [f"part-{place}" for place in range(5)]
        assert open(f"{folder}/parts/part-2").read() == "part 2 whole"
        assert os.path.exists(f"{folder}/half"), "no worker died while writing"
        for progress in (None, True):
            try:
                db.set("a", frame.map_partitions(fail, meta=frame._meta), progress=progress)
            except DumpError as error:
                assert "no such rate" in str(error)
            else:
                raise AssertionError("stored")
        assert sorted(os.listdir(folder + "/results/a.key")) == ["v000001", "v000002"]
        values = np.arange(4000).reshape(40, 100)
        db.set("array", da.from_array(values, chunks=(7, 30)), chunks=(10, 10), shards=(20, 50))
        assert (db["array"].compute() == values).all()
        db["pickled"] = delayed(lambda: is_first)()
        assert callable(db["pickled"].compute())
        assert not isfdb.verify(db)
    print("all is well")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "die")
"""


@pytest.mark.parametrize(
    "workers",
    # On a busy machine dask itself may wait for ever for a worker that should take the place of a dead one.
    ["live", pytest.param("die", marks=pytest.mark.long)],
)
def test_a_worker_that_dies_spoils_nothing_and_one_that_fails_discards_everything(workers: str, tmp_path: Path) -> None:
    (tmp_path / "cluster.py").write_text(CLUSTER)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "cluster.py"), str(tmp_path), workers], capture_output=True, text=True, timeout=250
    )
    assert done.stdout.endswith("all is well\n"), done.stderr[-3000:]


# arrays


def test_unknown_chunk_sizes_are_refused_with_the_remedy(db: Any) -> None:
    array = da.arange(10, chunks=2)
    some = array[array > 3]
    with pytest.raises(DumpError, match=r"compute_chunk_sizes\(\)"):
        db["x"] = some
    db["x"] = some.compute_chunk_sizes()
    assert_identical(db["x"], some)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: da.ma.masked_greater(da.arange(4, chunks=2), 2), "getmaskarray"),
        (lambda: da.from_array(np.array([1, "a"], dtype=object), chunks=1), r"dtype object.*astype"),
    ],
)
def test_blocks_that_are_not_plain_numpy_are_refused(make: Any, message: str, db: Any) -> None:
    with pytest.raises(DumpError, match=message):
        db["x"] = make()
    assert "x" not in db


def test_sparse_blocks_are_refused_with_the_remedy(tmp_path: Path) -> None:
    sparse = pytest.importorskip("sparse")
    array = da.ones((4, 4), chunks=2).map_blocks(sparse.COO.from_numpy)
    with pytest.raises(TypeError, match="todense"):
        dask_to_zarr.dump(array, str(tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [lambda block: block + 0.5, lambda block: block[:1], lambda block: np.ma.masked_array(block), lambda block: block.tolist()],
)
def test_a_block_that_breaks_the_promise_of_meta_is_refused(wrong: Any, tmp_path: Path) -> None:
    array = da.arange(10, chunks=5).map_blocks(wrong, meta=np.empty(0, "int64"))
    with pytest.raises(ValueError, match=r"the chunk at \[\d\] is .*promises numpy's int64 of shape \(5,\)"):
        dask_to_zarr.dump(array, str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_tasks_never_share_a_file_however_the_chunks_lie(tmp_path: Path) -> None:
    """Chunks of dask that end inside shards would lose what another thread writes into the same shard."""
    values = np.arange(90 * 70, dtype="int64").reshape(90, 70)
    for place, chunks in enumerate([(7, 11), (90, 3), ((1, 88, 1), 70), (13, 70)] * 3):
        folder = tmp_path / str(place)
        with dask.config.set(scheduler="threads", num_workers=8):
            found = stored(dask_to_zarr, da.from_array(values, chunks=chunks), folder, chunks=(5, 10), shards=(20, 30)).get(str(folder))
        assert_identical(found.compute(), values)
        assert len(list((folder / "data.zarr" / "c").rglob("[0-9]*/[0-9]*"))) == 5 * 3


def test_chunks_are_cut_at_whole_multiples_near_where_they_were() -> None:
    assert aligned((3, 50, 47), 50) == (50, 50)
    assert aligned((10,) * 10, 30) == (30, 30, 30, 10)
    assert aligned((100, 100, 50), 10) == (100, 100, 50)
    assert aligned((4, 0, 3), 5) == (5, 2)
    assert aligned((0,), 5) == (0,)
    for unit in (1, 3, 7, 64):
        cut = aligned((5, 9, 1, 70, 2), unit)
        assert sum(cut) == 87 and all(end % unit == 0 for end in np.cumsum(cut)[:-1])


def test_very_large_chunks_are_stored_in_several() -> None:
    assert stored_chunks([(1000, 1000), (1000,)], 8) == (1000, 1000)
    assert stored_chunks([(20_000, 20_000), (1000,)], 8) == (5000, 1000)
    assert stored_chunks([(1,), (10**9,)], 8) == (1, 8_000_000)
    assert stored_chunks([], 8) == ()


@pytest.mark.parametrize(
    "layout", [{"chunks": (5,)}, {"chunks": (5, 0)}, {"shards": 10}, {"chunks": (5, 5), "shards": (10, 12)}, {"chunks": (5, 2.5)}]
)
def test_a_layout_that_does_not_fit_is_refused(layout: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"chunks|shards"):
        dask_to_zarr.dump(da.ones((20, 20), chunks=7), str(tmp_path), **layout)


def test_a_part_of_an_array_is_read(db: Any) -> None:
    db["x"] = da.arange(10_000, chunks=100).reshape(1000, 10)
    found = db.get("x", np.s_[10:20, 3])
    assert isinstance(found, da.Array)
    assert_identical(found.compute(), np.arange(10_000).reshape(1000, 10)[10:20, 3])


def test_a_dask_array_may_read_the_version_it_replaces(db: Any) -> None:
    db["x"] = da.arange(100, chunks=((3, 50, 47),))
    for _ in range(3):
        db["x"] = db["x"] + 1
    assert db["x"].chunks == ((3, 50, 47),)
    assert db["x"].sum().compute() == 4950 + 300


def test_a_missing_chunk_is_an_error_and_no_zeros(tmp_path: Path) -> None:
    opened = stored(dask_to_zarr, da.ones(10, chunks=5), tmp_path).get(str(tmp_path))
    (tmp_path / "data.zarr" / "c" / "1").unlink()
    assert opened[:5].sum().compute() == 5
    with pytest.raises(ValueError, match=r"the chunk .*data\.zarr/c/1 is missing"):
        opened.compute()
    os.rename(tmp_path / "data.zarr", tmp_path / "gone")
    with pytest.raises(VersionGoneError, match="Read the key again"):
        opened.compute()


def test_a_missing_chunk_is_an_error_for_whoever_reads_zarr(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    from loaderdumpers import numpy_to_zarr, xarray_to_zarr

    trace = xarray.DataArray(da.ones(10, chunks=5), dims="t", name="trace")
    loaders = {
        "numpy": stored(numpy_to_zarr, np.ones(10), tmp_path / "numpy", chunks=(5,)),
        "xarray": stored(xarray_to_zarr, trace, tmp_path / "xarray"),
    }
    for name, loader in loaders.items():
        (chunk,) = (tmp_path / name).rglob("c/1")
        chunk.unlink()
        with pytest.raises(ValueError, match=r"the chunk .*c/1 is missing|has 1 files with chunks where its zarr\.json asks for 2"):
            np.asarray(loader.get(str(tmp_path / name)))


def test_an_array_of_another_kind_is_not_loaded(tmp_path: Path) -> None:
    arguments = dask_to_zarr.dump(da.ones(10, chunks=5), str(tmp_path))
    for wrong in ({"dtype": "<i4"}, {"shape": [20], "chunks": [[20]]}):
        with pytest.raises(ValueError, match="restore it from a copy"):
            dask_to_zarr.Loader(**{**arguments, **wrong}).get(str(tmp_path))
    with pytest.raises(ValueError, match="restore it from a copy"):
        dask_to_zarr.Loader(**{**arguments, "shape": [11]})
    (tmp_path / "data.zarr" / "zarr.json").unlink()
    with pytest.raises(ValueError, match=r"zarr\.json in it is missing"):
        dask_to_zarr.Loader(**arguments).get(str(tmp_path))


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_every_scheduler_writes_arrays(scheduler: str, db: Any) -> None:
    array = da.from_array(np.arange(100.0).reshape(10, 10), chunks=3)
    with dask.config.set(scheduler=scheduler):
        db["x"] = array
        assert_identical(db["x"].compute(), array.compute())


def test_describing_an_array_computes_nothing() -> None:
    def fail(block: Any) -> Any:
        raise AssertionError("computed")

    facts = dask_to_zarr.describe(da.ones((10, 4), chunks=(3, 4)).map_blocks(fail, meta=np.empty((0, 0))))
    assert (facts["shape"], facts["chunksize"], facts["numblocks"], facts["nbytes"]) == ([10, 4], [3, 4], [4, 1], 320)


# bags and delayed values


def identity(value: Any) -> Any:
    return value


class Measurement:
    """What no open format keeps."""

    def __init__(self, rate: float) -> None:
        self.rate = rate


def test_plain_values_of_a_bag_are_json_lines(db: Any) -> None:
    db["words"] = bag.from_sequence([{"cell": "é", "n": 1}, {"cell": "b", "n": 2}, None], npartitions=2)
    folder = db.entry("words").path
    lines = (folder / "part-00000.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"cell": "é", "n": 1}, {"cell": "b", "n": 2}]
    assert db["words"].npartitions == 2
    assert db["words"].remove(lambda one: one is None).pluck("n").sum().compute() == 3


def test_a_bag_may_hold_anything_and_read_the_version_it_replaces(db: Any) -> None:
    db["stacks"] = bag.from_sequence([np.arange(3), np.ones((2, 2))], npartitions=2)
    db["stacks"] = db["stacks"].map(lambda stack: stack * 2)
    assert_identical(db["stacks"].compute(), [np.arange(3) * 2, np.ones((2, 2)) * 2])
    assert not list(db.entry("stacks").path.rglob("*.pickle"))


@pytest.mark.parametrize("damage", ["cut", "missing", "exchanged"])
def test_damaged_lines_are_named(damage: str, tmp_path: Path) -> None:
    loader = stored(dask_bag_to_parts, bag.from_sequence(range(4), npartitions=2), tmp_path)
    opened = loader.get(str(tmp_path))
    path = tmp_path / "part-00001.jsonl"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] if damage == "cut" else (tmp_path / "part-00000.jsonl").read_bytes())
    with pytest.raises(ValueError, match=r"part-00001\.jsonl is (missing|not what was stored)"):
        opened.compute(scheduler="synchronous")
    os.rename(tmp_path / "part-00000.jsonl", tmp_path / "aside")
    shutil.rmtree(tmp_path)
    with pytest.raises(VersionGoneError, match="Read the key again"):
        opened.compute(scheduler="synchronous")


def test_a_delayed_value_is_computed_once_and_read_lazily(db: Any, tmp_path: Path) -> None:
    def measure() -> np.ndarray:
        with open(tmp_path / "log", "a") as file:
            file.write("measured\n")
        return np.arange(5.0)

    db["x"] = dask.delayed(measure)()
    found = db["x"]
    assert isinstance(found, Delayed)
    assert_identical(dask.delayed(np.sum)(found).compute(), np.float64(10))
    assert (tmp_path / "log").read_text() == "measured\n"
    assert (db.entry("x").path / "value" / "data.npy").exists()


def test_a_delayed_pair_can_still_be_unpacked(db: Any) -> None:
    db["pair"] = dask.delayed(divmod, nout=2)(7, 2)
    quotient, rest = db["pair"]
    assert dask.compute(quotient, rest) == (3, 1)


def test_an_item_of_a_bag_comes_back_as_one(db: Any) -> None:
    item = bag.from_sequence(range(5)).sum()
    db["x"], db["pickled before"] = item, pickle.loads(pickle.dumps(item))
    for key in ("x", "pickled before"):
        assert type(db[key]) is type(item)
        assert db[key].compute() == 10


def test_a_scalar_of_a_frame_is_refused_with_the_remedy(lazy: Any, db: Any) -> None:
    with pytest.raises(DumpError, match=r"scalar\.compute\(\)"):
        db["x"] = lazy["rate"].sum()


@pytest.fixture
def pickled(db: Any) -> Any:
    with pytest.warns(PickleWarning, match="what this delayed value becomes"):
        db["one"] = dask.delayed(Measurement)(2.5)
    with pytest.warns(PickleWarning):
        db["many"] = bag.from_sequence([1.0, 2.0], npartitions=2).map(Measurement)
    return db


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_what_runs_code_loads_lazily_for_whoever_stored_it(scheduler: str, pickled: Any) -> None:
    with dask.config.set(scheduler=scheduler):
        assert pickled["one"].compute().rate == 2.5
        assert [one.rate for one in pickled["many"].compute()] == [1.0, 2.0]


def test_permission_travels_to_another_process(db: Any) -> None:
    with pytest.warns(PickleWarning):
        db["function"] = dask.delayed(identity)(lambda: 42)
    with dask.config.set(scheduler="processes"):
        assert dask.delayed(lambda function: function())(db["function"]).compute() == 42


def test_what_runs_code_does_not_load_for_others(pickled: Any, tmp_path: Path) -> None:
    with isfdb.set_options(data_folder=str(tmp_path / "somebody else")):
        for key in ("one", "many"):
            with pytest.raises(UntrustedDataError, match="isfdb trust"):
                pickled[key]


def test_a_loader_that_is_not_allowed_to_run_code_gives_a_lazy_value_that_refuses(tmp_path: Path) -> None:
    with pytest.warns(PickleWarning):
        loader = stored(dask_delayed_to_parts, dask.delayed(Measurement)(2.5), tmp_path)
    refusing = loader.get(str(tmp_path))
    with allowing_code():  # permission is what it was when the value was read
        with pytest.raises(UntrustedDataError, match="runs code"):
            refusing.compute(scheduler="synchronous")
        assert loader.get(str(tmp_path)).compute(scheduler="synchronous").rate == 2.5


def test_a_pickle_that_is_changed_after_the_key_was_read_is_not_run(pickled: Any) -> None:
    one, many = pickled["one"], pickled["many"]
    for key in ("one", "many"):
        for path in pickled.entry(key).path.rglob("*.pickle"):
            path.write_bytes(path.read_bytes()[:-1] + b"\0")
    for opened in (one, many):
        with pytest.raises(ValueError, match=r"pickle is not what was stored"):
            opened.compute(scheduler="synchronous")


# memory

THROUGH_A_LIMIT = """
import os, resource, sys
import dask, dask.array as da, dask.dataframe as dd, numpy as np, pandas as pd, pyarrow.dataset, zarr
import isfdb

kind, folder, n_parts, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ROWS = 500_000  # 16 MB a part


def make(place):
    return pd.DataFrame({name: np.arange(ROWS) + place * ROWS + n for n, name in enumerate("abc")}, index=np.arange(ROWS) + place * ROWS)


def block(block_info=None):
    start = block_info[None]["array-location"][0][0]
    return np.arange(start, start + ROWS)[:, None] + np.arange(4)


def data_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[5]) * 4096


db = isfdb.open(folder)
db["warm"] = dd.from_pandas(make(0).iloc[:10], npartitions=2)
db["cold"] = da.ones(10, chunks=5)
db["warm"].compute(), db["cold"].compute()
before = data_bytes()
resource.setrlimit(resource.RLIMIT_DATA, (before + limit, before + limit))
with dask.config.set(scheduler="threads", num_workers=2):
    if kind == "frame":
        db["x"] = dd.from_map(make, range(n_parts), divisions=(*range(0, n_parts * ROWS, ROWS), n_parts * ROWS - 1), meta=make(0).iloc[:0])
        found = db["x"]["b"].sum().compute()
        n_bytes = n_parts * ROWS * 32
    else:
        n = n_parts * ROWS
        db["x"] = da.map_blocks(block, chunks=((ROWS,) * n_parts, (4,)), dtype="int64", meta=np.empty((0, 0), "int64"))
        found = db["x"][:, 1].sum().compute()
        n_bytes = n * 32
n = n_parts * ROWS
assert int(found) == n * (n - 1) // 2 + n, (found, n)
try:
    bytearray(limit)
except MemoryError:
    print(n_bytes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not limit what is mapped")
@pytest.mark.parametrize("kind", ["frame", "array"])
def test_a_value_larger_than_memory_goes_through(kind: str, tmp_path: Path) -> None:
    (tmp_path / "through.py").write_text(THROUGH_A_LIMIT)
    command = [sys.executable, str(tmp_path / "through.py"), kind, str(tmp_path / "db"), "25", str(200 * 2**20)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.stdout.strip() == "400000000", done.stderr[-3000:]


def test_a_bar_counts_the_tasks_of_a_client_that_is_no_default(db: Any, capsys: pytest.CaptureFixture[str]) -> None:
    distributed = pytest.importorskip("distributed")
    frame = dd.from_pandas(pd.DataFrame({"v": [1, 2, 3]}), npartitions=2)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        db.set("key", frame, dumper="dask_to_parquet", client=client, progress=True)
    assert "2/2" in capsys.readouterr().err
    assert_identical(db["key"].compute(), frame.compute())
