"""Exit statuses are what the reference says: 2 for what cannot be done, 1 only where the table has a reason for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from isfdb.cli.main import main
from isfdb.cli.verbs import VERBS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"

#: What follows the verb, with {db} for a database that is not there.
WITHOUT_A_DATABASE = {
    "open": "{db} -c 1",
    "ls": "{db}",
    "show": "{db} k",
    "get": "{db} k",
    "log": "{db}",
    "find": "{db} k",
    "serve": "{db}",
    "code": "{db} k",
    "lineage": "{db} k",
    "diff": "{db} a b",
    "whence": "{db}",
    "verify": "{db}",
    "replay": "{db} k",
    "audit": "{db}",
    "seal": "{db}",
    "attributes": "{db} k",
    "rename": "{db} a b",
    "copy": "{db} a b",
    "delete": "{db} k",
    "attach": "{db} k file",
    "snapshot": "{db} k",
    "collect": "{db}",
    "report": "{db}",
    "export": "{db} -o out.zip",
    "import": "{db} new",
    "registry": "add {db}",
    "trust": "{db}",
}


def statuses() -> dict[str, str]:
    """What the reference says about exit status 1, by verb."""
    table = PAGE.read_text(encoding="utf-8").split("| verb | exit status 1 |\n|---|---|\n")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return {verb: meaning for verbs, meaning in rows for verb in re.findall("`([a-z]+)`", verbs)}


def test_every_verb_is_in_the_table_once_and_tested_here():
    assert sorted(statuses()) == sorted(VERBS)
    assert {*WITHOUT_A_DATABASE, "demo", "completion"} == set(VERBS)


@pytest.mark.parametrize(("verb", "rest"), WITHOUT_A_DATABASE.items())
def test_what_is_not_there_is_status_2_a_message_and_no_trace(verb: str, rest: str, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    status = main([verb, *rest.format(db=str(tmp_path / "none")).split()])
    captured = capsys.readouterr()
    assert (status, captured.out) == (2, "")
    assert re.match(rf"isfdb {verb}: .*none", captured.err)
    assert "Traceback" not in captured.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "demo"])
def test_misuse_is_status_2(verb: str, capsys):
    with pytest.raises(SystemExit) as stop:
        main([verb, "--no-such-option"])
    assert stop.value.code == 2
    assert f"isfdb {verb}" in capsys.readouterr().err
