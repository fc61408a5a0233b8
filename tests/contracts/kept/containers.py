"""Containers of anything, and the user's own classes."""

from __future__ import annotations

import collections
import types
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from tests.contracts.kept import _user_classes as own
from tests.contracts.kept._kept import Kept


def instances() -> list[Any]:
    changed = own.Recording("b")
    changed.count = 8
    members = [*own.Colour, *own.Level, *own.Name, own.Rights.READ | own.Rights.WRITE, own.Rights(0), own.Bits.A | own.Bits.B, own.Bits(2)]
    tuples = [own.Point(1), own.Point(np.arange(3), "é"), own.Pair(1, (2,)), own.NamedPair(1, None)]
    dataclasses = [
        own.Recording("a", np.arange(2.0), scale=3),
        changed,
        own.Condition(1.5, own.Condition(2.5)),
        own.Compact(a=1),
        own.Child("c"),
    ]
    attrs = [own.Cell("c", 3), own.Layer(np.ones(2), [own.Cell("d")])]
    return [*members, *tuples, *dataclasses, own.Box(1), *attrs]


def mixed() -> list[Any]:
    frame = pd.DataFrame({"rate": [1.0, 2.0]}, index=pd.date_range("2020", periods=2, freq="D"))
    shared = np.arange(5)
    names = {
        "a/b": shared,
        "A/B": shared + 1,
        "..": shared,
        "con": shared,
        "é" * 100: shared,
        "": shared,
        "data.json": shared,
        "\ud800": shared,
    }
    keys = {own.Condition(1.0): 1, own.Point(1, (own.Colour.RED,)): 2, own.Colour.BLUE: 3, (own.Compact(a=1),): frame}
    deep: Any = shared
    for _ in range(20):
        deep = [deep, ()]
    special = [collections.OrderedDict(b=frame, a=1), collections.deque([frame], 2), types.SimpleNamespace(f=frame)]
    special += [collections.defaultdict(list, {1: [shared]}), types.MappingProxyType({"a": shared})]
    long = {"bytes": b"b" * 5000, "array": bytearray(b"a" * 5000), "text": "x" * 5000}
    many = [*(np.full(place % 4, place) for place in range(50)), *(bytes([place]) * 5000 for place in range(5)), bytearray(5000)]
    many += [np.asfortranarray(np.ones((2, 3))), np.zeros((0, 2)), np.array(5.0), np.array(["2020", "NaT"], "M8[ns]")]
    specs = {"Loader": {"Loader": "loaderdumpers.to_pickle", "a": shared}}
    return [
        {"rates": frame, "traces": [shared, shared * 2], "when": datetime(2020, 1, 1, tzinfo=UTC), 1: (frame["rate"], None)},
        *([frame], (shared, shared), names, keys, deep, *special, long, many, specs, {own.Colour.RED, own.Level.LOW}, [], {}),
    ]


def not_containers() -> list[Any]:
    ring: list[Any] = []
    ring.append({"ring": ring})
    remembers = own.Remembers(1)
    assert remembers.twice == 2

    class Local(own.Point):
        pass

    noted = own.NamedPair(1, 2)
    noted.note = 1
    more = own.Condition(1.0)
    object.__setattr__(more, "more", 1)
    odd = [remembers, own.HasState(1), own.Closes(1), own.Failure(1), own.Plain(), Local(1), noted, more, object.__new__(own.Cell)]
    return [*odd, own.Colour, own.Point, ring, np.zeros(2), pd.Series([1]), 1, "a", print, np.float64(1)]


KEPT = {"containers_to_parts": Kept(lambda: [*mixed(), *instances()], not_containers)}
