"""``isfdb ls``: the keys of a database as a tree, with type, size, version and age."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, count, database_members, open_to_read

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "show the keys of a database as a tree"
EXAMPLES = """
isfdb ls results                    everything
isfdb ls results cells              the sub-database "cells"
isfdb ls results --depth 1          the first level only
isfdb ls results --json             for programs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("sub_database", nargs="?", metavar="SUB", help="a sub-database in it")
    parser.add_argument("--depth", type=count, metavar="N", help="levels to show (default: all)")
    parser.add_argument("--max", type=count, default=1000, metavar="N", help="keys to look into; the rest is counted (default: 1000)")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the tree."""
    from isfdb.display.safe import visible
    from isfdb.display.summaries import branch
    from isfdb.display.text import tree_text
    from isfdb.display.words import count_text
    from isfdb.errors import KeyKindError

    db = open_to_read(arguments.db)
    if arguments.sub_database:
        if not db.is_sub_db(arguments.sub_database):
            message = f"{arguments.sub_database!r} is no sub-database of {db.path}. For a key: isfdb show DB KEY"
            raise KeyKindError(message, key=arguments.sub_database)
        db = db[arguments.sub_database]
    told = branch(db, depth=arguments.depth, max_keys=arguments.max)
    head = f"{terminal.strong(visible(db.name))}  {count_text(told.n_members, 'name')}  {visible(db.path, 1000)}"
    terminal.answer({"database": database_members(db), **told.to_json()}, f"{head}\n{tree_text(told, columns=terminal.columns)}".rstrip())
    return 0
