"""RO-Crate: read by `rocrate`, and keeping the rules of RO-Crate 1.1 and of the profile Process Run Crate."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

import isfdb

if TYPE_CHECKING:
    from isfdb.database import Database

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?\+\d\d:\d\d")


@pytest.fixture(params=["newest", "all", "no data"])
def crate(request: pytest.FixtureRequest, results: Database, tmp_path: Path) -> Path:
    options = {"data": False} if request.param == "no data" else {"versions": request.param}
    isfdb.export(results, tmp_path / "crate", format="ro-crate", inputs=True, **options)
    return tmp_path / "crate"


def metadata(crate: Path) -> dict[str, Any]:
    return json.loads((crate / "ro-crate-metadata.json").read_text(encoding="utf-8"))


def entities(crate: Path) -> dict[str, dict[str, Any]]:
    graph = metadata(crate)["@graph"]
    found = {entity["@id"]: entity for entity in graph}
    assert len(found) == len(graph)
    return found


def all_of(member: Any) -> list[Any]:
    return member if isinstance(member, list) else [] if member is None else [member]


def is_a(entity: dict[str, Any], kind: str) -> bool:
    return kind in all_of(entity["@type"])


def test_the_package_rocrate_reads_it(crate: Path):
    from rocrate.rocrate import ROCrate

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ROCrate(crate)
    assert found.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    assert len(list(found.get_entities())) == len(entities(crate))
    assert found.get_by_type("CreateAction")


def test_the_package_rocrate_writes_the_same_again(crate: Path, tmp_path: Path):
    from rocrate.rocrate import ROCrate

    ROCrate(crate).write(tmp_path / "again")
    again = json.loads((tmp_path / "again" / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert {entity["@id"] for entity in again["@graph"]} == set(entities(crate))


def test_the_root_has_what_the_specification_demands(crate: Path):
    found = entities(crate)
    about, root = found["ro-crate-metadata.json"], found["./"]
    assert (about["@type"], about["about"], about["conformsTo"]) == (
        "CreativeWork",
        {"@id": "./"},
        {"@id": "https://w3id.org/ro/crate/1.1"},
    )
    assert root["@type"] == "Dataset"
    assert root["name"] == "results"
    assert root["description"]
    assert TIME.fullmatch(root["datePublished"])
    assert found[root["license"]["@id"]]["name"] == "No licence was stated"
    assert found["https://w3id.org/ro/wfrun/process/0.5"]["name"] == "Process Run Crate"


def test_every_reference_leads_somewhere(crate: Path):
    found = entities(crate)

    def references(member: Any) -> list[str]:
        if isinstance(member, dict):
            return [member["@id"]] if set(member) == {"@id"} else [one for value in member.values() for one in references(value)]
        return [one for value in member for one in references(value)] if isinstance(member, list) else []

    outside = {"https://w3id.org/ro/crate/1.1", "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"}
    assert {one for entity in found.values() for one in references(entity)} <= {*found, *outside}


def test_every_file_is_there_and_is_what_is_said_of_it(crate: Path):
    found = entities(crate)
    told = {unquote(name): entity for name, entity in found.items() if is_a(entity, "File")}
    there = {str(path.relative_to(crate)) for path in crate.rglob("*") if path.is_file()}
    assert set(told) == there - {"ro-crate-metadata.json"}
    for name, entity in told.items():
        data = (crate / name).read_bytes()
        assert (entity["contentSize"], entity["sha256"]) == (str(len(data)), hashlib.sha256(data).hexdigest())
        assert entity["encodingFormat"]
        assert entity["identifier"].startswith("blake3:")


def test_every_data_entity_hangs_on_the_root(crate: Path):
    found = entities(crate)
    reached: set[str] = set()
    to_do = ["./"]
    while to_do:
        name = to_do.pop()
        reached.add(name)
        to_do += [one["@id"] for one in all_of(found[name].get("hasPart"))]
    assert {name for name, entity in found.items() if is_a(entity, "File") or is_a(entity, "Dataset")} == reached


def test_every_action_is_as_the_profile_demands(crate: Path):
    found = entities(crate)
    actions = [entity for entity in found.values() if is_a(entity, "CreateAction")]
    mentioned = {one["@id"] for one in all_of(found["./"]["mentions"])}
    assert {action["@id"] for action in actions} <= mentioned
    for action in actions:
        instrument = found[action["instrument"]["@id"]]
        assert is_a(instrument, "SoftwareSourceCode")
        assert instrument["name"]
        assert is_a(found[action["agent"]["@id"]], "Person")
        assert is_a(found[action["result"]["@id"]], "Dataset")
        assert TIME.fullmatch(action["endTime"])
        assert action["name"]
        assert action["description"]
        assert "error" not in action
        software = [found[one["@id"]] for one in all_of(instrument["softwareRequirements"])]
        assert {one["name"] for one in software} >= {"Python", "isfdb"}
        assert all(is_a(one, "SoftwareApplication") for one in software)


def test_the_action_names_inputs_and_code(results: Database, tmp_path: Path):
    isfdb.export(results, tmp_path / "crate", format="ro-crate", inputs=True, key="mean")
    found = entities(tmp_path / "crate")
    (action,) = [entity for entity in found.values() if is_a(entity, "CreateAction")]
    inputs = [found[one["@id"]] for one in action["object"]]
    assert [one.get("alternateName", "").rpartition("/")[2] for one in inputs] == ["", "", "raw data.csv", "changed.csv", "large.bin"]
    assert [is_a(one, "File") for one in inputs] == [False, False, True, False, False]  # the one that still is what was read
    code = found[action["instrument"]["@id"]]
    assert code["@type"] == ["File", "SoftwareSourceCode"]
    assert code["@id"].endswith("mean.key/v000002/code.py")
    assert "out of order" in code["description"]


def test_a_licence_is_told(results: Database, tmp_path: Path):
    isfdb.export(results, tmp_path / "a", format="ro-crate", key="mean", licence="https://spdx.org/licenses/CC-BY-4.0")
    isfdb.export(results, tmp_path / "b", format="ro-crate", key="mean", licence="ask us")
    assert entities(tmp_path / "a")["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    assert entities(tmp_path / "b")["#licence"]["name"] == "ask us"
