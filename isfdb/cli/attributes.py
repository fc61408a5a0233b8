"""``isfdb attributes``: show and change what is noted about a key. The data is not touched, and earlier notes stay in the history."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from isfdb.cli.common import add_database, add_json, database_members, open_to_change, open_to_read

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "show and change what is noted about a key"
EXAMPLES = """
isfdb attributes results rates                  all of them
isfdb attributes results rates unit             one
isfdb attributes results rates unit Hz          note one
isfdb attributes results rates trials 12        JSON is understood: 12, true, null, [1, 2]; all else is text
isfdb attributes results rates run 007 --text   text, whatever it looks like
isfdb attributes results rates unit --remove    forget one
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("key", metavar="KEY", help="the key, with / between sub-databases")
    parser.add_argument("name", nargs="?", metavar="NAME", help="one attribute")
    parser.add_argument("value", nargs="?", metavar="VALUE", help="what to note")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--text", action="store_true", help="note VALUE as text, though it be JSON")
    how.add_argument("--remove", action="store_true", help="forget NAME")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Change what is asked for, and print what is noted then; 1 if there is no such attribute."""
    name, value = arguments.name, arguments.value
    _check(arguments)
    changes = value is not None or arguments.remove
    db = open_to_change(arguments.db) if changes else open_to_read(arguments.db)
    db.entry(arguments.key)  # says that there is no such key
    notes = db.attributes[arguments.key]
    if name is not None and value is None and name not in notes:
        terminal.answer(_members(db, arguments.key, {}), f"nothing is noted under {name!r}")
        return 1
    if arguments.remove:
        del notes[name]
    elif value is not None:
        notes[name] = value if arguments.text else _understood(value)
    shown = {name: notes[name]} if name is not None and not arguments.remove else dict(notes)
    terminal.answer(_members(db, arguments.key, shown), _told(shown))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    from isfdb.errors import OptionError

    if arguments.remove and (arguments.name is None or arguments.value is not None):
        raise OptionError("--remove takes the name of an attribute and no value: isfdb attributes DB KEY NAME --remove.")
    if arguments.text and arguments.value is None:
        raise OptionError("--text takes a value: isfdb attributes DB KEY NAME VALUE --text.")


def _understood(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _members(db: Any, key: str, notes: dict[str, Any]) -> dict[str, Any]:
    from isfdb.exact_json import encode

    return {"database": database_members(db), "key": key, "attributes": encode(notes, dates=True, numpy_scalars=True)}


def _told(notes: dict[str, Any]) -> str:
    from isfdb.display.text import pairs_text

    shown = [(name, value if isinstance(value, str) else repr(value)) for name, value in notes.items()]
    return pairs_text(shown) or "nothing is noted"
