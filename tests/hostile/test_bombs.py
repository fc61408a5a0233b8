"""Values of some kilobytes that unpack to gigabytes: to look at one takes little memory, whatever its record says of its size."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import isfdb
from isfdb.memory import at_most
from loaderdumpers._arrow_claims import claimed_bytes
from tests.hostile.forging import seal

if TYPE_CHECKING:
    from isfdb.testing.reliability_table import Tally

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROWS = 20_000
TEXT = "x" * 100_000
CLAIM = 2**33

#: Looks at each key in every way, with memory for 800 MB beside what the libraries take.
LOOK = """
import json, resource, sys
import numpy, pandas, pyarrow.parquet, zarr
import isfdb
from isfdb.jupyter.browsing.tabs import preview
from isfdb.jupyter.browsing.tabs.subject import Subject
from isfdb.serving.pages.two_versions import difference

with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 800_000_000,) * 2)
exec(sys.argv[2])
db, found = isfdb.open(sys.argv[1], "r"), {}
for key in db.keys():
    version = db.entry(key).newest
    ways = {"preview": lambda: version.preview().note, "tab": lambda: preview.static(Subject(db, key)),
            "difference": lambda: difference(version, db.entry("a text").newest).value.because}
    for name, way in ways.items():
        try:
            found[f"{key}: {name}"] = str(way())[:300]
        except Exception as error:
            found[f"{key}: {name}"] = f"{type(error).__name__}: {error}"[:300]
print(json.dumps(found))
"""


def sealed_anew(version: Any) -> None:
    """Let the record say that the value is small, and fit the files."""
    record = json.loads((version.path / "metadata.json").read_text())
    (version.path / "code.py").unlink(missing_ok=True)
    describe = {**record["describe"], **({"nbytes": 100} if "nbytes" in record["describe"] else {})}
    seal(Path(version.path), version.key, describe=describe, dumper=record["dumper"])


@pytest.fixture
def bombs(db: Any) -> Any:
    """A database with a text table, packed tables, an array: a hundred kilobytes together."""
    repeated = pa.DictionaryArray.from_arrays(pa.array(np.zeros(ROWS, "i4")), pa.array([TEXT]))
    frame = pd.DataFrame({"t": ["x"] * ROWS, "n": np.zeros(ROWS)})
    for dumper in ("pandas_to_parquet", "polars_to_parquet"):
        if dumper == "polars_to_parquet":
            frame = pytest.importorskip("polars").DataFrame({"t": ["x"] * ROWS, "n": np.zeros(ROWS)})
        version = db.set(dumper, frame, dumper=dumper)
        (path,) = Path(version.path).glob("*.parquet")
        table = pa.table({"t": repeated, "n": np.zeros(ROWS)})
        pq.write_table(table, path, store_schema=False)
        sealed_anew(version)
    version = db.set("pandas_to_arrow", pd.DataFrame({"n": np.zeros(ROWS)}), dumper="pandas_to_arrow", compression="zstd")
    data = (version.path / "data.arrow").read_bytes()
    assert data.count(struct.pack("<q", 8 * ROWS)) == 1  # how long the only buffer is, unpacked
    (version.path / "data.arrow").write_bytes(data.replace(struct.pack("<q", 8 * ROWS), struct.pack("<q", CLAIM)))
    sealed_anew(version)
    sealed_anew(db.set("numpy_to_zarr", np.zeros(36_000_000), dumper="numpy_to_zarr"))
    sealed_anew(db.set("numpy_to_zarr, one chunk", np.zeros(36_000_000), dumper="numpy_to_zarr", chunks=(36_000_000,)))
    db["a text"] = "x"
    return db


def looked_at(db: Any, weakness: str = "") -> dict[str, str]:
    command = [sys.executable, "-W", "ignore", "-c", LOOK, db.path, weakness]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def without_memory(found: dict[str, str]) -> list[str]:
    signs = ("MemoryError", "malloc", "realloc", "Unable to allocate", "could not be read within", "took more than", "bad_alloc")
    return [f"{look}: {told}" for look, told in found.items() if any(sign in told for sign in signs)]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as on Linux")
def test_to_look_at_a_value_takes_little_memory_whatever_it_unpacks_to(bombs: Any, tally: Tally) -> None:
    found = looked_at(bombs)
    tally("a value of kilobytes that unpacks to gigabytes, looked at", tries=len(found), wrong=len(without_memory(found)))
    assert without_memory(found) == []
    assert "19,994 more rows" in found["pandas_to_parquet: preview"]
    assert "the first 2,000,000 of 36,000,000" in found["numpy_to_zarr: preview"]
    assert f"asks for {CLAIM:,} bytes" in found["pandas_to_arrow: preview"]
    assert found["a text: difference"].startswith("the same bytes")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as on Linux")
def test_the_look_notices_what_is_taken_without_a_limit(bombs: Any) -> None:
    no_limit = "import isfdb.memory as m, loaderdumpers._parquet_files as p; m.at_most = None; p.is_looked_at = lambda: False"
    assert any(one.startswith("pandas_to_parquet") for one in without_memory(looked_at(bombs, no_limit)))


def test_what_a_packed_arrow_file_claims_is_known_before_it_is_unpacked(bombs: Any) -> None:
    for key, compression in (("zstd", "zstd"), ("lz4", "lz4"), ("plain", None)):
        frame = pd.DataFrame({"n": np.arange(1000.0), "t": ["text"] * 1000})
        data = (bombs.set(key, frame, dumper="pandas_to_arrow", compression=compression).path / "data.arrow").read_bytes()
        assert (claimed_bytes(data) >= 8000) == (compression is not None)
        assert bombs[key].equals(frame)
    for cut in range(0, len(data), 7):
        assert claimed_bytes(data[:cut] + b"ARROW1") >= 0
    with pytest.raises(isfdb.errors.TooLargeError, match=f"asks for {CLAIM:,} bytes"), at_most(10**9):
        bombs["pandas_to_arrow"]


def test_labels_that_unfold_are_not_unfolded_to_be_looked_at(db: Any) -> None:
    version = db.set("f", pd.DataFrame(np.zeros((1, 600)), columns=[f"{'c' * 50}{n}" for n in range(600)]), dumper="pandas_to_parquet")
    path = Path(version.path, "labels.parquet")
    (name,) = pq.read_schema(path).names
    ends = pa.array([0, ROWS], "i4")
    folded = pa.DictionaryArray.from_arrays(pa.array(np.zeros(ROWS, "i4")), pa.array([TEXT]))
    pq.write_table(pa.table({name: pa.ListArray.from_arrays(ends, folded)}), path, store_schema=False)
    sealed_anew(version)
    assert "asks for 2,000,000,000 bytes" in version.preview().note
