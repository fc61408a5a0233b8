"""``isfdb show``: what one key is, the cell, code and packages that made it, and its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, database_members, open_to_read

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "show what one key is, what made it, and its versions"
EXAMPLES = """
isfdb show results rates            no value is loaded
isfdb show results cells/L5PT       a key in a sub-database
isfdb show results rates --preview  with a glimpse of the value: the course of an array, the head of a table
isfdb show results rates --json     with the whole metadata record
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", metavar="KEY", help="the key, with / between sub-databases")
    parser.add_argument("--preview", action="store_true", help="show something of the value as well; this reads data, and runs no code")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the key's story."""
    from isfdb.display.entries import entry_lines, entry_story

    db = open_to_read(arguments.db)
    entry = db.entry(arguments.key)
    story = entry_story(entry)
    members = {"database": database_members(db), **story.to_json(), "metadata": entry.newest.record}
    text = entry_lines(story, columns=terminal.columns)
    if arguments.preview:
        preview = entry.preview()
        members["preview"] = preview.to_json()
        text = f"{text}\n\n{preview}"
    terminal.answer(members, text)
    return 0
