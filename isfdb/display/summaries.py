"""What is said about databases and keys, as plain data: the one source of text, HTML and JSON. Reads JSON only, never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from isfdb.display.badges import MOST_BYTES_OF_A_TREE, VerdictsRead, badges_of
from isfdb.display.descriptions import few_words
from isfdb.display.words import What, what_parts, what_text
from isfdb.errors import IsfdbError

if TYPE_CHECKING:
    from datetime import datetime

    from isfdb.display.badges import Badge

#: What reading a record may raise when its JSON is not what isfdb wrote: the line about that key then says so.
UNREADABLE = (IsfdbError, OSError, ValueError, TypeError, KeyError, AttributeError)

#: How many keys a representation looks into before it only counts the rest.
MAX_KEYS = 200
#: How many levels of sub-databases it opens: nobody reads deeper, and each level is a call and an element of the page.
MAX_LEVELS = 24
#: How to see what a representation does not show.
MORE_KEYS = "More keys: db.ls(max_keys=10_000) lists them, db.keys() has all names, isfdb.find(db, 'word') searches."


@dataclass(frozen=True)
class KeySummary:
    """One key, or one version of it, as it is shown in a line."""

    key: str
    name: str
    what: str = ""
    describe: Mapping[str, Any] | None = None
    dumper: str = ""
    version: int | None = None
    created: datetime | None = None
    nbytes: int | None = None
    digest: str = ""
    link: str = ""
    maker: str = ""
    deleted: bool = False
    reclaimed: bool = False
    problem: str = ""
    badges: tuple[Badge, ...] = ()

    @property
    def parts(self) -> What:
        """Type, shape, dtype and the like, apart."""
        return What(self.what) if self.deleted else what_parts(self.describe or {}, self.dumper)

    @property
    def what_and_names(self) -> str:
        """What it is, and the first names of its columns or members."""
        names = few_words(self.describe or {})
        return f"{self.what}: {names}" if names else self.what

    def to_json(self) -> dict[str, Any]:
        """Return the members that ``--json`` prints."""
        return {
            "key": self.key,
            "kind": "unreadable" if self.problem else "value",
            "what": self.what,
            "describe": dict(self.describe or {}),
            "dumper": self.dumper,
            "version": self.version,
            "created": self.created.isoformat() if self.created else None,
            "nbytes": self.nbytes,
            "digest": self.digest,
            "link": self.link,
            "deleted": self.deleted,
            "reclaimed": self.reclaimed,
            "problem": self.problem or None,
            "badges": [badge.to_json() for badge in self.badges],
        }


@dataclass(frozen=True)
class Branch:
    """A database or sub-database with what is shown of its members."""

    key: str
    name: str
    members: tuple[KeySummary | Branch, ...]
    n_members: int
    problem: str = ""

    @property
    def hidden(self) -> int:
        """How many members are not shown."""
        return self.n_members - len(self.members)

    @property
    def is_cut(self) -> bool:
        """Whether there is more in it, at any depth, than is shown."""
        return self.hidden > 0 or any(isinstance(member, Branch) and member.is_cut for member in self.members)

    def values(self) -> Iterator[KeySummary]:
        """Yield all values shown in it, at any depth."""
        for member in self.members:
            if isinstance(member, Branch):
                yield from member.values()
            else:
                yield member

    def to_json(self) -> dict[str, Any]:
        """Return the members that ``--json`` prints."""
        return {
            "key": self.key,
            "kind": "sub-database",
            "n_members": self.n_members,
            "members": [member.to_json() for member in self.members],
            "problem": self.problem or None,
        }


class _Budget:
    """How many keys may still be looked into, and what may be read about their replays."""

    def __init__(self, keys: int) -> None:
        self.left = keys
        self.verdicts = VerdictsRead(MOST_BYTES_OF_A_TREE)

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def branch(db: Any, *, depth: int | None = None, max_keys: int = MAX_KEYS) -> Branch:
    """Summarise a database.

    Parameters
    ----------
    db : Database
        Only listed, and the JSON of the keys that are shown is read.
    depth : int, optional
        How many levels of keys to show; at most `MAX_LEVELS`, which is the default.
    max_keys : int
        Keys looked into, all levels together; the rest is counted only.
    """
    return _branch(db, "", str(db.name), MAX_LEVELS if depth is None else min(depth, MAX_LEVELS), _Budget(max_keys))


def _branch(db: Any, prefix: str, name: str, depth: int, budget: _Budget) -> Branch:
    names = tuple(db.keys())
    members: list[KeySummary | Branch] = []
    for child in names if depth > 0 else ():
        if not budget.take():
            break
        members.append(_member(db, child, f"{prefix}{child}", depth, budget))
    return Branch(prefix.rstrip("/"), name, tuple(members), len(names))


def _member(db: Any, name: str, key: str, depth: int, budget: _Budget) -> KeySummary | Branch:
    try:
        if not db.is_sub_db(name):
            newest = db.entry(name).newest
            return replace(version_summary(newest, key, name), badges=badges_of(newest, budget.verdicts))
        return _branch(db[name], f"{key}/", name, depth - 1, budget)
    except UNREADABLE as error:
        # One key that cannot be read must not hide the others; what is wrong with it stands in its line.
        return KeySummary(key=key, name=name, what="unreadable", problem=str(error))


def entry_summary(entry: Any, key: str | None = None, name: str | None = None) -> KeySummary:
    """Summarise a key by its newest version."""
    key = entry.key if key is None else key
    return badged_summary(entry.newest, key, name or key.rpartition("/")[2])


def badged_summary(version: Any, key: str, name: str = "") -> KeySummary:
    """Summarise one version, with all that is to be noticed about it; a look for its verdict is one file more."""
    return replace(version_summary(version, key, name), badges=badges_of(version, VerdictsRead(), commit=True))


def version_summary(version: Any, key: str, name: str = "") -> KeySummary:
    """Summarise one version, without badges."""
    gone = "deleted" if version.deleted else ""
    describe = {} if gone else version.describe
    describe = describe if isinstance(describe, Mapping) else {}
    return KeySummary(
        key=key,
        name=name or key,
        what=gone or what_text(describe, version.dumper),
        describe=describe,
        dumper=str(version.dumper or ""),
        version=version.number,
        created=version.created,
        nbytes=None if gone else version.nbytes,
        digest=str(version.digest or ""),
        link=str(version.link),
        maker=maker_text(version.record),
        deleted=bool(version.deleted),
        reclaimed=bool(version.reclaimed),
    )


def maker_text(record: Any) -> str:
    """Return what stored a version, as far as its record tells: ``cell [2]``, ``script``."""
    activity = record.get("activity") if isinstance(record, Mapping) else None
    kind, count = (activity.get("kind"), activity.get("count")) if isinstance(activity, Mapping) else (None, None)
    return "" if not isinstance(kind, str) else f"{kind} [{count}]" if isinstance(count, int) else kind
