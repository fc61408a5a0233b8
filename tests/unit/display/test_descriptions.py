"""Descriptions of values in words: of every kind a loaderdumper writes, and of what nobody would write."""

from __future__ import annotations

from typing import Any

import pytest

from isfdb.display.descriptions import Description, SmallTable, described, few_words
from isfdb.display.words import what_text


def facts(**describe: Any) -> dict[str, str]:
    return dict(described(describe).facts)


def test_columns_and_sizes() -> None:
    told = facts(type="DataFrame", shape=[344, 2], columns=[["species", "str"], ["mass", "float64"]], nbytes=81_700)
    assert told == {"columns": "species (str), mass (float64)", "in memory": "81.7 kB"}


def test_members_and_chunks_come_first() -> None:
    members = {"rate": {"type": "DataArray", "shape": [1000, 4], "dtype": "float64"}}
    told = facts(attrs={"unit": "Hz"}, chunks={"time": 100}, members=members, known_divisions=True)
    assert list(told.items()) == [
        ("members", "rate: DataArray 1000 × 4 float64"),
        ("chunks", "time: 100"),
        ("attrs", "unit: Hz"),
        ("known divisions", "yes"),
    ]


def test_ranges_read_from_to() -> None:
    assert facts(ranges={"t": ["2020", "2021"], "x": [0.5, 1e20]}, range=[1, None]) == {
        "ranges": "t: 2020 to 2021, x: 0.5 to 1e+20",
        "range": "1 to unknown",
    }


def test_statistics_of_columns_are_a_table() -> None:
    statistics = {"a": {"max": 9.5, "min": 0.0, "n_missing": 2}, "b": {"n_unique": 3}}
    assert described({"statistics": statistics}) == Description(
        (),
        (SmallTable("statistics", ("", "missing", "min", "max", "unique"), (("a", "2", "0", "9.5", ""), ("b", "", "", "", "3")), False),),
    )


def test_statistics_of_one_array_are_a_fact() -> None:
    assert facts(statistics={"min": 0, "max": float("nan")}) == {"statistics": "min: 0, max: nan"}


def test_statistics_of_the_columns_of_parts_are_one_table() -> None:
    columns = {"columns": [["a", {"min": 1, "n_missing": 0}], ["b", {"n_missing": 2}]]}
    (table,) = described({"statistics": {"parts": {"['rates']": columns, "['trace']": {"min": 3}}}}).tables
    assert table.names == ("", "missing", "min")
    assert table.rows == (("['rates'] a", "0", "1"), ("['rates'] b", "2", ""), ("['trace']", "", "3"))
    assert described({"statistics": columns}).tables[0].rows == (("a", "0", "1"), ("b", "2", ""))
    assert described({"statistics": {"columns": []}}) == Description((), ())


@pytest.mark.parametrize(
    ("describe", "words"),
    [
        ({"type": "Figure", "n_traces": 1}, "Figure, 1 trace"),
        ({"type": "Graph", "nodes": 5, "edges": 4000}, "Graph, 5 nodes, 4,000 edges"),
        ({"type": "dask DataFrame", "npartitions": 3}, "dask DataFrame, 3 partitions"),
        ({"type": "Image", "size": [60, 40], "mode": "RGB"}, "Image 60 × 40"),
        ({"type": "ManagedFolder", "frozen": True, "files": 2}, "ManagedFolder frozen, 2 files"),
        ({"type": "list", "length": 10**5000}, "list of more than 10^15"),
        ({"type": "list", "length": True}, "list"),
        ({"type": "x", "n_a": -1, "n_b": "3"}, "x"),
    ],
)
def test_what_is_counted_stands_in_the_line(describe: dict[str, Any], words: str) -> None:
    assert what_text(describe) == words


def test_the_first_names_stand_in_the_line() -> None:
    assert few_words({"columns": [["a", "int"], ["b", "str"]]}) == "a, b"
    assert few_words({"members": {str(n): {} for n in range(20)}}) == "0, 1, 2, 3, 4, 5, 6, 7 …"
    assert few_words({"columns": "nonsense"}) == ""


@pytest.mark.parametrize("name", ["link", "digest", "stored by", "size", "stored_by"])
def test_a_description_cannot_pass_for_what_isfdb_says(name: str) -> None:
    (told,) = facts(**{name: "isfdb://forged"})
    assert told == f"its {name.replace('_', ' ')}"


def nested(depth: int) -> Any:
    value: Any = 1
    for number in range(depth):
        value = [value] if number % 2 else {"a": value}
    return value


HOSTILE = {
    "deep": nested(500),
    "long list": list(range(10**5)),
    "long dict": {str(n): n for n in range(10**5)},
    "large number": 10**10_000,
    "numbers": [10**400, -(10**400), float("inf"), float("nan"), 1e308],
    "long text": "x" * 10**6,
    "escapes": "\x1b[2J\u202e\n",
    "table": {str(n): {str(m): "y" * 1000 for m in range(100)} for n in range(100)},
    "\x1b[31mname": 1,
}


def test_whatever_is_found_is_told_in_bounds() -> None:
    told = described({**HOSTILE, **{f"more {n}": n for n in range(1000)}, "columns": HOSTILE, "members": [HOSTILE] * 3, "nbytes": -1})
    text = repr(told)
    assert len(text) < 100_000
    assert dict(told.facts)["not shown"].endswith("more")
    shown = "".join([*(name + fact for name, fact in told.facts), *("".join(row) for table in told.tables for row in table.rows)])
    assert not {"\x1b", "\u202e", "\n"} & set(shown)
    assert max(len(fact) for _, fact in told.facts) <= 1000


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [None], {"a": None}, [[]], {"a": {}}, True, 1.5], ids=repr)
@pytest.mark.parametrize(
    "name", ["type", "shape", "dtype", "columns", "members", "chunks", "nbytes", "ranges", "statistics", "size", "length"]
)
def test_any_plain_value_in_any_place_is_told(name: str, value: Any) -> None:
    described({name: value})
    few_words({name: value})
    assert what_text({name: value}, "to_json")
