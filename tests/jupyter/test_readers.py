"""Every common way to read a file is seen, with the line of the cell that reads it. Each reader makes its file in a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

FRAME = "import pandas as pd; frame = pd.DataFrame({'a': [1, 2]}); "
ARRAY = "import numpy as np; array = np.arange(6.0); "
TABLE = "import pyarrow as pa; table = pa.table({'a': [1, 2]}); "
NETCDF = "import xarray as xr; xr.Dataset({'a': ('x', [1.0, 2.0])}).to_netcdf('f.nc', engine='h5netcdf')"
PICTURE = ARRAY + "from PIL import Image; Image.new('L', (2, 2)).save('f.png')"
TENSOR = "import torch; tensor = torch.ones(2); "

#: name -> (libraries it needs, program that makes the file, cell that reads it, name of the file)
READERS = {
    "open": ("", "open('f.txt', 'w').write('1')", "open('f.txt').read()", "f.txt"),
    "pathlib": ("", "open('f.txt', 'w').write('1')", "import pathlib; pathlib.Path('f.txt').read_text()", "f.txt"),
    "os.open": ("", "open('f.txt', 'w').write('1')", "import os; os.read(os.open('f.txt', os.O_RDONLY), 9)", "f.txt"),
    "json": ("", "open('f.json', 'w').write('1')", "import json; json.load(open('f.json'))", "f.json"),
    "pickle": ("", "import pickle; pickle.dump(1, open('f.pkl', 'wb'))", "import pickle; pickle.load(open('f.pkl', 'rb'))", "f.pkl"),
    "gzip": ("", "import gzip; gzip.open('f.gz', 'w').write(b'1')", "import gzip; gzip.open('f.gz').read()", "f.gz"),
    "zipfile": (
        "",
        "import zipfile; zipfile.ZipFile('f.zip', 'w').writestr('a', b'1')",
        "import zipfile; zipfile.ZipFile('f.zip').read('a')",
        "f.zip",
    ),
    "mmap": (
        "",
        "open('f.bin', 'w').write('1')",
        "import mmap; f = open('f.bin', 'rb'); mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)",
        "f.bin",
    ),
    "sqlite3": (
        "",
        "import sqlite3; c = sqlite3.connect('f.db'); c.execute('create table t (a)'); c.commit(); c.close()",
        "import sqlite3; c = sqlite3.connect('f.db'); c.execute('select * from t').fetchall(); c.close()",
        "f.db",
    ),
    "subprocess": ("", "open('f.txt', 'w').write('1')", "import subprocess; subprocess.run(['cat', 'f.txt'], check=True)", "f.txt"),
    "a shell": ("", "open('f.txt', 'w').write('1')", "import subprocess; subprocess.run('cat <f.txt | wc -l', shell=True)", "f.txt"),
    "os.system": ("", "open('f.txt', 'w').write('1')", "import os; os.system('cat f.txt > /dev/null')", "f.txt"),
    "an exclamation mark": ("", "open('f.txt', 'w').write('1')", "!cat f.txt", "f.txt"),
    "an exclamation mark, assigned": ("", "open('f.txt', 'w').write('1')", "text = !cat f.txt", "f.txt"),
    "np.load": ("numpy", ARRAY + "np.save('f.npy', array)", "import numpy as np; np.load('f.npy')", "f.npy"),
    "np.load, mapped": ("numpy", ARRAY + "np.save('f.npy', array)", "import numpy as np; np.load('f.npy', mmap_mode='r')", "f.npy"),
    "np.load of npz": ("numpy", ARRAY + "np.savez('f.npz', array)", "import numpy as np; np.load('f.npz')['arr_0']", "f.npz"),
    "np.loadtxt": ("numpy", ARRAY + "np.savetxt('f.txt', array)", "import numpy as np; np.loadtxt('f.txt')", "f.txt"),
    "np.genfromtxt": ("numpy", ARRAY + "np.savetxt('f.txt', array)", "import numpy as np; np.genfromtxt('f.txt')", "f.txt"),
    "np.fromfile": ("numpy", ARRAY + "array.tofile('f.bin')", "import numpy as np; np.fromfile('f.bin')", "f.bin"),
    "np.memmap": ("numpy", ARRAY + "array.tofile('f.bin')", "import numpy as np; np.memmap('f.bin', mode='r')", "f.bin"),
    "pd.read_csv": ("pandas", FRAME + "frame.to_csv('f.csv')", "import pandas as pd; pd.read_csv('f.csv')", "f.csv"),
    "pd.read_csv by pyarrow": (
        "pandas pyarrow",
        FRAME + "frame.to_csv('f.csv')",
        "import pandas as pd; pd.read_csv('f.csv', engine='pyarrow')",
        "f.csv",
    ),
    "pd.read_parquet": ("pandas pyarrow", FRAME + "frame.to_parquet('f.pq')", "import pandas as pd; pd.read_parquet('f.pq')", "f.pq"),
    "pd.read_feather": ("pandas pyarrow", FRAME + "frame.to_feather('f.f')", "import pandas as pd; pd.read_feather('f.f')", "f.f"),
    "pd.read_orc": ("pandas pyarrow", FRAME + "frame.to_orc('f.orc')", "import pandas as pd; pd.read_orc('f.orc')", "f.orc"),
    "pd.read_json": ("pandas", FRAME + "frame.to_json('f.json')", "import pandas as pd; pd.read_json('f.json')", "f.json"),
    "pd.read_pickle": ("pandas", FRAME + "frame.to_pickle('f.pkl')", "import pandas as pd; pd.read_pickle('f.pkl')", "f.pkl"),
    "pd.read_excel": ("pandas openpyxl", FRAME + "frame.to_excel('f.xlsx')", "import pandas as pd; pd.read_excel('f.xlsx')", "f.xlsx"),
    "pd.read_hdf": ("pandas tables", FRAME + "frame.to_hdf('f.h5', key='a')", "import pandas as pd; pd.read_hdf('f.h5')", "f.h5"),
    "pd.read_sql": (
        "pandas",
        FRAME + "import sqlite3; frame.to_sql('t', sqlite3.connect('f.db'))",
        "import pandas as pd, sqlite3; c = sqlite3.connect('f.db'); pd.read_sql('select * from t', c); c.close()",
        "f.db",
    ),
    "parquet.read_table": (
        "pyarrow",
        TABLE + "import pyarrow.parquet as pq; pq.write_table(table, 'f.pq')",
        "import pyarrow.parquet as pq; pq.read_table('f.pq')",
        "f.pq",
    ),
    "parquet.ParquetFile": (
        "pyarrow",
        TABLE + "import pyarrow.parquet as pq; pq.write_table(table, 'f.pq')",
        "from pyarrow.parquet import ParquetFile; ParquetFile('f.pq').read()",
        "f.pq",
    ),
    "pyarrow.dataset": (
        "pyarrow",
        TABLE + "import pyarrow.dataset as ds; ds.write_dataset(table, 'f', format='parquet')",
        "import pyarrow.dataset as ds; ds.dataset('f').to_table()",
        "f",
    ),
    "pyarrow.csv": (
        "pyarrow",
        TABLE + "import pyarrow.csv as pc; pc.write_csv(table, 'f.csv')",
        "import pyarrow.csv as pc; pc.read_csv('f.csv')",
        "f.csv",
    ),
    "pyarrow.feather": (
        "pyarrow",
        TABLE + "import pyarrow.feather as pf; pf.write_feather(table, 'f.f')",
        "import pyarrow.feather as pf; pf.read_table('f.f')",
        "f.f",
    ),
    "pyarrow.memory_map": ("pyarrow", "open('f.bin', 'w').write('1')", "import pyarrow as pa; pa.memory_map('f.bin').read()", "f.bin"),
    "pyarrow.OSFile": ("pyarrow", "open('f.bin', 'w').write('1')", "import pyarrow as pa; pa.OSFile('f.bin').read()", "f.bin"),
    "pyarrow.fs": (
        "pyarrow",
        "open('f.bin', 'w').write('1')",
        "from pyarrow.fs import LocalFileSystem; LocalFileSystem().open_input_file('f.bin').read()",
        "f.bin",
    ),
    "pl.read_csv": ("polars", "open('f.csv', 'w').write('a\\n1\\n')", "import polars as pl; pl.read_csv('f.csv')", "f.csv"),
    "pl.scan_csv": ("polars", "open('f.csv', 'w').write('a\\n1\\n')", "import polars as pl; pl.scan_csv('*.csv').collect()", "f.csv"),
    "pl.read_parquet": (
        "polars",
        "import polars as pl; pl.DataFrame({'a': [1]}).write_parquet('f.pq')",
        "import polars as pl; pl.read_parquet('f.pq')",
        "f.pq",
    ),
    "pl.scan_parquet": (
        "polars",
        "import polars as pl; pl.DataFrame({'a': [1]}).write_parquet('f.pq')",
        "from polars import scan_parquet; scan_parquet('f.pq').collect()",
        "f.pq",
    ),
    "duckdb.sql": (
        "duckdb",
        "open('f.csv', 'w').write('a\\n1\\n')",
        "import duckdb; duckdb.sql(\"select * from 'f.csv'\").fetchall()",
        "f.csv",
    ),
    "duckdb.read_csv": ("duckdb", "open('f.csv', 'w').write('a\\n1\\n')", "import duckdb; duckdb.read_csv('f.csv').fetchall()", "f.csv"),
    "a connection of duckdb": (
        "duckdb",
        "open('f.csv', 'w').write('a\\n1\\n')",
        "import duckdb; duckdb.connect().execute(\"select * from read_csv('*.csv')\").fetchall()",
        "f.csv",
    ),
    "a database of duckdb": (
        "duckdb",
        "import duckdb; duckdb.connect('f.duck').execute('create table t (a int)')",
        "import duckdb; duckdb.connect('f.duck', read_only=True).execute('select * from t').fetchall()",
        "f.duck",
    ),
    "h5py": (
        "h5py",
        ARRAY + "import h5py; h5py.File('f.h5', 'w')['a'] = array",
        "import h5py; h5py.File('f.h5')['a'][:]",
        "f.h5",
    ),
    "netCDF4": ("netCDF4 xarray h5netcdf", NETCDF, "import netCDF4; netCDF4.Dataset('f.nc')['a'][:]", "f.nc"),
    "h5netcdf": ("xarray h5netcdf", NETCDF, "import h5netcdf; f = h5netcdf.File('f.nc'); f['a'][:]", "f.nc"),
    "xr.open_dataset": ("xarray h5netcdf", NETCDF, "import xarray as xr; xr.open_dataset('f.nc').load()", "f.nc"),
    "xr.open_zarr": (
        "xarray zarr",
        "import xarray as xr; xr.Dataset({'a': ('x', [1.0])}).to_zarr('f.zarr', consolidated=False)",
        "import xarray as xr; xr.open_zarr('f.zarr', consolidated=False).load()",
        "f.zarr",
    ),
    "zarr.open": ("zarr", ARRAY + "import zarr; zarr.save('f.zarr', array)", "import zarr; zarr.open('f.zarr', mode='r')[:]", "f.zarr"),
    "safetensors.numpy": (
        "safetensors",
        ARRAY + "from safetensors.numpy import save_file; save_file({'a': array}, 'f.st')",
        "from safetensors.numpy import load_file; load_file('f.st')",
        "f.st",
    ),
    "safe_open": (
        "safetensors",
        ARRAY + "from safetensors.numpy import save_file; save_file({'a': array}, 'f.st')",
        "from safetensors import safe_open\nwith safe_open('f.st', framework='np') as f: f.get_tensor('a')",
        "f.st",
    ),
    "safetensors.torch": (
        "safetensors torch",
        TENSOR + "from safetensors.torch import save_file; save_file({'a': tensor}, 'f.st')",
        "from safetensors.torch import load_file; load_file('f.st')",
        "f.st",
    ),
    "torch.load": ("torch", TENSOR + "torch.save(tensor, 'f.pt')", "import torch; torch.load('f.pt')", "f.pt"),
    "tensorstore": (
        "tensorstore zarr",
        ARRAY + "import zarr; zarr.save('f.zarr', array)",
        "import tensorstore as ts, os\n"
        "ts.open({'driver': 'zarr3', 'kvstore': {'driver': 'file', 'path': os.path.abspath('f.zarr')}}).result().read().result()",
        "f.zarr",
    ),
    "obstore": (
        "obstore",
        "open('f.bin', 'w').write('1')",
        "import obstore, os; obstore.get(obstore.store.LocalStore(os.getcwd()), 'f.bin').bytes()",
        "f.bin",
    ),
    "fsspec": ("fsspec", "open('f.txt', 'w').write('1')", "import fsspec\nwith fsspec.open('f.txt') as f: f.read()", "f.txt"),
    "PIL": ("PIL", PICTURE, "from PIL import Image; Image.open('f.png').load()", "f.png"),
    "matplotlib": ("matplotlib PIL", PICTURE, "import matplotlib.image as mi; mi.imread('f.png')", "f.png"),
    "scipy.io.loadmat": (
        "scipy",
        ARRAY + "import scipy.io; scipy.io.savemat('f.mat', {'a': array})",
        "import scipy.io; scipy.io.loadmat('f.mat')",
        "f.mat",
    ),
    "joblib": ("joblib", "import joblib; joblib.dump([1], 'f.job')", "import joblib; joblib.load('f.job')", "f.job"),
    "dd.read_csv": ("dask pandas", FRAME + "frame.to_csv('f.csv')", "import dask.dataframe as dd; dd.read_csv('*.csv').compute()", "f.csv"),
    "dd.read_parquet": (
        "dask pandas pyarrow",
        FRAME + "frame.to_parquet('f.pq')",
        "import dask.dataframe as dd; dd.read_parquet('f.pq').compute()",
        "f.pq",
    ),
    "da.from_zarr": (
        "dask zarr",
        ARRAY + "import zarr; zarr.save('f.zarr', array)",
        "import dask.array as da; da.from_zarr('f.zarr').compute()",
        "f.zarr",
    ),
    "astropy": (
        "astropy",
        "from astropy.table import Table; Table({'a': [1]}).write('f.fits')",
        "from astropy.io import fits; fits.getdata('f.fits')",
        "f.fits",
    ),
    "a module of the standard library": (
        "",
        "open('f.csv', 'w').write('1,2')",
        "import csv\nwith open('f.csv', newline='') as f: list(csv.reader(f))",
        "f.csv",
    ),
    "xml": ("", "open('f.xml', 'w').write('<a/>')", "import xml.etree.ElementTree as e; e.parse('f.xml')", "f.xml"),
    "a function defined before": (
        "",
        "open('f.txt', 'w').write('1')",
        "def read(name):\n    return open(name).read()\nread('f.txt')",
        "f.txt",
    ),
}


def is_installed(names: str) -> bool:
    return all(importlib.util.find_spec(name) is not None for name in names.split())


@pytest.fixture
def read_by(shell: Any, tmp_path: Path):
    """Run a cell that reads, after two lines that do nothing; return the paths it read with their lines."""
    from isfdb.provenance.usage import uses_of

    def run(reading: str) -> dict[str, Any]:
        import isfdb.provenance.cells as cells

        cells.watch()
        shell.run_cell("nothing = 0\n\n" + reading, store_history=True).raise_error()
        found: dict[str, list[Any]] = {}
        for use in uses_of(cells.watch().ran[-1]):
            if not use.is_output:
                found.setdefault(use.what.path, []).append(use)
        return found

    return run


@pytest.mark.filterwarnings("ignore")  # the libraries' own, about files that are left open
@pytest.mark.parametrize("name", READERS)
def test_a_reader_is_seen(name: str, read_by: Any, tmp_path: Path):
    needs, making, reading, file = READERS[name]
    if not is_installed(needs):
        pytest.skip(f"needs {needs}")
    subprocess.run([sys.executable, "-c", making], cwd=tmp_path, check=True, timeout=120, capture_output=True)
    read = read_by(reading)
    assert list(read) == [str(tmp_path / file)], "this file, and no other"
    uses = read[str(tmp_path / file)]
    assert any(use.line in range(3, 6) for use in uses)
    assert not any(use.written_here for use in uses)
