"""docs/reference/magics.md says what the magics know. ``python tests/jupyter/test_magics_reference.py`` writes its second half anew."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from isfdb.cli.verbs import VERBS as COMMANDS
from isfdb.jupyter.caching import cell_magic as caching
from isfdb.jupyter.magics import overview
from isfdb.jupyter.verbs import VERBS
from isfdb.jupyter.verbs.verb import options_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "magics.md"
MARK = "<!-- From here on written by tests/jupyter/test_magics_reference.py -->\n"

#: What a command line needs and an object does not: its output is printed, coloured, paged and cut to the terminal.
OF_THE_SHELL = {
    "json",
    "jsonl",
    "help",
    "output",
    "format",
    "color",
    "colour",
    "no_color",
    "no_colour",
    "pager",
    "no_pager",
    "quiet",
    "yes",
}
#: Options of a command that its magic does without, and why.
LEFT_OUT = {
    "audit": {
        "allow": "they make the exit status; audit.problems(allow=...)",
        "at_least": "the same",
        "junit": "audit.to_junit()",
        "seal": "%isfdb seal",
        "sign": "%isfdb seal --sign",
        "rows": "audit.to_text(most=...)",
    },
    "find": {"last": "hits[:10]"},
    "export": {"to": "required, as nothing is printed"},
    "report": {"audit": "a variable that holds the audit, not a file"},
    "open": {"write": "--mode", "code": "the notebook runs code"},
    "trust": {"list": "of its own"},
}
#: Commands that are no magics, and why.
NO_MAGIC = {
    "demo": "made in a shell",
    "serve": "a server does not end with its cell",
    "completion": "of shells",
    **{verb: f"a method: db.{verb}" for verb in ("attach", "attributes", "copy", "get", "rename", "snapshot")},
    "delete": "del db[key]",
}


def _rows(parser: Any) -> list[str]:
    return [f"| `{_name(action)}` | {(action.help or '').replace('|', ', ').replace('%%', '%')} |" for action in parser._actions]


def _name(action: Any) -> str:
    metavar = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    if action.choices and not action.metavar:
        metavar = " or ".join(action.choices)
    return (f"{', '.join(action.option_strings)} {metavar}" if action.option_strings else metavar).strip().replace("|", "\\|")


def _gives(text: str) -> str:
    return re.sub(r"(isfdb\.[\w.]*[A-Z]\w*)", r"{py:class}`\1`", text)


def _section(name: str) -> str:
    verb, parser = VERBS[name], VERBS[name].parser()
    examples = [f"%isfdb {line}" for line in verb.examples.strip().splitlines()]
    lines = [f"## `%isfdb {name} {verb.words}`", "", f"{parser.description}", f"Gives {_gives(verb.gives)}.", ""]
    lines += ["| argument | meaning |", "|---|---|", *_rows(parser), "", "```text", *examples, "```", ""]
    return "\n".join(lines)


def reference() -> str:
    return "\n".join([*[_section(name) for name in VERBS], _cache()]).rstrip() + "\n"


def _cache() -> str:
    parser = caching.parser()
    about = "How it decides, and what it cannot see: {doc}`../how-to/keep-the-value-of-a-slow-cell`."
    lines = ["## `%%isfdb cache [DB] KEY`", "", parser.description, "Gives the value, where no variable for it is named.", about, ""]
    examples = [line.strip() for line in caching.EXAMPLES.strip().splitlines()[1:]]
    return "\n".join([*lines, "| argument | meaning |", "|---|---|", *_rows(parser), "", "```text", *examples, "```", ""])


def test_the_reference_is_what_the_magics_know():
    assert PAGE.read_text(encoding="utf-8").partition(MARK)[2].strip() == reference().strip(), f"run: python {Path(__file__).name}"


def test_every_command_is_a_magic_or_has_a_reason_not_to_be():
    assert set(COMMANDS) - set(VERBS) <= set(NO_MAGIC)


@pytest.mark.parametrize("name", sorted(set(VERBS) & set(COMMANDS) - {"registry"}))
def test_every_option_of_a_command_is_one_of_its_magic_or_has_a_reason_not_to_be(name: str):
    missing = set(options_of(name)) - set(VERBS[name].options) - OF_THE_SHELL - set(LEFT_OUT.get(name, {}))
    assert not missing, f"add {missing} to the magic %isfdb {name}, or say here why not"


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_with_examples_that_can_be_parsed(name: str):
    verb = VERBS[name]
    assert f"%isfdb {name}" in overview()
    assert verb.summary[0].islower() and not verb.summary.endswith(".")
    assert "examples:" in verb.parser().format_help()
    for line in verb.examples.strip().splitlines():
        assert line.split()[0] == name
        if name != "find":
            verb.parser().parse_args(line.split()[1:])


if __name__ == "__main__":
    head = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(f"{head}{MARK}\n{reference()}", encoding="utf-8")
