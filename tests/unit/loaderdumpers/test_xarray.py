"""What xarray_to_zarr does beyond the contract: lazy values, parts, other readers, encoding, damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import isfdb
from isfdb.errors import ChecksumMismatchError, IncompleteVersionError
from isfdb.testing import assert_identical
from loaderdumpers import xarray_to_zarr
from tests.contracts.kept import tables

xr = pytest.importorskip("xarray")


def stored(value: Any, folder: Path, **options: Any) -> Any:
    return xarray_to_zarr.Loader(**json.loads(json.dumps(xarray_to_zarr.dump(value, str(folder), **options))))


def movie() -> Any:
    frames = np.arange(60.0).reshape(10, 3, 2)
    coords = {"t": np.arange(10) * 0.5, "x": ["a", "b", "c"], "good": ("t", np.arange(10) > 4), "exposure": 0.1}
    return xr.Dataset({"frames": (("t", "x", "y"), frames), "mean": ("t", frames.mean((1, 2))), "dark": ("y", [1, 2])}, coords=coords)


def never() -> Any:
    """Return a lazy array that fails when computed."""

    def fail(block: Any) -> Any:
        raise AssertionError("computed")

    return da.ones(4, chunks=2).map_blocks(fail, dtype=float, meta=np.empty(0))


def test_xarray_itself_reads_the_files(tmp_path: Path) -> None:
    xarray_to_zarr.dump(movie(), str(tmp_path))
    with xr.open_zarr(tmp_path / "data.zarr", consolidated=False) as found:
        xr.testing.assert_equal(found, movie())
        assert set(found.coords) == set(movie().coords)


def test_xarray_finds_the_dates_and_the_tree(tmp_path: Path) -> None:
    days = xr.Dataset(coords={"day": np.arange("2020-01-01", "2020-01-05", dtype="M8[D]").astype("M8[ns]")}, attrs={"unit": "mV"})
    xarray_to_zarr.dump(xr.DataTree.from_dict({"/": days, "/fine": movie()}), str(tmp_path))
    with xr.open_datatree(tmp_path / "data.zarr", engine="zarr", consolidated=False) as found:
        assert (found["day"].values == days["day"].values).all()
        assert found.attrs == {"unit": "mV"}
        assert found["fine/frames"].shape == (10, 3, 2)


def test_attributes_that_json_lacks_are_kept_but_not_shown_to_others(tmp_path: Path) -> None:
    value = xr.DataArray([1.0], attrs={"limits": [0.0, float("nan"), float("inf")], "n": np.int64(3), "pair": (1, 2)})
    assert_identical(stored(value, tmp_path).get(str(tmp_path)), value)
    for path in (tmp_path / "data.zarr").rglob("zarr.json"):
        text = path.read_text()
        assert "NaN" not in text
        assert "Infinity" not in text
    assert json.loads((tmp_path / "data.zarr" / "values" / "zarr.json").read_text())["attributes"] == {"n": 3, "pair": [1, 2]}


def test_checking_and_describing_compute_nothing() -> None:
    lazy = xr.Dataset({"a": ("x", never())}, coords={"c": ("x", never())})
    for value in (lazy, lazy["a"], xr.DataTree(lazy)):
        assert xarray_to_zarr.check(value)
        json.dumps(xarray_to_zarr.describe(value))


def test_what_was_lazy_stays_lazy_in_its_chunks_and_what_was_in_memory_comes_into_memory(tmp_path: Path) -> None:
    value = movie().chunk({"t": (1, 7, 2)}).assign(memory=("y", np.ones(2)))
    found = stored(value, tmp_path).get(str(tmp_path))
    assert found["frames"].chunks == ((1, 7, 2), (3,), (2,))
    assert type(found["memory"].variable._data) is np.ndarray
    assert_identical(found, value)


def test_a_lazy_value_is_computed_once_for_all_variables(tmp_path: Path) -> None:
    calls: list[int] = []

    def count(block: Any) -> Any:
        calls.append(1)
        return block + 1

    shared = da.ones(8, chunks=4).map_blocks(count, dtype=float, meta=np.empty(0))
    with dask.config.set(scheduler="synchronous"):
        stored(xr.Dataset({"a": ("x", shared), "b": ("x", shared * 2)}), tmp_path)
    assert len(calls) == 2


@pytest.mark.parametrize("chunks", [(1, 9), (5, 5), (3, 3, 4), (10,), (9, 1), (2, 3, 5)])
def test_no_chunk_is_lost_whatever_the_chunks(chunks: tuple[int, ...], tmp_path: Path) -> None:
    value = xr.DataArray(da.from_array(np.arange(100.0).reshape(10, 10), chunks=(chunks, chunks[::-1])))
    assert_identical(stored(value, tmp_path).get(str(tmp_path)), value)


def test_lazily_asked_for_only_coordinates_are_read(tmp_path: Path) -> None:
    found = stored(movie(), tmp_path).get(str(tmp_path), lazy=True)
    assert {name for name, one in found.variables.items() if one.chunks} == {"frames", "mean", "dark"}
    assert_identical(found.compute(), movie())


def test_some_variables_come_with_their_coordinates(tmp_path: Path) -> None:
    loader = stored(movie(), tmp_path)
    shutil.rmtree(tmp_path / "data.zarr" / "frames")
    assert_identical(loader.get(str(tmp_path), variables=["mean"]), movie()[["mean"]])
    assert_identical(loader.get(str(tmp_path), variables=["dark"]), movie()[["dark"]])
    with pytest.raises(ValueError, match="stored are 'frames', 'mean', 'dark'"):
        loader.get(str(tmp_path), variables=["median"])
    with pytest.raises(ValueError, match="takes a list of names"):
        loader.get(str(tmp_path), variables="mean")
    with pytest.raises(FileNotFoundError, match="frames"):
        loader.get(str(tmp_path))


def test_a_part_is_read_by_dimension(tmp_path: Path) -> None:
    loader = stored(movie(), tmp_path)
    found = loader.get(str(tmp_path), select={"t": slice(2, 5), "y": 1})
    assert_identical(found, movie().isel(t=slice(2, 5), y=1))
    with pytest.raises(ValueError, match=r"names the dimensions \['z'\]"):
        loader.get(str(tmp_path), select={"z": 1})
    with pytest.raises(ValueError, match="takes positions by dimension"):
        loader.get(str(tmp_path), select=slice(3))


def test_a_part_of_an_array_and_of_a_tree_is_read(tmp_path: Path) -> None:
    for name, value in (("array", movie()["frames"]), ("tree", xr.DataTree(movie()))):
        (tmp_path / name).mkdir()
        loader = stored(value, tmp_path / name)
        assert_identical(loader.get(str(tmp_path / name), select={"t": slice(3)}), value.isel(t=slice(3)))
        with pytest.raises(ValueError, match="is for a Dataset"):
            loader.get(str(tmp_path / name), variables=["mean"])
    found = stored(movie()["frames"], tmp_path).get(str(tmp_path), select=np.s_[2:4, ..., 0])
    assert_identical(found, movie()["frames"][2:4, ..., 0])


def test_a_part_of_what_is_lazy_stays_lazy(tmp_path: Path) -> None:
    found = stored(movie().chunk({"t": 5}), tmp_path).get(str(tmp_path), select={"t": slice(2, 7)})
    assert found["frames"].chunks == ((3, 2), (3,), (2,))
    assert_identical(found.compute(), movie().isel(t=slice(2, 7)))


def test_plain_encoding_is_kept_and_codecs_are_left_out(tmp_path: Path) -> None:
    value = movie()
    value["mean"].encoding = {"dtype": np.dtype("i2"), "scale_factor": 0.1, "chunksizes": (5,), "filters": (object(),)}
    value.encoding = {"unlimited_dims": {"t"}}
    found = stored(value, tmp_path).get(str(tmp_path))
    assert found["mean"].encoding == {"dtype": np.dtype("i2"), "scale_factor": 0.1, "chunksizes": (5,)}
    assert found.encoding == value.encoding


def test_integers_that_say_they_are_masked_or_scaled_stay_integers(tmp_path: Path) -> None:
    attrs = {"_FillValue": np.int16(-1), "scale_factor": 0.1, "add_offset": 5.0, "missing_value": -1}
    value = xr.DataArray(np.array([-1, 0, 1], "i2"), dims="x", attrs=attrs)
    found = stored(value, tmp_path).get(str(tmp_path))
    assert_identical(found, value)
    assert found.dtype == "i2"


def test_a_value_from_a_file_comes_back_without_the_file(tmp_path: Path) -> None:
    value = movie().drop_vars("x")
    value.to_zarr(tmp_path / "other.zarr", zarr_format=3, consolidated=False)
    (tmp_path / "v").mkdir()
    with xr.open_dataset(tmp_path / "other.zarr", engine="zarr", consolidated=False) as opened:
        loader = stored(opened, tmp_path / "v")
    shutil.rmtree(tmp_path / "other.zarr")
    xr.testing.assert_identical(loader.get(str(tmp_path / "v")), value)


def test_what_lies_in_a_file_is_left_there_and_copied_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = movie().drop_vars("x")
    value.to_zarr(tmp_path / "other.zarr", zarr_format=3, consolidated=False)
    with xr.open_dataset(tmp_path / "other.zarr", engine="zarr", consolidated=False) as opened:
        assert xarray_to_zarr.check(opened)
        json.dumps(xarray_to_zarr.describe(opened))
        for name, most in (("whole", 2**20), ("pieces", 1)):
            monkeypatch.setattr("loaderdumpers._xarray_plans._READ_AT_ONCE", most)
            (tmp_path / name).mkdir()
            found = stored(opened, tmp_path / name).get(str(tmp_path / name))
            assert not opened["frames"].variable._in_memory
            assert type(found["frames"].variable._data) is np.ndarray
            xr.testing.assert_identical(found, value)


def test_only_the_chunks_that_are_asked_for_are_read(tmp_path: Path) -> None:
    loader = stored(xr.DataArray(np.arange(2_000_000.0).reshape(1000, 2000), dims=("t", "x")), tmp_path)
    chunks = sorted((path for path in (tmp_path / "data.zarr" / "values" / "c").rglob("*") if path.is_file()), key=str)
    assert len(chunks) > 1
    chunks[-1].write_bytes(b"no chunk at all")
    assert float(loader.get(str(tmp_path), select={"t": slice(5, 6)})[0, 3]) == 10_003
    with pytest.raises(Exception, match=r"(?i)zstd|decompress|invalid"):
        loader.get(str(tmp_path))


def test_a_lazy_version_can_be_replaced_by_what_is_computed_from_it(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["m"] = movie().chunk({"t": 5})
    db["m"] = db["m"] + 1
    assert_identical(db["m"].compute(), movie() + 1)
    assert_identical(db.get("m", version=1).compute(), movie())


def test_a_database_reads_a_slice_of_an_array(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["f"] = movie()["frames"]
    assert_identical(db.get("f", np.s_[1:3, 0]), movie()["frames"][1:3, 0])


def test_a_missing_chunk_is_missed_and_a_changed_one_found(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    version = db.set("m", movie())
    chunk = next(path for path in Path(version.path).rglob("frames/c/*/*/*") if path.is_file())
    data = chunk.read_bytes()
    chunk.unlink()
    with pytest.raises(IncompleteVersionError, match="frames"):
        db["m"]
    chunk.write_bytes(data[:-1] + b"\0")
    with pytest.raises((ChecksumMismatchError, IncompleteVersionError), match="frames"):
        db["m"]


def test_an_array_of_another_dtype_or_shape_is_not_loaded(tmp_path: Path) -> None:
    loader = stored(movie(), tmp_path)
    path = tmp_path / "data.zarr" / "mean" / "zarr.json"
    text = path.read_text()
    for old, new in (('"float64"', '"int64"'), ("\n    10\n", "\n    9\n")):
        path.write_text(text.replace(old, new).replace('"fill_value": 0.0', '"fill_value": 0'))
        with pytest.raises(ValueError, match="restore it from a copy"):
            loader.get(str(tmp_path))


def test_a_codec_that_may_run_code_is_not_used(tmp_path: Path) -> None:
    loader = stored(movie(), tmp_path)
    path = tmp_path / "data.zarr" / "mean" / "zarr.json"
    path.write_text(path.read_text().replace('"name": "zstd"', '"name": "numcodecs.pickle"'))
    with pytest.raises(ValueError, match="may run code"):
        loader.get(str(tmp_path))


def test_what_is_refused_says_what_it_is(tmp_path: Path) -> None:
    mixed, noted, named = tables.xarray_foreign()[1:4]
    for value, what in ((mixed, "are not kept exactly"), (noted, "an attribute is not kept"), (named, "a label is of type")):
        with pytest.raises(TypeError, match=what):
            xarray_to_zarr.dump(value, str(tmp_path / what.replace(" ", "-")))


def test_lazy_objects_that_are_no_text_are_refused_while_written(tmp_path: Path) -> None:
    lazy = xr.DataArray(da.from_array(np.array(["a", 1], object), chunks=1))
    with pytest.raises(TypeError, match="something other than text"):
        xarray_to_zarr.dump(lazy, str(tmp_path))


def test_an_array_that_is_changed_while_others_are_computed_is_refused(tmp_path: Path) -> None:
    memory = np.arange(5.0)

    def change(block: Any) -> Any:
        memory[2] = -1.0
        return block

    lazy = da.ones(4, chunks=2).map_blocks(change, dtype=float, meta=np.empty(0))
    with pytest.raises(ValueError, match="what was written of 'memory' is not what it holds"):
        xarray_to_zarr.dump(xr.Dataset({"lazy": ("x", lazy), "memory": ("y", memory)}), str(tmp_path))


def test_chunks_of_unknown_size_are_refused(tmp_path: Path) -> None:
    lazy = da.arange(10, chunks=5)
    array = xr.DataArray(lazy, dims="x")
    array.variable._data = lazy[lazy > 3]
    with pytest.raises((TypeError, ValueError), match=r"unknown|cannot convert float NaN"):
        xarray_to_zarr.dump(array, str(tmp_path))


def test_chunks_too_large_for_a_codec_are_divided_evenly() -> None:
    from loaderdumpers._zarr_variables import _split

    assert _split((2**30,), 8) == (2**26,)
    assert _split((1_000_003, 1000), 8) == (1, 1000)
    assert _split((10, 10), 8) == (10, 10)


def test_a_missing_library_is_named_with_the_extra() -> None:
    assert xarray_to_zarr.extra == "xarray"


_dtypes = st.sampled_from("? i1 u2 i8 f4 f8 c16 M8[ns] m8[s] U3".split()).map(np.dtype)


@st.composite
def _datasets(draw: st.DrawFn) -> Any:
    sizes = dict(zip("xyz", draw(st.lists(st.integers(0, 3), min_size=1, max_size=3)), strict=False))
    dims = st.lists(st.sampled_from(sorted(sizes)), unique=True, max_size=3).map(tuple)
    names = st.lists(st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=4), unique=True, max_size=4)
    made = {}
    for name in draw(names.filter(lambda found: not set(found) & set("xyz"))):
        shape_of = draw(dims)
        data = draw(hnp.arrays(draw(_dtypes), tuple(sizes[dim] for dim in shape_of)))
        made[name] = (shape_of, data, draw(st.dictionaries(st.text(max_size=3), st.integers() | st.floats(allow_nan=False), max_size=2)))
    value = xr.Dataset(made)
    coords = [name for name in value.data_vars if draw(st.booleans())]
    value = value.set_coords(coords)
    labelled = [dim for dim in value.dims if draw(st.booleans())]
    value = value.assign_coords({dim: np.arange(value.sizes[dim]) * 0.5 for dim in labelled})
    if value.dims and draw(st.booleans()):
        value = value.chunk({draw(st.sampled_from(list(value.dims))): draw(st.integers(1, 3))})
    return value


@settings(max_examples=60, deadline=None)
@given(value=_datasets())
def test_datasets_of_many_kinds_come_back(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("dataset")
    assert_identical(stored(value, folder).get(str(folder)), value)
