"""Lineage from records: what is found, across databases and versions, and what is said where nothing is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.errors import CorruptVersionError, KeyNotFoundError, OptionError
from tests.unit.tracing.conftest import rewrite


def relations(found: Any) -> set[tuple[str, str, str]]:
    """Return the edges by the labels of their nodes, activities by the label of what they made."""
    made = {edge.object: found.nodes[edge.subject].label for edge in found.edges if edge.relation == "wasGeneratedBy"}
    label = {name: f"maker of {made[name]}" if name in made else node.label for name, node in found.nodes.items()}
    return {(label[edge.subject], edge.relation, label[edge.object]) for edge in found.edges}


def labels(found: Any, kind: str = "value") -> set[str]:
    return {node.label for node in found.graph.of_kind(kind)}


def test_upstream_leads_to_values_files_code_and_environment(db, made, tmp_path: Path):
    raw = tmp_path / "raw.csv"
    raw.write_text("1,2")
    traces = made("traces", [1], raw)
    made("rates", 2, traces)
    found = isfdb.lineage(db, "rates")
    assert {
        ("rates v1", "wasGeneratedBy", "maker of rates v1"),
        ("maker of rates v1", "used", "traces v1"),
        ("traces v1", "wasGeneratedBy", "maker of traces v1"),
        ("maker of traces v1", "used", "raw.csv"),
    } <= relations(found)
    assert len(labels(found, "environment")) == 1
    assert ("wasAssociatedWith") in {edge.relation for edge in found.edges}
    assert found.files[0] == str(raw) or str(raw) in found.files
    assert found.stale == ()


def test_a_script_that_reads_what_it_stored_is_no_circle(db, made):
    one = made("one", 1)
    made("two", 2, one)
    found = isfdb.lineage(db, "two")
    assert len(found.graph.of_kind("activity")) == 2


def test_depth_counts_stored_values(db, made):
    link = made("k0", 0)
    for number in range(1, 5):
        link = made(f"k{number}", number, link)
    assert labels(isfdb.lineage(db, "k4", depth=1)) == {"k4 v1", "k3 v1"}
    assert labels(isfdb.lineage(db, "k4", depth=2)) == {"k4 v1", "k3 v1", "k2 v1"}
    assert len(labels(isfdb.lineage(db, "k4"))) == 5
    assert labels(isfdb.lineage(db, "k0", direction="downstream", depth=1)) == {"k0 v1", "k1 v1"}


def test_downstream_finds_keys_in_other_registered_databases(db, made, tmp_path: Path):
    other = isfdb.open(tmp_path / "other")
    raw = made("raw", 1)
    made("near", 2, raw)
    far = made("cells/far", 3, raw, into=other)
    made("farther", 4, far)
    found = isfdb.lineage(db, "raw", direction="downstream")
    assert labels(found) == {"raw v1", "near v1", "cells/far v1", "farther v1"}
    assert ("maker of cells/far v1", "used", "raw v1") in relations(found)


def test_downstream_includes_what_was_made_from_earlier_versions(db, made):
    first = made("raw", 1)
    made("old", 2, first)
    second = made("raw", 3)
    made("new", 4, second)
    assert labels(isfdb.lineage(db, "raw", direction="downstream")) == {"raw v1", "raw v2", "old v1", "new v1"}
    assert labels(isfdb.lineage(db, "raw", direction="downstream", version=1)) == {"raw v1", "old v1"}


def test_both_directions_meet_in_one_graph(db, made):
    before = made("before", 1)
    middle = made("middle", 2, before)
    made("after", 3, middle)
    found = isfdb.lineage(db, "middle", direction="both")
    assert labels(found) == {"before v1", "middle v1", "after v1"}
    assert "made from" in str(found)
    assert "made into" in str(found)


def test_a_link_by_the_id_of_a_sub_database_and_one_by_the_outer_id_are_one_value(db, made):
    db["cells/L5PT"] = 1
    inner, outer = f"isfdb://{db['cells'].id}/L5PT@1", f"isfdb://{db.id}/cells/L5PT@1"
    made("rates", 2, inner, outer)
    assert labels(isfdb.lineage(db, "rates")) == {"rates v1", "cells/L5PT v1"}
    assert labels(isfdb.lineage(db["cells"], "L5PT", direction="downstream")) == {"cells/L5PT v1", "rates v1"}


def test_a_database_that_is_not_known_is_a_node_that_says_so(db, made):
    made("rates", 1, f"isfdb://{'0' * 32}/traces@3")
    found = isfdb.lineage(db, "rates")
    lost = next(node for node in found.graph.of_kind("value") if node.label == "traces v3")
    assert "not reachable" in lost.unknown
    assert "not reachable" in str(found)


def test_a_moved_database_is_found_again_once_it_was_opened_there(db, made, tmp_path: Path):
    other = isfdb.open(tmp_path / "other")
    link = made("raw", 1, into=other)
    made("rates", 2, link)
    (tmp_path / "other").rename(tmp_path / "elsewhere")
    gone = next(node for node in isfdb.lineage(db, "rates").graph.of_kind("value") if node.id == link)
    assert "not reachable" in gone.unknown
    isfdb.open(tmp_path / "elsewhere")
    found = next(node for node in isfdb.lineage(db, "rates").graph.of_kind("value") if node.id == link)
    assert not found.unknown


def test_a_renamed_key_is_followed(db, made):
    link = made("draft", 1)
    made("rates", 2, link)
    db.rename("draft", "final")
    found = isfdb.lineage(db, "rates")
    assert labels(found) == {"rates v1", "final v1"}
    assert found.stale == ()
    assert labels(isfdb.lineage(db, "final", direction="downstream")) == {"rates v1", "final v1"}


def test_a_key_renamed_within_a_sub_database_is_followed(db, made):
    db["cells/draft"] = 1
    made("rates", 2, db.entry("cells/draft").link)
    db["cells"].rename("draft", "final")
    assert labels(isfdb.lineage(db, "rates")) == {"rates v1", "cells/final v1"}


def test_a_deleted_input_stays_in_the_graph(db, made):
    link = made("raw", 1, "isfdb://" + "0" * 32 + "/source@1")
    made("rates", 2, link)
    del db["raw"]
    found = isfdb.lineage(db, "rates")
    assert labels(found) == {"rates v1", "raw v1", "source v1"}
    assert found.stale == ("raw v1 was deleted since",)


def test_a_reclaimed_input_still_tells_what_it_was_made_from(db, made):
    numpy = pytest.importorskip("numpy")
    source = made("source", 0)
    link = made("raw", numpy.arange(1000.0), source)
    made("rates", 2, link)
    db["raw"] = [2]
    db.collect(grace_s=0)
    found = isfdb.lineage(db, "rates")
    assert labels(found) == {"rates v1", "raw v1", "source v1"}
    assert next(node for node in found.graph.of_kind("value") if node.id == link).facts["reclaimed"] is True


def test_a_version_that_is_gone_is_named(db, made):
    link = made("raw", 1)
    made("rates", 2, link.replace("@1", "@7"))
    found = isfdb.lineage(db, "rates")
    assert "no such version" in next(node for node in found.graph.of_kind("value") if node.label == "raw v7").unknown


def test_another_value_under_an_old_number_is_not_taken_for_the_input(db, made):
    link = made("raw", 1)
    made("rates", 2)
    rewrite(db, "rates", used=[{"value": link, "digest": "0" * 64, "cell": 1}])
    found = isfdb.lineage(db, "rates")
    assert "another value" in next(node for node in found.graph.of_kind("value") if node.id == link).unknown


def test_a_value_that_grew_comes_from_its_earlier_blocks_as_well(db, made, tmp_path: Path):
    numpy = pytest.importorskip("numpy")
    raw = tmp_path / "raw.csv"
    raw.write_text("1")
    made("trace", numpy.arange(3.0), raw)
    db.append("trace", numpy.arange(2.0))
    found = isfdb.lineage(db, "trace")
    assert ("trace v2", "wasRevisionOf", "trace v1") in relations(found)
    assert "raw.csv" in labels(found, "file")


def test_a_copy_names_its_original(db, made):
    made("rates", 1)
    db.copy("rates", "backup")
    assert ("backup v1", "wasDerivedFrom", "rates v1") in relations(isfdb.lineage(db, "backup"))


def test_a_sub_database_moved_out_by_hand_says_what_is_missing(db, made, tmp_path: Path):
    link = made("raw", 1)
    db["cells/rates"] = 2
    rewrite(db, "cells/rates", used=[{"value": link, "digest": None, "cell": 1}])
    (tmp_path / "results" / "cells").rename(tmp_path / "cells")
    moved = isfdb.open(tmp_path / "cells")
    found = isfdb.lineage(moved, "rates")
    assert link in found.values
    assert "not in this database" in next(node for node in found.graph.of_kind("activity") if node.unknown).unknown


FORGED = [
    "isfdb://../../etc/passwd@1",
    f"isfdb://{'a' * 32}/../../x@1",
    "isfdb://HERE/../../x@1",
    "isfdb://HERE/%2e%2e/x@1",
    "isfdb://HERE/<script>alert(1)</script>@1",
    "isfdb://HERE/raw@99999999999999999999999",
    "isfdb://HERE/@1",
    "isfdb://HERE/raw",
    "isfdb://HERE/raw@abcdef",
    "file:///etc/passwd",
    "",
    "\x1b[2J\u202e" * 50,
    "isfdb://HERE/" + "x/" * 3000 + "y@1",
    "isfdb://HERE/\ud800@1",
]


@pytest.mark.parametrize("link", FORGED, ids=range(len(FORGED)))
def test_a_forged_link_is_a_node_and_no_error(db, made, link: str):
    made("rates", 1)
    rewrite(db, "rates", used=[{"value": link.replace("HERE", db.id).encode("utf-8", "replace").decode(), "digest": None, "cell": 1}])
    for direction in ("upstream", "downstream", "both"):
        found = isfdb.lineage(db, "rates", direction=direction)
        assert "<script" not in found.to_html() + found.to_svg()
        assert all(text.isprintable() or text == "\n" for text in str(found))
        assert json.dumps(found.to_json())


CROOKED: list[dict[str, Any]] = [
    {"used": [None, 1, [], {"value": 7}, {"file": "/x", "size": "many", "mtime": "never"}]},
    {"used": [{"file": "/a\x00b", "size": 1, "mtime": 1.0}, {"file": "relative", "size": 1}, {"file": "s3://bucket/x", "size": 1}]},
    {"used": {"stored": "../../x", "n": 1}},
    {"used": {"stored": "0" * 64, "n": 1}},
    {"activity": {"session": "../../x", "line": 1}, "code": {"snapshot": "../x", "commit": 5}, "environment": "../../x"},
    {"activity": {"session": "x", "line": "y"}, "describe": {"type": [1]}, "unknown": {"all": 3}},
    {"earlier": {"v000001/a": 1, "../x": 2, "v000009/b": 3}, "copied_from": {"database": 1, "key": 2}, "snapshot_of": -1},
    {"copied_from": {"database": "nowhere", "key": "x", "version": 10**40}},
]


@pytest.mark.parametrize("members", CROOKED, ids=range(len(CROOKED)))
def test_a_crooked_record_is_no_error(db, made, members: dict[str, Any]):
    made("rates", 1)
    db["rates"] = 2
    rewrite(db, "rates", **members)
    for direction in ("upstream", "both"):
        found = isfdb.lineage(db, "rates", direction=direction, git=True)
        assert found.to_html()
        assert str(found)


@pytest.mark.parametrize("members", [{"used": 5}, {"activity": 3}, {"code": "x"}, {"by": 1}, {"describe": [1]}, {"dumper": 7}])
def test_a_record_whose_members_are_of_other_kinds_is_refused_and_harms_no_other_key(db, made, members: dict[str, Any]):
    made("rates", 1)
    made("sum", 2)
    db["rates"] = 2
    rewrite(db, "rates", **members)
    with pytest.raises(CorruptVersionError, match="which isfdb never writes there"):
        isfdb.lineage(db, "rates")
    for direction in ("upstream", "both"):
        assert str(isfdb.lineage(db, "sum", direction=direction))


def test_a_circle_of_forged_records_ends(db, made):
    made("a", 1)
    made("b", 2)
    links = {key: db.entry(key).link for key in "ab"}
    for key, other in ("ab", "ba"):
        rewrite(db, key, used=[{"value": links[other], "digest": None, "cell": 1}, {"value": links[key], "digest": None, "cell": 1}])
    for direction in ("upstream", "downstream", "both"):
        found = isfdb.lineage(db, "a", direction=direction)
        assert labels(found) == {"a v1", "b v1"}
        assert found.to_svg()
        assert str(found)


def test_a_long_chain_needs_no_recursion(db, made):
    with db.batch():
        for number in range(1500):
            db[f"k{number}"] = number
    for number in range(1, 1500):
        rewrite(db, f"k{number}", used=[{"value": f"isfdb://{db.id}/k{number - 1}@1", "digest": None, "cell": 1}])
    db["k0"] = "changed"
    found = isfdb.lineage(db, "k1499")
    assert len(found.values) == 1499
    assert len(found.stale[0]) > 1000
    assert len(str(found)) < 100_000
    assert found.to_html()


def test_what_can_be_asked_is_checked(db, made):
    made("rates", 1)
    with pytest.raises(OptionError, match="direction='sideways' is none of"):
        isfdb.lineage(db, "rates", direction="sideways")
    with pytest.raises(OptionError, match="depth=0 is no number from 1"):
        isfdb.lineage(db, "rates", depth=0)
    with pytest.raises(KeyNotFoundError, match="there is no key 'missing'"):
        isfdb.lineage(db, "missing")


def test_values_stored_without_capture_say_so(db):
    with isfdb.set_options(capture=False):
        db["rates"] = 1
    found = isfdb.lineage(db, "rates")
    assert "switched off" in found.start.unknown
    assert len(found) == 1


def test_a_database_that_isf_wrote_is_looked_into(tmp_path: Path):
    shutil.copytree(Path(__file__).parents[2] / "compatibility" / "data" / "isf" / "written_by_isf", tmp_path / "isf")
    found = isfdb.lineage(isfdb.open(tmp_path / "isf"), "A/leaf", direction="both")
    assert not [note for note in found.notes if str(tmp_path) in note]
    assert "not known: " in str(found)


def test_nothing_is_written_into_a_database(db, made, tmp_path: Path):
    made("rates", 1, made("raw", 0))
    before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "results").rglob("*"))
    isfdb.lineage(db, "rates", direction="both", git=True)
    assert sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "results").rglob("*")) == before
