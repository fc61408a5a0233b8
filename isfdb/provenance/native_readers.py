"""Watches readers that open files in C, past Python's ``open``: each notes the file, then does what it always did. Imports no library.

A function is replaced where it is defined and where it is offered, so it is pickled, and found, under its old name. Of a class only
a method is replaced, so it stays the class it is; two classes of pyarrow that allow no change get an heir of the same name.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from isfdb.provenance.file_events import BOTH, READ, WRITTEN, saw

_log = logging.getLogger(__name__)

#: What a reader was given, and what it returned -> the paths it opens, and for what. The first argument of a method is the object.
Telling = Callable[[tuple[Any, ...], dict[str, Any], Any], Iterator[tuple[Any, int]]]

#: A pattern may name this many files before only its folder is noted.
MOST_MATCHES: Final = 10_000


def _argument(arguments: tuple[Any, ...], named: dict[str, Any], place: int, names: tuple[str, ...], default: Any = None) -> Any:
    if len(arguments) > place:
        return arguments[place]
    return next((named[name] for name in names if name in named), default)


def _tells(place: int, *names: str, kind: int = READ) -> Telling:
    """Tell of the paths in one argument: a path, a pattern, or several."""

    def tell(arguments: tuple[Any, ...], named: dict[str, Any], _: Any) -> Iterator[tuple[Any, int]]:
        given = _argument(arguments, named, place, names)
        return ((path, kind) for path in _paths(given))

    return tell


def _tells_mode(place: int, *names: str) -> Telling:
    """Tell of a path that is followed by a mode, as ``open`` has it."""

    def tell(arguments: tuple[Any, ...], named: dict[str, Any], _: Any) -> Iterator[tuple[Any, int]]:
        mode = str(_argument(arguments, named, place + 1, ("mode",), "r"))
        kind = WRITTEN if mode[:1] in ("w", "x") else BOTH if mode[:1] == "a" or "+" in mode else READ
        return ((path, kind) for path in _paths(_argument(arguments, named, place, names)))

    return tell


def _paths(given: Any) -> Iterator[Any]:
    if isinstance(given, (list, tuple, set)):
        for one in list(given)[:MOST_MATCHES]:
            yield from _paths(one)
    elif isinstance(given, (str, bytes, os.PathLike)):
        path = os.fsdecode(given)
        path = path.removeprefix("file://") if path.startswith("file:///") else path
        if path and "\n" not in path:
            yield from _matches(os.path.expanduser(path))


def _matches(path: str) -> Iterator[str]:
    if "://" in path or not re.search(r"[*?[]", path) or os.path.exists(path):
        yield path
        return
    from glob import iglob
    from itertools import islice

    yield from islice(iglob(path, recursive=True), MOST_MATCHES)


def _tell_sql(place: int) -> Telling:
    """Tell of the files that a statement of SQL names between quotes."""

    def tell(arguments: tuple[Any, ...], named: dict[str, Any], _: Any) -> Iterator[tuple[Any, int]]:
        text = _argument(arguments, named, place, ("query", "statement", "table_name"), "")
        for match in re.finditer(r"""(\bto\s*)?(?:'([^'\n]+)'|"([^"\n]+)")""", text if isinstance(text, str) else "", re.IGNORECASE):
            path = match[2] or match[3]
            if match[1]:
                yield path, WRITTEN
            elif "/" in path or "." in path or os.path.exists(path):
                yield from ((found, READ) for found in _paths(path))

    return tell


def _tell_resolved(arguments: tuple[Any, ...], named: dict[str, Any], result: Any) -> Iterator[tuple[Any, int]]:
    """Tell of what fsspec made of a pattern or URL."""
    if "r" not in str(named.get("mode", arguments[1] if len(arguments) > 1 else "rb")):
        return
    system, _, paths = result
    for path in list(paths)[:MOST_MATCHES]:
        yield (path if _is_local(system) else _url(system, path)), READ


def _tell_remote(arguments: tuple[Any, ...], named: dict[str, Any], _: Any) -> Iterator[tuple[Any, int]]:
    """Tell of a file that fsspec opens elsewhere; one on this computer is opened by ``open``."""
    system, mode = arguments[0], str(_argument(arguments, named, 2, ("mode",), "rb"))
    if not _is_local(system):
        yield _url(system, _argument(arguments, named, 1, ("path",))), READ if "r" in mode else WRITTEN


def _is_local(system: Any) -> bool:
    protocol = getattr(system, "protocol", "")
    return bool({"file", "local", "memory"} & ({protocol} if isinstance(protocol, str) else set(protocol)))


def _url(system: Any, path: Any) -> str:
    protocol = system.protocol if isinstance(system.protocol, str) else system.protocol[0]
    return path if "://" in path else f"{protocol}://{path.lstrip('/')}"


def _tell_zarr(arguments: tuple[Any, ...], named: dict[str, Any], _: Any) -> Iterator[tuple[Any, int]]:
    """Tell of the folder of a store: what is in it belongs together."""
    for root in _paths(_argument(arguments, named, 1, ("root",))):
        if not os.path.exists(root):
            yield root, WRITTEN
        else:
            yield root, READ if named.get("read_only") else BOTH


def _tell_zarr_path(arguments: tuple[Any, ...], named: dict[str, Any], _: Any) -> Iterator[tuple[Any, int]]:
    """Tell of the folder before zarr makes a store of it, in a thread of its own whose line is not known."""
    mode = named.get("mode")
    kind = WRITTEN if isinstance(mode, str) and mode.startswith("w") else READ
    return ((path, kind) for path in _paths(_argument(arguments, named, 0, ("store",))) if os.path.exists(path))


def _tell_zarr_elsewhere(arguments: tuple[Any, ...], named: dict[str, Any], _: Any) -> Iterator[tuple[Any, int]]:
    system, path = _argument(arguments, named, 1, ("fs",)), _argument(arguments, named, 3, ("path",), "/")
    yield (path if _is_local(system) else _url(system, path)), READ


def _tell_tensorstore(arguments: tuple[Any, ...], named: dict[str, Any], _: Any) -> Iterator[tuple[Any, int]]:
    spec = _argument(arguments, named, 0, ("spec",))
    spec = spec.to_json() if hasattr(spec, "to_json") else spec
    kind = WRITTEN if named.get("create") or named.get("delete_existing") else READ
    kind = READ if kind == WRITTEN and named.get("open") else kind
    for path in _in_spec(spec):
        yield path, kind


def _in_spec(spec: Any) -> Iterator[str]:
    """Give the local paths in tensorstore's description of a store."""
    if isinstance(spec, str) and "://" in spec:
        scheme, _, path = spec.partition("://")
        yield path.partition("|")[0] if scheme == "file" else spec
    if isinstance(spec, dict):
        if spec.get("driver") == "file" and isinstance(spec.get("path"), str):
            yield spec["path"]
        for name in ("kvstore", "base"):
            yield from _in_spec(spec.get(name))


def _tell_obstore(arguments: tuple[Any, ...], named: dict[str, Any], _: Any) -> Iterator[tuple[Any, int]]:
    store, path = _argument(arguments, named, 0, ("store",)), _argument(arguments, named, 1, ("path",), "")
    prefix = getattr(store, "prefix", None)
    if type(store).__name__ == "LocalStore":
        yield os.path.join(os.fspath(prefix) if prefix else "/", str(path)), READ
    elif type(store).__name__ != "MemoryStore":
        bucket = (getattr(store, "config", None) or {}).get("bucket", "")
        yield f"{type(store).__name__.removesuffix('Store').lower()}://{bucket}/{path}", READ


def _tell_command(arguments: tuple[Any, ...], named: dict[str, Any], _: Any) -> Iterator[tuple[Any, int]]:
    """Tell of the files that a command of the shell names, as ``!cat data.csv`` in a notebook."""
    import shlex

    words = [str(_argument(arguments, named, 1, ("command",), "")), *_argument(arguments, named, 2, ("args",), [])]
    for word in words:
        for part in shlex.shlex(str(word), posix=True, punctuation_chars=True):
            if os.path.isfile(part):
                yield part, READ


_PATH = _tells(0, "path", "source", "file", "filename", "input_file", "where", "url", "urlpath")
_OWN_PATH = _tells(1, "path", "source", "filename", "file", "path_or_paths", "table_uri", "where", "dest", "target")
_OWN_OUTPUT = _tells(1, "file", "where", "path", "target", kind=WRITTEN)
_SQL_OF = dict.fromkeys(("sql", "query", "execute", "executemany", "from_query"))
_DUCKDB_FILES = ("read_csv", "from_csv_auto", "read_parquet", "from_parquet", "read_json")
_POLARS = (
    "read_avro read_csv read_csv_batched read_delta read_excel read_ipc read_ipc_stream read_json read_ndjson read_ods read_parquet "
    "read_parquet_schema read_ipc_schema read_parquet_metadata scan_csv scan_delta scan_ipc scan_ndjson scan_parquet scan_lines read_lines"
).split()
_POLARS_WRITERS = ("write_avro", "write_csv", "write_excel", "write_ipc", "write_json", "write_ndjson", "write_parquet")

#: Module -> name in it -> what the reader of that name opens.
READERS: Final[dict[str, dict[str, Telling]]] = {
    "cv2": dict.fromkeys(("imread", "imreadmulti", "VideoCapture.open"), _PATH),
    "dask.dataframe": dict.fromkeys(("read_csv", "read_table", "read_fwf", "read_parquet", "read_orc", "read_json", "read_hdf"), _PATH),
    "deltalake": {"DeltaTable.__init__": _OWN_PATH},
    "duckdb": {
        "connect": _tells(0, "database", kind=BOTH),
        **dict.fromkeys(_DUCKDB_FILES, _tells(0, "path_or_buffer", "file_glob", "file_globs")),
        **{f"DuckDBPyConnection.{name}": _tells(1, "path_or_buffer", "file_glob", "file_globs") for name in _DUCKDB_FILES},
        **{name: _tell_sql(0) for name in _SQL_OF},
        **{f"DuckDBPyConnection.{name}": _tell_sql(1) for name in _SQL_OF},
    },
    "fiona": {"open": _tells_mode(0, "fp")},
    "fsspec.core": {"get_fs_token_paths": _tell_resolved},
    "fsspec.spec": {"AbstractFileSystem.open": _tell_remote},
    "geopandas": dict.fromkeys(("read_file", "read_parquet", "read_feather"), _tells(0, "filename", "path")),
    "h5py._hl.files": {"File.__init__": _tells_mode(1, "name")},
    "lance": {"dataset": _tells(0, "uri")},
    "lxml.etree": {"parse": _PATH, "iterparse.__init__": _OWN_PATH},
    "netCDF4": {"Dataset.__init__": _tells_mode(1, "filename"), "MFDataset.__init__": _tells(1, "files")},
    "obstore": dict.fromkeys(
        ("get", "get_async", "get_range", "get_range_async", "get_ranges", "get_ranges_async", "open_reader"), _tell_obstore
    ),
    "osgeo.gdal": dict.fromkeys(("Open", "OpenEx"), _tells(0, "utf8_path")),
    "pexpect.pty_spawn": {"spawn._spawn": _tell_command},
    "polars": {
        **dict.fromkeys(_POLARS, _PATH),
        "read_database_uri": _tells(1, "uri"),
        **{f"DataFrame.{name}": _OWN_OUTPUT for name in _POLARS_WRITERS},
        **{f"LazyFrame.{name.replace('write', 'sink')}": _OWN_OUTPUT for name in _POLARS_WRITERS},
    },
    "pyarrow": {"memory_map": _tells_mode(0, "path"), "input_stream": _PATH, "OSFile": _tells_mode(1, "path")},
    "pyarrow.csv": {"read_csv": _PATH, "open_csv": _PATH, "write_csv": _tells(1, "output_file", kind=WRITTEN)},
    "pyarrow.dataset": {"dataset": _PATH, "write_dataset": _tells(1, "base_dir", kind=WRITTEN)},
    "pyarrow.feather": {"read_table": _PATH, "read_feather": _PATH, "write_feather": _tells(1, "dest", kind=WRITTEN)},
    "pyarrow.fs": {"LocalFileSystem": _tells(1, "path")},
    "pyarrow.json": {"read_json": _PATH, "open_json": _PATH},
    "pyarrow.orc": {"ORCFile.__init__": _OWN_PATH, "read_table": _PATH, "write_table": _tells(1, "where", kind=WRITTEN)},
    "pyarrow.parquet": {
        **dict.fromkeys(("read_table", "read_metadata", "read_schema"), _PATH),
        "ParquetFile.__init__": _OWN_PATH,
        "ParquetDataset.__init__": _OWN_PATH,
        "ParquetWriter.__init__": _OWN_OUTPUT,
    },
    "pyogrio": dict.fromkeys(("read_dataframe", "read_arrow", "open_arrow"), _tells(0, "path_or_buffer")),
    "pyreadstat": dict.fromkeys(("read_sav", "read_sas7bdat", "read_dta", "read_por", "read_xport"), _tells(0, "filename_path")),
    "rasterio": {"open": _tells_mode(0, "fp")},
    "safetensors": {"safe_open.__init__": _OWN_PATH},
    "SimpleITK": {"ReadImage": _tells(0, "fileName")},
    "soundfile": {"SoundFile.__init__": _tells_mode(1, "file")},
    "tables.file": {"File.__init__": _tells_mode(1, "filename")},
    "tensorstore": {"open": _tell_tensorstore, "KvStore.open": _tell_tensorstore},
    "torchaudio": {"load": _tells(0, "uri", "filepath")},
    "torchvision.io": dict.fromkeys(("read_image", "read_video", "decode_image", "read_file"), _tells(0, "path", "filename", "input")),
    "xarray": dict.fromkeys(
        ("open_dataset", "open_dataarray", "open_datatree", "open_mfdataset", "open_zarr", "open_groups"),
        _tells(0, "filename_or_obj", "paths", "store"),
    ),
    "zarr": dict.fromkeys(("load", "open", "open_array", "open_consolidated", "open_group"), _tell_zarr_path),
    "zarr.storage._fsspec": {"FsspecStore.__init__": _tell_zarr_elsewhere},
    "zarr.storage._local": {"LocalStore.__init__": _tell_zarr},
}

#: What can be told only from what came back.
_AFTERWARDS: Final = (_tell_resolved,)

#: Classes that take no new method, and the methods that their heirs watch.
_HEIRS: Final = {"OSFile": ("__init__",), "LocalFileSystem": ("open_input_file", "open_input_stream")}

_replaced: list[tuple[Any, str, Any]] = []  # owner, name, what stood there
_MISSING: Final = object()


def watch_module(name: str) -> None:
    """Watch the readers of a module that has been imported. What it does not have, in its release, is passed over."""
    for place, tell in READERS.get(name, {}).items():
        try:
            _watch(sys.modules[name], place, tell)
        except Exception:  # noqa: BLE001 - a release of the library that we do not know must not fail the import of it
            _log.debug("%s.%s cannot be watched", name, place, exc_info=True)


def unwatch() -> None:
    """Put everything back as it was."""
    while _replaced:
        owner, name, before = _replaced.pop()
        if before is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


def _watch(module: Any, place: str, tell: Telling) -> None:
    owner_name, _, name = place.rpartition(".")
    owner = getattr(module, owner_name, None) if owner_name else module
    original = getattr(owner, name, None)
    if original is None or getattr(original, "_isfdb_tells", None) is not None:
        return
    if place in _HEIRS:
        _replace(module, name, _heir(module.__name__, original, tell, _HEIRS[place]))
    elif owner_name:
        _replace(owner, name, _watched_method(owner, name, original, tell))
    else:
        _offer(module, name, original, _watched(original, tell))


def _replace(owner: Any, name: str, replacement: Any) -> None:
    before = vars(owner).get(name, _MISSING)
    setattr(owner, name, replacement)
    _replaced.append((owner, name, before))


def _offer(module: Any, name: str, original: Any, replacement: Any) -> None:
    """Replace a function or class in the module, and where it was defined, so that pickle finds it there."""
    _replace(module, name, replacement)
    home = sys.modules.get(getattr(original, "__module__", None) or "")
    at_home = getattr(original, "__qualname__", "")
    if home is not None and home is not module and vars(home).get(at_home) is original:
        _replace(home, at_home, replacement)


def _watched(function: Any, tell: Telling) -> Any:
    is_after = tell in _AFTERWARDS

    @functools.wraps(function)
    def reader(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True  # IPython then leaves this frame out of a traceback
        if is_after:
            result = function(*arguments, **named)
            _tell(tell, arguments, named, result)
            return result
        _tell(tell, arguments, named, None)
        return function(*arguments, **named)

    reader._isfdb_tells = tell  # type: ignore[attr-defined]  # so that nothing is watched twice
    return reader


def _watched_method(owner: Any, name: str, original: Any, tell: Telling) -> Any:
    if name == "__init__" and original is object.__init__:  # a class in C that does all in __new__

        def made(self: Any, *arguments: Any, **named: Any) -> None:
            _tell(tell, (self, *arguments), named, None)

        made._isfdb_tells = tell  # type: ignore[attr-defined]  # as above
        return made
    found = vars(owner).get(name)
    if isinstance(found, staticmethod):
        return staticmethod(_watched(found.__func__, tell))
    return _watched(original, tell)


def _heir(module_name: str, original: Any, tell: Telling, methods: tuple[str, ...]) -> Any:
    """Return a class like `original` that tells; what is an `original` counts as one of its own.

    It stands where users find the class, and not where it was defined: other modules in C look there for the memory layout.
    """

    class Kind(type(original)):  # type: ignore[misc]  # a class in C: its metaclass is `type`
        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, original) if cls is heir else super().__instancecheck__(instance)

        def __subclasscheck__(cls, subclass: Any) -> bool:
            return issubclass(subclass, original) if cls is heir else super().__subclasscheck__(subclass)

    names = {"__module__": module_name, "__doc__": original.__doc__, "_isfdb_tells": tell}
    watched = {name: _watched_method(original, name, getattr(original, name), tell) for name in methods}
    heir: Any = Kind(original.__name__, (original,), names | watched)
    return heir


def _tell(tell: Telling, arguments: tuple[Any, ...], named: dict[str, Any], result: Any) -> None:
    try:
        for path, kind in tell(arguments, named, result):
            saw(path, kind, depth=3)
    except Exception:  # noqa: BLE001 - arguments the reader itself will complain about
        _log.debug("what a reader opens could not be told", exc_info=True)
