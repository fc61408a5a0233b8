"""Answers ``isfdb.find``: which keys match, in one database or in all that are registered. The search itself is in ``isfdb.searching``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isfdb import registry
from isfdb.database import Database
from isfdb.errors import IsfdbError, QueryError
from isfdb.opening import open as open_database
from isfdb.options import set_options
from isfdb.registry.records import DatabaseRecord
from isfdb.searching.hits import Hit, Hits, Unsearched
from isfdb.searching.query import Query, parse
from isfdb.searching.search import search


def find(  # the word that users look for
    db: Database | None = None,
    query: str = "",
    *,
    everywhere: bool = False,
    key: Any = None,
    since: Any = None,
    before: Any = None,
    time: Any = None,
    user: Any = None,
    host: Any = None,
    commit: Any = None,
    branch: Any = None,
    dirty: bool | None = None,
    package: Any = None,
    dumper: Any = None,
    type: Any = None,
    shape: Any = None,
    size: Any = None,
    attribute: Any = None,
    input: Any = None,
    risk: Any = None,
    label: Any = None,
    text: Any = None,
    digest: Any = None,
    version: Any = None,
    stale: bool | None = None,
) -> Hits:
    """Find keys by what is known about their values; no value is loaded.

    Parameters
    ----------
    db : Database, optional
        Where to search; a sub-database is searched alone.
    query : str
        Words and conditions, of which all must hold: ``"user:ann numpy<2 size>1MB *spikes*"``. A word matches anything that is known;
        with ``*`` or ``?`` it is a pattern for the key.
    everywhere : bool
        Search all registered databases; those that are missing or cannot be read are named in the result.
    key, since, before, time, user, host, commit, branch, dirty, package, dumper, type, shape, size, attribute, input, risk, label, text, \
digest, version, stale : optional
        The conditions of the query by name. Texts are taken as they are; a list gives alternatives; ``since`` and ``before`` take
        dates, times and durations; ``shape`` takes a tuple; ``attribute`` takes ``"unit=Hz"`` or ``{"unit": "Hz"}``. What is stale was
        made from versions, files or code that have changed since.

    Returns
    -------
    Hits
        Key, version, link and why it matched; where a word stands in the key first, then the newest.

    Raises
    ------
    QueryError
        The query cannot be understood.

    Examples
    --------
    >>> import isfdb, tempfile
    >>> db = isfdb.open(tempfile.mkdtemp())
    >>> db["rates"] = [1.5, 2.5]
    >>> db.attributes["rates"]["unit"] = "Hz"
    >>> isfdb.find(db, "type:list unit=Hz").keys
    ('rates',)
    """
    keywords = dict(  # noqa: C408 - each name stands here once, not twice
        key=key, since=since, before=before, time=time, user=user, host=host, commit=commit, branch=branch, dirty=dirty,
        package=package, dumper=dumper, type=type, shape=shape, size=size, attribute=attribute, input=input, risk=risk,
        label=label, text=text, digest=digest, version=version, stale=stale,
    )  # fmt: skip
    asked = _understood(db, query, keywords, everywhere=everywhere)
    if everywhere:
        return _everywhere(asked)
    assert db is not None  # refused above
    return answer(db, asked)


def answer(db: Database, query: Query) -> Hits:
    """Answer a query that is understood already."""
    return _with_notes(search(db, query, _stale), query)


def _understood(db: Any, query: Any, keywords: Mapping[str, Any], *, everywhere: bool) -> Query:
    if db is not None and not isinstance(db, Database):
        cure = "Open it first: isfdb.find(isfdb.open('results', 'r'), 'rates'), or search all: isfdb.find(query='rates', everywhere=True)."
        raise QueryError(f"isfdb.find takes a database, not {db!r:.80}. {cure}")
    if db is None and not everywhere:
        raise QueryError("isfdb.find needs a database, as in isfdb.find(db, 'rates'), or everywhere=True to search all registered ones.")
    if not isinstance(query, str):
        raise QueryError(f"a query is text, such as 'user:ann *rates*', not {query!r:.80}.")
    return parse(query, keywords)


def _stale(db: Database, keys: Sequence[str]) -> dict[str, str]:
    """Say which keys were made from what has changed since, and what that is."""
    from isfdb.tracing.stale import stale_keys  # seldom asked for, and not light

    return {key: f"stale: {reasons[0]}" for key, reasons in stale_keys(db, keys).items() if reasons} if keys else {}


def _with_notes(hits: Hits, query: Query) -> Hits:
    """Say what a name was taken for, where nothing was found by it."""
    if hits or not query.guessed:
        return hits
    names = ", ".join(dict.fromkeys(query.guessed))
    note = f"no key has {names} as an attribute, or as an installed package, with such a value. The fields are listed in isfdb.find's help."
    return Hits((), unreadable=hits.unreadable, unsearched=hits.unsearched, notes=(*hits.notes, note), n_searched=hits.n_searched)


def _everywhere(query: Query) -> Hits:
    found: list[Hit] = []
    unreadable: list[Unsearched] = []
    unsearched: list[Unsearched] = []
    n_searched = 0
    for record in _distinct(unsearched):
        try:
            with set_options(register=False):
                database = open_database(record.path, "r")
            hits = search(database, query, _stale)
        except (IsfdbError, OSError) as error:
            unsearched.append(Unsearched(record.path, "", str(error)))
            continue
        found += hits
        unreadable += hits.unreadable
        n_searched += hits.n_searched
    found.sort(key=lambda hit: hit.created, reverse=True)
    hits = Hits(found, unreadable=unreadable, unsearched=unsearched, n_searched=n_searched, several=True)
    return _with_notes(hits, query)


def _distinct(unsearched: list[Unsearched]) -> list[DatabaseRecord]:
    """Return the databases to search, each once: those that lie in another are searched with it. Missing ones are noted."""
    records = {record.path: record for record in registry.databases()}
    chosen: list[DatabaseRecord] = []
    for _, record in sorted(records.items()):
        if not record.present:
            unsearched.append(Unsearched(record.path, "", f"it is missing; it was last seen on {record.host}, {record.last_seen[:10]}"))
        elif not any(f"{record.path}/".startswith(f"{one.path}/") and record.parent for one in chosen):
            chosen.append(record)
    return chosen
