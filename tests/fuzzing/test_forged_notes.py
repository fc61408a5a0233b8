"""What lies beside the values, or in the user's own folder: verdicts, checks, the registry, the list of trusted databases."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import isfdb
from isfdb import registry, trust
from isfdb.display.badges import VerdictsRead
from isfdb.errors import IsfdbError
from isfdb.explaining.check_records import Attempt, Check, read_check
from isfdb.options import set_options
from isfdb.replaying.replay_records import known_verdicts
from isfdb.replaying.verdict import Run, Verdict
from tests.fuzzing.forging import RUBBISH, mutated, places, replaced, with_changed_bytes

RUN = Run("slice", "current", outcome="done", duration_s=1.5, output="made it")
VERDICT = Verdict("k", 1, "isfdb://x/k@1", "close", because="", evidence=(("machine", "another"),), runs=(RUN,), tolerance={"rtol": 1e-9})
CHECK = Check("widened", "slice", "2026-11-21T00:00:00+00:00", "3.12", (Attempt("slice", "same", "", 1.5),), ("a note",), "x = 1")


@pytest.mark.parametrize("folder", ["replays", "checks"])
def test_forged_verdicts_and_checks_are_read_or_passed_over(db, folder, long_run, tally):
    db["k"] = 1
    record = dict(db.entry("k").metadata)
    path = Path(db.path, ".isfdb", folder, f"{record['record']}.json")
    path.parent.mkdir(exist_ok=True)
    whole = {"replays": {"format": 1, "verdicts": [{"signature": None, "verdict": VERDICT.to_json()}]}, "checks": CHECK.to_json()}[folder]
    n_tries = 0
    for place in places(whole):
        for rubbish in RUBBISH if long_run else (None, -1, 10**400, "", "\0", [], [None], {"a": 1}):
            try:
                path.write_text(json.dumps(replaced(whole, place, lambda member, rubbish=rubbish: rubbish)))
            except ValueError:
                continue  # an integer too long for JSON
            known_verdicts(db._storage, record)
            VerdictsRead().badge(db._storage, record)
            read_check(db._storage, record)
            n_tries += 1
    path.write_text(json.dumps(whole))
    assert known_verdicts(db._storage, record) if folder == "replays" else read_check(db._storage, record)
    tally("forged verdicts and checks", tries=n_tries)


def acts(path: Path):
    """Give everything that reads the files of the user."""
    yield lambda: (str(registry.databases()), str(registry.find("mine")), registry.names())
    yield lambda: registry.resolve("mine")
    yield lambda: (trust.trusted(), trust.is_trusted("a" * 32, str(path)))
    yield lambda: isfdb.open("mine", mode="r")["a"]
    yield lambda: isfdb.open(path, mode="r")["pickled"]
    yield lambda: trust.trust("a" * 32, path)
    yield lambda: trust.distrust("a" * 32)
    yield lambda: registry.prune()


@pytest.mark.filterwarnings("ignore::isfdb.errors.IsfdbWarning")
def test_forged_files_of_the_user_give_only_our_errors(tmp_path, monkeypatch, long_run, tally):
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "data"))
    with set_options(durability="process"):
        db = isfdb.open(tmp_path / "results")
        db["a"] = 1
        db.set("pickled", {1, 2}, dumper="to_pickle")
    registry.add(tmp_path / "results", name="mine")
    trust.trust(db.id, tmp_path / "results")
    files = {path: path.read_bytes() for path in sorted((tmp_path / "data").iterdir())}
    assert {"registry.sqlite", "signing.key", "trust.json"} <= {path.name for path in files}
    chance, n_tries = random.Random(7), 400 if long_run else 10
    for _ in range(n_tries):
        for path in (tmp_path / "data").iterdir():
            path.unlink()
        for path, data in files.items():
            path.write_bytes(data)
            path.chmod(0o600)
        forged = chance.choice([path for path in files if files[path]])
        forged.write_bytes(_forged(files[forged], chance))
        for act in acts(tmp_path / "results"):
            try:
                act()
            except IsfdbError as error:
                str(error)
    tally("forged registries, keys and lists of trust", tries=n_tries)


def _forged(data: bytes, chance: random.Random) -> bytes:
    try:
        return json.dumps(mutated(json.loads(data), chance)).encode()
    except (ValueError, OverflowError):
        return with_changed_bytes(data, chance)
