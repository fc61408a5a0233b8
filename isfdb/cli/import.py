"""``isfdb import``: copy a database that ISF wrote into format 1; exit status 1 if something could not be copied as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_json, database_members

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "copy a database that ISF wrote into one of our own"
EXAMPLES = """
isfdb import old new              all keys; what is there already is not copied again
isfdb import old new --trust      its pickles too: only if you know who wrote them
isfdb import old/A/db new         one sub-database
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    parser.add_argument("old", metavar="OLD", help="a database of ISF: its folder, or its id in the registry")
    parser.add_argument("new", metavar="NEW", help="where to: a folder, made if need be, or a database that is known")
    parser.add_argument("--trust", action="store_true", help="let the pickles of OLD run code while they are read, this once")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Copy, and print what could be copied and what not."""
    from isfdb.migration import import_isf
    from isfdb.opening import open as open_database

    old = open_database(arguments.old, mode="r", trust=arguments.trust)
    new = open_database(arguments.new, mode="a")
    imported = import_isf(old, new, progress=terminal.progress)
    colour = terminal.good if imported.is_complete else terminal.bad
    terminal.answer({"database": database_members(new), **imported.to_json()}, colour(str(imported)))
    return 0 if imported.is_complete else 1
