"""Verbs that look: open, ls, browse, show, log, find. Nothing is changed and no value is loaded."""

from __future__ import annotations

import re
from typing import Any, Final

from IPython.core.error import UsageError

from isfdb import display
from isfdb.database import Database
from isfdb.display.safe import visible
from isfdb.jupyter.here import Here, refuse_unexpanded
from isfdb.jupyter.lines import LineParser, near
from isfdb.jupyter.verbs.verb import Verb

_OPTION = re.compile(r"(?<!\S)--?[a-z][\w-]*")
_MOST_KEYS: Final = 1000
_FIND_OPTIONS: Final = ("--everywhere", "--stale")


def _open_words(parser: LineParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="a folder, or a name or id in the registry")
    parser.add_argument("--as", dest="name", metavar="NAME", default="db", help="the variable (default: db)")
    parser.add_argument("--mode", default="a", choices=("r", "r+", "a", "w-"), help='"r": read only (default: a)')


def _open(arguments: Any, here: Here) -> Database:
    if not arguments.name.isidentifier():
        raise UsageError(f"--as {visible(arguments.name, 40)!r} is no name of a variable. Write letters, digits and _.")
    refuse_unexpanded(arguments.target)
    from isfdb.opening import open as open_database

    here.opened = open_database(arguments.target, mode=arguments.mode)
    here.names[arguments.name] = here.opened
    return here.opened


def _ls(arguments: Any, here: Here) -> display.Text:
    db, key = here.database_or_key(arguments.words)
    if key is not None:
        if not db.is_sub_db(key):
            raise UsageError(f"{visible(key)!r} is a key, not a database. Look at it: %isfdb show {visible(key)}")
        db = db[key]
    return display.listing(db, depth=arguments.depth, max_keys=arguments.max or _MOST_KEYS, head=visible(db.name))


def _browse_words(parser: LineParser) -> None:
    parser.add_argument("--everywhere", action="store_true", help="browse all registered databases")


def _browse(arguments: Any, here: Here) -> Any:
    if arguments.everywhere:
        from isfdb import registry

        if arguments.words:
            raise UsageError("--everywhere browses all registered databases: name none")
        return registry.browse()
    db, key = here.database_or_key(arguments.words)
    is_sub = key is not None and db.is_sub_db(key)
    browser = (db[key] if key is not None and is_sub else db).browse()
    if key is not None and not is_sub:
        browser.selected = db.entry(key).key
    return browser


def _show(arguments: Any, here: Here) -> Any:
    db, key = here.key(arguments.words)
    return db.entry(key).preview() if arguments.preview else db.entry(key)


def _log(arguments: Any, here: Here) -> Any:
    from isfdb.display.history import log

    db, key = here.database_or_key(arguments.words)
    return log(db, key, last=arguments.last, cells=arguments.cells)


def _find_words(parser: LineParser) -> None:
    parser.add_argument("words", nargs="*", metavar="[DB] QUERY", help="a database, then words and conditions, as the command has them")


def _find(line: str, here: Here) -> Any:
    """Search; a query has quotes and signs of its own, so the line comes as it was written."""
    from isfdb.asking import find

    flags = _OPTION.findall(line)
    unknown = [flag for flag in flags if flag.startswith("--") and flag not in _FIND_OPTIONS]
    if unknown:
        raise UsageError(f"%isfdb find has no option {unknown[0]}.{near(unknown[0], _FIND_OPTIONS)} Help: %isfdb find --help")
    query = line.strip()
    for flag in _FIND_OPTIONS:
        query = re.sub(rf"(?<!\S){flag}(?!\S)", " ", query).strip()
    stale = True if "--stale" in flags else None
    if "--everywhere" in flags:
        return find(query=query, everywhere=True, stale=stale)
    first, _, rest = query.partition(" ")
    current = here.current_or_none()
    if isinstance(here.names.get(first), Database) or current is None:
        return find(here.database(first) if first else here.current(), rest, stale=stale)
    return find(current, query, stale=stale)


VERBS: Final = (
    Verb(
        "open",
        "open a database, or make one, and bind it to a variable",
        "TARGET",
        _open,
        "the isfdb.Database",
        "open results\nopen results --mode r --as old\nopen $folder",
        add_words=_open_words,
    ),
    Verb(
        "ls",
        "show the keys of a database as a tree",
        "[DB]",
        _ls,
        "a text that shows itself as a tree",
        "ls\nls cells\nls other --depth 1",
        ("depth", "max"),
    ),
    Verb(
        "browse",
        "search and look around with the mouse: values, code, lineage, versions",
        "[DB] [KEY]",
        _browse,
        "a browser; browser.selected is the key that is shown",
        "browse\nbrowse rates\nbrowse --everywhere",
        add_words=_browse_words,
    ),
    Verb(
        "show",
        "show what one key is and what made it; no value is loaded but for a preview",
        "[DB] KEY",
        _show,
        "an isfdb.entry.Entry; with --preview an isfdb.display.previewing.Preview",
        "show rates\nshow cells/L5PT\nshow other 'two words'\nshow {keys[0]}\nshow rates --preview",
        ("preview",),
    ),
    Verb(
        "log",
        "show what was stored when; with --cells also what ran",
        "[DB] [KEY]",
        _log,
        "a sequence of versions, oldest first",
        "log\nlog rates --cells\nlog -n 5",
        ("cells", "last"),
    ),
    Verb(
        "find",
        "find keys by what is known about them",
        "[DB] QUERY",
        _find,
        "an isfdb.searching.hits.Hits",
        "find *rates*\nfind type:frame since:2 days\nfind numpy<2 user:ann\nfind --stale\nfind --everywhere input:trials.csv",
        ("stale", "everywhere"),
        _find_words,
    ),
)
