"""``isfdb diff`` as a hurried user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import isfdb
from isfdb.cli.main import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with isfdb.open("./results") as db, isfdb.open("./old") as old:
        for last in (1.0, 2.0, 2.0):
            db["rates"] = np.array([0.0, last])
        db["cells/L5PT"] = db["other"] = 3
        old["rates"] = np.array([0.0, 1.0])
    return tmp_path


@pytest.mark.parametrize(
    ("words", "status", "head"),
    [
        ("results rates", 0, "rates: v2 → v3"),
        ("results rates@1", 1, "rates: v1 → v3"),
        ("results rates@1 rates@2", 1, "rates: v1 → v2"),
        ("results rates@1 @2", 1, "rates: v1 → v2"),
        ("results rates 1 2", 1, "rates: v1 → v2"),
        ("results rates v2 v3", 0, "rates: v2 → v3"),
        ("results rates other", 1, "rates@3 → other@1"),
        ("results cells/L5PT other", 0, "cells/L5PT@1 → other@1"),
        ("results rates old", 1, "results rates@3 → old rates@1"),
        ("results old rates", 1, "results rates@3 → old rates@1"),
        ("results rates@1 old rates@1", 0, "results rates@1 → old rates@1"),
        ("results old", 1, "results → old: 2 only in the first, 1 changed, 0 keys the same"),
        ("results results", 0, None),
        ("results rates@1 --atol 2", 0, "rates: v1 → v3"),
    ],
)
def test_the_words_mean_what_one_would_guess(folder: Path, words: str, status: int, head: str | None, capsys):
    assert main(["diff", *words.split()]) == status
    out = capsys.readouterr().out
    assert head is None or out.splitlines()[0] == head


def test_links_are_compared(folder: Path, capsys):
    links = [version.link for version in isfdb.open("results").versions("rates")]
    assert main(["diff", *links[:2]]) == 1
    assert main(["diff", links[0]]) == 1
    assert main(["diff", *links[1:]]) == 0
    assert "rates: v1 → v3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("results", "these words mean one database, and two are compared"),
        ("results rate", "'rate' is neither a key of results nor a database. Did you mean 'rates'?"),
        ("results rates@9", "'rates' has no version 9; it has 1 to 3"),
        ("results rates other rates", "these words mean 3 values or databases"),
        ("nowhere rates", "there is no database at"),
        ("results other", "'other' has version 1 only"),
        ("isfdb://x y", "is no link"),
        ("results rates --rtol -1", "is no number from 0"),
    ],
)
def test_misuse_teaches(folder: Path, words: str, message: str, capsys):
    try:
        status = main(["diff", *words.split()])
    except SystemExit as error:
        status = error.code
    assert status == 2
    assert message in capsys.readouterr().err


def test_json_is_for_programs(folder: Path, capsys):
    assert main(["diff", "results", "rates@1", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["first"], told["second"], told["status"], told["same"]) == ("v1", "v3", "different", False)
    assert told["value"]["measures"]["largest_absolute"] == 1.0
    assert [axis["name"] for axis in told["axes"]] == ["inputs", "code", "packages", "machine", "risks", "made"]
