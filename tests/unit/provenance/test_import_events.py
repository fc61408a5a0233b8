"""Watched libraries stay what they are: their functions are found, pickled and described as before, and all is undone cleanly."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from isfdb.provenance.file_links import MARKED
from isfdb.provenance.import_events import WATCHED
from isfdb.provenance.native_readers import READERS

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = [
    "pyarrow.parquet:read_table",
    "pyarrow.csv:read_csv",
    "pyarrow:memory_map",
    "polars:read_csv",
    "polars:scan_parquet",
    "zarr:open",
]
FUNCTIONS += ["xarray:open_dataset", "fsspec.core:get_fs_token_paths", "dask.dataframe:read_parquet"]
CLASSES = ["pyarrow:OSFile", "pyarrow.fs:LocalFileSystem", "pyarrow.parquet:ParquetFile", "h5py:File", "zarr.storage:LocalStore"]
CLASSES += ["netCDF4:Dataset", "tables:File", "safetensors:safe_open"]

ASKED = """
import importlib, inspect, pickle, sys
{before}
def signature(thing):
    try:
        return str(inspect.signature(thing))
    except ValueError:
        return "none"
for place in {places!r}:
    module, _, name = place.partition(":")
    thing = getattr(importlib.import_module(module), name)
    print(place, type(thing).__name__ if isinstance(thing, type) else "function", thing.__name__, thing.__doc__ == None, signature(thing))
"""


def what_is_told(before: str, places: list[str]) -> list[str]:
    code = ASKED.format(before=before, places=places)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True).stdout
    return told.splitlines()


def available(place: str) -> object:
    module, _, name = place.partition(":")
    return getattr(pytest.importorskip(module), name)


def test_both_tables_name_the_same_modules():
    assert READERS.keys() | MARKED == WATCHED


def test_functions_look_as_they_did():
    for place in FUNCTIONS:
        available(place)
    assert what_is_told("import isfdb", FUNCTIONS) == what_is_told("", FUNCTIONS)


@pytest.mark.parametrize("place", FUNCTIONS)
def test_a_watched_function_is_pickled_by_its_name(place: str):
    function = available(place)
    assert hasattr(function, "_isfdb_tells")
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("place", CLASSES)
def test_a_watched_class_is_a_class_that_can_be_pickled(place: str):
    kind = available(place)
    assert isinstance(kind, type)
    if kind.__module__ != "builtins":
        assert pickle.loads(pickle.dumps(kind)) is kind


def test_an_heir_stands_for_its_class(tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import fs, lib

    (tmp_path / "a").write_text("1")
    opened = pyarrow.OSFile(str(tmp_path / "a"))
    assert isinstance(opened, lib.OSFile)
    assert isinstance(lib.OSFile(str(tmp_path / "a")), pyarrow.OSFile)
    assert not isinstance(fs.LocalFileSystem(), pyarrow.OSFile)
    assert issubclass(lib.OSFile, pyarrow.OSFile)
    system = fs.LocalFileSystem()
    assert pickle.loads(pickle.dumps(system)) == system
    assert isinstance(fs.FileSystem.from_uri("file:///")[0], fs.LocalFileSystem)


def test_a_watched_class_can_have_children(tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow")
    h5py = pytest.importorskip("h5py")

    class Mine(h5py.File):
        def __init__(self, name: str) -> None:
            super().__init__(name, "w")

    with Mine(str(tmp_path / "a.h5")) as file:
        assert isinstance(file, h5py.File)

    class Own(pyarrow.OSFile):
        pass

    (tmp_path / "a").write_text("1")
    assert isinstance(Own(str(tmp_path / "a")), pyarrow.OSFile)
    with pyarrow.OSFile(str(tmp_path / "a")) as file:
        assert not isinstance(file, Own)


def test_an_error_of_a_reader_is_the_readers_own(tmp_path: Path):
    pq = pytest.importorskip("pyarrow.parquet")
    with pytest.raises(FileNotFoundError, match="none"):
        pq.read_table(tmp_path / "none.parquet")
    with pytest.raises(TypeError, match="read_table"):
        pq.read_table()


def test_importing_isfdb_after_the_library_watches_it_too():
    pytest.importorskip("pyarrow.parquet")
    code = "import pyarrow.parquet as pq; before = pq.read_table; import isfdb; print(pq.read_table is before)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout == "False\n"


def test_all_is_undone():
    pytest.importorskip("pyarrow.parquet")
    code = """
import sys, importlib
import pyarrow, pyarrow.parquet as pq, pyarrow.fs
things = [(m, n) for m in (pyarrow, pq, pq.core, pyarrow.fs, pyarrow.lib) for n in vars(m)]
before = [vars(m)[n] for m, n in things]
finders, init = list(sys.meta_path), pq.ParquetFile.__init__
import isfdb
from isfdb.provenance import import_events
assert pq.ParquetFile.__init__ is not init
import_events.remove()
assert pq.ParquetFile.__init__ is init
assert sys.meta_path == finders
assert all(vars(m)[n] is one for (m, n), one in zip(things, before))
"""
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)


def test_a_loader_is_left_as_it_was():
    pytest.importorskip("pyarrow")
    code = "import isfdb, pyarrow.csv as c; loader = c.__spec__.loader; assert 'exec_module' not in vars(loader); loader.get_data"
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)


def test_a_missing_library_is_missing_as_before():
    code = "import isfdb, importlib.util as u; u.find_spec('SimpleITK'); import no_such_library_at_all"
    finished = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError: No module named 'no_such_library_at_all'" in finished.stderr


def test_the_source_of_a_watched_function_is_the_librarys():
    pq = pytest.importorskip("pyarrow.parquet")
    assert "ParquetDataset" in inspect.getsource(pq.read_table)
