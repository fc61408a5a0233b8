"""Tells when a library that opens files in C has been imported, so that `native_readers.py` can watch its readers. Imports none itself.

A finder in ``sys.meta_path`` costs each import one look-up; it finds nothing itself, and leaves loaders of the kind they are.
"""

from __future__ import annotations

import sys
from typing import Any

#: Modules whose readers are watched; `native_readers.py` says which readers.
WATCHED = frozenset({
    "cv2", "dask.dataframe", "deltalake", "duckdb", "fiona", "fsspec.core", "fsspec.spec", "geopandas", "h5py._hl.files", "lance",
    "lxml.etree", "matplotlib.figure", "netCDF4",
    "obstore", "osgeo.gdal", "pexpect.pty_spawn", "polars", "pyarrow", "pyarrow.csv", "pyarrow.dataset",
    "pyarrow.feather", "pyarrow.fs", "pyarrow.json", "pyarrow.orc", "pyarrow.parquet", "pyogrio", "pyreadstat", "rasterio",
    "safetensors", "SimpleITK", "soundfile", "tables.file", "tensorstore", "torchaudio", "torchvision.io", "xarray",
    "zarr", "zarr.storage._fsspec", "zarr.storage._local",
})  # fmt: skip


class _Finder:
    """Finds no module: asks the other finders, and wraps what executes the module they find."""

    def __init__(self) -> None:
        self._asked: set[str] = set()  # the other finders may import

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in WATCHED or name in self._asked:
            return None
        self._asked.add(name)
        try:
            spec = _find(name, path, target, self)
        finally:
            self._asked.discard(name)
        loader = getattr(spec, "loader", None)
        if loader is not None and not isinstance(loader, type) and hasattr(loader, "exec_module"):
            _watch_loader(loader, name)
        return spec


def _find(name: str, path: Any, target: Any, besides: Any) -> Any:
    for finder in list(sys.meta_path):
        find = getattr(finder, "find_spec", None)
        spec = find(name, path, target) if find is not None and finder is not besides else None
        if spec is not None:
            return spec
    return None


def _watch_loader(loader: Any, name: str) -> None:
    """Have this one loader tell when it has executed the module."""
    execute = loader.exec_module

    def execute_and_tell(module: Any) -> None:
        vars(loader).pop("exec_module", None)  # as it was
        execute(module)
        _imported(name)

    try:
        loader.exec_module = execute_and_tell
    except AttributeError:  # a loader that takes no attributes: its module's reads stay unseen
        return


def _imported(name: str) -> None:
    from isfdb.provenance.native_readers import watch_module

    watch_module(name)
    from isfdb.provenance.file_links import MARKED, mark_module

    if name in MARKED:
        mark_module(name, sys.modules[name])


_finder = _Finder()


def install() -> None:
    """Watch from now on; what is imported already is watched at once."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    for name in sorted(WATCHED & sys.modules.keys()):
        _imported(name)


def remove() -> None:
    """Undo :func:`install`, and all that followed from it."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    native_readers = sys.modules.get("isfdb.provenance.native_readers")
    if native_readers is not None:
        native_readers.unwatch()
