"""``isfdb ls``: the keys of a database as a tree, with type, size, version and age."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from isfdb.cli.common import add_database, add_json, count, database_members, open_to_read

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from isfdb.cli.terminal import Terminal
    from isfdb.database import Database
    from isfdb.display.summaries import KeySummary
    from isfdb.entry import Version

SUMMARY = "show the keys of a database as a tree"
EXAMPLES = """
isfdb ls results                    everything
isfdb ls results cells              the sub-database "cells"
isfdb ls results --depth 1          the first level only
isfdb ls results --json             for programs
isfdb ls results --jsonl            one key a line, as it is found, of any number
"""


#: Keys that a tree looks into.
MOST = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("sub_database", nargs="?", metavar="SUB", help="a sub-database in it")
    parser.add_argument("--depth", type=count, metavar="N", help="levels to show (default: all)")
    parser.add_argument("--max", type=count, metavar="N", help="keys to look into; the rest is counted (default: 1000; with --jsonl: all)")
    add_json(parser, lines="a key or a sub-database")


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
    if terminal.as_lines:
        terminal.lines(islice(_rows(db, "", arguments.depth), arguments.max))
        return 0
    told = branch(db, depth=arguments.depth, max_keys=arguments.max or MOST)
    head = f"{terminal.strong(visible(db.name))}  {count_text(told.n_members, 'name')}  {visible(db.path, 1000)}"
    terminal.answer({"database": database_members(db), **told.to_json()}, f"{head}\n{tree_text(told, columns=terminal.columns)}".rstrip())
    return 0


def _rows(db: Database, prefix: str, depth: int | None) -> Iterator[dict[str, Any]]:
    """Give what is in a database key by key: of a million keys the first is seen at once."""
    from isfdb.display.summaries import UNREADABLE, Branch, KeySummary

    for name in db:
        key = f"{prefix}{name}"
        try:
            below = db[name] if db.is_sub_db(name) else None
            told = _of_a_tree(db.entry(name).newest, key, name) if below is None else Branch(key, name, (), len(below.keys()))
        except UNREADABLE as error:
            below, told = None, KeySummary(key=key, name=name, what="unreadable", problem=str(error))
        members = told.to_json()
        yield {fact: value for fact, value in members.items() if fact != "members"}
        if below is not None and depth != 1:
            yield from _rows(below, f"{key}/", None if depth is None else depth - 1)


def _of_a_tree(version: Version, key: str, name: str) -> KeySummary:
    """Summarise a key as a tree does, so that both forms of JSON say the same."""
    from dataclasses import replace

    from isfdb.display.badges import VerdictsRead, badges_of
    from isfdb.display.summaries import version_summary

    return replace(version_summary(version, key, name), badges=badges_of(version, VerdictsRead()))
