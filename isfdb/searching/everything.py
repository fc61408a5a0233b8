"""Some facts about every key of a database, for others than searches: what is kept of them, and the rest read. It asks no condition."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from isfdb.searching.kept import Kept
from isfdb.searching.reading_processes import read_many
from isfdb.searching.search import list_places
from isfdb.searching.table import Table
from isfdb.storage.base import Storage


@dataclass(frozen=True)
class Everything:
    """Facts about all keys of a database.

    Attributes
    ----------
    table : Table
    rows : list of int
        The rows of the table that count.
    keys : set of str
        All keys that were listed.
    n_unreadable : int
        How many of them could not be read.
    """

    table: Table
    rows: list[int]
    keys: set[str]
    n_unreadable: int


def everything_about(storage: Storage, database_id: str, names: Iterable[str]) -> Everything:
    """Return facts about every key of a database, sub-databases included; `names` says which."""
    places = list_places(storage)
    kept = Kept(storage, database_id)
    columns, changed = kept.sort_out(places, names)
    began_s = time.time()
    read = read_many(storage, changed)
    keys = {place.key for place in places}
    kept.keep(read, changed, began_s, all_keys=keys)
    n_kept = len(columns.get("key", ()))
    rows = [*kept.standing, *range(n_kept, n_kept + len(read.columns["key"]))]
    return Everything(Table(storage, columns, read.columns, {}), rows, keys, len(read.unreadable))
