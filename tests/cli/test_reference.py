"""docs/reference/cli.md says what the parser knows. ``python tests/cli/test_reference.py`` writes its second half anew."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import pytest

from isfdb.cli.main import main
from isfdb.cli.parsing import parser
from isfdb.cli.verbs import VERBS

ISF = Path(__file__).parents[1] / "compatibility" / "data" / "isf" / "written_by_isf"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
MARK = "<!-- From here on written by tests/cli/test_reference.py -->\n"


def _sub_parsers(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return next((dict(action.choices) for action in of._actions if isinstance(action, argparse._SubParsersAction)), {})


def _rows(of: argparse.ArgumentParser) -> list[str]:
    actions = [action for action in of._actions if not isinstance(action, (argparse._HelpAction, argparse._SubParsersAction))]
    return [f"| `{_name(action)}` | {(action.help or '').replace('|', ', ')} |" for action in actions]


def _name(action: argparse.Action) -> str:
    metavar = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return f"[{metavar}]" if action.nargs == "?" else metavar
    return f"{', '.join(action.option_strings)} {metavar}".strip()


def _section(title: str, of: argparse.ArgumentParser, level: int = 2) -> str:
    lines = [f"{'#' * level} `{title}`", "", f"{(of.description or '').strip('.')}.", ""]
    rows = _rows(of)
    if rows:
        lines += ["| argument | meaning |", "|---|---|", *rows, ""]
    if of.epilog:
        examples = of.epilog.removeprefix("examples:\n")
        lines += ["```text", *[line.removeprefix("  ") for line in examples.splitlines()], "```", ""]
    return "\n".join([*lines, *[_section(f"{title} {name}", action, level + 1) for name, action in _sub_parsers(of).items()]])


def reference() -> str:
    verbs = _sub_parsers(parser())
    return "\n".join(_section(f"isfdb {verb}", verbs[verb]) for verb in VERBS).rstrip() + "\n"


def test_the_reference_is_what_the_parser_knows():
    assert PAGE.read_text(encoding="utf-8").partition(MARK)[2].strip() == reference().strip(), f"run: python {Path(__file__).name}"


#: At least one call of each verb that answers in JSON; {db} is a database, {file} a file.
CALLS = """
ls {db}
show {db} rates
get {db} rates
get {db} protocol
log {db} --cells
find {db} rates
code {db} rates
code {db} rates --check --trust
lineage {db} rates
diff {db} rates cells/L5PT
whence {file}
verify {db}
replay {db} rates --trust
audit {db} --no-replay --seal
seal {db}
attributes {db} rates
rename {db} rates trace
copy {db} rates trace
delete {db} rates cells --recurse
attach {db} notes {file}
snapshot {db} rates
collect {db} --dry-run
report {db} -o page.html
export {db} -o bundle.zip
import {isf} new
registry list
registry add {db}
registry find results
registry scan .
registry prune
registry new-id {db}
registry forget {db}
trust {db}
trust --list
""".strip().splitlines()

#: Verbs that talk to people only.
_FOR_PEOPLE = {"demo", "open", "completion"}
#: It goes on until it is ended; test_serve.py reads what it answers.
_ENDLESS = {"serve"}


def test_every_verb_that_answers_in_json_is_called_below():
    assert {line.split()[0] for line in CALLS} | _FOR_PEOPLE | _ENDLESS >= set(VERBS)
    with_json = {verb for verb, one in _sub_parsers(parser()).items() if "--json" in one.format_help()}
    assert not with_json & _FOR_PEOPLE


@pytest.fixture
def told(db, tmp_path: Path, monkeypatch, capsys):
    """What a call answers with, its exit status, and the same as lines."""
    monkeypatch.chdir(tmp_path)
    db["rates"] = 1
    db["cells/L5PT"] = 2
    Path("notes.txt").write_text("notes")
    db.attach("protocol", "notes.txt")
    db.attributes["rates"]["unit"] = "Hz"
    old = shutil.copytree(ISF, "isf")

    def call(line: str, *options: str) -> tuple[int, str]:
        status = main([*line.format(db=db.path, file="notes.txt", isf=old).split(), *options])
        return status, capsys.readouterr().out

    yield call
    main(["trust", db.path, "--remove"])


@pytest.mark.parametrize("line", CALLS)
def test_every_member_of_the_json_is_described(line: str, told):
    status, out = told(line, "--json")
    assert status in (0, 1)
    assert out.isascii()
    written = PAGE.read_text(encoding="utf-8")
    assert not {name for name in _names(json.loads(out)) if f"`{name}`" not in written}


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("ls {db} --depth 1", "members"),
        ("find {db} rates", "hits"),
        ("log {db}", "versions"),
        ("verify {db}", "findings"),
        ("audit {db} --no-replay", "rows"),
        ("registry list", None),
        ("registry find results", None),
    ],
)
def test_lines_are_the_rows_of_the_json(line: str, rows: str | None, told):
    status, out = told(line, "--json")
    whole = json.loads(out)
    again, out = told(line, "--jsonl")
    expected = whole[rows] if rows else whole
    assert again == status
    assert [json.loads(one) for one in out.splitlines()] == [{n: v for n, v in row.items() if n != "members"} for row in expected]


def test_json_and_lines_exclude_each_other(told):
    with pytest.raises(SystemExit):
        told("ls {db}", "--json", "--jsonl")


def _names(members: object) -> set[str]:
    if isinstance(members, list):
        return set().union(*[_names(member) for member in members])
    if not isinstance(members, dict):
        return set()
    # What loaderdumpers describe, records hold and users note is theirs to name; sessions are named by their ids.
    own = {"describe", "metadata", "attributes", "made", "facts"} | ({"counts"} & set(members) if "is_complete" in members else set())
    return set(members) - _ids(members) | set().union(*[_names(member) for name, member in members.items() if name not in own])


def _ids(members: dict) -> set[str]:
    return {name for name in members if name[:2] == "20" and "T" in name}


if __name__ == "__main__":
    head = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(f"{head}{MARK}\n{reference()}", encoding="utf-8")
