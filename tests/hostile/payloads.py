"""Bytes that run a program when a careless reader takes them for data. The program leaves a mark, and does nothing else."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np


class _Runs:
    """Pickles as the call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._call


def _makes(mark: Path) -> _Runs:
    return _Runs(builtins.open, str(mark), "w")


def pickles(mark: Path) -> dict[str, bytes]:
    """Return pickles that make the file `mark`, by ways that scanners of pickles know, and by ways that they let pass."""
    import cloudpickle

    def script() -> None:
        open(str(mark), "w").close()

    inner = mark.with_suffix(".inner")
    inner.write_bytes(pickle.dumps(_makes(mark)))
    inner_array = mark.with_suffix(".npy")
    np.save(inner_array, np.array([_makes(mark)], dtype=object), allow_pickle=True)
    import pydoc

    import pandas.io.pickle

    return {
        "os.system": pickle.dumps(_Runs(os.system, f"touch '{mark}'")),
        "builtins.open": pickle.dumps(_makes(mark)),
        "exec": pickle.dumps(_Runs(exec, f"open({str(mark)!r}, 'w')"), protocol=0),
        "pydoc.locate": pickle.dumps(_Runs(pydoc.locate, "planted_module")),
        "pandas.read_pickle": pickle.dumps(_Runs(pandas.io.pickle.read_pickle, str(inner))),
        "numpy.load": pickle.dumps(_Runs(np.load, str(inner_array), None, True)),
        "cloudpickle": cloudpickle.dumps(_Runs(script)),
    }


def object_npy(mark: Path) -> bytes:
    """Return an npy file with an array of objects, one of which makes `mark`."""
    file = io.BytesIO()
    np.save(file, np.array([_makes(mark)], dtype=object), allow_pickle=True)
    return file.getvalue()


def object_npz(mark: Path) -> bytes:
    """Return an npz file, every member of which is such an array."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("value", "data", "arr_0", "m0", "0", "indices", "indptr", "row", "col", "offsets"):
            archive.writestr(f"{name}.npy", object_npy(mark))
    return file.getvalue()


def torch_file(mark: Path) -> bytes:
    """Return what ``torch.load`` took for a model, without torch."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(_makes(mark), protocol=2))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def joblib_file(mark: Path) -> bytes:
    """Return what joblib writes: compressed pickles."""
    import gzip

    return gzip.compress(pickle.dumps(_makes(mark)))


def arrow_with_pickled_type(mark: Path, *, parquet: bool) -> bytes:
    """Return a table, one column of which has an extension type that is a pickle, and whose notes for pandas hold more of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    payload = pickle.dumps(_makes(mark))
    notes = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": payload}
    schema = pa.schema(
        [pa.field("a", pa.int64(), metadata=notes), pa.field("b", pa.binary())], metadata={b"PANDAS_ATTRS": payload, b"pandas": payload}
    )
    table = pa.table([pa.array([1, 2]), pa.array([payload, payload])], schema=schema)
    file = io.BytesIO()
    if parquet:
        pq.write_table(table, file)
    else:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    return file.getvalue()


def msgpack_with_extensions(mark: Path) -> bytes:
    """Return msgpack with extensions of many kinds, each a pickle, as readers of old pandas files unpickled them."""
    import msgpack

    payload = pickle.dumps(_makes(mark))
    extensions = [msgpack.ExtType(code, payload) for code in range(128)]
    return bytes(
        msgpack.packb(
            {
                "typ": "pickle",
                "klass": "os.system",
                "obj": payload,
                "data": payload,
                "dtype": "object",
                "nd": True,
                "kind": b"O",
                b"nd": True,
                b"kind": b"O",
                b"type": b"O",
                b"data": payload,
                "ext": extensions,
            }
        )
    )


def disguises(mark: Path) -> dict[str, bytes]:
    """Return every payload by its name."""
    found = {f"pickle by {name}": data for name, data in pickles(mark).items()}
    return found | {
        "npy of objects": object_npy(mark),
        "npz of objects": object_npz(mark),
        "torch": torch_file(mark),
        "joblib": joblib_file(mark),
        "parquet": arrow_with_pickled_type(mark, parquet=True),
        "arrow": arrow_with_pickled_type(mark, parquet=False),
        "msgpack": msgpack_with_extensions(mark),
    }
