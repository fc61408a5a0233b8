"""Makes a dask DataFrame or Series of a stored pandas one, which reads a stretch of rows at a time. Computes nothing itself."""

from __future__ import annotations

import importlib
import os
from typing import Any

from loaderdumpers._arrow_frames import Reader
from loaderdumpers._dask_text import as_read


def lazy_value(
    plan: dict[str, Any], windows: list[tuple[int, int]], module: str, savedir: str, parts: Any, columns: list[Any] | None
) -> Any:
    """Return the lazy value.

    Parameters
    ----------
    plan : dict
        What the value is.
    windows : list of (int, int)
        The rows of each partition.
    module : str
        The loaderdumper that reads them.
    savedir : str
        Folder of the version. Where a cluster computes, its workers must reach it under the same path.
    parts : list of dict or None
        The specs of attributes that lie in folders of their own.
    columns : list of labels, optional
        Only these columns.

    Raises
    ------
    ValueError
        dask has no such thing: an index by itself, or of several levels.
    """
    import dask.dataframe

    if plan["kind"] == "Index" or "levels" in plan["index"]:
        raise ValueError(f"lazy=True: dask has no {'MultiIndex' if 'levels' in plan['index'] else 'index by itself'}. Leave it out.")
    read = _Part(module, os.path.abspath(savedir), plan, parts)
    meta = read((0, 0))
    frame = as_read(dask.dataframe.from_map(read, windows, meta=meta, divisions=_divisions(plan["index"], windows), label="isfdb"))
    return frame if columns is None else frame[list(columns)]


def _divisions(index: dict[str, Any], windows: list[tuple[int, int]]) -> tuple[Any, ...]:
    """Return where the partitions begin, where that is known without reading: in a rising range."""
    if "range" not in index or index["range"][2] < 0 or any(start == stop for start, stop in windows):
        return (None,) * (len(windows) + 1)
    labels = Reader(lambda spec: None, lambda name: None).index(index)
    return (*(int(labels[start]) for start, _ in windows), int(labels[-1]))


class _Part:
    """Reads one partition; dask tells it which columns are used."""

    def __init__(self, module: str, savedir: str, plan: dict[str, Any], parts: Any) -> None:
        self._module, self._savedir, self._plan, self._parts = module, savedir, plan, parts

    def __call__(self, window: tuple[int, int], columns: list[Any] | None = None) -> Any:
        loader = importlib.import_module(self._module).Loader(plan=self._plan, parts=self._parts)
        options = {} if columns is None or self._plan["kind"] != "DataFrame" else {"columns": list(columns)}
        return loader.get(self._savedir, select=slice(*window), **options)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return (self._module, self._savedir, str(self._plan))
