"""Which versions an audit looks at: by pattern, by time, by sample. It reads records and opens no value."""

from __future__ import annotations

import datetime
import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from isfdb.display.safe import visible
from isfdb.entry import Version, version_of, versions_of
from isfdb.errors import IsfdbError, OptionError
from isfdb.hashing import digest_of
from isfdb.listing import list_folder
from isfdb.searching.values import is_wild, pattern_test
from isfdb.versions import numbers_of, original_of

if TYPE_CHECKING:
    from isfdb.database import Database

#: What `changed_since` may say besides a time.
LAST_AUDIT: Final = "last audit"

_MOST_KEYS: Final = 10_000  # that are looked through for one that may have been meant


@dataclass(frozen=True)
class Choice:
    """What is to be looked at.

    Attributes
    ----------
    only : tuple of str
        Patterns of keys, one of which must fit; empty: all keys.
    since : datetime or None
        Only versions that were stored then or later.
    sample : int or float or None
        How many of the versions that are left, or which share of them.
    seed : int
        Of the sample. The same seed gives the same sample, and keys that come later replace few in it.
    all_versions : bool
        Not only the newest of each key.
    """

    only: tuple[str, ...] = ()
    since: datetime.datetime | None = None
    sample: int | float | None = None
    seed: int = 1
    all_versions: bool = False

    def to_json(self) -> dict[str, object]:
        """Return all of it as plain values."""
        since = self.since.isoformat() if self.since else None
        return {"only": list(self.only), "since": since, "sample": self.sample, "seed": self.seed, "all_versions": self.all_versions}


def checked_only(only: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return patterns as they are used.

    Raises
    ------
    OptionError
    """
    patterns = (only,) if isinstance(only, str) else tuple(only or ())
    if not all(isinstance(one, str) and one for one in patterns):
        raise OptionError(f"only={only!r} is no pattern of keys. Write only='cells/*', or a list of such texts.", only=only)
    return patterns


def check_that_all_fit(only: Sequence[str], databases: Sequence[Database]) -> None:
    """Refuse a pattern that fits no key in any database: an audit of nothing is passed, and nobody would see the slip of the pen.

    Raises
    ------
    OptionError
        With keys that may have been meant.
    """
    left = {pattern: key_test([pattern]) for pattern in only}
    met: list[str] = []
    for key in [] if not left else (key for db in databases for key, _ in _keys(db)):
        left = {pattern: fits for pattern, fits in left.items() if not fits(key)}
        if not left:
            return
        met += [key] if len(met) < _MOST_KEYS else []
    if left:
        where = ", ".join([visible(db.name) for db in databases])
        message = f"only={next(iter(left))!r} fits no key of {where}.{_meant(next(iter(left)), met)}"
        raise OptionError(message, only=tuple(only))


def _meant(pattern: str, keys: Sequence[str]) -> str:
    """Return a sentence with keys and sub-databases that are nearly the same as a pattern, by all of their name or the last part."""
    words = {word.casefold(): key for key in reversed(keys) for word in (key, key.rpartition("/")[2], key.rpartition("/")[0]) if word}
    near = difflib.get_close_matches(pattern.strip("*").casefold(), words, 3, 0.5)
    named = list(dict.fromkeys([visible(words[word], 60) for word in near]))
    if named:
        return f" Near to it: {', '.join(named)}."
    return f" There are {len(keys):,} keys, as {visible(keys[0], 60)}." if keys else " It has no keys."


def checked_sample(sample: float | None) -> int | float | None:
    """Return a number from 1 or a share up to 1.

    Raises
    ------
    OptionError
    """
    is_number = type(sample) is int and sample >= 1
    is_share = isinstance(sample, float) and 0 < sample <= 1
    if sample is not None and not is_number and not is_share:
        raise OptionError(f"sample={sample!r} is neither a number from 1 nor a share such as 0.1.", sample=sample)
    return sample


def checked_time(since: str | datetime.date | None) -> datetime.datetime | None:
    """Return a time in UTC; a date means its beginning.

    Raises
    ------
    OptionError
    """
    if since is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(since) if isinstance(since, str) else since
    except ValueError:
        moment = None
    if isinstance(moment, datetime.date) and not isinstance(moment, datetime.datetime):
        moment = datetime.datetime.combine(moment, datetime.time.min)
    if not isinstance(moment, datetime.datetime):
        message = f"changed_since={since!r} is no time. Write 2026-11-21, 2026-11-21T08:00:00+00:00, or {LAST_AUDIT!r}."
        raise OptionError(message, changed_since=since)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


class Chosen:
    """The versions of a database and its sub-databases that are meant, and what else is met while they are gone through.

    Parameters
    ----------
    db : Database
    choice : Choice

    Attributes
    ----------
    n_fitting : int
        How many there were before a sample was taken.
    deleted : list of str
        Keys that hold no value any more.
    unreadable : list of (str, str)
        Keys whose record cannot be read, and why.
    """

    def __init__(self, db: Database, choice: Choice) -> None:
        self._db = db
        self._choice = choice
        self.n_fitting = 0
        self.deleted: list[str] = []
        self.unreadable: list[tuple[str, str]] = []

    def __iter__(self) -> Iterator[Version]:
        # One after the other, for there may be a hundred thousand; only a sample must have seen all of them.
        if self._choice.sample is None:
            return self._fitting()
        return iter(_sampled(list(self._fitting()), self._choice.sample, self._choice.seed))

    def _fitting(self) -> Iterator[Version]:
        fits = key_test(self._choice.only)
        for key, key_folder in _keys(self._db):
            for version in self._of_key(key, key_folder) if fits(key) else ():
                self.n_fitting += 1
                yield version

    def _of_key(self, key: str, key_folder: str) -> list[Version]:
        since = self._choice.since
        try:
            versions = self._all_of_key(key, key_folder) if self._choice.all_versions else self._newest(key, key_folder)
            return [one for one in versions if not one.deleted and (since is None or one.created >= since)]
        except (IsfdbError, OSError, ValueError, TypeError, RecursionError) as error:
            self.unreadable.append((key, str(error) or type(error).__name__))
            return []

    def _all_of_key(self, key: str, key_folder: str) -> list[Version]:
        versions = versions_of(self._db._storage, key_folder, key, self._db.root.id)
        if versions and versions[-1].deleted:
            self.deleted.append(key)
        return list(versions)

    def _newest(self, key: str, key_folder: str) -> list[Version]:
        """Return the version that reading the key gives; none where it was deleted."""
        storage, database_id = self._db._storage, self._db.root.id
        numbers = numbers_of(storage, key_folder)
        if not numbers:
            return []
        version = version_of(storage, key_folder, key, database_id, numbers[-1])
        if version.deleted:
            self.deleted.append(key)
            return []
        original = original_of(version.record, numbers)
        return [version if original is None else version_of(storage, key_folder, key, database_id, original)]


def key_test(only: Sequence[str]) -> Callable[[str], bool]:
    """Return what tells whether a key is meant, as `find` does: by all of it or its last name; a sub-database means all in it."""
    tests = [test for pattern in only for test in _tests(pattern)]
    return lambda key: not tests or any(test(key) for test in tests)


def _tests(pattern: str) -> Iterator[Callable[[str], bool]]:
    test = pattern_test(pattern)
    yield lambda key: key == pattern  # a key may hold brackets
    yield test
    yield lambda key: test(key.rpartition("/")[2])
    if not is_wild(pattern):
        folder = pattern.rstrip("/").casefold() + "/"
        yield lambda key: key.casefold().startswith(folder)


def _keys(db: Database) -> Iterator[tuple[str, str]]:
    """Give all keys, deleted ones among them, and their folders."""
    waiting = [db]
    while waiting:
        part = waiting.pop()
        listing = list_folder(part._storage, part._folder, deleted=True)
        within = part.prefix.removeprefix(db.prefix).lstrip("/")
        for name in sorted(listing.keys):
            try:
                yield (f"{within}/{name}" if within else name), part._key_folder((name,))
            except IsfdbError:
                continue  # no key of ours; verify reports it
        waiting += [part._sub(name) for name in sorted(listing.sub_databases, reverse=True)]


def _sampled(versions: list[Version], sample: float, seed: int) -> list[Version]:
    """Return some versions in their order: those whose links have the lowest digests together with the seed."""
    n = sample if isinstance(sample, int) else math.ceil(sample * len(versions))
    lowest = sorted(versions, key=lambda one: digest_of(f"{seed} {one.link}".encode()))[:n]
    meant = {one.link for one in lowest}
    return [one for one in versions if one.link in meant]
