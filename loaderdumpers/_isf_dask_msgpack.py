"""Makes a lazy frame of the partitions that ISF's dask_to_msgpack and dask_to_categorized_msgpack wrote. Writes nothing.

The files are called ``.csv`` and are msgpack. ISF made categories of texts while it wrote, and of all categories texts when it read.
"""

from __future__ import annotations

import os
import re
from typing import Any, Final

from loaderdumpers._isf import ObjectMeta, divisions_of, lazy_frame, numbered, read_object_meta
from loaderdumpers._pandas_msgpack import read_msgpack, text

_NAME: Final = re.compile(r"dask_to_msgpack\.(\d+)\.csv")


class Loader:
    """Makes the lazy frame again.

    Parameters
    ----------
    index_name : object, optional
        The name of the index.
    divisions : list, optional
        As ISF wrote them: used only where they can be believed.
    """

    def __init__(self, *, index_name: Any = None, divisions: list[Any] | None = None) -> None:
        self._index_name, self._divisions = index_name, divisions

    def get(self, savedir: str, *, verbose: bool = False) -> Any:
        """Return the lazy frame. The first partition is read, to learn what the frame is.

        Parameters
        ----------
        savedir : str
            ISF's folder of the key.
        verbose : bool
            Without effect; ISF's own code passes it.

        Raises
        ------
        ValueError
            A partition is missing or damaged.
        """
        folder = os.path.abspath(savedir)
        found = {int(match[1]): name for name in os.listdir(folder) if (match := _NAME.fullmatch(name))}
        paths = numbered(folder, found, "the files dask_to_msgpack.0.csv ...")
        meta = read_object_meta(folder)
        parts = [(path, meta, self._index_name) for path in paths]
        empty = _read_partition(parts[0]).iloc[:0]
        divisions = divisions_of(self._divisions, len(paths), empty.index.dtype)
        return lazy_frame(_read_partition, parts, empty, divisions)


def _read_partition(part: tuple[str, ObjectMeta | None, Any]) -> Any:
    path, meta, index_name = part
    frame = _without_categories(read_msgpack(path), meta)
    frame.index.name = text(index_name) if index_name is not None else text(frame.index.name)
    return frame


def _without_categories(frame: Any, meta: ObjectMeta | None) -> Any:
    """Return the frame with texts where ISF had made categories of them; a column that was categorical before stays so."""
    import pandas

    kept = set() if meta is None else {place for place, dtype in enumerate(meta.dtypes) if dtype == "category"}
    series = {place: frame.iloc[:, place] for place in range(frame.shape[1])}
    for place, column in series.items():
        if place not in kept and (str(column.dtype) == "category" or column.dtype == object):
            series[place] = pandas.Series(_texts(column), index=frame.index, dtype=object)
    columns, index = frame.columns, frame.index
    if str(index.dtype) == "category" or index.dtype == object:
        index = pandas.Index(_texts(index), dtype=object, name=index.name)
    for column in series.values():
        column.index = index
    frame = pandas.DataFrame(series, index=index, copy=True)
    frame.columns = pandas.Index([text(label) for label in columns], dtype=object) if columns.dtype == object else columns
    return frame


def _texts(column: Any) -> Any:
    import numpy

    values = numpy.empty(len(column), dtype=object)
    values[:] = [text(member) for member in column]
    return values
