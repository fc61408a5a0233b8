"""Keeps a dask DataFrame or Series in Parquet, one file a partition, and reads it back lazily: partitions and divisions as they were.

Each partition is computed and written by itself, so a frame larger than memory is fine. What lies in the partitions must be what the
frame's meta promises, or nothing is kept.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

from loaderdumpers import pandas_to_parquet
from loaderdumpers._labels import pack_label, unpack_label

priority: Final = 40

_FILE: Final = "partitions.json"


def check(obj: Any) -> bool:
    """Say whether `obj` is a dask DataFrame or Series whose meta, the empty frame that says what it is, is kept exactly."""
    module = sys.modules.get("dask.dataframe")
    if module is None or not any(type(obj) is getattr(module, kind, None) for kind in ("DataFrame", "Series")):
        return False
    try:
        for division in obj.divisions:
            pack_label(division)
        return pandas_to_parquet.check(obj._meta)
    except Exception:  # noqa: BLE001  a graph that dask itself cannot make sense of
        return False


def describe(obj: Any) -> dict[str, Any]:
    """Return type, number of partitions, and the first columns with their dtypes; computes nothing."""
    facts: dict[str, Any] = {"type": f"dask {type(obj).__name__}", "npartitions": int(obj.npartitions)}
    facts["known_divisions"] = bool(obj.known_divisions)
    if type(obj).__name__ == "DataFrame":
        dtypes = obj._meta.dtypes.iloc[:20]
        facts["columns"] = [[str(label)[:60], str(dtype)[:60]] for label, dtype in zip(obj._meta.columns[:20], dtypes, strict=True)]
    else:
        facts["dtype"] = str(obj._meta.dtype)[:60]
    return facts


def dump(obj: Any, savedir: str, *, compression: str = "zstd") -> dict[str, Any]:
    """Compute and write each partition by the active client, or by threads of this process.

    Parameters
    ----------
    obj : dask.dataframe.DataFrame or Series
        The value; it may read, lazily, the version before the one that is written.
    savedir : str
        Empty folder. Where a cluster computes, its workers must reach it under the same path.
    compression : {'zstd', 'snappy', 'gzip', 'brotli', 'lz4', 'none'}
        How the columns are compressed.

    Raises
    ------
    TypeError
        A partition holds something that is not kept exactly.
    ValueError
        A partition is not what the frame's meta promises.
    """
    import dask
    from dask.base import get_scheduler

    if not check(obj):
        advice = "convert its columns with astype, or compute it first"
        raise TypeError(f"dask_to_parquet cannot keep this {type(obj).__qualname__} exactly; {advice}")
    width = max(5, len(str(obj.npartitions)))
    write = dask.delayed(_write_partition, pure=False)
    parts = [write(part, obj._meta, savedir, f"part-{place:0{width}d}.", compression) for place, part in enumerate(obj.to_delayed())]
    plans = dask.compute(*parts, scheduler=get_scheduler() or "threads")
    record = {
        "divisions": [pack_label(division) for division in obj.divisions],
        "meta": pandas_to_parquet.write(obj._meta, savedir, "meta.", inline=True)["plan"],
        "partitions": _unrepeated(plans),
    }
    with open(os.path.join(savedir, _FILE), "w", encoding="utf-8", newline="") as file:
        json.dump(record, file, ensure_ascii=False, allow_nan=False)
    return {"npartitions": int(obj.npartitions), "width": width}


def _write_partition(part: Any, meta: Any, savedir: str, prefix: str, compression: str) -> dict[str, Any]:
    _refuse_other_kind(part, meta, prefix)
    plan: dict[str, Any] = pandas_to_parquet.write(part, savedir, prefix, compression=compression, inline=True)["plan"]
    return plan


def _refuse_other_kind(part: Any, meta: Any, prefix: str) -> None:
    found, promised = _facts(part), _facts(meta)
    if found != promised:
        raise ValueError(
            f"the partition {prefix.rstrip('.')} is {found}, where the frame's meta promises {promised}. Pass meta= to the call that made "
            "the frame, or convert with astype."
        )


def _facts(value: Any) -> str:
    """Name the type and the columns with their dtypes, without categories, which may differ between partitions."""
    if type(value).__name__ == "DataFrame":
        columns = ", ".join(f"{label!r}: {_dtype_name(dtype)}" for label, dtype in zip(value.columns, value.dtypes, strict=True))
        return f"a DataFrame of {columns}"
    return f"a {type(value).__name__} {getattr(value, 'name', None)!r} of {_dtype_name(getattr(value, 'dtype', type(value)))}"


def _dtype_name(dtype: Any) -> str:
    if type(dtype).__name__ == "StringDtype":  # dask itself confuses the kinds of text; each partition keeps its own
        return "text"
    return f"category, ordered={dtype.ordered}" if str(dtype) == "category" else repr(dtype)


def _unrepeated(plans: Any) -> list[Any]:
    """Write a plan once where the next partitions have the same one but for the number of rows."""
    kept: list[Any] = []
    last = None
    for plan in plans:
        rest = {name: part for name, part in plan.items() if name != "rows"}
        kept.append(plan["rows"] if rest == last else plan)
        last = rest
    return kept


def _repeated(kept: list[Any]) -> list[dict[str, Any]]:
    plans: list[dict[str, Any]] = []
    for plan in kept:
        plans.append({**plans[-1], "rows": plan} if isinstance(plan, int) else plan)
    return plans


def _read_partition(part: tuple[str, str, dict[str, Any]], columns: list[Any] | None = None) -> Any:
    savedir, prefix, plan = part
    return pandas_to_parquet.read(savedir, prefix, plan, columns=columns)


class Loader:
    """Makes the lazy frame again.

    Parameters
    ----------
    npartitions : int
        How many partitions there are.
    width : int
        Digits of the number in a file's name.
    """

    def __init__(self, *, npartitions: int, width: int) -> None:
        self._npartitions, self._width = npartitions, width

    def get(self, savedir: str, *, columns: list[Any] | None = None) -> Any:
        """Return the lazy frame; nothing but ``partitions.json`` is read yet.

        Parameters
        ----------
        savedir : str
            Folder of the version.
        columns : list of labels, optional
            Only these columns, in this order. Columns that nothing uses are not read in any case.

        Raises
        ------
        ValueError
            The files contradict each other.
        """
        import dask.dataframe

        folder = os.path.abspath(savedir)
        with open(os.path.join(folder, _FILE), encoding="utf-8") as file:
            record = json.load(file)
        plans = _repeated(record["partitions"])
        if not len(plans) == self._npartitions == len(record["divisions"]) - 1:
            raise ValueError(f"{_FILE} has {len(plans)} partitions where {self._npartitions} were stored; restore it from a copy")
        parts = [(folder, f"part-{place:0{self._width}d}.", plan) for place, plan in enumerate(plans)]
        meta = pandas_to_parquet.read(folder, "meta.", record["meta"])
        divisions = tuple(unpack_label(division) for division in record["divisions"])
        frame = dask.dataframe.from_map(_read_partition, parts, meta=meta, divisions=divisions, label="isfdb")
        return frame if columns is None else frame[list(columns)]
