"""Arrays that lie on the disk are compared block by block, never loaded whole."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from isfdb.comparing.blocks import BLOCK_BYTES, block_shape, slices_of
from isfdb.comparing.values import compare_values

BYTES = 40 * BLOCK_BYTES


def test_blocks_cover_the_whole_once():
    for shape, chunks, is_fortran in (((7, 11, 13), None, False), ((7, 11), (2, 3), True), ((1,), None, False), ((), None, False)):
        seen = np.zeros(shape, int)
        for slices in slices_of(shape, block_shape(shape, BLOCK_BYTES // 20, chunks, is_fortran=is_fortran)):
            seen[slices] += 1
        assert (seen == 1).all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_mapped_arrays(tmp_path: Path, order: str):
    arrays = []
    for name in "ab":
        array = np.lib.format.open_memmap(tmp_path / name, "w+", "f8", (1000, BYTES // 8000), fortran_order=order == "F")
        array[:, 0] = 1
        arrays.append(array)
    arrays[1][700, 1000] = 3
    tracemalloc.start()
    found = compare_values(*arrays)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.measures["n_different"], found.measures["at"]) == (1, [700, 1000])
    assert peak < BYTES / 4


def test_zarr_and_dask_arrays(tmp_path: Path):
    zarr, da = pytest.importorskip("zarr"), pytest.importorskip("dask.array")
    arrays = []
    for name, chunks in (("a", (10, 30)), ("b", (25, 7))):
        array = zarr.create_array(tmp_path / name, shape=(100, 100), chunks=chunks, dtype="i4")
        array[:] = np.arange(10_000).reshape(100, 100)
        arrays.append(array)
    found = compare_values(*arrays)
    assert (found.status, found.notes) == ("equal", ("chunks 10 × 30 → 25 × 7",))
    assert compare_values(arrays[0], zarr.open_array(tmp_path / "a", mode="r")).status == "identical"
    arrays[1][99, 0] = -1
    for one, other in (arrays, [da.from_zarr(array) for array in arrays], [arrays[0], arrays[1][:]]):
        assert compare_values(one, other).measures["at"] == [99, 0]


def test_datasets_of_h5py(tmp_path: Path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"], file["b"] = np.arange(10), np.arange(10)
        file["b"][3] = 7
        assert compare_values(file["a"], file["b"]).measures["at"] == [3]


def test_variables_of_xarray():
    xr = pytest.importorskip("xarray")
    first = xr.Dataset({"v": (("x", "y"), np.arange(6.0).reshape(2, 3)), "gone": 1}, {"x": [10, 20]}, {"unit": "mV"})
    second = first.drop_vars("gone").copy(deep=True)
    second["v"][1, 1] = 9
    second.attrs["unit"] = "V"
    second["x"] = [10, 30]
    found = compare_values(first, second)
    assert [part.where for part in found.parts] == ["attributes", "coordinate 'x'", "['v']"]
    assert "only in the first: ['gone']" in found.lines
    assert compare_values(first, first.copy(deep=True)).status == "identical"
    assert compare_values(first["v"], second["v"]).status == "different"
    assert compare_values(first.chunk({"x": 1}), second.chunk({"x": 2})).status == "different"


def test_sparse_arrays():
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.zeros((50, 60))
    dense[3, 4], dense[40, 50] = 1, 2
    other = dense.copy()
    other[3, 4], other[1, 1] = 1.5, 7
    found = compare_values(sparse.csr_array(dense), sparse.csr_array(other))
    assert found.lines[0] == "largest absolute difference 7 at [1, 1]: 0.0 → 7.0"
    assert compare_values(sparse.csr_array(dense), sparse.csr_array(dense)).status == "identical"
    assert compare_values(sparse.csr_array(dense), sparse.csc_array(dense)).status == "equal"


def test_tensors_of_torch():
    torch = pytest.importorskip("torch")
    first, second = torch.arange(4.0, requires_grad=True), torch.tensor([0.0, 1.0, 2.0, 9.0])
    assert compare_values(first, second).measures["at"] == [3]
    assert compare_values(second, second.clone()).status == "identical"


def test_figures_are_compared_by_what_they_look_like():
    figure = pytest.importorskip("matplotlib.figure")
    drawn = []
    for last in (1, 1, 2):
        one = figure.Figure()
        one.add_subplot().plot([0, last])
        drawn.append(one)
    assert compare_values(drawn[0], drawn[1]).status == "equal"
    assert "values of pixels differ" in compare_values(drawn[0], drawn[2]).because


def test_attributes_dimensions_and_trees_of_xarray():
    xr = pytest.importorskip("xarray")
    first = xr.DataArray([1, 2], dims="x", name="a", attrs={"unit": "mV"})
    named = compare_values(first, first.rename("b").rename(x="y"))
    assert [part.where for part in named.parts] == ["dimensions", "name", "data"]
    dataset = xr.Dataset({"a": first})
    other = xr.Dataset({"a": first.assign_attrs(unit="V")})
    (part,) = compare_values(dataset, other).parts
    assert (part.where, part.because) == ("['a']", "its attributes")
    found = compare_values(xr.DataTree.from_dict({"/run": dataset}), xr.DataTree.from_dict({"/run": other}))
    assert found.parts[0].where == "['/run']"
    assert compare_values(first, dataset).status == "different"
    assert compare_values(xr.Dataset({"a": 1, "b": 2}), xr.Dataset({"b": 2, "a": 1})).status == "equal"


def test_arrays_without_a_common_kind():
    assert compare_values(np.zeros(2, "m8[Y]"), np.zeros(2, "m8[D]")).because == "dtype timedelta64[Y] → timedelta64[D]"
    assert compare_values(np.zeros(2, "M8[Y]"), np.zeros(2, "M8[D]")).status == "equal"
    far = np.array([300_000], "i8").view("M8[Y]")  # numpy wraps it around where nanoseconds are asked for
    assert compare_values(far, far.astype("M8[ns]")).status == "different"
    assert compare_values(np.array(["a"], "U1"), np.array(["a"], "U9")).status == "equal"
    assert compare_values(np.array(["a"]), np.array([b"a"])).status == "different"
    assert compare_values(np.longdouble([0.0]), np.longdouble([-0.0])).status == "equal"
    assert compare_values(np.longdouble([1.5]), np.longdouble([1.5])).status == "identical"
    assert compare_values(np.zeros(2, order="C"), np.zeros((2,), order="F")).status == "identical"
    assert compare_values(np.zeros((2, 2), order="C"), np.zeros((2, 2), order="F")).notes == ("the order of its axes in memory differs",)
