"""Plain readers of what ISF wrote in open formats. Labels of tables are texts, as in ISF's files."""

from __future__ import annotations

from typing import Any


def read_npy(spec: Any, folder: Any, load: Any) -> Any:
    """Return an array."""
    import os

    import numpy

    return numpy.load(os.path.join(folder, "np.npy"), allow_pickle=False)


def read_npz(spec: Any, folder: Any, load: Any) -> Any:
    """Return an array."""
    import os

    import numpy

    with numpy.load(os.path.join(folder, "np.npz"), allow_pickle=False) as file:
        return file["arr_0"]


def read_zarr(spec: Any, folder: Any, load: Any) -> Any:
    """Return an array."""
    import os

    import numpy
    import zarr

    return numpy.asarray(zarr.open_array(os.path.join(folder, "obj.zarr"), mode="r")[...])


def read_parquet(spec: Any, folder: Any, load: Any) -> Any:
    """Return a table; of several files, one after the other."""
    import glob
    import os

    import pandas

    def number(path: Any) -> Any:
        parts = os.path.basename(path).split(".")
        return int(parts[-2]) if parts[-2].isdecimal() else 0

    paths = sorted(glob.glob(os.path.join(glob.escape(folder), "*.parquet")), key=number)
    return pandas.concat([pandas.read_parquet(path) for path in paths])


def read_folder(spec: Any, folder: Any, load: Any) -> Any:
    """Return the path of a folder that its author filled."""
    return folder


def read_pickle(spec: Any, folder: Any, load: Any) -> Any:
    """Return what was pickled. This runs code that whoever wrote the file chose."""
    import os
    import pickle

    with open(os.path.join(folder, "to_pickle_dump"), "rb") as file:
        return pickle.load(file, encoding="latin1")
