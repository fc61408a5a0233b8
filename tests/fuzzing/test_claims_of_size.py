"""A file of some kilobytes that claims to hold gigabytes is refused before the memory is taken, and the process lives."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isfdb.errors import TooLargeError
from isfdb.memory import available_bytes, require
from loaderdumpers import numpy_to_npy
from tests.fuzzing.forging import reseal, write_spec

#: What a reader of forged values may take in all, its libraries included; more than any honest value here needs.
LIMIT_BYTES = 6 * 2**30
HUGE = 10**12

READER = Path(__file__).with_name("reader.py")


def spec_of(version: Path) -> dict[str, Any]:
    return json.loads((version / "Loader.json").read_bytes())


def forge_spec(version: Path, **members: Any) -> None:
    write_spec(version, spec_of(version) | members)


def npy_with_a_lying_shape(db) -> None:
    db["a"] = np.arange(1000.0)
    version = db.entry("a").path
    data = (version / "data.npy").read_bytes().replace(b"(1000,)", b"(%d,)" % HUGE)
    (version / "data.npy").write_bytes(data[:118] + data[128:])
    forge_spec(version, shape=[HUGE])


def npz_with_a_lying_shape(db) -> None:
    db.set("a", {"x": np.zeros(1000)}, dumper="numpy_to_npz", compressed=True)
    path = db.entry("a").path / "data.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", numpy_to_npy.header_of("<f8", (HUGE,), False) + bytes(8000))


def npz_with_a_lying_directory(db) -> None:
    db.set("a", {"x": np.zeros(1000)}, dumper="numpy_to_npz", compressed=True)
    path, data = db.entry("a").path / "data.npz", numpy_to_npy.header_of("<f8", (2**29 - 16,), False) + bytes(8000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", data)
    size = len(data).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (2**32 - 2).to_bytes(4, "little")))


def zarr_of_terabytes(db) -> None:
    db.set("a", np.arange(1000.0), dumper="numpy_to_zarr")
    change_zarr(db, shape=[HUGE], chunk=[HUGE])
    forge_spec(db.entry("a").path, shape=[HUGE])


def zarr_with_a_huge_chunk(db) -> None:
    db.set("a", np.arange(1000.0), dumper="numpy_to_zarr")
    change_zarr(db, shape=[1000], chunk=[HUGE])


def zarr_with_a_chunk_that_unpacks_to_more(db) -> None:
    import numcodecs

    db.set("a", np.arange(1000.0), dumper="numpy_to_zarr")
    (chunk,) = (db.entry("a").path / "data.zarr").glob("c/*")
    chunk.write_bytes(numcodecs.Zstd().encode(bytes(2**30)))


def change_zarr(db, *, shape: list[int], chunk: list[int]) -> None:
    path = db.entry("a").path / "data.zarr" / "zarr.json"
    described = json.loads(path.read_text())
    described["shape"], described["chunk_grid"]["configuration"]["chunk_shape"] = shape, chunk
    path.write_text(json.dumps(described))


def frame_with_a_range_of_categories(db) -> None:
    import pandas

    db["a"] = pandas.Series(pandas.Categorical.from_codes([0, 1, 2], categories=pandas.RangeIndex(3)))
    plan = spec_of(db.entry("a").path)["plan"]
    plan["values"]["categories"]["range"] = [0, HUGE, 1]
    forge_spec(db.entry("a").path, plan=plan)


def parquet_of_equal_values(db) -> None:
    import pandas
    import pyarrow
    import pyarrow.parquet

    db["a"] = pandas.DataFrame({"x": [0.0, 0.0]})
    path, n_rows = db.entry("a").path / "data.parquet", 2**30
    pyarrow.parquet.write_table(pyarrow.table({"x": np.zeros(2**20)}), path)
    footer = pyarrow.parquet.read_metadata(path)
    while footer.num_rows < n_rows:
        footer.append_row_groups(footer)  # which all lie in the same place
    with pyarrow.BufferOutputStream() as described:
        footer.write_metadata_file(described)
        path.write_bytes(path.read_bytes() + described.getvalue().to_pybytes()[4:])
    plan = spec_of(db.entry("a").path)["plan"]
    plan["rows"], plan["index"]["range"] = n_rows, [0, n_rows, 1]
    forge_spec(db.entry("a").path, plan=plan)


def sparse_matrix_with_endless_rows(db) -> None:
    import scipy.sparse

    db["a"] = scipy.sparse.csr_array(np.eye(3))
    forge_spec(db.entry("a").path, shape=[HUGE, 3])


def sparse_lists_with_endless_rows(db) -> None:
    import scipy.sparse

    db["a"] = scipy.sparse.lil_array(np.eye(3))
    forge_spec(db.entry("a").path, shape=[10**9, 3])


def bag_with_endless_names(db) -> None:
    import dask.bag

    db["a"] = dask.bag.from_sequence([1, 2, 3], npartitions=2)
    forge_spec(db.entry("a").path, width=2**31)


def lazy_array_with_endless_chunks(db) -> None:
    import dask.array

    db["a"] = dask.array.ones(100, chunks=50)
    forge_spec(db.entry("a").path, chunks=[{"count": HUGE, "last": 100, "size": 0}])


def labelled_array_with_endless_chunks(db) -> None:
    import dask.array
    import xarray

    db["a"] = xarray.DataArray(dask.array.ones(100, chunks=50), dims="t")
    path = db.entry("a").path / "Loader.json"
    text = path.read_text()
    path.write_text(text.replace("[[50, 2]]", f"[[50, 2], [0, {HUGE}]]"))
    assert path.read_text() != text


CLAIMS = {
    npy_with_a_lying_shape: r"data\.npy has .* bytes where .* were stored",
    npz_with_a_lying_shape: r"x\.npy in data\.npz has .* bytes where its header asks for",
    npz_with_a_lying_directory: r"'x' in data\.npz claims 4294967294 bytes in",
    zarr_of_terabytes: r"TooLargeError: .*bytes of memory",
    zarr_with_a_huge_chunk: r"TooLargeError: a chunk of shape",
    zarr_with_a_chunk_that_unpacks_to_more: r"claims to unpack to 1,073,741,824 bytes where 8,000 were stored",
    frame_with_a_range_of_categories: r"TooLargeError: a column of 1,000,000,000,000 categories asks for",
    parquet_of_equal_values: r"TooLargeError: data\.parquet with 1,073,741,824 rows asks for 8,589,934,592 bytes",
    sparse_matrix_with_endless_rows: r"it has 3 rows or columns where 1,000,000,000,000 are asked for",
    sparse_lists_with_endless_rows: r"it has 3 rows or columns where 1,000,000,000 are asked for",
    bag_with_endless_names: r"names have numbers of 2147483648 digits",
    lazy_array_with_endless_chunks: r"has 1,000,000,000,000 chunks along 100 values",
    labelled_array_with_endless_chunks: r"the chunks .* do not fit the 100 values",
}


@pytest.fixture(scope="module")
def reader():
    """Start one process that reads all that is forged here, with little memory."""
    command = [sys.executable, str(READER), str(LIMIT_BYTES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_what_claims_to_be_large_is_refused_before_memory_is_taken(db, claim, reader):
    claim(db)
    reseal(db.entry("a").path)
    reader.stdin.write(json.dumps([db.path, "a", "value"]) + "\n")
    reader.stdin.flush()
    outcome, message, megabytes = json.loads(reader.stdout.readline())
    assert outcome == "refused", message
    assert re.search(CLAIMS[claim], message), message
    assert megabytes < 700


def test_what_is_left_of_memory_is_known_here():
    left = available_bytes()
    if left is None:
        pytest.skip("this system does not tell how much memory is left")
    require(2**20, "a small array")
    with pytest.raises(TooLargeError, match=rf"a large array asks for {left * 4:,} bytes of memory, and [\d,]+ are left"):
        require(left * 4, "a large array")


def test_an_honest_large_value_is_refused_where_there_is_no_memory_for_it_and_can_be_mapped(db):
    """Negative control: the same file is read where nothing forbids it."""
    db["a"] = np.zeros(2**25)
    program = """
import resource, sys, numpy, isfdb
from isfdb.errors import TooLargeError
db = isfdb.open(sys.argv[1], mode="r")
assert db["a"].nbytes == 2**28
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**27, resource.RLIM_INFINITY))
try:
    db["a"]
except TooLargeError as error:
    assert isinstance(error, MemoryError) and "map it (mmap='r')" in str(error)
else:
    raise AssertionError("it was read")
resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, resource.RLIM_INFINITY))
assert db.get("a", mmap="r")[-1] == 0
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("what a process uses is not told here")
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, db.path], check=True)
