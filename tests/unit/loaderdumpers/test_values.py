"""What python_to_json does beyond the contract: text that people read, parts, damage, hostile files, and who is asked first."""

from __future__ import annotations

import os
import sys
import types
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from isfdb import plugins
from isfdb.errors import LoadError
from isfdb.testing import assert_identical
from loaderdumpers import python_to_json, to_json
from tests.contracts.kept import _user_classes as own


def text_of(value: Any, folder: Path) -> Any:
    return python_to_json.dump(value, str(folder))["value"]


def read(node: Any, **options: Any) -> Any:
    return python_to_json.Loader(value=node).get("", **options)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2020, 1, 1, tzinfo=UTC), {"$datetime": "2020-01-01T00:00:00+00:00"}),
        (datetime(2020, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")), {"$datetime": "2020-07-01T00:00:00+02:00", "zone": "Europe/Berlin"}),
        (Decimal("-0.10"), {"$decimal": "-0.10"}),
        (Fraction(1, 3), {"$fraction": [1, 3]}),
        ((1, 2.5), {"$tuple": [1, 2.5]}),
        ({3, 1, 2}, {"$set": [1, 2, 3]}),
        ({1: "a"}, {"$dict": [[1, "a"]]}),
        (PurePosixPath("a/b"), {"$path": "a/b", "type": "PurePosixPath"}),
        (b"\x00\xff", {"$bytes": "00ff"}),
        (2j, {"$complex": [0.0, 2.0]}),
    ],
)
def test_the_text_can_be_understood_without_isfdb(value: Any, text: Any, tmp_path: Path) -> None:
    assert text_of(value, tmp_path) == text
    assert not os.listdir(tmp_path)


def test_a_large_value_becomes_a_file_with_a_line_for_each_member(tmp_path: Path) -> None:
    assert python_to_json.dump({"days": [date(2020, 1, 1)] * 100, "z": (), "a": 1}, str(tmp_path)) == {}
    lines = (tmp_path / "data.json").read_text().splitlines()
    assert lines[1].startswith('"days": [{"$date": "2020-01-01"}')
    assert lines[2:] == ['"z": {"$tuple": []},', '"a": 1', "}"]


def test_the_order_of_names_is_kept_though_loader_json_is_sorted(db: Any) -> None:
    db["value"] = {"b": (), "a": {"d": 1, "c": 2}}
    assert_identical(db["value"], {"b": (), "a": {"d": 1, "c": 2}})


def test_one_part_can_be_read(db: Any) -> None:
    db["value"] = {"b": ({"x": [10, 20]},), 1: types.SimpleNamespace(note=(1,)), 2.0: "two", (1, 2): "pair"}
    assert db.get("value", part="b") == ({"x": [10, 20]},)
    assert db.get("value", part=["b", 0, "x", -1]) == 20
    assert db.get("value", part=[1, "note"]) == (1,)
    assert db.get("value", part=[(1, 2)]) == "pair"
    for wrong in ("c", ["b", 1], 2, ["b", 0, "x", 0, "y"]):
        with pytest.raises(LoadError, match="there is no part"):
            db.get("value", part=wrong)


@pytest.mark.parametrize("size", [3, 3000])
def test_one_part_of_plain_json_can_be_read_as_well(size: int, db: Any) -> None:
    db["value"] = {"b": [1.5, float("inf")] * size, "a": {"$x": ["é"]}}
    assert db.entry("value").dumper == "to_json"
    assert db.get("value", part=["b", 1]) == float("inf")
    assert db.get("value", ("b", slice(0, 2))) == [1.5, float("inf")]
    assert db.get("value", part=["a", "$x", 0]) == "é"


def test_keys_that_would_become_one_are_no_silent_loss(db: Any) -> None:
    db["value"] = {own.Colour.RED: "a", 1: "b"}
    assert db["value"] == {own.Colour.RED: "a", 1: "b"}
    with pytest.raises(LoadError, match="plain=True makes two of them equal"):
        db.get("value", plain=True)


def test_it_is_asked_after_those_who_know_better() -> None:
    order = [name for _, name, _ in plugins.in_order()]
    assert order.index("to_json") < order.index("numpy_to_npy") < order.index("python_to_json") < order.index("to_cloudpickle")
    assert python_to_json.priority > plugins.DEFAULT_PRIORITY  # a plug-in for Fraction needs no priority of its own


def test_a_path_of_another_system_is_read_as_a_pure_path_when_asked(tmp_path: Path) -> None:
    foreign = "WindowsPath" if os.name == "posix" else "PosixPath"
    pure = PureWindowsPath("a/b") if os.name == "posix" else PurePosixPath("a/b")
    with pytest.raises(ValueError, match=r"(?s)only be made on its own system.*plain=True"):
        read([{"$path": "a/b", "type": foreign}])
    assert_identical(read([{"$path": "a/b", "type": foreign}], plain=True), [pure])


def test_an_unknown_time_zone_is_named_with_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"knows no time zone 'Mars/Olympus'.*tzdata"):
        read({"$datetime": "2020-01-01T00:00:00", "zone": "Mars/Olympus"})


@pytest.mark.parametrize(
    "node",
    [
        {"$quaternion": [1]}, {"$part": "rates"}, {"$tuple": 1}, {"$tuple": {"a": 1}}, {"$dict": [[1]]}, {"$dict": [[[], 1]]},
        {"$set": [[1]]},
        {"$set": [1, 1]}, {"$datetime": "tomorrow"}, {"$datetime": 1}, {"$datetime": "2020-01-01", "zone": "../../etc/passwd"},
        {"$timedelta": [1e99, 0, 0]}, {"$fraction": [1, 0]}, {"$fraction": ["1", "2"]}, {"$decimal": "one"}, {"$int": 5}, {"$int": "zz"},
        {"$float": "1.5"}, {"$float": "nan", "bits": "3ff0000000000000"}, {"$float": "nan", "bits": "00"}, {"$complex": ["1", 2]},
        {"$path": "a", "type": "Path.home"}, {"$path": 1, "type": "PurePosixPath"}, {"$ip": "x", "type": "IPv4Address"},
        {"$ip": "1.2.3.4", "type": "ip_address"}, {"$range": [0, 1, 0]}, {"$range": [0.5]}, {"$type": "eval"}, {"$constant": "exit"},
        {"$bytes": "0"}, {"$bytes": 1}, {"$uuid": "1"}, {"$text": "\\"}, {"$text": "\\N{x}"}, {"$numpy": "x", "dtype": "O",
         "bytes": "00" * 8},
        {"$numpy.float64": "1"}, {"$numpy.int8": 1000}, {"$slice": [1, 2, 3, 4]}, {"$defaultdict": {}, "factory": "eval"},
        {"$defaultdict": {}}, {"$deque": [], "maxlen": -1}, {"$dataclass": "os:environ", "fields": {}}, {"$enum": "os", "name": "x"},
        {"$namespace": [[1, 2, 3]]}, {"$pandas": {"eval": 1}}, {"$timezone": [9, 0, 0]}, {"$zoneinfo": "/etc/passwd"},
    ],
)  # fmt: skip
def test_what_isfdb_never_writes_is_an_error_and_nothing_else(node: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read([node])


def test_reading_imports_no_module_that_data_name() -> None:
    assert "antigravity" not in sys.modules
    with pytest.raises(ValueError, match="which is not there"):
        read({"$dataclass": "antigravity:X", "fields": {}})
    assert "antigravity" not in sys.modules


def test_an_explicit_dumper_names_what_it_cannot_keep(db: Any) -> None:
    with pytest.raises(Exception, match=r"at \['a'\]\[1\]\['b'\] is a builtins\.builtin_function_or_method"):
        db.set("value", {"a": [1, {"b": print}]}, dumper="python_to_json")
    with pytest.raises(Exception, match=r"at \['a'\]: it contains itself"):
        ring: dict[str, Any] = {}
        ring["a"] = ring
        db.set("value", ring, dumper="python_to_json")
    assert "value" not in db


def test_to_json_leaves_odd_nans_alone() -> None:
    import struct

    (odd,) = struct.unpack(">d", bytes.fromhex("7ff8000000000001"))
    assert not to_json.check([1.0, odd])
    assert to_json.check([1.0, float("nan")])
