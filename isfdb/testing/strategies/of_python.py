"""Hypothesis strategies for plain values and Python's own types. Needs nothing but hypothesis."""

from __future__ import annotations

import collections
import datetime
import math
import pathlib
import types
import zoneinfo
from functools import cache
from typing import Any

from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@cache
def plain_values() -> st.SearchStrategy[Any]:
    """Return values that JSON keeps exactly: scalars, and lists and dicts of them."""
    numbers = st.integers() | st.floats().filter(lambda value: not math.isnan(value))
    leaves = st.one_of(st.none(), st.booleans(), numbers, st.just(float("nan")), TEXTS, st.sampled_from(["$float", "$dict", "$"]))
    names = TEXTS | st.sampled_from(["$float", "$dict", "$x"])
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12)


def python_scalars() -> st.SearchStrategy[Any]:
    """Return single values of Python's own types that JSON does not know."""
    offsets = st.integers(-86_399, 86_399).map(lambda count: datetime.timezone(datetime.timedelta(seconds=count)))
    named = st.tuples(st.integers(-720, 720), TEXTS).map(lambda pair: datetime.timezone(datetime.timedelta(minutes=pair[0]), pair[1]))
    zones = st.none() | offsets | named | st.timezone_keys(allow_prefix=False).map(zoneinfo.ZoneInfo)
    any_text = st.text(max_size=8)
    return st.one_of(
        st.datetimes(timezones=zones),
        st.times(timezones=zones),
        st.dates() | st.timedeltas(),
        st.decimals() | st.fractions() | st.uuids() | st.complex_numbers() | st.floats(),
        any_text.filter(lambda text: "\0" not in text).map(pathlib.PurePosixPath),
        any_text | st.binary(max_size=20) | st.binary(max_size=5).map(bytearray),
        st.integers(-99, 99).flatmap(lambda start: st.integers(1, 9).map(lambda step: range(start, start + 10**20, step))),
        st.ip_addresses() | st.sampled_from([..., NotImplemented, int, slice(1, None)]),
    )


def python_values(leaves: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """Return containers of Python's own types, nested up to four deep, with any keys, of plain values and of `leaves`."""
    hashable = st.one_of(st.none(), st.booleans(), st.integers(), TEXTS, st.dates(), st.tuples(st.integers(), TEXTS), st.frozensets(TEXTS))
    value = st.one_of(st.integers(), TEXTS, st.floats(), python_scalars(), *([] if leaves is None else [leaves]))
    for _ in range(4):
        value = st.one_of(value, _containers(value, hashable))
    return _containers(value, hashable)


def _containers(member: st.SearchStrategy[Any], hashable: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(member, max_size=3)
    dicts = st.dictionaries(hashable, member, max_size=3) | st.dictionaries(TEXTS, member, max_size=3)
    return st.one_of(
        lists,
        lists.map(tuple),
        dicts,
        dicts.map(collections.OrderedDict),
        dicts.map(lambda pairs: collections.defaultdict(list, pairs)),
        st.tuples(lists, st.none() | st.integers(3, 5)).map(lambda pair: collections.deque(*pair)),
        st.dictionaries(TEXTS, member, max_size=3).map(lambda names: types.SimpleNamespace(**names)),
        st.sets(hashable, max_size=3) | st.frozensets(hashable, max_size=3),
    )
