"""PROV-JSON: read by the package `prov`, and saying what the database knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import isfdb
from isfdb.errors import KeyNotFoundError

if TYPE_CHECKING:
    from isfdb.database import Database

RELATIONS = {
    "used": {"prov:activity": "activity", "prov:entity": "entity"},
    "wasGeneratedBy": {"prov:entity": "entity", "prov:activity": "activity"},
    "wasInvalidatedBy": {"prov:entity": "entity", "prov:activity": "activity"},
    "wasAssociatedWith": {"prov:activity": "activity", "prov:agent": "agent", "prov:plan": "entity"},
    "wasAttributedTo": {"prov:entity": "entity", "prov:agent": "agent"},
    "wasDerivedFrom": {"prov:generatedEntity": "entity", "prov:usedEntity": "entity"},
    "wasInformedBy": {"prov:informed": "activity", "prov:informant": "activity"},
    "actedOnBehalfOf": {"prov:delegate": "agent", "prov:responsible": "agent"},
    "specializationOf": {"prov:specificEntity": "entity", "prov:generalEntity": "entity"},
    "hadMember": {"prov:collection": "entity", "prov:entity": "entity"},
}


def exported(db: Database, tmp_path: Path, **options: Any) -> dict[str, Any]:
    target = tmp_path / "prov.json"
    isfdb.export(db, target, overwrite=True, **options)
    return json.loads(target.read_text(encoding="utf-8"))


def told(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return list(document.get(kind, {}).values())


@pytest.mark.parametrize("options", [{}, {"versions": "all"}, {"data": False}, {"key": "mean"}, {"key": "cells"}], ids=str)
def test_the_package_prov_reads_it_and_gives_it_back(results: Database, tmp_path: Path, options: dict[str, Any]):
    from prov.model import ProvDocument

    text = json.dumps(exported(results, tmp_path, **options))
    document = ProvDocument.deserialize(content=text, format="json")
    again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    assert document == again
    assert len(document.get_records()) > 5
    assert document.get_provn()


@pytest.mark.parametrize("options", [{}, {"versions": "all"}], ids=str)
def test_every_relation_is_of_things_that_are_told_of(results: Database, tmp_path: Path, options: dict[str, Any]):
    document = exported(results, tmp_path, **options)
    assert set(document) <= {"prefix", "entity", "activity", "agent", *RELATIONS}
    for kind, roles in RELATIONS.items():
        for record in told(document, kind):
            for role, what in roles.items():
                assert role not in record or record[role] in document[what], f"{kind} {role}: {record[role]}"


def test_every_name_has_a_known_prefix(results: Database, tmp_path: Path):
    document = exported(results, tmp_path, versions="all")
    for kind in ("entity", "activity", "agent"):
        for name, record in document[kind].items():
            assert name.partition(":")[0] in document["prefix"]
            assert all(fact.partition(":")[0] in {*document["prefix"], "prov"} for fact in record)


def test_a_name_is_the_permanent_link(results: Database, tmp_path: Path):
    document = exported(results, tmp_path)
    links = [name.replace("db:", document["prefix"]["db"], 1) for name in document["entity"] if name.startswith("db:")]
    assert results.entry("cells/Größe: 50%").link in links
    assert isfdb.load(results.entry("mean").link) == 1.5


def test_a_value_says_what_it_was_made_from(results: Database, tmp_path: Path):
    document = exported(results, tmp_path)
    (activity,) = [name for name, record in document["activity"].items() if record["isfdb:kind"] == "test"]
    used = {record["prov:entity"] for record in told(document, "used") if record["prov:activity"] == activity}
    assert "db:table@1" in used
    files = [document["entity"][name] for name in used if name.startswith("file:")]
    assert {record["prov:label"] for record in files} == {"raw data.csv", "changed.csv", "large.bin"}
    assert [record["isfdb:unknown"] for record in files if "isfdb:unknown" in record] == ["too large"]
    derived = {record["prov:usedEntity"] for record in told(document, "wasDerivedFrom") if record["prov:generatedEntity"] == "db:mean@2"}
    assert len(derived) == 5
    elsewhere = next(name for name in derived if name.startswith("db2:"))
    assert document["prefix"]["db2"] + elsewhere.partition(":")[2] == f"isfdb://{'0' * 32}/elsewhere@3"


def test_code_user_software_and_risks_are_told(results: Database, tmp_path: Path):
    document = exported(results, tmp_path)
    value = document["entity"]["db:mean@2"]
    assert value["isfdb:risk"] == ["unseeded random numbers: np.random.rand(3)"]
    assert value["isfdb:label"] == ["out of order: cell [2] before cell [1]"]
    plan = document["entity"]["db:mean@2#code.py"]
    assert 'table["rate"].mean()' in plan["prov:value"]
    assert {record.get("prov:plan") for record in told(document, "wasAssociatedWith")} >= {"db:mean@2#code.py"}
    kinds = {record["prov:type"]["$"] for record in told(document, "agent")}
    assert kinds == {"prov:Person", "prov:SoftwareAgent"}
    (environment,) = [record for name, record in document["entity"].items() if name.startswith("environment:")]
    assert any(package.startswith("numpy ") for package in environment["isfdb:package"])


def test_a_deletion_invalidates_and_an_append_derives(results: Database, tmp_path: Path):
    document = exported(results, tmp_path, versions="all")
    assert [record["prov:entity"] for record in told(document, "wasInvalidatedBy")] == ["db:gone@1"]
    appended = [record for record in told(document, "wasDerivedFrom") if record.get("prov:type", {}).get("$") == "isfdb:Append"]
    assert [(record["prov:generatedEntity"], record["prov:usedEntity"]) for record in appended] == [("db:trace@2", "db:trace@1")]


def test_files_are_told_with_the_data_only(results: Database, tmp_path: Path):
    whole, without = (exported(results, tmp_path, data=data) for data in (True, False))
    assert whole["entity"]["db:table@1#data.parquet"]["isfdb:digest"] == results.entry("table").newest.record["files"]["data.parquet"][1]
    assert "hadMember" not in without


def test_a_sub_database_is_told_in_its_own_names(results: Database, tmp_path: Path):
    document = exported(results, tmp_path, key="cells")
    assert document["prefix"]["db"] == f"isfdb://{results['cells'].id}/"
    assert "db:Gr%C3%B6%C3%9Fe%3A%2050%25@1" in document["entity"]


def test_links_by_the_id_above_and_below_are_one(results: Database, tmp_path: Path, amend: Callable[..., None]):
    link = f"isfdb://{results['cells'].id}/x@1"
    results["cells/x"] = 1
    results["cells/y"] = 2
    amend(results, "cells/y", used=[{"value": results.entry("cells/x").link, "digest": None, "cell": None}])
    amend(results, "mean", used=[{"value": link, "digest": None, "cell": None}])
    above, below = exported(results, tmp_path), exported(results, tmp_path, key="cells")
    assert {"prov:generatedEntity": "db:mean@2", "prov:usedEntity": "db:cells/x@1"} in told(above, "wasDerivedFrom")
    assert {"prov:generatedEntity": "db:y@1", "prov:usedEntity": "db:x@1"} in told(below, "wasDerivedFrom")


def test_a_key_that_is_not_there_is_an_error(results: Database, tmp_path: Path):
    with pytest.raises(KeyNotFoundError, match="no key 'rates'"):
        isfdb.export(results, tmp_path / "p.json", key="rates")
    with pytest.raises(KeyNotFoundError, match="no key 'gone'"):
        isfdb.export(results, tmp_path / "p.json", key="gone")
    assert isfdb.export(results, tmp_path / "p.json", key="gone", versions="all").n_versions == 2


def test_a_version_that_cannot_be_read_is_left_out_and_named(results: Database, tmp_path: Path):
    (results.entry("table").path / "metadata.json").write_text("{")
    found = isfdb.export(results, tmp_path / "p.json")
    assert not found.is_complete
    assert "table v1 cannot be read" in found.left_out[0]
    assert found.n_keys == 4


def test_a_record_without_what_later_releases_note_is_enough(db: Database, tmp_path: Path):
    db["old"] = 1
    path = db.entry("old").path / "metadata.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({name: record[name] for name in ("format", "key", "created", "dumper", "files", "digest", "describe")}))
    document = exported(db, tmp_path)
    assert "activity" not in document
    assert document["entity"]["db:old@1"]["isfdb:type"] == "int"
