"""Makes the plan and Arrow columns of a pandas value that is about to be written, and sees that nothing changes it meanwhile.

What is common to Parquet and Arrow files. A frame that another thread changes while it is written would be stored as a mixture that
never existed. pandas 3, and pandas 2 with copy-on-write, leave the columns that we hold as they are; who changes the memory itself is
found out by comparing it before and after.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

from loaderdumpers._arrow_frames import Writer
from loaderdumpers._attributes import check_attributes, pack_attributes
from loaderdumpers._labels import NotExactError

INLINE_CHARACTERS: Final = 4000
_KINDS: Final = (
    "DataFrame",
    "Series",
    "Index",
    "RangeIndex",
    "MultiIndex",
    "DatetimeIndex",
    "TimedeltaIndex",
    "PeriodIndex",
    "IntervalIndex",
    "CategoricalIndex",
)
_COLUMNS_SHOWN: Final = 20
_COLUMNS_SUMMARISED: Final = 100


class ChangedWhileWrittenError(RuntimeError):
    """Something changed a value while it was written; what was written is no value that ever was."""


def is_pandas(obj: Any) -> bool:
    """Say whether `obj` is one of pandas' own frames, series or indexes, and no subclass."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and any(type(obj) is getattr(pandas, kind, None) for kind in _KINDS)


def is_kept(obj: Any) -> bool:
    """Say whether `obj` comes back equal in every respect; looks at types and labels, and at each value of object columns."""
    if not is_pandas(obj):
        return False
    try:
        Writer(convert=False).plan(obj)
        check_attributes(getattr(obj, "attrs", {}))
    except Exception:  # noqa: BLE001  pandas stumbles over its own half-made or damaged objects in many ways; none of them is kept exactly
        return False
    return True


class Staged:
    """A value taken apart: its Arrow columns and labels, and its plan.

    Parameters
    ----------
    obj : pandas.DataFrame, pandas.Series or pandas.Index
        The value.
    name : str
        The loaderdumper, for messages.

    Raises
    ------
    TypeError
        Something would not come back as it is; the message names it.
    """

    def __init__(self, obj: Any, name: str) -> None:
        import pyarrow

        if not is_pandas(obj):
            raise TypeError(f"{name} keeps DataFrame, Series and Index themselves, not {type(obj).__qualname__}; convert it first")
        # Held until all is written: with copy-on-write, whoever changes the frame then changes a copy.
        self.value = obj.copy(deep=False) if hasattr(obj, "attrs") else obj
        self.writer, self._name = Writer(), name
        try:
            self.plan = self.writer.plan(self.value)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, pyarrow.ArrowTypeError) as error:
            raise NotExactError(
                f"Arrow cannot keep this {type(obj).__name__}: {error}. Convert the column, or use to_cloudpickle."
            ) from error

    def arguments(self, savedir: str, prefix: str, *, inline: bool) -> dict[str, Any]:
        """Write the attributes and, where it is long and not `inline`, the plan; return the arguments of the Loader."""
        arguments: dict[str, Any] = {}
        if getattr(self.value, "attrs", None):
            self.plan["attrs"], parts = pack_attributes(self.value.attrs, None if inline else savedir, self._name)
            arguments = {"parts": parts} if parts else {}
        text = json.dumps(self.plan, ensure_ascii=False, allow_nan=False)
        if inline or len(text) <= INLINE_CHARACTERS:
            return {**arguments, "plan": self.plan}
        with open(os.path.join(savedir, f"{prefix}frame.json"), "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return arguments

    def label_lists(self) -> Any:
        """Return the labels as a table of one row, or None."""
        import pyarrow

        if not self.writer.labels:
            return None
        return pyarrow.table(
            {name: pyarrow.LargeListArray.from_arrays([0, len(array)], array) for name, array in self.writer.labels.items()}
        )


def read_plan(savedir: str, prefix: str, plan: dict[str, Any] | None) -> dict[str, Any]:
    """Return the plan: the one given, or that of ``frame.json``.

    Raises
    ------
    ValueError
        There is no plan in either.
    """
    name = f"{prefix}frame.json"
    if plan is None:
        with open(os.path.join(savedir, name), encoding="utf-8") as file:
            plan = json.load(file)
    kinds = {"DataFrame": "columns", "Series": "name", "Index": "index"}
    if not isinstance(plan, dict) or kinds.get(str(plan.get("kind"))) not in plan or type(plan.get("rows")) is not int or plan["rows"] < 0:
        raise ValueError(f"{name} or Loader.json describes no frame, series or index; it was changed, or a newer isfdb wrote it")
    return plan


class Watch:
    """Finds out whether memory changed between two moments, by its digest.

    Parameters
    ----------
    sources : list of (str, numpy.ndarray)
        Names and the arrays they stand for.
    """

    def __init__(self, sources: list[tuple[str, Any]]) -> None:
        self._sources = [(name, array, _state(array)) for name, array in sources]

    def check(self) -> None:
        """Raise unless all is as it was.

        Raises
        ------
        ChangedWhileWrittenError
        """
        for name, array, state in self._sources:
            if _state(array) != state:
                raise changed(name)


def changed(name: str) -> ChangedWhileWrittenError:
    """Return the error for a column that was changed."""
    return ChangedWhileWrittenError(
        f"the column {name!r} was changed while it was written, by another thread or through an array that shares its memory; "
        "store a copy, as db[key] = frame.copy(), or store it when nothing changes it"
    )


def _state(array: Any) -> Any:
    import numpy
    from blake3 import blake3

    if array.dtype.kind == "O":
        return tuple(map(id, array))
    flat = array if array.flags.c_contiguous else numpy.ascontiguousarray(array)
    threads = blake3.AUTO if flat.nbytes >= 2**20 else 1
    return blake3(max_threads=threads).update(memoryview(flat.view("u1"))).digest() if flat.nbytes else b""


def describe(obj: Any) -> dict[str, Any]:
    """Return type, shape, size, index, and the first columns with their dtypes."""
    facts: dict[str, Any] = {"type": type(obj).__name__, "shape": list(obj.shape)}
    if facts["type"] == "DataFrame":
        shown = zip(obj.columns[:_COLUMNS_SHOWN], obj.dtypes.iloc[:_COLUMNS_SHOWN], strict=True)
        facts["columns"] = [[str(label)[:60], str(dtype)[:60]] for label, dtype in shown]
        facts["nbytes"] = int(obj.memory_usage(index=True, deep=False).sum())
        facts["index"] = _describe_index(obj.index)
    elif facts["type"] == "Series":
        facts |= {"dtype": str(obj.dtype)[:60], "nbytes": int(obj.nbytes), "index": _describe_index(obj.index)}
    else:
        facts |= _describe_index(obj)
    return facts


def _describe_index(index: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": type(index).__name__}
    if facts["type"] == "MultiIndex":
        return facts | {
            "levels": [[str(name)[:60], str(level.dtype)[:60]] for name, level in zip(index.names[:20], index.levels, strict=False)]
        }
    facts["dtype"] = str(index.dtype)[:60]
    if index.name is not None:
        facts["name"] = str(index.name)[:60]
    if len(index) and (facts["type"] == "RangeIndex" or getattr(index, "freq", None) is not None):  # sorted: the ends cost nothing
        facts["range"] = [str(index[0]), str(index[-1])]
    return facts


def summarise(obj: Any) -> dict[str, Any]:
    """Return, for each of the first hundred columns, how many values are missing, and least, largest and mean where they have some."""
    import pandas

    if not hasattr(obj, "iloc"):
        obj = obj.to_frame(index=False) if type(obj) is pandas.MultiIndex else obj.to_series()
    if type(obj) is pandas.Series:
        return _summarise_column(obj)
    return {
        "columns": [
            [str(label)[:60], _summarise_column(obj.iloc[:, place])] for place, label in enumerate(obj.columns[:_COLUMNS_SUMMARISED])
        ]
    }


def _summarise_column(column: Any) -> dict[str, Any]:
    import numpy
    import pandas
    from pandas.api import types

    if isinstance(column.dtype, numpy.dtype) and not column.dtype.isnative:
        column = column.astype(column.dtype.newbyteorder("="))  # pandas computes no mean of it
    facts: dict[str, Any] = {"n_missing": int(column.isna().sum())}
    if types.is_bool_dtype(column.dtype):
        return facts | {"n_true": int(column.sum())}
    is_number = types.is_any_real_numeric_dtype(column.dtype)
    if facts["n_missing"] == len(column) or not (is_number or types.is_datetime64_any_dtype(column.dtype) or column.dtype.kind == "m"):
        return facts
    ends = {"min": column.min(), "max": column.max()}
    if not is_number:
        return facts | {name: str(value) for name, value in ends.items()}
    with numpy.errstate(all="ignore"):  # inf and -inf have no mean, which is what nan says
        numbers = {**ends, "mean": column.mean()}
    return facts | {name: _number(value) for name, value in numbers.items() if value is not pandas.NA}


def _number(value: Any) -> Any:
    """Return a number of Python; text where JSON has no such number."""
    number = value.item() if hasattr(value, "item") else value
    is_plain = isinstance(number, int) or (isinstance(number, float) and abs(number) < float("inf"))
    return number if is_plain else str(number)
