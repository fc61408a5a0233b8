"""docs/reference/cli.md says what the parser knows. ``python tests/cli/test_reference.py`` writes its second half anew."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from isfdb.cli.main import VERBS, main, parser

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


@pytest.mark.parametrize(
    "words",
    [
        ("ls",),
        ("show", "rates"),
        ("log", "--cells"),
        ("lineage", "rates"),
        ("code", "rates"),
        ("code", "rates", "--check", "--trust"),
        ("diff", "rates", "cells/L5PT"),
        ("verify",),
        ("audit", "--no-replay"),
        ("collect", "--dry-run"),
    ],
    ids=" ".join,
)
def test_every_member_of_the_json_is_described(words: tuple[str, ...], db, capsys):
    db["rates"] = 1
    db["cells/L5PT"] = 2
    main([words[0], db.path, *words[1:], "--json"])
    written = PAGE.read_text(encoding="utf-8")
    missing = {name for name in _names(json.loads(capsys.readouterr().out)) if f"`{name}`" not in written}
    assert not missing


def _names(members: object) -> set[str]:
    if isinstance(members, list):
        return set().union(*[_names(member) for member in members])
    if not isinstance(members, dict):
        return set()
    # What loaderdumpers describe, records hold and users note is theirs to name; sessions are named by their ids.
    own = {"describe", "metadata", "attributes", "made", "facts"}
    return set(members) - _ids(members) | set().union(*[_names(member) for name, member in members.items() if name not in own])


def _ids(members: dict) -> set[str]:
    return {name for name in members if name[:2] == "20" and "T" in name}


if __name__ == "__main__":
    head = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(f"{head}{MARK}\n{reference()}", encoding="utf-8")
