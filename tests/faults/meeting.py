"""What two do to one database when they meet, and what may come of it: the same as of one after the other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import isfdb
from isfdb.database import Database
from isfdb.errors import IsfdbError
from isfdb.testing.acting import outcome_of
from isfdb.testing.histories import Operation
from isfdb.testing.interleaving import Actor, meet, meetings

Call = Callable[[Database], Any]


def array(length: int) -> Any:
    import numpy

    return numpy.arange(length)


def plain(value: Any) -> Any:
    return tuple(value.tolist()) if hasattr(value, "tolist") else value


def put(key: str, value: Any) -> Call:
    return lambda db: db.set(key, value) and None


def delete(key: str) -> Call:
    return lambda db: db.__delitem__(key)


def get(key: str) -> Call:
    return lambda db: plain(db[key])


def rename(old: str, new: str) -> Call:
    return lambda db: db.rename(old, new)


def append(key: str, number: int) -> Call:
    return lambda db: db.append(key, array(number + 1)[-1:]) and None


def note(key: str, name: str) -> Call:
    return lambda db: db.attributes[key].update({name: 1})


def copy(old: str, new: str) -> Call:
    return lambda db: db.copy(old, new) and None


def in_turn(*calls: Call) -> Call:
    def call(db: Database) -> None:
        for one in calls:
            one(db)

    return call


def collect(db: Database) -> None:
    db.collect(grace_s=0, trash_s=0)


def nothing(db: Database) -> None:
    """Begin with an empty database."""


def one_key(db: Database) -> None:
    db["k"] = array(2)
    db["k"] = array(3)
    db.attributes["k"]["u"] = 1


def and_a_used_name(db: Database) -> None:
    one_key(db)
    db["m"] = 9
    del db["m"]


@dataclass(frozen=True)
class Meeting:
    """Two calls, what is there before, and what else than one after the other may come of them, with the reason."""

    start: Call
    first: Call
    second: Call
    may_too: tuple[str, ...] = ()


_RENAMED = "{'m': ((0, 1, 2), {'u': 1})}"
#: Both renamed the key to one name: the second takes the first one's rename for its own, whose answer was lost, or finds no key.
BOTH_RENAMED = (f"None None {_RENAMED}", f"KeyNotFoundError None {_RENAMED}", f"None KeyNotFoundError {_RENAMED}")
#: The reader came between the two.
BETWEEN = ("KeyNotFoundError None {'k': (5, {}), 'm': ((0, 1, 2), {'u': 1})}",)
#: The note was made after the rename had brought it along, and before it was told of: its caller makes it again, under the new name.
BROUGHT_ALONG = (
    "None KeyNotFoundError {'m': ((0, 1, 2), {'u': 1, 'x': 1})}",
    "KeyNotFoundError None {'m': ((0, 1, 2), {'u': 1, 'x': 1})}",
)
#: A sub-database that went away under a writer: a clear error, and nothing stored.
REFUSED_IN_T = ("StorageError None {'t/a': (1, {})}", "None StorageError {'t/a': (1, {})}")
REFUSED = ("StorageError None {}", "None StorageError {}")


def in_a_sub_database(db: Database) -> None:
    db["s/a"] = 1


MEETINGS = {
    "note, note": Meeting(one_key, note("k", "x"), note("k", "y")),
    "note, delete": Meeting(one_key, note("k", "x"), delete("k")),
    "note, rename": Meeting(one_key, note("k", "x"), rename("k", "m")),
    "rename, note": Meeting(one_key, rename("k", "m"), note("k", "x")),
    "note, rename to a used name": Meeting(and_a_used_name, note("k", "x"), rename("k", "m"), BROUGHT_ALONG),
    "rename to a used name, note": Meeting(and_a_used_name, rename("k", "m"), note("k", "x"), BROUGHT_ALONG),
    "append, append": Meeting(one_key, append("k", 7), append("k", 8)),
    "append, append, both the first": Meeting(nothing, append("k", 7), append("k", 8)),
    "append, put": Meeting(one_key, append("k", 7), put("k", array(1))),
    "append, delete": Meeting(one_key, append("k", 7), delete("k")),
    "append, collect": Meeting(one_key, append("k", 7), collect),
    "collect, append": Meeting(one_key, collect, append("k", 7)),
    "append, rename": Meeting(one_key, append("k", 7), rename("k", "m")),
    "rename, append": Meeting(one_key, rename("k", "m"), append("k", 7)),
    "rename, rename": Meeting(one_key, rename("k", "m"), rename("k", "n")),
    "rename, rename, to one name": Meeting(one_key, rename("k", "m"), rename("k", "m"), BOTH_RENAMED),
    "rename to a used name, rename": Meeting(and_a_used_name, rename("k", "m"), rename("k", "n")),
    "rename, rename on": Meeting(one_key, rename("k", "m"), rename("m", "n")),
    "rename, put under the old name": Meeting(one_key, rename("k", "m"), put("k", 5)),
    "put, rename": Meeting(one_key, put("k", 5), rename("k", "m")),
    "rename, put under the new name": Meeting(one_key, rename("k", "m"), put("m", 5)),
    "put under a new name, rename to it": Meeting(one_key, put("m", 5), rename("k", "m")),
    "rename to a used name, put under that name": Meeting(and_a_used_name, rename("k", "m"), put("m", 5)),
    "put, rename to a used name": Meeting(and_a_used_name, put("k", 5), rename("k", "m")),
    "rename, delete": Meeting(one_key, rename("k", "m"), delete("k")),
    "delete, rename": Meeting(one_key, delete("k"), rename("k", "m")),
    "rename to a used name, delete": Meeting(and_a_used_name, rename("k", "m"), delete("k")),
    "get, rename": Meeting(one_key, get("k"), rename("k", "m")),
    "get, overwrite and collect": Meeting(one_key, get("k"), in_turn(put("k", 5), collect)),
    "get, rename and put": Meeting(one_key, get("k"), in_turn(rename("k", "m"), put("k", 5)), BETWEEN),
    "copy, overwrite and collect": Meeting(one_key, copy("k", "m"), in_turn(put("k", 5), collect)),
    "collect, collect": Meeting(one_key, collect, collect),
    "collect, rename": Meeting(one_key, collect, rename("k", "m")),
    "rename, collect": Meeting(one_key, rename("k", "m"), collect),
    "two keys of a new sub-database": Meeting(nothing, put("s/k", 1), put("s/m", 2)),
    "delete a sub-database, put in it": Meeting(in_a_sub_database, delete("s"), put("s/k", 1), REFUSED),
    "put in a sub-database, delete it": Meeting(in_a_sub_database, put("s/k", 1), delete("s"), REFUSED),
    "rename a sub-database, put in it": Meeting(in_a_sub_database, rename("s", "t"), put("s/k", 1), REFUSED_IN_T),
    "put in a sub-database, rename it": Meeting(in_a_sub_database, put("s/k", 1), rename("s", "t"), REFUSED_IN_T),
}


def make(path: Path, start: Call) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    with isfdb.open(path, durability="process") as db:
        start(db)
    return path


def actors(path: Path, meeting: Meeting) -> tuple[Actor, Actor]:
    make(path, meeting.start)
    return Actor(meeting.first, str(path)), Actor(meeting.second, str(path))


def one_after_the_other(path: Path, meeting: Meeting) -> tuple[set[str], int, int]:
    """Return what comes of both orders, and how many steps each call takes alone."""
    found, lengths = set(), []
    for which in (0, 1):
        both = actors(path, meeting)
        both[which].finish()
        lengths.append(len(both[which].steps))
        both[1 - which].finish()
        found.add(outcome(path, *both))
    return found, lengths[0], lengths[1]


def outcome(path: Path, first: Actor, second: Actor) -> str:
    """Say what both calls gave and what is stored afterwards."""
    db = isfdb.open(path)
    try:
        stored: Any = {key: (plain(db[key]), dict(db.attributes[key].items())) for key in db.keys(recurse=True)}
    except IsfdbError as error:
        stored = f"a listed key that cannot be read: {error}"
    return f"{_said(first)} {_said(second)} {stored}"


def _said(actor: Actor) -> str:
    return type(actor.error).__name__ if actor.error else repr(actor.result)


def what_comes_of(path: Path, meeting: Meeting, every: int) -> Iterator[tuple[str, str]]:
    """Let the calls meet in every way that is asked for; give the way, and what was wrong, empty where nothing was."""
    allowed, first, second = one_after_the_other(path, meeting)
    allowed.update(meeting.may_too)
    for place, other in meetings(first, second, every=every):
        both = actors(path, meeting)
        meet(*both, place, other)
        for actor in both:
            actor.finish()
        yield f"after {place} and {other} steps", _problem(path, both, allowed)


def _problem(path: Path, both: tuple[Actor, Actor], allowed: set[str]) -> str:
    for actor in both:
        if actor.error is not None and not isinstance(actor.error, (IsfdbError, KeyError)):
            return f"an error that is none of ours: {actor.error!r}"
    if (found := outcome(path, *both)) not in allowed:
        return f"{found}, which comes of neither order"
    if serious := isfdb.verify(isfdb.open(path)).serious:
        return f"verify: {'; '.join(map(str, serious))}"
    return numbers_used_twice(path)


def numbers_used_twice(path: Path) -> str:
    """Say where a number stands for two versions: of one name, here or in the history that a rename took along."""
    db = isfdb.open(path)
    used: dict[tuple[str, int], str] = {}
    for key in ("k", "m", "n"):
        for version in db.versions(key) if (path / f"{key}.key").exists() else ():
            named = (str(version.record["key"]), version.number)
            if used.setdefault(named, version.record["nonce"]) != version.record["nonce"]:
                return f"version {version.number} of {named[0]!r} was given twice"
    return ""


# One key, seen by a reader --------------------------------------------------------------------------------------------------------


def call(name: str, argument: Any) -> Call:
    """Return a call of the model's vocabulary, which gives the outcomes that the model knows."""
    return lambda db: outcome_of(db, "k", name, argument)


def look(path: Path, moment: float) -> list[Operation]:
    """Read the key in three ways, one after the other."""
    db = isfdb.open(path, "r")
    reads = [(name, moment + place / 10) for place, name in enumerate(("get", "has", "listed"))]
    return [Operation("reader", name, None, call(name, None)(db), start, start + 0.05) for name, start in reads]


def seen(first: tuple[str, Any], second: tuple[str, Any], both: tuple[Actor, Actor], path: Path, place: int, other: int) -> list[Operation]:
    """Let two calls meet, look at the key when both stand and whenever one has ended, and return the history."""
    meet(both[0], both[1], place, other)
    ended = both[0].is_done, both[1].is_done
    history = look(path, 10)
    both[0].finish()
    history += look(path, 20)
    both[1].finish()
    history += look(path, 30)
    results = [actor.error or actor.result for actor in both]
    return [
        *history,
        Operation("first", *first, results[0], 0, 1 if ended[0] else 19),
        Operation("second", *second, results[1], 2 if ended[0] else 0.5, 9 if ended[1] else 29),
    ]
