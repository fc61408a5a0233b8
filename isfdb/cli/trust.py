"""``isfdb trust``: let values of a database run code when they are loaded (pickles written by somebody else)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isfdb.cli.common import add_json, database_members, open_to_read

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "let a database's pickles run when you load them"
EXAMPLES = """
isfdb trust colleague/results           from now on, at that place only
isfdb trust colleague/results --remove  no longer
isfdb trust --list                      which databases are trusted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("db", nargs="?", metavar="DB", help="a database: its folder, or its name or id in the registry")
    what.add_argument("--list", action="store_true", help="show which databases are trusted")
    parser.add_argument("--remove", action="store_true", help="take it off the list")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Change or show the list of trusted databases."""
    from isfdb import trust
    from isfdb.display.safe import visible

    if arguments.list:
        terminal.answer(list(trust.trusted()), _list_text(trust.trusted(), terminal.columns), trust.trusted())
        return 0
    db = open_to_read(arguments.db).root
    if arguments.remove:
        trust.distrust(db.id, db.path)
    else:
        trust.trust(db.id, db.path)
    words = "is no longer trusted" if arguments.remove else "is trusted: its values may run code when you load them"
    terminal.answer({"database": database_members(db), "trusted": not arguments.remove}, f"{visible(db.path, 1000)} {words}")
    return 0


def _list_text(trusted: tuple[dict[str, str], ...], columns: int | None) -> str:
    from isfdb.display.text import table_text

    rows: list[Any] = [(entry["since"], entry["id"], entry["path"]) for entry in trusted]
    return table_text(("since", "id", "path"), rows, columns=columns, flexible=2) if rows else "no database is trusted"
