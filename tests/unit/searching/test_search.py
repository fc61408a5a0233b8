"""What a search finds in a database, why, and what it says of what it could not read."""

from __future__ import annotations

import datetime
import json
import platform
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.errors import QueryError
from tests.unit.searching.conftest import retell


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", {"spikes", "cells/L5/rates", "cells/L4", "plain"}),
        ("spikes", {"spikes"}),
        ("SPIKES", {"spikes"}),
        ("*rates", {"cells/L5/rates"}),
        ("rat?s", {"cells/L5/rates"}),
        ("cells/*", {"cells/L5/rates", "cells/L4"}),
        ("key:L5", {"cells/L5/rates"}),
        ("key=plain", {"plain"}),
        ("key:plain,spikes", {"plain", "spikes"}),
        ("user:ann", {"spikes"}),
        ("user:*ann", {"spikes", "cells/L5/rates"}),
        ("user:ann,eve", {"spikes", "cells/L4"}),
        ("by:eve", {"cells/L4"}),
        ("host:gpu01", {"spikes"}),
        ("host:gpu*", {"spikes", "cells/L4"}),
        ("machine:laptop", {"cells/L5/rates"}),
        ("commit:a1b2c3", {"spikes"}),
        ("a1b2c3d4", {"spikes"}),
        ("branch:main", {"spikes", "cells/L5/rates"}),
        ("dirty:yes", {"spikes"}),
        ("is:dirty", {"spikes"}),
        ("dirty:no branch:main", {"cells/L5/rates"}),
        ("numpy<2", {"spikes"}),
        ("numpy=2.4", {"cells/L5/rates"}),
        ("numpy>=1.26,<2", {"spikes"}),
        ("package:scikit-learn", {"spikes"}),
        ("package:numpy>2", {"cells/L5/rates"}),
        ("scikit_learn = 1.4", {"spikes"}),
        ("python=3.12 user:ann", {"spikes"}),
        ("dumper:json user:ann", {"spikes"}),
        ("type:list", {"spikes"}),
        ("shape:3x4", {"cells/L4"}),
        ('shape:"(3, 4)"', {"cells/L4"}),
        ("shape:*,4", {"cells/L4"}),
        ("size>110", {"cells/L4"}),
        ("size > 110", {"cells/L4"}),
        ("unit=Hz", {"spikes"}),
        ("unit=hz", {"spikes"}),
        ("depth>100", {"spikes"}),
        ("depth>200", set()),
        ("checked=yes", {"spikes"}),
        ("tags=good", {"spikes"}),
        ("attribute:unit", {"spikes"}),
        ("attribute:unit=Hz", {"spikes"}),
        ("input:trials.csv", {"spikes"}),
        ("input:*.nwb", {"cells/L5/rates"}),
        ("a.nwb", {"cells/L5/rates"}),
        ("input:plain@1", {"spikes"}),
        ("risk:unseeded", {"spikes"}),
        ('label:"out of order"', {"spikes"}),
        ("text:Butter(", {"spikes"}),
        ("text:butter(", {"spikes"}),
        ("text:BUTTER(", set()),
        ("since:2026-11-04 before:2026-11-06", {"cells/L5/rates"}),
        ("time:2026-11-03", {"spikes"}),
        ("time:2025", {"cells/L4"}),
        ("time:2026-11 user:*ann", {"spikes", "cells/L5/rates"}),
        ("time<2026", {"cells/L4"}),
        ("since:2 days plain", {"plain"}),
        ('since:"2 days" plain', {"plain"}),
        ("since:last week plain", {"plain"}),
        ("version>1", set()),
        ("user:ann numpy<2 *spikes*", {"spikes"}),
        ("not user:ann branch:main", {"cells/L5/rates"}),
        ("-user:ann branch:main", {"cells/L5/rates"}),
        ("branch:main user!=ann", {"cells/L5/rates"}),
        ("-cells -spikes", {"plain"}),
    ],
)
def test_what_a_query_finds(lab: Any, query: str, keys: set[str]) -> None:
    assert set(isfdb.find(lab, query).keys) == keys


@pytest.mark.parametrize(
    ("keywords", "keys"),
    [
        (
            {"user": "ann", "since": "2026-11-01", "package": "numpy<2", "text": "butter(", "dirty": True, "attribute": "unit=Hz"},
            {"spikes"},
        ),
        ({"user": ["ann", "eve"]}, {"spikes", "cells/L4"}),
        ({"since": datetime.date(2026, 11, 4), "before": datetime.datetime(2026, 11, 6)}, {"cells/L5/rates"}),
        ({"since": datetime.timedelta(hours=1)}, {"plain"}),
        ({"shape": (3, None)}, {"cells/L4"}),
        ({"size": ">110"}, {"cells/L4"}),
        ({"attribute": {"unit": "Hz", "depth": 120.5}}, {"spikes"}),
        ({"package": "numpy>=1.26,<2"}, {"spikes"}),
        ({"input": Path("/data/trials.csv")}, {"spikes"}),
        ({"dirty": False}, {"cells/L5/rates"}),
        ({"key": "L4"}, {"cells/L4"}),
    ],
)
def test_keyword_arguments_say_the_same(lab: Any, keywords: dict[str, Any], keys: set[str]) -> None:
    assert set(isfdb.find(lab, **keywords).keys) == keys


def test_each_hit_says_why_it_matched(lab: Any) -> None:
    (hit,) = isfdb.find(lab, "spikes user:ann numpy<2 unit=Hz input:trials risk:unseeded text:butter size<1MB since:2026-11-01")
    assert hit.number == 1
    assert hit.link == f"isfdb://{lab.id}/spikes@1"
    assert hit.why == (
        "key",
        "user: ann",
        "numpy 1.26.4",
        "unit = Hz",
        "input: /data/trials.csv",
        "risk: unseeded random numbers: r()",
        "code: b, a = Butter(4)",
        "size: 75 B",
        "stored: 2026-11-03 10:00 UTC",
    )


def test_a_key_that_has_the_word_comes_before_what_mentions_it(lab: Any) -> None:
    lab["newest"] = 1
    retell(lab, "newest", code_py="spikes")
    assert isfdb.find(lab, "spikes").keys[:2] == ("spikes", "newest")


def test_a_sub_database_is_searched_alone(lab: Any) -> None:
    found = isfdb.find(lab["cells"])
    assert set(found.keys) == {"L4", "L5/rates"}
    assert {hit.link for hit in found} == {lab["cells"].entry(key).link for key in ("L4", "L5/rates")}


def test_the_newest_version_is_searched_and_deleted_keys_are_not(lab: Any) -> None:
    lab["plain"] = "now it is text"
    del lab["spikes"]
    assert isfdb.find(lab, "plain type:str").keys == ("plain",)
    assert isfdb.find(lab, "plain")[0].number == 2
    assert isfdb.find(lab, "type:int").keys == ()
    assert isfdb.find(lab, "user:ann").keys == ()


def test_a_snapshot_is_what_reading_its_key_gives(lab: Any) -> None:
    folder = lab.create_managed_folder("raw")
    Path(folder, "a.txt").write_text("a")
    lab.snapshot("raw")
    (hit,) = isfdb.find(lab, "key=raw")
    assert hit.number == lab.entry("raw").newest.number


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("usr:ann", "did you mean user:ann"),
        ("x:y", "a word with a colon goes in quotes"),
        ('"open', "not closed"),
        ("since:whenever", "is no time. Write one of 2026-11-01"),
        ("size>big", "is no size. Write bytes or a unit"),
        ("shape:axb", "is no shape. Write 344x8"),
        ("package:numpy<new", "is no version"),
        ("user>ann", "takes : ="),
        ("dirty:perhaps", "is yes or no"),
        ("ann or bob", "with a comma, user:ann,bob"),
        ("user:", "lacks a value"),
        ('""', "an empty word"),
    ],
)
def test_errors_teach(lab: Any, query: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        isfdb.find(lab, query)


def test_a_name_nobody_knows_is_told_about(lab: Any) -> None:
    assert "no key has untt" in isfdb.find(lab, "untt=Hz").notes[0]


def test_a_database_is_needed(lab: Any) -> None:
    with pytest.raises(QueryError, match="takes a database, not 'spikes'"):
        isfdb.find("spikes")  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="or everywhere=True"):
        isfdb.find(query="spikes")


HOSTILE = [
    b"",
    b"no json",
    b"[]",
    b"{}",
    b'{"format": 99}',
    b'{"format": 1}',
    b'{"format": 1, "created": 5, "files": {}}',
    b'{"format": 1, "created": "2026-11-03T10:00:00+00:00", "files": []}',
    b'{"format": 1, "created": "2026-11-03T10:00:00+00:00", "files": {"a": ["x", "y"]}}',
    b'{"format": 1, "created": "2026-11-03T10:00:00+00:00", "files": {"../a": [1, "y"]}}',
    b'{"format": 1, "created": "2026-11-03T10:00:00+00:00", "files": {}, "by": "ann"}',
    b'{"format": 1, "created": "2026-11-03T10:00:00+00:00", "files": {}, "by": {"user": ["ann"]}}',
    b'{"format": 1, "created": "2026-11-03T10:00:00+00:00", "files": {}, "code": 3}',
    b'{"format": 1, "created": "2026-11-03T10:00:00+00:00", "files": {}, "environment": {}}',
    b'{"format": 1, "created": "2026-11-03T10:00:00+00:00", "files": {"a": [' + b"9" * 400 + b', "y"]}}',
    b'{"format": 1, "created": "9999-99-99", "files": {}}',
    b'{"format": 1, "created": "2026-11-03T10:00:00+00:00", "files": {}, "dumper": "\\ud800"}',
    b'{"format": 1, "format": 1}',
    b"[" * 100_000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_record_that_cannot_be_read_is_named_and_hides_nothing(lab: Any, text: bytes) -> None:
    (lab.entry("plain").path / "metadata.json").write_bytes(text)
    found = isfdb.find(lab, "")
    assert set(found.keys) == {"spikes", "cells/L5/rates", "cells/L4"}
    assert [one.key for one in found.unreadable] == ["plain"]
    assert "unreadable, so not known to match: plain:" in str(found)


def test_odd_members_that_decide_nothing_do_not_hide_a_key(lab: Any) -> None:
    odd = {"describe": {"shape": 3}, "risks": [7], "used": [3, {"file": 5}], "activity": {"line": "x", "session": "../../x"}}
    retell(lab, "plain", **odd)
    assert isfdb.find(lab, "key=plain").keys == ("plain",)
    assert "plain" in isfdb.find(lab, "not text:nothing").keys


def test_attributes_that_cannot_be_read_are_named(lab: Any) -> None:
    (lab.entry("spikes").path.parent / "attributes" / "000001.json").write_text("no json")
    found = isfdb.find(lab, "user:ann")
    assert found.keys == ("spikes",)
    assert "cannot read the attributes" in found.unreadable[0].because
    assert isfdb.find(lab, "unit=Hz").keys == ()


def test_missing_sessions_environments_and_sources_are_no_error(lab: Any) -> None:
    import shutil

    for name in ("sessions", "environments", "code"):
        shutil.rmtree(Path(lab.path, ".isfdb", name), ignore_errors=True)
    (lab.entry("spikes").path / "code.py").unlink()
    assert isfdb.find(lab, "numpy<2").keys == ()
    assert isfdb.find(lab, "text:butter").keys == ()


def test_everywhere_names_what_is_missing(lab: Any, tmp_path: Path) -> None:
    registry = tmp_path / "registry.sqlite"
    with isfdb.set_options(registry=str(registry)):
        isfdb.open(lab.path)
        other = isfdb.open(tmp_path / "other")
        other["spikes of others"] = 1
        isfdb.open(tmp_path / "gone")["spikes"] = 1
        (tmp_path / "gone").rename(tmp_path / "elsewhere")
        found = isfdb.find(query="*spikes*", everywhere=True)
    assert set(found.keys) == {"spikes", "spikes of others"}
    assert {Path(hit.database).name for hit in found} == {"lab", "other"}
    assert [Path(one.database).name for one in found.unsearched] == ["gone"]
    assert "it is missing" in str(found)


def test_the_result_shows_itself(lab: Any) -> None:
    lab["<b>&\x1b[31m"] = 1
    found = isfdb.find(lab, "")
    assert str(found).startswith("5 hits among 5 keys")
    assert "\x1b" not in str(found)
    page = found._repr_mimebundle_()["text/html"]
    assert "<b>&" not in page
    assert "&lt;b&gt;" in page
    assert json.dumps(found.to_json())
    assert list(found.to_frame()["key"]) == list(found.keys)
    assert isfdb.find(lab, "key:nothing").to_frame().empty


def test_what_was_made_from_a_changed_file_is_stale(lab: Any, tmp_path: Path) -> None:
    source = tmp_path / "trials.csv"
    source.write_text("changed")
    retell(lab, "cells/L4", used=[{"file": str(source), "size": 3, "mtime": 1.0, "digest": "0" * 64}], by={"host": platform.node()})
    found = isfdb.find(lab, "is:stale")
    assert found.keys == ("cells/L4",)
    assert "trials.csv" in found[0].why[-1]
    assert isfdb.find(lab["cells"], stale=True).keys == ("L4",)
    assert isfdb.find(lab, "not is:stale *L4").keys == ()
    assert "plain" in isfdb.find(lab, stale=False).keys


def test_a_database_that_isf_wrote_is_searched() -> None:
    with isfdb.set_options(register=False):
        db = isfdb.open(Path(__file__).parents[2] / "compatibility" / "data" / "isf" / "written_by_isf", "r")
    found = isfdb.find(db, "type:frame")
    assert found
    assert not found.unreadable
    assert set(found.keys) < set(isfdb.find(db).keys) == set(db.keys(recurse=True))
