"""Badges say in words what is to be noticed, from records that may hold anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isfdb.display.badges import SIGNS, Badge, VerdictsRead, badges_of, git_badge, risks_badge
from isfdb.display.icons import icon
from isfdb.display.summaries import KeySummary

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def on_record(db: Any, key: str, *verdicts: Any) -> None:
    """Put down what came of replays, as `isfdb.replay` does."""
    record = db.entry(key).newest.record["record"]
    folder = Path(db.path) / ".isfdb" / "replays"
    folder.mkdir(parents=True, exist_ok=True)
    members = {"format": 1, "verdicts": [{"signature": None, "verdict": one} for one in verdicts]}
    (folder / f"{record}.json").write_text(json.dumps(members))


def words_of(db: Any, key: str) -> list[str]:
    return [badge.words for badge in badges_of(db.entry(key).newest, VerdictsRead())]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ({"commit": COMMIT, "branch": "main", "dirty": True}, "uncommitted changes"),
        ({"commit": COMMIT, "branch": "main", "dirty": False}, None),
        ({"commit": None, "snapshot": "x"}, "not in git"),
        ({}, None),
        (None, None),
        (7, None),
        ({"commit": 5, "dirty": "yes", "branch": ["x"]}, "uncommitted changes"),
    ],
)
def test_the_state_of_git_is_a_badge_where_it_matters(code: Any, words: str | None):
    badge = git_badge(code)
    assert (badge.words if badge else None) == words


def test_a_clean_commit_is_named_where_there_is_room():
    badge = git_badge({"commit": COMMIT, "dirty": False, "branch": "main"}, commit=True)
    assert badge is not None
    assert badge.words == "commit 0123456789"
    assert COMMIT in badge.title


def test_risks_are_counted_and_their_kinds_named():
    badge = risks_badge(["unseeded random numbers", "clock", "clock"])
    assert badge is not None
    assert badge.words == "3 risks"
    assert badge.title == "to making it again: clock (2), unseeded random numbers"
    assert risks_badge([]) is None


@pytest.mark.parametrize("status", SIGNS)
def test_the_newest_verdict_on_record_is_a_badge(db: Any, status: str):
    db["x"] = 1
    on_record(db, "x", {"status": "identical"}, {"status": status, "because": "inputs", "when": "2026-11-21T10:00:00+00:00"})
    badge = badges_of(db.entry("x").newest, VerdictsRead())[0]
    assert badge.words == status
    assert "because: inputs" in badge.title
    assert "2026-11-21 10:00:00 UTC" in badge.title
    assert badge.words in badge.html
    assert status in db._repr_mimebundle_()["text/plain"]
    assert status in db._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("verdicts", [[], [7], [{"status": "<script>"}], [{"status": None}], [{"status": ["x"]}], [None]])
def test_a_record_of_a_replay_that_cannot_be_understood_is_no_badge(db: Any, verdicts: list[Any]):
    db["x"] = 1
    before = words_of(db, "x")
    on_record(db, "x", *verdicts)
    assert words_of(db, "x") == before


def test_beyond_the_bytes_for_a_tree_a_verdict_is_told_without_its_outcome(db: Any):
    db["x"] = 1
    on_record(db, "x", {"status": "identical", "detail": "x" * 1000})
    version = db.entry("x").newest
    badge = VerdictsRead(max_bytes=100).badge(version._storage, version.record)
    assert badge is not None
    assert badge.words == "replayed"


def test_what_was_reclaimed_deleted_or_may_change_says_so(db: Any):
    db["x"] = 1
    db.create_managed_folder("mine")
    del db["x"]
    assert [badge.words for badge in badges_of(db.versions("x")[-1])] == ["deleted"]
    assert "may change" in words_of(db, "mine")


def test_a_badge_is_escaped():
    shown = Badge("<b>", "bad", '"><script>', "✗").html
    assert "<b>" not in shown
    assert "<script>" not in shown


@pytest.mark.parametrize(
    ("describe", "dumper", "sign"),
    [
        ({"type": "ndarray"}, "", "▤"),
        ({"type": "dask Array"}, "", "◌"),
        ({"type": "polars DataFrame"}, "", "▦"),
        ({"type": "LinearRegression"}, "sklearn_to_skops", "ƒ"),
        ({"type": "Figure"}, "figure", "◪"),
        ({"type": 7}, "", "•"),
        ({}, "attachment", "▱"),
        ({"type": ""}, "", "•"),
    ],
)
def test_every_kind_of_value_has_a_sign(describe: dict[str, Any], dumper: str, sign: str):
    assert icon(KeySummary("k", "k", describe=describe, dumper=dumper)) == sign
