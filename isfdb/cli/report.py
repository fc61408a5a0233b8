"""``isfdb report``: write one HTML page about a database: keys with previews, what ran, is it whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, open_to_read

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "write one HTML page about a database"
EXAMPLES = """
isfdb report results                       writes results-report.html here
isfdb report results --to page.html        somewhere else
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("--to", metavar="FILE", help="the page to write (default: NAME-report.html)")
    parser.add_argument("--no-verify", action="store_true", help="do not check the files")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Write the page and say where."""
    from isfdb.display.safe import visible
    from isfdb.reporting.page import write_report

    db = open_to_read(arguments.db)
    path = write_report(db, arguments.to or f"{db.name}-report.html", verify=not arguments.no_verify)
    terminal.answer({"path": path}, visible(path, 4000))
    return 0
