"""What isfdb writes obeys the schemas in docs/reference/schemas, and every member it writes is described there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from blake3 import blake3
from jsonschema import Draft202012Validator

import isfdb
from isfdb.errors import PickleWarning
from isfdb.keys import folder_name

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SCHEMAS = {path.name.partition(".")[0]: json.loads(path.read_text()) for path in (REFERENCE / "schemas").glob("*.schema.json")}


class Opaque:
    """Nothing but pickle keeps it."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that holds every kind of file format 1 knows."""
    path = tmp_path_factory.mktemp("format") / "results"
    db = isfdb.open(path)
    for number in range(3):
        db["scalar"] = number
    db["large"] = list(range(5000))
    db["text/in/levels"] = "ü"
    db["array"] = np.arange(12.0).reshape(3, 4)
    db["table"] = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    db["odd name: 50%"] = {"nan": float("nan"), "$name": 1}
    with pytest.warns(PickleWarning):
        db["pickle"] = Opaque()
    db.create_managed_folder("folder")
    db.snapshot("folder")
    db["gone"] = 1
    del db["gone"]
    db["old name"] = 1
    db.rename("old name", "new name")
    db.copy("array", "array copy")
    db.attributes["array"]["unit"] = "mV"
    db.attributes["array"]["gain"] = np.float32(0.5)
    db.collect(grace_s=0)
    isfdb.seal(db)
    return path


def problems(schema: str, document: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMAS[schema]).iter_errors(document)]


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_itself_valid(name: str):
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_member_in_a_schema_says_what_it_means(name: str):
    assert not [member for member, facts in SCHEMAS[name]["properties"].items() if not facts.get("description")]


@pytest.mark.parametrize(
    ("schema", "pattern", "at_least"),
    [
        ("isfdb", "**/isfdb.json", 3),
        ("Loader", "**/v*/Loader.json", 12),
        ("metadata", "**/v*/metadata.json", 12),
        ("DELETED", "**/v*/DELETED", 2),
        ("attributes", "**/*.key/attributes.json", 1),
        ("attributes", "**/*.key/attributes/*.json", 2),
        ("seal", ".isfdb/seals/*.json", 1),
    ],
)
def test_every_file_obeys_its_schema(database: Path, schema: str, pattern: str, at_least: int):
    files = sorted(path for path in database.glob(pattern) if pattern.startswith(".isfdb") or ".isfdb" not in path.parts)
    assert len(files) >= at_least
    assert not {str(path.relative_to(database)): found for path in files if (found := problems(schema, json.loads(path.read_bytes())))}


@pytest.mark.parametrize(
    ("schema", "pattern"), [("isfdb", "**/isfdb.json"), ("metadata", "**/v*/metadata.json"), ("DELETED", "**/v*/DELETED")]
)
def test_every_member_written_is_in_the_schema_and_on_the_page(database: Path, schema: str, pattern: str):
    written = {name for path in database.glob(pattern) for name in json.loads(path.read_bytes())}
    assert written <= set(SCHEMAS[schema]["properties"])
    page = (REFERENCE / "format.md").read_text(encoding="utf-8")
    assert not [name for name in SCHEMAS[schema]["properties"] if f"`{name}`" not in page]


@pytest.mark.parametrize(
    ("schema", "change"),
    [
        ("isfdb", {"id": "short"}),
        ("isfdb", {"format": 2}),
        ("Loader", {"Loader": "loaderdumpers/to_json"}),
        ("metadata", {"digest": "0"}),
        ("metadata", {"files": {"Loader.json": [1, "0" * 64], "../evil": [1, "0" * 64]}}),
        ("metadata", {"files": {"Loader.json": [1, "0" * 64], "/evil": [1, "0" * 64]}}),
        ("metadata", {"files": {"data.npy": [1, "0" * 64]}}),
        ("metadata", {"created": "yesterday"}),
    ],
)
def test_a_schema_refuses_what_isfdb_would_never_write(database: Path, schema: str, change: dict[str, Any]):
    path = database / "isfdb.json" if schema == "isfdb" else database / "scalar.key" / "v000003" / f"{schema}.json"
    document = json.loads(path.read_bytes())
    assert not problems(schema, document)
    assert problems(schema, document | change)


def test_a_reclaimed_version_is_marked_as_specified(database: Path):
    markers = [json.loads(path.read_bytes()) for path in database.glob("**/RECLAIMED")]
    assert all(set(marker) == {"format", "reclaimed"} for marker in markers)


def test_the_folder_names_in_the_table_are_what_isfdb_makes():
    page = (REFERENCE / "format.md").read_text(encoding="utf-8")
    table = page[page.index("| name | folder of the key |") :].partition("\n\n")[0]
    rows = re.findall(r"^\| `(.+)` \| `(.+)\.key` \|$", table, re.MULTILINE)
    assert len(rows) >= 6
    assert [folder_name(name) for name, _ in rows] == [folder for _, folder in rows]


# What a reader in another language would do with sessions, environments and code, from the page alone ---------------------------------


def test_the_lines_of_a_session_are_chained_as_specified(database: Path):
    (log,) = database.glob(".isfdb/sessions/*.jsonl")
    previous = None
    for line in log.read_bytes().splitlines():
        assert json.loads(line)["previous"] == previous
        previous = blake3(line).hexdigest()


def test_the_activity_of_a_version_is_the_line_it_names(database: Path):
    record = json.loads((database / "scalar.key/v000003/metadata.json").read_bytes())
    log = database / ".isfdb" / "sessions" / f"{record['activity']['session']}.jsonl"
    line = json.loads(log.read_bytes().splitlines()[record["activity"]["line"]])
    assert line["kind"] == record["activity"]["kind"] == "test"
    assert 'db["scalar"] = number' in line["source"]


def test_every_kind_of_line_is_on_the_page(database: Path):
    page = (REFERENCE / "format.md").read_text(encoding="utf-8")
    (log,) = database.glob(".isfdb/sessions/*.jsonl")
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    assert not [name for line in lines for name in [line["kind"], *line] if f"`{name}`" not in page]


def test_records_are_named_by_their_canonical_text_and_blobs_by_their_bytes(database: Path):
    private = database / ".isfdb"
    environments, snapshots = list(private.glob("environments/*.json")), list(private.glob("code/*.json"))
    assert environments
    assert snapshots
    for path in [*environments, *snapshots]:
        canonical = json.dumps(json.loads(path.read_bytes()), sort_keys=True, ensure_ascii=False)
        assert path.stem == blake3(canonical.encode()).hexdigest()[:32]
    for path in private.glob("code/*"):
        assert path.suffix == ".json" or path.stem == blake3(path.read_bytes()).hexdigest()[:32]


def test_every_member_of_an_environment_or_snapshot_is_on_the_page(database: Path):
    page = (REFERENCE / "format.md").read_text(encoding="utf-8")
    records = [json.loads(path.read_bytes()) for path in database.glob(".isfdb/*/*.json")]
    assert not [name for record in records for name in record if f"`{name}`" not in page]
