"""Everything that looks at a database: what must give an answer or one of isfdb's errors, whatever its files say."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import isfdb
from isfdb.errors import IsfdbError

_FACTS = ("versions", "metadata", "attributes", "describe", "path", "nbytes", "code", "session", "inputs", "risks")


def all_looks(path: Path, keys: tuple[str, ...]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Give each by its name."""
    db = isfdb.open(path, mode="r")
    yield "keys", lambda: (db.keys(recurse=True), len(db))
    yield "ls", lambda: (str(db.ls()), db._repr_mimebundle_())
    yield "verify", lambda: (str(isfdb.verify(db)), isfdb.verify(db)._repr_mimebundle_())
    yield "find", lambda: (str(isfdb.find(db, "1")), str(isfdb.find(db, stale=True)))
    yield "collect", lambda: db.collect(dry_run=True)
    for key in keys:
        yield from _looks_at_key(db, key)


def _looks_at_key(db: isfdb.Database, key: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield f"value of {key}", lambda: db[key]
    yield f"first value of {key}", lambda: db.get(key, version=1)
    yield f"value of {key} at a date", lambda: db.get(key, version="2026-11-21")
    yield f"versions of {key}", lambda: str(db.versions(key))
    yield f"entry of {key}", lambda: (str(db.entry(key)), db.entry(key)._repr_mimebundle_())
    yield f"metadata of {key}", lambda: dict(db.metadata[key])
    yield f"code of {key}", lambda: str(isfdb.code(db, key))
    yield f"lineage of {key}", lambda: (str(isfdb.lineage(db, key)), isfdb.lineage(db, key)._repr_mimebundle_())
    yield f"difference of {key}", lambda: str(isfdb.diff(db.versions(key)[0], db.versions(key)[-1]))
    for fact in _FACTS:
        yield f"{fact} of {key}", lambda fact=fact: str(getattr(db.entry(key), fact))


def broken_looks(path: Path, keys: tuple[str, ...]) -> list[str]:
    """Return what came out that is no error of isfdb's, and of which look."""
    broken = []
    try:
        looks = list(all_looks(path, keys))
    except IsfdbError:
        return []
    for name, look in looks:
        try:
            look()
        except IsfdbError as error:
            str(error)
        except Exception:  # noqa: BLE001 - which is what is looked for
            broken.append(f"{name}: {traceback.format_exc(limit=-4)}")
    return broken
