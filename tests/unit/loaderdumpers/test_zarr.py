"""What zarr_to_zarr does beyond the contract: any store, sparse arrays, what it refuses, damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

import isfdb
from isfdb.errors import DumpError, IncompleteVersionError, IsfdbError, LoadError, VersionGoneError
from loaderdumpers import zarr_to_zarr


@pytest.fixture
def array(tmp_path: Path) -> Any:
    made = zarr.create_array(tmp_path / "source", shape=(30, 40), chunks=(10, 10), dtype="f4", fill_value=-1)
    made[:10, :10] = np.arange(100).reshape(10, 10)
    made.attrs["unit"] = "mV"
    return made


def test_the_values_are_kept_and_not_the_place_where_they_lie(db: Any, array: Any, tmp_path: Path) -> None:
    before = array[...]
    db["a"] = array
    shutil.rmtree(tmp_path / "source")
    assert db.entry("a").dumper == "zarr_to_zarr"
    assert (db["a"][...] == before).all()
    assert db["a"].attrs["unit"] == "mV"
    assert (db.get("a", np.s_[8:12, ::-5]) == before[8:12, ::-5]).all()
    assert db.entry("a").describe["shape"] == [30, 40]
    assert not isfdb.verify(db)


def test_it_is_kept_inside_of_other_values(db: Any, array: Any) -> None:
    db["run"] = {"trace": array, "gain": 2}
    assert (db["run"]["trace"][...] == array[...]).all()


@pytest.mark.parametrize("place", ["memory", "zip", "group"])
def test_it_may_lie_in_any_store(place: str, db: Any, tmp_path: Path) -> None:
    data = np.arange(12.0).reshape(3, 4)
    if place == "zip":
        with zarr.storage.ZipStore(tmp_path / "source.zip", mode="w") as store:
            zarr.create_array(store, data=data, chunks=(2, 2))
        with zarr.storage.ZipStore(tmp_path / "source.zip", mode="r") as store:
            db["a"] = zarr.open_array(store)
    elif place == "group":
        group = zarr.create_group(tmp_path / "group")
        group.create_array("other", data=np.ones(3))
        db["a"] = group.create_array("a/b", data=data, chunks=(2, 2))
    else:
        db["a"] = zarr.create_array({}, data=data, chunks=(2, 2))
    assert (db["a"][...] == data).all()


def test_a_stored_array_cannot_be_written_to_and_stored_again(db: Any, array: Any) -> None:
    db["a"] = array
    with pytest.raises(ValueError, match="read-only"):
        db["a"][0, 0] = 3
    db["b"] = db["a"]
    isfdb.testing.assert_identical(db["b"], db["a"])


@pytest.mark.parametrize("dumper", [None, "zarr_to_zarr"])
def test_what_cannot_be_kept_is_refused_and_not_stored_as_a_place(dumper: str | None, db: Any, tmp_path: Path) -> None:
    old = zarr.create_array(tmp_path / "old", data=np.arange(3), zarr_format=2)
    for value, words in ((old, "format 2 are not copied"), (zarr.create_group({}), "Store each of its arrays")):
        with pytest.raises(DumpError, match=words):
            db.set("a", value, dumper=dumper)
        with pytest.raises(DumpError, match=words):
            db["a"] = [1, {"inside": value}]
    assert "a" not in db


def test_a_lost_chunk_is_noticed_and_one_that_never_was_is_the_fill_value(db: Any, array: Any) -> None:
    db["a"] = array
    assert db["a"][29, 39] == -1
    (db.entry("a").path / "data.zarr" / "c" / "0" / "0").unlink()
    with pytest.raises(IncompleteVersionError, match="c/0/0 is missing"):
        db["a"]


def test_a_lazy_array_whose_data_was_reclaimed_says_so(db: Any, array: Any) -> None:
    db["a"] = array
    held = db["a"]
    shutil.rmtree(db.entry("a").path / "data.zarr")
    with pytest.raises(VersionGoneError, match="Read the key again"):
        held[...]


def test_a_codec_that_may_run_code_is_not_opened(db: Any, array: Any) -> None:
    db["a"] = array
    path = db.entry("a").path / "data.zarr" / "zarr.json"
    facts = json.loads(path.read_text())
    facts["codecs"].append({"name": "numcodecs.pickle"})
    with pytest.raises(ValueError, match="may run code"):
        path.write_text(json.dumps(facts))
        zarr_to_zarr.Loader(dtype="float32", shape=[30, 40]).get(str(db.entry("a").path))
    with pytest.raises((LoadError, IsfdbError)):
        db["a"]


def test_a_small_and_a_large_one_have_a_preview(db: Any, array: Any) -> None:
    db["small"] = array
    db["large"] = zarr.create_array({}, shape=(50_000, 250_000), chunks=(500, 500), dtype="f8", fill_value=7)
    assert "99" in str(db.entry("small").preview())
    assert "largest 7" in str(db.entry("large").preview())


def test_the_browser_pages_through_it(db: Any, array: Any) -> None:
    from isfdb.jupyter.browsing.tabs.sources import source_of

    db["a"] = array
    entry = db.entry("a")
    source = source_of(entry.describe, "zarr_to_zarr", "a", entry.newest.nbytes, lambda **options: db.get("a", **options))
    assert source is not None
