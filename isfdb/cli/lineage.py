"""``isfdb lineage``: what a value was made from, or what was made from it, as a tree, a picture or a diagram."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from isfdb.cli.common import add_database, add_json, count, database_members, open_to_read

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "show what a value was made from, or what was made from it"
EXAMPLES = """
isfdb lineage results rates                              a tree: values, files, code, environment
isfdb lineage results raw --direction downstream         what was made from it, in every registered database
isfdb lineage results rates --format svg -o rates.svg    a picture
isfdb lineage results rates --format mermaid             a diagram for Markdown
isfdb lineage results rates --git                        ask git whether the code that was used differs now
"""
FORMATS = ("text", "mermaid", "dot", "svg", "html", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", metavar="KEY", help="the key, with / between sub-databases")
    directions = ("upstream", "downstream", "both")
    parser.add_argument("--direction", default="upstream", choices=directions, metavar="D", help="upstream (default), downstream or both")
    parser.add_argument("--depth", type=count, metavar="N", help="how many stored values to follow one after the other")
    parser.add_argument("--version", dest="number", type=count, metavar="N", help="the version (default: the newest)")
    parser.add_argument("--git", action="store_true", help="ask git whether the code that was used differs now")
    parser.add_argument("--format", default="text", choices=FORMATS, metavar="F", help=f"one of {', '.join(FORMATS)} (default: text)")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there; a file of that name is replaced")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the lineage, or write it to a file."""
    from isfdb.display.safe import visible
    from isfdb.tracing.walk import lineage

    db = open_to_read(arguments.db)
    found = lineage(db, arguments.key, direction=arguments.direction, depth=arguments.depth, version=arguments.number, git=arguments.git)
    members = {"database": database_members(db), **found.to_json()}
    if arguments.output is None:
        terminal.answer(members, found.to(arguments.format, columns=terminal.columns).rstrip("\n"))
        return 0
    target = os.path.abspath(arguments.output)
    with open(target, "w", encoding="utf-8") as file:
        file.write(found.to(arguments.format).rstrip("\n") + "\n")
    terminal.answer(members, visible(target, 4000))
    return 0
