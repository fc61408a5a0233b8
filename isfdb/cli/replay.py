"""``isfdb replay``: make a value again, compare it with what is stored, and say why they differ; exit status 1 if it is not the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, database_members, open_to_note, version_of_text
from isfdb.replaying.arguments import add_replay_options, replay_options

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "make a value again, compare, and say why it differs"
EXAMPLES = """
isfdb replay results rates                          with the packages that are installed now
isfdb replay results rates --environment recorded   with those that were installed then
isfdb replay results rates --again --budget 5       run it again, and look longer for why it differs
isfdb replay results rates --changed-inputs         though files that it reads have changed
isfdb replay results rates --json                   the verdict for programs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", metavar="KEY", help="the key, with / between sub-databases")
    parser.add_argument("--version", dest="number", metavar="N", help="a version's number, a date or a digest (default: the newest)")
    add_replay_options(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the verdict; 1 if the value was not made again."""
    from isfdb.replaying.replays import replay

    db = open_to_note(arguments.db)
    version = version_of_text(arguments.number)
    verdict = replay(db, arguments.key, version=version, progress=terminal.progress, **replay_options(arguments))
    colour = terminal.good if verdict.same else terminal.bad
    first, _, rest = str(verdict).partition("\n")
    text = colour(first) + (f"\n{rest}" if rest else "")
    terminal.answer({"database": database_members(db), **verdict.to_json()}, text)
    return 0 if verdict.same else 1
