"""``isfdb.replay`` in a real session: the value made again, compared, and why it differs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.errors import KeyNotFoundError, OptionError, VersionGoneError
from isfdb.layout.current import REPLAYS_FOLDER
from isfdb.provenance import cells
from isfdb.provenance.capture import _code_watcher
from isfdb.replaying.asked import Asked
from isfdb.replaying.jobs import jobs_of, replay_job
from isfdb.replaying.verdict import Verdict
from tests.properties.test_a_pinned_database_is_a_dict import tree_digest


@pytest.fixture
def run(shell: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run cells in a notebook in which the database `db` is open; return the database, opened again."""
    cells.watch()
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)

    def run_cells(*sources: str) -> Any:
        for source in ("import os\nos.environ.pop('PYTEST_CURRENT_TEST', None)\nimport isfdb\ndb = isfdb.open('results')", *sources):
            shell.run_cell(source, store_history=True)
            _code_watcher().answer(60)  # so that what git says arrives in no loop's midst: turns before and after it would be two jobs
        return isfdb.open("results")

    return run_cells


def write(path: str, text: str) -> None:
    """Write a file in another process: what the session itself wrote is no input."""
    subprocess.run([sys.executable, "-c", f"open({path!r}, 'w').write({text!r})"], check=True)


def test_a_value_that_is_made_again_is_identical(run):
    db = run("import numpy as np", "a = np.arange(5)", "db['x'] = a * 2")
    verdict = isfdb.replay(db, "x")
    assert verdict.status == "identical" and verdict.same and verdict.ran and not verdict.recorded
    assert (verdict.key, verdict.version, verdict.link) == ("x", 1, db.entry("x").link)
    assert [(one.level, one.outcome, one.compared) for one in verdict.runs] == [("statements", "done", "identical")]
    assert verdict.where["python"] and verdict.when and verdict.job and verdict.script
    assert json.dumps(verdict.to_json())


def test_the_next_look_is_free(run):
    db = run("with open('ran.txt', 'a') as file: _ = file.write('x')", "db['x'] = 1")
    first = isfdb.replay(db, "x")
    again = isfdb.replay(isfdb.open("results"), "x")
    assert again.recorded and again.runs == first.runs and again.when == first.when
    assert not isfdb.replay(db, "x", again=True).recorded
    assert not isfdb.replay(db, "x", rtol=0.5).recorded, "another tolerance is another question"
    assert not isfdb.verify(db)


def test_unseeded_random_numbers_are_told_by_replaying_twice(run):
    db = run("import numpy as np", "db['x'] = np.random.default_rng().normal(size=3)")
    verdict = isfdb.replay(db, "x")
    assert verdict.label == "different (because: randomness)"
    assert [one.changed for one in verdict.runs] == ["", "again"]
    assert verdict.evidence[0][0] == "randomness" and "differ from each other" in verdict.evidence[0][1]
    assert any("unseeded random numbers" in text for _, text in verdict.evidence)
    assert verdict.differences


def test_a_recorded_risk_is_no_proof(run):
    db = run("import numpy as np", "rng = np.random.default_rng()\nx = rng.normal(size=3) * 0", "db['x'] = x + 0.0")
    assert any(risk.kind == "unseeded random numbers" for risk in db.entry("x").newest.risks)
    assert isfdb.replay(db, "x").status in ("identical", "equal")


def test_no_more_runs_are_spent_than_the_budget(run):
    db = run("import time", "db['x'] = time.time()")
    verdict = isfdb.replay(db, "x", budget=0)
    assert verdict.label == "different (because: unknown)" and len(verdict.runs) == 1
    assert any("budget" in text for _, text in verdict.evidence)


def test_a_file_that_has_changed_is_told_and_run_only_if_asked_for(run):
    write("data.txt", "12")
    db = run("from pathlib import Path; text = Path('data.txt').read_text()", "db['x'] = int(text)")
    Path("data.txt").write_text("13")
    verdict = isfdb.replay(db, "x")
    assert verdict.label == "not runnable (because: input changed)" and "data.txt" in verdict.detail and not verdict.runs
    verdict = isfdb.replay(db, "x", changed_inputs=True)
    assert verdict.label == "different (because: inputs)" and "data.txt" in verdict.detail
    Path("data.txt").write_text("12")
    os.utime("data.txt", (1, 1))
    assert isfdb.replay(db, "x").status == "identical", "its content counts, not its time"


def test_a_file_that_is_gone_is_named(run):
    write("data.txt", "12")
    db = run("from pathlib import Path; text = Path('data.txt').read_text()", "db['x'] = int(text)")
    Path("data.txt").unlink()
    verdict = isfdb.replay(db, "x")
    assert verdict.label == "not runnable (because: input missing)" and "data.txt is gone" in verdict.detail


def test_a_stored_input_is_read_as_it_was(run):
    db = run("db['in'] = 1", "x = db['in'] + 1\ndb['x'] = x", "db['in'] = 5")
    assert isfdb.replay(db, "x").status == "identical"


def test_a_stored_input_that_was_reclaimed_is_named(run):
    db = run("db['in'] = [1] * 1000", "db['x'] = len(db['in'])", "db['in'] = 5")
    with isfdb.set_options(grace_s=0):
        db.collect()
    verdict = isfdb.replay(db, "x")
    assert verdict.label == "not runnable (because: input missing)" and "reclaimed" in verdict.detail


def test_a_deleted_cell_and_a_failed_cell_are_in_the_log(run):
    db = run("a = 1", "b = 2\n1 / 0", "%reset_selective -f a", "a = 3", "db['x'] = a + b")
    assert isfdb.replay(db, "x").status == "identical"


def test_a_script_that_fails_says_why_and_what_to_do(run):
    db = run("import os\nos.environ['ONLY_HERE_7'] = '1'", "n = {k: v for k, v in os.environ.items()}['ONLY_HERE_7']", "db['x'] = n")
    del os.environ["ONLY_HERE_7"]
    verdict = isfdb.replay(db, "x")
    assert verdict.ran or "isfdb.code" in verdict.detail


def test_a_module_that_is_gone_is_named(run):
    Path("beside.py").write_text("def twice(x):\n    return 2 * x\n")
    db = run("import sys; sys.path.insert(0, '')\nimport beside", "db['x'] = beside.twice(4)")
    assert isfdb.replay(db, "x").status == "identical"


def test_a_script_that_never_ends_is_ended(run):
    db = run("import time, sys", "t = time.sleep(0) or 1", "db['x'] = t")
    verdict = isfdb.replay(db, "x", timeout_s=0.01)
    assert verdict.label == "not runnable (because: time limit)" and "timeout_s" in verdict.detail


def test_nothing_but_the_verdict_is_written(run):
    Path("data.csv").write_text("a\n1\n")
    db = run("from pathlib import Path", "Path('new.txt').write_text('x')\ndb['other'] = 1\ndb['x'] = len(db.keys())")
    Path("new.txt").unlink()
    before = tree_digest(".")
    isfdb.replay(isfdb.open("results", mode="r"), "x")
    assert tree_digest(".") == before
    isfdb.replay(db, "x")
    (name,) = os.listdir(f"results/{REPLAYS_FOLDER}")
    os.remove(f"results/{REPLAYS_FOLDER}/{name}")
    os.rmdir(f"results/{REPLAYS_FOLDER}")
    assert tree_digest(".") == before


def test_a_database_that_is_open_for_reading_keeps_nothing_and_says_so(run):
    run("db['x'] = 1")
    verdict = isfdb.replay(isfdb.open("results", mode="r"), "x")
    assert verdict.status == "identical" and verdict.notes == ("this verdict was not kept: the database is open for reading only",)


def test_a_strangers_code_is_not_run(run, monkeypatch, tmp_path):
    db = run("db['x'] = 1")
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody_else"))
    verdict = isfdb.replay(db, "x")
    assert verdict.label == "not runnable (because: not trusted)" and "trust=True" in verdict.detail and not verdict.runs
    assert isfdb.replay(db, "x", trust=True).status == "identical"


def test_consent_is_asked_for_each_value_of_a_script(run):
    """Of the keys of one loop the last line of one script was changed: what it names is not loaded, and the others are made again."""
    db = run("db['secret'] = 41", "for i in range(3):\n    db[f'k{i}'] = i * i")
    path = Path("results/k1.key/v000001/code.py")
    path.chmod(0o644)
    path.write_text(path.read_text().replace(f"{db.id}/k1", f"{db.id}/secret"))
    versions = [db.entry(f"k{i}").newest for i in range(3)]
    found = {one.key: one for job in jobs_of(db, versions, Asked()) for one in replay_job(db, job, Asked())}
    assert [found[f"k{i}"].label for i in range(3)] == ["identical", "not runnable (because: not trusted)", "identical"]
    assert not found["k1"].runs and not found["k1"].differences


def test_a_strangers_verdict_spares_no_run(run, monkeypatch, tmp_path):
    db = run("db['x'] = 1")
    isfdb.replay(db, "x")
    (path,) = Path(f"results/{REPLAYS_FOLDER}").iterdir()
    kept = path.read_text()
    path.write_text(kept.replace('"host": "', '"host": "forged '))
    assert not isfdb.replay(db, "x").recorded
    path.write_text(kept)
    assert isfdb.replay(db, "x").recorded


def test_a_loop_is_run_once_for_all_its_keys(run):
    db = run("import os", "for i in range(6):\n    db[f'k{i}'] = i * i", "cells = db.create_sub_db('cells')", "cells['a'] = 3")
    versions = [db.entry(f"k{i}").newest for i in range(6)]
    (job,) = jobs_of(db, versions, Asked())
    assert {one.key for one in job.versions} == {f"k{i}" for i in range(6)} and not job.uses
    verdicts = replay_job(db, job, Asked())
    assert [one.status for one in verdicts] == ["identical"] * 6
    assert len({one.job for one in verdicts}) == 1
    assert len(jobs_of(db, [*versions, db.entry("cells/a").newest], Asked())) == 2


def test_turns_of_a_loop_that_read_ever_more_are_one_job(run):
    db = run("for i in range(4):\n    db[f'in{i}'] = i", "for i in range(4):\n    db[f'out{i}'] = db[f'in{i}'] + 1")
    (job,) = jobs_of(db, [db.entry(f"out{i}").newest for i in range(4)], Asked())
    assert len(job.uses) == 4 and job.versions[0].key == "out3"
    assert [one.status for one in replay_job(db, job, Asked())] == ["identical"] * 4
    assert isfdb.replay(db, "out1").status == "identical"


def test_the_verdict_of_one_key_is_found_when_its_loop_was_run_whole(run):
    from isfdb.replaying.replays import with_kept

    db = run("for i in range(4):\n    db[f'in{i}'] = i", "for i in range(4):\n    db[f'out{i}'] = db[f'in{i}'] + 1")
    (job,) = jobs_of(db, [db.entry(f"out{i}").newest for i in range(4)], Asked())
    for version, verdict in zip(job.versions, replay_job(db, job, Asked()), strict=True):
        with_kept(version, verdict)
    assert all(isfdb.replay(db, f"out{i}").recorded for i in range(4))


def test_a_key_of_a_sub_database_is_made_again(run):
    db = run("cells = db.create_sub_db('cells')", "a = 2", "cells['x'] = a")
    assert isfdb.replay(db, "cells/x").status == "identical"
    assert isfdb.replay(db["cells"], "x").recorded


def test_a_value_without_code_says_so(db):
    with isfdb.set_options(capture=False):
        db["x"] = 1
    verdict = isfdb.replay(db, "x")
    assert verdict.label == "not runnable (because: no code)" and "switched off" in verdict.detail


def test_a_value_that_is_gone_or_may_change_is_not_compared(run):
    db = run("db['x'] = [1] * 1000", "db['x'] = 2", "folder = db.create_managed_folder('raw')")
    with isfdb.set_options(grace_s=0):
        db.collect()
    assert isfdb.replay(db, "x", version=1).because == "value gone"
    assert isfdb.replay(db, "raw").because in ("value may change", "no code")


def test_what_is_not_there_is_not_replayed(db):
    db["x"] = 1
    del db["x"]
    with pytest.raises(KeyNotFoundError, match="no key 'y'"):
        isfdb.replay(db, "y")
    with pytest.raises(VersionGoneError, match="is its deletion"):
        isfdb.replay(db, "x", version=2)
    for options in ({"level": "lines"}, {"budget": -1}, {"rtol": "much"}, {"environment": ""}, {"timeout_s": -1}):
        with pytest.raises(OptionError, match=f"{next(iter(options))}="):
            isfdb.replay(db, "x", version=1, **options)


def test_the_magic_gives_the_same(run, shell):
    run("%load_ext isfdb", "%isfdb open results", "a = 3", "db['x'] = a")
    verdict = shell.run_line_magic("isfdb", "replay x")
    assert isinstance(verdict, Verdict) and verdict.status == "identical"
    assert shell.run_line_magic("isfdb", "replay results x --version 1 --again --budget 1").status == "identical"
    assert "identical" in verdict._repr_mimebundle_()["text/html"]
