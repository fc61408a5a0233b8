"""The on-disk layout of the In Silico Framework (ISF): its file names, and which of our loaderdumpers reads what it wrote. Read only.

ISF had two formats: folders with ``db_state.json``, one folder a key, and before them "model databases", which list their keys in
``sqlitedict.db``. Nothing here reads or writes.
"""

from __future__ import annotations

import re
from typing import Final

STATE_FILE: Final = "db_state.json"
LOADER_FILE: Final = "Loader.json"
LOADER_PICKLE: Final = "Loader.pickle"
METADATA_FILE: Final = "metadata.json"
CORE_PICKLE: Final = "dbcore.pickle"
KEYS_SQLITE: Final = "sqlitedict.db"
METADATA_SQLITE: Final = "metadata.db"

#: A folder with one of these is a database.
DATABASE_FILES: Final = (STATE_FILE, KEYS_SQLITE)

#: Where, inside its key's folder, a sub-database lies.
SUB_FOLDERS: Final = ("db", "mdb")

#: In the name of a folder that was being deleted.
DELETING: Final = ".deleting."

#: Written by ISF beside the files of a value; in a managed folder beside the user's.
OWN_FILES: Final = frozenset({LOADER_FILE, LOADER_PICKLE, METADATA_FILE})

#: Words of specs whose value is a database: in a folder of its own, or, for the last, in the key's folder itself.
SUB_DATABASES: Final = frozenset({"just_create_isf_db", "just_create_mdb", "reduced_lda_model"})

#: The word of a spec that ISF wrote -> our loaderdumper that reads it. A word of ours that means another layout is not used.
READERS: Final = {
    "cell": "cell",
    "dask_to_categorized_msgpack": "dask_to_categorized_msgpack",
    "dask_to_msgpack": "dask_to_msgpack",
    "dask_to_parquet": "isf_dask_to_parquet",
    "genetic_algorithm_generation": "genetic_algorithm_generation",
    "just_create_folder": "isf_folder",
    "numpy_to_msgpack": "numpy_to_msgpack",
    "numpy_to_npy": "isf_numpy_to_npy",
    "numpy_to_npz": "isf_numpy_to_npz",
    "numpy_to_zarr": "isf_numpy_to_zarr",
    "pandas_to_msgpack": "pandas_to_msgpack",
    "pandas_to_parquet": "isf_pandas_to_parquet",
    "pandas_to_pickle": "pandas_to_pickle",
    "shared_numpy_store": "isf_shared_numpy_store",
    "to_cloudpickle": "isf_to_cloudpickle",
    "to_msgpack": "to_msgpack",
    "to_pickle": "isf_to_pickle",
}

#: What of ISF's arguments a reader takes; those of words not named here take none.
ARGUMENTS: Final = {
    "dask_to_categorized_msgpack": ("divisions", "index_name"),
    "dask_to_msgpack": ("divisions", "index_name"),
    "genetic_algorithm_generation": ("generation", "objectives", "parameters"),
}

#: The files of a value, by the word of its spec: the names begin with one of these.
PAYLOADS: Final = {
    "cell": ("cell",),
    "dask_to_categorized_msgpack": ("dask_to_msgpack.",),
    "dask_to_msgpack": ("dask_to_msgpack.",),
    "dask_to_parquet": ("pandas_to_parquet.",),
    "genetic_algorithm_generation": ("objectives.npz", "parameters.npz"),
    "numpy_to_msgpack": ("pandas_to_msgpack",),
    "numpy_to_npy": ("np.npy",),
    "numpy_to_npz": ("np.npz",),
    "numpy_to_zarr": ("obj.zarr",),
    "pandas_to_msgpack": ("pandas_to_msgpack",),
    "pandas_to_parquet": ("pandas_to_parquet.parquet",),
    "pandas_to_pickle": ("pandas_to_pickle.pickle",),
    "to_cloudpickle": ("to_pickle_dump",),
    "to_msgpack": ("to_pickle_dump",),
    "to_pickle": ("to_pickle_dump",),
}

#: The file into which a value that lay inside ``sqlitedict.db`` is put for its reader.
EXTRACTED_FILE: Final = "to_pickle_dump"

_ID = re.compile(r"\d{4}-\d\d-\d\d_\d{1,10}_[A-Za-z0-9]{1,40}")


def is_isf_id(text: object) -> bool:
    """Say whether a text has the form of an ISF database's id: ``2026-11-21_23331_oEJBNfu``."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def word_of(loader: object) -> str | None:
    """Return the last word of a spec, whatever path ISF had been imported under; None where it is no text."""
    return loader.rpartition(".")[2] or None if isinstance(loader, str) else None


def is_payload(name: str) -> bool:
    """Say whether a file name is one that ISF gave to the files of values."""
    return any(name.startswith(beginning) for beginnings in PAYLOADS.values() for beginning in beginnings)
