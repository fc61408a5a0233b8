"""``isfdb rename``: give a key, with all its versions and attributes, or a sub-database another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, database_members, open_to_change

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "give a key or a sub-database another name"
EXAMPLES = """
isfdb rename results rates firing_rates        with all its versions and attributes
isfdb rename results rates cells/rates         into a sub-database
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", metavar="KEY", help="what it is called now")
    parser.add_argument("new", metavar="NEW_KEY", help="what to call it; nothing of that name may be there")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Rename, and say so."""
    from isfdb.display.safe import visible

    db = open_to_change(arguments.db)
    db.rename(arguments.key, arguments.new)
    members = {"database": database_members(db), "key": arguments.new, "was": arguments.key}
    terminal.answer(members, f"{visible(arguments.key)} is now {visible(arguments.new)}")
    return 0
