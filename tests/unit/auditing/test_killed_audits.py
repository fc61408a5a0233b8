"""An audit that is killed and started again gives the same report, and repeats at most the replay that was running."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest


def environment(cache: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return kept | {"ISFDB_CACHE_FOLDER": str(cache), "ISFDB_REGISTER": "false"}


def started(path: str, cache: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "isfdb.cli", "audit", path, "--json", "--budget", "0"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=os.path.dirname(path), env=environment(cache), text=True, start_new_session=True, **pipes)


def report(path: str, cache: Path) -> dict[str, Any]:
    process = started(path, cache)
    out, err = process.communicate(timeout=1200)
    assert process.returncode in (0, 1) and out, err
    return json.loads(out)


def what_it_says(audit: dict[str, Any]) -> Any:
    """Return a report without what differs from run to run: when it was, how long it took, how far apart two times of day are."""
    rows = []
    for row in audit["rows"]:
        verdict = row["verdict"]
        told = [verdict[name] for name in ("status", "because", "detail", "job", "script")]
        rows.append([row[name] for name in ("key", "version", "link", "explained", "lacks", "made_from", "skipped")] + [told])
    # A writer that is killed may leave a file behind it; that is found, as it should be, and is harmless.
    serious = [one for database in audit["databases"] for one in database["findings"]["findings"] if one["kind"] != "leftover"]
    return rows, audit["scores"], serious


def begun(cache: Path) -> list[str]:
    (journal,) = (cache / "audits").glob("*.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines() if line]
    return [line["begun"] for line in lines if "begun" in line]


@pytest.mark.timeout(1800)  # with --long
def test_an_audit_that_is_killed_again_and_again_comes_to_the_same_report(made, tmp_path, long_run):
    n_scripts, n_keys, n_kills = (20, 50, 10) if long_run else (4, 5, 3)
    loops = [
        f"for i in range({n_keys}):\n    db[f's{n}_{{i}}'] = i * {n}" + (f" + db['s{n - 1}_0']" if n else "") for n in range(n_scripts)
    ]
    path = made("\n".join([*loops, "import time", "db['clock'] = time.time()"]))
    whole = shutil.copytree(path, tmp_path / "whole" / "results")
    began = time.monotonic()
    expected = report(str(whole), tmp_path / "cache of the whole")
    took_s = time.monotonic() - began
    assert expected["n_replays"] == len(set(begun(tmp_path / "cache of the whole"))) == n_scripts + 1
    assert expected["scores"] == {
        "n": n_scripts * n_keys + 1,
        "explained": n_scripts * n_keys + 1,
        "repeatable": n_scripts * n_keys + 1,
        "repeated": n_scripts * n_keys,
        "replayed": n_scripts * n_keys + 1,
    }

    cache, chance = tmp_path / "cache", random.Random(5)
    for _ in range(n_kills):
        process = started(path, cache)
        time.sleep(chance.uniform(0.2, 1.5 * took_s / n_kills))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    found = report(path, cache)
    replays = begun(cache)
    print(f"{n_scripts * n_keys + 1} keys, {n_scripts + 1} scripts: {took_s:.1f} s; killed {n_kills} times: {len(replays)} replays")
    assert what_it_says(found) == what_it_says(expected)
    assert len(set(replays)) == n_scripts + 1 and len(replays) <= n_scripts + 1 + n_kills


@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_database_that_cannot_be_written_goes_on_where_it_was(made, tmp_path, is_read_only):
    import isfdb

    path = made("db['a'] = 1\ndb['b'] = db['a'] + 1\ndb['c'] = db['b'] + 1")
    mode = "r" if is_read_only else "r+"
    first = isfdb.audit(isfdb.open(path, mode), max_time_s=0)
    assert {row.skipped for row in first.rows} == {"time"} and first.n_replays == 0 and first.passed
    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        isfdb.audit(isfdb.open(path, mode), progress=_interrupting(seen, 2))
    last = isfdb.audit(isfdb.open(path, mode))
    assert last.scores.repeated == 3 and last.n_replays <= 2
    assert (Path(path) / ".isfdb/replays").exists() is not is_read_only
    assert bool(last.databases[0].notes) is is_read_only
    again = isfdb.audit(isfdb.open(path, mode))
    assert again.n_replays == 0 and again.scores == last.scores
    assert isfdb.audit(isfdb.open(path, mode), again=True).n_replays == 3


def _interrupting(seen: list[str], at: int):
    def tell(number: int, n_all: int, name: str) -> None:
        seen.append(name)
        if number == at:
            raise KeyboardInterrupt

    return tell
