"""Plain values, Python's own types beyond JSON, and whatever pickles."""

from __future__ import annotations

import collections
import ipaddress
import math
import pathlib
import struct
import types
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.contracts import examples
from tests.contracts.kept._kept import Kept

ODD_NAN: float = struct.unpack(">d", bytes.fromhex("7ff8000000000001"))[0]
BERLIN = ZoneInfo("Europe/Berlin")


class Zone(tzinfo):
    """A time zone that somebody wrote."""

    def utcoffset(self, _: Any) -> timedelta:
        return timedelta(hours=1)


class Words(list[str]):
    """A subclass of a builtin."""


def times() -> list[Any]:
    named = timezone(timedelta(hours=1), "CET é")
    odd = timezone(timedelta(seconds=-3, microseconds=7))
    moments = [
        datetime(2020, 1, 1, tzinfo=UTC),
        datetime.min,
        datetime.max,
        datetime(2020, 1, 1, tzinfo=named),
        datetime(1, 2, 3, tzinfo=odd),
    ]
    moments += [datetime(2020, 10, 25, 2, 30, fold=fold, tzinfo=zone) for fold in (0, 1) for zone in (None, UTC, BERLIN)]
    clocks = [time(1, 2, 3, 4), time(1, fold=1, tzinfo=BERLIN), time(23, tzinfo=named), time.max]
    return [*moments, *clocks, date.min, date(2020, 2, 29), timedelta.min, timedelta.max, timedelta(-1, 2, 3), UTC, named, odd, BERLIN]


def numbers() -> list[Any]:
    decimals = [Decimal(text) for text in ("0.10", "-0", "-0E+3", "1E-999", "sNaN12", "-NaN", "Infinity", "1" * 9000)]
    fractions = [Fraction(1, 3), Fraction(0), Fraction(-(10**6000), 7)]
    return [*decimals, *fractions, 1j, complex(-0.0, math.nan), complex(ODD_NAN, -math.inf), -math.nan, ODD_NAN, 10**6000, -(10**6000)]


def single_values() -> list[Any]:
    paths = [pathlib.PurePosixPath("//a/é"), pathlib.PureWindowsPath("c:a\\b"), pathlib.Path(), pathlib.Path("x/\udc80"), pathlib.Path("/")]
    addresses = [ipaddress.ip_address(text) for text in ("127.0.0.1", "::1", "fe80::1%eth0")]
    addresses += [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_interface("fe80::1/64")]
    texts = ["\ud800", "\ud83d\ude00", "a\\ud800\n\udfff"]
    rest = [bytearray(b"x"), range(10**30), range(0, 3, 2), slice(None, (1,), -1), ..., NotImplemented, int, type(None), dict]
    return [*times(), *numbers(), *paths, *addresses, *texts, *rest, uuid.UUID(int=5), uuid.uuid1(), uuid.uuid5(uuid.NAMESPACE_DNS, "é")]


def containers() -> list[Any]:
    ordered = collections.OrderedDict(b=1, a=2)
    ordered.move_to_end("b")
    odd_keys = {
        1: "a",
        None: "b",
        1.5: "c",
        (1, (2,)): "d",
        True is None: "e",
        datetime.min: "f",
        b"g": "g",
        math.nan: "n",
        frozenset("h"): "h",
    }
    dicts = [odd_keys, {"b": (1,), "a": 2}, {"$set": (1,)}, {"\ud800": 1}, {"Loader": "loaderdumpers.to_pickle", "x": ()}, {"": ()}]
    special = [collections.defaultdict(list, {1: [2]}), collections.defaultdict(None), collections.Counter("abca"), ordered]
    special += [collections.deque([1, (2,)], 3), collections.deque(), types.SimpleNamespace(b=1, a=(2,)), types.MappingProxyType({"a": 1j})]
    sequences = [
        (),
        (1,),
        ((), ((),)),
        [1, (2, [3, {4}])],
        (None, True, 1.5, "x"),
        [math.inf, 1.5, 1],
        ["é", None],
        [10**30, 0.5],
        (b"b" * 4096,),
    ]
    sets = [set(), {1, "1", (1,), 1.5, None}, frozenset({frozenset({1}), frozenset()}), {math.nan}, {0.0}, {-0.0}, set(range(500))]
    return [*dicts, *special, *sequences, *sets, tuple(range(5000)), tuple(single_values())]


def library_scalars() -> list[Any]:
    import numpy as np
    import pandas as pd

    scalars = [
        np.float64(0.1),
        np.float64("-nan"),
        np.float32(0.1),
        np.int8(-3),
        np.uint64(2**64 - 1),
        np.bool_(True),
        np.datetime64("NaT", "us"),
    ]
    stamps = [pd.Timestamp("2020", tz="Europe/Berlin"), pd.Timestamp(5), pd.NaT, pd.NA, pd.Timedelta(3)]
    types = [np.float64, np.bool_, np.dtype("<M8[ns]"), np.dtype([("a", "i4"), ("b", ">f8", (2,))]), np.dtype("U5")]
    stamps += [
        pd.Period("2020-03", "M"),
        pd.Period("2020", "2D"),
        pd.Interval(0, 1.5, "both"),
        pd.Interval(stamps[0], pd.Timestamp("2021", tz="Europe/Berlin")),
    ]
    return [types, *types, scalars, [*scalars, np.str_("é"), np.complex64(1j), np.longdouble(1) / 3], stamps, {1: stamps}, *stamps]


def not_plain_python() -> list[Any]:
    import numpy as np

    ring: list[Any] = [()]
    ring.append(ring)
    attributed = collections.OrderedDict(a=1)
    attributed.note = 1  # type: ignore[attr-defined]
    behind_a_proxy = types.MappingProxyType(collections.OrderedDict(a=1))
    single = [datetime(2020, 1, 1, tzinfo=Zone()), time(1, tzinfo=Zone()), np.zeros(2), object(), Words, Words(), memoryview(b""), print]
    held = [[one] for one in single] + [{1: one} for one in single] + [(b"b" * 4097,), ring, attributed, behind_a_proxy]
    return [*single, *held, collections.defaultdict(lambda: 1), types.SimpleNamespace(a=Words()), UserDict()]


class UserDict(dict[str, int]):
    """Another subclass of a builtin."""


KEPT = {
    "to_json": Kept(examples.plain_values, lambda: [*examples.not_plain(), ODD_NAN]),
    "to_bytes": Kept(lambda: [b"", b"abc", bytes(range(256)) * 100, bytearray(b"a")], lambda: [memoryview(b"a"), "a"]),
    "python_to_json": Kept(lambda: [*single_values(), *containers(), *library_scalars()], not_plain_python),
    "to_pickle": Kept(lambda: [(1, 2), {1: {2}}, 1j, object], list),
    "to_cloudpickle": Kept(lambda: [(1, 2), {1: {2}}, 1j, frozenset("ab"), object], list),
}
