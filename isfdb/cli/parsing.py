"""The command line as argparse knows it: verbs, their options and their help. Runs nothing."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from typing import Any

from isfdb.cli.verbs import VERBS, groups_text, module_of
from isfdb.display.safe import visible_lines
from isfdb.nearness import hint, nearest

_ABOUT = "Look into databases of results: what is there, what made it, is it whole."
_EPILOG = """\
exit status:
  0  done
  1  done, and something was found: a changed file, a difference, a failed demo
  2  not done: misuse, or an error that the message names
  130 interrupted by Ctrl-C

examples:
  isfdb demo                     a first look: makes the folder isfdb-demo
  isfdb ls results               the tree of keys
  isfdb show results rates       what one key is, and what made it
  isfdb diff results rates       what changed since the version before, and why
  isfdb code results rates       the script that made it
  isfdb verify results           is everything whole and unchanged?
  isfdb audit results            and does its code still make it?
  isfdb registry list            where all the databases are
  isfdb VERB --help              what a verb can do, with examples
"""


class _Parser(argparse.ArgumentParser):
    """argparse, with examples kept as they are written and nothing from the command line able to act on the terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> Any:
        super().error(visible_lines(message))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, and refuse what is left over here, where the verb's own options are known."""
        found, extras = super().parse_known_args(args, namespace)
        if extras:
            options = [text for action in self._actions for text in action.option_strings if text.startswith("--")]
            self.error(f"unrecognized arguments: {' '.join(extras)}.{hint(nearest(extras[0], options))}")
        return found, extras


def parser(verbs: Sequence[str] = VERBS) -> argparse.ArgumentParser:
    """Return the parser of the command line, or of some of its verbs: only their modules are imported."""
    is_whole = tuple(verbs) == VERBS
    about = f"{_ABOUT}\n\n{groups_text()}" if is_whole else _ABOUT
    top = _Parser(prog="isfdb", usage="isfdb [--version] VERB ...", description=about, epilog=_EPILOG)
    top.add_argument("--version", action="store_true", help="print the version and stop")
    choices = top.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser, prog="isfdb", help=argparse.SUPPRESS)
    for verb in verbs:
        _add(choices, verb)
    return top


def _add(choices: Any, verb: str) -> None:
    module = module_of(verb)
    summary = str(module.SUMMARY)
    epilog = "examples:\n" + textwrap.indent(module.EXAMPLES.strip("\n"), "  ")
    one = choices.add_parser(verb, description=summary[0].upper() + summary[1:], epilog=epilog)
    module.add_arguments(one)
    one.set_defaults(run=module.run)


def parsed(words: list[str]) -> argparse.Namespace:
    """Parse a command line with no more modules than its verb's."""
    verb = words[0] if words else ""
    if verb in VERBS:
        return parser((verb,)).parse_args(words)
    if verb and not verb.startswith("-"):
        parser(()).error(f"there is no verb {verb!r}.{hint(nearest(verb, VERBS))} All verbs: isfdb --help")
    return parser(() if verb == "--version" else VERBS).parse_args(words)
