"""Arguments that several verbs share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isfdb.database import Database


def add_database(parser: argparse.ArgumentParser) -> None:
    """Add the argument DB."""
    parser.add_argument("db", metavar="DB", help="a database: its folder, or its name or id in the registry")


def add_json(parser: argparse.ArgumentParser, *, lines: str = "") -> None:
    """Add how the answer is given: ``--json``, for verbs that give many rows ``--jsonl``, and ``--no-pager``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    lines : str
        What a line of ``--jsonl`` holds; empty where there are no rows.
    """
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print JSON for programs; its members are described in the reference")
    if lines:
        how.add_argument("--jsonl", action="store_true", help=f"print one JSON object a line: {lines}")
    parser.add_argument("--no-pager", action="store_true", help="print a long text as it is")


def count(text: str) -> int:
    """Return the number that an argument such as ``--last`` gives."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1")
    return int(text)


def open_to_read(target: str) -> Database:
    """Open a database without changing anything in it."""
    from isfdb.opening import open as open_database

    return open_database(target, mode="r")


def open_to_change(target: str) -> Database:
    """Open a database to change it; none is made, for a slip of the finger would make one."""
    from isfdb.opening import open as open_database

    return open_database(target, mode="r+")


def open_to_note(target: str) -> Database:
    """Open a database in which a note is left, where it can be written; nothing is made."""
    from isfdb.errors import DatabaseError
    from isfdb.opening import open as open_database

    try:
        return open_database(target, mode="r+")
    except DatabaseError:
        return open_to_read(target)


def version_of_text(text: str | None) -> Any:
    """Return which version is meant: a number, else a date or a digest."""
    return count(text) if text is not None and text.isdecimal() and len(text) < 6 else text


def database_members(db: Database) -> dict[str, Any]:
    """Return the members that say which database an answer is about."""
    return {"id": db.id, "name": db.name, "path": db.path}
