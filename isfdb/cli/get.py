"""``isfdb get``: write out the files that a value consists of, as they were stored; a small value is printed as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, database_members, open_to_read, version_of_text

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "write out the files of a value; no code is run"
EXAMPLES = """
isfdb get results rates -o rates.npy        the file that was stored, checked on the way
isfdb get results rates -o .                under its own name, here
isfdb get results paper --version 1 -o .    an earlier version
isfdb get results settings                  a small value, printed as JSON
isfdb get results table > table.parquet     to standard output
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", metavar="KEY", help="the key, with / between sub-databases")
    parser.add_argument("-o", "--output", metavar="PATH", help="the file or folder to make, or a folder to put the file into")
    parser.add_argument("--version", dest="number", metavar="N", help="a version's number, a date or a digest (default: the newest)")
    parser.add_argument("--overwrite", action="store_true", help="replace a file")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Write the files and say where, or print the value."""
    from isfdb.display.safe import visible
    from isfdb.exporting.stored_files import print_file, stored_files, write_files

    db = open_to_read(arguments.db)
    stored = stored_files(db, arguments.key, version_of_text(arguments.number))
    path = write_files(stored, arguments.output, overwrite=arguments.overwrite) if arguments.output else None
    members = {"key": stored.key, "version": stored.number, "path": path, "files": sorted(stored.names.values()), "value": stored.value}
    if terminal.as_json or path:
        terminal.answer({"database": database_members(db), **members}, visible(path, 4000))
    elif stored.is_small:
        terminal.answer(None, stored.text)
    else:
        print_file(stored)
    return 0
