"""Says what ISF recorded about a value in the words of format 1: its ``Loader.json`` and ``metadata.json``. Invents nothing.

ISF's own record stands in the member ``isf``, as ISF wrote it; what ISF did not know is null here, with the reason.
"""

from __future__ import annotations

import datetime
import json
import os
from ast import literal_eval
from collections.abc import Callable, Mapping
from typing import Any, Final

from isfdb.hashing import digest_of
from isfdb.layout.current import FORMAT
from isfdb.layout.isf_legacy import ARGUMENTS, EXTRACTED_FILE, OWN_FILES, READERS
from isfdb.loader_spec import NAMESPACE, LoaderSpec
from isfdb.manifest import seal
from isfdb.storage.isf_folders import IsfKey, read_json

NO_DIGESTS: Final = "ISF kept no digests, so nobody can tell whether its files are as they were written"

#: Loaderdumpers of ISF whose whole folder is the value: looking through it would cost as much as it is large.
_FOLDERS: Final = frozenset({"just_create_folder"})


def loader_text(key: IsfKey) -> bytes:
    """Return ``Loader.json`` as format 1 has it: the word of our reader, and those of ISF's arguments that it takes.

    Raises
    ------
    ValueError
        ISF's own is missing or damaged.
    """
    if not key.word:
        raise ValueError(key.problem)
    wanted = ARGUMENTS.get(key.word, ())
    arguments = {name: plain(key.loader[name]) for name in wanted if name in key.loader}
    if key.word not in READERS:  # of a plug-in, perhaps: its own loaderdumper gets all that was written for it
        arguments = {name: plain(member) for name, member in key.loader.items() if name != "Loader"}
    return LoaderSpec(f"{NAMESPACE}.{READERS.get(key.word, key.word)}", arguments).to_json().encode()


def record_text(key: IsfKey, full_key: str, session: str) -> bytes:
    """Return ``metadata.json`` as format 1 has it.

    Parameters
    ----------
    key : IsfKey
    full_key : str
        The key with its sub-databases.
    session : str
        Under which the history of ISF's session can be read.
    """
    recorded = key.metadata()
    verbatim = dict(recorded) if recorded is not None else _inferred(key)
    isf = {str(name): plain(member) for name, member in verbatim.items()}
    host = isf.get("hostname")
    history = isf.get("history")
    record: dict[str, Any] = {
        "activity": {"count": None, "kind": "cell", "line": 1, "session": session} if isinstance(history, str) else None,
        "by": {"host": host.strip() if isinstance(host, str) else None, "user": None},
        "code": None,
        "created": created(isf.get("time"), key.path).isoformat(timespec="microseconds"),
        "describe": describe(key),
        "digest": None,
        "dumper": _dumper(key, isf),
        "environment": None,
        "files": _files(key),
        "format": FORMAT,
        "isf": isf,
        "key": plain(full_key),
        "mutable": True,  # nothing says how its files were
        "nonce": _nonce(key),
        "previous": None,
        "unknown": _unknown(key, isf, is_recorded=recorded is not None),
    }
    return seal(record).encode()


def session_text(key: IsfKey, session: str) -> bytes:
    """Return the log of the session that stored a value: one line, for ISF joined the cells of a session to one text."""
    isf = {str(name): plain(member) for name, member in (key.metadata() or {}).items()}
    start = {"created": None, "format": FORMAT, "kind": "start", "previous": None, "session": session}
    first = json.dumps(start).encode()
    source = isf.get("history") if isinstance(isf.get("history"), str) else None
    line = {"count": None, "kind": "cell", "outcome": "unknown", "previous": digest_of(first), "source": source, "started": None}
    return first + b"\n" + json.dumps(line).encode() + b"\n"


def created(time: Any, path: str) -> datetime.datetime:
    """Return when a value was stored: as ISF said, which counts in UTC, else when its folder last changed."""
    try:
        return datetime.datetime(*time[:6]).replace(tzinfo=datetime.UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return _changed(path)


def _changed(path: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromtimestamp(int(os.stat(path).st_mtime), datetime.UTC)
    except (OSError, ValueError, OverflowError):
        return datetime.datetime.fromtimestamp(0, datetime.UTC)


def _inferred(key: IsfKey) -> dict[str, Any]:
    """Return what ISF itself infers where it finds no record, without writing it down."""
    time = [*_changed(key.path).timetuple()[:8], -1]
    return {"dumper": key.word or "unknown", "metadata_creation_time": "post_hoc", "time": time, "version": "unknown"}


def _dumper(key: IsfKey, isf: Mapping[str, Any]) -> str:
    named = isf.get("dumper")
    return named if isinstance(named, str) and named not in ("", "unknown") else key.word or "unknown"


def _unknown(key: IsfKey, isf: Mapping[str, Any], *, is_recorded: bool) -> dict[str, str]:
    unknown = {"code": "ISF recorded the version of ISF alone", "digest": NO_DIGESTS}
    if not is_recorded:
        unknown["all"] = "ISF left no record of this value: time and loaderdumper are inferred from its folder"
    elif isf.get("metadata_creation_time") == "post_hoc":
        unknown["all"] = "ISF inferred this record later (post_hoc): the time is that of the folder, and who and how are lost"
    if key.is_inferred:
        unknown["loader"] = "ISF's own note of how to read it is missing or damaged: inferred from the record"
    if key.problem:
        unknown["value"] = key.problem
    return unknown


def _nonce(key: IsfKey) -> str:
    """Return what changes when ISF replaces the value."""
    try:
        found = os.stat(key.path)
        looks = f"{found.st_ino} {found.st_mtime_ns} {key.name}"
    except OSError:
        looks = key.path
    return digest_of(looks.encode("utf-8", "surrogateescape"))[:16]


def _files(key: IsfKey) -> dict[str, list[Any]]:
    """Return the manifest: sizes as found now, digests only of what is presented here."""
    files: dict[str, list[Any]] = {}
    try:
        text = loader_text(key)
        files["Loader.json"] = [len(text), digest_of(text)]
    except ValueError:
        files["Loader.json"] = [0, ""]
    if key.extract is not None:
        return {**files, EXTRACTED_FILE: [len(key.extract()), ""]}
    return {**files, **{name: [size, ""] for name, size in payload(key).items()}}


def payload(key: IsfKey) -> dict[str, int]:
    """Return the names and sizes of the files of a value, relative to its folder; of a managed folder only those on top."""
    sizes: dict[str, int] = {}
    for folder, below, names in os.walk(key.path):
        relative = "" if folder == key.path else os.path.relpath(folder, key.path).replace(os.sep, "/") + "/"
        for name in names:
            if relative + name not in OWN_FILES:
                sizes[relative + name] = _size(f"{folder}/{name}")
        if key.word in _FOLDERS or not key.word:
            below.clear()
    return sizes


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0  # went while we looked


# What can be said without loading ------------------------------------------------------------------------------------------------


def describe(key: IsfKey) -> dict[str, Any]:
    """Return type, shape and the like, as far as a header or a small JSON file tells them."""
    look = _LOOKS.get(key.word)
    try:
        return look(key.path) if look else {"type": _TYPES.get(key.word, key.word or "unreadable")}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, SyntaxError, RecursionError, MemoryError):
        return {"type": _TYPES.get(key.word, key.word)}


def _npy(path: str) -> dict[str, Any]:
    with open(f"{path}/np.npy", "rb") as file:
        start = file.read(12)
        length, skip = (int.from_bytes(start[8:10], "little"), 10) if start[6] == 1 else (int.from_bytes(start[8:12], "little"), 12)
        file.seek(skip)
        header = literal_eval(file.read(min(length, 65_536)).decode("latin1").strip())
    return {"dtype": str(header["descr"])[:200], "shape": [int(side) for side in header["shape"]], "type": "ndarray"}


def _zarr(path: str) -> dict[str, Any]:
    found = read_json(f"{path}/obj.zarr/.zarray")
    return {"dtype": str(found["dtype"])[:200], "shape": [int(side) for side in found["shape"]], "type": "ndarray"}


def _frame(path: str) -> dict[str, Any]:
    name = next(name for name in ("object_meta.json", "dask_meta.json", "") if not name or os.path.isfile(f"{path}/{name}"))
    facts: dict[str, Any] = {"type": "DataFrame"}
    if name:
        found = read_json(f"{path}/{name}")
        columns = [[str(one)[:60], str(kind)[:60]] for one, kind in zip(found["columns"], found["dtypes"], strict=True)]
        facts |= {"columns": plain(columns[:20]), "shape": [None, len(columns)]}
    return facts


def _dask(path: str) -> dict[str, Any]:
    parts = [name for name in os.listdir(path) if name.endswith((".parquet", ".csv"))]
    return {**_frame(path), "npartitions": len(parts), "type": "dask DataFrame"}


_LOOKS: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "dask_to_categorized_msgpack": _dask,
    "dask_to_msgpack": _dask,
    "dask_to_parquet": _dask,
    "numpy_to_npy": _npy,
    "numpy_to_zarr": _zarr,
    "pandas_to_parquet": _frame,
}

_TYPES: Final = {
    "dask_to_categorized_msgpack": "dask DataFrame",
    "dask_to_msgpack": "dask DataFrame",
    "dask_to_parquet": "dask DataFrame",
    "genetic_algorithm_generation": "DataFrame",
    "just_create_folder": "ManagedFolder",
    "numpy_to_msgpack": "ndarray",
    "numpy_to_npy": "ndarray",
    "numpy_to_npz": "ndarray",
    "numpy_to_zarr": "ndarray",
    "pandas_to_msgpack": "DataFrame",
    "pandas_to_parquet": "DataFrame",
    "pandas_to_pickle": "pickled DataFrame",
    "to_cloudpickle": "pickled value",
    "to_pickle": "pickled value",
}


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: what cannot be said becomes text, and half a surrogate pair a question mark."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # JSON has no NaN and no infinity
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    if isinstance(value, Mapping):
        return {str(plain(str(name))): plain(member) for name, member in value.items()}
    return plain(repr(value)) if isinstance(value, (bytes, set, frozenset, complex)) else f"<{type(value).__name__}>"
