"""Which databases are served, and which page an address means. Each page is made anew, from the folder as it is then."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, Final

from isfdb.display import html
from isfdb.display.safe import escape, visible
from isfdb.errors import (
    InvalidKeyError,
    IsfdbError,
    KeyKindError,
    KeyNotFoundError,
    OptionError,
    QueryError,
    StorageError,
    VersionGoneError,
)
from isfdb.opening import open as open_database
from isfdb.options import set_options
from isfdb.parts import refusing_code
from isfdb.provenance.session import KeptSessions, keeping_sessions
from isfdb.serving import frame
from isfdb.serving.addresses import Addresses
from isfdb.serving.answers import Answer, redirect
from isfdb.serving.heads import Request
from isfdb.serving.style import SHEET
from isfdb.serving.survey import Survey
from isfdb.serving.visit import Visit

#: Pages of a database, each made by the function ``show`` of a module in ``pages``.
PAGES: Final = {
    "": "overview",
    "keys": "key_list",
    "status": "status_list",
    "find": "found",
    "key": "one_key",
    "versions": "version_list",
    "diff": "two_versions",
    "lineage": "made_from",
    "files": "file_list",
    "file": "download",
    "log": "stored",
    "sessions": "session_list",
    "session": "one_session",
    "environments": "environment_list",
    "environment": "one_environment",
}

_ADDRESS: Final = re.compile(r"/([0-9A-Za-z_-]{1,80})(?:/([a-z]{0,20}))?")

#: What a record raises that nobody of ours wrote.
_FORGED: Final = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError, MemoryError)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Served:
    """One database that is served.

    Attributes
    ----------
    slug : str
        Its name in addresses: its id.
    id, prefix : str
        Of the topmost database, and its key in that one.
    name, path : str
    """

    slug: str
    id: str
    prefix: str
    name: str
    path: str
    survey: Survey = field(default_factory=Survey, compare=False, repr=False)


class Site:
    """The databases of one server.

    Parameters
    ----------
    find_databases : callable
        Gives the databases to serve; asked for every page, so that a registry may grow.
    """

    def __init__(self, find_databases: Callable[[], Sequence[Served]]) -> None:
        self._find = find_databases
        self._lock = threading.Lock()
        self._surveys: dict[tuple[str, str], Survey] = {}
        self._sessions: KeptSessions = {}

    def databases(self) -> dict[str, Served]:
        """Return what is served now, by slug."""
        return {one.slug: one for one in self._find()}

    def addresses(self, slug: str) -> Addresses:
        """Return where the pages of a database are.

        Raises
        ------
        KeyError
            It is not served.
        """
        databases = self.databases()
        return _addresses(databases[slug], databases)

    def answer(self, asked: Request) -> Answer:
        """Return the page that an address means."""
        if asked.path == "/style.css":
            return Answer(200, SHEET.encode(), "text/css; charset=utf-8")
        with set_options(capture=False, register=False), refusing_code(), keeping_sessions(self._sessions):
            try:
                return self._page(asked)
            except Exception:  # one page that fails must not take the server along
                logger.exception("a page could not be made")
                told = "<p>The reason stands where isfdb serve runs.</p>"
                return frame.alone("Error", f"<h1>This page could not be made</h1>{told}", status=500)

    def _page(self, asked: Request) -> Answer:
        databases = self.databases()
        if asked.path == "/":
            only = next(iter(databases.values())) if len(databases) == 1 else None
            return redirect(f"/{only.slug}/") if only else _front(tuple(databases.values()))
        match = _ADDRESS.fullmatch(asked.path)
        served = databases.get(match[1]) if match else None
        if match is None or served is None or (match[2] or "") not in PAGES:
            return frame.alone("Not found", f"<h1>There is no such page</h1><p>{frame.anchor('/', 'To the first page')}</p>", status=404)
        if match[2] is None:
            return redirect(f"/{served.slug}/")
        return self._page_of(served, databases, match[2], asked)

    def _page_of(self, served: Served, databases: dict[str, Served], page: str, asked: Request) -> Answer:
        to = _addresses(served, databases)
        try:
            db = open_database(served.path, mode="r")
        except (IsfdbError, OSError) as error:
            body = f"<h1>{escape(served.name)}</h1>{frame.problem(error)}<p>{frame.anchor('/', 'To the first page')}</p>"
            return frame.alone(served.name, body, status=404)
        visit = Visit(db, served.name, to, asked.query, self._survey(served), len(databases) > 1)
        try:
            answer: Answer = import_module(f"isfdb.serving.pages.{PAGES[page]}").show(visit)
        except (IsfdbError, OSError) as error:
            return _not_shown(visit, visible(error, 1000), _status(error))
        except _FORGED as error:
            logger.warning("a record could not be understood", exc_info=True)
            told = f"What is recorded cannot be understood: {type(error).__name__}: {visible(error, 300)}. Run isfdb verify."
            return _not_shown(visit, told, 500)
        return answer

    def _survey(self, served: Served) -> Survey:
        with self._lock:
            return self._surveys.setdefault((served.slug, served.path), Survey())


def _not_shown(visit: Visit, told: str, status: int) -> Answer:
    """Return a page that says why something is not shown, and where a key's other versions are."""
    key = visit.asked("key")
    others = frame.anchor(visit.to.page("versions", key=key), f"Versions of {key}") if key else ""
    body = f"<h1>This cannot be shown</h1>{frame.problem(told)}{f'<p>{others}</p>' if others else ''}"
    return frame.page(visit, "Not shown", body, status=status)


def _status(error: BaseException) -> int:
    """Return what an error of the database is to a browser. None is a failure of the server, whatever somebody forged or damaged."""
    if isinstance(error, (KeyNotFoundError, KeyKindError, VersionGoneError, FileNotFoundError)):
        return 404
    if isinstance(error, (InvalidKeyError, OptionError, QueryError)):
        return 400
    refused = error.__cause__ if isinstance(error, StorageError) else error
    return 503 if isinstance(refused, OSError) and refused.errno is not None else 422  # the disk says no for now, or it is damaged


def _addresses(served: Served, databases: dict[str, Served]) -> Addresses:
    return Addresses(served.slug, partial(_place_of, databases, served))


def _place_of(databases: dict[str, Served], preferred: Served, database_id: str) -> tuple[str, str] | None:
    """Return under which name a database is served, and the key in the topmost database under which it lies."""
    fitting = [one for one in (preferred, *databases.values()) if one.id == database_id]
    return (fitting[0].slug, fitting[0].prefix) if fitting else None


def _front(databases: Sequence[Served]) -> Answer:
    rows = [
        f'<tr><th scope="row">{frame.anchor(f"/{one.slug}/", one.name)}</th><td>{escape(one.path, 400)}</td>'
        f"<td><code>{escape(one.slug, 60)}</code></td></tr>"
        for one in databases
    ]
    table = html.table_around(("name", "where", "id"), "".join(rows), name="s-list") if rows else "<p>There is none.</p>"
    return frame.alone("Databases", f"<h1>Databases</h1>{table}")


def given(databases: Sequence[Any]) -> Callable[[], Sequence[Served]]:
    """Serve these databases, which are open."""
    served: dict[str, Served] = {}
    for db in databases:
        slug, number = db.id, 1
        while slug in served:  # a copy, which has the same id
            number += 1
            slug = f"{db.id}-{number}"
        served[slug] = Served(slug, str(db.root.id), db.prefix, db.name, db.path)
    return lambda: tuple(served.values())


def registered() -> Sequence[Served]:
    """Serve what the registry knows and is there: those that lie in another are found in it."""
    from isfdb import registry

    served: dict[str, Served] = {}
    for record in registry.databases():
        if record.present and not record.parent and record.id not in served:
            served[record.id] = Served(record.id, record.id, "", record.name, record.path)
    return tuple(served.values())
