"""What scipy_sparse_to_npz does beyond the contract: scipy's own reader, order and flags, damage."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isfdb.testing import assert_identical
from loaderdumpers import numpy_to_npz, scipy_sparse_to_npz
from tests.contracts.kept import tables

sp = pytest.importorskip("scipy.sparse")


def stored(value: Any, folder: Path, **options: Any) -> Any:
    return scipy_sparse_to_npz.Loader(**json.loads(json.dumps(scipy_sparse_to_npz.dump(value, str(folder), **options))))


@pytest.mark.parametrize("layout", ["csr", "csc", "bsr", "dia", "coo"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
def test_scipy_itself_reads_the_file(layout: str, kind: str, tmp_path: Path) -> None:
    value = getattr(sp, f"{layout}_{kind}")(np.diag([1.0, 2.0, 3.0]))
    scipy_sparse_to_npz.dump(value, str(tmp_path))
    found = sp.load_npz(tmp_path / "data.npz")
    assert type(found) is type(value)
    assert (found != value).nnz == 0


def test_compressed_it_is_smaller_and_comes_back(tmp_path: Path) -> None:
    value = sp.csr_array(np.ones((100, 100)))
    for name, compressed in (("a", False), ("b", True)):
        (tmp_path / name).mkdir()
        assert_identical(stored(value, tmp_path / name, compressed=compressed).get(str(tmp_path / name)), value)
    assert (tmp_path / "b" / "data.npz").stat().st_size < (tmp_path / "a" / "data.npz").stat().st_size / 5


def test_the_same_value_gives_the_same_file(tmp_path: Path) -> None:
    for place, name in enumerate("ab"):
        (tmp_path / name).mkdir()
        scipy_sparse_to_npz.dump(sp.eye_array(3 + 0 * place), str(tmp_path / name))
    assert (tmp_path / "a" / "data.npz").read_bytes() == (tmp_path / "b" / "data.npz").read_bytes()


def test_index_types_and_a_flag_set_by_hand_come_back(tmp_path: Path) -> None:
    value = sp.csr_matrix(np.eye(3))
    value.indices = value.indices.astype("int64")
    value.has_sorted_indices = False
    value.maxprint = 7
    found = stored(value, tmp_path).get(str(tmp_path))
    assert (found.indices.dtype, found.indptr.dtype, found.maxprint) == ("int64", "int32", 7)
    assert vars(found)["_has_sorted_indices"] is False


@pytest.mark.parametrize("layout", ["csr", "csc", "bsr", "coo", "dia", "lil", "dok"])
def test_every_layout_can_be_mapped(layout: str, tmp_path: Path) -> None:
    value = sp.random_array((30, 20), density=0.2, format=layout)
    found = stored(value, tmp_path).get(str(tmp_path), mmap="r")
    assert_identical(found, value)
    if layout not in ("lil", "dok"):
        assert not found.data.flags.writeable
        assert (found @ np.ones(20) == value @ np.ones(20)).all()


@pytest.mark.parametrize("compressed", [False, True])
def test_some_rows_and_columns_are_read_alone(compressed: bool, tmp_path: Path) -> None:
    value = sp.csr_array(np.arange(12.0).reshape(4, 3))
    loader = stored(value, tmp_path, compressed=compressed)
    for select in (slice(1, 3), np.s_[1:, 2], np.s_[:2, :2]):
        assert_identical(loader.get(str(tmp_path), select=select), value[select])


def test_where_scipy_gives_no_parts_the_way_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"convert it with tocsr\(\)"):
        stored(sp.bsr_array(np.eye(4)), tmp_path).get(str(tmp_path), select=slice(2))


def test_an_array_of_three_dimensions_comes_back(tmp_path: Path) -> None:
    try:
        value = sp.coo_array(np.arange(24.0).reshape(2, 3, 4))
    except ValueError:
        pytest.skip("this scipy has arrays of at most two dimensions")
    assert_identical(stored(value, tmp_path).get(str(tmp_path)), value)


def test_what_is_not_kept_says_why(tmp_path: Path) -> None:
    noted, _, objects = tables.sparse_foreign()[:3]
    with pytest.raises(TypeError, match="attributes unit"):
        scipy_sparse_to_npz.dump(noted, str(tmp_path))
    with pytest.raises(TypeError, match="none of numbers"):
        scipy_sparse_to_npz.dump(objects, str(tmp_path))
    mixed = sp.lil_array((2, 2), dtype="i4")
    mixed.rows[0], mixed.data[0] = [0], [1.5]
    with pytest.raises(TypeError, match="none of int32"):
        scipy_sparse_to_npz.dump(mixed, str(tmp_path))
    assert not list(tmp_path.iterdir())


def rewrite(path: Path, **changed: Any) -> None:
    with np.load(path) as old:
        members = {name: old[name] for name in old.files} | changed
    np.savez(path, **{name: member for name, member in members.items() if member is not None})


_CHANGES = {
    "an index too large": {"indices": np.array([0, 1, 3], "int32")},
    "a negative index": {"indices": np.array([0, -1, 2], "int32")},
    "rows that run backwards": {"indptr": np.array([0, 2, 1, 3], "int32")},
    "a row too few": {"indptr": np.array([0, 1, 2], "int32")},
    "indices that end early": {"indices": np.array([0, 1], "int32")},
    "other values": {"data": np.ones(3, "f4")},
    "indices that are no numbers": {"indices": np.array(["0", "1", "2"])},
    "no indices": {"indices": None},
    "no values": {"data": None},
}


@pytest.mark.parametrize("change", _CHANGES.values(), ids=list(_CHANGES))
def test_a_changed_file_is_not_loaded(change: dict[str, Any], tmp_path: Path) -> None:
    for layout in ("csr", "csc"):
        folder = tmp_path / layout
        folder.mkdir()
        loader = stored(getattr(sp, f"{layout}_array")(np.eye(3)), folder)
        rewrite(folder / "data.npz", **change)
        with pytest.raises(ValueError, match=r"data\.npz"):
            loader.get(str(folder))


@pytest.mark.parametrize("layout", ["coo", "bsr", "dia", "lil", "dok"])
def test_a_file_of_another_shape_is_not_loaded(layout: str, tmp_path: Path) -> None:
    value = getattr(sp, f"{layout}_array")(np.eye(4))
    arguments = scipy_sparse_to_npz.dump(value, str(tmp_path))
    changed = {"data": np.ones((2, 2, 2, 2))} if layout == "dia" else {}
    if changed:
        rewrite(tmp_path / "data.npz", **changed)
    with pytest.raises(ValueError, match="does not fit the shape"):
        scipy_sparse_to_npz.Loader(**{**arguments, "shape": [3, 2]}).get(str(tmp_path))


def test_a_truncated_file_is_not_loaded(tmp_path: Path) -> None:
    loader = stored(sp.csr_array(np.eye(3)), tmp_path)
    path = tmp_path / "data.npz"
    data = path.read_bytes()
    for length in (len(data) - 30, len(data) // 2, 0):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"data\.npz is damaged"):
            loader.get(str(tmp_path))


def test_objects_in_the_file_are_not_unpickled(tmp_path: Path) -> None:
    loader = stored(sp.csr_array(np.eye(3)), tmp_path)
    rewrite(tmp_path / "data.npz", indices=np.array([0, 1, None]))
    with pytest.raises(ValueError, match="never stored in an open format"):
        loader.get(str(tmp_path))
    assert zipfile.is_zipfile(tmp_path / "data.npz")


def test_a_matrix_that_is_changed_while_it_is_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = sp.csr_array(np.eye(3))
    compare = numpy_to_npz._compare

    def change_first(*arguments: Any) -> None:
        value.data[1] = 9.0
        compare(*arguments)

    monkeypatch.setattr(numpy_to_npz, "_compare", change_first)
    with pytest.raises(ValueError, match="changed by another thread"):
        scipy_sparse_to_npz.dump(value, str(tmp_path))


def test_an_unknown_layout_is_named() -> None:
    with pytest.raises(ValueError, match="unknown class xyz_array"):
        scipy_sparse_to_npz.Loader(layout="xyz", kind="array", shape=[1, 1], dtype="<f8", flags={}, npz={})


@st.composite
def _matrices(draw: st.DrawFn) -> Any:
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    places = draw(st.lists(st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1)), max_size=8))
    values = draw(st.lists(st.sampled_from([0.0, -0.0, 1.5, float("nan"), -2.0]), min_size=len(places), max_size=len(places)))
    dtype = draw(st.sampled_from(["f4", "f8", "c16"]))
    coords = (np.array([row for row, _ in places], "i4"), np.array([column for _, column in places], "i4"))
    made = sp.coo_array((np.array(values, dtype), coords), shape=(rows, columns))
    return made.asformat(draw(st.sampled_from(["coo", "csr", "csc", "lil", "dok", "bsr"])))


@settings(max_examples=200, deadline=None)
@given(value=_matrices())
def test_matrices_come_back_with_order_duplicates_and_zeros(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("matrix")
    assert_identical(stored(value, folder).get(str(folder)), value)
