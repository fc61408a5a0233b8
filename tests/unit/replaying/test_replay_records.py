"""Verdicts are kept one for each kind of environment; forged ones are shown at most, and never believed, escaped or not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.layout.current import REPLAYS_FOLDER
from isfdb.replaying.replay_records import keep_verdict, known_verdicts
from isfdb.replaying.verdict import Run, Verdict

_EVIL = "<script>alert(1)</script>\x1b[2J"


@pytest.fixture
def version(tmp_path: Path) -> Any:
    db = isfdb.open(tmp_path / "results")
    db["x"] = 1
    return db.entry("x").newest


def _verdict(environment: str = "current", status: str = "identical") -> Verdict:
    return Verdict("x", 1, "isfdb://12/x@1", status, environment=environment, runs=(Run("statements", environment, output="o" * 9_000),))


def _path(version: Any) -> Path:
    return Path(version._storage.location) / REPLAYS_FOLDER / f"{version.record['record']}.json"


def test_of_each_kind_of_environment_the_newest_is_kept(version: Any) -> None:
    for verdict in (_verdict(), _verdict("recorded"), _verdict(status="close")):
        assert keep_verdict(version._storage, version.record, verdict) == ""
    found = known_verdicts(version._storage, version.record, mine=True)
    assert [(one.environment, one.status) for one in found] == [("recorded", "identical"), ("current", "close")]
    assert all(one.recorded for one in found) and len(found[0].runs[0].output) == 2_000


def test_those_of_others_are_known_but_not_mine(version: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keep_verdict(version._storage, version.record, _verdict())
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path / "somebody_else"))
    assert known_verdicts(version._storage, version.record)
    assert not known_verdicts(version._storage, version.record, mine=True)


def test_a_verdict_about_another_version_is_not_believed(version: Any, tmp_path: Path) -> None:
    keep_verdict(version._storage, version.record, _verdict())
    db = isfdb.open(tmp_path / "results")
    db["x"] = 2
    other = db.entry("x").newest
    os.rename(_path(version), _path(other))
    assert known_verdicts(other._storage, other.record) and not known_verdicts(other._storage, other.record, mine=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "\0",
        '{"verdicts": 7}',
        '{"verdicts": [1, null, {"verdict": 3}, {"verdict": {"status": "perfect"}}]}',
        '{"verdicts": [{"verdict": {"status": "identical", "runs": {"a": 1}, "tolerance": {"rtol": "x"}}, "signature": 7}]}',
        '{"verdicts": ' + "[" * 50_000 + "]" * 50_000 + "}",
    ],
)
def test_what_is_forged_or_torn_fails_nothing(version: Any, text: str) -> None:
    keep_verdict(version._storage, version.record, _verdict())
    _path(version).write_text(text)
    assert not known_verdicts(version._storage, version.record, mine=True)
    assert keep_verdict(version._storage, version.record, _verdict()) == ""
    assert len(known_verdicts(version._storage, version.record, mine=True)) == 1


def test_a_file_that_is_too_large_is_not_read(version: Any) -> None:
    keep_verdict(version._storage, version.record, _verdict())
    _path(version).write_text(_path(version).read_text() + " " * 5_000_000)
    assert not known_verdicts(version._storage, version.record)


def test_forged_texts_are_shown_escaped(version: Any) -> None:
    keep_verdict(version._storage, version.record, _verdict())
    members = json.loads(_path(version).read_text())
    forged = members["verdicts"][0]["verdict"]
    for name in ("key", "because", "detail", "environment", "when", "link"):
        forged[name] = _EVIL
    forged |= {"notes": [_EVIL], "differences": [_EVIL], "evidence": [[_EVIL, _EVIL]], "where": {"host": _EVIL}}
    forged["runs"] = [{"level": _EVIL, "output": _EVIL, "because": _EVIL}]
    _path(version).write_text(json.dumps(members))
    (found,) = known_verdicts(version._storage, version.record)
    bundle = found._repr_mimebundle_()
    assert "<script" not in bundle["text/html"] and "\x1b" not in bundle["text/plain"] and "\x1b" not in bundle["text/html"]


def test_a_record_whose_seal_is_a_path_leads_nowhere(version: Any) -> None:
    for seal in ("../../x", "a/b", "a" * 63 + "/", "A" * 64, None, 7):
        assert known_verdicts(version._storage, {"record": seal}) == ()
        assert "no digest" in keep_verdict(version._storage, {"record": seal}, _verdict())
