"""What one verb of ``%isfdb`` is: its words, its options, and what it calls. Options that the command has, too, are taken from there."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from isfdb.cli.verbs import VERBS as COMMANDS
from isfdb.cli.verbs import module_of
from isfdb.jupyter.here import Here
from isfdb.jupyter.lines import LineParser

_DATABASE: Final = "a variable, folder, name or id (default: the one opened last)"
_COMMON: Final = {
    "[DB]": _DATABASE,
    "[DB] KEY": f"KEY: the key, with / between sub-databases; DB: {_DATABASE}",
    "[DB] [KEY]": f"KEY: one key only; DB: {_DATABASE}",
}


def no_more(parser: LineParser) -> None:
    """Add nothing to what a verb has."""


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes
    ----------
    name : str
    summary : str
        What it does, in a few words.
    words : str
        What may stand behind it, as help shows it. ``"[DB] KEY"``, ``"[DB] [KEY]"`` and ``"[DB]"`` need no `add_words`.
    run : callable
        Takes the parsed line and what is known of the session; returns an object.
    gives : str
        What that object is.
    examples : str
        Lines as a user would write them, without the magic's name.
    options : tuple of str
        Options of the command of the same name that the magic has, by the names of their values.
    add_words : callable
        Adds what only the magic has.
    """

    name: str
    summary: str
    words: str
    run: Callable[[Any, Here], Any]
    gives: str
    examples: str
    options: tuple[str, ...] = ()
    add_words: Callable[[LineParser], None] = field(default=no_more)

    def parser(self) -> LineParser:
        """Return the parser of its lines."""
        examples = textwrap.indent("\n".join(f"%isfdb {line}" for line in self.examples.strip().splitlines()), "  ")
        parser = LineParser(
            prog=f"%isfdb {self.name}",
            usage=f"%(prog)s {self.words} [options]",
            description=f"{self.summary[0].upper()}{self.summary[1:]}.",
            epilog=f"examples:\n{examples}",
        )
        if self.words in _COMMON:
            parser.add_argument("words", nargs="+" if self.words.endswith(" KEY") else "*", metavar=self.words, help=_COMMON[self.words])
        self.add_words(parser)
        if self.options:
            _take(parser, self.name, self.options)
        parser.add_argument("-h", "--help", action="store_true", help="show this")
        return parser


def options_of(command: str) -> dict[str, Any]:
    """Return the options of a command by the names of their values, as argparse holds them."""
    parser = LineParser(prog=command)
    if command in COMMANDS:
        module_of(command).add_arguments(parser)
    found: dict[str, Any] = {}
    for action in parser._actions:
        if action.option_strings:
            found.setdefault(action.dest, action)
    return found


def _take(parser: LineParser, command: str, wanted: tuple[str, ...]) -> None:
    """Add options as the command defines them: what they mean is written once."""
    known = options_of(command)
    for name in wanted:
        parser._add_action(known[name])
