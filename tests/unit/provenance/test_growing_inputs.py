"""A loop that reads a value in each turn and stores another: every record names all that was read, and no list is written twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import isfdb
from isfdb.exact_json import loads
from isfdb.layout.current import INPUTS_FOLDER
from isfdb.provenance.growing_inputs import OWN
from isfdb.provenance.reduction import GROWING

N_TURNS = 700

LOOP = f"""
import isfdb

db = isfdb.open("results", durability="process")
for number in range({N_TURNS}):
    db[f"out{{number}}"] = db[f"in{{number}}"] + 1
db["last"] = db["other"]
"""


@pytest.fixture(scope="module")
def looped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a script ran that reads what was stored before."""
    folder = tmp_path_factory.mktemp("looped")
    with isfdb.set_options(capture=False), isfdb.open(folder / "results", durability="process") as db, db.batch():
        for number in range(N_TURNS):
            db[f"in{number}"] = number
        db["other"] = "another"
    (folder / "loop.py").write_text(LOOP)
    subprocess.run([sys.executable, "loop.py"], cwd=folder, check=True, timeout=600)
    return folder


@pytest.fixture
def db(looped: Path) -> isfdb.Database:
    return isfdb.open(looped / "results", "r")


def used_keys(db: isfdb.Database, key: str) -> list[str]:
    return sorted(one.link.rpartition("/")[2] for one in db.entry(key).newest.inputs)


@pytest.mark.parametrize("number", [0, 5, GROWING - 1, GROWING, GROWING + 1, GROWING + OWN, N_TURNS // 2, N_TURNS - 1])
def test_a_record_names_all_that_was_read_so_far(db: isfdb.Database, number: int) -> None:
    assert used_keys(db, f"out{number}") == sorted(f"in{one}@1" for one in range(number + 1))


def test_a_statement_behind_the_loop_names_its_own(db: isfdb.Database) -> None:
    assert used_keys(db, "last") == ["other@1"]


def test_what_is_written_does_not_grow_with_the_square_of_the_turns(db: isfdb.Database, looped: Path) -> None:
    def bytes_of(first: int, last: int) -> int:
        paths = {f"{INPUTS_FOLDER}/{db.entry(f'out{number}').newest.record['used']['stored']}.json" for number in range(first, last)}
        paths |= {f"{INPUTS_FOLDER}/{part}.json" for path in list(paths) for part in parts_of(looped / "results" / path)}
        return sum(os.path.getsize(looped / "results" / path) for path in paths)

    early, late = bytes_of(GROWING + 10, GROWING + 110), bytes_of(N_TURNS - 100, N_TURNS)
    assert late < 2 * early  # written out, the later ones would have three times as many inputs
    assert late < 100 * (GROWING + N_TURNS) * 100 / 4
    scripts = [os.path.getsize(looped / "results" / f"out{number}.key" / "v000001" / "code.py") for number in (GROWING + 20, N_TURNS - 1)]
    assert scripts[1] < scripts[0] + 200


def parts_of(path: Path) -> list[str]:
    found = loads(path.read_bytes())
    return found["parts"] if isinstance(found, dict) else []


def test_the_parts_are_checked_and_missed(looped: Path, tmp_path: Path) -> None:
    assert not isfdb.verify(isfdb.open(looped / "results", "r")).serious
    subprocess.run(["cp", "-r", str(looped / "results"), str(tmp_path / "copy")], check=True)
    db = isfdb.open(tmp_path / "copy", "r")
    stored = db.entry(f"out{N_TURNS - 1}").newest.record["used"]["stored"]
    part = parts_of(tmp_path / "copy" / INPUTS_FOLDER / f"{stored}.json")[0]
    (tmp_path / "copy" / INPUTS_FOLDER / f"{part}.json").unlink()
    (finding,) = isfdb.verify(db)
    assert (finding.kind, part in str(finding)) == ("missing record", True)
    assert 0 < len(db.entry(f"out{N_TURNS - 1}").newest.inputs) < N_TURNS
    (row,) = isfdb.audit(db, only=f"out{N_TURNS - 1}", replay=False).rows
    assert any(part in lack for lack in row.lacks), row.lacks


def test_an_export_takes_the_parts_along(db: isfdb.Database, tmp_path: Path) -> None:
    isfdb.export(db, str(tmp_path / "crate"), key=f"out{N_TURNS - 1}")
    (database,) = [path.parent for path in (tmp_path / "crate").rglob("isfdb.json")]
    assert used_keys(isfdb.open(database, "r"), f"out{N_TURNS - 1}") == sorted(f"in{one}@1" for one in range(N_TURNS))


def test_a_replay_makes_the_last_of_them_again(looped: Path) -> None:
    db = isfdb.open(looped / "results")
    verdict = isfdb.replay(db, f"out{N_TURNS - 1}", environment="current", trust=True)
    assert verdict.status == "identical", str(verdict)


@pytest.mark.parametrize(
    "parts", ['"x"', "7", "[7, null, {}]", '["../../../etc/passwd"]', "[" + ", ".join(['"' + "0" * 64 + '"'] * 100_000) + "]", "null"]
)
def test_forged_parts_are_left_out(looped: Path, tmp_path: Path, parts: str) -> None:
    subprocess.run(["cp", "-r", str(looped / "results"), str(tmp_path / "copy")], check=True)
    db = isfdb.open(tmp_path / "copy", "r")
    version = db.entry(f"out{N_TURNS - 1}").newest
    path = tmp_path / "copy" / INPUTS_FOLDER / f"{version.record['used']['stored']}.json"
    own = loads(path.read_bytes())["used"]
    path.write_text(f'{{"parts": {parts}, "used": [{{"value": "isfdb://{db.id}/other@1", "digest": null, "cell": null}}]}}')
    assert [one.link.rpartition("/")[2] for one in version.inputs] == ["other@1"]
    assert own
    assert isfdb.verify(db).serious
