"""What is large in one value, key or note works, and takes memory only for what is asked: in processes whose memory is limited."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb.errors import IsfdbError
from isfdb.keys import MAX_KEY_BYTES

_LIMITED = """
import resource
import numpy as np, isfdb
isfdb.set_options(register=False, capture=False)
db = isfdb.open({path!r})
def limit(more):
    with open("/proc/self/status") as file:
        data = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (data + more, data + more))
"""


def run_limited(path: Path, text: str) -> None:
    """Run Python that may take no more memory after ``limit(n_bytes)`` than that; where it needs more it fails."""
    program = _LIMITED.format(path=str(path)) + textwrap.dedent(text)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]


needs_limits = pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process can be limited, and told, on Linux only")


def test_the_longest_key_can_be_used_for_everything(memory_folder: Path) -> None:
    name = "n" * 199 + "/"
    key = name * (MAX_KEY_BYTES // len(name) - 1) + "key"
    with isfdb.open(memory_folder / "r", durability="process") as db:
        db[key] = 1
        db[key] = 2
        db.attributes[key]["unit"] = "mV"
        assert (db[key], db.attributes[key]["unit"], len(db.versions(key))) == (2, "mV", 2)
        assert db.keys(recurse=True) == (key,)
        assert len(isfdb.find(db, "unit=mV")) == 1
        db.rename(key, "short")
        db.rename("short", key)
        assert not isfdb.verify(db)
        db.collect(keep=1, grace_s=0, trash_s=0)
        assert db[key] == 2
        del db[key]
        assert key not in db


@pytest.mark.parametrize("key", ["k" * 4000, "/".join(["k" * 100] * 40), "é" * 2000])
def test_a_longer_key_is_refused_with_the_limit(key: str, memory_folder: Path) -> None:
    with isfdb.open(memory_folder / "r") as db, pytest.raises(IsfdbError, match=r"bytes"):
        db[key] = 1
    assert not db.keys(recurse=True)


def test_notes_of_ten_million_bytes_are_kept(memory_folder: Path) -> None:
    text = "0123456789" * 1_000_000
    with isfdb.open(memory_folder / "r", durability="process") as db:
        db["k"] = 1
        db.attributes["k"]["text"] = text
        db.attributes["k"]["unit"] = "mV"
        assert db.attributes["k"]["text"] == text
        assert len(isfdb.find(db, "unit=mV")) == 1
        assert len(repr(db.entry("k"))) < 10_000
        assert len(db.entry("k")._repr_mimebundle_()["text/html"]) < 100_000
        assert not isfdb.verify(db)


def test_a_version_may_have_a_thousand_files(memory_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    for number in range(1000):
        path = folder / f"{number % 7}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    with isfdb.open(memory_folder / "r", durability="process") as db:
        db.set("k", folder, dumper="folder")
        files = [path for path in Path(db["k"]).rglob("*") if path.is_file()]
        assert sorted(int(path.read_text()) for path in files) == [*range(1000)]
        kept = db.snapshot("k")
        assert not isfdb.verify(db)
        next(kept.path.rglob("77.txt")).write_text("78")
        (finding,) = isfdb.verify(db)
        assert (finding.key, finding.version) == ("k", kept.number)


@needs_limits
def test_a_sparse_array_of_100_gigabytes_takes_the_memory_of_a_chunk(memory_folder: Path) -> None:
    pytest.importorskip("zarr")
    run_limited(
        memory_folder / "r",
        """
        import zarr
        array = zarr.create_array({}, shape=(50_000, 250_000), chunks=(500, 500), dtype="f8", fill_value=0)
        array[10:20, 100:110] = 1
        db["warm"] = zarr.create_array({}, data=np.ones(3))
        limit(400_000_000)
        db["large"] = array
        assert db.get("large", np.s_[15:17, 105:107]).sum() == 4
        assert db["large"].nbytes == 100_000_000_000
        assert not isfdb.verify(db)
        """,
    )


@needs_limits
def test_storing_verifying_and_reading_a_part_take_no_memory_for_the_whole(memory_folder: Path, tmp_path: Path) -> None:
    np.lib.format.open_memmap(tmp_path / "large.npy", "w+", "f8", (50_000_000,))[7] = 3  # 400 MB, nearly all of it a hole
    run_limited(
        memory_folder / "r",
        f"""
        db["warm"] = np.ones(30)
        large = np.load({str(tmp_path / "large.npy")!r}, mmap_mode="r")
        limit(150_000_000)
        db["large"] = large
        assert db.get("large", np.s_[5:9]).tolist() == [0, 0, 3, 0]
        assert db["large"][7] == 3
        db.copy("large", "copied")
        assert not isfdb.verify(db)
        """,
    )


@needs_limits
def test_without_room_the_test_above_would_fail(memory_folder: Path) -> None:
    with pytest.raises(AssertionError, match=r"MemoryError|Unable to allocate"):
        run_limited(memory_folder / "r", "limit(150_000_000)\nnp.ones(50_000_000)")
