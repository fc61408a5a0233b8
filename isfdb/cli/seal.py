"""``isfdb seal``: write down one digest over all that a database holds, for a lab book."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, database_members, open_to_change

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "make one digest over all that a database holds, for a lab book"
EXAMPLES = """
isfdb seal results                        write the digest down; isfdb verify results --against DIGEST
isfdb seal results --sign key.pem         signed with a private Ed25519 key
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("--sign", metavar="KEYFILE", help="sign the seal with a private Ed25519 key (PEM)")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Seal, and print the digest."""
    from isfdb.sealing.seals import seal

    db = open_to_change(arguments.db)
    made = seal(db, sign=arguments.sign)
    terminal.answer({**made.to_json(), "database": database_members(db.root)}, str(made))
    return 0
