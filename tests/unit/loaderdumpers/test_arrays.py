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

from isfdb.testing import assert_identical
from loaderdumpers import numpy_to_npy, numpy_to_zarr
from tests.contracts import examples


def stored(module: Any, value: Any, folder: Path, **options: Any) -> Any:
    return module.Loader(**json.loads(json.dumps(module.dump(value, str(folder), **options))))


@pytest.mark.parametrize("mmap", ["r", "c"])
def test_every_array_can_be_mapped(mmap: str, tmp_path: Path) -> None:
    for place, array in enumerate(examples.arrays()):
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


def test_a_zarr_array_of_another_shape_is_not_loaded(tmp_path: Path) -> None:
    arguments = numpy_to_zarr.dump(np.zeros((2, 3)), str(tmp_path))
    with pytest.raises(ValueError, match="restore it from a copy"):
        numpy_to_zarr.Loader(**{**arguments, "shape": [3, 2]}).get(str(tmp_path))


@pytest.mark.parametrize("codec", ["numcodecs.pickle", "pickle", "vlen-bytes", "my_package.evil"])
def test_a_codec_that_may_run_code_is_refused(db, codec):
    import json

    from isfdb.errors import LoadError

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
    import json

    db.set("z", np.arange(6.0), dumper="numpy_to_zarr")
    folder = tmp_path / "v"
    (folder / "data.zarr").mkdir(parents=True)
    (folder / "data.zarr" / ".zarray").write_text(json.dumps({"zarr_format": 2, "dtype": "|O", "shape": [1]}))
    with pytest.raises(FileNotFoundError):
        numpy_to_zarr.Loader(dtype="float64", shape=[1]).get(str(folder))
    with pytest.raises(ValueError, match="never stored as zarr"):
        numpy_to_zarr.Loader(dtype="T", shape=[1]).get(str(folder))
