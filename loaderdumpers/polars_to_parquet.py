"""Keeps a polars DataFrame, Series or LazyFrame in Parquet; a LazyFrame is written as it streams and comes back lazy. No object columns.

polars writes its own types into the file's schema; what it reads back must be what was stored, or nothing is kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from loaderdumpers._growing_tables import extent as extent  # db.append looks for these three here
from loaderdumpers._growing_tables import fits as fits
from loaderdumpers._growing_tables import join as join
from loaderdumpers._numpy_facts import plain_number

if TYPE_CHECKING:
    import polars as pl

priority: Final = 27
extra: Final = "polars"
requires: Final = {"polars": "1.32"}
load_plainly: Final = "loaderdumpers.plainly.frames:read_polars"
about: Final = {
    "types": ("polars.DataFrame", "polars.Series", "polars.LazyFrame"),
    "keeps": "polars frames and series without Python objects",
    "format": "Parquet",
    "files": "`data.parquet`",
    "exact": True,
    "lazy": "`LazyFrame`, some columns",
    "append": True,
}

_FILE: Final = "data.parquet"
_SHOWN: Final = 20
_SUMMARISED: Final = 100


def check(obj: Any) -> bool:
    """Say whether `obj` is of polars and has columns of kinds that Parquet keeps. What a LazyFrame has is looked at by :func:`dump`."""
    kind = _kind(obj)
    if kind is None:
        return False
    try:
        return kind == "LazyFrame" or all(_is_kept(dtype) for dtype in _dtypes(obj, kind))
    except Exception:  # noqa: BLE001  a half-made frame that polars itself stumbles over
        return False


def _kind(obj: Any) -> str | None:
    polars = sys.modules.get("polars")
    if polars is None:
        return None
    return next((name for name in ("DataFrame", "Series", "LazyFrame") if type(obj) is getattr(polars, name, None)), None)


def _dtypes(obj: Any, kind: str) -> list[Any]:
    return [obj.dtype] if kind == "Series" else obj.dtypes


def _is_kept(dtype: Any) -> bool:
    """Say whether Parquet has a place for a dtype: no Python objects, no types from outside, no structure without fields."""
    import polars

    outside = tuple(getattr(polars, name) for name in ("Object", "Unknown", "BaseExtension") if hasattr(polars, name))
    if isinstance(dtype, outside):
        return False
    if isinstance(dtype, polars.Struct):
        return bool(dtype.fields) and all(_is_kept(field.dtype) for field in dtype.fields)
    inner = [getattr(dtype, name) for name in ("inner", "key", "value") if getattr(dtype, name, None) is not None]
    return all(_is_kept(one) for one in inner)


def describe(obj: Any) -> dict[str, Any]:
    """Return type, shape, size, and the first columns with their dtypes; of a LazyFrame what polars can tell without computing."""
    kind = _kind(obj)
    facts: dict[str, Any] = {"type": f"polars {kind}"}
    if kind == "Series":
        return {**facts, "shape": [len(obj)], "dtype": str(obj.dtype)[:60], "nbytes": int(obj.estimated_size())}
    if kind == "DataFrame":
        facts |= {"shape": list(obj.shape), "nbytes": int(obj.estimated_size())}
    schema = obj.collect_schema()
    columns = list(schema.items())[:_SHOWN]
    return {**facts, "columns": [[name[:60], str(dtype)[:60]] for name, dtype in columns]}


def summarise(obj: Any) -> dict[str, Any]:
    """Return, for each of the first hundred columns, how many values are missing, and least, largest and mean; nothing of a LazyFrame."""
    kind = _kind(obj)
    if kind == "Series":
        return _summarise_column(obj)
    if kind == "LazyFrame":
        return {}
    return {"columns": [[name[:60], _summarise_column(obj[name])] for name in obj.columns[:_SUMMARISED]]}


def _summarise_column(column: pl.Series) -> dict[str, Any]:
    facts: dict[str, Any] = {"n_missing": int(column.null_count())}
    if facts["n_missing"] == len(column) or not (column.dtype.is_numeric() or column.dtype.is_temporal()):
        return facts
    ends = {"min": column.min(), "max": column.max()}
    if not column.dtype.is_numeric():
        return facts | {name: str(value) for name, value in ends.items()}
    return facts | {name: plain_number(value) for name, value in {**ends, "mean": column.mean()}.items()}


def dump(obj: Any, savedir: str, *, compression: str = "zstd", row_group_size: int | None = None) -> dict[str, Any]:
    """Write `obj` as Parquet.

    Parameters
    ----------
    obj : polars.DataFrame, Series or LazyFrame
        The value. A LazyFrame is computed by polars' streaming engine and need not fit into memory.
    savedir : str
        Empty folder.
    compression : {'zstd', 'lz4', 'snappy', 'gzip', 'brotli', 'uncompressed'}
        How the columns are compressed.
    row_group_size : int, optional
        Rows in one group; reading some rows skips whole groups. Default: polars' own.

    Raises
    ------
    TypeError
        A column would not come back as it is.
    """
    import polars

    kind = _kind(obj)
    if kind is None:
        raise TypeError(
            f"polars_to_parquet keeps DataFrame, Series and LazyFrame themselves, not {type(obj).__qualname__}; convert it first"
        )
    frame = obj.to_frame() if kind == "Series" else obj
    schema = _checked_schema(frame)
    path = os.path.join(savedir, _FILE)
    write = frame.sink_parquet if kind == "LazyFrame" else frame.write_parquet
    try:
        write(path, compression=compression, row_group_size=row_group_size)
    except polars.exceptions.InvalidOperationError as error:
        raise TypeError(f"polars cannot write this {kind} as Parquet: {error}. Convert the column, or use to_cloudpickle.") from error
    _compare_schemas(_scan(path).collect_schema(), schema)
    names = [name for name, _ in schema.items()]
    arguments: dict[str, Any] = {"kind": kind, "rows": _rows(path), "columns": len(names)}
    if kind != "LazyFrame":
        arguments["sorted"] = _sorted(frame)
    return arguments


def _checked_schema(frame: Any) -> Any:
    schema = frame.collect_schema()
    for name, dtype in schema.items():
        if not _is_kept(dtype):
            raise TypeError(f"the column {name!r} of dtype {dtype} has no place in Parquet; cast it, or store it with to_cloudpickle")
    return schema


def _compare_schemas(found: Any, promised: Any) -> None:
    if list(found.items()) != list(promised.items()):
        changed = [f"{name!r} of {dtype}" for name, dtype in promised.items() if found.get(name) != dtype]
        raise TypeError(f"Parquet would change the columns {', '.join(changed[:5])}; cast them, or store the frame with to_cloudpickle")


def _scan(path: str) -> pl.LazyFrame:
    import polars

    # A folder named x=1 above, or one with * in its name, is no partition and no pattern.
    return polars.scan_parquet(path, glob=False, hive_partitioning=False)


def _rows(path: str) -> int:
    import polars

    return int(_scan(path).select(polars.len()).collect().item())  # read from the end of the file, not from the columns


def _sorted(frame: Any) -> dict[str, str]:
    """Return the columns that polars knows to be sorted, which makes later joins and searches quick."""
    ways = {"SORTED_ASC": "ascending", "SORTED_DESC": "descending"}
    return {name: way for name, flags in frame.flags.items() for flag, way in ways.items() if flags.get(flag)}


class Loader:
    """Reads a frame or series, or makes a lazy frame.

    Parameters
    ----------
    kind : {'DataFrame', 'Series', 'LazyFrame'}
        What was stored.
    rows, columns : int
        Its shape.
    sorted : dict, optional
        Columns known to be sorted, and which way.
    """

    def __init__(self, *, kind: str, rows: int, columns: int, sorted: dict[str, str] | None = None) -> None:
        self._kind, self._shape, self._sorted = kind, (rows, columns), sorted or {}

    def get(self, savedir: str, *, columns: Sequence[str] | None = None, select: slice | None = None, lazy: bool = False) -> Any:
        """Return the value.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        columns : list of str, optional
            Only these columns, in this order; only they are read.
        select : slice, optional
            Only these rows, as ``slice(10, 20)``; without a step.
        lazy : bool
            Return a ``LazyFrame`` over the file, whatever was stored. A stored LazyFrame always comes back as one.

        Raises
        ------
        ValueError
            A column asked for does not exist, or the file is not what was stored.
        """
        path = os.path.join(os.path.abspath(savedir), _FILE)
        frame = self._opened(path)
        if columns is not None:
            frame = self._chosen(frame, columns)
        if select is not None:
            frame = _sliced(frame, select, self._shape[0])
        if lazy or self._kind == "LazyFrame":
            return frame
        return self._collected(frame)

    def _opened(self, path: str) -> pl.LazyFrame:
        import polars

        try:
            frame = _scan(path)
            found = (_rows(path), len(frame.collect_schema()))
        except FileNotFoundError:
            raise
        except (polars.exceptions.PolarsError, OSError, ValueError) as error:
            raise ValueError(f"{path} is not whole Parquet data ({error}); restore it from a copy") from error
        if found != self._shape:
            raise ValueError(f"{path} has the shape {found} where {self._shape} was stored; restore it from a copy")
        return frame

    def _chosen(self, frame: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
        if self._kind == "Series" or isinstance(columns, str):
            raise ValueError("columns= takes a list of names and is for frames, not for a Series")
        schema = frame.collect_schema()
        absent = [column for column in columns if column not in schema]
        if absent:
            raise ValueError(f"the columns {absent} were asked for; stored are {', '.join(list(schema)[:20])}")
        import polars

        names = list(schema)
        return frame.select(polars.nth([names.index(column) for column in columns]))  # a name may look like a pattern, as "*" or "^a$"

    def _collected(self, frame: pl.LazyFrame) -> Any:
        import polars

        found = frame.collect()
        for name in found.columns:
            if name in self._sorted:
                found = found.with_columns(polars.Series(found[name]).set_sorted(descending=self._sorted[name] == "descending"))
        return found.to_series() if self._kind == "Series" else found


def _sliced(frame: pl.LazyFrame, select: slice, rows: int) -> pl.LazyFrame:
    if not isinstance(select, slice) or select.step not in (None, 1):
        raise ValueError(
            f"select is {select!r}; it takes a slice without a step, as slice(10, 20). For other rows use lazy=True and filter."
        )
    start, stop, _ = select.indices(rows)
    return frame.slice(start, max(0, stop - start))
