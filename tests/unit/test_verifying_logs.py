"""Versions and the logs of sessions tell of each other: what was taken away, put in or moved by hand is found."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import isfdb
from isfdb.manifest import seal

HISTORY = """
import sys, isfdb
db = isfdb.open(sys.argv[1])
for number in range(3):
    db["rates"] = number
db["cells/L5PT"] = 1
db["gone"] = 1
del db["gone"]
db["old"] = 1
db.rename("old", "new")
db.rename("cells", "neurons")
with db.batch():
    db["first"], db["second"] = 1, 2
    db["first"] = 3
"""


def run(path: Path, script: str = HISTORY) -> None:
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A database that two processes wrote, one after the other, which have both ended."""
    path = tmp_path / "results"
    run(path)
    run(path, "import sys, isfdb; db = isfdb.open(sys.argv[1]); db['later'] = 1; db['rates'] = 3")
    return path


def kinds(path: Path) -> list[str]:
    return sorted({finding.kind for finding in isfdb.verify(isfdb.open(path, mode="r"))})


def logs(path: Path) -> list[Path]:
    """Return the logs in the order in which they ended: names of sessions that began in one second have none."""
    return sorted((path / ".isfdb" / "sessions").iterdir(), key=lambda log: log.stat().st_mtime_ns)


def lines(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_an_untampered_history_is_sound(results: Path):
    assert kinds(results) == []


def test_every_version_has_its_line(results: Path):
    told = {line.get("seal") for log in logs(results) for line in lines(log) if line["kind"] in ("publish", "delete")}
    records = [*results.rglob("v*/metadata.json"), *results.rglob("v*/DELETED")]
    assert len(records) == 13
    assert {json.loads(record.read_text())["record"] for record in records} <= told


def test_a_newest_version_taken_away_is_found(results: Path):
    shutil.rmtree(results / "rates.key" / "v000004")
    assert kinds(results) == ["missing version"]


def test_a_key_taken_away_is_found(results: Path):
    shutil.rmtree(results / "later.key")
    assert kinds(results) == ["missing version"]


def test_a_deletion_taken_back_by_hand_is_found(results: Path):
    shutil.rmtree(results / "gone.key" / "v000002")
    os.remove(results / "gone.deleted")
    assert kinds(results) == ["missing version"]


def test_a_log_cut_off_is_found_by_versions_that_lost_their_line(results: Path):
    log = logs(results)[-1]
    text = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(text[:2]))
    assert kinds(results) == ["missing line"]


def test_a_log_cut_off_with_all_it_told_is_found_by_the_log_of_the_next_session(results: Path):
    log = logs(results)[0]
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))  # what was told is all there
    assert kinds(results) == ["broken chain"]


def test_a_log_taken_away_is_found_by_versions_and_by_the_next_session(results: Path):
    os.remove(logs(results)[0])
    found = isfdb.verify(isfdb.open(results, mode="r")).serious
    assert {finding.kind for finding in found} == {"missing record"} and len(found) == 2


def test_a_record_changed_and_sealed_anew_is_found(results: Path):
    path = results / "rates.key" / "v000004" / "metadata.json"
    path.write_text(seal(json.loads(path.read_text()) | {"created": "2020-01-01T00:00:00.000000+00:00"}))
    assert kinds(results) == ["missing line", "missing version"]


def test_a_version_put_in_by_hand_is_found(results: Path):
    old = results / "rates.key" / "v000004"
    shutil.copytree(old, results / "rates.key" / "v000005")
    path = results / "rates.key" / "v000005" / "metadata.json"
    record = json.loads(path.read_text())
    path.write_text(seal(record | {"previous": record["record"], "nonce": "0" * 16}))
    assert kinds(results) == ["missing line"]


def test_keys_swapped_by_hand_are_found(results: Path):
    (results / "rates.key").rename(results / "aside")
    (results / "later.key").rename(results / "rates.key")
    (results / "aside").rename(results / "later.key")
    assert kinds(results) == ["moved"]


def test_a_key_copied_by_hand_is_found(results: Path):
    shutil.copytree(results / "rates.key", results / "copy.key")
    assert kinds(results) == ["moved"]


def test_a_key_brought_by_hand_from_another_database_is_found(results: Path, tmp_path: Path):
    run(tmp_path / "other", "import sys, isfdb; isfdb.open(sys.argv[1])['foreign'] = 1")
    shutil.copytree(tmp_path / "other" / "foreign.key", results / "foreign.key")
    assert "missing record" in kinds(results)


def test_a_dropped_or_swapped_line_is_found(results: Path):
    log = logs(results)[0]
    text = log.read_bytes().splitlines(keepends=True)
    for order in ([0, 1, 2, 4, *range(5, len(text))], [0, 1, 3, 2, *range(4, len(text))]):
        log.write_bytes(b"".join([text[number] for number in order]))
        assert "broken chain" in kinds(results)


def test_a_removed_sub_database_is_not_missed(results: Path):
    isfdb.open(results)["neurons"].remove()
    assert kinds(results) == []


def test_reclaimed_data_is_told_and_a_mark_by_hand_is_found(results: Path):
    db = isfdb.open(results)
    for number in range(3):
        db["large"] = [number] * 5000
    db.collect(grace_s=0)
    assert kinds(results) == []
    log = logs(results)[-1]
    assert sorted(line["version"] for line in lines(log) if line["kind"] == "collect") == [1, 2]
    version = results / "large.key" / "v000003"
    shutil.copy(results / "large.key" / "v000001" / "RECLAIMED", version)
    for path in version.iterdir():
        if path.name not in ("Loader.json", "metadata.json", "code.py", "RECLAIMED"):
            path.unlink()
    assert kinds(results) == ["missing line"]


def test_without_capture_the_record_says_why_no_log_tells_of_it(tmp_path: Path):
    with isfdb.set_options(capture=False):
        db = isfdb.open(tmp_path / "quiet")
        db["a"] = 1
        assert not (tmp_path / "quiet" / ".isfdb" / "sessions").exists()
        db.rename("a", "b")
        db["deep/c"] = 1
        db.rename("deep", "deeper")
        record = db.entry("deeper/c").newest.record
    assert record["logged"] is None and record["unknown"]["log"] == "switched off by the option 'capture'"
    found = isfdb.verify(db)
    assert not found
    assert "3 versions of which no log tells" in found.remarks[0]


def test_a_log_that_cannot_be_written_costs_no_save(tmp_path: Path):
    db = isfdb.open(tmp_path / "results")
    shutil.rmtree(tmp_path / "results" / ".isfdb" / "sessions", ignore_errors=True)
    (tmp_path / "results" / ".isfdb" / "sessions").write_text("in the way")
    db["a"] = 1
    assert db["a"] == 1
    assert db.entry("a").newest.record["logged"] is None
    assert "log" in db.entry("a").newest.record["unknown"]


def _store(path: str) -> None:
    isfdb.open(path)[f"by {os.getpid()}"] = 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_a_child_process_stored_last_is_missed(results: Path, method: str):
    child = multiprocessing.get_context(method).Process(target=_store, args=(str(results),))
    child.start()
    child.join()
    assert kinds(results) == []
    shutil.rmtree(results / f"by {child.pid}.key")
    assert kinds(results) == ["missing version"]


def test_what_a_killed_process_announced_is_no_alarm(results: Path):
    run(
        results,
        "import sys, os, isfdb\nfrom isfdb.storage import local\ndb = isfdb.open(sys.argv[1]); db['k'] = 1\n"
        "local.LocalStorage.publish = lambda *_: os._exit(0)\ndb['k'] = 2",
    )
    assert [line["version"] for line in lines(logs(results)[-1]) if line["kind"] == "publish"] == [1, 2]
    assert isfdb.verify(isfdb.open(results, mode="r")).serious == ()


def test_a_sub_database_moved_into_its_own_old_name_ends(db):
    """Names that lines give to a key are followed without their times: this one seems to go on moving for ever."""
    db["a/k"] = 1
    db.rename("a", "c")
    db.rename("c", "a/c")
    assert db.keys(recurse=True) == ("a/c/k",)
    assert not isfdb.verify(db)


def test_forged_renames_do_not_multiply(db):
    from isfdb.provenance.event_lines import Names

    names = Names()
    for number in range(300):
        for old in ("a", "a/a", f"n{number}"):
            names.note(old, f"a/n{number}")
    assert len(names.after("/".join("a" * 50))) < 10_000
    names.note("before", "after")
    assert names.after("before") == {"before", "after"}


def calls_while(patch, module, name: str, act) -> int:
    """Return how often `act` calls a function of a module."""
    called, function = [], getattr(module, name)
    with patch.context() as patched:
        patched.setattr(module, name, lambda *arguments: called.append(1) or function(*arguments))
        act()
    return len(called)


@pytest.mark.parametrize("is_cut", [False, True])
def test_each_line_of_a_log_is_looked_at_a_few_times_however_many_versions_it_tells_of(db, monkeypatch, is_cut):
    from isfdb import verifying_logs
    from isfdb.provenance import event_lines, session

    with db.batch():
        for number in range(60):
            db[f"key{number}"] = number
    (log,) = Path(db.path, ".isfdb", "sessions").iterdir()
    n_lines = len(log.read_bytes().splitlines())
    if is_cut:  # then the versions it told of look for their lines once more
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    read = calls_while(monkeypatch, session, "loads", lambda: isfdb.verify(db))
    times = calls_while(monkeypatch, event_lines, "_offset", lambda: isfdb.verify(db))
    again = calls_while(monkeypatch, verifying_logs, "read_events", lambda: isfdb.verify(db))
    assert n_lines > 60
    assert read + times + again < 8 * n_lines  # not a look at each line for each version
