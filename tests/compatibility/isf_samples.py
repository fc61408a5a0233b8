"""Databases that ISF wrote, for tests: copies of a real one, and folders in ISF's layout put together from its files."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sqlite3
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

DATA = Path(__file__).parent / "data" / "isf"
REAL = DATA / "written_by_isf"
MSGPACK = DATA / "msgpack"
ID = "2026-11-21_24126_TWey7dj"
PREFIX = "data_base.isf_data_base.IO.LoaderDumper."


def copy_of_real(folder: Path) -> str:
    """Return a copy of the real database."""
    return str(shutil.copytree(REAL, folder / "isf"))


def make_database(folder: Path, **state: Any) -> Path:
    """Make an empty database as ISF does."""
    folder.mkdir(parents=True, exist_ok=True)
    members = {"_registeredDumpers": [f"{PREFIX}to_cloudpickle"], "_unique_id": None, "_registered_to_path": "None"}
    (folder / "db_state.json").write_text(json.dumps({**members, **state}))
    return folder


def add_key(database: Path, name: str, loader: str | None, metadata: dict[str, Any] | None = None, **arguments: Any) -> Path:
    """Make the folder of a key, its spec and its record."""
    folder = database / name
    folder.mkdir(parents=True, exist_ok=True)
    if loader is not None:
        (folder / "Loader.json").write_text(json.dumps({"Loader": loader, **arguments}))
    if metadata is not None:
        (folder / "metadata.json").write_text(json.dumps(metadata))
    return folder


def add_pickle(database: Path, name: str, value: Any, loader: str = f"{PREFIX}to_cloudpickle", **kept: Any) -> Path:
    """Store a value as ISF does where it is not told otherwise."""
    folder = add_key(database, name, loader, **kept)
    (folder / "to_pickle_dump").write_bytes(pickle.dumps(value, protocol=2))
    return folder


def isf_object(module: str, name: str, state: dict[str, Any]) -> Any:
    """Return an object of a class of ISF's, for the time of pickling it."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        dotted = ".".join(parts[:depth])
        sys.modules.setdefault(dotted, ModuleType(dotted))
    kind = type(name, (), {"__module__": module})
    setattr(sys.modules[module], name, kind)
    made = kind()
    made.__dict__.update(state)
    return made


def forget_isf() -> None:
    """Forget the modules that :func:`isf_object` made: nothing may be able to import them."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("data_base", "model_data_base")]:
        del sys.modules[name]


def make_model_database(folder: Path, values: dict[str, Any], folders: dict[str, tuple[str, str]], metadata: dict[str, Any]) -> Path:
    """Make a database of ISF's older format.

    Parameters
    ----------
    values : dict
        Key to value, kept in the table itself.
    folders : dict
        Key to the name of its folder and the module of its loader.
    metadata : dict
        Key to record.
    """
    folder.mkdir(parents=True, exist_ok=True)
    core = {"_registeredDumpers": [], "_unique_id": "2019-02-05_25472_uX2xXFw", "_registered_to_path": None}
    (folder / "dbcore.pickle").write_bytes(pickle.dumps(core, protocol=2))
    rows = {key: pickle.dumps(value, protocol=2) for key, value in values.items()}
    for key, (place, module) in folders.items():
        wrapper = isf_object("model_data_base.model_data_base", "LoaderWrapper", {"relpath": place})
        rows[key] = pickle.dumps(wrapper, protocol=2)
        (folder / place).mkdir(parents=True, exist_ok=True)
        if module:
            (folder / place / "Loader.pickle").write_bytes(pickle.dumps(isf_object(module, "Loader", {}), protocol=2))
    _write_table(folder / "sqlitedict.db", rows)
    _write_table(folder / "metadata.db", {key: pickle.dumps(record, protocol=2) for key, record in metadata.items()})
    forget_isf()
    return folder


def _write_table(path: Path, rows: dict[str, bytes]) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE unnamed (key TEXT PRIMARY KEY, value BLOB)")
    connection.executemany("INSERT INTO unnamed VALUES (?, ?)", rows.items())
    connection.commit()
    connection.close()


def looks(folder: str | Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Return all that must stay: each name with its times of change, mode and content."""
    found = {}
    for path, below, names in os.walk(folder):
        for name in [*below, *names, "."]:
            place = os.path.join(path, name)
            told = os.lstat(place)
            content = Path(place).read_bytes() if os.path.isfile(place) else b""
            found[place] = (told.st_mtime_ns, told.st_ctime_ns, told.st_mode, content)
    return found
