"""``isfdb delete``: delete values, which is one more version of each key, or move a sub-database to the trash. Asks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isfdb.cli.common import add_database, add_json, database_members, open_to_change

if TYPE_CHECKING:
    import argparse

    from isfdb.cli.terminal import Terminal
    from isfdb.database import Database

SUMMARY = "delete values; says how to get them back"
EXAMPLES = """
isfdb delete results rates                its data stays readable until collect takes it
isfdb delete results a b c                several
isfdb delete results cells --recurse      a sub-database with all it holds, to the trash
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    add_database(parser)
    parser.add_argument("keys", nargs="+", metavar="KEY", help="keys, with / between sub-databases")
    parser.add_argument("--recurse", action="store_true", help="also sub-databases, with all they hold")
    add_json(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Delete, and say how to get it back."""
    db = open_to_change(arguments.db)
    _check(db, arguments.keys, recurse=arguments.recurse)
    deleted = [_delete(db, key) for key in arguments.keys]
    terminal.answer({"database": database_members(db), "deleted": deleted}, "\n".join(_told(arguments.db, one) for one in deleted))
    return 0


def _check(db: Database, keys: list[str], *, recurse: bool) -> None:
    """Refuse before anything is deleted, or half of a slip would be done."""
    from isfdb.display.words import count_text
    from isfdb.errors import KeyKindError

    for key in keys:
        if not db.is_sub_db(key):
            db.entry(key)
        elif not recurse:
            n_keys = count_text(len(db[key].keys(recurse=True)), "key")
            raise KeyKindError(f"{key!r} is a sub-database with {n_keys}. To delete it with all it holds: --recurse", key=key)


def _delete(db: Database, key: str) -> dict[str, Any]:
    if db.is_sub_db(key):
        del db[key]
        return {"key": key, "kind": "sub-database", "version": None}
    number = db.entry(key).newest.number
    del db[key]
    return {"key": key, "kind": "value", "version": number}


def _told(target: str, deleted: dict[str, Any]) -> str:
    import shlex

    from isfdb.display.safe import visible

    key = visible(deleted["key"])
    if deleted["kind"] == "sub-database":
        return f"deleted {key}: it lies in the database's folder .isfdb/trash until isfdb collect takes it from there"
    back = " ".join(shlex.quote(visible(word)) for word in ("isfdb", "copy", target, deleted["key"], deleted["key"]))
    return f"deleted {key}. Until isfdb collect takes its data: {back} --version {deleted['version']}"
