"""``isfdb collect``: reclaim the data of replaced and deleted versions; records and code stay for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, count, database_members

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "reclaim the data of replaced and deleted versions"
EXAMPLES = """
isfdb collect results --dry-run     what could be reclaimed; changes nothing
isfdb collect results               replaced data goes to the trash, later off the disk
isfdb collect results --keep 3      the three newest versions of each key stay
isfdb collect results --keep all    only what dead writers left
"""


def _keep(text: str) -> int | str:
    return text if text == "all" else count(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("--dry-run", action="store_true", help="change nothing, say what would be reclaimed")
    parser.add_argument("--keep", type=_keep, metavar="N", help='newest versions of each key that keep their data: a number, or "all"')
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Reclaim, and print what."""
    from isfdb.opening import open as open_database

    db = open_database(arguments.db, mode="r" if arguments.dry_run else "r+")
    collected = db.collect(dry_run=arguments.dry_run, keep=arguments.keep, progress=terminal.progress)
    terminal.answer({"database": database_members(db), **collected.to_json()}, str(collected))
    return 0
