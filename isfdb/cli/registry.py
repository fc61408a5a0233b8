"""``isfdb registry``: where the databases are: list, add, find, scan, adopt, forget, prune, new-id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isfdb.cli.common import add_json

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal

SUMMARY = "know where the databases are: list, add, find, scan, adopt, forget, prune, new-id"
EXAMPLES = """
isfdb registry list                      all databases that are known
isfdb registry add results --name rates  note one, under a name
isfdb registry find rates                by name, path or id
isfdb registry scan /data                look for databases in a folder tree
isfdb registry adopt other.sqlite        take over what another registry knows
isfdb registry forget rates              off the list; the database stays
isfdb registry prune                     take off what no longer lies where it was
isfdb registry new-id copy-of-results    a copy becomes a database of its own
"""

_ACTIONS = {
    "list": ("all databases that are known", None),
    "add": ("note a database", ("path", "the folder of a database")),
    "find": ("databases whose name, path or id contains a text", ("text", "part of a name, path or id")),
    "scan": ("look for databases in a folder tree and note them", ("path", "where to begin")),
    "adopt": ("take over what another registry knows", ("path", "the file of the other registry")),
    "forget": ("take a database off the registry; it stays as it is", ("target", "a path, name or id")),
    "prune": ("take off what no longer lies where it was", None),
    "new-id": ("make a copied database one of its own", ("path", "the folder of the copy")),
}


#: Those that answer with databases alone.
_LISTS = ("list", "add", "find", "scan", "forget", "prune")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (summary, argument) in _ACTIONS.items():
        action = actions.add_parser(name, help=summary, description=summary)
        if argument:
            action.add_argument("target", metavar=argument[0].upper(), help=argument[1])
        if name == "add":
            action.add_argument("--name", help="what to call it from now on")
        if name == "prune":
            action.add_argument("--other-hosts", action="store_true", help="also what was last seen from another computer")
        add_json(action, lines="a database" if name in _LISTS else "")


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Do it, and print what came of it."""
    answer = _answer(arguments, terminal)
    text = f"its new id is {answer}" if arguments.action == "new-id" else _text(answer, terminal.columns)
    if arguments.action == "prune":
        text = f"taken off the registry:\n{text}" if answer else "nothing is missing, as seen from this computer"
    members = {"id": answer} if arguments.action == "new-id" else answer.to_json()
    terminal.answer(members, text, members if isinstance(members, list) else ())
    return 0


def _text(answer: Any, columns: int | None) -> str:
    """Return a table that fits the terminal; what else there is to say as it is."""
    from isfdb.display.text import table_text
    from isfdb.registry.records import DatabaseRecords

    if not isinstance(answer, DatabaseRecords) or not answer:
        return str(answer)
    rows = answer.table()
    if columns is not None:
        rows = _narrowed(rows, columns)
    return table_text(rows[0], rows[1:], columns=columns)


def _narrowed(rows: list[tuple[str, ...]], columns: int) -> list[tuple[str, ...]]:
    """Make a table fit a terminal: without ids, which nobody types, and of paths the end, which tells them apart."""
    from isfdb.display.safe import fit_end, width

    def taken(rows: list[tuple[str, ...]]) -> int:
        return sum(max(width(row[place]) for row in rows) + 2 for place in range(len(rows[0]) - 1))

    if taken(rows) + max(width(row[-1]) for row in rows) > columns:
        rows = [(row[0], *row[2:]) for row in rows]
    left = max(columns - taken(rows), 12)
    return [(*row[:-1], fit_end(row[-1], left)) for row in rows]


def _answer(arguments: argparse.Namespace, terminal: Terminal) -> Any:
    from isfdb import registry
    from isfdb.registry.records import DatabaseRecords

    match arguments.action:
        case "list":
            return registry.databases()
        case "add":
            return DatabaseRecords([registry.add(arguments.target, name=arguments.name)])
        case "find":
            return registry.find(arguments.target)
        case "scan":
            return registry.scan(arguments.target, progress=terminal.progress)
        case "adopt":
            return registry.adopt(arguments.target)
        case "forget":
            return registry.forget(arguments.target)
        case "prune":
            return registry.prune(other_hosts=arguments.other_hosts)
        case _:
            return registry.give_new_id(arguments.target)
