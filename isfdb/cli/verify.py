"""``isfdb verify``: check every file against its digest; exit status 1 if anything is missing, changed or added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, database_members, open_to_read

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "check that every file is there and is what was stored"
EXAMPLES = """
isfdb verify results                the whole database
isfdb verify results rates          one key
isfdb verify results cells          one sub-database
isfdb verify results --json         findings for programs
isfdb verify results --against HEAD is all that a seal covered there and unchanged?
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", nargs="?", metavar="KEY", help="one key or sub-database only")
    parser.add_argument("--against", metavar="HEAD", help="the head of a seal, from a lab book, or the file of a seal kept elsewhere")
    parser.add_argument("--public-key", metavar="FILE", help="public Ed25519 key (PEM) with which the seal must be signed")
    add_json(parser, lines="a finding")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print findings; 1 if there are any."""
    from isfdb.verifying import verify

    db = open_to_read(arguments.db)
    findings = verify(db, key=arguments.key, progress=terminal.progress, against=arguments.against, public_key=arguments.public_key)
    colour = terminal.bad if findings else terminal.good
    members = findings.to_json()
    terminal.answer({"database": database_members(db), **members}, colour(str(findings)), members["findings"])
    return 1 if findings else 0
