"""``isfdb find``: the keys that match a query, in one database or in all; exit status 1 if there are none."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from isfdb.cli.common import add_json, count, database_members, open_to_read

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "find keys by what is known about them"
EXAMPLES = """
isfdb find results rates                         the word anywhere: key, type, user, inputs, code ...
isfdb find results '*rates*'                     a pattern for the key
isfdb find results user:ann since:2 days         conditions; all must hold
isfdb find results 'numpy<2' 'size>1MB'          quotes keep the shell from reading < and >
isfdb find results unit=Hz 'text:butter('        an attribute; a text in the code
isfdb find results not user:ann                  what does not match
isfdb find --everywhere input:trials.csv         all registered databases
isfdb find results --stale                       made from what has changed since
isfdb find results dirty:yes --json              for programs

fields: key since before time user host commit branch dirty package dumper type shape size attribute
input risk label text digest version stale; the reference describes them
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    parser.add_argument("words", nargs="*", metavar="DB QUERY", help="a database (not with --everywhere), then words and conditions")
    parser.add_argument("--stale", action="store_true", help="only what was made from versions, files or code that have changed since")
    parser.add_argument("--everywhere", action="store_true", help="search all registered databases")
    parser.add_argument("-n", "--last", type=count, metavar="N", help="show only the newest N (default: all)")
    add_json(parser, lines="a hit")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print hits; 1 if there are none."""
    from isfdb.asking import find
    from isfdb.errors import QueryError

    words = list(arguments.words)
    if not words and not arguments.everywhere:
        raise QueryError("say where to search, isfdb find DB QUERY, or search everywhere: isfdb find --everywhere QUERY")
    db = None if arguments.everywhere else open_to_read(words.pop(0))
    hits = find(db, " ".join(words), everywhere=arguments.everywhere, stale=arguments.stale or None)
    if terminal.as_lines:
        terminal.lines(hit.to_json() for hit in islice(hits, arguments.last))
        return 0 if hits else 1
    members = hits.to_json()
    members["hits"] = members["hits"][: arguments.last]
    terminal.answer({"database": database_members(db) if db else None, **members}, hits.text(terminal.columns, arguments.last))
    return 0 if hits else 1
