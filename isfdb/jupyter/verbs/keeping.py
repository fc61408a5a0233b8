"""Verbs that keep things in order: collect, registry, trust."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from IPython.core.error import UsageError

from isfdb import display
from isfdb.database import Database
from isfdb.display.safe import visible
from isfdb.jupyter.here import Here, refuse_unexpanded
from isfdb.jupyter.lines import LineParser
from isfdb.jupyter.verbs.verb import Verb

#: What can be done with the registry -> what it takes.
REGISTRY: Final = {
    "list": "",
    "add": "the folder of a database",
    "find": "part of a name, path or id",
    "scan": "the folder where to begin",
    "adopt": "the file of another registry",
    "forget": "a path, name or id",
    "prune": "",
    "new-id": "the folder of a copy",
}


def _collect(arguments: Any, here: Here) -> Any:
    db = here.one_database(arguments.words, "r" if arguments.dry_run else "r+")
    return db.collect(dry_run=arguments.dry_run, keep=arguments.keep, progress=True)


def _registry_words(parser: LineParser) -> None:
    parser.add_argument("action", metavar="ACTION", choices=tuple(REGISTRY), nargs="?", default="list", help=", ".join(REGISTRY))
    parser.add_argument("target", metavar="TARGET", nargs="?", help="; ".join(f"{name}: {what}" for name, what in REGISTRY.items() if what))
    parser.add_argument("--name", metavar="NAME", help="with add: what to call it from now on")
    parser.add_argument("--other-hosts", action="store_true", help="with prune: also what was last seen from another computer")


def _registry(arguments: Any, here: Here) -> Any:
    from isfdb import registry
    from isfdb.registry.records import DatabaseRecords

    action = arguments.action
    target = _target(action, arguments.target, here)
    if action == "list":
        return registry.databases()
    if action == "prune":
        return registry.prune(other_hosts=arguments.other_hosts)
    if action == "add":
        return DatabaseRecords([registry.add(target, name=arguments.name)])
    functions: dict[str, Callable[[str], Any]] = {
        "find": registry.find,
        "scan": registry.scan,
        "adopt": registry.adopt,
        "forget": registry.forget,
        "new-id": registry.give_new_id,
    }
    return functions[action](target)


def _target(action: str, word: str | None, here: Here) -> str:
    """Return what an action is about; a variable that is a database stands for its folder."""
    if word is None and REGISTRY[action]:
        raise UsageError(f"%isfdb registry {action} takes {REGISTRY[action]}: %isfdb registry {action} TARGET")
    if word is not None and not REGISTRY[action]:
        raise UsageError(f"%isfdb registry {action} takes nothing more, not {visible(word, 60)!r}")
    variable = here.names.get(word or "")
    refuse_unexpanded(word or "")
    return variable.root.path if isinstance(variable, Database) else word or ""


def _trust_words(parser: LineParser) -> None:
    parser.add_argument("--list", action="store_true", help="show which databases are trusted")


def _trust(arguments: Any, here: Here) -> display.Text:
    from isfdb import trust
    from isfdb.display.text import table_text

    if arguments.list:
        rows: list[Any] = [(entry["since"], entry["id"], entry["path"]) for entry in trust.trusted()]
        return display.Text(table_text(("since", "id", "path"), rows) if rows else "no database is trusted")
    if len(arguments.words) != 1:
        raise UsageError("say which database is meant, since its values may then run code: %isfdb trust DB; or: %isfdb trust --list")
    db = here.database(arguments.words[0]).root
    (trust.distrust if arguments.remove else trust.trust)(db.id, db.path)
    words = "is no longer trusted" if arguments.remove else "is trusted: its values may run code when you load them"
    return display.Text(f"{visible(db.path, 1000)} {words}")


VERBS: Final = (
    Verb(
        "collect",
        "reclaim the data of replaced and deleted versions",
        "[DB]",
        _collect,
        "what was reclaimed",
        "collect --dry-run\ncollect\ncollect results --keep 3",
        ("dry_run", "keep"),
    ),
    Verb(
        "registry",
        "know where the databases are",
        "ACTION [TARGET]",
        _registry,
        "records of databases; of new-id, the id",
        "registry list\nregistry find rates\nregistry add results --name rates\nregistry scan /data\nregistry forget rates",
        add_words=_registry_words,
    ),
    Verb(
        "trust",
        "let a database's pickles run when you load them",
        "[DB]",
        _trust,
        "a text",
        "trust colleague/results\ntrust colleague/results --remove\ntrust --list",
        ("remove",),
        _trust_words,
    ),
)
