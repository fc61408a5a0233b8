"""``db.append``: the value is the blocks in a row, along any axis; earlier versions stay; what does not fit is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.errors import AppendError, IncompleteVersionError, OptionError, ReadOnlyError, UnsafePathError

SELECTIONS = [np.s_[5:15], np.s_[-3:], np.s_[::-7], np.s_[20:3:-3, 1], np.s_[7], np.s_[..., 2], np.s_[:0], np.s_[9:99, ::2], np.s_[-1, -1]]


def rows(number: int, n: int = 2) -> Any:
    return np.full((n, 3), number) + np.arange(3) / 10


@pytest.fixture
def grown(db: Any) -> Any:
    with isfdb.set_options(durability="process", capture=False):
        for number in range(20):
            db.append("x", rows(number))
    return np.concatenate([rows(number) for number in range(20)])


def test_the_value_is_the_blocks_in_a_row(db: Any, grown: Any) -> None:
    value = db["x"]
    assert type(value) is np.ndarray
    assert value.dtype == grown.dtype
    assert np.array_equal(value, grown)


def test_every_earlier_version_is_what_it_was(db: Any, grown: Any) -> None:
    for number in range(1, 21):
        assert np.array_equal(db.get("x", version=number), grown[: 2 * number])


@pytest.mark.parametrize("select", SELECTIONS, ids=str)
def test_a_part_is_what_the_whole_gives(select: Any, db: Any, grown: Any) -> None:
    part = db.get("x", select=select)
    assert part.shape == grown[select].shape
    assert np.array_equal(part, grown[select])


@pytest.mark.parametrize(
    "select", [np.s_[np.int64(1)], np.s_[np.int64(1), :, ::2], np.s_[:, np.int64(-1)], np.s_[np.int8(0), 1, -1]], ids=str
)
def test_numbers_of_numpy_select_as_those_of_python(select: Any, db: Any) -> None:
    whole = np.arange(24).reshape(2, 3, 4)
    db["x"] = whole[..., :1]
    db.append("x", whole[..., 1:], axis=2)
    assert np.array_equal(db.get("x", select=select), whole[select])


@pytest.mark.parametrize("select", [(None, slice(3)), (..., None, 0), True, (slice(3), False), (..., ...)], ids=str)
def test_a_selection_that_moves_axes_is_refused(select: Any, db: Any, grown: Any) -> None:
    with pytest.raises(isfdb.errors.LoadError, match=r"select takes slices, whole numbers and one '...'"):
        db.get("x", select=select)


@pytest.mark.parametrize("select", [np.s_[40], np.s_[-41]])
def test_a_row_that_is_not_there_is_an_error(select: Any, db: Any, grown: Any) -> None:
    with pytest.raises(isfdb.errors.LoadError, match="there are 40"):
        db.get("x", select=select)


def test_a_selection_by_list_along_the_axis_that_grew_is_refused(db: Any, grown: Any) -> None:
    with pytest.raises(isfdb.errors.LoadError, match="a slice, as"):
        db.get("x", select=[1, 2])


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_it_grows_along_any_axis(axis: int, db: Any) -> None:
    shape = [2, 3, 4]
    blocks = []
    for number in range(10):
        shape[axis] = number % 3
        blocks.append(np.random.default_rng(number).random(shape))
        db.append("x", blocks[-1], axis=axis)
    whole = np.concatenate(blocks, axis=axis)
    assert np.array_equal(db["x"], whole)
    for select in (np.s_[1], np.s_[..., 1:3], np.s_[0, :, ::-1], np.s_[:, 1]):
        assert np.array_equal(db.get("x", select=select), whole[select])


def test_an_array_stored_as_ever_grows_without_being_copied(db: Any) -> None:
    db["x"] = rows(0, 1000)
    db.append("x", rows(1))
    assert np.array_equal(db["x"], np.concatenate([rows(0, 1000), rows(1)]))
    files = [file.relative_to(db.entry("x").path) for file in db.entry("x").path.rglob("*.npy")]
    assert [str(file) for file in files] == ["block/data.npy"]
    assert db.entry("x").nbytes > rows(0, 1000).nbytes


def test_one_row_or_one_image_may_lack_the_axis(db: Any) -> None:
    db["stack"] = np.zeros((0, 4, 5), "u2")
    for number in range(3):
        db.append("stack", np.full((4, 5), number, "u2"))
    assert db["stack"].shape == (3, 4, 5)
    assert db["stack"][:, 0, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (np.zeros((2, 4)), r"takes blocks of shape \(n, 3\), and what was given has shape \(2, 4\)"),
        (np.zeros((2, 3), "f4"), "is an array of float32; convert it: numpy.asarray"),
        (np.zeros((2, 2, 3)), "has shape"),
        ([1.0, 2.0, 3.0], "is a list; convert it"),
        (np.ma.zeros((2, 3)), "is an array of float64"),
    ],
    ids=["shape", "dtype", "axes", "list", "subclass"],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(block: Any, message: str, db: Any, grown: Any) -> None:
    before = len(db.versions("x"))
    with pytest.raises(AppendError, match=message):
        db.append("x", block)
    assert len(db.versions("x")) == before
    assert np.array_equal(db["x"], grown)


def test_values_that_do_not_grow_say_so(db: Any) -> None:
    db["a"] = {"b": 1}
    db["zero"] = np.array(1.0)
    with pytest.raises(AppendError, match="to_json keeps this dict, and its values do not grow"):
        db.append("a", {"b": 2})
    with pytest.raises(AppendError, match="its values do not grow"):
        db.append("new", "text")
    with pytest.raises(AppendError, match="axis 0"):
        db.append("zero", np.array([1.0]))
    assert "new" not in db


@pytest.mark.parametrize("axis", [2, -3, "rows", 0.5, None])
def test_an_axis_that_is_none_is_refused(axis: Any, db: Any, grown: Any) -> None:
    with pytest.raises(AppendError, match="axis"):
        db.append("x", rows(1), axis=axis)


def test_the_axis_stays_what_it_was(db: Any, grown: Any) -> None:
    with pytest.raises(AppendError, match="it has grown along axis 0"):
        db.append("x", np.zeros((40, 1)), axis=1)


def test_an_option_nobody_knows_is_refused(db: Any, grown: Any) -> None:
    with pytest.raises(OptionError, match="has no option 'ignore_index'"):
        db.append("x", rows(1), ignore_index=True)


def test_a_database_opened_for_reading_does_not_grow(db: Any, grown: Any) -> None:
    reader = isfdb.open(db.path, mode="r")
    with pytest.raises(ReadOnlyError):
        reader.append("x", rows(1))
    with pytest.raises(ReadOnlyError):
        reader.appending("x")


def test_its_description_is_that_of_the_whole(db: Any, grown: Any) -> None:
    facts = db.entry("x").describe
    assert facts["shape"] == [40, 3]
    assert facts["dtype"] == "float64"
    assert facts["nbytes"] == grown.nbytes


def test_it_appends_below_sub_databases_and_inside_batches(db: Any) -> None:
    with db.batch():
        db["a/b"] = rows(0)
        db.append("a/b", rows(1))
    assert db["a/b"].shape == (4, 3)


def test_verify_finds_it_sound_and_every_changed_byte(db: Any, grown: Any) -> None:
    assert not isfdb.verify(db)
    file = sorted(Path(db.path).rglob("block/data.npy"))[0]
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert [finding.kind for finding in isfdb.verify(db)] == ["changed file"]


def test_a_missing_block_of_an_earlier_version_is_named(db: Any, grown: Any) -> None:
    newest = json.loads(Path(db.entry("x").path, "metadata.json").read_text())
    name = next(iter(newest["earlier"]))
    Path(db.entry("x").path.parent, name).unlink()
    with pytest.raises(IncompleteVersionError, match=f"{name} is missing"):
        db["x"]
    assert any(finding.kind == "missing file" for finding in isfdb.verify(db))


def test_collect_keeps_what_the_value_is_made_of(db: Any, grown: Any) -> None:
    report = db.collect(grace_s=0, trash_s=0)
    assert report.n_versions > 0
    assert np.array_equal(db["x"], grown)
    assert not isfdb.verify(db)
    assert db.collect(grace_s=0, trash_s=0).n_versions == 0
    db["x"] = 1
    db.collect(grace_s=0, trash_s=0)
    assert not list(Path(db.path).rglob("*.npy"))
    assert not isfdb.verify(db)


def test_kept_versions_keep_their_blocks(db: Any, grown: Any) -> None:
    db.collect(grace_s=0, trash_s=0, keep=3)
    for number in (18, 19, 20):
        assert np.array_equal(db.get("x", version=number), grown[: 2 * number])
    with pytest.raises(isfdb.errors.VersionGoneError):
        db.get("x", version=15)


@pytest.mark.parametrize("verb", ["copy", "rename", "rename onto a used name"])
def test_it_can_be_copied_renamed_and_grow_on(verb: str, db: Any, grown: Any) -> None:
    if verb == "rename onto a used name":
        db["y"] = 1
        del db["y"]
    (db.copy if verb == "copy" else db.rename)("x", "y")
    assert np.array_equal(db["y"], grown)
    db.append("y", rows(99))
    assert np.array_equal(db["y"], np.concatenate([grown, rows(99)]))
    assert not isfdb.verify(db)


def test_a_copy_stands_by_itself(db: Any, grown: Any) -> None:
    db.copy("x", "y")
    del db["x"]
    db.collect(grace_s=0, trash_s=0)
    assert np.array_equal(db["y"], grown)


def test_a_spec_that_names_folders_of_other_keys_is_refused(db: Any, grown: Any) -> None:
    from loaderdumpers import appended

    with pytest.raises(UnsafePathError):
        appended.Loader(axis=0, of="numpy_to_npy", blocks=[["../../y.key/v000001", 1, 1, 1, {"Loader": "loaderdumpers.numpy_to_npy"}]])


def test_it_reads_on_a_folder_that_was_moved(db: Any, grown: Any, tmp_path: Path) -> None:
    path = tmp_path / "moved"
    Path(db.path).rename(path)
    assert np.array_equal(isfdb.open(path, mode="r")["x"], grown)
