"""Records of values that a notebook stored, with slices, inputs, risks and written files, are as docs/reference specifies them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from jsonschema import Draft202012Validator

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SCHEMA = json.loads((REFERENCE / "schemas" / "metadata.schema.json").read_text())

CELLS = [
    "import isfdb\nimport numpy as np\nimport pandas as pd\ndb = isfdb.open('results')",
    "table = pd.read_csv('table.csv')\ndb['rates'] = table",
    "halves = db['rates'] / 2\nnonsense",
    "db['halves'] = halves + np.random.rand()",
    "db['many'] = sum(len(open(f'many/{n}.txt').read()) for n in range(200))",
    "name = 'halves'\nopen('out.txt', 'w').write(str(halves))\ndb['widened'] = float(globals()[name].sum().sum())",
    "pass",
]
RUN_CELLS = f"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for number, source in enumerate({CELLS!r}):
    shell.run_cell(source, store_history=True, cell_id=str(number))
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explained")
    (folder / "table.csv").write_text("a,b\n1,2\n3,4\n")
    (folder / "many").mkdir()
    for number in range(200):
        (folder / "many" / f"{number}.txt").write_text(str(number))
    subprocess.run([sys.executable, "-c", RUN_CELLS], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder / "results"


def record_of(database: Path, key: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((database / f"{key}.key" / "v000001" / "metadata.json").read_bytes())
    return record


def lines_of(database: Path) -> list[dict[str, Any]]:
    (log,) = database.glob(".isfdb/sessions/*.jsonl")
    return [json.loads(line) for line in log.read_bytes().splitlines()]


@pytest.mark.parametrize("key", ["rates", "halves", "many", "widened"])
def test_a_record_obeys_the_schema(database: Path, key: str):
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(record_of(database, key))] == []


@pytest.mark.parametrize(
    ("member", "fact"),
    [
        ("slice", {"at": 1, "code": [1], "labels": []}),
        ("slice", {"at": 1, "labels": []}),
        ("used", [{"value": "rates", "digest": None, "cell": 1}]),
        ("used", [{"file": "/a", "cell": 1}]),
        ("used", {"stored": "short", "n": 1}),
        ("risks", [{"risk": "clock"}]),
    ],
)
def test_the_schema_refuses_what_isfdb_would_never_write(database: Path, member: str, fact: Any):
    assert not Draft202012Validator(SCHEMA).is_valid(record_of(database, "rates") | {member: fact})


def test_every_member_that_is_written_is_on_the_page(database: Path):
    page = (REFERENCE / "format.md").read_text(encoding="utf-8")
    records = [record_of(database, key) for key in ("rates", "halves", "many", "widened")]
    used = [one for record in records if isinstance(record.get("used"), list) for one in record["used"]]
    risks = [one for record in records for one in record.get("risks", [])]
    wrote = [one for line in lines_of(database) for one in line.get("wrote", [])]
    assert used
    assert risks
    assert wrote
    members = {name for one in [*(record["slice"] for record in records), *used, *risks, *wrote, *lines_of(database)] for name in one}
    assert [name for name in sorted(members) if f"`{name}`" not in page and f'"{name}"' not in page] == []


def test_the_slice_names_code_py_and_the_statement_that_stored(database: Path):
    record = record_of(database, "rates")
    code = (database / "rates.key" / "v000001" / "code.py").read_bytes()
    assert record["slice"]["code"] == [len(code), blake3(code).hexdigest()]
    source = lines_of(database)[record["activity"]["line"]]["source"]
    assert source.splitlines()[record["slice"]["at"] - 1] == "db['rates'] = table"


def test_a_long_list_of_inputs_lies_under_its_digest(database: Path):
    used = record_of(database, "many")["used"]
    stored = (database / ".isfdb" / "inputs" / f"{used['stored']}.json").read_bytes()
    assert blake3(stored).hexdigest() == used["stored"]
    assert len(json.loads(stored)) == used["n"] == 200


def test_an_input_names_the_line_of_the_cell_that_read_it(database: Path):
    (value,) = [one for one in record_of(database, "halves")["used"] if "value" in one]
    assert "db['rates'] / 2" in lines_of(database)[value["cell"]]["source"]


def test_the_line_at_which_a_cell_failed_is_told(database: Path):
    told = [line for line in lines_of(database) if "error_line" in line]
    assert [line["error_line"] for line in told] == [2]


def test_what_was_written_has_its_digest(database: Path):
    (wrote,) = [one for line in lines_of(database) for one in line.get("wrote", [])]
    assert wrote["digest"] == blake3((database.parent / "out.txt").read_bytes()).hexdigest()
    assert wrote["at"] == 2


def test_risks_are_of_kinds_that_are_listed(database: Path):
    page = (REFERENCE / "risks.md").read_text(encoding="utf-8")
    kinds = {one["risk"] for key in ("halves", "widened") for one in record_of(database, key)["risks"]}
    assert {"unseeded random numbers", "widened slice"} <= kinds
    assert not [kind for kind in kinds if f"| `{kind}` |" not in page]
