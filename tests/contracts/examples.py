"""Values that each built-in loaderdumper must keep, and values it must refuse."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa


def plain_values() -> list[Any]:
    numbers = [0, -1, 2**64, 10**3000, 0.1, -0.0, 5e-324, float("inf"), float("nan")]
    texts = ["", "é ✓ 日本", "a\nb\0c", "x" * 5000, "$float"]
    nested: Any = 1
    for _ in range(50):
        nested = [nested]
    containers = [
        [],
        {},
        {"b": 1, "a": {"z": [], "y": None}},
        {"$dict": 1},
        {"$x": {"$y": 2}, "b": 1, "a": 2},
        {"": 1},
        [[1.5, None], [True]],
        nested,
    ]
    return [None, True, False, *numbers, *texts, *containers, list(range(3000)), {f"k{n}": n / 7 for n in range(900, 0, -1)}]


def not_plain() -> list[Any]:
    return [
        (1,),
        {1},
        b"x",
        {1: 2},
        "\ud800",
        ["\ud800"],
        {"\ud800": 1},
        10**6000,
        [(1,)],
        {"a": {1}},
        1j,
        -float("nan"),
        np.float64(1),
        datetime.date(2020, 1, 1),
    ]


def arrays() -> list[np.ndarray]:
    dtypes: list[Any] = [f"{order}{kind}" for order in "<>" for kind in ("i2", "f8", "f2", "c16", "M8[ns]", "m8[D]", "U5")]
    dtypes += ["?", "u1", "S3", "V7", "U0", "M8", "g"]
    dtypes += [
        [("a", "<i4"), ("b", ">f8", (2, 3))],
        [("x", [("y", "f4"), ("z", "U3")]), ("t", "M8[s]")],
        [("größe", "i4")],
        [(("title", "a"), "i4")],
    ]
    dtypes += [{"names": ["a"], "formats": ["i4"], "offsets": [4], "itemsize": 16}, [("a", "i4", (3,)), ("b", [("c", "i2", (1,))], (2,))]]
    shapes = [(), (0,), (3,), (2, 3), (2, 0, 3)]
    found = [_filled(shape, dtype) for dtype in dtypes for shape in shapes]
    found += [np.asfortranarray(_filled((2, 3), dtype)) for dtype in dtypes]
    cube = np.arange(24.0).reshape(2, 3, 4)
    return [*found, cube[::-1, :, ::2], cube.transpose(1, 0, 2), np.broadcast_to(np.float32(1), (5, 6)), np.array([np.nan, -np.nan, -0.0])]


def _filled(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    kind = np.dtype(dtype)
    array = np.zeros(shape, kind)
    if kind.names is None and kind.itemsize and array.size and kind.kind not in "UV?g":
        raw = np.frombuffer(np.random.default_rng(1).bytes(array.nbytes), kind)
        return raw.reshape(shape).copy()
    return array


def numpy_scalars() -> list[Any]:
    numbers = [
        np.float32(0.1),
        np.float64(-0.0),
        np.int8(-3),
        np.uint64(2**64 - 1),
        np.bool_(True),
        np.complex64(1j),
        np.longdouble(1) / 3,
        np.float16("nan"),
    ]
    return [
        *numbers,
        np.str_("é"),
        np.str_(""),
        np.bytes_(b"x"),
        np.datetime64("2020-01-01T00:00"),
        np.datetime64("NaT"),
        np.timedelta64(3, "us"),
    ]


def series() -> dict[str, pd.Series]:
    found = {code: pd.Series(np.array([0, 1, 2, 1]).astype(code)) for code in "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16 >f8 >i4".split()}
    found["float"] = pd.Series([1.0, np.nan, -0.0, np.inf, -np.inf])
    found |= _times()
    found |= _texts()
    found |= {name: pd.Series([1, None, 0], dtype=name) for name in "boolean Int8 Int64 UInt8 UInt64 Float32 Float64".split()}
    found["nan in Float64"] = pd.Series(pd.arrays.FloatingArray(np.array([np.nan, 1.0, 3.0]), np.array([False, True, False])))
    found |= _categories()
    found["period"] = pd.Series(pd.period_range("2020", periods=3, freq="M")).where([True, False, True])
    found["interval"] = pd.Series(pd.interval_range(0.0, 3.0))
    found["interval of times"] = pd.Series(pd.interval_range(pd.Timestamp("2020", tz="UTC"), periods=3))
    found["interval, missing"] = pd.Series(pd.arrays.IntervalArray.from_tuples([(0, 1), None], closed="both"))
    return found | _arrow()


def _times() -> dict[str, pd.Series]:
    found = {}
    zones = ["UTC", "Europe/Berlin", datetime.UTC, datetime.timezone(datetime.timedelta(hours=3))]
    for unit in ("s", "ms", "us", "ns"):
        times = pd.Series(np.array(["2020-01-01", "NaT", "1950-03-03T01:02:03"], dtype=f"M8[{unit}]"))
        found[f"datetime64[{unit}]"] = times
        found[f"timedelta64[{unit}]"] = pd.Series(np.array([1, -2, "NaT"], dtype=f"m8[{unit}]"))
        for zone in zones:
            found[f"{unit} in {zone!r}"] = times.dt.tz_localize("UTC").dt.tz_convert(zone)
    return found


def _texts() -> dict[str, pd.Series]:
    missing = {"none": None, "nan": np.nan, "NA": pd.NA}
    found = {f"text with {name}": pd.Series(["é", one, ""], dtype=object) for name, one in missing.items()}
    found["objects: text"] = pd.Series(["a", "b"], dtype=object)
    found["objects: None"] = pd.Series([None, None], dtype=object)
    found["objects: bytes"] = pd.Series([b"a", None, b""], dtype=object)
    for storage in ("python", "pyarrow") if pd.__version__ >= "2.3" else ():
        for one in (np.nan, pd.NA):
            found[f"string, {storage}, {one}"] = pd.Series(["a", None, "é"], dtype=pd.StringDtype(storage, na_value=one))
    return found


def _categories() -> dict[str, pd.Series]:
    days = pd.to_datetime(["2021-01-01", "2020-01-01"])
    found = {
        "ordered": pd.Categorical(["b", "a", None], categories=["c", "b", "a", "z"], ordered=True),
        "of numbers": pd.Categorical([3, 1, None], categories=[5, 3, 1]),
        "of days": pd.Categorical([days[1], None], categories=days),
        "none": pd.Categorical([None, None], categories=[]),
        "many": pd.Categorical([f"x{n % 3000}" for n in range(5000)]),
        "objects": pd.Categorical(["b", "a"], categories=pd.Index(["b", "a"], dtype=object)),
    }
    cut = pd.cut(pd.Series(range(10)), 3)
    return {f"categories, {name}": pd.Series(one) for name, one in found.items()} | {"categories, intervals": cut}


def _arrow() -> dict[str, pd.Series]:
    kinds = [
        pa.int8(),
        pa.float32(),
        pa.float16(),
        pa.bool_(),
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.date32(),
        pa.timestamp("ms"),
    ]
    kinds += [pa.timestamp("ns", "Europe/Berlin"), pa.duration("us"), pa.duration("s"), pa.decimal128(25, 3), pa.time64("us")]
    whole = {pa.int8(): [1, None], pa.string(): ["é", None], pa.timestamp("ms"): [datetime.datetime(2020, 1, 1), None]}
    return {f"arrow {kind}": pd.Series(pd.arrays.ArrowExtensionArray(pa.array(whole.get(kind, [None, None]), kind))) for kind in kinds}


def frames() -> list[Any]:
    columns = series()
    found: list[Any] = []
    for one in columns.values():
        found += [one, one.iloc[:0], one.to_frame("x"), pd.Index(one, name="x") if str(one.dtype) != "float16" else one]
    return [
        *found,
        pd.concat({name: one for name, one in columns.items() if not name.startswith((">", "?", "text", "objects"))}, axis=1),
        *_labelled(),
        *_indexed(),
    ]


def _labelled() -> list[Any]:
    one_row = np.zeros((1, 2))
    odd = pd.Index([1, "a", (1, 2), None, 1.5, pd.Timestamp("2020"), np.float32(1.5)], dtype=object)
    attributes = pd.DataFrame({"a": [1]})
    attributes.attrs = {"unit": "mV", "b": [1, 2.5], "a": {"z": 1, "y": None}}
    return [
        pd.DataFrame(np.arange(6).reshape(2, 3), columns=["a", "a", "b"]),
        pd.DataFrame(np.zeros((1, 7)), columns=odd),
        pd.DataFrame(np.zeros((2, 2))),
        pd.DataFrame(one_row, columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["u", "v"])),
        pd.DataFrame(np.zeros((1, 3)), columns=pd.date_range("2020", periods=3, freq="MS", tz="Europe/Berlin")),
        pd.DataFrame(one_row, columns=pd.CategoricalIndex(["a", "b"], categories=["b", "a", "c"], ordered=True)),
        pd.DataFrame(one_row, columns=pd.Index(["a", "b"], dtype=object)),
        pd.DataFrame({"a": [1]}).rename_axis(columns="cols", index="idx"),
        pd.DataFrame({"index": [1], "index 0": [2], "é ✓": [3], "": [4]}, index=[9]),
        pd.DataFrame(np.zeros((1, 300)), columns=[f"column number {n}" for n in range(300)]),
        pd.DataFrame(np.zeros((3, 1000))),
        attributes,
        pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
        pd.Series([1], name=("a", 2)),
        pd.Series([1], name=pd.Timestamp("2020", tz="Europe/Berlin")),
    ]


def _indexed() -> list[Any]:
    pairs = pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1.5), (None, 2.5)], names=["x", None]))
    return [
        pairs,
        pairs.iloc[:1],
        pairs.iloc[:0],
        pairs.index,
        pd.MultiIndex.from_product([range(300), pd.date_range("2020", periods=20)]),
        pd.DataFrame({"v": range(5)}, index=pd.date_range("2020", periods=5, freq="D", name="t")),
        pd.DataFrame({"v": range(3)}, index=pd.timedelta_range("1h", periods=3, freq="2h")),
        pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(10, 30, 10, name=5)),
        pd.DataFrame({"a": [1, 2]}, index=pd.Index(["a", "b"], dtype=object)),
        pd.period_range("2020", periods=3, freq="Q"),
        pd.RangeIndex(3),
        pd.DataFrame(),
        pd.DataFrame({"a": [], "b": []}),
        pd.DataFrame(index=range(4)),
        pd.DataFrame(index=list("abc")),
    ]
