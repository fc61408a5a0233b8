"""Searches one database: lists its keys, takes what is kept of them, reads the rest, asks each condition, keeps what was learnt."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload
from urllib.parse import quote

from isfdb.display.words import what_text
from isfdb.keys import folder_name
from isfdb.layout.current import KEY_SUFFIX
from isfdb.listing import are_ordinary, list_folder
from isfdb.searching.full_text import Anything
from isfdb.searching.hits import Hit, Hits, Unsearched
from isfdb.searching.kept import Kept
from isfdb.searching.query import Query
from isfdb.searching.reading_keys import Place
from isfdb.searching.reading_processes import read_many
from isfdb.searching.table import Table
from isfdb.searching.terms import OfKey, OneOf, Term, needles_of
from isfdb.storage.base import Storage

Stale = Callable[[Any, Sequence[str]], Mapping[str, str]]

_SHOWN = ("key", "number", "created", "nbytes", "what", "shape", "dumper")


class _Found(Sequence[Hit]):
    """Hits that are made when they are looked at: a query may find a hundred thousand."""

    def __init__(self, table: Table, rows: list[int], terms: tuple[Term, ...], prefix: str, database: Any) -> None:
        self._table, self._rows, self._terms, self._prefix = table, rows, terms, prefix
        self._id, self._path = str(database.root.id), str(database.path)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...
    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        if isinstance(index, slice):
            return [self._hit(row) for row in self._rows[index]]
        return self._hit(self._rows[index])

    def _hit(self, row: int) -> Hit:
        key, number, created, nbytes, what, shape, dumper = [self._table.column(name)[row] for name in _SHOWN]
        described = {"shape": shape.split("x")} if shape else {}
        return Hit(
            key=key.removeprefix(self._prefix),
            number=number,
            link=f"isfdb://{self._id}/{quote(key)}@{number}",
            why=tuple(term.why(self._table, row) for term in self._terms),
            database=self._path,
            created=datetime.datetime.fromtimestamp(created, datetime.UTC),
            nbytes=nbytes,
            what=what_text({"type": what, **described}, dumper),
        )


def search(database: Any, query: Query, stale: Stale) -> Hits:
    """Return the keys of a database for which all conditions hold: those with the words in the key first, then the newest.

    Parameters
    ----------
    database : Database
    query : Query
    stale : callable
        Gives, of some keys of the database, those that are stale, each with the reason.
    """
    storage: Storage = database._storage
    prefix = f"{database.prefix}/" if database.prefix else ""
    everything = list_places(storage, prefix)
    places = _with_meant_keys(everything, query.of_key, len(prefix))
    kept = Kept(storage, str(database.root.id))
    needed = dict.fromkeys([*_SHOWN, *[name for term in query.of_record for name in term.columns]])
    columns, changed = kept.sort_out(places, needed)
    began_s = time.time()
    read = read_many(storage, changed, needles_of(query.of_record))
    kept.keep(read, changed, began_s, all_keys={place.key for place in everything} if not prefix else None)
    n_kept = len(columns.get("key", ()))
    standing = kept.standing
    if len(standing) < n_kept / 2:  # few are meant: what is asked of all rows of a column is asked of these alone
        columns = {name: [column[row] for row in standing] for name, column in columns.items()}
        n_kept, standing = len(standing), list(range(len(standing)))
    table = _table(storage, kept, columns, read.columns, query)
    rows = [*standing, *range(n_kept, n_kept + len(read.columns["key"]))]
    n_texts, began_s = len(table.texts), time.time()
    for term in query.of_record:
        rows = list(filter(table.test(term), rows))
    if len(table.texts) > n_texts:
        kept.keep_texts(table.texts, began_s)
    terms = query.terms
    if query.wants_stale is not None:  # last, for it asks about files and code
        reasons = stale(database, [table.column("key")[row][len(prefix) :] for row in rows])
        found = OneOf({prefix + key: why for key, why in reasons.items()})
        is_stale = found.holds(table)
        rows = [row for row in rows if is_stale(row) is query.wants_stale]
        terms = (*terms, found) if query.wants_stale else terms
    _sort(rows, table, query)
    unreadable = [Unsearched(str(database.path), key.removeprefix(prefix), why) for key, why in read.unreadable]
    return Hits(_Found(table, rows, terms, prefix, database), unreadable=unreadable, n_searched=len(everything))


def _sort(rows: list[int], table: Table, query: Query) -> None:
    """Put first what has the words in its key, then the newest."""
    created, keys = table.column("created"), table.column("key")
    rows.sort(key=lambda row: created[row], reverse=True)
    words = [term.word.casefold() for term in query.terms if isinstance(term, Anything)]
    if words:
        rows.sort(key=lambda row: sum([word not in keys[row].casefold() for word in words]))


def _table(storage: Storage, kept: Kept, columns: dict[str, list[Any]], read: dict[str, list[Any]], query: Query) -> Table:
    texts = kept.texts() if any("code" in term.columns for term in query.of_record) else {}
    return Table(storage, columns, read, texts)


def list_places(storage: Storage, prefix: str = "") -> list[Place]:
    """Return all keys that hold a value, at any depth, with their folders."""
    folder = "/".join([folder_name(name) for name in prefix.split("/") if name])
    places: list[Place] = []
    waiting = [(prefix, folder)]
    while waiting:  # no recursion: folders may lie deeper than Python's stack
        prefix, folder = waiting.pop()
        found = list_folder(storage, folder)
        path = f"{folder}/" if folder else ""
        folders = found.keys if are_ordinary(found.keys) else list(map(folder_name, found.keys))
        places += map(Place, [prefix + name for name in found.keys], [f"{path}{name}{KEY_SUFFIX}" for name in folders])
        waiting += [(f"{prefix}{name}/", f"{path}{folder_name(name)}") for name in reversed(found.sub_databases)]
    return places


def _with_meant_keys(places: list[Place], terms: tuple[OfKey, ...], n_prefix: int) -> list[Place]:
    for term in terms:
        matches = term.matches()
        places = [place for place in places if matches(place.key[n_prefix:])]
    return places
