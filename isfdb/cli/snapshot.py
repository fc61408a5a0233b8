"""``isfdb snapshot``: freeze what a managed folder or a shared store holds now, as a version that verify vouches for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, database_members, open_to_change

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "freeze what a managed folder or a shared store holds now"
EXAMPLES = """
isfdb snapshot results raw          of what may change in place; any other value is frozen as it is
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", metavar="KEY", help="the key, with / between sub-databases")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Freeze it, and say as which version."""
    from isfdb.display.safe import visible

    db = open_to_change(arguments.db)
    made = db.snapshot(arguments.key)
    members = {"database": database_members(db), "key": arguments.key, "version": made.number, "link": made.link}
    terminal.answer(members, f"{visible(arguments.key)} v{made.number} holds what is there now")
    return 0
