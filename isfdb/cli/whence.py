"""``isfdb whence``: where an exported figure, table or other file came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_json

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "find where an exported file came from"
EXAMPLES = """
isfdb whence figure.png             the cell that wrote it, the values behind it, the code
isfdb whence table.csv --json       the same for programs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    parser.add_argument("file", metavar="FILE", help="a figure, table or other file that a session wrote")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print where the file came from; 1 where no known database tells."""
    from isfdb.origins import whence

    found = whence(arguments.file)
    terminal.answer(found.to_json(), str(found))
    return 0 if found else 1
