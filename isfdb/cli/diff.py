"""``isfdb diff``: in what two versions, keys or databases differ, and what may explain it; exit status 1 if they do."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from isfdb.cli.common import add_json, open_to_read

if TYPE_CHECKING:
    from isfdb.cli.terminal import Terminal

SUMMARY = "show in what two versions, keys or databases differ"
EXAMPLES = """
isfdb diff results rates                    the newest version and the one before
isfdb diff results rates@1 rates@3          two versions; or: results rates 1 3
isfdb diff results rates@1                  version 1 and the newest
isfdb diff results rates other_rates        two keys
isfdb diff results old_results rates        one key in two databases
isfdb diff results rates old_results r      two keys in two databases
isfdb diff results old_results              which keys differ; no value is loaded
isfdb diff isfdb://...@1 isfdb://...@2      two links
isfdb diff results rates --rtol 1e-9        differences below that do not count
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    parser.add_argument("words", nargs="+", metavar="DB|KEY|LINK", help="databases, keys with or without @VERSION, or isfdb:// links")
    parser.add_argument(
        "--rtol", type=_tolerance, default=0.0, metavar="R", help="count numbers as close that differ by this share (default: 0)"
    )
    parser.add_argument(
        "--atol", type=_tolerance, default=0.0, metavar="A", help="count numbers as close that differ by this much (default: 0)"
    )
    add_json(parser)


def _tolerance(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not number >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0")
    return number


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print what differs; 1 if anything does."""
    from isfdb.comparing.differences import diff
    from isfdb.comparing.words import meant

    found = diff(*meant(arguments.words, open_to_read), rtol=arguments.rtol, atol=arguments.atol)
    head, _, rest = str(found).partition("\n")
    terminal.answer(found.to_json(), f"{terminal.strong(head)}\n{rest}".rstrip())
    return 0 if found.same else 1
