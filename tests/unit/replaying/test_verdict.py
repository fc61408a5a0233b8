"""A verdict tells itself as text and as JSON, and reads a record of any origin."""

from __future__ import annotations

import json

import pytest

from isfdb.replaying.verdict import Run, Verdict

DIFFERENT = Verdict(
    "rates",
    2,
    "isfdb://0123/rates@2",
    "different",
    "randomness",
    "two runs of the same code gave different values",
    evidence=(("randomness", "run 1 and run 2 differ"),),
    differences=("['a'][3]: 1.0 → 2.0",),
    runs=(Run("statements", "current", compared="different", duration_s=1.5), Run("statements", "current", "again", compared="different")),
    tolerance={"rtol": None, "atol": 0.0},
    where={"host": "vm"},
)


def test_a_verdict_survives_json() -> None:
    assert Verdict.from_json(json.loads(json.dumps(DIFFERENT.to_json()))) == DIFFERENT


def test_the_first_line_says_what_came_of_it_and_why() -> None:
    assert str(DIFFERENT).splitlines()[0] == "rates@2: different (because: randomness): two runs of the same code gave different values"


def test_a_line_about_a_run_is_short_and_its_reason_is_kept() -> None:
    run = Run("statements", "/a/long/path" * 8, "environment", "failed", "", "ValueError: a\n" + "b" * 300, 1.25, "")
    verdict = Verdict("k", 1, "isfdb://x/k@1", "not runnable", "failed", runs=(run, run))
    lines = [line for line in verdict.lines() if line.startswith("  run ")]
    assert len(lines) == 2 and max(map(len, lines)) <= 120 and lines[0].endswith("…")
    assert verdict.to_json()["runs"][0]["because"] == run.because


def test_control_characters_of_a_record_reach_no_terminal() -> None:
    forged = Verdict.from_json({"status": "identical", "key": "a\x1b[2Jb"})
    assert "\x1b" not in str(forged)


@pytest.mark.parametrize("members", [None, [], {}, {"status": "perfect"}])
def test_what_is_no_record_of_a_replay_is_refused(members: object) -> None:
    with pytest.raises(ValueError, match="no record of a replay"):
        Verdict.from_json(members)  # type: ignore[arg-type]


def test_members_of_wrong_types_are_left_out() -> None:
    forged = {"status": "close", "version": "7", "runs": [3, {"duration_s": True}], "evidence": [[1, 2], "x"], "tolerance": [], "notes": 5}
    found = Verdict.from_json(forged)
    assert (found.version, found.evidence, found.notes) == (0, (("1", "2"),), ())
    assert found.runs == (Run("", "", outcome=""),)
