"""Real audits of real databases: what is said of each kind of value, in which order, and what one bad value costs the others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import isfdb
from isfdb.auditing import running
from isfdb.auditing.audited import Audit


@pytest.fixture
def several(made) -> str:
    """A database with values of many kinds."""
    script = """
import random, time
db["raw"] = [random.random() for _ in range(3)]
db["sum"] = sum(db["raw"])
db["cells/twice"] = db["sum"] * 2
for i in range(3):
    db[f"loop{i}"] = i
    db[f"other{i}"] = i
db.create_managed_folder("folder")
db["gone"] = 1
del db["gone"]
"""
    return made(script)


def labels(audit: Audit) -> dict[str, str]:
    return {row.key: row.label for row in audit.rows}


def test_each_value_gets_its_verdict_and_what_it_was_made_from_is_told(several):
    seen: list[str] = []
    audit = isfdb.audit(isfdb.open(several, "r+"), progress=lambda number, n_all, name: seen.append(name))
    assert labels(audit) == {
        "raw": "different (because: randomness)",
        "sum": "identical",
        "cells/twice": "identical",
        **{f"{name}{i}": "identical" for name in ("loop", "other") for i in range(3)},
        "folder": "may change in place",
    }
    origins = {row.key: row.made_from for row in audit.rows if row.made_from}
    raw = next(row.link for row in audit.rows if row.key == "raw")
    assert origins == {"sum": (raw,), "cells/twice": (raw,)}
    assert (audit.scores.n, audit.scores.explained, audit.scores.repeatable, audit.scores.repeated) == (9, 9, 9, 8)
    assert audit.databases[0].deleted == ("gone",) and [row.key for row in audit.apart] == ["folder"]
    assert audit.problems() == ["raw@1: different (because: randomness): two runs of the same script gave two different values"]
    assert audit.n_replays == len(seen) <= 5, "each script once: a loop is one"
    assert seen.index("raw") < seen.index("sum") < seen.index("cells/twice")
    assert Audit.from_json(json.loads(json.dumps(audit.to_json()))).to_json() == audit.to_json()


def test_without_replay_no_code_runs(several):
    audit = isfdb.audit(isfdb.open(several, "r+"), replay=False)
    assert audit.scores.explained == 9 and audit.n_replays == 0 and audit.passed
    assert not (Path(several) / ".isfdb/replays").exists()


def test_several_at_once_say_the_same(several):
    one, other = (isfdb.audit(isfdb.open(several, "r"), jobs=jobs, again=True) for jobs in (1, 3))
    assert labels(one) == labels(other) and one.n_replays == other.n_replays


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_replay_that_breaks_costs_no_other(several, monkeypatch, jobs):
    real = running.replay_job

    def breaking(db, job, asked):
        if job.versions[0].key == "sum":
            raise RuntimeError("a fault of ours")
        return real(db, job, asked)

    monkeypatch.setattr(running, "replay_job", breaking)
    audit = isfdb.audit(isfdb.open(several, "r"), jobs=jobs, only=["sum", "cells", "loop*"])
    found = labels(audit)
    assert found.pop("sum") == "not runnable (because: failed)" and set(found.values()) == {"identical"}
    assert "RuntimeError: a fault of ours" in audit.problems()[0]


def test_a_strangers_code_is_not_run_unless_trusted(several, monkeypatch, tmp_path):
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody else"))
    db = isfdb.open(several, "r+")
    refused = isfdb.audit(db, only="sum")
    assert labels(refused) == {"sum": "not runnable (because: not trusted)"} and refused.n_replays == 0
    assert "--trust" in str(refused)
    assert labels(isfdb.audit(db, only="sum", trust=True)) == {"sum": "identical"}


def test_only_what_was_stored_since_the_last_audit(made):
    path = made("db['a'] = 1")
    everything = isfdb.audit(isfdb.open(path, "r+"), changed_since="last audit")
    assert [row.key for row in everything.rows] == ["a"]
    made("db['b'] = 1")
    assert [row.key for row in isfdb.audit(isfdb.open(path, "r+"), changed_since="last audit").rows] == ["b"]


def test_of_a_copy_nothing_is_taken_for_the_original(several, tmp_path):
    copy = shutil.copytree(several, tmp_path / "copy" / "results")
    Path(copy, "sum.key/v000001/Loader.json").unlink()
    audit = isfdb.audit([isfdb.open(several, "r"), isfdb.open(copy, "r")], only="loop*")
    assert len(audit.databases) == 2 and len(audit.rows) == 6 and audit.scores.repeated == 6
    assert not isfdb.audit([isfdb.open(several, "r"), isfdb.open(copy, "r")], replay=False).passed
    assert "copy" in str(audit.databases[1].path)


def test_older_versions_and_reclaimed_ones_are_looked_at_if_asked(made):
    path = made("for i in range(3):\n    db['a'] = i")
    db = isfdb.open(path, "r+")
    with isfdb.set_options(keep=1, grace_s=0):
        db.collect()
    audit = isfdb.audit(db, all_versions=True)
    found = {row.version: row.label for row in audit.rows}
    assert found[3] == "identical" and set(found) == {1, 2, 3} and audit.scores.n == 3 - list(found.values()).count("reclaimed")


def test_values_that_need_each_other_in_a_ring_are_all_made_again(made):
    path = made("db['a'] = 1\ndb['b'] = db['a'] + 1")
    for key, other in (("a", "b"), ("b", "a")):
        record = Path(path, f"{key}.key/v000001/metadata.json")
        members = json.loads(record.read_text())
        link = f"isfdb://{isfdb.open(path, 'r').id}/{other}@1"
        members["used"] = [{"cell": 1, "digest": isfdb.open(path, "r").entry(other).newest.digest, "value": link}]
        record.write_text(json.dumps(members))
    audit = isfdb.audit(isfdb.open(path, "r"))
    assert len(audit.rows) == 2 and all(row.verdict is not None for row in audit.rows)
    assert any("changed record" in problem for problem in audit.problems())


def test_an_unreadable_record_is_a_row_and_costs_no_other(several):
    Path(several, "sum.key/v000001/metadata.json").write_text("{")
    audit = isfdb.audit(isfdb.open(several, "r"), only=["sum", "loop*"])
    assert [row.key for row in audit.rows if not row.explained] == ["sum"] and not audit.passed
    assert [row.label for row in audit.rows if row.key != "sum"] == ["identical"] * 3


def test_a_database_of_isf_is_counted_apart(tmp_path):
    old = Path(__file__).parents[2] / "compatibility" / "data"
    (state, *_) = sorted(old.rglob("db_state.json"))
    audit = isfdb.audit(isfdb.open(str(state.parent), "r"))
    assert audit.rows and {row.apart for row in audit.rows} == {"of ISF"} and audit.scores.n == 0 and audit.passed
    assert "of a database that ISF wrote" in str(audit)
