"""``isfdb log``: what was stored when, newest first; with --cells, the cells that ran, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, count, database_members, open_to_read

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "show what was stored when, and which cells ran"
EXAMPLES = """
isfdb log results                   every version of every key
isfdb log results rates             the versions of one key
isfdb log results rates --cells     and all that its session ran, failed cells included
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", nargs="?", metavar="KEY", help="one key only")
    parser.add_argument("--cells", action="store_true", help="show the cells of the sessions that stored these versions")
    parser.add_argument("-n", "--last", type=count, metavar="N", help="only the newest N versions")
    add_json(parser, lines="a version, newest first")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print versions, and cells if asked for."""
    from isfdb.display.history import log

    db = open_to_read(arguments.db)
    found = log(db, arguments.key, last=arguments.last, cells=arguments.cells)
    members = found.to_json()
    terminal.answer({"database": database_members(db), **members}, found.text(terminal.columns), members["versions"])
    return 0
