"""``isfdb copy``: store a version again, byte for byte and with its provenance, under another key or as the newest of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, database_members, open_to_change, version_of_text

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "store a value again under another key, or an earlier version as the newest"
EXAMPLES = """
isfdb copy results rates rates_of_may           same files, same provenance
isfdb copy results rates rates --version 2      recover what was overwritten or deleted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", metavar="KEY", help="the key, with / between sub-databases")
    parser.add_argument("new", metavar="NEW_KEY", help="where to; a value of that name stays as an earlier version")
    parser.add_argument("--version", dest="number", metavar="N", help="a version's number, a date or a digest (default: the newest)")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Copy, and say which version that made."""
    from isfdb.display.safe import visible

    db = open_to_change(arguments.db)
    made = db.copy(arguments.key, arguments.new, version=version_of_text(arguments.number))
    members = {"database": database_members(db), "key": arguments.new, "version": made.number, "link": made.link}
    terminal.answer(members, f"{visible(arguments.new)} v{made.number} is a copy of {visible(arguments.key)}")
    return 0
