"""``isfdb attach``: store a copy of a file or folder, under its own name, as a version of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, database_members, open_to_change

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "store a copy of a file or folder"
EXAMPLES = """
isfdb attach results protocol paper.pdf          read it back: isfdb get results protocol -o .
isfdb attach results raw/monday recordings/      a folder with all in it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", metavar="KEY", help="under which key; a value of that name stays as an earlier version")
    parser.add_argument("file", metavar="FILE", help="the file or folder")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Store it, and say as which version."""
    from isfdb.display.safe import visible
    from isfdb.display.words import size_text

    db = open_to_change(arguments.db)
    made = db.attach(arguments.key, arguments.file)
    members = {"database": database_members(db), "key": arguments.key, "version": made.number, "link": made.link, "nbytes": made.nbytes}
    terminal.answer(members, f"{visible(arguments.key)} v{made.number}: {visible(arguments.file, 1000)}, {size_text(made.nbytes)}")
    return 0
