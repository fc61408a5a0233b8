"""pandas tables."""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import uuid
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.contracts import examples
from tests.contracts.kept._kept import Kept


def objects(*cells: Any) -> pd.Series:
    values = np.empty(len(cells), dtype=object)
    for place, cell in enumerate(cells):
        values[place] = cell
    return pd.Series(values, dtype=object)


def of_objects() -> list[pd.Series]:
    summer = datetime.datetime(2020, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    return [
        objects(1, "a", None, float("nan"), pd.NA, pd.NaT, -0.0, float("inf"), 2**70),
        objects([1, [2, (3,)]], {"a": 1, "$b": 2}, {1: 2, (1, 2): "x"}, {1, 2}, frozenset("ab"), []),
        objects(decimal.Decimal("1.10"), None, decimal.Decimal("-0")),
        objects(uuid.UUID(int=1), pathlib.PurePosixPath("a/é"), 1j, b"x"),
        objects(pd.Timestamp("2020", tz="Europe/Berlin"), pd.Timedelta("1s"), pd.Period("2020", "M"), pd.Interval(0.5, 1), np.float32(1.5)),
        objects(datetime.date(2020, 1, 1), None),
        objects(datetime.datetime(2020, 1, 1, 1, 2, 3, 4), None),
        objects(summer, summer.replace(fold=1), datetime.time(1, 2), datetime.timedelta(1)),
        objects(np.arange(3.0), None, np.empty(0), np.arange(6.0)[::2]),
        objects(np.asfortranarray([[1, 2], [3, 4]]), np.array("x"), np.zeros((0, 3)), np.array(["2020"], "M8[D]")),
        objects(True, None),
        objects(1, None, -(2**63)),
        objects(1.5, float("nan"), None),
        objects("\ud800", "half a pair"),
    ]


def sparse() -> list[Any]:
    found: list[Any] = [pd.Series(pd.arrays.SparseArray(np.array([0, 1, 0, 1]).astype(code))) for code in "? i8 u1 f4 f8 c16".split()]
    found += [pd.Series(pd.arrays.SparseArray([0, 1, 0], kind="block")), pd.Series(pd.arrays.SparseArray([np.nan, 1.0, 2.0]))]
    mixed = {"a": pd.arrays.SparseArray([0, 0, 1]), "b": pd.arrays.SparseArray([1, 0, 1], fill_value=1), "c": [1, 2, 3]}
    return [*found, pd.DataFrame(mixed), pd.DataFrame(mixed).iloc[:0]]


def of_arrow() -> list[pd.Series]:
    day, moment = datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1)
    kinds: dict[Any, list[Any]] = {
        pa.list_(pa.int8()): [[1, None], None, []],
        pa.large_list(pa.string()): [["é"], None],
        pa.list_(pa.float32(), 2): [[1, 2], None, [None, 3]],
        pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))]): [{"a": 1, "b": ["x"]}, None, {"a": None, "b": None}],
        pa.struct([("a", pa.timestamp("s"))]): [{"a": moment}],
        pa.struct([]): [{}, None],
        pa.map_(pa.string(), pa.int64()): [[("a", 1)], None, []],
        pa.dictionary(pa.int8(), pa.string()): ["a", None, "b"],
        pa.dictionary(pa.int32(), pa.int64()): [3, None, 1],
        pa.null(): [None, None],
        pa.date64(): [day, None],
        pa.timestamp("s"): [moment, None],
        pa.timestamp("us", "+03:00"): [moment, None],
        pa.time32("s"): [datetime.time(1, 2, 3), None],
        pa.decimal128(5, -2): [decimal.Decimal(12300), None],
        pa.decimal256(50, 2): [decimal.Decimal("0.25"), None],
        pa.binary(3): [b"abc", None],
    }
    return [pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(values, kind)]))) for kind, values in kinds.items()]


def odd_frames() -> list[Any]:
    columns = [*of_objects(), *of_arrow()]
    noted = pd.DataFrame({"a": [1]})
    noted.attrs = {"pair": (1, 2), "when": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), 1: "number", "b": {"z": 1, "a": 2}}
    noted.attrs |= {"few": np.arange(3), "many": np.arange(3000.0), "table": pd.DataFrame({"x": [1, "a"]})}
    pairs = pd.MultiIndex.from_product([["b", "a"], [2, 1]], names=["x", None])
    custom = pd.offsets.CustomBusinessDay(holidays=["2020-01-02"])
    months = pd.date_range("2020-01-01", periods=3, freq=pd.DateOffset(months=1, days=1))
    return [
        *columns,
        *(one.to_frame("x").assign(y=1) for one in columns),
        *(one.iloc[:0] for one in columns),
        *sparse(),
        noted,
        months,
        pd.DataFrame({"a": range(3)}, index=pd.date_range("2020", periods=3, freq=custom)),
        pd.DataFrame(np.zeros((4, 4)), index=pairs, columns=pairs).sort_index(),
        pd.DataFrame({"a": [1, 2]}, index=pd.Index(objects(decimal.Decimal(1), "x"), name="mixed")),
        pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=["a", "a.b", ""]),
    ]


class Level(enum.Enum):
    LOW = 1


def inexact_frames() -> list[Any]:
    class Frame(pd.DataFrame):
        pass

    class Odd:
        pass

    noted = pd.DataFrame({"a": [1]})
    noted.attrs = {"function": len}
    views = pd.Series(pd.arrays.SparseArray(np.array(["2020"], "M8[ns]")))
    return [
        objects(Odd()),
        objects([Odd()]),
        objects(Level.LOW),
        objects(pd.DataFrame()),
        views,
        Frame({"a": [1]}),
        noted,
        [1],
        np.zeros(3),
    ]


KEPT = {
    "pandas_to_arrow": Kept(lambda: [*examples.frames(), *odd_frames()], inexact_frames),
    "pandas_to_parquet": Kept(lambda: [*examples.frames(), *odd_frames()], inexact_frames),
}
