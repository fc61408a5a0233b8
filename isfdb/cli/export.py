"""``isfdb export``: PROV-JSON, an RO-Crate, or a bundle that explains itself; exit status 1 if something had to be left out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, database_members, open_to_read

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal
    from isfdb.database import Database

SUMMARY = "write results and what made them, for people and programs that have no isfdb"
EXAMPLES = """
isfdb export results rates -o rates.zip           a bundle: data, code, a script that reads the data without isfdb
isfdb export results cells -o cells.zip           a sub-database
isfdb export results -o crate --format ro-crate   an RO-Crate, as a folder
isfdb export results rates --format prov          PROV-JSON, on standard output
isfdb export results -o records.zip --no-data     records and code only
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", nargs="?", metavar="KEY", help="one key, or a sub-database, only")
    parser.add_argument("-o", "--to", metavar="FILE", help="a .json, a .zip, or a folder to make; PROV-JSON is printed without it")
    parser.add_argument(
        "--format",
        choices=("bundle", "prov", "ro-crate"),
        metavar="F",
        help="bundle, prov or ro-crate (default: prov for .json, else bundle)",
    )
    parser.add_argument("--bundle", dest="format", action="store_const", const="bundle", help="the same as --format bundle")
    parser.add_argument("--no-data", action="store_true", help="records and code only")
    parser.add_argument("--versions", choices=("newest", "all"), default="newest", metavar="V", help="newest or all (default: newest)")
    parser.add_argument("--inputs", action="store_true", help="take along the input files that still are what was read")
    parser.add_argument("--licence", metavar="L", help="under which others may use it: a URL, or words")
    parser.add_argument("--overwrite", action="store_true", help="replace a file, or an older export")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Export, and print what was exported and what not."""
    from isfdb.exporting.run import export

    db = open_to_read(arguments.db)
    if arguments.to is None:
        return _print(db, arguments)
    exported = export(
        db,
        arguments.to,
        key=arguments.key,
        format=arguments.format,
        data=not arguments.no_data,
        versions=arguments.versions,
        inputs=arguments.inputs,
        licence=arguments.licence,
        overwrite=arguments.overwrite,
    )
    colour = terminal.good if exported.is_complete else terminal.bad
    terminal.answer({"database": database_members(db), **exported.to_json()}, colour(str(exported)))
    return 0 if exported.is_complete else 1


def _print(db: Database, arguments: argparse.Namespace) -> int:
    from isfdb.display.safe import for_terminal
    from isfdb.errors import OptionError
    from isfdb.exporting.run import prov_text
    from isfdb.exporting.subject import subject_of

    if arguments.format != "prov":
        raise OptionError("say where to write: isfdb export DB -o FILE. Only PROV-JSON is printed, with --format prov.")
    subject = subject_of(db, arguments.key, arguments.versions)
    text = prov_text(subject, data=not arguments.no_data)
    print(for_terminal(text) if sys.stdout.isatty() else text, end="")
    return 1 if subject.problems else 0
