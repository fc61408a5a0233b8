"""What the array loaderdumpers do beyond the contract: mapping, layout of the file, damage, chunks."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isfdb.errors import DumpError, LoadError
from isfdb.hashing import LARGE_BYTES, open_hashed
from isfdb.testing import assert_identical
from loaderdumpers import numpy_masked_to_npy, numpy_strings_to_arrow, numpy_to_npy, numpy_to_npz, numpy_to_zarr
from tests.contracts import examples
from tests.contracts.kept import numpy as kept


def stored(module: Any, value: Any, folder: Path, **options: Any) -> Any:
    return module.Loader(**json.loads(json.dumps(module.dump(value, str(folder), **options))))


@pytest.mark.parametrize("mmap", ["r", "c"])
def test_every_array_can_be_mapped(mmap: str, tmp_path: Path) -> None:
    for place, array in enumerate(kept.arrays() + kept.ml_arrays()):
        folder = tmp_path / str(place)
        folder.mkdir()
        assert_identical(stored(numpy_to_npy, array, folder).get(str(folder), mmap=mmap), array)


def test_numpy_itself_reads_the_file(tmp_path: Path) -> None:
    for place, array in enumerate(examples.arrays()):
        folder = tmp_path / str(place)
        folder.mkdir()
        numpy_to_npy.dump(array, str(folder))
        assert_identical(np.load(folder / "data.npy", allow_pickle=False), array)


def test_a_read_only_map_refuses_changes_and_a_private_one_keeps_them_to_itself(tmp_path: Path) -> None:
    loader = stored(numpy_to_npy, np.zeros(5), tmp_path)
    with pytest.raises(ValueError, match="read-only"):
        loader.get(str(tmp_path), mmap="r")[0] = 1
    private = loader.get(str(tmp_path), mmap="c")
    private[0] = 1
    assert loader.get(str(tmp_path))[0] == 0


def test_an_unknown_way_of_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="use 'r'"):
        stored(numpy_to_npy, np.zeros(5), tmp_path).get(str(tmp_path), mmap="r+")


def test_a_truncated_file_is_not_loaded(tmp_path: Path) -> None:
    loader = stored(numpy_to_npy, np.zeros(5), tmp_path)
    (tmp_path / "data.npy").write_bytes((tmp_path / "data.npy").read_bytes()[:-8])
    with pytest.raises(ValueError, match="has 160 bytes where 168 were stored"):
        loader.get(str(tmp_path), mmap="r")


def test_a_header_that_contradicts_the_spec_is_not_loaded(tmp_path: Path) -> None:
    arguments = numpy_to_npy.dump(np.zeros(5), str(tmp_path))
    with pytest.raises(ValueError, match="does not say the dtype and shape"):
        numpy_to_npy.Loader(**{**arguments, "dtype": "<i8"}).get(str(tmp_path))


def test_the_spec_evaluates_no_code(tmp_path: Path) -> None:
    arguments = numpy_to_npy.dump(np.zeros(5), str(tmp_path))
    with pytest.raises(ValueError, match="malformed"):
        numpy_to_npy.Loader(**{**arguments, "dtype": "[__import__('os').getpid()]"}).get(str(tmp_path))


def test_dumping_what_check_refuses_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="use to_cloudpickle"):
        numpy_to_npy.dump(np.array([None]), str(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
@pytest.mark.parametrize("layout", ["array", "array[::2]", "array.reshape(2, -1).T"])
def test_an_array_is_stored_without_a_copy(layout: str, tmp_path: Path) -> None:
    program = f"""
import resource, numpy as np
from loaderdumpers import numpy_to_npy
array = np.ones(16_000_000)
numpy_to_npy.dump(np.ones(2), {str(tmp_path)!r}); import os; os.remove({str(tmp_path / "data.npy")!r})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
numpy_to_npy.dump({layout}, {str(tmp_path)!r})
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert int(done.stdout) <= 32_000_000
    assert resource  # the unit is the kernel's


SELECTIONS = [
    np.s_[3],
    np.s_[-1],
    np.s_[2:7],
    np.s_[::-2],
    np.s_[5:5],
    np.s_[...],
    np.s_[()],
    np.s_[None, 1:3],
    np.s_[..., 0],
    np.s_[1, ..., None, ::-1],
    np.s_[np.int64(2), 1, 0],
    np.s_[-4:-1, 1:, ::2],
]


@pytest.mark.parametrize("select", SELECTIONS, ids=repr)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("mmap", [None, "r"])
def test_a_selection_is_what_numpy_gives(select: Any, order: Any, mmap: str | None, tmp_path: Path) -> None:
    array = np.asarray(np.arange(10 * 4 * 3, dtype=">i4").reshape(10, 4, 3), order=order)
    part = stored(numpy_to_npy, array, tmp_path).get(str(tmp_path), select=select, mmap=mmap)
    expected = array[select]
    assert (type(part), part.dtype, part.shape) == (type(expected), expected.dtype, expected.shape)
    assert part.tobytes() == expected.tobytes()


def test_a_selected_part_has_memory_of_its_own(db: Any) -> None:
    db["x"] = np.arange(12).reshape(3, 4)
    part = db.get("x", np.s_[1:])
    part[0, 0] = 99
    assert part.base is None or part.base.base is None
    assert db["x"][1, 0] == 4


@pytest.mark.parametrize("select", [[0, 1], np.array([True, False]), True, "x", 1.0, (slice(None), [0])])
def test_a_selection_that_is_no_basic_indexing_is_refused(select: Any, tmp_path: Path) -> None:
    loader = stored(numpy_to_npy, np.zeros((2, 2)), tmp_path)
    with pytest.raises(TypeError, match="select takes whole numbers, slices"):
        loader.get(str(tmp_path), select=select)


def test_a_selection_of_an_empty_array_and_of_a_scalar_array(tmp_path: Path) -> None:
    (tmp_path / "scalar").mkdir()
    assert stored(numpy_to_npy, np.zeros((0, 3)), tmp_path).get(str(tmp_path), select=np.s_[:, 1]).shape == (0,)
    assert stored(numpy_to_npy, np.array(5), tmp_path / "scalar").get(str(tmp_path / "scalar"), select=...) == 5


def test_subclasses_of_numpy_come_back_as_what_they_were(db: Any, tmp_path: Path) -> None:
    record = np.rec.array([(1, 2.5)], dtype=[("x", "i4"), ("y", "f8")])
    for value in (record, np.ones((2, 2)).view(np.matrix), kept.characters()):
        db["x"] = value
        assert_identical(db["x"], value)
        assert_identical(db.get("x", np.s_[:1]), value[:1])
    assert db.entry("x").describe["type"] == "chararray"


def test_a_memory_map_comes_back_as_one(db: Any, tmp_path: Path) -> None:
    writable = np.memmap(tmp_path / "raw", "f4", "w+", shape=(5, 3))
    writable[:] = 1
    db["x"] = writable
    assert type(db["x"]) is np.memmap
    assert (db["x"] == 1).all()
    assert db["x"].mode == "c"
    db["x"] = np.memmap(tmp_path / "raw", "f4", "r", shape=(5, 3))[1:]
    assert not db["x"].flags.writeable
    assert db["x"].shape == (4, 3)


def test_a_masked_array_is_selected_and_mapped(tmp_path: Path) -> None:
    array = np.ma.array(np.arange(12.0).reshape(3, 4), mask=np.eye(3, 4, dtype=bool), fill_value=-1)
    loader = stored(numpy_masked_to_npy, array, tmp_path)
    assert_identical(loader.get(str(tmp_path), select=np.s_[1:, ::2]), array[1:, ::2].copy())
    assert_identical(loader.get(str(tmp_path), mmap="r"), array)
    assert loader.get(str(tmp_path), select=(0, 0)) is np.ma.masked
    assert loader.get(str(tmp_path), select=(0, 1)) == 1.0


def test_a_mask_of_another_shape_is_not_loaded(tmp_path: Path) -> None:
    arguments = numpy_masked_to_npy.dump(np.ma.array([1, 2], mask=[0, 1]), str(tmp_path))
    (tmp_path / "other").mkdir()
    other = numpy_masked_to_npy.dump(np.ma.array([1, 2, 3], mask=[0, 1, 1]), str(tmp_path / "other"))
    (tmp_path / "other" / "mask.npy").replace(tmp_path / "mask.npy")
    with pytest.raises(ValueError, match=r"mask.npy is bool of shape"):
        numpy_masked_to_npy.Loader(**{**arguments, "mask": other["mask"]}).get(str(tmp_path))


@pytest.mark.parametrize("select", [np.s_[1], np.s_[1, ::-3], np.s_[:, 70_000:], np.s_[..., None, -1]], ids=repr)
def test_texts_are_selected(select: Any, tmp_path: Path) -> None:
    array = np.array([f"é {n}" for n in range(200_000)], np.dtypes.StringDType()).reshape(2, -1)
    assert_identical(stored(numpy_strings_to_arrow, array, tmp_path).get(str(tmp_path), select=select), array[select].copy())


def test_texts_read_without_isfdb(tmp_path: Path) -> None:
    import pyarrow as pa

    numpy_strings_to_arrow.dump(np.array(["a", None, "é"], np.dtypes.StringDType(na_object=None)), str(tmp_path), compression="zstd")
    with pa.memory_map(str(tmp_path / "data.arrow")) as source:
        assert pa.ipc.open_file(source).read_all()["values"].to_pylist() == ["a", None, "é"]


def test_damaged_texts_are_not_loaded(tmp_path: Path) -> None:
    arguments = numpy_strings_to_arrow.dump(np.array(["a", "b"], np.dtypes.StringDType()), str(tmp_path))
    with pytest.raises(ValueError, match="has 2 texts where 3 were stored"):
        numpy_strings_to_arrow.Loader(**{**arguments, "shape": [3]}).get(str(tmp_path))
    with pytest.raises(ValueError, match="knows no such thing"):
        numpy_strings_to_arrow.Loader(**{**arguments, "missing": ["os.system"]}).get(str(tmp_path))
    (tmp_path / "data.arrow").write_bytes((tmp_path / "data.arrow").read_bytes()[:100])
    with pytest.raises(ValueError, match="cannot be read"):
        numpy_strings_to_arrow.Loader(**arguments).get(str(tmp_path))


@pytest.mark.parametrize("compressed", [False, True])
def test_numpy_reads_the_npz(compressed: bool, tmp_path: Path) -> None:
    arrays = {f"a/{place}": array for place, array in enumerate(examples.arrays())}
    numpy_to_npz.dump(arrays, str(tmp_path), compressed=compressed)
    with np.load(tmp_path / "data.npz", allow_pickle=False) as found:
        assert_identical({name: found[name] for name in found.files}, arrays)


def test_members_of_an_npz_are_chosen_mapped_and_selected(tmp_path: Path) -> None:
    arrays = {"é": np.arange(6.0).reshape(2, 3), "b": np.arange(4, dtype=">i2"), "c": kept.arrays()[-3]}
    loader = stored(numpy_to_npz, arrays, tmp_path)
    folder = str(tmp_path)
    assert_identical(loader.get(folder, members=["c", "é"]), {"c": arrays["c"], "é": arrays["é"]})
    assert_identical(loader.get(folder, select="b"), arrays["b"])
    assert_identical(loader.get(folder, select=("é", slice(None), 1)), arrays["é"][:, 1].copy())
    mapped = loader.get(folder, mmap="r")
    assert_identical(mapped, arrays)
    assert mapped["é"].flags.aligned
    with pytest.raises(KeyError, match="there is no array 'x'"):
        loader.get(folder, members=["x"])


def test_compressed_members_are_not_mapped(tmp_path: Path) -> None:
    loader = stored(numpy_to_npz, {"a": np.zeros(5000)}, tmp_path, compressed=True)
    assert (tmp_path / "data.npz").stat().st_size < 1000
    assert_identical(loader.get(str(tmp_path), select=("a", slice(2))), np.zeros(2))
    with pytest.raises(ValueError, match="cannot be mapped"):
        loader.get(str(tmp_path), mmap="r")


def test_equal_dicts_give_equal_files(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        numpy_to_npz.dump({"x": np.arange(5), "y": np.zeros(2)}, str(tmp_path / name))
    assert (tmp_path / "a" / "data.npz").read_bytes() == (tmp_path / "b" / "data.npz").read_bytes()


def test_the_pool_of_a_container_is_an_npz(tmp_path: Path) -> None:
    from isfdb.parts import dump_part, load_part

    arrays = {"a": np.zeros(3), "b": np.array("x")}
    spec = dump_part(arrays, str(tmp_path / "pool"), dumper="numpy_to_npz")
    assert_identical(load_part(spec, str(tmp_path / "pool")), arrays)


def _npz_of(folder: Path, *members: tuple[str, bytes], compression: int = 0) -> str:
    import zipfile

    with zipfile.ZipFile(folder / "data.npz", "w", compression) as archive:
        for name, content in members:
            archive.writestr(f"{name}.npy", content)
    return str(folder)


def test_objects_hidden_in_an_npz_are_not_unpickled(tmp_path: Path) -> None:
    import io

    hidden = io.BytesIO()
    np.save(hidden, np.array([print]), allow_pickle=True)
    folder = _npz_of(tmp_path, ("a", hidden.getvalue()))
    with pytest.raises(ValueError, match="holds Python objects"):
        numpy_to_npz.Loader(n_members=1).get(folder)


@pytest.mark.parametrize("compression", [0, 8])
def test_a_header_that_claims_more_than_the_npz_holds_is_not_believed(compression: int, tmp_path: Path) -> None:
    lie = numpy_to_npy.header_of("<f8", (10**12,), fortran=False) + bytes(8)
    with pytest.raises(ValueError, match="has 136 bytes"):
        numpy_to_npz.Loader(n_members=1).get(_npz_of(tmp_path, ("a", lie), compression=compression))


def test_a_directory_that_claims_more_than_deflate_can_press_is_not_believed(tmp_path: Path) -> None:
    honest = numpy_to_npy.header_of("|u1", (3 * 10**6,), fortran=False) + bytes(3 * 10**6)
    folder = _npz_of(tmp_path, ("a", honest), compression=8)
    size = len(honest).to_bytes(4, "little")
    data = (tmp_path / "data.npz").read_bytes()
    assert data.count(size) == 2
    (tmp_path / "data.npz").write_bytes(data.replace(size, (2**31).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="claims 2147483648 bytes"):
        numpy_to_npz.Loader(n_members=1).get(folder)


@pytest.mark.parametrize("damage", ["truncated", "no member", "one more", "twice the same", "no header"])
def test_a_damaged_npz_is_not_loaded(damage: str, tmp_path: Path) -> None:
    loader = stored(numpy_to_npz, {"a": np.zeros(5), "b": np.ones(2)}, tmp_path)
    data = (tmp_path / "data.npz").read_bytes()
    (tmp_path / "data.npz").unlink()
    member = ("a", numpy_to_npy.header_of("<f8", (1,), fortran=False) + bytes(8))
    if damage == "truncated":
        (tmp_path / "data.npz").write_bytes(data[:-30])
    elif damage == "twice the same":
        with pytest.warns(UserWarning, match="Duplicate name"):
            _npz_of(tmp_path, member, member)
    else:
        members = {
            "no member": [member],
            "one more": [member, ("b", member[1]), ("c", member[1])],
            "no header": [("a", b"x"), ("b", b"y" * 99)],
        }
        _npz_of(tmp_path, *members[damage])
    with pytest.raises(ValueError, match=r"data.npz"):
        loader.get(str(tmp_path))


@pytest.mark.parametrize(
    "wrong", [{"dtype": "|O"}, {"dtype": "[('a', '|O')]"}, {"exact": {"names": ["a"], "formats": ["O"], "offsets": [0], "itemsize": 8}}]
)
def test_a_spec_that_asks_for_objects_is_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    arguments = numpy_to_npy.dump(np.zeros(5), str(tmp_path))
    with pytest.raises(ValueError, match="holds Python objects"):
        numpy_to_npy.Loader(**{**arguments, **wrong}).get(str(tmp_path))


@pytest.mark.parametrize(
    "exact",
    [
        "<f4",
        "<i8",
        {"ml_dtypes": "os"},
        {"names": 1},
        5,
        [],
        {"base": "f8"},
        "nonsense",
        {"dtype": "O", "metadata": {}},
    ],
)
def test_a_spec_whose_dtype_is_another_or_none_is_refused(exact: Any, tmp_path: Path) -> None:
    arguments = numpy_to_npy.dump(np.zeros(5), str(tmp_path))
    with pytest.raises(ValueError, match=r"Loader.json"):
        numpy_to_npy.Loader(**{**arguments, "exact": exact}).get(str(tmp_path))


def test_a_spec_nested_too_deep_is_refused(tmp_path: Path) -> None:
    arguments = numpy_to_npy.dump(np.zeros(5), str(tmp_path))
    exact: Any = "<f8"
    for _ in range(100):
        exact = {"base": exact, "shape": [1]}
    with pytest.raises(ValueError, match="too deep"):
        numpy_to_npy.Loader(**{**arguments, "exact": exact}).get(str(tmp_path))


def test_a_shape_that_no_file_has_room_for_allocates_nothing(tmp_path: Path) -> None:
    arguments = numpy_to_npy.dump(np.zeros(5), str(tmp_path))
    with pytest.raises(ValueError, match="were stored"):
        numpy_to_npy.Loader(**{**arguments, "shape": [10**15]}).get(str(tmp_path))
    with pytest.raises(ValueError, match="does not say"):
        numpy_to_npy.Loader(**{**arguments, "shape": [-1, -5]}).get(str(tmp_path))


def test_long_doubles_of_another_processor_are_refused(db: Any, tmp_path: Path) -> None:
    arguments = numpy_to_npy.dump(np.ones(3, np.longdouble), str(tmp_path))
    with pytest.raises(ValueError, match="long doubles as another kind"):
        numpy_to_npy.Loader(**{**arguments, "long_double": "another kind"}).get(str(tmp_path))


def test_scalars_that_contradict_their_spec_are_refused(tmp_path: Path) -> None:
    from loaderdumpers import to_numpy_scalar

    arguments = to_numpy_scalar.dump(np.longdouble(1), str(tmp_path))
    with pytest.raises(ValueError, match="long doubles as another kind"):
        to_numpy_scalar.Loader(**{**arguments, "long_double": "another kind"}).get("")
    with pytest.raises(ValueError, match="has 1 bytes"):
        to_numpy_scalar.Loader(dtype="<f8", bytes="00").get("")
    with pytest.raises(ValueError, match="holds Python objects"):
        to_numpy_scalar.Loader(dtype="|O", bytes="00" * 8).get("")


def changed_before_it_is_compared(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Let the value change after it was written and before it is compared, as another thread may do."""
    compare = open_hashed.holds

    def holds(self: open_hashed, start: int, data: Any) -> bool:
        change()
        return compare(self, start, data)

    monkeypatch.setattr(open_hashed, "holds", holds)


@pytest.mark.parametrize("n_bytes", [8, 10_000_000, 2 * LARGE_BYTES])
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_an_array_that_changes_while_it_is_stored_is_refused(db: Any, monkeypatch: pytest.MonkeyPatch, n_bytes: int, layout: str) -> None:
    array = np.zeros((2, n_bytes // 8))
    value = {"C": array[:1], "F": array.T, "strided": array[:, ::2]}[layout]
    db["x"] = 1
    changed_before_it_is_compared(monkeypatch, lambda: array.fill(1.0))
    with pytest.raises(DumpError, match=r"'x'.*changed by another thread while it was stored; store a copy"):
        db["x"] = value
    assert db["x"] == 1


@pytest.mark.parametrize(
    "dtype", [">i4", np.dtype("f8", metadata={"unit": "mV"}), {"names": ["a"], "formats": ["i4"], "itemsize": 16}, "q"]
)
def test_an_array_that_grows_keeps_its_dtype(db: Any, dtype: Any) -> None:
    array = np.zeros(2, dtype)
    db["x"] = array
    for _ in range(3):
        db.append("x", array)
    assert_identical(db["x"], np.zeros(8, dtype))
    with pytest.raises(DumpError, match="convert it"):
        db.append("x", np.zeros(2, "M8[D]"))


def test_what_an_array_of_numpys_subclasses_says_when_it_should_grow(db: Any) -> None:
    db["x"] = np.ones((2, 2)).view(np.matrix)
    with pytest.raises(DumpError, match="a matrix cannot grow"):
        db.append("x", np.ones((2, 2)))


def test_objects_go_to_pickle_and_load_for_their_writer_only(db: Any) -> None:
    from isfdb.errors import PickleWarning

    for value in (np.array([None, "a"]), np.ma.array([print], mask=[True]), np.zeros(1, [("a", "O")])):
        with pytest.warns(PickleWarning, match="stores it as a pickle"):
            db["x"] = value
        assert db.entry("x").dumper == "to_cloudpickle"
        assert type(db["x"]) is type(value)


def test_a_nan_does_not_count_as_a_change(db: Any) -> None:
    db["x"] = np.full(5, np.nan)
    assert np.isnan(db["x"]).all()


def test_a_member_of_an_npz_that_changes_is_refused(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.zeros(100)
    changed_before_it_is_compared(monkeypatch, lambda: array.__setitem__(-1, 1.0))
    with pytest.raises(DumpError, match="changed by another thread"):
        db.set("x", {"b": np.ones(2), "a": array}, dumper="numpy_to_npz")


@pytest.mark.parametrize("part", ["values", "mask"])
def test_a_masked_array_that_changes_is_refused(db: Any, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    value = np.ma.array(np.zeros(3), mask=[0, 0, 1])
    n_compared = iter(range(10))

    def change() -> None:
        if next(n_compared) == 1:  # the mask was compared, the values are about to be
            (value._mask if part == "mask" else value.data)[0] = True

    changed_before_it_is_compared(monkeypatch, change)
    with pytest.raises(DumpError, match="changed by another thread"):
        db["x"] = value


def test_texts_that_change_are_refused(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.array(["a", "b"], np.dtypes.StringDType())
    compare = numpy_strings_to_arrow._compare

    def changed(*given: Any) -> None:
        array[0] = "c"
        compare(*given)

    monkeypatch.setattr(numpy_strings_to_arrow, "_compare", changed)
    with pytest.raises(DumpError, match="changed by another thread"):
        db["x"] = array


def test_a_thread_that_never_stops_writing_is_noticed(db: Any) -> None:
    """No hook here: one thread counts in the array as fast as it can, the other stores it."""
    import threading

    array, stop = np.zeros(8_000_000, "u8"), threading.Event()

    def count() -> None:
        while not stop.is_set():
            np.add(array, 1, out=array)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        while array[0] == 0:
            pass
        with pytest.raises(DumpError, match="changed by another thread"):
            db["x"] = array
    finally:
        stop.set()
        thread.join()


def test_statistics_leave_out_what_is_missing() -> None:
    assert numpy_to_npy.summarise(np.array([1, np.nan, 3.0])) == {"min": 1.0, "max": 3.0, "mean": 2.0, "n_nan": 1}
    assert numpy_to_npy.summarise(np.array([2, 4], ">i2")[::-1]) == {"min": 2, "max": 4, "mean": 3.0}
    assert numpy_to_npy.summarise(np.array([2**64 - 1], "u8"))["max"] == 2**64 - 1
    assert numpy_to_npy.summarise(np.array([True, False])) == {"min": False, "max": True, "mean": 0.5}
    assert numpy_to_npy.summarise(np.array([np.inf, -np.inf])) == {"min": "-inf", "max": "inf", "mean": "nan", "n_nan": 0}
    assert numpy_to_npy.summarise(np.array([np.nan])) == {"n_nan": 1}
    assert numpy_to_npy.summarise(np.array(["2020", "NaT"], "M8[D]")) == {"min": "2020-01-01", "max": "2020-01-01", "n_nat": 1}
    assert numpy_to_npy.summarise(np.array([1j, np.nan])) == {"n_nan": 1}
    assert numpy_to_npy.summarise(np.array(["a"])) == numpy_to_npy.summarise(np.zeros(0)) == {}
    assert numpy_masked_to_npy.summarise(np.ma.array([1.0, 9.0], mask=[0, 1])) == {
        "min": 1.0,
        "max": 1.0,
        "mean": 1.0,
        "n_nan": 0,
        "n_masked": 1,
    }
    assert numpy_strings_to_arrow.summarise(np.array(["ab", None], np.dtypes.StringDType(na_object=None))) == {"n_missing": 1, "longest": 2}


def test_statistics_are_noted_when_asked_for(db: Any) -> None:
    db.set("x", np.arange(5.0), statistics=True)
    assert db.entry("x").describe["statistics"] == {"min": 0.0, "max": 4.0, "mean": 2.0, "n_nan": 0}


def test_an_array_of_an_earlier_isfdb_loads(tmp_path: Path) -> None:
    """Its spec had the four arguments that the header needs, no more."""
    np.save(tmp_path / "data.npy", np.arange(3.0))
    loader = numpy_to_npy.Loader(dtype="<f8", shape=[3], fortran_order=False, offset=128)
    assert_identical(loader.get(str(tmp_path)), np.arange(3.0))


def test_zarr_takes_chunks_shards_and_codecs(tmp_path: Path) -> None:
    import zarr

    array = np.arange(10_000.0).reshape(100, 100)
    loader = stored(numpy_to_zarr, array, tmp_path, chunks=(10, 10), shards=(50, 50), compressors=None)
    assert_identical(loader.get(str(tmp_path)), array)
    lazy = loader.get(str(tmp_path), lazy=True)
    assert isinstance(lazy, zarr.Array)
    assert (lazy.chunks, lazy.shards) == ((10, 10), (50, 50))


def test_default_chunks_are_about_four_megabytes() -> None:
    assert numpy_to_zarr.default_chunks((1000, 1000, 1000), 8) == (1, 524, 1000)
    assert numpy_to_zarr.default_chunks((10, 10), 8) == (10, 10)
    assert numpy_to_zarr.default_chunks((), 8) == ()


def test_large_zarr_arrays_lie_in_few_files(tmp_path: Path) -> None:
    assert numpy_to_zarr.default_shards((1000, 1000, 1000), (1, 524, 1000), 8) == (8, 1048, 1000)
    assert numpy_to_zarr.default_shards((10, 10), (10, 10), 8) == (10, 10)
    assert numpy_to_zarr.default_shards((0, 2), (1, 2), 8) == (1, 2)
    assert numpy_to_zarr.default_shards((), (), 8) == ()
    array = np.arange(10_000_000.0).reshape(1000, -1)
    loader = stored(numpy_to_zarr, array, tmp_path, compressors=None)
    assert len([path for path in (tmp_path / "data.zarr").rglob("*") if path.is_file()]) == 3
    assert_identical(loader.get(str(tmp_path), select=np.s_[-3:, ::7]), array[-3:, ::7].copy())


@pytest.mark.parametrize("select", SELECTIONS, ids=repr)
def test_a_selection_of_a_zarr_array_is_what_numpy_gives(select: Any, tmp_path: Path) -> None:
    array = np.arange(10 * 4 * 3).astype("M8[h]").reshape(10, 4, 3)
    part = stored(numpy_to_zarr, array, tmp_path, chunks=(3, 2, 3), shards=(6, 4, 3)).get(str(tmp_path), select=select)
    expected = array[select]
    assert (type(part), part.dtype, part.shape) == (type(expected), expected.dtype, expected.shape)
    assert part.tobytes() == expected.tobytes()


@pytest.mark.filterwarnings("ignore:Numcodecs codecs are not in the Zarr version 3")
def test_a_codec_that_loses_something_is_refused(db: Any) -> None:
    from zarr.codecs.numcodecs import BitRound

    with pytest.raises(DumpError, match="a codec loses something"):
        db.set("x", np.linspace(0, 1, 100), dumper="numpy_to_zarr", filters=BitRound(keepbits=3))
    assert "x" not in db


@pytest.mark.filterwarnings("ignore:Numcodecs codecs are not in the Zarr version 3")
def test_a_codec_that_loses_nothing_is_taken(db: Any) -> None:
    from zarr.codecs.numcodecs import Delta

    db.set("x", np.arange(1000), dumper="numpy_to_zarr", filters=Delta(dtype="<i8"))
    assert_identical(db["x"], np.arange(1000))


def test_a_zarr_array_that_changes_while_it_is_stored_is_refused(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.zeros((4, 4))

    compare = numpy_to_zarr._compare

    def changed(*given: Any) -> None:
        array[0, 0] = 1
        compare(*given)

    monkeypatch.setattr(numpy_to_zarr, "_compare", changed)
    with pytest.raises(DumpError, match="changed by another thread"):
        db.set("x", array, dumper="numpy_to_zarr")


def test_a_zarr_array_of_another_shape_is_not_loaded(tmp_path: Path) -> None:
    arguments = numpy_to_zarr.dump(np.zeros((2, 3)), str(tmp_path))
    with pytest.raises(ValueError, match="restore it from a copy"):
        numpy_to_zarr.Loader(**{**arguments, "shape": [3, 2]}).get(str(tmp_path))


@pytest.mark.parametrize("codec", ["numcodecs.pickle", "pickle", "vlen-bytes", "my_package.evil"])
def test_a_codec_that_may_run_code_is_refused(db, codec):
    db.set("z", np.arange(6.0), dumper="numpy_to_zarr")
    metadata = db.entry("z").path / "data.zarr" / "zarr.json"
    members = json.loads(metadata.read_text())
    members["codecs"].append({"name": codec, "configuration": {}})
    metadata.write_text(json.dumps(members))
    loader = numpy_to_zarr.Loader(dtype="float64", shape=[6])
    with pytest.raises(ValueError, match="which may run code"):
        loader.get(str(metadata.parent.parent))
    with pytest.raises((LoadError, ValueError)):
        db["z"]


def test_a_version_2_array_in_its_place_is_not_opened(db, tmp_path):
    db.set("z", np.arange(6.0), dumper="numpy_to_zarr")
    folder = tmp_path / "v"
    (folder / "data.zarr").mkdir(parents=True)
    (folder / "data.zarr" / ".zarray").write_text(json.dumps({"zarr_format": 2, "dtype": "|O", "shape": [1]}))
    with pytest.raises(FileNotFoundError):
        numpy_to_zarr.Loader(dtype="float64", shape=[1]).get(str(folder))
    with pytest.raises(ValueError, match="never stored as zarr"):
        numpy_to_zarr.Loader(dtype="T", shape=[1]).get(str(folder))


def test_a_zarr_array_that_claims_more_than_its_files_takes_no_memory(tmp_path: Path) -> None:
    numpy_to_zarr.dump(np.ones((10, 100)), str(tmp_path))
    description = tmp_path / "data.zarr" / "zarr.json"
    claimed = {**json.loads(description.read_text()), "shape": [10**12, 100]}
    description.write_text(json.dumps(claimed))
    with pytest.raises(ValueError, match=r"has 1 files with chunks where its zarr.json asks for 100,000,000,000"):
        numpy_to_zarr.Loader(dtype="<f8", shape=claimed["shape"]).get(str(tmp_path))
